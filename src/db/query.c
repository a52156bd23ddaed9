/* src/db/query.c - statements by name: checks, results, and what a client may learn of a failure */
#include "core/clock.h"
#include "core/log.h"
#include "core/strbuf.h"
#include "db/conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void (*db_observer)(enum query q, int64_t us);

/* ---- failures ---- */

/* Never a word of SQL, a name of ours or a value of somebody else's row. */
static const char *public_words(enum err e)
{
	switch (e) {
	case E_UNAVAIL:
		return "the database is not available at the moment";
	case E_UNCERTAIN:
		return "the database connection was lost; it is not known whether this was done";
	case E_CONFLICT:
		return "another request was changing the same thing; please try again";
	case E_INVALID:
		return "the database does not accept one of the values";
	case E_NOTFOUND:
		return "not found";
	default:
		return "the database could not do this";
	}
}

/* A limit kept in SQL raises the number of seconds to wait as its message. */
static enum err fail_limit(struct ctx *c, const char *message)
{
	long wait;

	if (!str_to_long(str_of(message), 1, 86400, &wait))
		wait = 1;
	if (c->err == OK)
		c->retry_after = (int)wait;
	return fail(c, E_LIMIT, "too many requests, try again in %ld s", wait);
}

enum err query_fail(struct ctx *c, const char *name, const struct answer *a, enum err e)
{
	const char *message = NULL, *context = NULL, *constraint = NULL;

	if (a->res) {
		message = PQresultErrorField(a->res, PG_DIAG_MESSAGE_PRIMARY);
		constraint = PQresultErrorField(a->res, PG_DIAG_CONSTRAINT_NAME);
		if (!message)
			message = PQresultErrorMessage(a->res);
		if (e == E_INTERNAL)
			context = PQresultErrorField(a->res, PG_DIAG_CONTEXT);
	}
	log_pairs((enum log_level)err_info(e)->level, "database", "request_id", c->request_id,
		  "query", name, "error", err_info(e)->code, "sqlstate",
		  a->sqlstate[0] ? a->sqlstate : NULL, "detail", message ? message : a->reason,
		  "constraint", constraint, "context", context, (char *)NULL);
	if (e == E_UNAVAIL && c->err == OK && c->retry_after == 0)
		c->retry_after = 1;
	if (message && strcmp(a->sqlstate, "MQ429") == 0)
		return fail_limit(c, message);
	/* Our own functions raise sentences that are meant for people. */
	if (message && sqlstate_is_ours(a->sqlstate))
		return fail(c, e, "%s", message);
	return fail(c, e, "%s", public_words(e));
}

static enum err refuse_use(struct ctx *c, const char *name, const char *why)
{
	log_pairs(LOG_ERROR_, "database", "request_id", c->request_id, "query", name, "detail", why,
		  (char *)NULL);
	return fail(c, E_INTERNAL, "%s", public_words(E_INTERNAL));
}

/* ---- running ---- */

static int64_t mono_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void observe(const struct query_row *row, int64_t since)
{
	/* Rows of tests stand in no enum. */
	if (row >= query_rows && row < query_rows + Q_COUNT)
		db_observer((enum query)(row - query_rows), mono_us() - since);
}

/* Person, address, request and whom they look at the site as, a line each: audit_put in SQL takes
 * them apart. Of whoever acts in another's name all that is written is told. */
static const char *who_asks(const struct ctx *c, const struct query_row *row)
{
	if (!c->asker || !(row->audited || (row->writes && c->asker_as && *c->asker_as)))
		return NULL;
	return arena_printf(c->arena, "%s\n%s\n%s\n%s", c->asker, c->asker_address,
			    c->request_id, c->asker_as ? c->asker_as : "");
}

