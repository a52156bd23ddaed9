/* src/cli/migrate.c - marquee migrate: brings the database to this program's schema */
#include "cli/cli.h"
#include "db/migrate.h"

#include <getopt.h>

static enum err run(struct ctx *c, int argc, char **argv)
{
	static const struct option options[] = { { "bootstrap", no_argument, NULL, 'b' },
						 { "check", no_argument, NULL, 'c' },
						 { "dir", required_argument, NULL, 'd' },
						 { 0 } };
	const char *dir = MARQUEE_DATADIR "/sql";
	int o, what = 0;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o == '?')
			return cli_usage(c, &cmd_migrate);
		if (o == 'd')
			dir = optarg;
		else
			what = o;
	}
	if (optind != argc)
		return cli_usage(c, &cmd_migrate);
	if (what == 'b')
		return migrate_bootstrap(c, dir, stdout);
	if (what == 'c')
		return migrate_check(c, dir);
	return migrate_apply(c, dir, stdout);
}

const struct command cmd_migrate = {
	.name = "migrate",
	.usage = "[--bootstrap | --check] [--dir DIR]",
	.text = "Bring the schema up to date (as marquee_owner); --bootstrap first, as superuser.",
	.run = run,
};
