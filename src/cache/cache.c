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

void cache_get(struct ctx *c, struct cache_item *items, int n)
{
	struct wire_item *wire;
	struct call k;

	for (int i = 0; i < n; i++) {
		items[i].value = (struct str){ NULL, 0 };
		items[i].lease = false;
		items[i].cas = 0;
	}
	if (n <= 0 || !wire_begin(&k, c))
		return;
	wire = arena_zalloc(c->arena, sizeof(*wire) * (size_t)n);
	for (int i = 0; i < n; i++)
		wire[i].key = wire_key(&k, items[i].key);
	(void)wire_get(&k, wire, n);	/* what did not come is a miss */
	for (int i = 0; i < n; i++)
		if (wire[i].type == WIRE_VALUE)
			items[i].value = wire[i].body;
	observe(items, n);
}

/* ---- leases ---- */

/* Somebody else fills the key: a look every 5 ms. */
static void wait_for_value(struct ctx *c, struct cache_item *item)
{
	static const struct timespec step = { .tv_nsec = WAIT_STEP_MS * 1000000 };
	int64_t end = clock_mono_ms() + WAIT_MS;
	struct call k;

	while (clock_mono_ms() < end) {
		struct wire_item w = { .key = NULL };

		nanosleep(&step, NULL);
		if (!wire_begin(&k, c) || !(w.key = wire_key(&k, item->key)) ||
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
	if (item->value.p || !wire_begin(&k, c) || !(w.key = wire_key(&k, item->key)))
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
	if (!wire_begin(&k, c) || !(key = wire_key(&k, item->key)))
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
	if (wire_begin(&k, c) && (key = wire_key(&k, item->key)) != NULL)
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

/* The keys as memcached knows them; what it does not take as a key was never stored. */
static int full_keys(struct call *k, struct str list, const char **full)
{
	struct str key;
	int n = 0;

	while (next_key(&list, &key)) {
		full[n] = wire_key(k, arena_strndup(k->c->arena, key.p, key.n));
		n += full[n] != NULL;
	}
	return n;
}

bool cache_forget(struct ctx *c, const char *keys)
{
	struct str list = str_of(keys);
	const char **full;
	struct call k;
	int n;

	if (!c->cache || !c->cache->mc || list.n == 0)
		return true;
	if (!wire_begin_delete(&k, c))
		return false;
	/* as many as there could be at most, of two bytes each */
	full = arena_alloc(c->arena, sizeof(*full) * (list.n / 2 + 1));
	n = full_keys(&k, list, full);
	if (n >= MANY)
		return wire_delete_many(&k, full, n) == WIRE_OK;
	/* After one failure the debt covers all: no second wait. */
	for (int i = 0; i < n; i++)
		if (wire_delete(&k, full[i]) != WIRE_OK)
			return false;
	return true;
}

void cache_bump(const char *keys)
{
	struct str rest = str_of(keys), key;

	while (next_key(&rest, &key))
		shm_generation_bump(hash64(key.p, key.n));
}

static void owe(struct ctx *c)
{
	if (!shm_cache_debt())
		log_pairs(LOG_WARN_, "cache: a delete could not be confirmed", "request_id",
			  c->request_id, (char *)NULL);
	shm_cache_debt_add();
}

void cache_invalidate(struct ctx *c, const char *keys)
{
	if (!cache_forget(c, keys))
		owe(c);
	/* Last: who reads the new generation finds nothing old behind it, or finds the debt. */
	cache_bump(keys);
}

const char *cache_state(struct ctx *c)
{
	struct wire_item w = { .key = NULL };
	struct call k;

	if (!c->cache || !c->cache->mc)
		return "off";
	if (!wire_begin(&k, c))
		return "down";
	w.key = wire_key(&k, "health");
	return wire_get(&k, &w, 1) ? "up" : "down";
}
