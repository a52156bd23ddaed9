/* src/cache/cache.h - memcached with leases; never an error for the caller, only a miss.
 *
 * Coherence (NSDI'13 "Scaling Memcache at Facebook", leases): a miss takes a lease by adding a
 * placeholder; only the holder of the lease may store, by compare-and-swap on that placeholder; a
 * writer deletes the key after its commit, which voids every lease. Every value carries a hash of
 * its full key, so that a confused connection can never hand out another key's value. */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include "core/ctx.h"
#include "core/str.h"

#include <stdint.h>

/* Every key family and how long it lives: one table (cache/keys.c). */
enum cache_family { CK_EVENT, CK_EVENT_STATS, CK_VIEWER, CK_CATEGORIES, CK_FAMILIES };
struct cache_family_row {
	const char *format;	/* "event:%s:stats", for arena_printf with ids that were parsed */
	int ids;		/* how many %s */
	int ttl_s;
	const char *text;
};
extern const struct cache_family_row cache_families[CK_FAMILIES];
/* The key without namespace, as effects return it. a and b are canonical ids. */
const char *cache_key(struct ctx *c, enum cache_family f, const char *a, const char *b);

struct cache;
struct cache *cache_new(const struct config *cfg); /* servers "" gives the null cache */
void cache_free(struct cache *cache);

/* When set, told of every item that was looked for: found or not. */
extern void (*cache_observer)(enum cache_family family, bool hit);

struct cache_item {
	enum cache_family family;
	const char *key;	/* in: without namespace */
	struct str value;	/* out: p NULL on a miss; belongs to the arena */
	bool lease;		/* out of cache_lease: we may fill it */
	uint64_t cas;
};
/* One multi-get for all items of one server: one round trip for what belongs to one event, none
 * when the cache is off. */
void cache_get(struct ctx *c, struct cache_item *items, int n);
/* For one missed item: tries for the lease. When somebody else holds it, waits up to 50 ms for the
 * value (item->value is then set); else neither lease nor value: read the database, do not fill. */
void cache_lease(struct ctx *c, struct cache_item *item);
/* Gives the lease of an item back that cannot be filled, so that nobody waits for it. */
void cache_release(struct ctx *c, struct cache_item *item);
/* Stores the value if the lease still stands. */
void cache_fill(struct ctx *c, struct cache_item *item, struct str value);

/* After a commit: deletes the keys (one per line, as effects return them), bumps their generations.
 * A delete that cannot be confirmed leaves the debt. */
void cache_invalidate(struct ctx *c, const char *keys);
/* The number under which shm_generation knows a key: what a first-level cache compares. */
uint64_t cache_generation_of(const char *key);

/* Reads the namespace from the database into shared memory, paying a debt first (new epoch).
 * Called before the first use and by whoever polls revocations. */
enum err cache_namespace_refresh(struct ctx *c) MUST_CHECK;

/* For /health: "up", "down", "off"; "partly" when some servers of a ring are down. */
const char *cache_state(struct ctx *c);

#endif
