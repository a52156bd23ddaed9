/* tests/service/test_db.c - statements, errors, transactions and effects on a real PostgreSQL */
#include "db/conn.h"
#include "db_fixture.h"
#include "db_statements.h"

#define ACTOR "00000000-0000-7000-8000-0000000000db"

static struct ctx c, other;

static bool setup(void)
{
	const char *dsn = getenv("MARQUEE_TEST_DSN");
	char *sql;
	bool ok;

	if (!dsn)
		return true;
	cfg.db_statement_timeout = 5000;
	cfg.db_lock_timeout = 2000;
	fixture_open(&c, dsn, "test_db");
	fixture_open(&other, dsn, "test_db_other");
	sql = fixture_file("tests/service/db_objects.sql");
	ok = sql && db_simple(&c, sql, NULL) == OK;
	free(sql);
	return ok;
}

static void teardown(void)
{
	if (!getenv("MARQUEE_TEST_DSN"))
		return;
	fixture_next(&c);
	if (db_simple(&c, "DROP SCHEMA marquee_test_db CASCADE", NULL) != OK)
		printf("the test schema stays behind\n");
	fixture_close(&c);
	fixture_close(&other);
}

#define run(x, q, out, ...)                                                                        \
	query_row_run((x), &test_rows[q], (const char *const[]){ __VA_ARGS__ },                    \
		      (int)(sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *)), (out))

/* ---- statements ---- */

static void answers_and_counts_trips(void)
{
	PGresult *r;

	NEED_DSN();
	fixture_next(&c);
	T_REQUIRE(run(&c, T_ADD, &r, "2", "40") == OK);
	T_EQ_STR(db_get(r, 0, 0), "42");
	T_EQ_INT(db_get_long(r, 0, 0), 42);
	T_EQ_INT(db_get_str(r, 0, 0).n, 2);
	T_EQ_INT(c.sql_trips, 1);	/* preparing is part of the first trip */
	T_REQUIRE(run(&c, T_ADD, &r, "3", "4") == OK);
	T_EQ_STR(db_get(r, 0, 0), "7");
	T_EQ_INT(c.sql_trips, 2);
	T_EQ_INT(fixture_number(&c, "SELECT count(*) FROM pg_prepared_statements"
				    " WHERE name = 'ADD'"), 1);
}

static void null_goes_both_ways(void)
{
	PGresult *r;

	NEED_DSN();
	fixture_next(&c);
	T_REQUIRE(run(&c, T_ADD, &r, "1", NULL) == OK);
	T_NULL(db_get(r, 0, 0));
	T_NULL(db_get_str(r, 0, 0).p);
	T_EQ_INT(db_get_long(r, 0, 0), 0);
}

static void kinds_check_rows(void)
{
	PGresult *r;

	NEED_DSN();
	fixture_next(&c);
	T_EQ_INT(run(&c, T_FIND, &r, "99"), OK);
	T_EQ_INT(PQntuples(r), 0);
	T_EQ_INT(run(&c, T_NEED, &r, "99"), E_NOTFOUND);
	fixture_next(&c);
	T_EQ_INT(query_row_run(&c, &test_rows[T_TOO_MANY], NULL, 0, &r), E_INTERNAL);
	fixture_next(&c);
	T_EQ_INT(query_row_run(&c, &test_rows[T_ALL_WORDS], NULL, 0, &r), OK);
	T_TRUE(PQntuples(r) >= 2);
	T_EQ_INT(run(&c, T_NEED, &r, "1", "2"), E_INTERNAL);
}

static void sets_the_session(void)
{
	PGresult *r;

	NEED_DSN();
	fixture_next(&c);
	T_REQUIRE(db_simple(&c, "SELECT current_setting('search_path'),"
				" current_setting('statement_timeout'),"
				" current_setting('lock_timeout'),"
				" current_setting('idle_in_transaction_session_timeout'),"
				" current_setting('application_name'), current_setting('timezone')",
			    &r) == OK);
	T_EQ_STR(db_get(r, 0, 0), "marquee,public");
	T_EQ_STR(db_get(r, 0, 1), "5s");
	T_EQ_STR(db_get(r, 0, 2), "2s");
	T_EQ_STR(db_get(r, 0, 3), "10s");
	T_EQ_STR(db_get(r, 0, 4), "test_db");
	T_EQ_STR(db_get(r, 0, 5), "UTC");
}

