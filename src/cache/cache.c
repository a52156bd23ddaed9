/* src/cache/cache.c - get, lease, fill and invalidate on top of the wire */
#include "cache/wire.h"

#include "core/clock.h"
#include "core/hash.h"
#include "core/id.h"
#include "core/log.h"
#include "core/shm.h"

#include <time.h>

#define LEASE_S 3
#define WAIT_MS 50
#define WAIT_STEP_MS 5
#define MANY 4		/* keys from which on deletes are not confirmed one by one */

void (*cache_observer)(enum cache_family family, bool hit);

static void observe(const struct cache_item *items, int n)
{
	for (int i = 0; cache_observer && i < n; i++)
		cache_observer(items[i].family, items[i].value.p != NULL);
}

/* What of the items from `first` on lies on the first one's server, in one round trip. False: that
 * server was left alone. */
static bool get_together(struct ctx *c, struct cache_item *items, const unsigned *servers,
			 int first, int n)
{
	struct wire_item *wire = arena_zalloc(c->arena, sizeof(*wire) * (size_t)n);
	struct call k;

	if (!wire_begin(&k, c, items[first].key))
		return false;
	for (int i = first; i < n; i++)
		if (servers[i] == k.server)
			wire[i].key = wire_key(&k, items[i].key);
	(void)wire_get(&k, wire, n);	/* what did not come is a miss */
	for (int i = first; i < n; i++)
		if (wire[i].type == WIRE_VALUE)
			items[i].value = wire[i].body;
	return true;
}

void cache_get(struct ctx *c, struct cache_item *items, int n)
{
	unsigned *servers = arena_alloc(c->arena, sizeof(*servers) * (size_t)(n + 1));
	bool any = false;

	for (int i = 0; i < n; i++) {
		items[i].value = (struct str){ NULL, 0 };
		items[i].lease = false;
		items[i].cas = 0;
	}
	if (!c->cache || !c->cache->mc)
		return;
	for (int i = 0; i < n; i++)
		servers[i] = wire_server(c->cache, items[i].key);
	for (int i = 0; i < n; i++) {
		int first = 0;

		while (servers[first] != servers[i])
			first++;
		any |= first == i && get_together(c, items, servers, i, n);
	}
	if (any)
		observe(items, n);
}

/* ---- leases ---- */

/* Somebody else fills the key: a look every 5 ms. */
static void wait_for_value(struct ctx *c, struct cache_item *item)
{
	static const struct timespec step = { .tv_nsec = WAIT_STEP_MS * 1000000 };
	int64_t end = clock_mono_ms() + WAIT_MS;
	struct call k;

	/* The last look comes after the time is over: who did not run meanwhile may find it yet. */
	for (bool last = false; !last;) {
		struct wire_item w = { .key = NULL };

		last = clock_mono_ms() >= end;
		nanosleep(&step, NULL);
		if (!wire_begin(&k, c, item->key) || !(w.key = wire_key(&k, item->key)) ||
		    !wire_get(&k, &w, 1))
			return;
		if (w.type == WIRE_VALUE)
			item->value = w.body;
		/* Gone: a writer has deleted the lease; its holder will not fill. */
		if (w.type != WIRE_LEASE)
			return;
	}
}

bool cache_lease_once(struct ctx *c, struct cache_item *item)
{
	char token[WIRE_TOKEN];
	struct wire_item w = { .key = NULL };
	struct call k;

	item->lease = false;
	if (item->value.p || !wire_begin(&k, c, item->key) || !(w.key = wire_key(&k, item->key)))
		return false;
	id_secret(token, 12);
	switch (wire_add(&k, w.key, wire_pack(&k, w.key, WIRE_LEASE, str_of(token)), LEASE_S)) {
	case WIRE_OK:
		break;
	case WIRE_REFUSED:
		return true;
	case WIRE_FAILED:
		return false;
	}
	if (!wire_get(&k, &w, 1))
		return false;
	if (w.type == WIRE_VALUE)
		item->value = w.body;
	/* Only our own placeholder is our lease: it may have been deleted and taken since. */
	if (w.type == WIRE_LEASE && str_is(w.body, token)) {
		item->lease = true;
		item->cas = w.cas;
	}
	return false;
}

void cache_lease(struct ctx *c, struct cache_item *item)
{
	if (cache_lease_once(c, item))
		wait_for_value(c, item);
}

