/* src/cli/user.c - marquee user: accounts, roles, tokens */
#include "auth/token.h"
#include "cli/cli.h"
#include "core/id.h"
#include "core/str.h"
#include "db/db.h"
#include "domain/people.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* First line of a file, or of standard input for "-". */
static enum err read_password(struct ctx *c, const char *path, const char **out)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
	char line[1100];
	bool got;

	if (!f)
		return fail(c, E_INVALID, "cannot read %s", path);
	got = fgets(line, sizeof(line), f);
	if (f != stdin)
		fclose(f);
	if (!got)
		return fail(c, E_INVALID, "%s is empty", path);
	*out = arena_strndup(c->arena, line, strcspn(line, "\r\n"));
	return OK;
}

static enum err add(struct ctx *c, int argc, char **argv)
{
	static const struct option options[] = { { "role", required_argument, NULL, 'r' },
						 { "password-file", required_argument, NULL, 'p' },
						 { 0 } };
	struct person p = { .role = "user" };
	const char *file = isatty(STDIN_FILENO) ? NULL : "-";
	struct id id;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o == 'r')
			p.role = optarg;
		else if (o == 'p')
			file = optarg;
		else
			return cli_usage(c, &cmd_user);
	}
	if (argc - optind != 2)
		return cli_usage(c, &cmd_user);
	if (!file)
		return fail(c, E_INVALID,
			    "give the password with --password-file FILE (- = input)");
	p.email = argv[optind];
	p.name = argv[optind + 1];
	TRY(read_password(c, file, &p.password));
	TRY(people_create(c, &p, &id));
	printf("%s\n", id.s);
	return OK;
}

static enum err role(struct ctx *c, int argc, char **argv)
{
	if (argc != 3)
		return cli_usage(c, &cmd_user);
	cli_attach(c);
	TRY(people_set_role(c, argv[1], argv[2]));
	printf("%s is %s now; tokens given out before are void\n", argv[1], argv[2]);
	return OK;
}

static enum err token(struct ctx *c, int argc, char **argv)
{
	const char *text;

	if (argc != 2)
		return cli_usage(c, &cmd_user);
	TRY(token_ready(c));
	TRY(people_token(c, argv[1], &text));
	printf("%s\n", text);
	return OK;
}

static enum err list(struct ctx *c, int argc, char **argv)
{
	static const struct option options[] = { { "limit", required_argument, NULL, 'l' }, { 0 } };
	long limit = 100;
	char most[24];
	PGresult *r;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o != 'l')
			return cli_usage(c, &cmd_user);
		TRY(cli_number(c, "--limit", 1, 1000000, &limit));
	}
	if (optind != argc)
		return cli_usage(c, &cmd_user);
	snprintf(most, sizeof(most), "%ld", limit);
	TRY(db_query(c, Q_USERS_LIST, &r, most));
	for (int i = 0; i < PQntuples(r); i++)
		printf("%s  %-9s %-8s %-32s %s\n", db_get(r, i, 0), db_get(r, i, 3),
		       strcmp(db_get(r, i, 4), "t") == 0 ? "active" : "disabled", db_get(r, i, 1),
		       db_get(r, i, 2));
	return OK;
}

static enum err run(struct ctx *c, int argc, char **argv)
{
	static const struct {
		const char *name;
		enum err (*run)(struct ctx *, int, char **);
	} verbs[] = { { "add", add }, { "role", role }, { "token", token }, { "list", list } };

	for (size_t i = 0; argc > 1 && i < COUNT(verbs); i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(c, argc - 1, argv + 1);
	return cli_usage(c, &cmd_user);
}

const struct command cmd_user = {
	.name = "user",
	.usage =
	    "add EMAIL NAME [--role ROLE] [--password-file FILE] | role EMAIL ROLE | token EMAIL"
	    " | list [--limit N]",
	.text = "Create people, give them a role, print a token for one of them, list the newest.",
	.run = run,
	.verdict = true,
};
