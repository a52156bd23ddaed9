/* tests/service/test_lists.c - every statement that lists are assembled from prepares; and on
 * 100,000 events what people ask for most reads no large table from end to end */
#include "auth/actor.h"
#include "core/id.h"
#include "core/json.h"
#include "db_fixture.h"
#include "domain/input.h"
#include "domain/list.h"

static struct ctx c;
static struct actor member;	/* organizes some events, goes to others */
static struct id event, stranger;
static struct strbuf plans;	/* of everything that ran since plans_begin() */
static struct arena *plans_arena;

/* auto_explain reports plans as notices, those inside functions too. */
static void collect(void *arg, const PGresult *r)
{
	const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);

	(void)arg;
	if (text && strstr(text, "plan:")) {
		strbuf_adds(&plans, text);
		strbuf_addc(&plans, '\n');
	}
}

static bool setup(void)
{
	if (!getenv("MARQUEE_TEST_DSN"))
		return true;
	cfg.db_statement_timeout = 300000;
	fixture_open(&c, getenv("MARQUEE_TEST_DSN"), "test_lists");
	c.actor = &actor_anonymous;
	plans_arena = arena_new(64 << 20);
	strbuf_init(&plans, plans_arena, 16 << 20);
	return true;
}

static void teardown(void)
{
	if (!getenv("MARQUEE_TEST_DSN"))
		return;
	fixture_close(&c);
	arena_free(plans_arena);
}

static void next(const struct actor *a)
{
	fixture_next(&c);
	c.actor = a;
}

/* ---- all statements prepare ---- */

static void all_prepare(void)
{
	PGconn *k;
	int n = 0, bad = 0;

	NEED_DSN();
	k = db_handle(c.db);
	T_REQUIRE(k != NULL);
	for (;; n++) {
		const char *text;
		PGresult *r;

		next(&actor_anonymous);
		text = list_statement(&c, n);
		if (!text)
			break;
		r = PQprepare(k, "", text, 0, NULL);
		if (PQresultStatus(r) != PGRES_COMMAND_OK && bad++ < 5)
			T_FAIL("statement %d: %s in %s", n, PQresultErrorMessage(r), text);
		PQclear(r);
	}
	T_EQ_INT(bad, 0);
	T_TRUE(n > 5000);
}

/* ---- plans ---- */

static void id_read(struct id *out, const char *sql)
{
	PGresult *r;

	T_REQUIRE(db_run_text(&c, sql, sql, NULL, NULL, 0, &r) == OK && PQntuples(r) == 1);
	snprintf(out->s, sizeof(out->s), "%s", db_get(r, 0, 0));
}

/* 100,000 events of 5,000 people, 200,000 answers. */
static enum err populate(void)
{
	if (fixture_number(&c, "SELECT gatherings FROM demo_state()") > 0)
		return OK;
	TRY(db_simple(&c, "BEGIN; SELECT demo_begin(); SELECT demo_users(7, 1, 5000, NULL);"
			  " SELECT demo_friends(7, 5000); SELECT demo_events(7, 1, 100000, 5000);"
			  " SELECT demo_plan(7, 100000, 5000, 200000);"
			  " SELECT demo_answers(7, 1, 100000, 5000);"
			  " SELECT demo_docs(7, 1, 100000); SELECT demo_finish(); COMMIT", NULL));
	return db_simple(&c, "VACUUM ANALYZE", NULL);
}

static void populates(void)
{
	NEED_DSN();
	next(&actor_anonymous);
	T_REQUIRE(populate() == OK);
	id_read(&member.user, "SELECT host_id FROM events WHERE status = 'active'"
			      " GROUP BY host_id ORDER BY count(*) DESC LIMIT 1");
	id_read(&event, "SELECT event_id FROM event_seats WHERE capacity IS NULL AND open"
			" AND closes_at > now() AND privacy = 'public' ORDER BY event_id LIMIT 1");
	id_read(&stranger, "INSERT INTO users (id, email, name) VALUES (uuid7(),"
			   " gen_random_uuid() || '@example.org', 'Ada') RETURNING id");
	member.role = ROLE_ORGANIZER;
	member.permissions = roles[ROLE_ORGANIZER].permissions;
	T_EQ_INT(fixture_number(&c, "SELECT count(*) FROM events"), 100000);
	T_REQUIRE(db_simple(&c, "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0;"
				" SET auto_explain.log_nested_statements = on;"
				" SET auto_explain.log_analyze = on;"
				" SET auto_explain.log_timing = off;"
				" SET client_min_messages = log",
			    NULL) == OK);
	PQsetNoticeReceiver(db_handle(c.db), collect, NULL);
}

