/* src/auth/revocation.c - which tokens are void: asked in shared memory while its reader is alive,
 * else in the database; and that reader */
#include "auth/token.h"

#include "cache/cache.h"
#include "core/clock.h"
#include "core/log.h"
#include "db/db.h"

#include <inttypes.h>
#include <stdio.h>

#define POLL_MS 250
#define FRESH_MS 1000
/* What is read again each time: commits do not come in the order of created_at. */
#define OVERLAP_S "30"
#define EVERYTHING_S "315360000"	/* ten years */
#define OVERLAP_TRUST_MS 25000		/* after a longer gap the overlap might miss something */
#define TTL_SLACK_S 60
#define TTL_MAX_S (24 * 3600) /* auth.access_ttl has been at most this when a token was made */
#define NUMBER 24

long revocation_ttl(void)
{
	return TTL_MAX_S + TTL_SLACK_S;
}

void revocation_tell(enum revocation_kind kind, const char *id, uint32_t epoch)
{
	/* A full table is remembered as such: readers then ask the database. */
	(void)!shm_revoke(kind, id, epoch, clock_now_us() / 1000000 + revocation_ttl());
}

/* ---- asking ---- */

static bool known_void(const struct actor *a)
{
	return shm_revoked(REVOKE_JTI, a->jti) ||
	       (a->session && shm_revoked(REVOKE_SESSION, a->session)) ||
	       shm_revoked(REVOKE_USER, a->user.s) > a->token_epoch;
}

/* Would shared memory know? Not without its reader, not without a place for everything. */
static bool complete(void)
{
	int64_t polled = shm_revocation_polled_at();

	return shm_shared() && polled != 0 && clock_mono_ms() - polled <= FRESH_MS &&
	       !shm_revocations_full();
}

static enum err ask_database(struct ctx *c, const struct actor *a, bool *revoked)
{
	unsigned before = c->sql_trips;
	char epoch[NUMBER];
	PGresult *r;
	enum err e;

	snprintf(epoch, sizeof(epoch), "%" PRIu32, a->token_epoch);
	e = db_query(c, Q_TOKEN_REVOKED, &r, a->jti, a->session, a->user.s, epoch);
	c->revocation_trips += c->sql_trips - before;
	if (e != OK)
		return e;
	/* anything but a plain "no" is a yes */
	*revoked = !db_get(r, 0, 0) || strcmp(db_get(r, 0, 0), "f") != 0;
	return OK;
}

enum err token_check_revoked(struct ctx *c, const struct actor *a)
{
	bool revoked = known_void(a);

	if (!revoked && !complete())
		TRY(ask_database(c, a, &revoked));
	return revoked ? fail(c, E_UNAUTH, "the access token is not valid any more") : OK;
}

/* ---- the reader ---- */

static const struct {
	const char *word;
	enum revocation_kind kind;
} kinds[] = {
	{ "jti", REVOKE_JTI }, { "session", REVOKE_SESSION }, { "user", REVOKE_USER },
};

static void learn(const PGresult *r, int row)
{
	const char *word = db_get(r, row, 0), *id = db_get(r, row, 1);

	for (size_t i = 0; i < COUNT(kinds); i++)
		if (strcmp(kinds[i].word, word) == 0)
			(void)!shm_revoke(kinds[i].kind, id, (uint32_t)db_get_long(r, row, 2),
					  db_get_long(r, row, 3));
}

static enum err read_revocations(struct ctx *c, int64_t now)
{
	int64_t polled = shm_revocation_polled_at();
	bool recent = polled != 0 && now - polled <= OVERLAP_TRUST_MS;
	PGresult *r;

	TRY(db_query(c, Q_REVOCATIONS_SINCE, &r, recent ? OVERLAP_S : EVERYTHING_S));
	for (int i = 0; i < PQntuples(r); i++)
		learn(r, i);
	return OK;
}

void revocation_poll(struct ctx *c)
{
	static struct arena *arena;	/* one per process, made at the first turn */
	int64_t now = clock_mono_ms();	/* before reading: the mark must not promise more */
	struct ctx own = *c;

	if (!shm_revocation_poll_due(now, POLL_MS))
		return;
	if (!arena)
		arena = arena_new(1 << 20);
	ctx_begin(&own, arena);
	if (read_revocations(&own, now) == OK && cache_namespace_refresh(&own) == OK)
		shm_revocation_polled(now);
	arena_reset(arena);
}
