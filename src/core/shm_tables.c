/* src/core/shm_tables.c - what processes agree on: generations, cache state, revocations */
#include "core/clock.h"
#include "core/hash.h"
#include "core/shm_layout.h"

#include <string.h>

#define LOAD(x) atomic_load_explicit(&(x), memory_order_acquire)
#define STORE(x, v) atomic_store_explicit(&(x), (v), memory_order_release)
#define PROBES 32
/* Tokens are accepted up to 60 s after they expire; what revokes them must last longer. */
#define EXPIRY_SLACK 120

/* ---- generations ---- */

static _Atomic uint64_t *generation_cell(uint64_t key_hash)
{
	return &shm_coherence()->generations[key_hash % GENERATIONS];
}

uint64_t shm_generation(uint64_t key_hash)
{
	return LOAD(*generation_cell(key_hash));
}

void shm_generation_bump(uint64_t key_hash)
{
	atomic_fetch_add(generation_cell(key_hash), 1);
}

/* ---- cache namespace ---- */

static _Atomic uint64_t *ns_cell(int slot)
{
	struct coherence *c = shm_coherence();

	return slot ? &c->slots[slot - 1].ns : &c->cache_namespace;
}

static _Atomic uint64_t *debt_cell(int slot)
{
	struct coherence *c = shm_coherence();

	return slot ? &c->slots[slot - 1].debt : &c->cache_debt;
}

uint64_t shm_cache_namespace(int slot)
{
	return LOAD(*ns_cell(slot));
}

void shm_cache_namespace_set(int slot, uint64_t ns)
{
	STORE(*ns_cell(slot), ns);
}

bool shm_cache_namespace_move(int slot, uint64_t from, uint64_t to)
{
	return atomic_compare_exchange_strong(ns_cell(slot), &from, to);
}

uint64_t shm_cache_debt(int slot)
{
	return LOAD(*debt_cell(slot));
}

void shm_cache_debt_add(int slot)
{
	atomic_fetch_add(debt_cell(slot), 1);
}

bool shm_cache_debt_paid(int slot, uint64_t seen)
{
	return atomic_compare_exchange_strong(debt_cell(slot), &seen, 0);
}

/* ---- breakers ---- */

bool shm_breaker_allows(int which, int64_t now_ms)
{
	struct breaker *b = &shm_coherence()->breakers[which];
	int64_t until = LOAD(b->until);

	if (until == 0)
		return true;
	if (now_ms < until)
		return false;
	/* Half open: who moves the date on may try. If it dies, the next pause will end. */
	int64_t next = now_ms + LOAD(b->pause);
	if (next <= until)
		next = until + 1;
	return atomic_compare_exchange_strong(&b->until, &until, next);
}

void shm_breaker_trip(int which, int64_t now_ms, long pause_ms)
{
	struct breaker *b = &shm_coherence()->breakers[which];

	STORE(b->pause, pause_ms);
	STORE(b->until, now_ms + pause_ms);
}

void shm_breaker_ok(int which)
{
	struct breaker *b = &shm_coherence()->breakers[which];

	if (LOAD(b->until) != 0) /* nearly always closed: leave the cache line clean */
		STORE(b->until, 0);
}

/* ---- last writes ---- */

/* One word: the position in units of 8 bytes, as the log counts, above the time in units of 4 s. */
#define WROTE_UNIT_MS 4096
#define WROTE_UNITS 16	/* how many it is remembered: a minute and some */

static bool wrote_lately(uint64_t word, int64_t now_ms)
{
	return word != 0 && (uint16_t)((uint64_t)now_ms / WROTE_UNIT_MS - word) <= WROTE_UNITS;
}

static _Atomic uint64_t *writer_cell(const char *who)
{
	return &shm_coherence()->wrote[hash64(who, strlen(who)) % WRITERS];
}

void shm_wrote(const char *who, uint64_t lsn, int64_t now_ms)
{
	_Atomic uint64_t *cell = writer_cell(who);
	uint64_t old = LOAD(*cell);
	uint64_t word = (lsn + 7) / 8 << 16 | (uint16_t)((uint64_t)now_ms / WROTE_UNIT_MS);

	/* A greater one that is not of late comes from another history: a restored database. */
	while (!(wrote_lately(old, now_ms) && old >> 16 >= word >> 16) &&
	       !atomic_compare_exchange_weak(cell, &old, word))
		;
}

uint64_t shm_wrote_by(const char *who, int64_t now_ms)
{
	uint64_t word = LOAD(*writer_cell(who));

	return wrote_lately(word, now_ms) ? (word >> 16) * 8 : 0;
}

/* ---- revocations ---- */

struct tag {
	uint64_t w[2];
	size_t at;
};

