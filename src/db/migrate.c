/* src/db/migrate.c - brings a database to the schema of this program: migrations, then functions */
#include "db/migrate.h"

#include "core/hash.h"
#include "core/strbuf.h"
#include "db/conn.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define LOCK_KEY "1296126545"	/* any number that is always the same */
#define LOCK_TRIES 600		/* half a second each */
#define FILE_TRIES 20		/* a busy table: one second between them */
#define FILE_MAX (8u << 20)

struct file {
	const char *name;	/* "0001_people.sql", "functions/common.sql": as recorded */
	const char *path;
	const char *text;
	char sha256[SHA256_HEX];
	bool apply;
};

struct files {
	struct file *v;
	int n;
};

struct job {
	struct files *files;	/* those with apply set go into this transaction */
	FILE *out;
	bool busy;		/* it ended by a lock time-out */
};

/* ---- files ---- */

static enum err read_file(struct ctx *c, struct file *f)
{
	FILE *in = fopen(f->path, "re");
	char part[16384];
	struct strbuf b;
	size_t n;
	bool bad;

	if (!in)
		return fail(c, E_INVALID, "cannot read %s: %s", f->path, strerror(errno));
	strbuf_init(&b, c->arena, FILE_MAX);
	while ((n = fread(part, 1, sizeof(part), in)) > 0)
		strbuf_add(&b, part, n);
	bad = ferror(in) || b.failed;
	fclose(in);
	if (bad || memchr(strbuf_str(&b), '\0', b.len))
		return fail(c, E_INVALID, "%s cannot be read as a text of at most %u bytes",
			    f->path, FILE_MAX);
	f->text = strbuf_str(&b);
	sha256_hex(f->text, b.len, f->sha256);
	return OK;
}

