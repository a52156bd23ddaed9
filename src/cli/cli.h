/* src/cli/cli.h - the command line: one command, one file, one row */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "core/ctx.h"

/* argv[0] is the command's name. Errors are left in c; what people should see goes to stdout. */
struct command {
	const char *name;
	const char *usage;	/* arguments, for the help */
	const char *text;	/* one sentence */
	enum err (*run)(struct ctx *c, int argc, char **argv);
	bool offline;		/* needs no database */
};
extern const struct command cmd_migrate, cmd_user, cmd_config, cmd_invariants, cmd_job, cmd_routes,
    cmd_doctor, cmd_import, cmd_demo;

/* Wrong arguments: usage of the command in the message, E_INVALID. */
enum err cli_usage(struct ctx *c, const struct command *cmd) MUST_CHECK;
/* Tells shared memory of the host (revocations, generations): called before a command changes
 * something that workers hold. */
void cli_attach(struct ctx *c);

#endif
