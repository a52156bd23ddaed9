/* tests/service/test_migrate.c - migrations and functions applied to a database made for this */
#include "db/conn.h"
#include "db/migrate.h"
#include "db_fixture.h"

#include <sys/stat.h>
#include <unistd.h>

#define NAME "marquee_test_migrate"

static struct ctx admin, c;
static char dir[] = "/tmp/marquee-migrate-XXXXXX";
static char *said;		/* what the last run printed */

static void put(const char *name, const char *text)
{
	char path[128];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	out = fopen(path, "we");
	T_REQUIRE(out != NULL && fputs(text, out) >= 0 && fclose(out) == 0);
}

static void drop(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	T_EQ_INT(unlink(path), 0);
}

static bool setup(void)
{
	const char *dsn = getenv("MARQUEE_TEST_DSN");
	char own[1024], path[128];

	if (!dsn)
		return true;
	fixture_open(&admin, dsn, "test_migrate");
	snprintf(own, sizeof(own), "%s dbname=" NAME, dsn);
	fixture_open(&c, own, "test_migrate");
	if (!mkdtemp(dir))
		return false;
	snprintf(path, sizeof(path), "%s/migrations", dir);
	if (mkdir(path, 0700) != 0)
		return false;
	snprintf(path, sizeof(path), "%s/functions", dir);
	return mkdir(path, 0700) == 0 &&
	       db_simple(&admin, "DROP DATABASE IF EXISTS " NAME, NULL) == OK &&
	       db_simple(&admin, "CREATE DATABASE " NAME, NULL) == OK;
}

static void teardown(void)
{
	char command[64];

	if (!getenv("MARQUEE_TEST_DSN"))
		return;
	fixture_close(&c);
	fixture_next(&admin);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	if (db_simple(&admin, "DROP DATABASE " NAME, NULL) != OK || system(command) != 0)
		printf("the test database or %s stays behind\n", dir);
	fixture_close(&admin);
	free(said);
}

static enum err apply(enum err (*fn)(struct ctx *, const char *, FILE *))
{
	size_t n;
	FILE *out;
	enum err e;

	free(said);
	out = open_memstream(&said, &n);
	fixture_next(&c);
	e = fn(&c, dir, out);
	fclose(out);
	return e;
}

/* One story in order: each test stands on the ones before. */

static void says_what_is_missing(void)
{
	NEED_DSN();
	put("migrations/0001_first.sql", "CREATE TABLE first (id int PRIMARY KEY);\n");
	T_EQ_INT(apply(migrate_apply), E_UNAVAIL);
	T_HAS(c.err_msg, "bootstrap");
	fixture_next(&c);
	T_EQ_INT(migrate_check(&c, dir), E_UNAVAIL);
	T_HAS(c.err_msg, "never migrated");
}

static void bootstraps(void)
{
	NEED_DSN();
	put("bootstrap.sql", "CREATE SCHEMA IF NOT EXISTS marquee;\n");
	T_EQ_INT(apply(migrate_bootstrap), OK);
	T_EQ_INT(apply(migrate_bootstrap), OK);
	put("bootstrap.sql", "SELECT 1;\nSELECT 'ä'; SELECT\n  nonsense;\n");
	T_EQ_INT(apply(migrate_bootstrap), E_INTERNAL);
	T_HAS(said, "bootstrap.sql:3: column \"nonsense\" does not exist");
}

static void applies_in_order(void)
{
	NEED_DSN();
	put("migrations/0002_second.sql", "INSERT INTO first VALUES (2);\nSELECT 1;\n");
	put("functions/b.sql", "CREATE OR REPLACE FUNCTION b() RETURNS int LANGUAGE sql AS"
			       " $$ SELECT a() $$;");
	put("functions/c.sql", "CREATE OR REPLACE FUNCTION a() RETURNS int LANGUAGE sql AS"
			       " $$ SELECT 1 $$;");
	put("functions/.hidden.sql", "nonsense");
	put("functions/notes.txt", "nonsense");
	T_EQ_INT(apply(migrate_apply), OK);
	T_HAS(said, "applying 0001_first.sql\napplying 0002_second.sql\nreplacing functions/b.sql");
	fixture_next(&c);
	T_EQ_INT(migrate_check(&c, dir), OK);
	T_EQ_INT(fixture_number(&c, "SELECT id FROM marquee.first"), 2);
	T_EQ_INT(fixture_number(&c, "SELECT b()"), 1);
	T_EQ_INT(fixture_number(&c, "SELECT count(*) FROM schema_migrations"), 4);
	T_EQ_INT(fixture_number(&c, "SELECT length(sha256) FROM schema_migrations LIMIT 1"), 64);
}

static void does_nothing_twice(void)
{
	NEED_DSN();
	T_EQ_INT(apply(migrate_apply), OK);
	T_EQ_STR(said, "the database is up to date\n");
}

