/* src/notifier/relay.c - from the outbox to the broker: looks for new rows, moves each shard on */
#include "core/log.h"
#include "core/strbuf.h"
#include "notifier/notifier.h"

#include <stdio.h>
#include <stdlib.h>

#define ARENA_MAX ((size_t)64 << 20)
#define PAUSE_MS 250
#define CALL_GAP_MS 20	/* under load every batch would be one row */
#define SNAPSHOTS_MAX ((size_t)1 << 20)

void relay_init(struct notifier *n)
{
	for (int i = 0; i < SHARDS; i++) {
		n->shards[i].number = i;
		n->shards[i].bad = -1;
		n->shards[i].arena = arena_new(ARENA_MAX);
	}
	n->pause = n->cfg->notifier_poll_min;
	/* The planner would make a new plan for each chunk, at the price of a thousand rows. */
	n->relay_db = (struct async){ .cfg = *n->cfg, .name = "marquee-notifier relay",
				      .settings = "SET plan_cache_mode = force_generic_plan",
				      .binary = true };
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
		free(n->shards[i].snap);
		free(n->shards[i].stored_next);
		free(n->shards[i].next);
	}
	async_close(&n->relay_db);
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

void relay_woken(struct notifier *n, int64_t now)
{
	int64_t soonest = n->looked_at + CALL_GAP_MS;

	n->pause = n->cfg->notifier_poll_min;
	if (n->look_at > soonest)
		n->look_at = soonest > now ? soonest : now;
}

/* ---- what there is to send ---- */

void shard_keep(char **p, const char *v)
{
	char *copy = strdup(v);

	if (!copy)
		abort();
	free(*p);
	*p = copy;
}

/* Once per leadership: from then on nobody else writes the row. */
static bool know(struct notifier *n, struct shard *s, int64_t now)
{
	char number[12];
	PGresult *r;

	snprintf(number, sizeof(number), "%d", s->number);
	s->known = db_query(notifier_ctx(n, n->scratch), Q_RELAY_STATE, &r, number) == OK;
	if (s->known) {
		shard_keep(&s->snap, db_get(r, 0, 0));
		shard_keep(&s->stored_next, db_get(r, 0, 1));
		s->stored = s->after = strtoll(db_get(r, 0, 2), NULL, 10);
		snprintf(s->at, sizeof(s->at), "%s", db_get(r, 0, 3));
		s->batch = s->stored_next[0] != '\0';
		s->first = 0;
		if (s->batch)
			shard_keep(&s->next, s->stored_next);
	} else {
		s->pause_until = now + PAUSE_MS;
	}
	arena_reset(n->scratch);
	return s->known;
}

static bool idle(const struct shard *s)
{
	return s->leads && s->known && s->state == SHARD_IDLE && !s->batch && !s->replays;
}

/* Arguments of RELAY_LOOK; false when nobody wants to know. */
static bool question(const struct notifier *n, struct strbuf *shards, struct strbuf *snaps)
{
	for (int i = 0; i < SHARDS; i++) {
		const struct shard *s = &n->shards[i];

		if (!idle(s))
			continue;
		strbuf_printf(shards, "%s%d", shards->len ? "," : "{", i);
		strbuf_printf(snaps, "%s\"%s\"", snaps->len ? "," : "{", s->snap);
	}
	strbuf_addc(shards, '}');
	strbuf_addc(snaps, '}');
	return shards->len > 1;
}

/* True when there is something to send. */
static bool answer(struct notifier *n, const PGresult *r, int row)
{
	struct shard *s = &n->shards[db_get_long(r, row, 0)];

	s->replays = db_get_long(r, row, 4) != 0;
	s->batch = db_get_long(r, row, 3) != 0;
	if (s->batch) {
		shard_keep(&s->next, db_get(r, row, 1));
		s->first = strtoll(db_get(r, row, 2), NULL, 10);
		s->after = 0;
	}
	return s->batch || s->replays;
}