static int is_sql(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return d->d_name[0] != '.' && n > 4 && strcmp(d->d_name + n - 4, ".sql") == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* All *.sql of dir/folder in the order of their names; recorded as prefix + name. */
static enum err list_files(struct ctx *c, const char *dir, const char *folder, const char *prefix,
			   struct files *out)
{
	const char *path = arena_printf(c->arena, "%s/%s", dir, folder);
	struct dirent **list = NULL;
	int n = scandir(path, &list, is_sql, by_bytes);
	enum err e = OK;

	*out = (struct files){ NULL, 0 };
	if (n < 0)
		return fail(c, E_INVALID, "cannot read %s: %s", path, strerror(errno));
	out->v = arena_zalloc(c->arena, sizeof(*out->v) * (size_t)(n + 1));
	for (int i = 0; i < n; i++) {
		struct file *f = &out->v[i];

		f->name = arena_printf(c->arena, "%s%s", prefix, list[i]->d_name);
		f->path = arena_printf(c->arena, "%s/%s", path, list[i]->d_name);
		if (e == OK)
			e = read_file(c, f);
		free(list[i]);
	}
	free(list);
	out->n = n;
	return e;
}

static struct file *find_file(struct files *files, const char *name)
{
	for (int i = 0; i < files->n; i++)
		if (strcmp(files->v[i].name, name) == 0)
			return &files->v[i];
	return NULL;
}

/* ---- running ---- */

static enum err run_simple(struct ctx *c, const char *sql, struct answer *a)
{
	struct stmt s = { .text = sql, .writes = true, .simple = true };

	return conn_run(c, &s, a);
}

/* The line of the character (counted from 1) at which PostgreSQL saw the mistake. */
static int line_of(const char *text, const char *position)
{
	long at = position ? strtol(position, NULL, 10) : 0;
	int line = 1;

	for (; *text && at > 1; text++) {
		at -= ((unsigned char)text[1] & 0xc0) != 0x80;
		line += *text == '\n';
	}
	return line;
}

/* Unlike a request's, these words are for the administrator, who must see what was wrong where. */
static enum err file_fail(struct ctx *c, FILE *out, const struct file *f, const struct answer *a,
			  enum err e)
{
	const char *message = a->reason, *at = NULL, *context = NULL;

	if (a->res) {
		message = PQresultErrorField(a->res, PG_DIAG_MESSAGE_PRIMARY);
		at = PQresultErrorField(a->res, PG_DIAG_STATEMENT_POSITION);
		context = PQresultErrorField(a->res, PG_DIAG_CONTEXT);
		if (!message)
			message = PQresultErrorMessage(a->res);
	}
	if (!message)
		message = "no reason given";
	fprintf(out, "%s:%d: %s (%s)\n", f->path, line_of(f->text, at), message, a->sqlstate);
	if (context)
		fprintf(out, "  %s\n", context);
	/* What is wrong in our own file is our fault, not the input's. */
	if (e != E_UNAVAIL && e != E_UNCERTAIN)
		e = E_INTERNAL;
	return fail(c, e, "%s: %s", f->name, message);
}

static enum err record(struct ctx *c, const struct file *f)
{
	const char *const args[] = { f->name, f->sha256 };

	return db_run_text(c, NULL,
			   "INSERT INTO marquee.schema_migrations (name, sha256) VALUES ($1, $2)"
			   " ON CONFLICT (name) DO UPDATE"
			   " SET sha256 = excluded.sha256, applied_at = now()",
			   NULL, args, 2, NULL);
}

/* Inside a transaction: applies and records every file marked so. */
static enum err apply_files(struct ctx *c, void *arg)
{
	struct job *job = arg;
	struct answer a;

	TRY(db_simple(c, "SET LOCAL lock_timeout = '3s'; SET LOCAL check_function_bodies = off",
		      NULL));
	for (int i = 0; i < job->files->n; i++) {
		struct file *f = &job->files->v[i];
		enum err e;

		if (!f->apply)
			continue;
		e = run_simple(c, f->text, &a);
		if (e != OK) {
			job->busy = strcmp(a.sqlstate, "55P03") == 0;
			return file_fail(c, job->out, f, &a, e);
		}
		if (PQtransactionStatus(c->db->conn) != PQTRANS_INTRANS)
			return fail(c, E_INTERNAL, "%s must not end its transaction", f->name);
		TRY(record(c, f));
	}
	return OK;
}

static void rest(long ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static enum err apply_retrying(struct ctx *c, struct files *files, FILE *out)
{
	struct job job = { .files = files, .out = out };
	enum err e = E_INTERNAL;

	for (int i = 0; i < FILE_TRIES; i++) {
		job.busy = false;
		e = db_transaction(c, apply_files, &job);
		if (e == OK || !job.busy || i + 1 == FILE_TRIES)
			break;
		fprintf(out, "  busy, trying again\n");
		ctx_forgive(c);
		rest(1000);
	}
	return e;
}

/* ---- what is recorded ---- */

/* Marks what must be applied. Recorded migrations that are unknown or were changed are errors. */
static enum err compare_migrations(struct ctx *c, struct files *files, const PGresult *recorded)
{
	for (int i = 0; i < files->n; i++)
		files->v[i].apply = true;
	for (int r = 0; r < PQntuples(recorded); r++) {
		const char *name = db_get(recorded, r, 0);
		struct file *f;

		if (strncmp(name, "functions/", 10) == 0)
			continue;
		f = find_file(files, name);
		if (!f)
			return fail(c, E_UNAVAIL,
				    "the database has migration %s, unknown to this program",
				    name);
		if (strcmp(f->sha256, db_get(recorded, r, 1)) != 0)
			return fail(c, E_UNAVAIL, "%s was changed after it had been applied", name);
		f->apply = false;
	}
	return OK;
}

static void compare_functions(struct files *files, const PGresult *recorded)
{
	for (int i = 0; i < files->n; i++)
		files->v[i].apply = true;
	for (int r = 0; r < PQntuples(recorded); r++) {
		struct file *f = find_file(files, db_get(recorded, r, 0));

		if (f && strcmp(f->sha256, db_get(recorded, r, 1)) == 0)
			f->apply = false;
	}
}

static const char recorded_sql[] =
	"SELECT name, sha256 FROM marquee.schema_migrations ORDER BY name";

/* ---- the three ways in ---- */

static enum err take_lock(struct ctx *c, FILE *out)
{
	PGresult *r;

	for (int i = 0; i < LOCK_TRIES; i++) {
		TRY(db_simple(c, "SELECT pg_try_advisory_lock(" LOCK_KEY ")", &r));
		if (strcmp(PQgetvalue(r, 0, 0), "t") == 0)
			return OK;
		if (i == 0)
			fprintf(out, "another migration is running, waiting for it\n");
		rest(500);
	}
	return fail(c, E_UNAVAIL, "another migration has been running for too long");
}

static enum err make_record(struct ctx *c)
{
	struct answer a;
	enum err e;

	e = run_simple(c, "CREATE TABLE IF NOT EXISTS marquee.schema_migrations ("
			  " name text PRIMARY KEY, sha256 text NOT NULL,"
			  " applied_at timestamptz NOT NULL DEFAULT now());"
			  " GRANT SELECT ON marquee.schema_migrations TO PUBLIC", &a);
	if (e == OK)
		return OK;
	if (strcmp(a.sqlstate, "3F000") == 0)
		return fail(c, E_UNAVAIL, "schema marquee is missing: run the bootstrap first");
	return query_fail(c, "schema_migrations", &a, e);
}

static enum err apply_all(struct ctx *c, const char *dir, FILE *out)
{
	struct files migrations, functions, one;
	PGresult *recorded;
	int changed = 0;

	TRY(list_files(c, dir, "migrations", "", &migrations));
	TRY(list_files(c, dir, "functions", "functions/", &functions));
	TRY(db_simple(c, "SET statement_timeout = 0; SET lock_timeout = 0;"
			 " SET idle_in_transaction_session_timeout = 0", NULL));
	TRY(take_lock(c, out));
	TRY(make_record(c));
	TRY(db_simple(c, recorded_sql, &recorded));
	TRY(compare_migrations(c, &migrations, recorded));
	for (int i = 0; i < migrations.n; i++) {
		if (!migrations.v[i].apply)
			continue;
		fprintf(out, "applying %s\n", migrations.v[i].name);
		one = (struct files){ &migrations.v[i], 1 };
		TRY(apply_retrying(c, &one, out));
	}
	compare_functions(&functions, recorded);
	for (int i = 0; i < functions.n; i++) {
		if (functions.v[i].apply)
			fprintf(out, "replacing %s\n", functions.v[i].name);
		changed += functions.v[i].apply;
	}
	/* All at once: a request sees the functions of one version or of the other. */
	if (changed)
		TRY(apply_retrying(c, &functions, out));
	fprintf(out, "the database is up to date\n");
	return OK;
}

/* Ends the session, and with it the advisory lock and the settings made here. */
static enum err end_session(struct ctx *c, enum err e)
{
	conn_drop(c->db);
	c->db->unbounded = false;
	return e;
}

enum err migrate_apply(struct ctx *c, const char *dir, FILE *out)
{
	conn_drop(c->db);
	c->db->unbounded = true;
	return end_session(c, apply_all(c, dir, out));
}

static enum err bootstrap(struct ctx *c, const char *dir, FILE *out)
{
	struct file f = { .name = "bootstrap.sql" };
	struct answer a;
	enum err e;

	f.path = arena_printf(c->arena, "%s/%s", dir, f.name);
	TRY(read_file(c, &f));
	TRY(db_simple(c, "SET statement_timeout = 0", NULL));
	e = run_simple(c, f.text, &a);
	if (e != OK)
		return file_fail(c, out, &f, &a, e);
	fprintf(out, "roles, extensions and schema are there\n");
	return OK;
}

enum err migrate_bootstrap(struct ctx *c, const char *dir, FILE *out)
{
	conn_drop(c->db);
	c->db->unbounded = true;
	return end_session(c, bootstrap(c, dir, out));
}

enum err migrate_check(struct ctx *c, const char *dir)
{
	struct stmt s = { .text = recorded_sql, .simple = true };
	struct files files;
	struct answer a;
	enum err e;

	TRY(list_files(c, dir, "migrations", "", &files));
	e = conn_run(c, &s, &a);
	if (e != OK && (strcmp(a.sqlstate, "42P01") == 0 || strcmp(a.sqlstate, "3F000") == 0))
		return fail(c, E_UNAVAIL, "the database was never migrated");
	if (e != OK)
		return query_fail(c, "schema_migrations", &a, e);
	TRY(compare_migrations(c, &files, a.res));
	for (int i = 0; i < files.n; i++)
		if (files.v[i].apply)
			return fail(c, E_UNAVAIL, "the database lacks migration %s",
				    files.v[i].name);
	return OK;
}
