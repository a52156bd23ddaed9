/* tests/service/test_plans.c - on large tables every statement of sql/queries, every list that
 * people ask for and every job reads what it needs: no large table from end to end, and no more
 * buffers than plans.pin says; ./dev soak plans: on 100,000 events and 1,000,000 answers
 *
 * As the worker prepares them: at first planned for the values, later as the server chooses; and as
 * the notifier does, never for values. T_PIN names a file that gets "size buffers name" of each,
 * with T_PLANS all plans are shown. */
#include "admin/admin.h"
#include "auth/actor.h"
#include "core/id.h"
#include "core/json.h"
#include "domain/input.h"
#include "domain/list.h"
#include "plans_look.h"
#include "plans_pin.h"

/* ---- who and what the statements are asked about ---- */

static struct actor member, admin;	/* the first organizes most of the events */
static struct actor stranger;		/* has answered nothing */

/* Words with $ in the arguments below, and the statement that finds what they stand for. */
static struct {
	const char *word, *sql;
	char value[4000];
} known[] = {
	{ "$member", "SELECT host_id FROM events WHERE status = 'active' GROUP BY 1"
		     " ORDER BY count(*) DESC, 1 LIMIT 1", "" },
	{ "$stranger", "INSERT INTO users (id, email, name, role) VALUES (uuid7(),"
		       " 'stranger@example.org', 'Ada', 'organizer') RETURNING id", "" },
	{ "$event", "SELECT q.event_id FROM event_seats q JOIN seat_counters k ON k.pool_id ="
		    " q.event_id WHERE capacity IS NULL AND open AND closes_at > now() AND"
		    " privacy = 'public' ORDER BY k.going DESC, 1 LIMIT 1", "" },
	{ "$slug", "SELECT slug FROM events WHERE id = '$event'", "" },
	{ "$title", "SELECT split_part(title, ' ', 1) || ' ' || split_part(title, ' ', 2) FROM"
		    " events WHERE id = '$event'", "" },
	{ "$host", "SELECT host_id FROM events WHERE id = '$event'", "" },
	{ "$goer", "SELECT user_id FROM rsvps WHERE event_id = '$event' AND state = 'going'"
		   " ORDER BY 1 LIMIT 1", "" },
	{ "$full", "SELECT event_id FROM event_seats WHERE open AND closes_at > now() AND n = 1"
		   " ORDER BY waiting DESC, 1 LIMIT 1", "" },
	{ "$waiter", "SELECT user_id FROM rsvps WHERE event_id = '$full' AND state = 'waitlisted'"
		     " ORDER BY wl_seq DESC LIMIT 1", "" },
	{ "$more", "SELECT capacity + 1 FROM event_seats WHERE event_id = '$full'", "" },
	{ "$draft", "WITH e AS (UPDATE events SET status = 'draft' WHERE id = (SELECT id FROM"
		    " events WHERE host_id = '$member' AND status = 'active' AND id <> '$event'"
		    " AND id <> '$full' ORDER BY start_date DESC, id LIMIT 1) RETURNING id)"
		    " UPDATE event_seats SET open = false FROM e WHERE event_id = id"
		    " RETURNING id", "" },
	{ "$ticket", "SELECT jsonb_build_object('asked', 'ticket', 'ms',"
		     " epoch_ms(registered_at), 'holder', right(user_id::text, 7),"
		     " 'event', right('$event', 6))"
		     " FROM rsvps WHERE event_id = '$event' AND user_id = '$goer'", "" },
	{ "$gate", "INSERT INTO gates (id, event_id, name, hash, made_by) VALUES (uuid7(),"
		   " '$event', 'North', 'hash of north', '$host') RETURNING id", "" },
	{ "$people", "SELECT array_agg(id) FROM (SELECT id FROM users ORDER BY 1 LIMIT 20) u", "" },
	{ "$alone", "SELECT t_alone()", "" },
	{ "$snap", "WITH sent AS (UPDATE relay SET snap = pg_current_snapshot() RETURNING snap)"
		   " SELECT DISTINCT snap::text FROM sent", "" },
	{ "$sent", "SELECT count(outbox_put('events', 'event.test', 'test', uuid7(), 1, uuid7(),"
		   " '{}')) FROM generate_series(1, 100)", "" },
	{ "$first", "SELECT min(pos) FROM outbox WHERE shard = 0 AND xid >="
		    " pg_snapshot_xmax('$snap')", "" },
	{ "$place", "SELECT ctid FROM relay WHERE shard = 0", "" },
	{ "$now", "SELECT pg_current_snapshot()", "" },
	{ "$mail", "SELECT id FROM mails WHERE sent_at IS NULL ORDER BY id LIMIT 1", "" },
};

