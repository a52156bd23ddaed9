/* src/fcgi/main.c - the worker: configuration, services, then requests until told to stop */
#include "auth/token.h"
#include "cache/cache.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/shm.h"
#include "domain/events.h"
#include "domain/tickets.h"
#include "web/metrics.h"
#include "web/page.h"
#include "web/route.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define IDLE_MS 250
#define FLAGS_MAX 64

static void serve(void *user, struct http_request *rq, struct http_response *rs)
{
	route_serve(user, rq, rs);
}

static void sent(void *user, struct http_request *rq, struct http_response *rs)
{
	route_sent(user, rq, rs);
}

/* Between requests: the host's shared knowledge, view counts, the log. */
static void idle(void *user)
{
	static struct arena *arena;
	struct ctx *c = user;

	if (!arena)
		arena = arena_new(16 << 20);
	ctx_begin(c, arena);
	c->actor = &actor_anonymous;
	revocation_poll(c);
	views_flush(c, false);
	log_flush(1000);
	arena_reset(arena);
}

/* Templates and texts may have changed, and the log may have been moved. */
static void reload(void *user)
{
	const struct ctx *c = user;
	char why[512];

	log_reopen();
	if (page_open(c->cfg, why, sizeof(why)))
		log_msg(LOG_INFO_, "templates and texts are read anew");
	else
		log_pairs(LOG_ERROR_, "templates and texts stay as they were", "reason", why,
			  (char *)NULL);
}

static void usage(FILE *out)
{
	fputs("usage: marquee.fcgi [--config FILE] [--set name=value]... [--help] [--version]\n"
	      "\n"
	      "A FastCGI worker: started by spawn-fcgi with a listening socket on descriptor 0.\n"
	      "Started any other way it answers one CGI request from its environment.\n"
	      "Options, their environment variables and defaults: marquee.conf(5).\n",
	      out);
}

/* A fatal mistake of the operator: said once, slowly, so that a supervisor does not spin. */
static int refuse(const char *why)
{
	fprintf(stderr, "marquee.fcgi: %s\n", why);
	log_pairs(LOG_ERROR_, why, NULL);
	sleep(1);
	return 78; /* EX_CONFIG */
}

static int start(const struct config *cfg)
{
	static struct arena *arena; /* also what a refusal leaves behind is within reach */
	struct ctx c = { .cfg = cfg };
	struct http_app app = { .cfg = cfg,
				.user = &c,
				.serve = serve,
				.sent = sent,
				.idle = idle,
				.reload = reload,
				.idle_ms = IDLE_MS };
	const char *problem = routes_problem();
	char why[512];

	if (problem)
		return refuse(problem);
	arena = arena_new(16 << 20);
	ctx_begin(&c, arena);
	c.actor = &actor_anonymous;
	if (token_ready(&c) != OK || tickets_ready(&c) != OK)
		return refuse(c.err_msg);
	if (!page_open(cfg, why, sizeof(why)))
		return refuse(why);
	if (shm_attach(cfg->shm_dir, metrics_layout(arena), metrics_cells()) != OK)
		log_pairs(LOG_WARN_, "no shared memory: metrics and limits are this process's own",
			  "dir", cfg->shm_dir, NULL);
	metrics_start();
	c.db = db_new(cfg, cfg->db_dsn, "marquee.fcgi");
	c.replica = db_replica_new(cfg, "marquee.fcgi lists");
	c.cache = cache_new(cfg);
	arena_reset(arena);
	int status = http_run(&app);

	ctx_begin(&c, arena);
	views_flush(&c, true);
	log_flush(0);
	db_close(c.db);
	db_close(c.replica);
	cache_free(c.cache);
	arena_free(arena);
	page_close();
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
	const char *path = getenv("MARQUEE_CONFIG"), *flags[FLAGS_MAX + 1] = { NULL };
	int o, n = 0;

	/* A web server hands a query without '=' to a CGI program as its arguments (RFC 3875, 4.4):
	 * what a stranger asks for must never configure us. */
	if (getenv("GATEWAY_INTERFACE") || getenv("REQUEST_METHOD"))
		argc = 1;
	while ((o = getopt_long(argc, argv, "c:s:hV", options, NULL)) != -1) {
		if (o == 'c')
			path = optarg;
		else if (o == 's' && n < FLAGS_MAX)
			flags[n++] = optarg;
		else if (o == 'V')
			return puts("marquee.fcgi " MARQUEE_VERSION) < 0;
		else {
			usage(o == 'h' ? stdout : stderr);
			return o == 'h' ? 0 : 64;
		}
	}
	if (!path)
		path = access(CONFIG_DEFAULT_PATH, R_OK) == 0 ? CONFIG_DEFAULT_PATH : "";
	if (config_load(&cfg, path, flags, stderr) != OK)
		return refuse("the configuration cannot be used");
	if (log_open(cfg.log_file, log_level_parse(cfg.log_level), "marquee.fcgi") != OK)
		return refuse("log.file cannot be opened");
	return start(&cfg);
}
