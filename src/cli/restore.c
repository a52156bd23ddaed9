/* src/cli/restore.c - marquee restore: a dump back in place, and everything that must know of it */
#include "cli/backup.h"
#include "cli/cli.h"
#include "core/clock.h"
#include "db/db.h"
#include "db/migrate.h"
#include "db/program.h"

#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

/* Who still works on the database, and what it holds. */
static enum err refuse(struct ctx *c, bool replace)
{
	PGresult *r;

	TRY(db_query0(c, Q_RESTORE_REFUSAL, &r));
	if (db_get_long(r, 0, 0) > 0)
		return fail(c, E_CONFLICT, "%s workers and notifiers are connected: "
			    "stop them first", db_get(r, 0, 0));
	if (db_get_long(r, 0, 1) > 0 && !replace)
		return fail(c, E_CONFLICT, "the schema marquee exists already: "
			    "--replace gives it up for what is in the dump");
	return OK;
}

/* The schema of the dump, whole; then this program's version of it. */
static enum err load(struct ctx *c, const char *path, const char *sql)
{
	PGresult *r;

	TRY(db_simple(c, "SET LOCAL client_min_messages = warning;"
		      " DROP SCHEMA IF EXISTS marquee CASCADE", &r));
	/* An empty name: the one in the environment. Without the option it would print SQL. */
	TRY(db_program(c, (const char *const[]){ "pg_restore", "--dbname=", "--no-owner",
						 "--single-transaction", "--exit-on-error", path,
						 NULL }, NULL, NULL));
	return migrate_apply(c, sql, stdout);
}

static enum err restore(struct ctx *c, const char *path, const char *sql)
{
	int64_t began = clock_mono_ms();
	PGresult *r;

	cli_attach(c);
	TRY(load(c, path, sql));
	TRY(db_query0(c, Q_RESTORED, &r));
	printf("restored in %.1f s: %s people, %s events, %s registrations; %s messages wait to be "
	       "sent; cache epoch %s\n", (double)(clock_mono_ms() - began) / 1000,
	       db_get(r, 0, 0), db_get(r, 0, 1), db_get(r, 0, 2), db_get(r, 0, 3), db_get(r, 0, 4));
	TRY(db_query0(c, Q_INVARIANTS, &r));
	if (PQntuples(r) > 0)
		return fail(c, E_CONFLICT, "%d invariants are violated: see marquee invariants",
			    PQntuples(r));
	puts("all invariants hold");
	return OK;
}

static enum err run(struct ctx *c, int argc, char **argv)
{
	static const struct option options[] = { { "replace", no_argument, NULL, 'r' },
						 { "dir", required_argument, NULL, 's' },
						 { 0 } };
	const char *sql = MARQUEE_DATADIR "/sql";
	bool replace = false;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o == '?')
			return cli_usage(c, &cmd_restore);
		if (o == 's')
			sql = optarg;
		else
			replace = true;
	}
	if (optind != argc - 1)
		return cli_usage(c, &cmd_restore);
	if (access(argv[optind], R_OK) != 0)
		return fail(c, E_NOTFOUND, "%s cannot be read", argv[optind]);
	TRY(backup_readable(c, argv[optind]));
	TRY(refuse(c, replace));
	return restore(c, argv[optind], sql);
}

const struct command cmd_restore = {
	.name = "restore",
	.usage = "FILE [--replace] [--dir DIR]",
	.text = "Put a dump in place, bring it up to date, empty the cache, go on sending.",
	.run = run,
	.slow = true,
	.verdict = true,
};
