/* src/notifier/chunk.c - one chunk of one shard: read, send, wait for every report, clean the
 * cache, advance. Whatever fails, it begins again at its first row that was not delivered. */
#include "core/fault.h"
#include "core/log.h"
#include "core/strbuf.h"
#include "notifier/message.h"
#include "notifier/notifier.h"

#include <stdio.h>
#include <stdlib.h>

#define PAUSE_MS 250
#define FULL_MS 5
#define READ_EVERY 64	/* rows sent, while another shard's are on their way here */

struct number {
	char s[24];
};

static const char *text(struct number *b, long long v)
{
	snprintf(b->s, sizeof(b->s), "%lld", v);
	return b->s;
}

void chunk_drop(struct notifier *n, struct shard *s)
{
	if (n->asked == s)
		n->asked = NULL;	/* nobody waits for that answer any more */
	s->state = SHARD_IDLE;
	s->known = s->batch = s->replays = false;
	s->rows = NULL;
	s->n = 0;
	arena_reset(s->arena);
}

/* ---- reading ---- */

bool chunk_read(struct notifier *n, struct shard *s, int64_t now)
{
	struct number shard, first, after, most;
	const char *rows[] = { text(&shard, s->number), s->snap, s->next, text(&first, s->first),
			       text(&after, s->after), text(&most, n->cfg->notifier_batch) };
	const char *replays[] = { shard.s, most.s };

	s->replay = !s->batch;
	s->replays = false;
	if (!async_start(&n->relay_db, s->replay ? Q_RELAY_REPLAYS : Q_RELAY_ROWS,
			 s->replay ? replays : rows, now))
		return false;
	n->asked = s;
	s->state = SHARD_READING;
	return true;
}

static void clear_rows(void *rows)
{
	PQclear(rows);
}

void chunk_rows(struct notifier *n, struct shard *s, PGresult *rows, int64_t now)
{
	if (PQresultStatus(rows) != PGRES_TUPLES_OK) {
		log_pairs(LOG_WARN_, "the outbox cannot be read", "detail",
			  PQresultErrorMessage(rows), (char *)NULL);
		PQclear(rows);
		s->state = SHARD_IDLE;
		s->pause_until = now + PAUSE_MS;
		return;
	}
	arena_reset(s->arena);
	arena_defer(s->arena, clear_rows, rows);
	s->rows = rows;
	s->n = PQntuples(rows);
	s->last = s->n < n->cfg->notifier_batch;
	s->slots = arena_zalloc(s->arena, sizeof(*s->slots) * (size_t)(s->n + 1));
	for (int i = 0; i < s->n; i++) {
		s->slots[i].shard = s;
		s->slots[i].aside = message_bool(rows, i, OB_HELD);
	}
	s->sent = s->unreported = s->alone = 0;
	s->again = false;
	s->bad = -1;
	s->state = SHARD_SENDING;
}

/* ---- sending ---- */

static void note_bad(struct shard *s, int row, const char *reason)
{
	if (row >= s->alone)
		s->alone = row + 1;
	if (s->bad >= 0 && s->bad < row)
		return;
	s->bad = row;
	snprintf(s->reason, sizeof(s->reason), "%s", reason ? reason : "refused");
}