static void assembled_statements_by_name(void)
{
	static const Oid types[] = { 23 };
	const char *const args[] = { "2" };
	PGresult *r;

	NEED_DSN();
	fixture_next(&c);
	for (int i = 0; i < 3; i++) {
		T_REQUIRE(db_run_text(&c, "list/x", "SELECT word FROM marquee_test_db.words"
						    " WHERE id = $1", types, args, 1, &r) == OK);
		T_EQ_STR(db_get(r, 0, 0), "two");
	}
	T_EQ_INT(c.sql_trips, 3);
}

static void survives_a_changed_plan(void)
{
	PGresult *r;

	NEED_DSN();
	fixture_next(&c);
	T_REQUIRE(query_row_run(&c, &test_rows[T_STARRED], NULL, 0, &r) == OK);
	T_EQ_INT(PQnfields(r), 2);
	T_REQUIRE(db_simple(&other, "ALTER TABLE marquee_test_db.words ADD extra int", NULL) == OK);
	T_REQUIRE(query_row_run(&c, &test_rows[T_STARRED], NULL, 0, &r) == OK);
	T_EQ_INT(PQnfields(r), 3);
	T_REQUIRE(db_simple(&other, "ALTER TABLE marquee_test_db.words DROP extra", NULL) == OK);
	T_REQUIRE(db_simple(&c, "DEALLOCATE ALL", NULL) == OK);
	T_REQUIRE(query_row_run(&c, &test_rows[T_STARRED], NULL, 0, &r) == OK);
	T_EQ_INT(PQnfields(r), 2);
}

static uint64_t seen;
static void on_query(enum query q, int64_t us)
{
	(void)q;
	(void)us;
	seen++;
}

static void observer_hears_of_named_ones_only(void)
{
	const char *const nulls[16] = { NULL };
	PGresult *r;

	NEED_DSN();
	fixture_next(&c);
	seen = 0;
	db_observer = on_query;
	T_EQ_INT(run(&c, T_ADD, &r, "1", "1"), OK);
	T_EQ_INT(seen, 0);	/* not in query_rows */
	if (db_run(&c, (enum query)0, nulls, query_rows[0].arity, &r) != OK)
		ctx_forgive(&c);	/* whatever it is: the schema may be absent */
	T_EQ_INT(seen, 1);
	db_observer = NULL;
}

/* ---- errors ---- */

static void errors_have_kinds_and_no_sql(void)
{
	PGresult *r;

	NEED_DSN();
	fixture_next(&c);
	T_EQ_INT(run(&c, T_PUT_WORD, NULL, "1", "again"), E_CONFLICT);
	T_NULL(strstr(c.err_msg, "words"));
	fixture_next(&c);
	T_EQ_INT(run(&c, T_PUT_WORD, NULL, "3", "forbidden"), E_INVALID);
	T_NULL(strstr(c.err_msg, "words"));
	fixture_next(&c);
	T_EQ_INT(run(&c, T_ADD, &r, "x", "1"), E_INVALID);
	fixture_next(&c);
	T_EQ_INT(db_simple(&c, "SELECT * FROM nowhere_at_all", &r), E_INTERNAL);
	T_NULL(strstr(c.err_msg, "nowhere"));
	fixture_next(&c);
	T_EQ_INT(run(&c, T_ADD, &r, "1", "2"), OK);	/* the connection is still good */
}

static void raised_sentences_reach_the_client(void)
{
	PGresult *r;

	NEED_DSN();
	fixture_next(&c);
	T_EQ_INT(run(&c, T_RAISE, &r, "MQ403", "only hosts may do that"), E_DENIED);
	T_EQ_STR(c.err_msg, "only hosts may do that");
	fixture_next(&c);
	T_EQ_INT(run(&c, T_RAISE, &r, "MQ429", "17"), E_LIMIT);
	T_EQ_INT(c.retry_after, 17);
	fixture_next(&c);
	T_EQ_INT(run(&c, T_RAISE, &r, "P0001", "secret detail"), E_INTERNAL);
	T_NULL(strstr(c.err_msg, "secret"));
	fixture_next(&c);
	T_EQ_INT(run(&c, T_RAISE, &r, "40P01", "deadlock detected"), E_CONFLICT);
}

