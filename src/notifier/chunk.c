/* src/notifier/chunk.c - one chunk of one shard: read, send, wait for every report, clean the
 * cache, advance. Whatever fails, it begins again at its first row that was not delivered. */
#include "core/fault.h"
#include "core/log.h"
#include "notifier/message.h"
#include "notifier/notifier.h"

#include <stdio.h>
#include <stdlib.h>

#define PAUSE_MS 250
#define PAUSE_MAX_MS 5000

struct number {
	char s[24];
};

static const char *text(struct number *b, long long v)
{
	snprintf(b->s, sizeof(b->s), "%lld", v);
	return b->s;
}

void chunk_drop(struct shard *s)
{
	s->state = SHARD_IDLE;
	s->batch = false;
	s->rows = NULL;
	arena_reset(s->arena);
	arena_reset(s->batch_arena);
}

/* ---- reading ---- */

static enum err batch_begin(struct notifier *n, struct shard *s)
{
	struct ctx *c = notifier_ctx(n, s->batch_arena);
	struct number shard;
	PGresult *r;

	TRY(db_query(c, Q_RELAY_BEGIN, &r, text(&shard, s->number)));
	s->old = db_get(r, 0, 0);
	s->next = db_get(r, 0, 1);
	s->stored = s->after = strtoll(db_get(r, 0, 2), NULL, 10);
	if (s->stored == 0) {
		TRY(db_query(c, Q_RELAY_FIRST, &r, text(&shard, s->number), s->old));
		s->after = strtoll(db_get(r, 0, 0), NULL, 10);
	}
	s->batch = true;
	return OK;
}

enum err chunk_load(struct notifier *n, struct shard *s)
{
	struct number shard, after, most;
	struct ctx *c;

	s->waiting = false;
	if (!s->batch)
		TRY(batch_begin(n, s));
	arena_reset(s->arena);
	c = notifier_ctx(n, s->arena);
	TRY(db_query(c, Q_RELAY_ROWS, &s->rows, text(&shard, s->number), s->old, s->next,
		     text(&after, s->after), text(&most, n->cfg->notifier_batch)));
	s->n = PQntuples(s->rows);
	s->last = s->n < n->cfg->notifier_batch;
	s->slots = arena_zalloc(s->arena, sizeof(*s->slots) * (size_t)(s->n + 1));
	for (int i = 0; i < s->n; i++)
		s->slots[i].shard = s;
	s->sent = s->unreported = s->attempts = 0;
	s->again = false;
	s->bad = -1;
	s->state = s->n > 0 ? SHARD_SENDING : SHARD_DELIVERED;
	return OK;
}

/* ---- sending ---- */

static void note_bad(struct shard *s, int row, const char *reason)
{
	if (s->bad >= 0 && s->bad < row)
		return;
	s->bad = row;
	snprintf(s->reason, sizeof(s->reason), "%s", reason ? reason : "refused");
}

static bool held(const struct shard *s, int row)
{
	return strcmp(db_get(s->rows, row, OB_HELD), "t") == 0;
}

/* False: no more now. */
static bool send_row(struct notifier *n, struct shard *s)
{
	struct bus_header headers[MESSAGE_HEADERS];
	struct bus_message m;

	if (held(s, s->sent)) {
		note_bad(s, s->sent, "a message of its key is parked");
		return false;
	}
	message_from_row(n->cfg, s->rows, s->sent, headers, &m);
	m.opaque = &s->slots[s->sent];
	switch (producer_send(n->producer, &m)) {
	case PRODUCED:
		s->unreported++;
		s->sent++;
		return true;
	case PRODUCE_BAD:
		note_bad(s, s->sent, "the message is too large or its topic has no valid name");
		return false;
	case PRODUCE_FATAL:
		s->again = true;
		return false;
	case PRODUCE_FULL:
		break;
	}
	return false;
}

void chunk_send(struct notifier *n, struct shard *s, int64_t now)
{
	while (s->sent < s->n && !s->again && s->bad < 0 && send_row(n, s))
		continue;
	if (s->sent == s->n || s->again || s->bad >= 0)
		s->state = SHARD_REPORTS;
	else
		s->pause_until = now + 5;	/* the queue is full */
}