/* False: no more now. */
static bool send_row(struct notifier *n, struct shard *s)
{
	struct slot *slot = &s->slots[s->sent];
	struct message out;

	if (slot->done || slot->aside) {
		s->sent++;
		return true;
	}
	slot->alone = s->sent < s->alone;
	if (slot->alone && s->unreported > 0)
		return false;
	message_from_row(n->cfg, s->rows, s->sent, &out);
	out.m.opaque = slot;
	switch (producer_send(n->producer, &out.m)) {
	case PRODUCED:
		s->unreported++;
		s->sent++;
		return true;
	case PRODUCE_BAD:
		slot->alone = true;
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
		if (s->sent % READ_EVERY == 0)
			async_read(&n->relay_db);
	if (s->sent == s->n || s->again || s->bad >= 0 ||
	    (s->sent < s->alone && s->unreported > 0))
		s->state = SHARD_REPORTS;
	else
		s->pause_until = now + FULL_MS;	/* the producer's queue is full */
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

/* What came after the first that failed goes again too, for the order of its key. */
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

/* "{1,2,3}": positions of the rows for which pick is true. */
static const char *positions(struct arena *a, const struct shard *s, bool (*pick)(struct slot))
{
	struct strbuf b;

	strbuf_init(&b, a, (size_t)s->n * 24 + 8);
	strbuf_addc(&b, '{');
	for (int i = 0; i < s->n; i++)
		if (pick(s->slots[i]))
			strbuf_printf(&b, "%s%lld", b.len > 1 ? "," : "",
				      (long long)message_int(s->rows, i, OB_POS));
	strbuf_addc(&b, '}');
	return strbuf_str(&b);
}

static bool is_done(struct slot slot)
{
	return slot.done;
}

static bool is_aside(struct slot slot)
{
	return slot.aside;
}

static bool park(struct notifier *n, const struct shard *s, const char *which, const char *reason)
{
	struct number shard, most;

	return db_query(notifier_ctx(n, n->scratch), Q_RELAY_PARK, NULL, text(&shard, s->number),
			which, reason, text(&most, n->cfg->notifier_max_attempts)) == OK;
}

/* True when the refused row waits in a table of its own, out of everybody's way but its key's. */
static bool park_bad(struct notifier *n, const struct shard *s)
{
	long long at = message_int(s->rows, s->bad, OB_POS);
	struct number pos, most;
	bool parked;

	if (s->replay)
		parked = db_query(notifier_ctx(n, n->scratch), Q_RELAY_PARK_AGAIN, NULL,
				  text(&pos, at), s->reason,
				  text(&most, n->cfg->notifier_max_attempts)) == OK;
	else
		parked = park(n, s, arena_printf(n->scratch, "{%lld}", at), s->reason);
	arena_reset(n->scratch);
	return parked;
}

static void set_aside(struct shard *s, int bad)
{
	const char *key = db_get(s->rows, bad, OB_KEY);

	for (int i = bad; i < s->n; i++)
		if (strcmp(db_get(s->rows, i, OB_KEY), key) == 0)
			s->slots[i].aside = true;
}

/* Brokers refuse whole requests: first it goes by itself, and is parked only if that is refused too
 * (the producer refuses one message at a time). */
static void handle_bad(struct notifier *n, struct shard *s, int64_t now)
{
	int bad = s->bad;
	bool by_itself = s->slots[bad].alone;
	char id[37];

	message_id(s->rows, bad, id);
	log_pairs(by_itself ? LOG_ERROR_ : LOG_WARN_, by_itself ? "message parked" : "refused",
		  "id", id, "type", db_get(s->rows, bad, OB_TYPE), "key",
		  db_get(s->rows, bad, OB_KEY), "reason", s->reason, (char *)NULL);
	if (!by_itself) {
		send_again(s, bad, now);
	} else if (park_bad(n, s)) {
		set_aside(s, bad);
		send_again(s, bad, now);
	} else {
		send_again(s, bad, now + PAUSE_MS);
	}
}

/* Those of held keys wait behind the first, before the shard goes on. */
static bool park_rest(struct notifier *n, const struct shard *s)
{
	bool any = false, parked = true;

	for (int i = 0; i < s->n; i++)
		any |= s->slots[i].aside;
	if (any && !s->replay)
		parked = park(n, s, positions(n->scratch, s, is_aside),
			      "a message of its key is parked");
	arena_reset(n->scratch);
	return parked;
}

static void finish(struct notifier *n, struct shard *s, int64_t now)
{
	FAULT(RELAY_ACKED);
	if (!park_rest(n, s)) {
		s->pause_until = now + PAUSE_MS;
		return;
	}
	clean_keys(n, s->rows, s->n, OB_CACHE_KEYS);
	s->state = SHARD_DELIVERED;
}

void chunk_reported(struct notifier *n, struct shard *s, int64_t now)
{
	int first = 0;

	if (s->unreported > 0) {
		FAULT(RELAY_PRODUCED);
		return;
	}
	while (first < s->n && (s->slots[first].done || s->slots[first].aside))
		first++;
	if (first == s->n)
		finish(n, s, now);
	else if (first == s->bad)
		handle_bad(n, s, now);
	else
		send_again(s, first, s->again ? now + PAUSE_MS : now);
}

/* ---- telling the database ---- */

static bool advance_batch(struct notifier *n, struct shard *s, int64_t now)
{
	struct number shard, stored, pos, sent;
	long long at = s->n > 0 ? message_int(s->rows, s->n - 1, OB_POS) : s->after;
	const char *args[] = { text(&shard, s->number), s->at, s->snap, s->stored_next,
			       text(&stored, s->stored), s->next, text(&pos, at),
			       text(&sent, s->n), s->last ? "t" : "f" };

	return async_start(&n->relay_db, Q_RELAY_ADVANCE, args, now);
}

bool chunk_advance(struct notifier *n, struct shard *s, int64_t now)
{
	bool begun;

	if (s->replay) {
		const char *args[] = { positions(n->scratch, s, is_done) };

		begun = async_start(&n->relay_db, Q_RELAY_REPLAYED, args, now);
		arena_reset(n->scratch);
	} else {
		begun = advance_batch(n, s, now);
	}
	if (!begun)
		return false;
	n->asked = s;
	s->state = SHARD_ADVANCING;
	return true;
}

static void batch_moved(struct shard *s, const PGresult *r)
{
	s->stored = s->after = s->last ? 0 : message_int(s->rows, s->n - 1, OB_POS);
	snprintf(s->at, sizeof(s->at), "%s", db_get(r, 0, 0));
	if (s->last)
		shard_keep(&s->snap, s->next);
	shard_keep(&s->stored_next, s->last ? "" : s->next);
	s->batch = !s->last;
}

void chunk_advanced(struct notifier *n, struct shard *s, const PGresult *r, int64_t now)
{
	ExecStatusType status = PQresultStatus(r);

	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
		/* Unknown outcomes too: if it was done, the second try finds another version. */
		s->state = SHARD_DELIVERED;
		s->pause_until = now + PAUSE_MS;
		return;
	}
	if (!s->replay && PQntuples(r) == 0) {
		log_msg(LOG_INFO_, "shard %d was moved by another leader", s->number);
		chunk_drop(n, s);
		return;
	}
	n->sent += (unsigned long long)s->n;
	if (!s->replay)
		batch_moved(s, r);
	s->state = SHARD_IDLE;
}
