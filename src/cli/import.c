/* src/cli/import.c - marquee import: events from a file of JSON lines, 200 in a transaction */
#include "cli/cli.h"
#include "cli/import_line.h"
#include "cli/progress.h"
#include "core/clock.h"
#include "core/id.h"
#include "db/db.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define BATCH 200
#define LINE_MAX_BYTES ((size_t)1 << 20)
#define ARENA_MAX ((size_t)1 << 30)

enum fate { FATE_LOADED, FATE_KNOWN, FATE_REFUSED, FATES };

struct item {
	long line;
	struct import_line read;
	enum fate fate;
	const char *reason;
};

struct refusal {
	struct refusal *next;
	long line;
	const char *reason;
};

struct import {
	const char *path, *report, *host;
	long shift_years;
	bool dry_run;
	FILE *in;
	char *text;		/* getline's */
	size_t room;
	long line;
	double bytes;
	int64_t now_us;
	struct arena *arena;	/* of the batch */
	struct arena *kept;	/* of the refusals */
	struct item items[BATCH];
	int n;			/* items read */
	int from, to;		/* those of this transaction */
	bool rehearsed;		/* a dry run went well and is to be undone */
	long long count[FATES];
	struct refusal *refused, **refused_end;
	struct progress progress;
};

/* ---- reasons ---- */

static const char *reason_of(const struct ctx *c, struct arena *a)
{
	const char *all = NULL;

	for (const struct detail *d = c->details; d; d = d->next)
		all = all ? arena_printf(a, "%s; %s %s", all, d->field, d->reason)
			  : arena_printf(a, "%s %s", d->field, d->reason);
	return all ? all : arena_strdup(a, c->err_msg ? c->err_msg : "refused");
}

static void refuse(struct import *im, long line, const char *reason)
{
	struct refusal *r = ARENA_NEW(im->kept, struct refusal);

	r->line = line;
	r->reason = arena_strdup(im->kept, reason);
	*im->refused_end = r;
	im->refused_end = &r->next;
	im->count[FATE_REFUSED]++;
}

/* ---- reading ---- */

static void read_line(struct ctx *c, struct import *im, size_t n)
{
	struct item *it = &im->items[im->n];
	struct str text = str_trim((struct str){ im->text, n });

	if (text.n == 0)
		return;
	it->line = im->line;
	if (text.n > LINE_MAX_BYTES) {
		refuse(im, im->line, "the line is longer than 1 MiB");
	} else if (import_line_read(c, text, (int)im->shift_years, im->now_us, &it->read) != OK) {
		refuse(im, im->line, reason_of(c, im->arena));
		ctx_forgive(c);
	} else {
		im->n++;
	}
}

/* False: the file has ended. */
static bool read_batch(struct ctx *c, struct import *im)
{
	ssize_t n = 0;

	im->n = 0;
	while (im->n < BATCH && (n = getline(&im->text, &im->room, im->in)) >= 0) {
		im->line++;
		im->bytes += (double)n;
		while (n > 0 && (im->text[n - 1] == '\n' || im->text[n - 1] == '\r'))
			n--;
		read_line(c, im, (size_t)n);
	}
	return n >= 0;
}

/* ---- writing ---- */

static bool transaction_lives(struct ctx *c)
{
	PGconn *conn = db_handle(c->db);

	return conn && PQtransactionStatus(conn) == PQTRANS_INTRANS;
}

/* A refusal by the function leaves the transaction as it is; an exception ends it. */
static enum err write_items(struct ctx *c, void *arg)
{
	struct import *im = arg;

	for (int i = im->from; i < im->to; i++) {
		struct item *it = &im->items[i];
		struct id id = id_new();
		const char *const args[] = { id.s, im->host, it->read.body, it->read.key };
		struct effect e = { .status = 0 };
		enum err rc = db_effect(c, Q_EVENT_IMPORT, NULL, args, 4, &e);

		if (rc != OK && (e.status == 0 || !transaction_lives(c)))
			return rc;
		it->fate = rc != OK ? FATE_REFUSED : e.status == 201 ? FATE_LOADED : FATE_KNOWN;
		if (rc != OK) {
			it->reason = reason_of(c, im->arena);
			ctx_forgive(c);
		}
	}
	im->rehearsed = im->dry_run;
	return im->dry_run ? E_CONFLICT : OK;
}

static enum err write_range(struct ctx *c, struct import *im, int from, int to)
{
	enum err e;

	im->from = from;
	im->to = to;
	im->rehearsed = false;
	e = db_transaction(c, write_items, im);
	if (e != OK && !im->rehearsed)
		return e;
	for (int i = from; i < to; i++) {
		struct item *it = &im->items[i];

		if (it->fate == FATE_REFUSED)
			refuse(im, it->line, it->reason);
		else
			im->count[it->fate]++;
	}
	return OK;
}

/* When one line breaks a transaction, all of it is done again line by line. */
static enum err write_batch(struct ctx *c, struct import *im)
{
	enum err e = im->n > 0 ? write_range(c, im, 0, im->n) : OK;

	if (e == OK || e == E_UNAVAIL || e == E_UNCERTAIN)
		return e;
	for (int i = 0; i < im->n; i++) {
		ctx_forgive(c);
		e = write_range(c, im, i, i + 1);
		if (e == E_UNAVAIL || e == E_UNCERTAIN)
			return e;
		if (e != OK)
			refuse(im, im->items[i].line, reason_of(c, im->arena));
	}
	ctx_forgive(c);
	return OK;
}

