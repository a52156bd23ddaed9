/* src/core/limit.c - rate limits by the generic cell rate algorithm (ITU-T I.371): one
 * theoretical arrival time per key in a set-associative table; who uses least is evicted */
#include "core/hash.h"
#include "core/shm_layout.h"

/* Times are counted in 1/64 ms and kept modulo 2^44 (8.7 years): only differences matter. */
#define TICKS_PER_MS 64
#define TICKS_PER_S (1000 * TICKS_PER_MS)
#define TIME_BITS 44
#define TIME_MASK ((UINT64_C(1) << TIME_BITS) - 1)
#define TIME_HALF (INT64_C(1) << (TIME_BITS - 1))

struct rate {
	int64_t step;		/* between two requests at the steady rate */
	int64_t quota;		/* limit * step: as far ahead of now as the arrival time may get */
};

struct place {
	_Atomic uint64_t *set;
	int64_t number;
	uint64_t tag;		/* in the upper bits */
	uint64_t now;
};

static struct place place_of(const void *key, size_t n, int64_t now_ms)
{
	struct coherence *c = shm_coherence();
	uint64_t hash = hash64_seeded(key, n, c->seed);
	uint64_t tag = hash >> TIME_BITS;

	return (struct place){ c->limits[hash % LIMIT_SETS], (int64_t)(hash % LIMIT_SETS),
			       (tag ? tag : 1) << TIME_BITS,
			       (uint64_t)now_ms * TICKS_PER_MS };
}

/* How far the arrival time in word lies ahead of now, at least 0: the part of the quota in use. */
static int64_t ahead(uint64_t word, uint64_t now)
{
	int64_t d = (int64_t)((word - now) & TIME_MASK);

	return word == 0 || d >= TIME_HALF ? 0 : d;
}

static _Atomic uint64_t *find_way(const struct place *p)
{
	for (size_t i = 0; i < LIMIT_WAYS; i++)
		if ((atomic_load(&p->set[i]) & ~TIME_MASK) == p->tag)
			return &p->set[i];
	return NULL;
}

/* Takes one request from the key's word, when one is free. false: the word changed hands. */
static bool take_from(_Atomic uint64_t *way, const struct place *p, const struct rate *r,
		      bool take, int64_t *used)
{
	uint64_t word = atomic_load(way);

	while ((word & ~TIME_MASK) == p->tag) {
		*used = ahead(word, p->now);
		/* More than all of it: the limit was lowered, or the clock set back. */
		if (*used > r->quota)
			*used = r->quota;
		int64_t after = *used + (*used + r->step <= r->quota ? r->step : 0);
		uint64_t next = p->tag | ((p->now + (uint64_t)after) & TIME_MASK);

		if (!take || next == word || atomic_compare_exchange_weak(way, &word, next))
			return true;
	}
	return false;
}

/* Puts the key into its set, all of its quota free, in place of the key that loses least: an idle
 * one, if there is any. Keys enter one at a time, so that no key ever gets two words; all else goes
 * without locks. */
static void enter(const struct place *p)
{
	shm_lock(SHM_LOCK_LIMITS + p->number);
	while (!find_way(p)) {
		_Atomic uint64_t *victim = &p->set[0];
		uint64_t word = atomic_load(victim);

		for (size_t i = 1; i < LIMIT_WAYS && word; i++) {
			uint64_t other = atomic_load(&p->set[i]);

			if (other == 0 || ahead(other, p->now) < ahead(word, p->now)) {
				victim = &p->set[i];
				word = other;
			}
		}
		atomic_compare_exchange_strong(victim, &word, p->tag | (p->now & TIME_MASK));
	}
	shm_unlock(SHM_LOCK_LIMITS + p->number);
}

static int64_t ceil_div(int64_t a, int64_t b)
{
	return a <= 0 ? 0 : (a + b - 1) / b;
}

static struct limit_result result_of(const struct rate *r, int64_t used, bool take)
{
	struct limit_result out = { .allowed = used + r->step <= r->quota };

	if (out.allowed && take)
		used += r->step;
	out.remaining = (long)((r->quota - used) / r->step);
	out.reset_s = (long)ceil_div(used, TICKS_PER_S);
	if (!out.allowed)
		out.retry_s = (long)ceil_div(used + r->step - r->quota, TICKS_PER_S);
	return out;
}

static struct rate rate_of(long limit, long window_ms)
{
	if (limit < 1)
		limit = 1;
	if (window_ms < 1)
		window_ms = 1;
	/* Rounded up: at most `limit` fit into the window, never one more. */
	int64_t step = ceil_div((int64_t)window_ms * TICKS_PER_MS, limit);
	return (struct rate){ step, step * limit };
}

struct limit_result shm_limit(const void *key, size_t n, long limit, long window_ms,
			      int64_t now_ms, bool take)
{
	struct rate rate = rate_of(limit, window_ms);
	struct place p = place_of(key, n, now_ms);
	int64_t used = 0;

	for (;;) {
		_Atomic uint64_t *way = find_way(&p);

		if (way && take_from(way, &p, &rate, take, &used))
			break;
		if (!way && !take)
			break;
		if (!way)
			enter(&p);
	}
	return result_of(&rate, used, take);
}