static void replaces_changed_functions_only(void)
{
	NEED_DSN();
	put("functions/c.sql", "CREATE OR REPLACE FUNCTION a() RETURNS int LANGUAGE sql AS"
			       " $$ SELECT 7 $$;");
	T_EQ_INT(apply(migrate_apply), OK);
	T_EQ_STR(said, "replacing functions/c.sql\nthe database is up to date\n");
	fixture_next(&c);
	T_EQ_INT(fixture_number(&c, "SELECT b()"), 7);
}

static void failure_leaves_no_trace(void)
{
	NEED_DSN();
	put("migrations/0003_third.sql", "CREATE TABLE third (id int);\n\nINSERT INTO third\n"
					 "  VALUES ('x');\n");
	T_EQ_INT(apply(migrate_apply), E_INTERNAL);
	T_HAS(said, "0003_third.sql:4: invalid input syntax");
	T_HAS(c.err_msg, "0003_third.sql");
	fixture_next(&c);
	T_EQ_INT(fixture_number(&c, "SELECT count(to_regclass('third'))"), 0);
	T_EQ_INT(migrate_check(&c, dir), E_UNAVAIL);
	T_HAS(c.err_msg, "lacks migration 0003_third.sql");
	put("migrations/0003_third.sql", "CREATE TABLE third (id int); COMMIT;\n");
	T_EQ_INT(apply(migrate_apply), E_INTERNAL);
	T_HAS(c.err_msg, "must not end its transaction");
	fixture_next(&c);
	T_REQUIRE(db_simple(&c, "DROP TABLE third", NULL) == OK);
	drop("migrations/0003_third.sql");
}

/* Whoever holds the table lets go of it once somebody has waited for it and given up. */
static const char until_refused[] =
	"DO $$ DECLARE n int; seen bool := false; BEGIN FOR i IN 1..12000 LOOP"
	" SELECT count(*) INTO n FROM pg_locks"
	" WHERE relation = 'marquee.first'::regclass AND NOT granted;"
	" EXIT WHEN seen AND n = 0;"
	" seen := seen OR n > 0; PERFORM pg_sleep(0.005); END LOOP; END $$; COMMIT";

static void waits_for_a_busy_table(void)
{
	PGresult *r;
	PGconn *k;

	NEED_DSN();
	put("migrations/0003_third.sql", "SET LOCAL lock_timeout = '50ms';"
					 " ALTER TABLE first ADD extra int;\n");
	fixture_next(&admin);
	k = PQconnectdb(c.db->dsn);
	r = PQexec(k, "BEGIN; LOCK TABLE marquee.first");
	T_EQ_INT(PQresultStatus(r), PGRES_COMMAND_OK);
	PQclear(r);
	T_REQUIRE(PQsendQuery(k, until_refused));
	T_EQ_INT(apply(migrate_apply), OK);
	T_HAS(said, "busy, trying again");
	PQfinish(k);
}

static void changed_or_unknown_is_refused(void)
{
	NEED_DSN();
	put("migrations/0001_first.sql", "CREATE TABLE first (id bigint PRIMARY KEY);\n");
	T_EQ_INT(apply(migrate_apply), E_UNAVAIL);
	T_HAS(c.err_msg, "0001_first.sql was changed");
	put("migrations/0001_first.sql", "CREATE TABLE first (id int PRIMARY KEY);\n");
	drop("migrations/0003_third.sql");
	T_EQ_INT(apply(migrate_apply), E_UNAVAIL);
	T_HAS(c.err_msg, "0003_third.sql, unknown to this program");
	fixture_next(&c);
	T_EQ_INT(migrate_check(&c, dir), E_UNAVAIL);
}

static void leaves_the_session_clean(void)
{
	PGresult *r;

	NEED_DSN();
	fixture_next(&c);
	T_REQUIRE(db_simple(&c, "SELECT current_setting('statement_timeout')", &r) == OK);
	T_EQ_STR(db_get(r, 0, 0), "1min");
	T_EQ_INT(fixture_number(&c, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
				    " AND database = (SELECT oid FROM pg_database"
				    " WHERE datname = '" NAME "')"), 0);
}

static void missing_folder_is_an_error(void)
{
	NEED_DSN();
	fixture_next(&c);
	T_EQ_INT(migrate_check(&c, "/nonexistent"), E_INVALID);
	T_HAS(c.err_msg, "/nonexistent/migrations");
}

T_SUITE_WITH("migrate", setup, teardown, T(says_what_is_missing), T(bootstraps),
	     T(applies_in_order), T(does_nothing_twice), T(replaces_changed_functions_only),
	     T(failure_leaves_no_trace), T(waits_for_a_busy_table),
	     T(changed_or_unknown_is_refused), T(leaves_the_session_clean),
	     T(missing_folder_is_an_error))