void chunk_report(void *arg, void *opaque, enum delivery how, const char *reason)
{
	struct slot *slot = opaque;
	struct shard *s = slot->shard;

	(void)arg;
	s->unreported--;
	switch (how) {
	case DELIVERED:
		slot->done = true;
		break;
	case DELIVERY_BAD:
		note_bad(s, (int)(slot - s->slots), reason);
		break;
	case DELIVERY_LOST:
		s->again = true;
		break;
	}
}

/* ---- after the reports ---- */

static void send_again(struct shard *s, int first, int64_t pause_until)
{
	for (int i = first; i < s->n; i++)
		s->slots[i].done = false;
	s->sent = first;
	s->again = false;
	s->bad = -1;
	s->pause_until = pause_until;
	s->state = SHARD_SENDING;
}

static void clean_cache(struct notifier *n, struct shard *s)
{
	struct ctx *c = notifier_ctx(n, n->scratch);

	for (int i = 0; i < s->n; i++) {
		const char *keys = db_get(s->rows, i, OB_CACHE_KEYS);

		if (keys)
			cache_invalidate(c, keys);
	}
	arena_reset(n->scratch);
}

static void finish(struct notifier *n, struct shard *s)
{
	FAULT(RELAY_ACKED);
	clean_cache(n, s);
	s->state = SHARD_DELIVERED;
}

/* The row and all behind it in its key's order wait in a table of their own; the chunk ends here,
 * so that the next one is read with that in mind. */
static bool park(struct notifier *n, struct shard *s)
{
	struct ctx *c = notifier_ctx(n, n->scratch);
	bool parked = db_query(c, Q_RELAY_PARK, NULL, db_get(s->rows, s->bad, OB_POS),
			       s->reason) == OK;

	if (parked)
		log_pairs(LOG_ERROR_, "message parked", "id", db_get(s->rows, s->bad, OB_ID),
			  "type", db_get(s->rows, s->bad, OB_TYPE), "key",
			  db_get(s->rows, s->bad, OB_KEY), "reason", s->reason, (char *)NULL);
	arena_reset(n->scratch);
	return parked;
}

static void handle_bad(struct notifier *n, struct shard *s, int64_t now)
{
	bool hopeless = held(s, s->bad) || ++s->attempts >= n->cfg->notifier_max_attempts;
	long pause = PAUSE_MS << (s->attempts < 5 ? s->attempts : 5);

	if (hopeless && park(n, s)) {
		s->n = s->bad + 1;
		s->last = false;
		finish(n, s);
		return;
	}
	log_pairs(LOG_WARN_, "message refused", "id", db_get(s->rows, s->bad, OB_ID), "reason",
		  s->reason, (char *)NULL);
	send_again(s, s->bad, now + (pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS));
}

void chunk_reported(struct notifier *n, struct shard *s, int64_t now)
{
	int first = 0;

	if (s->unreported > 0) {
		FAULT(RELAY_PRODUCED);
		return;
	}
	while (first < s->n && s->slots[first].done)
		first++;
	if (first == s->n)
		finish(n, s);
	else if (first == s->bad)
		handle_bad(n, s, now);
	else
		send_again(s, first, now + PAUSE_MS);
}

void chunk_advance(struct notifier *n, struct shard *s, int64_t now)
{
	struct ctx *c = notifier_ctx(n, n->scratch);
	struct number shard, stored, pos, sent;
	PGresult *r;
	enum err e;
	long long at = s->after;

	if (s->n > 0)
		at = strtoll(db_get(s->rows, s->n - 1, OB_POS), NULL, 10);
	e = db_query(c, Q_RELAY_ADVANCE, &r, text(&shard, s->number), s->next,
		     text(&stored, s->stored), text(&pos, at), text(&sent, s->n),
		     s->last ? "t" : "f");
	if (e != OK) {
		/* Unknown outcomes too: if it was done, the second try changes nothing. */
		s->pause_until = now + PAUSE_MS;
	} else if (PQntuples(r) == 0) {
		log_msg(LOG_INFO_, "shard %d was moved by another leader", s->number);
		chunk_drop(s);
	} else {
		n->sent += (unsigned long long)s->n;
		s->stored = s->after = at;
		if (s->last)
			chunk_drop(s);
		s->state = SHARD_IDLE;
	}
	arena_reset(n->scratch);
}
