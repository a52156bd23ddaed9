/* src/db/conn.h - inside of db/: the connection itself and one statement's way over it */
#ifndef DB_CONN_H
#define DB_CONN_H

#include "db/db.h"

/* Names prepared on one connection; at three quarters new statements are sent unprepared. */
#define DB_PREPARED_SLOTS 2048
/* Of them for assembled texts (lists): each costs the server a plan per connection. */
#define DB_PREPARED_TEXTS 32

struct db {
	const struct config *cfg;
	char *dsn, *application_name;
	char options[400];
	PGconn *conn;		/* NULL between a loss and the next statement */
	int64_t retry_at;	/* clock_mono_ms before which connecting is not tried again */
	long grace;		/* ms beyond the server's own time-out, which says more */
	bool unbounded;		/* no deadline: migrations */
	bool doomed;		/* the server has announced that it will close the connection */
	int depth;		/* db_transaction calls now open */
	unsigned n_prepared, n_texts;
	uint64_t prepared[DB_PREPARED_SLOTS]; /* hash64 of the name, 0 = free */
};

struct stmt {
	const char *name;	/* NULL: not prepared */
	const char *text;
	const Oid *types;
	const char *const *args;
	int n;
	bool writes;
	bool simple;		/* simple protocol: several statements, no parameters */
	bool assembled;		/* not out of sql/queries: prepared only while there is room */
	/* For the rows it writes: W3C trace context, who asks (each may be NULL); NULL: neither. */
	const char *const *origin;
	/* One more statement in the same round trip; never both. */
	const char *const *fresh; /* before it: is a replica fit to answer? Parameters, or NULL */
	bool place;		/* behind its commit: how far the log is */
};

/* How a statement ended. res belongs to the arena and may be NULL after a loss. */
struct answer {
	PGresult *res;
	char sqlstate[6];	/* "" when it succeeded or the connection told nothing */
	const char *reason;	/* for the log: the connection's own words, or NULL */
	PGresult *before;	/* the result before the last: of stmt.fresh */
	PGresult *place;
};

/* Connects if needed. False: not now (unreachable, backing off, or lost inside a transaction). */
bool conn_ready(struct db *db);
void conn_drop(struct db *db);

/* Runs s and counts the round trip, but records no error in c. On OK a->res is the last result. */
enum err conn_run(struct ctx *c, const struct stmt *s, struct answer *a) MUST_CHECK;

/* The open socket waits for events until deadline (clock_mono_ms; negative: for ever). */
bool conn_wait(PGconn *conn, short events, int64_t deadline);
bool conn_in_transaction(const struct db *db);

/* db/query.c: logs the detail, records in c what a client may see, and returns e. */
enum err query_fail(struct ctx *c, const char *name, const struct answer *a, enum err e);
/* db/query.c: runs a row, keyed or plain, and tells the observer. */
enum err query_run(struct ctx *c, const struct query_row *row, bool keyed, const char *const *args,
		   struct answer *a) MUST_CHECK;
/* db/query.c, db/effect.c: db_run and db_effect for a row that stands in no enum (tests). */
enum err query_row_run(struct ctx *c, const struct query_row *row, const char *const *args, int n,
		       PGresult **out) MUST_CHECK;
enum err effect_row_run(struct ctx *c, const struct query_row *row, const struct idempotency *idem,
			const char *const *args, struct effect *out) MUST_CHECK;
/* db/replica.c: how far the log is, as a statement, and what it gave. */
extern const char replica_place[];
void replica_wrote(struct ctx *c, const PGresult *r);
/* db/replica.c: runs a list on the replica, if that is fit for it. False: ask the primary. */
bool replica_run(struct ctx *c, const struct stmt *s, struct answer *a) MUST_CHECK;
/* db/replica.c: is this a standby that does not lag, and has it all up to $1? ($2: ms) */
extern const char replica_fresh[];
/* db/sqlstate.c: a word of the API that a function raised as ERRCODE 'MQ404'. */
bool sqlstate_is_ours(const char *sqlstate);

#endif
