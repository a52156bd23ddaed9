/* src/db/replica.c - lists from a streaming replica that has what its reader wrote, else from the
 * primary (read-your-writes by position in the log) */
#include "core/clock.h"
#include "core/log.h"
#include "core/shm.h"
#include "db/conn.h"

#include <inttypes.h>
#include <stdlib.h>

#define PAUSE_MS 2000

void (*db_list_observer)(bool replica);

/* Not before the end of what was committed just now. (The flushed position would not do: with
 * synchronous_commit off it stays behind.) */
const char replica_place[] = "SELECT pg_current_wal_insert_lsn()";

/* Asked before the list is read, by a statement of its own: the list's snapshot is younger. The
 * time is that of the last commit replayed; the notifier's heartbeat commits every second. */
const char replica_fresh[] =
	"SELECT pg_is_in_recovery() AND coalesce(pg_last_xact_replay_timestamp() >"
	" clock_timestamp() - $2::bigint * interval '1 ms', false),"
	" pg_last_wal_replay_lsn() >= $1::pg_lsn";

struct db *db_replica_new(const struct config *cfg, const char *application_name)
{
	static struct config own;	/* lives as long as the connection */
	struct db *db;

	if (!cfg->db_read_dsn[0])
		return NULL;
	own = *cfg;
	own.db_connect_timeout = cfg->db_read_timeout;
	own.db_statement_timeout = cfg->db_read_timeout;
	db = db_new(&own, cfg->db_read_dsn, application_name);
	db->grace = 0;	/* the primary is there */
	return db;
}

/* ---- positions ---- */

static bool parse_half(struct str s, uint64_t *half)
{
	*half = 0;
	for (size_t i = 0; i < s.n; i++) {
		static const char digits[] = "0123456789ABCDEF";
		const char *d = memchr(digits, s.p[i], 16);

		if (!d)
			return false;
		*half = *half << 4 | (uint64_t)(d - digits);
	}
	return s.n >= 1 && s.n <= 8;
}

bool db_lsn_parse(struct str text, uint64_t *lsn)
{
	uint64_t high, low;
	struct str rest, first = str_cut(text, '/', &rest);

	if (!rest.p || !parse_half(first, &high) || !parse_half(rest, &low))
		return false;
	*lsn = high << 32 | low;
	return true;
}

const char *db_lsn_text(struct arena *a, uint64_t lsn)
{
	return arena_printf(a, "%" PRIX64 "/%" PRIX64, lsn >> 32, lsn & UINT32_MAX);
}

/* Committed, but nobody said where: then no replica has it. */
void replica_wrote(struct ctx *c, const PGresult *r)
{
	if (!r || !db_lsn_parse(db_get_str(r, 0, 0), &c->wrote))
		c->wrote = UINT64_MAX - 7;
}

/* ---- reading ---- */

/* In the order of trust. */
enum fitness { REPLICA_DOWN, REPLICA_BEHIND, REPLICA_NOT_YET, REPLICA_FIT };

static enum fitness fitness_of(const struct answer *a)
{
	if (!a->before || PQntuples(a->before) != 1)
		return REPLICA_DOWN;
	if (strcmp(PQgetvalue(a->before, 0, 0), "t") != 0)
		return REPLICA_BEHIND;
	return strcmp(PQgetvalue(a->before, 0, 1), "t") == 0 ? REPLICA_FIT : REPLICA_NOT_YET;
}

/* What has failed, lags or is no standby (any more) is left alone by the host for a while, and met
 * by a new connection: its name may lead to another server then. */
static void leave_alone(struct ctx *c, enum fitness why, const struct answer *a)
{
	static const char *const words[] = { [REPLICA_DOWN] = "no answer",
					     [REPLICA_BEHIND] = "lags, or is no standby" };

	conn_drop(c->replica);
	shm_breaker_trip(SHM_BREAKER_REPLICA, clock_mono_ms(), PAUSE_MS);
	log_pairs(LOG_WARN_, "replica", "request_id", c->request_id, "detail",
		  a->reason ? a->reason : words[why], "sqlstate", a->sqlstate, (char *)NULL);
}

/* One round trip. Anything but REPLICA_FIT: there is no answer. */
static enum fitness ask_replica(struct ctx *c, const struct stmt *s, struct answer *a)
{
	const char *const fresh[] = { db_lsn_text(c->arena, c->must_see),
				      arena_printf(c->arena, "%ld", c->cfg->db_read_lag) };
	struct ctx there = *c;
	struct stmt asked = *s;
	enum fitness fit;
	enum err e;

	there.db = c->replica;
	asked.fresh = fresh;
	e = conn_run(&there, &asked, a);
	c->sql_trips = there.sql_trips;
	fit = e == OK ? fitness_of(a) : REPLICA_DOWN;
	/* Cancelled because replay had to go on: nothing is wrong with it. */
	if (e == E_CONFLICT)
		return REPLICA_NOT_YET;
	if (fit <= REPLICA_BEHIND)
		leave_alone(c, fit, a);
	else
		shm_breaker_ok(SHM_BREAKER_REPLICA);
	return fit;
}

bool replica_run(struct ctx *c, const struct stmt *s, struct answer *a)
{
	bool fit;

	if (!c->replica)
		return false;
	fit = shm_breaker_allows(SHM_BREAKER_REPLICA, clock_mono_ms()) &&
	      ask_replica(c, s, a) == REPLICA_FIT;
	if (db_list_observer)
		db_list_observer(fit);
	return fit;
}

const char *db_replica_state(struct ctx *c)
{
	static const char *const words[] = { "down", "behind", "up", "up" };
	static const struct stmt nothing = { .text = "SELECT 1" };
	unsigned trips = c->sql_trips;
	struct answer a;
	enum fitness fit = REPLICA_DOWN;

	if (!c->replica)
		return NULL;
	if (shm_breaker_allows(SHM_BREAKER_REPLICA, clock_mono_ms()))
		fit = ask_replica(c, &nothing, &a);
	c->sql_trips = trips;
	return words[fit];
}
