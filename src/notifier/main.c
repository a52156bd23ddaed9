/* src/notifier/main.c - marquee-notifier: options, signals, the loop */
#include "auth/actor.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/shm.h"
#include "notifier/notifier.h"

#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define SETS_MAX 64
#define STOP_MS 10000
#define IDLE_MS 100
#define SCRATCH_MAX ((size_t)64 << 20)

struct options {
	const char *config;
	const char *sets[SETS_MAX + 1];
	int n_sets;
};

static const char help[] =
	"usage: marquee-notifier [--config FILE] [--set NAME=VALUE]...\n"
	"\n"
	"Sends the outbox to Kafka, deletes what it names from the cache, runs the timed jobs,\n"
	"sends mail.\n"
	"\n"
	"  --config FILE      read FILE instead of " CONFIG_DEFAULT_PATH "\n"
	"  --set NAME=VALUE   set one option; may be repeated\n"
	"  --help             print this and exit\n"
	"  --version          print the version and exit\n"
	"\n"
	"Signals: TERM and INT stop it when what is under way has arrived; HUP reopens the log\n"
	"and reads the templates of mails anew.\n"
	"See marquee-notifier(8) and marquee.conf(5).\n";

/* -1: go on; else the exit code. */
static int parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' }, { "set", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (opt == 'c') {
			o->config = optarg;
		} else if (opt == 's' && o->n_sets < SETS_MAX) {
			o->sets[o->n_sets++] = optarg;
		} else if (opt == 'h') {
			fputs(help, stdout);
			return 0;
		} else if (opt == 'v') {
			puts("marquee-notifier " MARQUEE_VERSION);
			return 0;
		} else {
			fputs("marquee-notifier: try --help\n", stderr);
			return EX_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	fprintf(stderr, "marquee-notifier: unexpected argument \"%s\"\n", argv[optind]);
	return EX_USAGE;
}

/* A supervisor that restarts at once must not spin. */
static int refuse(const char *why)
{
	struct timespec second = { .tv_sec = 1 };

	fprintf(stderr, "marquee-notifier: %s\n", why);
	nanosleep(&second, NULL);
	return EX_CONFIG;
}

struct ctx *notifier_ctx(struct notifier *n, struct arena *a)
{
	ctx_begin(&n->c, a);
	return &n->c;
}

/* Blocked before librdkafka makes its threads, which inherit the mask. */
static int signals_open(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void signals_read(struct notifier *n, int64_t now)
{
	struct signalfd_siginfo info;

	while (read(n->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP) {
			log_reopen();
			log_msg(LOG_INFO_, "log reopened");
			mail_reload(n);
		} else if (!n->stopping) {
			n->stopping = true;
			n->stop_by = now + STOP_MS;
			log_msg(LOG_INFO_, "stopping");
		}
	}
}

static bool work_left(const struct notifier *n)
{
	for (int i = 0; i < SHARDS; i++)
		if (n->shards[i].state != SHARD_IDLE)
			return true;
	return async_running(&n->jobs) || mail_busy(n);
}

/* Milliseconds that may be slept if nobody calls; 0 while something can go on at once. */
static int next_in(const struct notifier *n, int64_t now)
{
	int64_t due = relay_due(n);

	if (!async_running(&n->jobs) && n->job_at < due)
		due = n->job_at;
	if (mail_due(n) < due)
		due = mail_due(n);
	if (due <= now)
		return 0;
	return due - now < IDLE_MS ? (int)(due - now) : IDLE_MS;
}

static void rest(struct notifier *n, int ms)
{
	struct pollfd p[] = {
		{ .fd = n->signals, .events = POLLIN },
		{ .fd = n->wake.fd, .events = POLLIN },
		{ .fd = async_socket(&n->jobs), .events = POLLIN },
		{ .fd = async_socket(&n->relay_db), .events = POLLIN },
		{ .fd = producer_socket(n->producer), .events = POLLIN },
		{ .fd = mail_db_socket(n), .events = POLLIN },
		{ .fd = mail_smtp_socket(n), .events = POLLIN },
	};

	(void)poll(p, COUNT(p), ms);
}

static void loop(struct notifier *n)
{
	for (;;) {
		int64_t now = clock_mono_ms();
		bool connected = lead_step(n, now);

		signals_read(n, now);
		if (wake_drain(&n->wake)) {
			relay_woken(n, now);
			mail_woken(n, now);
		}
		if (connected) {
			beat_namespace(n, now);
			relay_step(n, now);
			sweep_step(n, now);
			beat_step(n, now);
		} else if (n->producer) {
			producer_poll(n->producer, 0);
		}
		if (connected || async_running(&n->jobs))
			job_step(n, now);
		if (connected || mail_db_socket(n) >= 0)
			mail_step(n, now);
		log_flush(1000);
		if (n->stopping && (!work_left(n) || now >= n->stop_by))
			return;
		rest(n, connected ? next_in(n, now) : 50);
	}
}

static int run(struct notifier *n)
{
	char why[400] = "out of threads";

	n->signals = signals_open();
	n->scratch = arena_new(SCRATCH_MAX);
	n->keys = arena_new(SCRATCH_MAX);
	n->c.cfg = n->cfg;
	n->c.actor = &actor_anonymous;
	n->db = n->c.db = db_new(n->cfg, n->cfg->db_dsn, "marquee-notifier");
	n->cache = n->c.cache = cache_new(n->cfg);
	if (gethostname(n->host, sizeof(n->host) - 1) != 0)
		snprintf(n->host, sizeof(n->host), "unknown");
	relay_init(n);
	job_init(n);
	if (!relay_open(n))
		return refuse("Kafka's library refuses the configuration; the log says why");
	if (!mail_open(n, why, sizeof(why)))
		return refuse(why);
	(void)wake_open(&n->wake, n->cfg->notifier_socket);
	log_pairs(LOG_INFO_, "started", "version", MARQUEE_VERSION, "brokers",
		  n->cfg->kafka_brokers, (char *)NULL);
	loop(n);
	mail_close(n);
	async_close(&n->jobs);
	relay_close(n);
	wake_close(&n->wake);
	cache_free(n->cache);
	db_close(n->db);
	free(n->swept);
	arena_free(n->scratch);
	arena_free(n->keys);
	log_msg(LOG_INFO_, "stopped");
	log_flush(0);
	return 0;
}

int main(int argc, char **argv)
{
	static struct config cfg;
	static struct notifier n = { .cfg = &cfg };
	struct options o = { .config = NULL };
	int code = parse(argc, argv, &o);

	if (code >= 0)
		return code;
	if (config_load(&cfg, o.config, o.sets, stderr) != OK)
		return refuse("the configuration is not acceptable");
	if (log_open(cfg.log_file, log_level_parse(cfg.log_level), "marquee-notifier") != OK)
		return refuse("log.file cannot be opened");
	if (cfg.db_dsn[0] == '\0')
		return refuse("db.dsn is not set; set it in " CONFIG_DEFAULT_PATH
			      ", by MARQUEE_DB_DSN or by --set db.dsn=...");
	/* Without it generations and debts of the cache are this process's own. */
	if (shm_attach(cfg.shm_dir, "notifier", 0) != OK)
		log_msg(LOG_WARN_, "going on without shared memory");
	return run(&n);
}
