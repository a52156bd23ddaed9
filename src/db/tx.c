/* src/db/tx.c - several statements as one: BEGIN…COMMIT, or a savepoint within */
#include "core/log.h"
#include "db/conn.h"

enum { STEP_BEGIN, STEP_KEEP, STEP_UNDO };

/* A savepoint hides one of the same name until it is released, so one name serves all depths. */
static const char *const steps[2][3] = {
	{ "BEGIN", "COMMIT", "ROLLBACK" },
	{ "SAVEPOINT nested", "RELEASE nested", "ROLLBACK TO nested; RELEASE nested" },
};

static enum err step(struct ctx *c, bool nested, int which, struct answer *a)
{
	struct stmt s = { .text = steps[nested][which], .simple = true };
	enum err e;

	s.writes = !nested && which == STEP_KEEP;
	if (!s.writes || !c->replica)
		return conn_run(c, &s, a);
	s.text = arena_printf(c->arena, "%s; %s", s.text, replica_place);
	e = conn_run(c, &s, a);
	if (e == OK) {
		replica_wrote(c, a->res);
		a->res = a->before;
	}
	return e;
}

enum err db_transaction(struct ctx *c, enum err (*fn)(struct ctx *, void *), void *arg)
{
	struct db *db = c->db;
	bool nested = conn_in_transaction(db);
	struct answer a;
	enum err e = step(c, nested, STEP_BEGIN, &a);

	if (e != OK)
		return query_fail(c, steps[nested][STEP_BEGIN], &a, e);
	db->depth++;
	e = fn(c, arg);
	if (e != OK) {
		/* A failed rollback leaves nothing behind either: the connection is dropped. */
		if (step(c, nested, STEP_UNDO, &a) != OK)
			conn_drop(db);
		db->depth--;
		return e;
	}
	e = step(c, nested, STEP_KEEP, &a);
	db->depth--;
	if (e != OK)
		return query_fail(c, steps[nested][STEP_KEEP], &a, e);
	/* COMMIT after an error that fn did not pass on is answered by ROLLBACK. */
	if (!nested && strcmp(PQcmdStatus(a.res), "COMMIT") != 0) {
		log_pairs(LOG_ERROR_, "COMMIT answered by ROLLBACK", "request_id", c->request_id,
			  (char *)NULL);
		return fail(c, E_INTERNAL, "the database could not do this");
	}
	return OK;
}