/* Text with what its words stand for, and a new id for $new. */
static const char *meant(const char *text)
{
	struct strbuf b;

	if (!text || !strchr(text, '$'))
		return text;
	strbuf_init(&b, c.arena, 8192);
	while (*text) {
		const char *value = NULL;
		size_t n = 1;

		if (strncmp(text, "$new", 4) == 0) {
			struct id *id = ARENA_NEW(c.arena, struct id);

			*id = id_new();
			value = id->s;
			n = 4;
		}
		for (size_t i = 0; i < COUNT(known) && !value; i++) {
			if (strncmp(text, known[i].word, strlen(known[i].word)) != 0)
				continue;
			value = known[i].value;
			n = strlen(known[i].word);
		}
		if (value)
			strbuf_adds(&b, value);
		else
			strbuf_addc(&b, *text);
		text += n;
	}
	return strbuf_str(&b);
}

/* ---- probes ---- */

#define ARGS_MAX 9
struct probe {
	const char *name;	/* NULL: the query's */
	enum err (*run)(const struct probe *p);	/* NULL: the query */
	enum query q;
	const char *args[ARGS_MAX];
	const char *whole;	/* why it may read a whole large table */
	const struct actor *who;	/* NULL: anonymous */
	const char *first;	/* SQL to run before, not looked at */
	bool swept;	/* of the messages that probes before have written and taken back */
	bool news;	/* few of all messages: no memory holds a map of a third of millions */
};

static const char *name_of(const struct probe *p)
{
	return p->name ? p->name : query_rows[p->q].name;
}

static enum err run_query(const struct probe *p)
{
	const struct query_row *row = &query_rows[p->q];
	const char *args[ARGS_MAX];
	struct effect x;

	for (int i = 0; i < row->arity; i++)
		args[i] = meant(p->args[i]);
	if (row->kind != QUERY_EFFECT)
		return db_run(&c, p->q, args, row->arity, NULL);
	struct id key = id_new();
	struct idempotency idem = { stranger.user.s, key.s, "x" };
	enum err e = db_effect(&c, p->q, &idem, args, row->arity, &x);

	return e == OK && x.status >= 300 ? fail(&c, E_INTERNAL, "status %d", x.status) : e;
}

/* One step of one job: the only one that is due. */
static enum err run_job(const struct probe *p)
{
	PGresult *r;

	(void)p;
	TRY(db_query0(&c, Q_JOB_TICK, &r));
	return strcmp(db_get(r, 0, 0), "t") == 0 && !db_get(r, 0, 2) ? OK : E_INTERNAL;
}

static enum err list_of(const struct probe *p, const struct input_field *fields, struct input *in,
			struct list *out)
{
	struct input_mode query = { .text = true };

	TRY(input_read(&c, fields, js_own(c.arena, meant(p->args[0])), query, in));
	if (fields == desk_fields)
		return list_desk(&c, in, out);
	return fields == my_fields ? list_mine(&c, in, out) : list_events(&c, in, out);
}

/* args: the query as JSON; "none" behind it where nothing is found. */
static enum err run_list(const struct probe *p)
{
	struct input in;
	struct list out;

	TRY(list_of(p, list_fields, &in, &out));
	T_EQ_INT(strcmp(out.items, "[]") == 0, p->args[1] != NULL);
	return OK;
}

static enum err run_mine(const struct probe *p)
{
	struct input in;
	struct list out;

	return list_of(p, my_fields, &in, &out);
}

/* args: the query of a calendar; nothing: one's own. */
static enum err run_feed(const struct probe *p)
{
	struct input_mode query = { .text = true };
	struct input in;
	struct list out;

	if (!p->args[0])
		return list_my_feed(&c, &out);
	TRY(input_read(&c, list_fields, js_own(c.arena, meant(p->args[0])), query, &in));
	return list_feed(&c, &in, &out);
}

static enum err run_desk(const struct probe *p)
{
	struct input in;
	struct list out;

	return list_of(p, desk_fields, &in, &out);
}

/* The page that the first one's cursor leads to. */
static enum err run_cursor(const struct probe *p)
{
	struct input in;
	struct list out;
	const char *next;

	TRY(list_of(p, list_fields, &in, &out));
	next = js_str(js_own(c.arena, out.pagination), "next_cursor");
	T_REQUIRE(next != NULL);
	json_object_object_add(in.values, "cursor", json_object_new_string(next));
	plans_begin();
	return list_events(&c, &in, &out);
}

#include "plans_probes.inc"

/* ---- looking ---- */

/* In a transaction that is taken back. The error, if any, stands in c. */
static enum err run_once(const struct probe *p)
{
	enum err e;

