/* src/cli/outbox.c - marquee outbox: messages that no broker takes, and what becomes of them */
#include "cli/cli.h"
#include "core/strbuf.h"
#include "db/db.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define POSITIONS_MAX 65536

static enum err list(struct ctx *c)
{
	PGresult *r;

	TRY(db_query0(c, Q_PARKED_LIST, &r));
	printf("%-12s %-36s %6s %-28s %8s %5s %-24s %s\n", "pos", "key", "seq", "type", "bytes",
	       "tries", "next try", "reason");
	for (int i = 0; i < PQntuples(r); i++) {
		const char *next = db_get(r, i, 6);

		printf("%-12s %-36s %6s %-28s %8s %5s %-24s %s\n", db_get(r, i, 0),
		       db_get(r, i, 1), db_get(r, i, 2), db_get(r, i, 3), db_get(r, i, 4),
		       db_get(r, i, 5), next ? next : "waits for a person", db_get(r, i, 7));
	}
	return OK;
}

/* "{1,2,3}" */
static enum err positions(struct ctx *c, int argc, char **argv, const char **out)
{
	struct strbuf b;
	long pos;

	strbuf_init(&b, c->arena, POSITIONS_MAX);
	for (int i = 0; i < argc; i++) {
		if (!str_to_long(str_of(argv[i]), 1, LONG_MAX, &pos))
			return fail(c, E_INVALID, "not a position: '%s'; marquee outbox list "
						  "shows them", argv[i]);
		strbuf_printf(&b, "%s%ld", i ? "," : "{", pos);
	}
	strbuf_addc(&b, '}');
	if (b.failed)
		return fail(c, E_TOOBIG, "too many positions at once");
	*out = strbuf_str(&b);
	return OK;
}

static enum err say(struct ctx *c, const PGresult *r, const char *what)
{
	if (PQntuples(r) == 0)
		return fail(c, E_NOTFOUND, "nothing of that is parked");
	for (int i = 0; i < PQntuples(r); i++)
		printf("%s %s %s %s\n", what, db_get(r, i, 0), db_get(r, i, 1), db_get(r, i, 2));
	return OK;
}

static enum err replay(struct ctx *c, int argc, char **argv)
{
	const char *which;
	PGresult *r;

	if (argc == 1 && strcmp(argv[0], "--all") == 0) {
		TRY(db_query0(c, Q_PARKED_REPLAY_ALL, &r));
	} else {
		TRY(positions(c, argc, argv, &which));
		TRY(db_query(c, Q_PARKED_REPLAY, &r, which));
	}
	return say(c, r, "will be sent:");
}

static enum err drop(struct ctx *c, int argc, char **argv)
{
	const char *which;
	PGresult *r;

	TRY(positions(c, argc, argv, &which));
	TRY(db_query(c, Q_PARKED_DROP, &r, which));
	return say(c, r, "dropped:");
}

static enum err run(struct ctx *c, int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "list") == 0)
		return list(c);
	if (argc > 2 && strcmp(argv[1], "replay") == 0)
		return replay(c, argc - 2, argv + 2);
	if (argc > 2 && strcmp(argv[1], "drop") == 0)
		return drop(c, argc - 2, argv + 2);
	return cli_usage(c, &cmd_outbox);
}

const struct command cmd_outbox = {
	.name = "outbox",
	.usage = "list | replay POS...|--all | drop POS...",
	.text = "Messages that no broker takes: show them, send them after all, give them up.",
	.run = run,
};
