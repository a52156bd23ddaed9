/* src/cli/job.c - marquee job: the timed work, and running one of it now */
#include "cli/cli.h"
#include "db/db.h"

#include <string.h>

static enum err list(struct ctx *c)
{
	PGresult *r;

	TRY(db_query0(c, Q_JOBS, &r));
	printf("%-24s %-9s %-26s %8s %s\n", "job", "every", "next", "failures", "what");
	for (int i = 0; i < PQntuples(r); i++) {
		const char *every = db_get(r, i, 1), *error = db_get(r, i, 6);

		printf("%-24s %-9s %-26.26s %8s %s%s%s\n", db_get(r, i, 0), every ? every : "once",
		       db_get(r, i, 2), db_get(r, i, 5), db_get(r, i, 7), error ? ": " : "",
		       error ? error : "");
	}
	return OK;
}

static enum err run_now(struct ctx *c, const char *name)
{
	PGresult *r;

	TRY(db_query(c, Q_JOB_DUE, &r, name));
	if (db_get_long(r, 0, 0) == 0)
		return fail(c, E_NOTFOUND, "no job '%s'; marquee job list shows them", name);
	printf("%s is due now; the notifier runs it\n", name);
	return OK;
}

static enum err run(struct ctx *c, int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "list") == 0)
		return list(c);
	if (argc == 3 && strcmp(argv[1], "run") == 0)
		return run_now(c, argv[2]);
	return cli_usage(c, &cmd_job);
}

const struct command cmd_job = {
	.name = "job",
	.usage = "list | run NAME",
	.text = "The timed work and how it fares; make one job due now.",
	.run = run,
};