enum err query_run(struct ctx *c, const struct query_row *row, bool keyed, const char *const *args,
		   struct answer *a)
{
	const char *origin[] = { row->writes ? c->traceparent : NULL,
				 who_asks(c, row) };
	int64_t since = db_observer ? mono_us() : 0;
	struct stmt s = {
		.name = row->name,
		.text = row->text,
		.types = row->types,
		.args = args,
		.n = row->arity,
		.writes = row->writes,
		.origin = origin[0] || origin[1] ? origin : NULL,
		.place = row->writes && c->replica && !conn_in_transaction(c->db),
	};
	enum err e;

	if (keyed) {
		s.name = arena_printf(c->arena, "%s/keyed", row->name);
		s.text = row->keyed;
		s.n = row->arity + 3;
	}
	e = conn_run(c, &s, a);
	if (e == OK && s.place)
		replica_wrote(c, a->place);
	if (db_observer)
		observe(row, since);
	return e;
}

enum err query_row_run(struct ctx *c, const struct query_row *row, const char *const *args, int n,
		       PGresult **out)
{
	struct answer a;
	enum err e;
	int rows;

	if (n != row->arity)
		return refuse_use(c, row->name, "wrong number of arguments");
	e = query_run(c, row, false, args, &a);
	if (e != OK)
		return query_fail(c, row->name, &a, e);
	rows = PQntuples(a.res);
	if (row->kind == QUERY_ONE && rows == 0)
		return fail(c, E_NOTFOUND, "not found");
	if ((row->kind == QUERY_ONE || row->kind == QUERY_OPTIONAL) && rows > 1)
		return refuse_use(c, row->name, "more than one row");
	if (out)
		*out = a.res;
	return OK;
}

enum err db_run(struct ctx *c, enum query q, const char *const *args, int n, PGresult **out)
{
	return query_row_run(c, &query_rows[q], args, n, out);
}

static enum err run_assembled(struct ctx *c, const struct stmt *s, bool list, PGresult **out)
{
	struct answer a;
	enum err e = list && replica_run(c, s, &a) ? OK : conn_run(c, s, &a);

	if (e != OK)
		return query_fail(c, s->name, &a, e);
	if (out)
		*out = a.res;
	return OK;
}

enum err db_run_text(struct ctx *c, const char *name, const char *text, const Oid *types,
		     const char *const *args, int n, PGresult **out)
{
	const struct stmt s = {
		.name = name, .text = text, .types = types, .args = args, .n = n, .assembled = true,
	};

	return run_assembled(c, &s, false, out);
}

enum err db_list(struct ctx *c, const char *name, const char *text, const Oid *types,
		 const char *const *args, int n, PGresult **out)
{
	const struct stmt s = {
		.name = name, .text = text, .types = types, .args = args, .n = n, .assembled = true,
	};

	return run_assembled(c, &s, true, out);
}

enum err db_simple(struct ctx *c, const char *sql, PGresult **out)
{
	struct stmt s = { .text = sql, .writes = true, .simple = true };
	struct answer a;
	enum err e = conn_run(c, &s, &a);

	if (e != OK)
		return query_fail(c, "simple", &a, e);
	if (out)
		*out = a.res;
	return OK;
}

bool db_alive(struct ctx *c)
{
	static const struct stmt s = { .text = "SELECT 1", .simple = true };
	unsigned trips = c->sql_trips;
	struct answer a;
	bool alive = conn_run(c, &s, &a) == OK;

	c->sql_trips = trips;
	return alive;
}

/* ---- fields ---- */

const char *db_get(const PGresult *r, int row, int col)
{
	return PQgetisnull(r, row, col) ? NULL : PQgetvalue(r, row, col);
}

struct str db_get_str(const PGresult *r, int row, int col)
{
	if (PQgetisnull(r, row, col))
		return (struct str){ NULL, 0 };
	return (struct str){ PQgetvalue(r, row, col), (size_t)PQgetlength(r, row, col) };
}

long db_get_long(const PGresult *r, int row, int col)
{
	return PQgetisnull(r, row, col) ? 0 : strtol(PQgetvalue(r, row, col), NULL, 10);
}
