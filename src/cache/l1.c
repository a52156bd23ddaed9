/* src/cache/l1.c - the worker's own copies: a ring of bytes, and an index of sets of four */
#include "cache/l1.h"

#include "cache/wire.h"
#include "core/clock.h"
#include "core/hash.h"
#include "core/shm.h"

#include <stdlib.h>

#define WAYS 4		/* a set is one cache line */
#define SET_BYTES 2048	/* of the ring, for each set of the index */
#define ALIGN 16

/* Positions only grow; their remainder by the size is the place in the ring. */
struct way {
	uint64_t hash, at;
};

struct entry {
	struct l1_mark mark;
	int64_t until;
	size_t name_n, value_n;
	char bytes[];		/* name, value */
};

struct l1 {
	char *ring;
	uint64_t size, head;	/* head: where the next entry goes */
	size_t sets;		/* a power of two */
	long ttl_ms;
	struct way ways[][WAYS];
};

void (*l1_observer)(void);

struct l1 *l1_new(const struct config *cfg)
{
	size_t sets = 1;
	struct l1 *l1;

	if (cfg->cache_l1_ttl <= 0)
		return NULL;
	while (sets * SET_BYTES < (size_t)cfg->cache_l1_size)
		sets *= 2;
	l1 = calloc(1, sizeof(*l1) + sets * sizeof(l1->ways[0]));
	if (!l1 || !(l1->ring = malloc((size_t)cfg->cache_l1_size)))
		abort();
	l1->size = (uint64_t)cfg->cache_l1_size / ALIGN * ALIGN;
	l1->head = l1->size * 2;	/* at 0, where empty ways point, nothing is left */
	l1->sets = sets;
	l1->ttl_ms = cfg->cache_l1_ttl;
	return l1;
}

void l1_free(struct l1 *l1)
{
	if (!l1)
		return;
	free(l1->ring);
	free(l1);
}

static struct l1 *l1_of(const struct ctx *c)
{
	return c->cache && c->cache->l1 && shm_shared() ? c->cache->l1 : NULL;
}

/* ---- marks ---- */

struct l1_mark l1_mark(struct ctx *c, const char *const keys[L1_KEYS])
{
	struct l1_mark m = { .ns = l1_of(c) ? shm_cache_namespace(0) : 0 };

	if (m.ns == 0)
		return m;
	for (int i = 0; i < L1_KEYS; i++) {
		m.key[i] = cache_generation_of(keys[i]);
		m.generation[i] = shm_generation(m.key[i]);
	}
	m.at_ms = clock_mono_ms();
	return m;
}

static bool still_so(const struct l1_mark *m)
{
	for (int i = 0; i < L1_KEYS; i++)
		if (shm_generation(m->key[i]) != m->generation[i])
			return false;
	return m->ns == shm_cache_namespace(0);
}

/* ---- the ring ---- */

static struct entry *entry_at(const struct l1 *l1, uint64_t at)
{
	return (struct entry *)(void *)(l1->ring + at % l1->size);
}

static bool overwritten(const struct l1 *l1, uint64_t at)
{
	return l1->head - at > l1->size;
}

static struct way *set_of(struct l1 *l1, uint64_t hash)
{
	return l1->ways[hash & (l1->sets - 1)];
}

/* The entry of that name, whatever its age; NULL when there is none any more. */
static struct entry *find(struct l1 *l1, uint64_t hash, struct str name)
{
	struct way *set = set_of(l1, hash);

	for (int i = 0; i < WAYS; i++) {
		struct entry *e;

		if (set[i].hash != hash || overwritten(l1, set[i].at))
			continue;
		e = entry_at(l1, set[i].at);
		if (e->name_n == name.n && memcmp(e->bytes, name.p, name.n) == 0)
			return e;
	}
	return NULL;
}

/* Room in one piece: what is left at the end of the ring is skipped when it is too short. */
static uint64_t reserve(struct l1 *l1, size_t n)
{
	uint64_t at, end = l1->size - l1->head % l1->size;

	n = (n + ALIGN - 1) / ALIGN * ALIGN;
	if (n > end)
		l1->head += end;
	at = l1->head;
	l1->head += n;
	return at;
}

/* The way of that name, else the one written longest ago. */
static struct way *choose(struct l1 *l1, uint64_t hash)
{
	struct way *set = set_of(l1, hash), *best = &set[0];

	for (int i = 0; i < WAYS; i++) {
		if (set[i].hash == hash)
			return &set[i];
		if (set[i].at < best->at)
			best = &set[i];
	}
	return best;
}

/* ---- putting and getting ---- */

void l1_put(struct ctx *c, struct str name, const struct l1_mark *m, int64_t life_ms,
	    struct str value)
{
	struct l1 *l1 = l1_of(c);
	size_t n = sizeof(struct entry) + name.n + value.n;
	int64_t now = clock_mono_ms();
	uint64_t hash;
	struct way *way;
	struct entry *e;

	if (!l1 || m->ns == 0 || life_ms <= 0 || n > l1->size / 4 || !still_so(m))
		return;
	hash = hash64(name.p, name.n);
	way = choose(l1, hash);
	*way = (struct way){ hash, reserve(l1, n) };
	e = entry_at(l1, way->at);
	e->mark = *m;
	e->until = m->at_ms + l1->ttl_ms;
	if (e->until > now + life_ms)
		e->until = now + life_ms;
	e->name_n = name.n;
	e->value_n = value.n;
	memcpy(e->bytes, name.p, name.n);
	memcpy(e->bytes + name.n, value.p, value.n);
}

/* A copy of the copy: the ring may come round while this request is still being answered. */
static struct str taken(struct ctx *c, const struct entry *e)
{
	return (struct str){ arena_strndup(c->arena, e->bytes + e->name_n, e->value_n),
			     e->value_n };
}

static struct entry *valid(struct ctx *c, struct str name)
{
	struct l1 *l1 = l1_of(c);
	struct entry *e = l1 ? find(l1, hash64(name.p, name.n), name) : NULL;

	return e && still_so(&e->mark) ? e : NULL;
}

struct str l1_get_with(struct ctx *c, struct str name, struct l1_mark *m, int64_t *until_ms)
{
	struct entry *e = valid(c, name);

	if (!e || clock_mono_ms() >= e->until)
		return (struct str){ NULL, 0 };
	if (l1_observer)
		l1_observer();
	*m = e->mark;
	*until_ms = e->until;
	return taken(c, e);
}

struct str l1_get(struct ctx *c, struct str name)
{
	struct l1_mark m;
	int64_t until;

	return l1_get_with(c, name, &m, &until);
}

struct str l1_get_old(struct ctx *c, struct str name)
{
	struct entry *e = valid(c, name);

	return e ? taken(c, e) : (struct str){ NULL, 0 };
}
