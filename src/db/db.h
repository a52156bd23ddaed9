/* src/db/db.h - one connection to PostgreSQL, statements by name, one deadline per round trip.
 *
 * Statements stand in sql/queries/<module>.sql; the build makes db/queries.h (enum query) and the
 * table of texts from them. They are prepared on first use per connection. All parameters travel
 * as text; NULL pointer = SQL NULL. The connection is made lazily, remade after a loss, and a
 * statement is repeated once by itself only if the loss happened before it was sent. */
#ifndef DB_DB_H
#define DB_DB_H

#include "core/ctx.h"
#include "core/str.h"
#include "db/queries.h"	/* generated: enum query { Q_…, Q_COUNT }; */

#include <libpq-fe.h>
#include <stdint.h>

enum query_kind { QUERY_ONE, QUERY_OPTIONAL, QUERY_MANY, QUERY_NONE, QUERY_EFFECT };

struct query_row {
	const char *name;	/* "EVENTS_GET" */
	const char *text;	/* with $1… */
	const char *keyed;	/* QUERY_EFFECT only: the same inside its idempotency wrapper */
	const Oid *types;
	int arity;		/* without the three parameters of the wrapper */
	enum query_kind kind;
	bool writes;		/* may change something: its loss is E_UNCERTAIN */
	bool audited;		/* who asks for it is told to the audit log */
	const char *file;	/* where it stands, for messages */
	int line;
};
extern const struct query_row query_rows[Q_COUNT];

/* When set, told about every statement run by db_run and db_effect: how long it took. */
extern void (*db_observer)(enum query q, int64_t us);

struct db;
/* Never fails for an unreachable server: the first statement will. db belongs to the process. */
struct db *db_new(const struct config *cfg, const char *dsn, const char *application_name);
void db_close(struct db *db);

/* Runs q. *out belongs to the arena. Kinds: one = exactly one row (none: E_NOTFOUND), optional = at
 * most one row, many, none. Errors: E_UNAVAIL (no connection, time-out, lock time-out, shutting
 * down), E_UNCERTAIN (lost after it was sent, for statements that change something),
 * E_CONFLICT (deadlock or serialization), E_INVALID (a CHECK or domain), E_INTERNAL. */
#define db_query(c, q, out, ...)                                                                   \
	db_run((c), (q), (const char *const[]){ __VA_ARGS__ },                                     \
	       (int)(sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *)), (out))
#define db_query0(c, q, out) db_run((c), (q), NULL, 0, (out))
enum err db_run(struct ctx *c, enum query q, const char *const *args, int n, PGresult **out)
    MUST_CHECK;

/* A statement assembled from static fragments that only reads; name must stand for exactly that
 * text, or be NULL: planned for these values, each time. */
enum err db_run_text(struct ctx *c, const char *name, const char *text, const Oid *types,
		     const char *const *args, int n, PGresult **out) MUST_CHECK;
/* The same on c->replica when that has everything up to c->must_see and lags by less than
 * db.read_lag; otherwise, and when it fails there, on the primary: never for what is cached. */
enum err db_list(struct ctx *c, const char *name, const char *text, const Oid *types,
		 const char *const *args, int n, PGresult **out) MUST_CHECK;

/* ---- a streaming replica for lists (db/replica.c) ---- */
/* A replica to be c->replica: lazily connected, with the time-out of db.read_timeout; NULL
 * without db.read_dsn. */
struct db *db_replica_new(const struct config *cfg, const char *application_name);
/* When set, told of each list where it was read. */
extern void (*db_list_observer)(bool replica);
/* How the replica fares: "up", "behind" (or no standby at all), "down"; NULL: there is none. */
const char *db_replica_state(struct ctx *c);
/* A position of PostgreSQL's log, "16/B374D848". False, or NULL: not one. */
bool db_lsn_parse(struct str text, uint64_t *lsn);
const char *db_lsn_text(struct arena *a, uint64_t lsn);

/* Several statements in one string, simple protocol: migrations, BEGIN, COMMIT. */
enum err db_simple(struct ctx *c, const char *sql, PGresult **out) MUST_CHECK;

/* Field of a row: NULL when SQL NULL. */
const char *db_get(const PGresult *r, int row, int col);
struct str db_get_str(const PGresult *r, int row, int col);
long db_get_long(const PGresult *r, int row, int col);	/* 0 when NULL */

/* ---- effects: statements that change something and answer (sql type effect) ---- */
struct effect {
	int status;		/* HTTP-like: 2xx done, 4xx refused and kept, 599 = again */
	const char *code;	/* error word when refused, else NULL */
	const char *body;	/* JSON data when done, message when refused; may be NULL */
	const char *details;	/* JSON array [{"field","reason"}] or NULL */
	const char *keys;	/* cache keys to delete, one per line, or NULL */
	bool replayed;		/* the stored answer of an earlier request */
};
/* Where the effect is idempotent: all three set, or key NULL. */
struct idempotency {
	const char *actor;	 /* user id, or "anonymous" never (no keys for anonymous) */
	const char *key;
	const char *fingerprint; /* sha256 hex of method, path and body */
};
/* Runs an effect once; with a key through its wrapper (another body: E_INVALID on field
 * "Idempotency-Key"; still running: E_CONFLICT). A refusal is an error recorded in c from code,
 * body and details; status 599 is passed on as OK with out->status 599. */
enum err db_effect(struct ctx *c, enum query q, const struct idempotency *idem,
		   const char *const *args, int n, struct effect *out) MUST_CHECK;

/* Runs fn inside BEGIN…COMMIT; rolls back on error. A loss during COMMIT is E_UNCERTAIN. */
enum err db_transaction(struct ctx *c, enum err (*fn)(struct ctx *, void *), void *arg) MUST_CHECK;

/* True when a statement can be run now (used by /readyz and /health): SELECT 1, not counted. */
bool db_alive(struct ctx *c);

/* SQLSTATE → enum err, one table (db/sqlstate.c). sent = the server may have run it. */
enum err db_sqlstate_err(const char *sqlstate, bool sent);

/* For COPY and the notifier; connects; NULL when it cannot. */
PGconn *db_handle(struct db *db);

#endif
