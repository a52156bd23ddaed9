/* src/cli/main.c - marquee, the command line: finds the command, connects, reports */
#include "auth/actor.h"
#include "cache/cache.h"
#include "cli/cli.h"
#include "core/log.h"
#include "core/shm.h"
#include "core/str.h"
#include "db/db.h"
#include "web/metrics.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLAGS_MAX 64
#define SLOW_MS (3600L * 1000)

static const struct command *const commands[] = {
	&cmd_migrate, &cmd_user,   &cmd_config, &cmd_routes,  &cmd_invariants, &cmd_job,
	&cmd_outbox,  &cmd_mail,   &cmd_import, &cmd_demo,    &cmd_doctor,     &cmd_backup,
	&cmd_restore,
};

static void usage(FILE *out)
{
	fputs("usage: marquee [--config FILE] [--set name=value]... COMMAND ...\n\n", out);
	for (size_t i = 0; i < COUNT(commands); i++)
		fprintf(out, "  %-10s %s\n             %s\n", commands[i]->name, commands[i]->usage,
			commands[i]->text);
	fputs("\nOptions: --config FILE, --set name=value, --help, --version. See marquee(1).\n",
	      out);
}

enum err cli_usage(struct ctx *c, const struct command *cmd)
{
	return fail(c, E_INVALID, "usage: marquee %s %s", cmd->name, cmd->usage);
}

enum err cli_number(struct ctx *c, const char *flag, long min, long max, long *out)
{
	if (!str_to_long(str_of(optarg), min, max, out))
		return fail(c, E_INVALID, "%s takes a whole number from %ld to %ld, not '%s'", flag,
			    min, max, optarg);
	return OK;
}

void cli_attach(struct ctx *c)
{
	if (shm_attach(c->cfg->shm_dir, metrics_layout(c->arena), metrics_cells()) != OK)
		fprintf(stderr,
			"marquee: %s cannot be used: workers learn of this within a second\n",
			c->cfg->shm_dir);
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < COUNT(commands); i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static int report(struct ctx *c, const struct command *cmd, enum err e)
{
	if (e == OK)
		return 0;
	fprintf(stderr, "marquee: %s\n",
		c->err_msg && *c->err_msg ? c->err_msg : err_info(e)->title);
	for (const struct detail *d = c->details; d; d = d->next)
		fprintf(stderr, "  %s %s\n", d->field, d->reason);
	if (cmd->verdict && (e == E_CONFLICT || e == E_NOTFOUND))
		return 1;
	return err_info(e)->exit;
}

static int run(const struct command *cmd, const struct config *cfg, int argc, char **argv)
{
	struct arena *arena = arena_new((size_t)1 << 30);
	struct config patient = *cfg;
	struct ctx c = { .cfg = cmd->slow ? &patient : cfg };

	patient.db_statement_timeout = SLOW_MS;
	ctx_begin(&c, arena);
	c.actor = &actor_anonymous;
	c.asker = "";
	c.asker_address = "command line";
	c.asker_as = "";
	if (!cmd->offline) {
		c.db = db_new(c.cfg, cfg->db_dsn, "marquee");
		c.cache = cache_new(cfg);
	}
	int status = report(&c, cmd, cmd->run(&c, argc, argv));

	if (!cmd->offline) {
		db_close(c.db);
		cache_free(c.cache);
	}
	arena_free(arena);
	return status;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "config", required_argument, NULL, 'c' },
						 { "set", required_argument, NULL, 's' },
						 { "help", no_argument, NULL, 'h' },
						 { "version", no_argument, NULL, 'V' },
						 { 0 } };
	static struct config cfg;
	const char *path = NULL, *flags[FLAGS_MAX + 1] = { NULL };
	const struct command *cmd;
	int o, n = 0;

	while ((o = getopt_long(argc, argv, "+c:s:hV", options, NULL)) != -1) {
		if (o == 'c')
			path = optarg;
		else if (o == 's' && n < FLAGS_MAX)
			flags[n++] = optarg;
		else if (o == 'V')
			return puts("marquee " MARQUEE_VERSION) < 0;
		else
			return usage(o == 'h' ? stdout : stderr), o == 'h' ? 0 : 64;
	}
	if (optind == argc || strcmp(argv[optind], "help") == 0)
		return usage(optind == argc ? stderr : stdout), optind == argc ? 64 : 0;
	cmd = find(argv[optind]);
	if (!cmd) {
		fprintf(stderr, "marquee: no command '%s'; marquee --help lists them\n",
			argv[optind]);
		return 64;
	}
	if (config_load(&cfg, path, flags, stderr) != OK)
		return 78;
	if (log_open("", LOG_WARN_, "marquee") != OK)
		return 74;
	argc -= optind;
	argv += optind;
	optind = 0; /* commands read their own options with getopt */
	return run(cmd, &cfg, argc, argv);
}