static enum err import_all(struct ctx *c, struct import *im)
{
	bool more;

	do {
		ctx_begin(c, im->arena);
		more = read_batch(c, im);
		enum err e = write_batch(c, im);

		if (e != OK) {
			ctx_forgive(c);
			return fail(c, e, "stopped at line %ld: the database does not answer; "
					  "run it again, what is loaded stays", im->line);
		}
		progress_at(&im->progress, im->bytes, im->line, "");
		arena_reset(im->arena);
	} while (more);
	return OK;
}

/* ---- the command ---- */

static enum err find_host(struct ctx *c, struct import *im)
{
	PGresult *r;

	if (im->host) {
		TRY(db_query(c, Q_USER_BY_EMAIL, &r, im->host));
		if (PQntuples(r) == 0)
			return fail(c, E_NOTFOUND, "--host: nobody signs in as %s", im->host);
	} else {
		TRY(db_query0(c, Q_ADMIN_FIRST, &r));
		if (PQntuples(r) == 0)
			return fail(c, E_NOTFOUND,
				    "whose events are these? Say --host EMAIL, or make an admin: "
				    "marquee user add EMAIL NAME --role admin");
	}
	im->host = db_get(r, 0, 0);
	return OK;
}

static int by_line(const void *a, const void *b)
{
	const struct refusal *const *x = a, *const *y = b;

	return ((*x)->line > (*y)->line) - ((*x)->line < (*y)->line);
}

/* What the database refused was noted after what the same batch could not even send. */
static void print_refused(const struct import *im, FILE *out)
{
	size_t n = (size_t)im->count[FATE_REFUSED], i = 0;
	const struct refusal **all = arena_alloc(im->kept, (n + 1) * sizeof(struct refusal *));

	for (const struct refusal *r = im->refused; r; r = r->next)
		all[i++] = r;
	qsort(all, n, sizeof(struct refusal *), by_line);
	for (i = 0; i < n; i++)
		fprintf(out, "line %ld: %s\n", all[i]->line, all[i]->reason);
}

static enum err summary(struct ctx *c, const struct import *im)
{
	FILE *out = im->report ? fopen(im->report, "we") : NULL;

	printf("%lld loaded, %lld refused, %lld known%s\n", im->count[FATE_LOADED],
	       im->count[FATE_REFUSED], im->count[FATE_KNOWN],
	       im->dry_run ? " (nothing was changed)" : "");
	print_refused(im, stdout);
	if (!im->report)
		return OK;
	if (out)
		print_refused(im, out);
	if (!out || fclose(out) != 0)
		return fail(c, E_INVALID, "--report %s: %s", im->report, strerror(errno));
	return OK;
}

static enum err open_file(struct ctx *c, struct import *im)
{
	struct stat st;

	im->in = strcmp(im->path, "-") == 0 ? stdin : fopen(im->path, "re");
	if (!im->in || fstat(fileno(im->in), &st) != 0)
		return fail(c, E_NOTFOUND, "%s: %s", im->path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return fail(c, E_NOTFOUND, "%s is a directory", im->path);
	progress_begin(&im->progress, "lines", S_ISREG(st.st_mode) ? (double)st.st_size : 0);
	return OK;
}

static enum err arguments(struct ctx *c, int argc, char **argv, struct import *im)
{
	static const struct option options[] = {
		{ "host", required_argument, NULL, 'h' },
		{ "shift-years", required_argument, NULL, 's' },
		{ "dry-run", no_argument, NULL, 'n' },
		{ "report", required_argument, NULL, 'r' },
		{ 0 },
	};
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o == 'h')
			im->host = optarg;
		else if (o == 's')
			TRY(cli_number(c, "--shift-years", -200, 200, &im->shift_years));
		else if (o == 'n')
			im->dry_run = true;
		else if (o == 'r')
			im->report = optarg;
		else
			return cli_usage(c, &cmd_import);
	}
	if (argc - optind != 1)
		return cli_usage(c, &cmd_import);
	im->path = argv[optind];
	return OK;
}

static enum err work(struct ctx *c, struct import *im)
{
	TRY(open_file(c, im));
	TRY(find_host(c, im));
	enum err e = import_all(c, im);

	progress_end(&im->progress);
	return e;
}

static enum err run(struct ctx *c, int argc, char **argv)
{
	struct import im = { .now_us = clock_now_us(), .kept = c->arena };
	enum err e;

	TRY(arguments(c, argc, argv, &im));
	im.refused_end = &im.refused;
	im.arena = arena_new(ARENA_MAX);
	e = work(c, &im);
	if (e == OK) {
		ctx_begin(c, im.kept);
		e = summary(c, &im);
	} else {
		c->err_msg = arena_strdup(im.kept, c->err_msg);
	}
	if (im.in && im.in != stdin)
		fclose(im.in);
	free(im.text);
	arena_free(im.arena);
	c->arena = im.kept;
	return e;
}

const struct command cmd_import = {
	.name = "import",
	.usage = "FILE.jsonl [--host EMAIL] [--shift-years N] [--dry-run] [--report FILE]",
	.text = "Load events from JSON lines (- = input). A second run adds nothing.",
	.run = run,
};
