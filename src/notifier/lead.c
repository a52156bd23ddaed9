/* src/notifier/lead.c - leadership: one advisory lock per shard, which dies with its session */
#include "core/log.h"
#include "notifier/notifier.h"

#include <stdio.h>

#define LOCK_EVERY_MS 1000

/* A chunk under way is kept: if the lock comes back before anybody else has been there, what was
 * delivered still counts. */
void lead_lost(struct notifier *n)
{
	for (int i = 0; i < SHARDS; i++) {
		struct shard *s = &n->shards[i];

		if (s->leads)
			log_msg(LOG_WARN_, "shard %d is not led any more", i);
		s->leads = false;
	}
	n->backend = 0;
	n->lock_at = 0;
}

enum lock { LOCK_OURS, LOCK_TAKEN, LOCK_UNKNOWN };

static enum lock try_lock(struct notifier *n, int shard)
{
	char number[12];
	PGresult *r;

	snprintf(number, sizeof(number), "%d", shard);
	if (db_query(notifier_ctx(n, n->scratch), Q_SHARD_LOCK, &r, number) != OK)
		return LOCK_UNKNOWN;
	return strcmp(db_get(r, 0, 0), "t") == 0 ? LOCK_OURS : LOCK_TAKEN;
}

static void begin_leading(struct notifier *n, struct shard *s)
{
	s->leads = true;
	s->pause_until = 0;
	log_msg(LOG_INFO_, "leading shard %d", s->number);
	n->look_at = 0;
}

bool lead_step(struct notifier *n, int64_t now)
{
	PGconn *conn = db_handle(n->db);

	if (!conn) {
		lead_lost(n);
		return false;
	}
	if (n->backend != PQbackendPID(conn)) {	/* made anew: the old session's locks are gone */
		lead_lost(n);
		n->backend = PQbackendPID(conn);
	}
	if (!n->producer || now < n->lock_at)
		return true;
	n->lock_at = now + LOCK_EVERY_MS;
	for (int i = 0; i < SHARDS; i++) {
		struct shard *s = &n->shards[i];
		enum lock lock = s->leads ? LOCK_UNKNOWN : try_lock(n, i);

		if (lock == LOCK_OURS)
			begin_leading(n, s);
		else if (lock == LOCK_TAKEN && s->unreported == 0)
			chunk_drop(n, s);	/* its leader sends it again */
	}
	arena_reset(n->scratch);
	return true;
}
