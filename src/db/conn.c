/* src/db/conn.c - the connection: made lazily, bounded by deadlines, dropped in doubt */
#include "db/conn.h"

#include "core/clock.h"
#include "core/fault.h"
#include "core/hash.h"
#include "core/log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define BACKOFF_MS 250
#define GRACE_MS 1000

struct db *db_new(const struct config *cfg, const char *dsn, const char *application_name)
{
	struct db *db = calloc(1, sizeof(*db));

	if (!db || !(db->dsn = strdup(dsn)) || !(db->application_name = strdup(application_name)))
		abort();
	db->cfg = cfg;
	db->grace = GRACE_MS;
	/* jit: its start-up costs more than any statement here runs. Keepalives: the locks of a
	 * host that vanished are free after 16 s, not after two hours. */
	snprintf(db->options, sizeof(db->options),
		 "-c statement_timeout=%ld -c lock_timeout=%ld"
		 " -c idle_in_transaction_session_timeout=10000 -c search_path=marquee,public"
		 " -c timezone=UTC -c datestyle=ISO -c client_min_messages=warning -c jit=off"
		 " -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=2"
		 " -c tcp_keepalives_count=3",
		 cfg->db_statement_timeout, cfg->db_lock_timeout);
	return db;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	conn_drop(db);
	free(db->dsn);
	free(db->application_name);
	free(db);
}

void conn_drop(struct db *db)
{
	PQfinish(db->conn);
	db->conn = NULL;
	db->doomed = false;
	db->n_prepared = 0;
	db->n_texts = 0;
	memset(db->prepared, 0, sizeof(db->prepared));
}

bool conn_in_transaction(const struct db *db)
{
	if (db->depth > 0)
		return true;
	return db->conn && PQtransactionStatus(db->conn) >= PQTRANS_INTRANS;
}

bool conn_wait(PGconn *conn, short events, int64_t deadline)
{
	struct pollfd p = { .fd = PQsocket(conn), .events = events };
	int rc, ms;

	do {
		int64_t left = deadline - clock_mono_ms();

		if (p.fd < 0 || (deadline >= 0 && left <= 0))
			return false;
		ms = deadline < 0 ? -1 : left > INT_MAX ? INT_MAX : (int)left;
		rc = poll(&p, 1, ms);
	} while (rc < 0 && errno == EINTR);
	return rc > 0;
}

/* Notices never reach stderr; a FATAL one outside of a statement announces the end. */
static void notice(void *arg, const PGresult *res)
{
	struct db *db = arg;
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);

	if (state && (strncmp(state, "57P", 3) == 0 || strcmp(state, "25P03") == 0))
		db->doomed = true;
	log_pairs(LOG_DEBUG_, "database notice", "sqlstate", state, "detail",
		  PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY), (char *)NULL);
}

/* True when the server has closed the connection while it was idle. Without this look a statement
 * would be sent into a dead socket, and nobody could say whether it was run. */
static bool stale(struct db *db)
{
	struct pollfd p = { .fd = PQsocket(db->conn), .events = POLLIN };

	if (PQstatus(db->conn) != CONNECTION_OK || db->doomed || p.fd < 0)
		return true;
	while (poll(&p, 1, 0) > 0) {
		if (!PQconsumeInput(db->conn))
			return true;
		(void)PQisBusy(db->conn);	/* parses what came: notices, notifications */
		if (db->doomed)
			return true;
	}
	return false;
}

static PGconn *connect_start(struct db *db)
{
	const char *const keys[] = { "dbname", "application_name", "options", "client_encoding",
				     NULL };
	const char *const values[] = { db->dsn, db->application_name, db->options, "UTF8",
				       NULL };
	return PQconnectStartParams(keys, values, 1);
}

static bool connect_finish(PGconn *conn, int64_t deadline)
{
	PostgresPollingStatusType want = PGRES_POLLING_WRITING;

	if (!conn || PQstatus(conn) == CONNECTION_BAD)
		return false;
	while (want != PGRES_POLLING_OK) {
		if (want == PGRES_POLLING_FAILED)
			return false;
		if (!conn_wait(conn, want == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline))
			return false;
		want = PQconnectPoll(conn);
	}
	return true;
}

static const char *connect_trouble(const PGconn *conn)
{
	if (!conn)
		return "out of memory";
	return PQstatus(conn) == CONNECTION_BAD ? PQerrorMessage(conn) : "no answer in time";
}

bool conn_ready(struct db *db)
{
	int64_t now;
	PGconn *conn;

	if (db->conn && !stale(db))
		return true;
	conn_drop(db);
	now = clock_mono_ms();
	/* The rest of a lost transaction must not run on its own. */
	if (db->depth > 0 || now < db->retry_at)
		return false;
	conn = connect_start(db);
	if (!connect_finish(conn, now + db->cfg->db_connect_timeout)) {
		log_pairs(LOG_WARN_, "cannot connect to the database", "detail",
			  connect_trouble(conn), (char *)NULL);
		PQfinish(conn);
		db->retry_at = clock_mono_ms() + BACKOFF_MS;
		return false;
	}
	PQsetNoticeReceiver(conn, notice, db);
	db->conn = conn;
	return true;
}

