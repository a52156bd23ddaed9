/* src/notifier/relay.c - from the outbox to the broker: looks for new rows, moves each shard on */
#include "core/log.h"
#include "notifier/notifier.h"

#include <stdio.h>
#include <stdlib.h>

#define ARENA_MAX ((size_t)64 << 20)
#define PAUSE_MS 250
#define CALL_GAP_MS 20	/* under load every batch would be one row */
#define STEPS 8		/* of one shard in a row: others wait */

void relay_init(struct notifier *n)
{
	for (int i = 0; i < SHARDS; i++) {
		n->shards[i].number = i;
		n->shards[i].bad = -1;
		n->shards[i].arena = arena_new(ARENA_MAX);
		n->shards[i].batch_arena = arena_new(ARENA_MAX);
	}
	n->pause = n->cfg->notifier_poll_min;
}

bool relay_open(struct notifier *n)
{
	char why[256] = "";

	if (n->cfg->kafka_brokers[0] == '\0')
		return true;
	n->producer = producer_new(n->cfg, chunk_report, n, why, sizeof(why));
	if (!n->producer)
		log_pairs(LOG_ERROR_, "kafka", "detail", why, (char *)NULL);
	return n->producer != NULL;
}

void relay_close(struct notifier *n)
{
	producer_close(n->producer, 0);
	n->producer = NULL;
	for (int i = 0; i < SHARDS; i++) {
		arena_free(n->shards[i].arena);
		arena_free(n->shards[i].batch_arena);
	}
}

/* What was under way is reported as lost by the closing, and sent again by the new producer. */
static void begin_anew(struct notifier *n)
{
	char why[256] = "";

	if (!producer_fatal(n->producer, why, sizeof(why)))
		return;
	log_pairs(LOG_ERROR_, "kafka: a new producer is needed", "detail", why, (char *)NULL);
	producer_close(n->producer, 0);
	if (!relay_open(n))
		abort();	/* the same configuration was good before */
}

bool relay_in_flight(const struct notifier *n)
{
	for (int i = 0; i < SHARDS; i++)
		if (n->shards[i].unreported > 0)
			return true;
	return false;
}

void relay_woken(struct notifier *n, int64_t now)
{
	int64_t soonest = n->looked_at + CALL_GAP_MS;

	n->pause = n->cfg->notifier_poll_min;
	if (n->look_at > soonest)
		n->look_at = soonest > now ? soonest : now;
}

static bool could_begin(const struct shard *s)
{
	return s->leads && s->state == SHARD_IDLE && !s->batch && !s->waiting;
}

/* Asks without writing whether there is anything; the pause between questions adapts. */
static void look(struct notifier *n, int64_t now)
{
	bool found = false, idle = false;
	PGresult *r;

	for (int i = 0; i < SHARDS; i++)
		idle |= could_begin(&n->shards[i]);
	if (!idle || now < n->look_at)
		return;
	n->looked_at = now;
	n->look_at = now + PAUSE_MS;
	if (db_query0(notifier_ctx(n, n->scratch), Q_RELAY_WAITING, &r) == OK) {
		for (int i = 0; i < PQntuples(r); i++) {
			long shard = db_get_long(r, i, 0);

			if (shard < 0 || shard >= SHARDS || !could_begin(&n->shards[shard]))
				continue;
			n->shards[shard].waiting = true;
			found = true;
		}
		n->pause = found ? n->cfg->notifier_poll_min : n->pause * 2;
		if (n->pause > n->cfg->notifier_poll_max)
			n->pause = n->cfg->notifier_poll_max;
		n->look_at = now + n->pause;
	}
	arena_reset(n->scratch);
}

/* False: nothing more can be done for it now. */
static bool shard_step(struct notifier *n, struct shard *s, int64_t now)
{
	if (now < s->pause_until)
		return false;
	switch (s->state) {
	case SHARD_IDLE:
		if (!s->leads || n->stopping || !(s->batch || s->waiting))
			return false;
		if (chunk_load(n, s) != OK) {
			s->waiting = true;
			s->pause_until = now + PAUSE_MS;
			return false;
		}
		return true;
	case SHARD_SENDING:
		if (!s->leads)
			return false;
		chunk_send(n, s, now);
		return s->state == SHARD_REPORTS;
	case SHARD_REPORTS:
		chunk_reported(n, s, now);
		return s->state != SHARD_REPORTS;
	case SHARD_DELIVERED:
		if (!s->leads)
			return false;
		chunk_advance(n, s, now);
		return s->state == SHARD_IDLE;
	}
	return false;
}

void relay_step(struct notifier *n, int64_t now)
{
	if (!n->producer)
		return;
	producer_poll(n->producer, 0);
	begin_anew(n);
	if (!n->stopping)
		look(n, now);
	for (int i = 0; i < SHARDS; i++)
		for (int step = 0; step < STEPS; step++)
			if (!shard_step(n, &n->shards[i], now))
				break;
}