static void time_outs_are_unavailable(void)
{
	PGresult *r;

	NEED_DSN();
	fixture_next(&c);
	T_EQ_INT(run(&c, T_SLEEP, &r, "30"), E_UNAVAIL);
	T_EQ_INT(c.retry_after, 1);
	fixture_next(&c);
	T_REQUIRE(db_simple(&other, "BEGIN; LOCK TABLE marquee_test_db.words", NULL) == OK);
	T_EQ_INT(run(&c, T_PUT_WORD, NULL, "7", "seven"), E_UNAVAIL);
	T_REQUIRE(db_simple(&other, "ROLLBACK", NULL) == OK);
	fixture_next(&c);
	T_EQ_INT(run(&c, T_ADD, &r, "1", "2"), OK);
}

static void copy_is_refused(void)
{
	PGresult *r;

	NEED_DSN();
	fixture_next(&c);
	T_EQ_INT(db_simple(&c, "COPY marquee_test_db.words TO STDOUT", NULL), E_INTERNAL);
	fixture_next(&c);
	T_EQ_INT(run(&c, T_ADD, &r, "1", "2"), OK);
}

/* ---- transactions ---- */

struct words {
	const char *first, *second;	/* ids */
	bool swallow;
	enum err end;
};

static enum err put_words(struct ctx *x, void *arg)
{
	const struct words *w = arg;
	enum err e = run(x, T_PUT_WORD, NULL, w->first, "in a transaction");

	if (e == OK && w->second)
		e = run(x, T_PUT_WORD, NULL, w->second, "in a transaction");
	if (e != OK)
		return w->swallow ? OK : e;
	return w->end;
}

static long count_words(const char *where)
{
	char sql[128];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM marquee_test_db.words WHERE %s", where);
	return fixture_number(&other, sql);
}

static void commits_or_rolls_back(void)
{
	struct words good = { "10", "11", false, OK };
	struct words bad = { "12", "12", false, OK };
	struct words refused = { "13", NULL, false, E_DENIED };

	NEED_DSN();
	fixture_next(&c);
	T_EQ_INT(db_transaction(&c, put_words, &good), OK);
	T_EQ_INT(c.sql_trips, 4);
	T_EQ_INT(count_words("id IN (10, 11)"), 2);
	T_EQ_INT(db_transaction(&c, put_words, &bad), E_CONFLICT);
	T_EQ_INT(count_words("id = 12"), 0);
	fixture_next(&c);
	T_EQ_INT(db_transaction(&c, put_words, &refused), E_DENIED);
	T_EQ_INT(count_words("id = 13"), 0);
	T_FALSE(conn_in_transaction(c.db));
}

static void swallowed_error_is_no_success(void)
{
	struct words w = { "14", "14", true, OK };

	NEED_DSN();
	fixture_next(&c);
	T_TRUE(db_transaction(&c, put_words, &w) != OK);
	T_EQ_INT(count_words("id = 14"), 0);
}

static enum err put_nested(struct ctx *x, void *arg)
{
	struct words inner = { "16", "16", false, OK };

	TRY(run(x, T_PUT_WORD, NULL, "15", "outer"));
	if (db_transaction(x, put_words, &inner) != E_CONFLICT)
		return E_INTERNAL;
	ctx_forgive(x);
	(void)arg;
	return run(x, T_PUT_WORD, NULL, "17", "outer");
}

static void nested_is_a_savepoint(void)
{
	NEED_DSN();
	fixture_next(&c);
	T_EQ_INT(db_transaction(&c, put_nested, NULL), OK);
	T_EQ_INT(count_words("id IN (15, 17)"), 2);
	T_EQ_INT(count_words("id = 16"), 0);
}

/* ---- effects ---- */

static const char *const done_args[] = { "201", NULL, "{\"id\":1}", NULL };
static const char *const refused_args[] = { "409", "EVENT_FULL", "no seat is left",
					    "[{\"field\":\"status\",\"reason\":\"is full\"}]" };

static long runs_of(struct ctx *x, const struct idempotency *idem, const char *const *args,
		    enum err want, struct effect *out)
{
	long before = fixture_number(&other, "SELECT count(*) FROM marquee_test_db.done");

	fixture_next(x);
	T_EQ_INT(effect_row_run(x, &test_rows[T_DO_IT], idem, args, out), want);
	return fixture_number(&other, "SELECT count(*) FROM marquee_test_db.done") - before;
}