PGconn *db_handle(struct db *db)
{
	if (!conn_ready(db))
		return NULL;
	PQsetnonblocking(db->conn, 0);
	return db->conn;
}

/* ---- which names are prepared ---- */

static uint64_t *prepared_slot(struct db *db, const char *name, uint64_t *hash)
{
	size_t at;

	*hash = hash64(name, strlen(name));
	*hash += *hash == 0;
	at = *hash % DB_PREPARED_SLOTS;
	while (db->prepared[at] && db->prepared[at] != *hash)
		at = (at + 1) % DB_PREPARED_SLOTS;
	return &db->prepared[at];
}

enum way { WAY_SIMPLE, WAY_UNNAMED, WAY_PREPARED, WAY_PREPARE };

static enum way way_of(struct db *db, const struct stmt *s)
{
	uint64_t hash;

	if (s->simple)
		return WAY_SIMPLE;
	if (!s->name)
		return WAY_UNNAMED;
	if (*prepared_slot(db, s->name, &hash))
		return WAY_PREPARED;
	if (s->assembled && db->n_texts >= DB_PREPARED_TEXTS)
		return WAY_UNNAMED;
	return db->n_prepared < DB_PREPARED_SLOTS / 4 * 3 ? WAY_PREPARE : WAY_UNNAMED;
}

static void prepared_note(struct db *db, const struct stmt *s)
{
	uint64_t hash, *slot = prepared_slot(db, s->name, &hash);

	*slot = hash;
	db->n_prepared++;
	db->n_texts += s->assembled;
}

/* ---- one round trip ---- */

/* More than one message goes out before the one answer is read. */
static bool is_piped(const struct stmt *s, enum way way)
{
	if (way == WAY_SIMPLE)
		return false;
	return way == WAY_PREPARE || s->origin || s->fresh || s->place;
}

static bool send_one(PGconn *k, const struct stmt *s, enum way way)
{
	switch (way) {
	case WAY_SIMPLE:
		return PQsendQuery(k, s->text);
	case WAY_UNNAMED:
		return PQsendQueryParams(k, s->text, s->n, s->types, s->args, NULL, NULL, 0);
	default:
		return PQsendQueryPrepared(k, s->name, s->n, s->args, NULL, NULL, 0);
	}
}

/* Statements between two Syncs are one transaction: a setting ends with it; what stands behind the
 * first Sync finds it committed. */
static bool send_piped(PGconn *k, const struct stmt *s, enum way way)
{
	static const char set_origin[] =
	    "SELECT set_config('marquee.traceparent', coalesce($1, ''), true), "
	    "set_config('marquee.who', coalesce($2, ''), true)";

	if (!PQenterPipelineMode(k))
		return false;
	if (way == WAY_PREPARE && !PQsendPrepare(k, s->name, s->text, s->n, s->types))
		return false;
	if (s->origin && !PQsendQueryParams(k, set_origin, 2, NULL, s->origin, NULL, NULL, 0))
		return false;
	if (s->fresh && !PQsendQueryParams(k, replica_fresh, 2, NULL, s->fresh, NULL, NULL, 0))
		return false;
	if (!send_one(k, s, way) || !PQpipelineSync(k))
		return false;
	return !s->place || (PQsendQueryParams(k, replica_place, 0, NULL, NULL, NULL, NULL, 0) &&
			     PQpipelineSync(k));
}

static bool send_statement(PGconn *k, const struct stmt *s, enum way way)
{
	PQsetnonblocking(k, 1); /* else a stopped server blocks us in send(2) */
	return is_piped(s, way) ? send_piped(k, s, way) : send_one(k, s, way);
}

/* Everything is sent and the next result can be had without blocking. */
static bool result_ready(PGconn *k, int64_t deadline)
{
	for (;;) {
		int unsent = PQflush(k);

		if (unsent < 0)
			return false;
		if (!unsent && !PQisBusy(k))
			return true;
		if (!conn_wait(k, (short)(unsent ? POLLIN | POLLOUT : POLLIN), deadline))
			return false;
		if (!PQconsumeInput(k))
			return !PQisBusy(k);	/* the server's last words may be in the buffer */
	}
}

static void clear_result(void *p)
{
	PQclear(p);
}

struct results {
	PGresult *before, *last, *place, *error;
	bool preparing, piped;	/* what was sent */
	int syncs, synced;	/* sent, and come back */
	bool prepared, copy;
	bool in_transaction;	/* before it was sent */
	bool complete;		/* up to ReadyForQuery */
};