	fixture_next(&c);
	c.actor = p->who ? p->who : &actor_anonymous;
	TRY(db_simple(&c, "SAVEPOINT probe", NULL));
	if (p->first)
		TRY(db_simple(&c, meant(p->first), NULL));
	plans_begin();
	e = p->run ? p->run(p) : run_query(p);
	if (db_simple(&c, "ROLLBACK TO probe", NULL) != OK)
		return E_INTERNAL;
	return e;
}

__attribute__((format(printf, 1, 2)))
static const char *say(const char *fmt, ...)
{
	static char said[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(said, sizeof(said), fmt, ap);
	va_end(ap);
	return said;
}

#define RUNS 8		/* the server makes up its mind after five */
#define SETTLED 2	/* of them the last */

/* What is wrong with what it reads, or NULL; and how much it is in the end. */
static const char *looked_at(const struct probe *p, long *buffers)
{
	const struct plans_pin *pin = plans_pin(name_of(p));
	long pinned = pin ? pin->buffers[plans_size] : 0;

	*buffers = -1;
	for (int i = 0; i < (p->whole ? 1 : RUNS); i++) {
		if (run_once(p) != OK || seen.plans == 0)
			return say("%s fails: %s", name_of(p), c.err_msg ? c.err_msg : "no plan");
		if (seen.scanned[0] && !p->whole)
			return say("%s reads all of %s", name_of(p), seen.scanned);
		if (i >= RUNS - SETTLED && (*buffers < 0 || seen.buffers < *buffers))
			*buffers = seen.buffers;
	}
	if (p->whole)
		return seen.scanned[0] ? NULL : say("%s needs no excuse", name_of(p));
	if (!pin || *buffers > plans_bound(pinned))
		return say("%s reads %ld buffers, pinned %ld", name_of(p), *buffers, pinned);
	return NULL;
}

static bool setup(void)
{
	if (!getenv("MARQUEE_TEST_DSN"))
		return true;
	plans_size = getenv("T_FULL") != NULL;
	cfg.db_statement_timeout = 3600000;	/* filling, beside other things */
	fixture_open(&c, getenv("MARQUEE_TEST_DSN"), "test_plans");
	c.actor = &actor_anonymous;
	return plans_pins_read();
}

static void teardown(void)
{
	if (getenv("MARQUEE_TEST_DSN"))
		fixture_close(&c);
}

static void actor_make(struct actor *a, const char *word, enum role role)
{
	snprintf(a->user.s, sizeof(a->user.s), "%s", meant(word));
	a->role = role;
	a->permissions = roles[role].permissions;
}

static void populates(void)
{
	char *fill = fixture_file("tests/service/plans_fill.sql"), call[100];
	PGresult *r;

	NEED_DSN();
	snprintf(call, sizeof(call), "SELECT t_fill(%s)", plans_sizes[plans_size].made);
	T_REQUIRE(fill && db_simple(&c, fill, NULL) == OK && db_simple(&c, call, NULL) == OK);
	free(fill);
	for (size_t i = 0; i < COUNT(known); i++) {
		fixture_next(&c);
		T_REQUIRE(db_simple(&c, meant(known[i].sql), &r) == OK && PQntuples(r) == 1);
		snprintf(known[i].value, sizeof(known[i].value), "%s", db_get(r, 0, 0));
	}
	actor_make(&member, "$member", ROLE_ORGANIZER);
	actor_make(&stranger, "$stranger", ROLE_ORGANIZER);
	actor_make(&admin, "$stranger", ROLE_ADMIN);
	T_REQUIRE(db_simple(&c, "VACUUM ANALYZE", NULL) == OK && plans_large_find() == OK);
	T_REQUIRE(plans_watch() == OK);
	printf("large:%s\n", plans_large);
}

#define NEED_EVENTS()                                                                              \
	do {                                                                                       \
		NEED_DSN();                                                                        \
		if (id_none(&member.user))                                                         \
			T_SKIP("there are no events; run all tests of this program");              \
	} while (0)

static void pin_note(const struct probe *p, long buffers)
{
	const char *path = getenv("T_PIN");
	FILE *out = path ? fopen(path, "ae") : NULL;

	if (out && !p->whole)
		fprintf(out, "%s %ld %s\n", plans_sizes[plans_size].name, buffers, name_of(p));
	if (out)
		fclose(out);
}

/* In a transaction of its own, without one of the indexes if so wished. */
static const char *looked_at_without(const char *dropped, const struct probe *p, long *buffers)
{
	const char *wrong;

	fixture_next(&c);
	if (p->swept)
		T_REQUIRE(db_simple(&c, "VACUUM outbox", NULL) == OK);
	T_REQUIRE(db_simple(&c, "BEGIN", NULL) == OK);
	if (p->news)
		T_REQUIRE(db_simple(&c, "SET LOCAL enable_bitmapscan = off", NULL) == OK);
	if (dropped)
		T_REQUIRE(db_simple(&c, dropped, NULL) == OK);
	wrong = looked_at(p, buffers);
	fixture_next(&c);
	T_REQUIRE(db_simple(&c, "ROLLBACK", NULL) == OK);
	return wrong;
}

static void look_at(const struct probe *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		long buffers;
		const char *wrong = looked_at_without(NULL, &p[i], &buffers);

		t_check(!wrong, __LINE__, __FILE__, "%s", wrong ? wrong : "");
		pin_note(&p[i], buffers);
	}
}

