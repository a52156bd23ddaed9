/* src/cli/invariants.c - marquee invariants: what must hold and does not */
#include "cli/cli.h"
#include "db/db.h"

static enum err run(struct ctx *c, int argc, char **argv)
{
	PGresult *r;

	(void)argv;
	if (argc != 1)
		return cli_usage(c, &cmd_invariants);
	TRY(db_query0(c, Q_INVARIANTS, &r));
	for (int i = 0; i < PQntuples(r); i++)
		printf("%s\t%s\t%s\n", db_get(r, i, 0), db_get(r, i, 1) ? db_get(r, i, 1) : "-",
		       db_get(r, i, 2));
	if (PQntuples(r) > 0)
		return fail(c, E_CONFLICT, "%d invariants are violated", PQntuples(r));
	puts("all invariants hold");
	return OK;
}

const struct command cmd_invariants = {
	.name = "invariants",
	.usage = "",
	.text =
	    "Recount everything; print what must hold and does not (exit 1: something).",
	.run = run,
	.slow = true,
	.verdict = true,
};