static void keep_result(struct arena *arena, struct results *r, PGresult *res)
{
	ExecStatusType status = PQresultStatus(res);

	arena_defer(arena, clear_result, res);
	switch (status) {
	case PGRES_PIPELINE_SYNC:
		r->synced++;
		return;
	case PGRES_PIPELINE_ABORTED:
		return;
	case PGRES_FATAL_ERROR:
	case PGRES_BAD_RESPONSE:
	case PGRES_NONFATAL_ERROR:
		if (!r->error && !r->synced)	/* later ones undo nothing */
			r->error = res;
		return;
	case PGRES_COPY_IN:
	case PGRES_COPY_OUT:
	case PGRES_COPY_BOTH:
		r->copy = true;
		return;
	default:
		break;
	}
	if (r->preparing && !r->prepared) {
		r->prepared = true;
	} else if (r->synced) {
		r->place = res;
	} else {
		r->before = r->last;
		r->last = res;
	}
}

/* Reads all results of one statement. False: the connection is lost, late or out of step. What
 * came before that does not count: CommandComplete may be sent before the commit. */
static bool read_results(struct arena *arena, PGconn *k, int64_t deadline, struct results *r)
{
	for (int gaps = 0; gaps < 6;) {
		PGresult *res;

		if (!result_ready(k, deadline))
			return false;
		res = PQgetResult(k);
		if (res)
			keep_result(arena, r, res);
		if (r->copy || PQstatus(k) != CONNECTION_OK)
			return false;
		if (r->piped ? r->synced == r->syncs : !res)
			return !r->piped || PQexitPipelineMode(k);
		gaps += !res;
	}
	return false;
}

/* Time-outs, full disks and what our functions raise say nothing against the connection. */
static bool is_well(const char *sqlstate)
{
	return strcmp(sqlstate, "57014") == 0 || strcmp(sqlstate, "55P03") == 0 ||
	       strncmp(sqlstate, "53", 2) == 0 || strncmp(sqlstate, "MQ", 2) == 0;
}

static enum err judge(struct db *db, const struct stmt *s, const struct results *r,
		      struct answer *a)
{
	const char *state = r->error ? PQresultErrorField(r->error, PG_DIAG_SQLSTATE) : NULL;
	/* Inside a transaction nothing but COMMIT itself is uncertain; db/tx.c sends it simply. */
	bool sent = s->writes && (!r->in_transaction || s->simple);

	if (r->complete && !r->error && r->last) {
		a->res = r->last;
		a->before = r->before;
		a->place = r->place;
		return OK;
	}
	a->res = r->error;
	snprintf(a->sqlstate, sizeof(a->sqlstate), "%s", state ? state : "");
	if (r->copy)
		snprintf(a->sqlstate, sizeof(a->sqlstate), "0A000");
	if (!r->error)
		a->reason = r->copy ? "COPY does not go this way" : "no complete answer";
	if (!r->complete ||
	    (db_sqlstate_err(a->sqlstate, false) == E_UNAVAIL && !is_well(a->sqlstate)))
		conn_drop(db);
	return db_sqlstate_err(a->sqlstate, sent);
}

/* The plan or the name is gone (a migration, DISCARD ALL in a pooler): nothing was run. */
static bool plan_is_gone(const struct answer *a)
{
	const char *where;

	if (strcmp(a->sqlstate, "26000") == 0)
		return true;
	if (strcmp(a->sqlstate, "0A000") != 0 || !a->res)
		return false;
	where = PQresultErrorField(a->res, PG_DIAG_SOURCE_FUNCTION);
	return where && strcmp(where, "RevalidateCachedQuery") == 0;
}

static enum err run_once(struct ctx *c, const struct stmt *s, struct answer *a, bool *unsent)
{
	struct db *db = c->db;
	struct results r = { .last = NULL };
	int64_t deadline;
	enum way way;

	*a = (struct answer){ .res = NULL };
	*unsent = false;
	if (!conn_ready(db)) {
		a->reason = "not connected";
		return E_UNAVAIL;
	}
	r.in_transaction = conn_in_transaction(db);
	way = way_of(db, s);
	r.preparing = way == WAY_PREPARE;
	r.piped = is_piped(s, way);
	r.syncs = 1 + s->place;
	deadline = db->unbounded ? -1 : clock_mono_ms() + db->cfg->db_statement_timeout + db->grace;
	FAULT_OF(DB_BEFORE, s->name ? s->name : s->text);
	if (!send_statement(db->conn, s, way)) {
		a->reason = arena_strdup(c->arena, PQerrorMessage(db->conn));
		conn_drop(db);
		*unsent = true;
		return E_UNAVAIL;
	}
	c->sql_trips++;
	FAULT_OF(DB_SENT, s->name ? s->name : s->text);
	r.complete = read_results(c->arena, db->conn, deadline, &r);
	FAULT_OF(DB_DONE, s->name ? s->name : s->text);
	if (r.prepared && r.complete)
		prepared_note(db, s);
	return judge(db, s, &r, a);
}

enum err conn_run(struct ctx *c, const struct stmt *s, struct answer *a)
{
	bool unsent;
	enum err e = run_once(c, s, a, &unsent);

	if (e == OK || conn_in_transaction(c->db))
		return e;
	if (plan_is_gone(a)) {
		conn_drop(c->db);
		unsent = true;
	}
	return unsent ? run_once(c, s, a, &unsent) : e;
}