#define NEED_EVENTS()                                                                              \
	do {                                                                                       \
		NEED_DSN();                                                                        \
		if (!event.s[0])                                                                   \
			T_SKIP("there are no events; run all tests of this program");              \
	} while (0)

/* Tables that are large by now. */
static bool large(const char *name, size_t n)
{
	static const char *const tables[] = { "events", "event_docs", "event_seats",
					      "seat_counters", "event_scores", "rsvps",
					      "rsvp_history" };

	for (size_t i = 0; i < COUNT(tables); i++)
		if (strlen(tables[i]) == n && strncmp(tables[i], name, n) == 0)
			return true;
	return false;
}

/* The first large table that the plans read from end to end; NULL is good. */
static const char *scanned(void)
{
	static char name[64];

	for (const char *p = strbuf_str(&plans); (p = strstr(p, "Seq Scan on ")); ) {
		p += strlen("Seq Scan on ");
		if (large(p, strcspn(p, " \n"))) {
			snprintf(name, sizeof(name), "%.*s", (int)strcspn(p, " \n"), p);
			return name;
		}
	}
	return NULL;
}

/* The most rows that one node of the plans made or threw away. */
static long most_rows(void)
{
	static const char *const marks[] = { "(actual rows=", "Rows Removed by Filter: ",
					     "Rows Removed by Join Filter: " };
	long most = 0;

	for (size_t i = 0; i < COUNT(marks); i++)
		for (const char *p = strbuf_str(&plans); (p = strstr(p, marks[i])); ) {
			p += strlen(marks[i]);
			long n = strtol(p, NULL, 10);

			most = n > most ? n : most;
		}
	return most;
}

struct probe {
	const char *name;
	enum err (*run)(const char *arg);
	const char *arg;
	const struct actor *who;
	long rows;		/* no node may touch more */
};

static void plans_begin(void)
{
	arena_reset(plans_arena);
	strbuf_init(&plans, plans_arena, 16 << 20);
}

static void run_probe(const struct probe *p, const char *when)
{
	const char *table;
	enum err e;

	plans_begin();
	next(p->who);
	e = p->run(p->arg);
	t_check(e == OK, __LINE__, __FILE__, "%s: %s", p->name, c.err_msg ? c.err_msg : "?");
	T_HAS(strbuf_str(&plans), "Scan");
	table = scanned();
	t_check(!table, __LINE__, __FILE__, "%s, %s: reads all of %s", p->name, when, table);
	t_check(most_rows() <= p->rows, __LINE__, __FILE__, "%s, %s: touches %ld rows",
		p->name, when, most_rows());
	if (getenv("T_PLANS"))
		printf("---- %s, %s: %ld rows\n%s\n", p->name, when, most_rows(),
		       strbuf_str(&plans));
}

/* At first, and when the server has made up its mind whether one plan does for all values. */
static void run_probes(const struct probe *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		run_probe(&p[i], "at first");
		for (int again = 0; again < 6; again++) {
			next(p[i].who);
			T_EQ_INT(p[i].run(p[i].arg), OK);
		}
		run_probe(&p[i], "later");
	}
}

static enum err read_input(const struct input_field *fields, const char *json, struct input *in)
{
	struct input_mode query = { .text = true };

	return input_read(&c, fields, js_own(c.arena, json), query, in);
}

static enum err list_of(const struct input_field *fields, const char *json,
			enum err (*list)(struct ctx *, const struct input *, struct list *))
{
	struct input in;
	struct list out;

	TRY(read_input(fields, json, &in));
	TRY(list(&c, &in, &out));
	T_TRUE(strcmp(out.items, "[]") != 0 || strstr(json, "invited"));
	return OK;
}

static enum err events_listed(const char *json)
{
	return list_of(list_fields, json, list_events);
}

static enum err mine_listed(const char *json)
{
	return list_of(my_fields, json, list_mine);
}

