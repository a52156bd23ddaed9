/* src/cli/demo.c - marquee demo: a populated instance, the same for the same seed */
#include "auth/password.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "core/clock.h"
#include "core/str.h"
#include "db/db.h"

#include <getopt.h>
#include <stdio.h>

#define PASSWORD "demo-password"
#define EVENTS_MAX 1000000
#define USERS_MAX 1000000
#define ANSWERS_MAX 20000000

struct number {
	char s[24];
};

struct demo {
	long events, users, registrations, seed;
	const char *hash;
	struct number n_seed, n_events, n_users, n_answers;
	struct progress progress;
	double done;
	long long rows;
};

static const char *text(struct number *b, long v)
{
	snprintf(b->s, sizeof(b->s), "%ld", v);
	return b->s;
}

/* Work that goes in pieces over numbered rows. cost: relative, of one row of `of`. */
struct step {
	const char *label;
	double cost;
	long piece;
	size_t of;	/* offsetof: over how many */
	enum err (*run)(struct ctx *c, struct demo *d, const char *first, const char *last,
			PGresult **r);
};

static enum err users(struct ctx *c, struct demo *d, const char *first, const char *last,
		      PGresult **r)
{
	return db_query(c, Q_DEMO_USERS, r, d->n_seed.s, first, last, d->hash);
}

static enum err friends(struct ctx *c, struct demo *d, const char *first, const char *last,
			PGresult **r)
{
	(void)first;	/* in one piece: a friendship may be anybody's */
	(void)last;
	return db_query(c, Q_DEMO_FRIENDS, r, d->n_seed.s, d->n_users.s);
}

static enum err events(struct ctx *c, struct demo *d, const char *first, const char *last,
		       PGresult **r)
{
	return db_query(c, Q_DEMO_EVENTS, r, d->n_seed.s, first, last, d->n_users.s);
}

static enum err answers(struct ctx *c, struct demo *d, const char *first, const char *last,
			PGresult **r)
{
	return db_query(c, Q_DEMO_ANSWERS, r, d->n_seed.s, first, last, d->n_users.s);
}

static enum err docs(struct ctx *c, struct demo *d, const char *first, const char *last,
		     PGresult **r)
{
	return db_query(c, Q_DEMO_DOCS, r, d->n_seed.s, first, last);
}

static enum err plan(struct ctx *c, struct demo *d, const char *first, const char *last,
		     PGresult **r)
{
	(void)first;
	(void)last;
	return db_query(c, Q_DEMO_PLAN, r, d->n_seed.s, d->n_events.s, d->n_users.s,
			d->n_answers.s);
}

/* The costs are measured, in microseconds. What an answer costs is added to its event's. */
static const struct step steps[] = {
	{ "people", 60, 2000, offsetof(struct demo, users), users },
	{ "friendships", 50, USERS_MAX, offsetof(struct demo, users), friends },
	{ "events", 130, 1000, offsetof(struct demo, events), events },
	{ "a plan", 10, EVENTS_MAX, offsetof(struct demo, events), plan },
	{ "registrations", 10, 500, offsetof(struct demo, events), answers },
	{ "documents", 190, 1000, offsetof(struct demo, events), docs },
};
#define ANSWER_COST 30

static double cost_of(const struct demo *d, const struct step *s)
{
	long n = *(const long *)((const char *)d + s->of);

	double cost = (double)n * s->cost;

	return s->run == answers ? cost + (double)d->registrations * ANSWER_COST : cost;
}

static enum err run_step(struct ctx *c, struct demo *d, const struct step *s)
{
	long n = *(const long *)((const char *)d + s->of);
	struct number first, last;
	PGresult *r;

	for (long at = 1; at <= n; at += s->piece) {
		long end = at + s->piece - 1 < n ? at + s->piece - 1 : n;
		double cost = (double)(end - at + 1) * s->cost;

		TRY(s->run(c, d, text(&first, at), text(&last, end), &r));
		if (s->run == answers)
			cost += (double)db_get_long(r, 0, 0) * ANSWER_COST;
		if (s->run != plan)
			d->rows += db_get_long(r, 0, 0);
		d->done += cost;
		progress_at(&d->progress, d->done, d->rows, s->label);
	}
	return OK;
}

