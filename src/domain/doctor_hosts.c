/* src/domain/doctor_hosts.c - what the doctor looks at when there is more than one machine */
#include "db/db.h"
#include "domain/doctor_priv.h"

#include <stdlib.h>

/* libpq waits for its first host as long as we let it, unless the kernel gives up before. */
struct finding check_failover(struct doctor *d)
{
	PQconninfoOption *options = PQconninfoParse(d->c->cfg->db_dsn, NULL);
	bool several = false, bounded = false;

	for (const PQconninfoOption *o = options; o && o->keyword; o++) {
		several |= o->val && strcmp(o->keyword, "host") == 0 && strchr(o->val, ',');
		bounded |= o->val && strcmp(o->keyword, "tcp_user_timeout") == 0;
	}
	PQconninfoFree(options);
	if (several && !bounded)
		return found(V_WARN, "db.dsn names several hosts: a silent one hides the next",
			     "add tcp_user_timeout=1000 to db.dsn");
	return good(several ? "db.dsn names several hosts" : "db.dsn names one host");
}

/* A pooler may drop what a session asks for at its start. */
struct finding check_session(struct doctor *d)
{
	const struct config *cfg = d->c->cfg;
	PGresult *r;

	if (db_query0(d->c, Q_SESSION_SETTINGS, &r) != OK)
		return failed(d, "see the database");
	if (db_get_long(r, 0, 0) != cfg->db_statement_timeout ||
	    db_get_long(r, 0, 1) != cfg->db_lock_timeout || strcmp(db_get(r, 0, 2), "UTC") != 0)
		return found(V_WARN, "time-outs and time zone do not reach the server",
			     "is there a pooler? ALTER ROLE ... SET, see doc/growing.md");
	return good("time-outs and time zone are as configured");
}

static struct finding judge_replica(struct doctor *d, const PGresult *there, const PGresult *here)
{
	double lag = strtod(db_get(there, 0, 2), NULL);

	if (strcmp(db_get(there, 0, 0), db_get(here, 0, 0)) != 0)
		return found(V_FAIL, "db.read_dsn leads to another cluster than db.dsn",
			     "correct db.read_dsn: lists would show that one's events");
	if (strcmp(db_get(there, 0, 1), "t") != 0)
		return found(V_WARN, "db.read_dsn leads to a primary: it will not be read from",
			     "correct db.read_dsn; target_session_attrs=standby avoids it");
	if (lag * 1000 > (double)d->c->cfg->db_read_lag)
		return found(V_WARN, arena_printf(d->c->arena, "it lags by %.1f s", lag),
			     "until then lists come from the primary; is a notifier running?");
	return good(arena_printf(d->c->arena, "it lags by %.1f s", lag));
}

struct finding check_replica(struct doctor *d)
{
	struct ctx there = *d->c;
	PGresult *mine, *its;
	struct finding f;

	if (!(there.db = db_replica_new(d->c->cfg, "marquee")))
		return good("none: everything is read from db.dsn");
	if (db_query0(d->c, Q_SERVER_IDENTITY, &mine) != OK)
		f = failed(d, "see the database");
	else if (strcmp(db_get(mine, 0, 1), "t") == 0)
		f = found(V_FAIL, "db.dsn leads to a standby",
			  "correct db.dsn; target_session_attrs=read-write finds the primary");
	else if (db_query0(&there, Q_SERVER_IDENTITY, &its) != OK)
		f = found(V_WARN, "it cannot be asked: lists come from the primary",
			  "start it, or correct db.read_dsn");
	else
		f = judge_replica(d, its, mine);
	db_close(there.db);
	return f;
}

struct finding check_hosts(struct doctor *d)
{
	long hosts, allowed = d->c->cfg->limits_hosts;
	PGresult *r;

	if (db_query0(d->c, Q_WORKER_HOSTS, &r) != OK)
		return failed(d, "see the database");
	hosts = db_get_long(r, 0, 0);
	if (hosts > allowed)
		return found(V_WARN,
			     arena_printf(d->c->arena,
					  "workers connect from %ld hosts, limits.hosts is %ld",
					  hosts, allowed),
			     "set limits.hosts to their number, on all of them");
	return good(arena_printf(d->c->arena, "each host allows 1/%ld of every limit", allowed));
}

/* Two rings would mean that one host's deletes miss the other's copies. */
struct finding check_ring(struct doctor *d)
{
	const char *theirs = d->beat ? js_str(d->beat, "cache_servers") : NULL;

	if (theirs && strcmp(theirs, d->c->cfg->cache_servers) != 0)
		return found(V_FAIL,
			     arena_printf(d->c->arena, "the notifier on %s has cache.servers = %s",
					  js_str(d->beat, "host"), theirs),
			     "every host needs the same servers by the same names");
	return good("the notifier has the same cache.servers");
}