static void queries_read_little(void)
{
	NEED_EVENTS();
	look_at(queries, COUNT(queries));
}

static void jobs_read_little(void)
{
	NEED_EVENTS();
	look_at(jobs, COUNT(jobs));
}

static void lists_read_little(void)
{
	NEED_EVENTS();
	look_at(lists, COUNT(lists));
}

/* The notifier never plans for values. */
static void queries_read_little_without_values(void)
{
	NEED_EVENTS();
	T_REQUIRE(db_simple(&c, "SET plan_cache_mode = force_generic_plan", NULL) == OK);
	look_at(queries, COUNT(queries));
	look_at(jobs, COUNT(jobs));
	T_REQUIRE(db_simple(&c, "RESET plan_cache_mode", NULL) == OK);
}

/* A new statement without a probe fails here, and so does a job. */
static void nothing_is_left_out(void)
{
	bool probed[Q_COUNT] = {
		[Q_JOB_TICK] = true,	/* for each job */
		/* their functions have made what is read here */
		[Q_DEMO_USERS] = true, [Q_DEMO_FRIENDS] = true, [Q_DEMO_EVENTS] = true,
		[Q_DEMO_PLAN] = true, [Q_DEMO_ANSWERS] = true, [Q_DEMO_DOCS] = true,
	};

	for (size_t i = 0; i < COUNT(queries); i++)
		probed[queries[i].q] = true;
	for (int q = 0; q < Q_COUNT; q++)
		t_check(probed[q], (unsigned)query_rows[q].line, query_rows[q].file,
			"%s has no probe in tests/service/test_plans.c", query_rows[q].name);
	NEED_EVENTS();
	fixture_next(&c);
	T_EQ_INT(fixture_number(&c, "SELECT count(*) FROM jobs WHERE every IS NOT NULL"),
		 COUNT(jobs));
}

/* What reads more where there is more says why. */
static void growth_has_its_reason(void)
{
	for (size_t i = 0; i < plans_n_pins; i++) {
		const struct plans_pin *p = &plans_pins[i];
		bool grown = p->buffers[1] > 2 * p->buffers[0] + 20;

		t_check(grown == p->grows, __LINE__, __FILE__, "%s: from %ld to %ld buffers %s",
			p->name, p->buffers[0], p->buffers[1],
			grown ? "without a reason" : "need no reason");
	}
}

/* The control: each of these indexes is missed when it is gone. */
static void a_missing_index_is_noticed(void)
{
	static const struct {
		const char *drop, *probe;
	} controls[] = {
		{ "DROP INDEX idx_events_start_date, idx_events_coming, idx_events_dates",
		  "list {}" },
		{ "DROP INDEX idx_events_tags", "list {\"tags\":\"rare\"}" },
		{ "DROP INDEX idx_events_price", "list {\"price_min\":\"99999999\"}" },
		{ "DROP INDEX idx_events_location", "list {\"location\":\"nowhere\"}" },
		{ "DROP INDEX idx_event_scores", "list {\"sort\":\"popularity\"}" },
		{ "DROP INDEX idx_events_created", "list {\"sort\":\"-created_at\"}" },
		{ "DROP INDEX idx_registrations_user", "my {\"role\":\"attending\"}" },
	};

	NEED_EVENTS();
	for (size_t i = 0; i < COUNT(controls); i++) {
		const struct probe *p = lists;
		const char *wrong;
		long buffers;

		while (p < lists + COUNT(lists) && strcmp(p->name, controls[i].probe) != 0)
			p++;
		T_REQUIRE(p < lists + COUNT(lists));
		wrong = looked_at_without(controls[i].drop, p, &buffers);
		t_check(wrong && strstr(wrong, " reads "), __LINE__, __FILE__, "%s goes unnoticed",
			controls[i].drop);
		printf("%s: %s\n", controls[i].drop, wrong ? wrong : "unnoticed");
	}
}

T_SUITE_WITH("plans", setup, teardown, T(populates), T(nothing_is_left_out),
	     T(growth_has_its_reason), T(queries_read_little), T(jobs_read_little),
	     T(lists_read_little), T(queries_read_little_without_values),
	     T(a_missing_index_is_noticed))
