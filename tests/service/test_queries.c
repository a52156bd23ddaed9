/* tests/service/test_queries.c - every statement of sql/queries, and every one that lists are
 * assembled from, prepares on a migrated database */
#include "auth/actor.h"
#include "db_fixture.h"
#include "domain/list.h"

static struct ctx c;

static bool setup(void)
{
	if (getenv("MARQUEE_TEST_DSN"))
		fixture_open(&c, getenv("MARQUEE_TEST_DSN"), "test_queries");
	return true;
}

static void teardown(void)
{
	if (getenv("MARQUEE_TEST_DSN"))
		fixture_close(&c);
}

static bool migrated(void)
{
	fixture_next(&c);
	return fixture_number(&c, "SELECT count(to_regclass('marquee.event_docs'))") == 1;
}

#define NEED_SCHEMA()                                                                              \
	do {                                                                                       \
		NEED_DSN();                                                                        \
		if (!migrated())                                                                   \
			T_SKIP("the database of MARQUEE_TEST_DSN is not migrated");                \
	} while (0)

static void prepares(PGconn *k, const struct query_row *row, const char *text, int n)
{
	PGresult *r = PQprepare(k, "", text, n, row->types);

	t_check(PQresultStatus(r) == PGRES_COMMAND_OK, (unsigned)row->line, row->file, "%s: %s",
		row->name, PQresultErrorMessage(r));
	PQclear(r);
}

static void all_prepare(void)
{
	PGconn *k;

	NEED_SCHEMA();
	k = db_handle(c.db);
	T_REQUIRE(k != NULL);
	for (int i = 0; i < Q_COUNT; i++) {
		const struct query_row *row = &query_rows[i];

		prepares(k, row, row->text, row->arity);
		if (row->keyed)
			prepares(k, row, row->keyed, row->arity + 3);
	}
}

static void all_lists_prepare(void)
{
	PGconn *k;
	int n = 0, bad = 0;

	NEED_SCHEMA();
	k = db_handle(c.db);
	T_REQUIRE(k != NULL);
	c.actor = &actor_anonymous;
	for (;; n++) {
		const char *text;
		PGresult *r;

		fixture_next(&c);
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

/* A replay must not run the effect again: the planner has to test for a stored answer first, once,
 * whatever kind of function the effect is. */
static void keyed_effects_are_filtered_once(void)
{
	NEED_SCHEMA();
	for (int i = 0; i < Q_COUNT; i++) {
		const struct query_row *row = &query_rows[i];
		struct strbuf b;
		const char *plan;
		PGresult *r;

		if (!row->keyed)
			continue;
		fixture_next(&c);
		T_REQUIRE(db_simple(&c, "SET plan_cache_mode = force_generic_plan", NULL) == OK);
		strbuf_init(&b, c.arena, 1 << 20);
		strbuf_printf(&b, "PREPARE looked_at AS %s; EXPLAIN (COSTS OFF) EXECUTE looked_at(",
			      row->keyed);
		for (int p = 0; p < row->arity + 3; p++)
			strbuf_adds(&b, p ? ", NULL" : "NULL");
		strbuf_adds(&b, ")");
		T_REQUIRE(db_simple(&c, strbuf_str(&b), &r) == OK);
		strbuf_init(&b, c.arena, 1 << 20);
		for (int line = 0; line < PQntuples(r); line++) {
			strbuf_adds(&b, db_get(r, line, 0));
			strbuf_addc(&b, '\n');
		}
		plan = strstr(strbuf_str(&b), "CTE eff");
		t_check(plan && strstr(plan, "One-Time Filter: (NOT $"), (unsigned)row->line,
			row->file, "%s: no one-time filter in %s", row->name, strbuf_str(&b));
		T_REQUIRE(db_simple(&c, "DEALLOCATE looked_at", NULL) == OK);
	}
}

T_SUITE_WITH("queries", setup, teardown, T(all_prepare), T(all_lists_prepare),
	     T(keyed_effects_are_filtered_once))
