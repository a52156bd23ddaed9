/* src/cli/routes.c - marquee routes: every address the program answers */
#include "cli/cli.h"
#include "web/route.h"

static enum err run(struct ctx *c, int argc, char **argv)
{
	static const char *const who[] = {
		[WHO_UNSET] = "?", [WHO_ANY] = "any", [WHO_MEMBER] = "member", [WHO_LOCAL] = "local"
	};

	(void)argv;
	if (argc != 1)
		return cli_usage(c, &cmd_routes);
	for (int i = 0; i < route_count(); i++) {
		const struct route *r = route_at(i);

		printf("%-7s %-28s %-7s %s\n", method_name(r->method), r->path, who[r->who],
		       r->doc);
	}
	return OK;
}

const struct command cmd_routes = {
	.name = "routes",
	.usage = "",
	.text = "All addresses: method, path, who may, what for.",
	.run = run,
	.offline = true,
};