static void lists_read_little(void)
{
	static const struct probe probes[] = {
		{ "default, anonymous", events_listed, "{}", &actor_anonymous, 1000 },
		{ "default, member", events_listed, "{}", &member, 1000 },
		{ "a page further on", events_listed, "{\"page\":\"20\"}", &actor_anonymous, 2000 },
		{ "by category", events_listed, "{\"category\":\"tech\"}", &actor_anonymous, 2000 },
		{ "by category, member", events_listed, "{\"category\":\"arts\"}", &member, 5000 },
		{ "popular", events_listed, "{\"sort\":\"popularity\"}", &actor_anonymous, 2000 },
		{ "newest", events_listed, "{\"sort\":\"-created_at\"}", &actor_anonymous, 2000 },
		{ "from a day on", events_listed, "{\"from\":\"+30d\"}", &actor_anonymous, 2000 },
		{ "hosting", mine_listed, "{\"role\":\"hosting\"}", &member, 2000 },
		{ "attending", mine_listed, "{\"role\":\"attending\"}", &member, 2000 },
		{ "invited", mine_listed, "{\"role\":\"invited\"}", &member, 2000 },
		{ "past", mine_listed, "{\"role\":\"past\"}", &member, 2000 },
		{ "mine", mine_listed, "{}", &member, 2000 },
	};

	NEED_EVENTS();
	run_probes(probes, COUNT(probes));
}

/* A cursor's page, as the first page names it. */
static enum err cursor_followed(const char *json)
{
	struct input in;
	struct list out;
	struct json_object *page;

	TRY(read_input(list_fields, json, &in));
	TRY(list_events(&c, &in, &out));
	page = js_own(c.arena, out.pagination);
	T_REQUIRE(page && js_str(page, "next_cursor"));
	json_object_object_add(in.values, "cursor",
			       json_object_new_string(js_str(page, "next_cursor")));
	plans_begin();
	return list_events(&c, &in, &out);
}

static void cursors_read_little(void)
{
	static const struct probe probes[] = {
		{ "cursor, anonymous", cursor_followed, "{}", &actor_anonymous, 1000 },
		{ "cursor, member", cursor_followed, "{}", &member, 1000 },
		{ "cursor, newest first", cursor_followed, "{\"sort\":\"-created_at\"}",
		  &actor_anonymous, 1000 },
	};

	NEED_EVENTS();
	run_probes(probes, COUNT(probes));
}

static enum err event_read(const char *by)
{
	PGresult *r;

	(void)by;
	TRY(db_query(&c, Q_EVENTS_GET, &r, event.s, id_or_null(&c.actor->user)));
	TRY(db_query(&c, Q_EVENT_STATS, &r, event.s));
	return db_query(&c, Q_EVENT_ACCESS, &r, event.s, id_or_null(&c.actor->user));
}

static enum err answered(const char *want)
{
	static const struct idempotency none;
	struct id id = id_new();
	const char *args[] = { event.s, stranger.s, id.s, want, NULL, "false" };
	const char *slow[] = { event.s, stranger.s, id.s, "maybe", NULL, "true" };
	struct effect e;
	PGresult *r;

	TRY(db_effect(&c, Q_RSVP_SET, &none, args, COUNT(args), &e));
	T_TRUE(e.status == 200 || e.status == 201);
	TRY(db_effect(&c, Q_RSVP_SET, &none, slow, COUNT(slow), &e));
	TRY(db_query(&c, Q_RSVP_GET, &r, event.s, stranger.s));
	TRY(db_query(&c, Q_ATTENDEES, &r, event.s, NULL, NULL, "false", NULL, NULL, "20", "0"));
	return db_query(&c, Q_WAITLIST, &r, event.s, NULL, "0", "20", "0");
}

static enum err taken_back(const char *want)
{
	static const struct idempotency none;
	const char *args[] = { event.s, stranger.s, "false" };
	struct effect e;

	(void)want;
	return db_effect(&c, Q_RSVP_CANCEL, &none, args, COUNT(args), &e);
}

static void one_event_reads_little(void)
{
	static const struct probe probes[] = {
		{ "one event, anonymous", event_read, NULL, &actor_anonymous, 100 },
		{ "one event, member", event_read, NULL, &member, 100 },
		{ "going", answered, "going", &member, 5000 },
		{ "taken back", taken_back, NULL, &member, 100 },
	};

	NEED_EVENTS();
	run_probes(probes, COUNT(probes));
}

/* The control: what must not go unseen. */
static void a_long_scan_is_noticed(void)
{
	NEED_EVENTS();
	plans_begin();
	next(&actor_anonymous);
	T_REQUIRE(db_simple(&c, "SELECT count(*) FROM events WHERE price = 3", NULL) == OK);
	T_EQ_STR(scanned(), "events");
	T_TRUE(most_rows() > 10000);
}

T_SUITE_WITH("lists", setup, teardown, T(all_prepare), T(populates), T(lists_read_little),
	     T(cursors_read_little), T(one_event_reads_little), T(a_long_scan_is_noticed))