void cache_fill(struct ctx *c, struct cache_item *item, struct str value)
{
	const char *key;
	struct call k;

	if (!item->lease)
		return;
	item->lease = false;
	if (!wire_begin(&k, c, item->key) || !(key = wire_key(&k, item->key)))
		return;
	/* Refused = deleted or taken over since: then what we have read may be old already. */
	(void)wire_cas(&k, key, wire_pack(&k, key, WIRE_VALUE, value),
		       cache_families[item->family].ttl_s, item->cas);
}

void cache_release(struct ctx *c, struct cache_item *item)
{
	const char *key;
	struct call k;

	if (!item->lease)
		return;
	item->lease = false;
	if (wire_begin(&k, c, item->key) && (key = wire_key(&k, item->key)) != NULL)
		(void)wire_delete(&k, key);
}

/* ---- writers ---- */

uint64_t cache_generation_of(const char *key)
{
	return hash64(key, strlen(key));
}

/* The next line that is not empty; false at the end. */
static bool next_key(struct str *keys, struct str *key)
{
	while (keys->n) {
		*key = str_cut(*keys, '\n', keys);
		if (key->n)
			return true;
	}
	return false;
}

/* The keys that lie on this server are gone. What memcached does not take as a key was never
 * stored; after one failure the server's debt covers all: no second wait. */
static bool forget_on(struct ctx *c, unsigned server, struct str list)
{
	/* as many as there could be at most, of two bytes each */
	const char **full = arena_alloc(c->arena, sizeof(*full) * (list.n / 2 + 1));
	bool begun = false;
	struct str key;
	struct call k;
	int n = 0;

	while (next_key(&list, &key)) {
		const char *one = arena_strndup(c->arena, key.p, key.n);

		if (wire_server(c->cache, one) != server)
			continue;
		if (!begun && !wire_begin_delete(&k, c, one))
			return false;
		begun = true;
		full[n] = wire_key(&k, one);
		n += full[n] != NULL;
	}
	if (n >= MANY)
		return wire_delete_many(&k, full, n) == WIRE_OK;
	for (int i = 0; i < n; i++)
		if (wire_delete(&k, full[i]) != WIRE_OK)
			return false;
	return true;
}

/* Slots of the servers on which not all is known to be gone. */
static uint32_t forget_all(struct ctx *c, const char *keys)
{
	struct str list = str_of(keys);
	uint32_t owed = 0;

	if (!c->cache || !c->cache->mc || list.n == 0)
		return 0;
	for (unsigned i = 0; i < c->cache->n_servers; i++)
		if (!forget_on(c, i, list))
			owed |= UINT32_C(1) << c->cache->slots[i];
	return owed;
}

bool cache_forget(struct ctx *c, const char *keys)
{
	return forget_all(c, keys) == 0;
}

void cache_bump(const char *keys)
{
	struct str rest = str_of(keys), key;

	while (next_key(&rest, &key))
		shm_generation_bump(hash64(key.p, key.n));
}

static void owe(struct ctx *c, uint32_t slots)
{
	for (int s = 0; s < SHM_SLOTS; s++) {
		if (!(slots & UINT32_C(1) << s))
			continue;
		if (!shm_cache_debt(s))
			log_pairs(LOG_WARN_, "cache: a delete could not be confirmed", "request_id",
				  c->request_id, (char *)NULL);
		shm_cache_debt_add(s);
	}
}

void cache_invalidate(struct ctx *c, const char *keys)
{
	owe(c, forget_all(c, keys));
	/* Last: who reads the new generation finds nothing old behind it, or finds the debt. */
	cache_bump(keys);
}

/* Some key that this server has. */
static const char *probe_key(struct ctx *c, unsigned server)
{
	const char *key = "health";

	for (int i = 0; i < 1000 && wire_server(c->cache, key) != server; i++)
		key = arena_printf(c->arena, "health%d", i);
	return key;
}

const char *cache_state(struct ctx *c)
{
	unsigned up = 0;

	if (!c->cache || !c->cache->mc)
		return "off";
	for (unsigned i = 0; i < c->cache->n_servers; i++) {
		struct wire_item w = { .key = NULL };
		const char *key = probe_key(c, i);
		struct call k;

		c->cache_off = false;	/* that the one before is down says nothing of this one */
		if (!wire_begin(&k, c, key))
			continue;
		w.key = wire_key(&k, key);
		up += wire_get(&k, &w, 1);
	}
	return up == c->cache->n_servers ? "up" : up ? "partly" : "down";
}
