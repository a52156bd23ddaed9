/* src/cli/doctor.c - marquee doctor: prints what looking at every part has found */
#include "cli/cli.h"
#include "domain/doctor.h"

#include <getopt.h>
#include <stdio.h>

static enum err arguments(struct ctx *c, int argc, char **argv, const char **sql_dir)
{
	static const struct option options[] = { { "dir", required_argument, NULL, 'd' }, { 0 } };
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o != 'd')
			return cli_usage(c, &cmd_doctor);
		*sql_dir = optarg;
	}
	return optind == argc ? OK : cli_usage(c, &cmd_doctor);
}

static void print(void *counts, const char *check, const struct finding *f)
{
	((int *)counts)[f->verdict]++;
	printf("%-4s %-13s  %s\n", verdict_words[f->verdict], check, f->what);
	if (f->fix)
		printf("%20s-> %s\n", "", f->fix);
	fflush(stdout);
}

static enum err run(struct ctx *c, int argc, char **argv)
{
	int count[V_COUNT] = { 0 };
	struct doctor_how how = { .sql_dir = MARQUEE_DATADIR "/sql", .patient = true,
				  .tell = print, .arg = count };

	TRY(arguments(c, argc, argv, &how.sql_dir));
	cli_attach(c);
	doctor_run(c, &how);
	printf("%d ok, %d warnings, %d failed\n", count[V_OK], count[V_WARN], count[V_FAIL]);
	return count[V_FAIL] ? fail(c, E_CONFLICT, "something has to be done, see above") : OK;
}

const struct command cmd_doctor = {
	.name = "doctor",
	.usage = "[--dir DIR]",
	.text = "Check every part of this deployment; say what to do (exit 1: something failed).",
	.run = run,
	.slow = true,
	.verdict = true,
};
