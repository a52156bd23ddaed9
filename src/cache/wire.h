/* src/cache/wire.h - inside of cache/: the client, its time budget, and what lies in memcached */
#ifndef CACHE_WIRE_H
#define CACHE_WIRE_H

#include "cache/cache.h"

#include <libmemcached/memcached.h>

#define WIRE_TOKEN 17	/* 16 characters of a lease's token */

struct cache {
	memcached_st *mc;	/* NULL: the null cache */
	memcached_st *many;	/* of wire_delete_many: buffers, asks for no answers */
	memcached_result_st result; /* not allocated by the library: it would free it at each end */
	long timeout_ms, retry_ms;
	unsigned n_servers;
	int *slots;		/* of each server: where its state is in shared memory */
	struct l1 *l1;		/* NULL: no copies in this process */
};

/* One call to the cache: nothing below waits beyond its deadline. */
struct call {
	struct ctx *c;
	struct cache *cache;
	unsigned server;	/* of the ring: the one that has the key of the beginning */
	int slot;		/* its */
	struct str group;	/* what leads to this server */
	uint64_t ns;		/* its namespace, read once, at the start */
	int64_t deadline;
};

/* Which server of the ring has this key. What belongs to one event lies on one server. */
unsigned wire_server(const struct cache *cache, const char *key);
/* Begins with the server that has this key. False: leave it alone now (none, one has failed in this
 * request, no namespace, debt, breaker). */
bool wire_begin(struct call *k, struct ctx *c, const char *key);
/* The same without the questions about this request and debt, for deletes. */
bool wire_begin_delete(struct call *k, struct ctx *c, const char *key);

/* "<namespace>:<key>", or NULL when memcached would not take it. */
const char *wire_key(const struct call *k, const char *key);

enum wire_type { WIRE_NONE, WIRE_VALUE, WIRE_LEASE };
struct wire_item {
	const char *key;	/* in: from wire_key */
	enum wire_type type;	/* out */
	struct str body;	/* the value, or the token of a lease; belongs to the arena */
	uint64_t cas;
};
/* One round trip. False: it failed, the breaker is tripped; what came before that is valid. */
bool wire_get(struct call *k, struct wire_item *items, int n);
/* body in its envelope, bound to the key. */
struct str wire_pack(const struct call *k, const char *key, enum wire_type type, struct str body);

enum wire_rc { WIRE_OK, WIRE_REFUSED, WIRE_FAILED };
enum wire_rc wire_add(struct call *k, const char *key, struct str packed, int ttl_s);
enum wire_rc wire_cas(struct call *k, const char *key, struct str packed, int ttl_s, uint64_t cas);
/* OK also when there was nothing. */
enum wire_rc wire_delete(struct call *k, const char *key);
/* All of them, confirmed by one answer at the end. OK also when there was nothing. */
enum wire_rc wire_delete_many(struct call *k, const char *const *keys, int n);

/* ---- what cache.c is made of, for the test that interleaves the steps ---- */
/* cache_lease without the waiting: true when somebody else holds the lease. */
bool cache_lease_once(struct ctx *c, struct cache_item *item);
/* cache_invalidate is these two, and the debt when the first one is not sure. */
bool cache_forget(struct ctx *c, const char *keys);
void cache_bump(const char *keys);

#endif
