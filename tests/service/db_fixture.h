/* tests/service/db_fixture.h - a context with a connection to the database of MARQUEE_TEST_DSN */
#ifndef TESTS_DB_FIXTURE_H
#define TESTS_DB_FIXTURE_H

#include "core/strbuf.h"
#include "db/db.h"
#include "t.h"

#define NEED_DSN()                                                                                 \
	do {                                                                                       \
		if (!getenv("MARQUEE_TEST_DSN"))                                                   \
			T_SKIP("MARQUEE_TEST_DSN is not set");                                     \
	} while (0)

/* Patient: who tests what a limit does sets that limit. */
static struct config cfg = {
	.db_connect_timeout = 30000,
	.db_statement_timeout = 60000,
	.db_lock_timeout = 30000,
};

static void fixture_open(struct ctx *c, const char *dsn, const char *name)
{
	memset(c, 0, sizeof(*c));
	c->cfg = &cfg;
	c->db = db_new(&cfg, dsn, name);
	ctx_begin(c, arena_new(64 << 20));
}

static void fixture_close(struct ctx *c)
{
	db_close(c->db);
	arena_free(c->arena);
}

/* The next operation: new error state, new memory. */
T_UNUSED static void fixture_next(struct ctx *c)
{
	arena_reset(c->arena);
	ctx_begin(c, c->arena);
}

/* Text of a file below the source folder; the caller's for the rest of the process. */
T_UNUSED static char *fixture_file(const char *name)
{
	const char *dir = getenv("T_SRCDIR");
	char path[1024], *text = calloc(1, 65536);
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s", dir ? dir : ".", name);
	in = fopen(path, "re");
	if (!in || !text || fread(text, 1, 65535, in) == 0) {
		fprintf(stderr, "cannot read %s\n", path);
		free(text);
		text = NULL;
	}
	if (in)
		fclose(in);
	return text;
}

T_UNUSED static long fixture_number(struct ctx *c, const char *sql)
{
	PGresult *r;

	if (db_simple(c, sql, &r) != OK || PQntuples(r) != 1)
		return -1;
	return db_get_long(r, 0, 0);
}

#endif
