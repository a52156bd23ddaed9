/* src/cli/cli.h - the command line: one command, one file, one row */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "core/ctx.h"

#include <stdbool.h>

/* argv[0] is the command's name. Errors are left in c; what people should see goes to stdout. */
struct command {
	const char *name;
	const char *usage;	/* arguments, for the help */
	const char *text;	/* one sentence */
	enum err (*run)(struct ctx *c, int argc, char **argv);
	bool offline;		/* needs no database */
	bool slow;		/* its statements may take longer than a request's */
	bool verdict;		/* exit code 1 for what it finds wrong or does not find */
};
extern const struct command cmd_migrate, cmd_user, cmd_config, cmd_invariants, cmd_job, cmd_routes,
    cmd_doctor, cmd_import, cmd_demo, cmd_outbox, cmd_mail, cmd_backup,
    cmd_restore;

/* Wrong arguments: usage of the command in the message, E_INVALID. */
enum err cli_usage(struct ctx *c, const struct command *cmd) MUST_CHECK;
/* getopt's optarg as a whole number; E_INVALID names the flag and its range. */
enum err cli_number(struct ctx *c, const char *flag, long min, long max, long *out) MUST_CHECK;
/* Tells shared memory of the host (revocations, generations): called before a command changes
 * something that workers hold. */
void cli_attach(struct ctx *c);

#endif
