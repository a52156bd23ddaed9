/* src/cache/l1.h - a first-level cache in the worker: copies of what is read most, without asking.
 *
 * A copy is used only while the generations of its keys, the namespace and the clock say so. Who
 * changes something bumps the generations in the host's shared memory after the commit and after
 * the delete in memcached (cache_invalidate); a reader notes them before it fetches. So on one
 * host nobody is shown what is older than an acknowledged change; what another host changes is
 * hidden for cache.l1_ttl at most. Off without shared memory, without memcached, and where the
 * option is 0.
 *
 * The copies lie in a ring of cache.l1_size bytes, made at start: new ones overwrite the oldest. */
#ifndef CACHE_L1_H
#define CACHE_L1_H

#include "core/ctx.h"
#include "core/str.h"

#include <stdint.h>

#define L1_KEYS 2	/* what one copy may be made of */

/* How things stood before something was fetched. */
struct l1_mark {
	uint64_t ns;		/* 0: no copy is kept */
	uint64_t key[L1_KEYS], generation[L1_KEYS];
	int64_t at_ms;		/* clock_mono_ms */
};
/* To be taken before the first look anywhere. keys: all that the copy will be made of. */
struct l1_mark l1_mark(struct ctx *c, const char *const keys[L1_KEYS]);
/* Keeps a copy of value under name, until what the mark saw has changed, for life_ms from now and
 * cache.l1_ttl from the mark at most. What takes more than a quarter of the ring is not kept. */
void l1_put(struct ctx *c, struct str name, const struct l1_mark *m, int64_t life_ms,
	    struct str value);
/* The copy of the copy, in the arena and aligned like it; p NULL when there is none to be used. */
struct str l1_get(struct ctx *c, struct str name);
/* The same, with what it was kept under: for a copy of what is made of it in turn. */
struct str l1_get_with(struct ctx *c, struct str name, struct l1_mark *m, int64_t *until_ms);
/* The same, of any age: for when there is nobody to ask, and for what never changes. */
struct str l1_get_old(struct ctx *c, struct str name);

/* When set, told of every copy that was used. */
extern void (*l1_observer)(void);

struct l1;
/* NULL when the options say so. */
struct l1 *l1_new(const struct config *cfg);
void l1_free(struct l1 *l1);

#endif
