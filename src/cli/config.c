/* src/cli/config.c - marquee config: the options as they are, and as text */
#include "auth/token.h"
#include "cli/cli.h"
#include "core/str.h"
#include "web/page.h"

#include <string.h>

static enum err list(struct ctx *c)
{
	config_print_list(c->cfg, stdout);
	return OK;
}

/* Loading has checked every value; what is left needs to be known as a whole. With templates that
 * are no good no worker would start. */
static enum err check(struct ctx *c)
{
	char why[512];

	TRY(token_ready(c));
	if (!*c->cfg->db_dsn)
		return fail(c, E_INVALID, "db.dsn is not set: where is the database?");
	if (!page_open(c->cfg, why, sizeof(why)))
		return fail(c, E_INVALID, "%s", why);
	page_close();
	puts("the configuration can be used");
	return OK;
}

static enum err sample(struct ctx *c)
{
	(void)c;
	config_print_sample(stdout);
	return OK;
}

static enum err man(struct ctx *c)
{
	(void)c;
	config_print_man(stdout);
	return OK;
}

static enum err run(struct ctx *c, int argc, char **argv)
{
	static const struct {
		const char *name;
		enum err (*run)(struct ctx *);
	} verbs[] = { { "list", list }, { "check", check }, { "sample", sample }, { "man", man } };

	for (size_t i = 0; argc == 2 && i < COUNT(verbs); i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(c);
	return cli_usage(c, &cmd_config);
}

const struct command cmd_config = {
	.name = "config",
	.usage = "list | check | sample | man",
	.text = "Options in force (secrets hidden), their check, a sample file, the manual's list.",
	.run = run,
	.offline = true,
};
