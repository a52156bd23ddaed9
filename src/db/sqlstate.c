/* src/db/sqlstate.c - what each SQLSTATE of PostgreSQL means to a caller, one table */
#include "db/conn.h"

/* The longest prefix decides. later = when the server may have run the statement. Class MQ is ours:
 * RAISE … USING ERRCODE = 'MQ404'. */
static const struct {
	const char *prefix;
	enum err err, later;
} states[] = {
	{ "00", OK, OK },
	{ "02", E_NOTFOUND, E_NOTFOUND },
	{ "08", E_UNAVAIL, E_UNCERTAIN },	/* connection exceptions */
	{ "08P01", E_INTERNAL, E_INTERNAL },	/* protocol violation */
	{ "22", E_INVALID, E_INVALID },		/* data exceptions */
	{ "22012", E_INTERNAL, E_INTERNAL },	/* division by zero */
	{ "23", E_INVALID, E_INVALID },		/* constraints */
	{ "23503", E_CONFLICT, E_CONFLICT },	/* foreign key: what it names has just gone */
	{ "23505", E_CONFLICT, E_CONFLICT },	/* unique */
	{ "23P01", E_CONFLICT, E_CONFLICT },	/* exclusion */
	{ "25006", E_UNAVAIL, E_UNAVAIL },	/* read-only: the server was demoted */
	{ "25P03", E_UNAVAIL, E_UNAVAIL },	/* idle in transaction for too long */
	{ "26000", E_UNAVAIL, E_UNAVAIL },	/* prepared statement is gone */
	{ "28", E_UNAVAIL, E_UNAVAIL },		/* password, pg_hba.conf */
	{ "3D000", E_UNAVAIL, E_UNAVAIL },	/* no such database */
	{ "40001", E_CONFLICT, E_CONFLICT },	/* serialization */
	{ "40003", E_UNAVAIL, E_UNCERTAIN },	/* completion unknown */
	{ "40P01", E_CONFLICT, E_CONFLICT },	/* deadlock */
	{ "53", E_UNAVAIL, E_UNAVAIL },		/* disk full, memory, too many connections */
	{ "55P03", E_UNAVAIL, E_UNAVAIL },	/* lock time-out */
	{ "57014", E_UNAVAIL, E_UNAVAIL },	/* statement time-out */
	{ "57P01", E_UNAVAIL, E_UNAVAIL },	/* shut down: said before a commit only */
	{ "57P02", E_UNAVAIL, E_UNCERTAIN },	/* crash of another server process: at any time */
	{ "57P03", E_UNAVAIL, E_UNAVAIL },	/* starting up */
	{ "57P05", E_UNAVAIL, E_UNAVAIL },	/* idle session time-out */
	{ "58030", E_UNAVAIL, E_UNCERTAIN },	/* I/O error */
	{ "MQ", E_INTERNAL, E_INTERNAL },
	{ "MQ401", E_UNAUTH, E_UNAUTH },
	{ "MQ403", E_DENIED, E_DENIED },
	{ "MQ404", E_NOTFOUND, E_NOTFOUND },
	{ "MQ409", E_CONFLICT, E_CONFLICT },
	{ "MQ412", E_PRECOND, E_PRECOND },
	{ "MQ422", E_INVALID, E_INVALID },
	{ "MQ429", E_LIMIT, E_LIMIT },
	{ "MQ503", E_UNAVAIL, E_UNAVAIL },
	{ "P0002", E_NOTFOUND, E_NOTFOUND },	/* no_data_found */
};

enum err db_sqlstate_err(const char *sqlstate, bool sent)
{
	size_t best = COUNT(states), length = 0;

	/* No SQLSTATE at all: the connection broke without a word. */
	if (!sqlstate || !*sqlstate)
		return sent ? E_UNCERTAIN : E_UNAVAIL;
	for (size_t i = 0; i < COUNT(states); i++) {
		size_t n = strlen(states[i].prefix);

		if (n > length && strncmp(sqlstate, states[i].prefix, n) == 0) {
			best = i;
			length = n;
		}
	}
	if (best == COUNT(states))
		return E_INTERNAL;
	return sent ? states[best].later : states[best].err;
}

bool sqlstate_is_ours(const char *sqlstate)
{
	return strncmp(sqlstate, "MQ", 2) == 0 && db_sqlstate_err(sqlstate, false) != E_INTERNAL;
}