static void effect_without_key(void)
{
	struct effect x;

	NEED_DSN();
	T_EQ_INT(runs_of(&c, NULL, done_args, OK, &x), 1);
	T_EQ_INT(x.status, 201);
	T_NULL(x.code);
	T_EQ_STR(x.body, "{\"id\":1}");
	T_EQ_STR(x.keys, "event:a\nevent:b");
	T_FALSE(x.replayed);
	T_EQ_INT(c.sql_trips, 1);
}

static void effect_refusal_is_an_error(void)
{
	struct effect x;

	NEED_DSN();
	runs_of(&c, NULL, refused_args, E_FULL, &x);
	T_EQ_INT(c.err, E_FULL);
	T_EQ_STR(c.err_msg, "no seat is left");
	T_REQUIRE(c.details != NULL);
	T_EQ_STR(c.details->field, "status");
	T_EQ_STR(c.details->reason, "is full");
	T_EQ_INT(x.status, 409);
}

static void effect_with_key_runs_once(void)
{
	struct idempotency idem = { ACTOR, "once", "f1" };
	struct effect x;

	NEED_DSN();
	T_EQ_INT(runs_of(&c, &idem, done_args, OK, &x), 1);
	T_FALSE(x.replayed);
	T_EQ_INT(c.sql_trips, 1);
	T_EQ_INT(runs_of(&c, &idem, done_args, OK, &x), 0);
	T_TRUE(x.replayed);
	T_EQ_INT(x.status, 201);
	T_EQ_STR(x.body, "{\"id\":1}");
	T_EQ_STR(x.keys, "event:a\nevent:b");
	T_EQ_INT(c.sql_trips, 1);
}

static void effect_keeps_refusals(void)
{
	struct idempotency idem = { ACTOR, "refused", "f1" };
	struct effect x;

	NEED_DSN();
	T_EQ_INT(runs_of(&c, &idem, refused_args, E_FULL, &x), 1);
	T_EQ_INT(runs_of(&c, &idem, refused_args, E_FULL, &x), 0);
	T_TRUE(x.replayed);
	T_EQ_STR(c.err_msg, "no seat is left");
}

static void effect_key_with_another_body(void)
{
	struct idempotency idem = { ACTOR, "body", "f1" }, changed = { ACTOR, "body", "f2" };
	struct effect x;

	NEED_DSN();
	T_EQ_INT(runs_of(&c, &idem, done_args, OK, &x), 1);
	T_EQ_INT(runs_of(&c, &changed, done_args, E_INVALID, &x), 0);
	T_REQUIRE(c.details != NULL);
	T_EQ_STR(c.details->field, "Idempotency-Key");
	T_NULL(x.body);		/* nothing of the other answer leaks */
}

static void effect_again_is_not_kept(void)
{
	static const char *const again[] = { "599", NULL, NULL, NULL };
	static const char *const broken[] = { "503", "UNAVAILABLE", "later", NULL };
	struct idempotency idem = { ACTOR, "again", "f1" };
	struct effect x;

	NEED_DSN();
	T_EQ_INT(runs_of(&c, &idem, again, OK, &x), 1);
	T_EQ_INT(x.status, 599);
	T_EQ_INT(runs_of(&c, &idem, broken, E_UNAVAIL, &x), 1);
	T_EQ_INT(runs_of(&c, &idem, done_args, OK, &x), 1);
	T_FALSE(x.replayed);
}

static void effect_key_expires_after_a_day(void)
{
	struct idempotency idem = { ACTOR, "old", "f1" }, next = { ACTOR, "old", "f2" };
	struct effect x;

	NEED_DSN();
	T_EQ_INT(runs_of(&c, &idem, done_args, OK, &x), 1);
	T_REQUIRE(db_simple(&other, "UPDATE marquee.idempotency_keys SET created_at = now() -"
				    " interval '24 hours 1 second' WHERE key = 'old'", NULL) == OK);
	T_EQ_INT(runs_of(&c, &next, done_args, OK, &x), 1);
	T_FALSE(x.replayed);
	T_EQ_INT(runs_of(&c, &next, done_args, OK, &x), 0);
	T_TRUE(x.replayed);
}

