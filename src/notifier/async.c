/* src/notifier/async.c - one statement at a time on a session of its own, not waited for */
#include "notifier/async.h"

#include "core/fault.h"
#include "core/log.h"

#define GRACE_MS 1000	/* the server's own time-out comes first and says more */

static bool begin_session(struct async *a, PGconn *conn)
{
	PGresult *r;
	bool ok;

	if (a->backend == PQbackendPID(conn))
		return true;
	memset(a->prepared, 0, sizeof(a->prepared));
	r = a->settings ? PQexec(conn, a->settings) : NULL;
	ok = !r || PQresultStatus(r) == PGRES_COMMAND_OK;
	PQclear(r);
	if (ok)
		a->backend = PQbackendPID(conn);
	return ok;
}

static bool prepare(struct async *a, PGconn *conn, enum query q)
{
	const struct query_row *row = &query_rows[q];
	PGresult *r;

	if (a->prepared[q])
		return true;
	r = PQprepare(conn, row->name, row->text, row->arity, row->types);
	a->prepared[q] = PQresultStatus(r) == PGRES_COMMAND_OK;
	PQclear(r);
	return a->prepared[q];
}

static void drop(struct async *a)
{
	db_close(a->db);
	a->db = NULL;
	a->conn = NULL;
	a->backend = 0;
}

bool async_start(struct async *a, enum query q, const char *const *args, int64_t now)
{
	const struct query_row *row = &query_rows[q];
	PGconn *conn;

	if (!a->db)
		a->db = db_new(&a->cfg, a->cfg.db_dsn, a->name);
	conn = db_handle(a->db);
	if (!conn)
		return false;
	FAULT_OF(DB_BEFORE, row->name);
	if (!begin_session(a, conn) || !prepare(a, conn, q) ||
	    !PQsendQueryPrepared(conn, row->name, row->arity, args, NULL, NULL, a->binary)) {
		log_pairs(LOG_WARN_, "database", "query", row->name, "detail", PQerrorMessage(conn),
			  (char *)NULL);
		drop(a);
		return false;
	}
	FAULT_OF(DB_SENT, row->name);
	a->conn = conn;
	a->deadline = now + a->cfg.db_statement_timeout + GRACE_MS;
	return true;
}

void async_read(struct async *a)
{
	if (a->conn)
		(void)PQconsumeInput(a->conn);	/* async_ended finds what was wrong with it */
}

bool async_ended(struct async *a, int64_t now, PGresult **res)
{
	PGresult *r;

	*res = NULL;
	if (!a->conn)
		return false;
	(void)PQflush(a->conn);
	if (!PQconsumeInput(a->conn) || (PQisBusy(a->conn) && now >= a->deadline)) {
		log_pairs(LOG_WARN_, "database", "session", a->name, "detail",
			  PQerrorMessage(a->conn), (char *)NULL);
		drop(a);
		return true;
	}
	if (PQisBusy(a->conn))
		return false;
	while ((r = PQgetResult(a->conn))) {
		PQclear(*res);
		*res = r;
	}
	a->conn = NULL;
	/* Perhaps a plan that a migration has made wrong: the next one begins afresh. */
	if (PQresultStatus(*res) == PGRES_FATAL_ERROR)
		drop(a);
	return true;
}

int async_socket(const struct async *a)
{
	return a->conn ? PQsocket(a->conn) : -1;
}

void async_close(struct async *a)
{
	PGcancel *cancel = a->conn ? PQgetCancel(a->conn) : NULL;
	char why[256];

	if (cancel && !PQcancel(cancel, why, sizeof(why)))
		log_pairs(LOG_WARN_, "database", "session", a->name, "detail", why, (char *)NULL);
	PQfreeCancel(cancel);
	drop(a);
}
