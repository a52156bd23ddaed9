/* src/notifier/async.h - one statement at a time on a session of its own, not waited for */
#ifndef NOTIFIER_ASYNC_H
#define NOTIFIER_ASYNC_H

#include "db/db.h"

struct async {
	struct config cfg;	/* a copy: its time-outs are its own */
	const char *name;	/* of the application */
	const char *settings;	/* SQL for each new session, or NULL */
	bool binary;		/* how results come */
	struct db *db;
	PGconn *conn;		/* while a statement runs */
	int backend;		/* whose prepared statements these are */
	bool prepared[Q_COUNT];
	int64_t deadline;
};

/* args as many as q has. False: no connection now, try later. */
bool async_start(struct async *a, enum query q, const char *const *args, int64_t now);
static inline bool async_running(const struct async *a)
{
	return a->conn != NULL;
}
/* Takes what has come so far: the server waits once a few hundred rows stand in the socket. */
void async_read(struct async *a);
/* True once, when it has ended: *res is the caller's, NULL when the connection is lost. */
bool async_ended(struct async *a, int64_t now, PGresult **res);
int async_socket(const struct async *a);	/* readable when there may be news; -1 */
/* What still runs is taken back by the server. */
void async_close(struct async *a);

#endif