/* Another request stores its answer after this one has looked and commits while this one waits. */
static void effect_overtaken_replays(void)
{
	struct idempotency idem = { ACTOR, "race", "f1" };
	struct effect x;
	PGconn *k;

	NEED_DSN();
	fixture_next(&c);
	T_REQUIRE(db_simple(&other, "BEGIN; INSERT INTO marquee.idempotency_keys (actor, key,"
				    " fingerprint, status, body) VALUES ('" ACTOR "', 'race',"
				    " 'f1', 200, 'theirs')", NULL) == OK);
	k = db_handle(other.db);
	T_REQUIRE(PQsendQuery(k, "SELECT pg_sleep(0.1); COMMIT"));
	T_EQ_INT(effect_row_run(&c, &test_rows[T_DO_IT], &idem, done_args, &x), OK);
	T_TRUE(x.replayed);
	T_EQ_STR(x.body, "theirs");
	for (PGresult *r; (r = PQgetResult(k));)
		PQclear(r);
}

/* A key that is always taken at the last moment, by a trigger here: no endless repeating. */
static void effect_repeats_once_only(void)
{
	struct idempotency idem = { ACTOR, "taken", "f1" };
	struct effect x;

	NEED_DSN();
	fixture_next(&c);
	T_REQUIRE(db_simple(&c, "CREATE FUNCTION marquee_test_db.overtake() RETURNS trigger"
				" LANGUAGE plpgsql AS $$ BEGIN"
				" INSERT INTO marquee.idempotency_keys (actor, key, fingerprint,"
				" status, body) VALUES ('" ACTOR "', 'taken', 'f1', 200, 'theirs');"
				" RETURN NEW; END $$;"
				"CREATE TRIGGER overtake BEFORE INSERT ON marquee_test_db.done"
				" FOR EACH ROW EXECUTE FUNCTION marquee_test_db.overtake()",
			    NULL) == OK);
	/* Both rows of the one statement go when it fails, so it never gets through: refused. */
	T_EQ_INT(runs_of(&c, &idem, done_args, E_CONFLICT, &x), 0);
	T_EQ_STR(c.err_msg, "a request with this key is still running");
	fixture_next(&c);
	T_REQUIRE(db_simple(&c, "DROP TRIGGER overtake ON marquee_test_db.done", NULL) == OK);
	T_EQ_INT(runs_of(&c, &idem, done_args, OK, &x), 1);
}

static void effect_still_running_is_conflict(void)
{
	struct idempotency idem = { ACTOR, "slow", "f1" };
	struct effect x;

	NEED_DSN();
	T_REQUIRE(db_simple(&other, "BEGIN; INSERT INTO marquee.idempotency_keys (actor, key,"
				    " fingerprint, status, body) VALUES ('" ACTOR "', 'slow', 'f1',"
				    " 200, 'theirs')", NULL) == OK);
	T_EQ_INT(runs_of(&c, &idem, done_args, E_CONFLICT, &x), 0);
	T_EQ_STR(c.err_msg, "a request with this key is still running");
	T_REQUIRE(db_simple(&other, "COMMIT", NULL) == OK);
	T_EQ_INT(runs_of(&c, &idem, done_args, OK, &x), 0);
	T_TRUE(x.replayed);
	T_EQ_STR(x.body, "theirs");
}

static void alive_is_not_counted(void)
{
	NEED_DSN();
	fixture_next(&c);
	T_TRUE(db_alive(&c));
	T_EQ_INT(c.sql_trips, 0);
}

T_SUITE_WITH("db", setup, teardown, T(answers_and_counts_trips), T(null_goes_both_ways),
	     T(kinds_check_rows), T(sets_the_session), T(assembled_statements_by_name),
	     T(survives_a_changed_plan), T(observer_hears_of_named_ones_only),
	     T(errors_have_kinds_and_no_sql), T(raised_sentences_reach_the_client),
	     T(time_outs_are_unavailable), T(copy_is_refused), T(commits_or_rolls_back),
	     T(swallowed_error_is_no_success), T(nested_is_a_savepoint), T(effect_without_key),
	     T(effect_refusal_is_an_error), T(effect_with_key_runs_once), T(effect_keeps_refusals),
	     T(effect_key_with_another_body), T(effect_again_is_not_kept),
	     T(effect_key_expires_after_a_day), T(effect_overtaken_replays),
	     T(effect_repeats_once_only), T(effect_still_running_is_conflict),
	     T(alive_is_not_counted))