/* Asks without writing whether there is anything; the pause between questions adapts. */
static void look(struct notifier *n, int64_t now)
{
	struct strbuf shards, snaps;
	bool found = false;
	PGresult *r;

	if (now < n->look_at)
		return;
	strbuf_init(&shards, n->scratch, 64);
	strbuf_init(&snaps, n->scratch, SNAPSHOTS_MAX);
	if (!question(n, &shards, &snaps))
		goto out;
	n->looked_at = now;
	n->look_at = now + PAUSE_MS;
	if (db_query(notifier_ctx(n, n->scratch), Q_RELAY_LOOK, &r, strbuf_str(&shards),
		     strbuf_str(&snaps)) == OK) {
		for (int i = 0; i < PQntuples(r); i++)
			found |= answer(n, r, i);
		n->pause = found ? n->cfg->notifier_poll_min : n->pause * 2;
		if (n->pause > n->cfg->notifier_poll_max)
			n->pause = n->cfg->notifier_poll_max;
		n->look_at = now + n->pause;
	}
out:
	arena_reset(n->scratch);
}

/* ---- moving on ---- */

/* The one statement of n->relay_db has ended: whoever asked goes on. */
static void take_answer(struct notifier *n, int64_t now)
{
	struct shard *s = n->asked;
	PGresult *r;

	if (!async_ended(&n->relay_db, now, &r))
		return;
	n->asked = NULL;
	if (s && s->state == SHARD_READING) {
		chunk_rows(n, s, r, now);	/* its own now */
		return;
	}
	if (s)
		chunk_advanced(n, s, r, now);
	PQclear(r);
}

/* False: no connection, or another shard's statement runs. */
static bool ask(struct notifier *n, struct shard *s, int64_t now)
{
	if (async_running(&n->relay_db))
		return false;
	if (s->state == SHARD_IDLE ? chunk_read(n, s, now) : chunk_advance(n, s, now))
		return true;
	s->pause_until = now + PAUSE_MS;
	return false;
}

static bool begin(struct notifier *n, struct shard *s, int64_t now)
{
	if (n->stopping || (!s->known && !know(n, s, now)))
		return false;
	return (s->batch || s->replays) && ask(n, s, now);
}

/* False: nothing more can be done for it now. */
static bool shard_step(struct notifier *n, struct shard *s, int64_t now)
{
	enum shard_state before = s->state;

	if (now < s->pause_until || (!s->leads && before != SHARD_REPORTS))
		return false;
	switch (before) {
	case SHARD_IDLE:
		return begin(n, s, now);
	case SHARD_SENDING:
		chunk_send(n, s, now);
		break;
	case SHARD_REPORTS:
		chunk_reported(n, s, now);
		break;
	case SHARD_DELIVERED:
		return ask(n, s, now);
	case SHARD_READING:
	case SHARD_ADVANCING:
		break;
	}
	return s->state != before;
}

void relay_step(struct notifier *n, int64_t now)
{
	if (!n->producer)
		return;
	producer_poll(n->producer, 0);
	begin_anew(n);
	if (!n->stopping)
		look(n, now);
	/* Who waits longest for the session is asked first. */
	n->turn = (n->turn + 1) % SHARDS;
	for (int i = 0; i < SHARDS; i++) {
		struct shard *s = &n->shards[(n->turn + i) % SHARDS];

		take_answer(n, now);
		while (shard_step(n, s, now))
			continue;
	}
}

static int64_t shard_due(const struct notifier *n, const struct shard *s)
{
	bool wants = s->batch || s->replays || s->state == SHARD_DELIVERED;

	switch (s->state) {
	case SHARD_READING:
	case SHARD_ADVANCING:
		return INT64_MAX;	/* the socket tells */
	case SHARD_REPORTS:
		return s->unreported > 0 ? INT64_MAX : s->pause_until;	/* the producer tells */
	case SHARD_SENDING:
		return s->pause_until;
	case SHARD_IDLE:
	case SHARD_DELIVERED:
		break;
	}
	if (wants)
		return async_running(&n->relay_db) ? INT64_MAX : s->pause_until;
	return s->known ? n->look_at : s->pause_until;
}

int64_t relay_due(const struct notifier *n)
{
	int64_t due = INT64_MAX;

	for (int i = 0; i < SHARDS; i++) {
		int64_t at = n->shards[i].leads ? shard_due(n, &n->shards[i]) : INT64_MAX;

		due = at < due ? at : due;
	}
	return due;
}