static struct tag tag_of(const struct coherence *c, enum revocation_kind k, const char *id)
{
	size_t n = strlen(id);
	struct tag t = { .w = { hash64_seeded(id, n, c->seed + (uint64_t)k),
				hash64_seeded(id, n, ~c->seed - (uint64_t)k) } };

	t.at = t.w[0] % REVOCATIONS;
	t.w[0] |= 1;	/* 0 0 means never used */
	return t;
}

static struct revocation *probe(struct coherence *c, const struct tag *t, size_t i)
{
	return &c->revocations[(t->at + i) % REVOCATIONS];
}

static bool has_tag(struct revocation *r, const struct tag *t)
{
	return LOAD(r->tag[0]) == t->w[0] && LOAD(r->tag[1]) == t->w[1];
}

static uint64_t pack(uint32_t epoch, int64_t expires)
{
	if (expires < 1)
		expires = 1;
	if (expires > UINT32_MAX)
		expires = UINT32_MAX;
	return (uint64_t)(epoch ? epoch : 1) << 32 | (uint64_t)expires;
}

/* Both parts only ever grow: an older message that comes late takes nothing back. */
static uint64_t merge(uint64_t a, uint64_t b)
{
	uint64_t epoch = a >> 32 > b >> 32 ? a >> 32 : b >> 32;
	uint64_t expires = (uint32_t)a > (uint32_t)b ? (uint32_t)a : (uint32_t)b;

	return epoch << 32 | expires;
}

static bool free_cell(struct revocation *r, int64_t now)
{
	uint64_t v = LOAD(r->value);

	return v == 0 || (int64_t)(uint32_t)v + EXPIRY_SLACK < now;
}

/* Under the lock: this key's cell, else the first free one, else NULL. */
static struct revocation *find_cell(struct coherence *c, const struct tag *t, int64_t now)
{
	struct revocation *place = NULL;

	for (size_t i = 0; i < PROBES; i++) {
		struct revocation *r = probe(c, t, i);

		if (has_tag(r, t))
			return r;
		if (!place && free_cell(r, now))
			place = r;
	}
	return place;
}

static bool put_revocation(struct coherence *c, const struct tag *t, uint64_t value, int64_t now)
{
	struct revocation *r = find_cell(c, t, now);

	if (!r) {
		int64_t until = (int64_t)(uint32_t)value + EXPIRY_SLACK;

		if (LOAD(c->full_until) < until)
			STORE(c->full_until, until);
		return false;
	}
	if (has_tag(r, t)) {
		STORE(r->value, merge(LOAD(r->value), value));
		return true;
	}
	/* Readers that meet the cell half written see value 0 or another key's tag. */
	atomic_store(&r->value, 0);
	atomic_store(&r->tag[0], t->w[0]);
	atomic_store(&r->tag[1], t->w[1]);
	atomic_store(&r->value, value);
	return true;
}

bool shm_revoke(enum revocation_kind k, const char *id, uint32_t epoch, int64_t expires)
{
	struct coherence *c = shm_coherence();
	struct tag t = tag_of(c, k, id);

	shm_lock(SHM_LOCK_TABLE);
	bool done = put_revocation(c, &t, pack(epoch, expires), clock_now_us() / 1000000);
	shm_unlock(SHM_LOCK_TABLE);
	return done;
}

uint32_t shm_revoked(enum revocation_kind k, const char *id)
{
	struct coherence *c = shm_coherence();
	struct tag t = tag_of(c, k, id);

	for (size_t i = 0; i < PROBES; i++) {
		struct revocation *r = probe(c, &t, i);

		if (has_tag(r, &t)) {
			uint64_t v = LOAD(r->value);

			/* Twice the same tag: the value between belongs to it. */
			if (has_tag(r, &t))
				return (uint32_t)(v >> 32);
		}
		/* Cells fill in this order and never become unused again. */
		if (LOAD(r->tag[0]) == 0)
			return 0;
	}
	return 0;
}

bool shm_revocations_full(void)
{
	return clock_now_us() / 1000000 <= LOAD(shm_coherence()->full_until);
}

bool shm_revocation_poll_due(int64_t now_ms, long period_ms)
{
	struct coherence *c = shm_coherence();
	int64_t claimed = LOAD(c->poll_claimed);
	int64_t age = now_ms - claimed;

	/* A claim far in the future comes from a clock that was set back since. */
	if (claimed != 0 && age < period_ms && age > -period_ms)
		return false;
	return atomic_compare_exchange_strong(&c->poll_claimed, &claimed, now_ms);
}

void shm_revocation_polled(int64_t now_ms)
{
	STORE(shm_coherence()->poll_done, now_ms);
}

int64_t shm_revocation_polled_at(void)
{
	return LOAD(shm_coherence()->poll_done);
}