/* All or nothing: one transaction. */
static enum err load(struct ctx *c, void *arg)
{
	struct demo *d = arg;
	double total = 0;
	PGresult *r;

	for (size_t i = 0; i < COUNT(steps); i++)
		total += cost_of(d, &steps[i]);
	progress_begin(&d->progress, "rows", total);
	TRY(db_query0(c, Q_DEMO_BEGIN, &r));
	for (size_t i = 0; i < COUNT(steps); i++)
		TRY(run_step(c, d, &steps[i]));
	TRY(db_query0(c, Q_DEMO_FINISH, &r));
	return OK;
}

static enum err check(struct ctx *c, const struct demo *d)
{
	PGresult *r;

	if (d->events > 0 && d->users == 0)
		return fail(c, E_INVALID, "--events needs hosts: --users must be at least 1");
	if (d->registrations > d->events * d->users)
		return fail(c, E_INVALID,
			    "--registrations must be at most --events times --users, which is %ld",
			    d->events * d->users);
	TRY(db_query0(c, Q_DEMO_STATE, &r));
	if (db_get_long(r, 0, 0) + db_get_long(r, 0, 1) > 0)
		return fail(c, E_CONFLICT,
			    "demonstration data is there already: %ld people, %ld events",
			    db_get_long(r, 0, 0), db_get_long(r, 0, 1));
	return OK;
}

static enum err arguments(struct ctx *c, int argc, char **argv, struct demo *d)
{
	static const struct option options[] = {
		{ "events", required_argument, NULL, 'e' },
		{ "users", required_argument, NULL, 'u' },
		{ "registrations", required_argument, NULL, 'r' },
		{ "seed", required_argument, NULL, 's' }, { 0 },
	};
	static const struct {
		const char *name;
		long max;
		size_t at;
		int key;
	} rows[] = {
		{ "--events", EVENTS_MAX, offsetof(struct demo, events), 'e' },
		{ "--users", USERS_MAX, offsetof(struct demo, users), 'u' },
		{ "--registrations", ANSWERS_MAX, offsetof(struct demo, registrations), 'r' },
		{ "--seed", 2147483647, offsetof(struct demo, seed), 's' },
	};
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o == '?')
			return cli_usage(c, &cmd_demo);
		for (size_t i = 0; i < COUNT(rows); i++)
			if (rows[i].key == o)
				TRY(cli_number(c, rows[i].name, 0, rows[i].max,
					       (long *)((char *)d + rows[i].at)));
	}
	return optind == argc ? OK : cli_usage(c, &cmd_demo);
}

static enum err run(struct ctx *c, int argc, char **argv)
{
	struct demo d = { .events = 200, .users = 50, .registrations = 2000, .seed = 1 };
	char took[32];

	TRY(arguments(c, argc, argv, &d));
	text(&d.n_seed, d.seed);
	text(&d.n_events, d.events);
	text(&d.n_users, d.users);
	text(&d.n_answers, d.registrations);
	TRY(check(c, &d));
	TRY(password_hash(c, PASSWORD, &d.hash));
	enum err e = db_transaction(c, load, &d);
	progress_end(&d.progress);
	TRY(e);
	printf("%ld people, %ld events, %ld registrations in %s\n", d.users, d.events,
	       d.registrations,
	       progress_time((double)(clock_mono_ms() - d.progress.began_ms) / 1000, took));
	if (d.users > 0)
		puts("the first of them: user1@demo.example, password " PASSWORD);
	return OK;
}

const struct command cmd_demo = {
	.name = "demo",
	.usage = "[--events N] [--users N] [--registrations N] [--seed N]",
	.text = "Make people, events and registrations to look at; nothing is sent anywhere.",
	.run = run,
	.slow = true,
};
