/* src/cache/wire.c - libmemcached behind a time budget, a breaker and an envelope per value */
#include "cache/wire.h"

#include "cache/l1.h"
#include "core/clock.h"
#include "core/hash.h"
#include "core/log.h"
#include "core/shm.h"

#include <inttypes.h>
#include <stdlib.h>

#define KEY_HASH 32	/* hex digits of the full key's hash */
#define HEAD (1 + KEY_HASH)
#define ID_TEXT 36	/* characters of an id */
#define KEY_MAX 250
#define VALUE_MAX (64u << 20)

/* ---- setting up ---- */

static const struct {
	memcached_behavior_t what;
	uint64_t value;
} behaviours[] = {
	/* Off by default: a space or CR LF in a key would then be read as a command. */
	{ MEMCACHED_BEHAVIOR_VERIFY_KEY, 1 },
	{ MEMCACHED_BEHAVIOR_TCP_NODELAY, 1 },
	{ MEMCACHED_BEHAVIOR_SUPPORT_CAS, 1 },
	{ MEMCACHED_BEHAVIOR_DISTRIBUTION, MEMCACHED_DISTRIBUTION_CONSISTENT_KETAMA },
	{ MEMCACHED_BEHAVIOR_HASH, MEMCACHED_HASH_MD5 },
	{ MEMCACHED_BEHAVIOR_KETAMA_HASH, MEMCACHED_HASH_MD5 },
	/* The breaker in shared memory decides when to try again, not each process for itself. */
	{ MEMCACHED_BEHAVIOR_RETRY_TIMEOUT, 0 },
	{ MEMCACHED_BEHAVIOR_REMOVE_FAILED_SERVERS, 0 },
};

/* "/run/x.sock", "host:port", "host", "[::1]:11211" */
static bool add_server(memcached_st *mc, struct str s)
{
	char host[256];
	long port = MEMCACHED_DEFAULT_PORT;
	const char *colon = NULL;

	if (s.n == 0 || s.n >= sizeof(host))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == ':')
			colon = s.p + i;
	if (s.p[0] == '[' && s.p[s.n - 1] == ']')
		colon = NULL;
	if (s.p[0] != '/' && colon) {
		size_t at = (size_t)(colon - s.p);

		if (!str_to_long((struct str){ colon + 1, s.n - at - 1 }, 1, 65535, &port))
			return false;
		s.n = at;
	}
	if (s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		s = (struct str){ s.p + 1, s.n - 2 };
	memcpy(host, s.p, s.n);
	host[s.n] = '\0';
	if (host[0] == '/')
		return memcached_success(memcached_server_add_unix_socket(mc, host));
	return memcached_success(memcached_server_add(mc, host, (in_port_t)port));
}

static bool add_servers(memcached_st *mc, const char *list)
{
	const char *end;
	bool any = false;

	for (;; list = end) {
		list += strspn(list, " ,\t");
		if (!*list)
			return any;
		end = list + strcspn(list, " ,\t");
		if (!add_server(mc, (struct str){ list, (size_t)(end - list) }))
			log_msg(LOG_ERROR_, "cache.servers: cannot use %.*s", (int)(end - list),
				list);
		else
			any = true;
	}
}

/* A length in an answer is the server's word only: no more memory than any value of ours needs. */
static void *limited_malloc(const memcached_st *mc, const size_t n, void *arg)
{
	(void)mc;
	(void)arg;
	return n <= VALUE_MAX ? malloc(n) : NULL;
}

static void *limited_realloc(const memcached_st *mc, void *p, const size_t n, void *arg)
{
	(void)mc;
	(void)arg;
	return n <= VALUE_MAX ? realloc(p, n) : NULL;
}

static void *limited_calloc(const memcached_st *mc, size_t count, const size_t n, void *arg)
{
	(void)mc;
	(void)arg;
	return count <= VALUE_MAX / (n + 1) ? calloc(count, n) : NULL;
}

static void plain_free(const memcached_st *mc, void *p, void *arg)
{
	(void)mc;
	(void)arg;
	free(p);
}

/* By name, so that all hosts agree in whatever order they list the servers; two that meet in one
 * slot share their fate. */
static void take_slots(struct cache *cache)
{
	cache->n_servers = memcached_server_count(cache->mc);
	cache->slots = calloc(cache->n_servers, sizeof(*cache->slots));
	if (!cache->slots)
		abort();
	for (unsigned i = 0; cache->n_servers > 1 && i < cache->n_servers; i++) {
		const memcached_instance_st *one =
		    memcached_server_instance_by_position(cache->mc, i);
		const char *name = memcached_server_name(one);

		cache->slots[i] = 1 + (int)(hash64_seeded(name, strlen(name),
							  memcached_server_port(one)) %
					    (SHM_SLOTS - 1));
	}
}

struct cache *cache_new(const struct config *cfg)
{
	struct cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		abort();
	cache->timeout_ms = cfg->cache_timeout;
	cache->retry_ms = cfg->cache_retry;
	if (!cfg->cache_servers || !cfg->cache_servers[strspn(cfg->cache_servers, " ,\t")])
		return cache;
	cache->mc = memcached_create(NULL);
	if (!cache->mc)
		abort();
	memcached_set_memory_allocators(cache->mc, limited_malloc, plain_free, limited_realloc,
					limited_calloc, NULL);
	/* Before the servers: changing the distribution afterwards would rebuild it each time. */
	for (size_t i = 0; i < COUNT(behaviours); i++)
		memcached_behavior_set(cache->mc, behaviours[i].what, behaviours[i].value);
	if (!add_servers(cache->mc, cfg->cache_servers)) {
		memcached_free(cache->mc);
		cache->mc = NULL;
		return cache;
	}
	if (!memcached_result_create(cache->mc, &cache->result))
		abort();
	take_slots(cache);
	cache->l1 = l1_new(cfg);
	return cache;
}

void cache_free(struct cache *cache)
{
	if (!cache)
		return;
	if (cache->mc) {
		memcached_result_free(&cache->result);
		memcached_free(cache->many);
		memcached_free(cache->mc);
		free(cache->slots);
	}
	l1_free(cache->l1);
	free(cache);
}

/* ---- beginning and failing ---- */

/* The last id in a key: "event:<id>:stats", "viewer:<user>:<event>". */
static struct str group_of(const char *key)
{
	struct str rest = str_of(key), group = rest;

	while (rest.n) {
		struct str part = str_cut(rest, ':', &rest);

		if (part.n == ID_TEXT)
			group = part;
	}
	return group;
}

unsigned wire_server(const struct cache *cache, const char *key)
{
	struct str group = group_of(key);

	return cache->n_servers > 1 ? memcached_generate_hash(cache->mc, group.p, group.n) : 0;
}

bool wire_begin_delete(struct call *k, struct ctx *c, const char *key)
{
	int64_t now = clock_mono_ms();

	*k = (struct call){ .c = c, .cache = c->cache };
	if (!k->cache || !k->cache->mc)
		return false;
	k->group = group_of(key);
	k->server = wire_server(k->cache, key);
	k->slot = k->cache->slots[k->server];
	k->ns = shm_cache_namespace(k->slot);
	k->deadline = now + k->cache->timeout_ms;
	/* Last of all the breaker: its answer may be the one trial that the whole host has. */
	return k->ns != 0 && shm_breaker_allows(SHM_BREAKER_CACHE + k->slot, now);
}

bool wire_begin(struct call *k, struct ctx *c, const char *key)
{
	int slot;

	if (!c->cache || !c->cache->mc || c->cache_off)
		return false;
	slot = c->cache->slots[wire_server(c->cache, key)];
	return !shm_cache_debt(slot) && wire_begin_delete(k, c, key);
}

/* Our answer was wrong, late or absent: nothing that is still under way may be read as the answer
 * to a later question, so the connection goes too. */
static void give_up(struct call *k, const char *what, memcached_return_t rc)
{
	memcached_quit(k->cache->mc);
	if (k->cache->many)
		memcached_quit(k->cache->many);
	shm_breaker_trip(SHM_BREAKER_CACHE + k->slot, clock_mono_ms(), k->cache->retry_ms);
	k->c->cache_off = true;
	log_pairs(LOG_WARN_, "cache", "request_id", k->c->request_id, "operation", what, "detail",
		  memcached_strerror(k->cache->mc, rc), (char *)NULL);
}

/* Gives the client what is left of the budget. */
static bool budget_of(struct call *k, memcached_st *mc, const char *what)
{
	int64_t left = k->deadline - clock_mono_ms();

	if (left <= 0) {
		give_up(k, what, MEMCACHED_TIMEOUT);
		return false;
	}
	memcached_behavior_set(mc, MEMCACHED_BEHAVIOR_POLL_TIMEOUT, (uint64_t)left);
	memcached_behavior_set(mc, MEMCACHED_BEHAVIOR_CONNECT_TIMEOUT, (uint64_t)left);
	return true;
}

static bool budget(struct call *k, const char *what)
{
	return budget_of(k, k->cache->mc, what);
}

static enum wire_rc settle(struct call *k, const char *what, memcached_return_t rc)
{
	switch (rc) {
	case MEMCACHED_SUCCESS:
	case MEMCACHED_STORED:
	case MEMCACHED_DELETED:
		shm_breaker_ok(SHM_BREAKER_CACHE + k->slot);
		return WIRE_OK;
	case MEMCACHED_NOTFOUND:
	case MEMCACHED_NOTSTORED:
	case MEMCACHED_DATA_EXISTS:
	case MEMCACHED_E2BIG:
	case MEMCACHED_SERVER_MEMORY_ALLOCATION_FAILURE: /* the server is well, the item too big */
		shm_breaker_ok(SHM_BREAKER_CACHE + k->slot);
		return WIRE_REFUSED;
	default:
		give_up(k, what, rc);
		return WIRE_FAILED;
	}
}

/* ---- keys and envelopes ---- */

const char *wire_key(const struct call *k, const char *key)
{
	size_t n = strlen(key);

	if (n == 0 || n > KEY_MAX - 17)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)key[i] <= ' ' || key[i] == 0x7f)
			return NULL;
	return arena_printf(k->c->arena, "%016" PRIx64 ":%s", k->ns, key);
}

struct str wire_pack(const struct call *k, const char *key, enum wire_type type, struct str body)
{
	char *p = arena_alloc(k->c->arena, HEAD + body.n + 1);

	hash128_hex(key, strlen(key), p + 1);	/* its end is overwritten by the body */
	p[0] = type == WIRE_LEASE ? 'L' : 'V';
	if (body.n)
		memcpy(p + HEAD, body.p, body.n);
	return (struct str){ p, HEAD + body.n };
}

static void unpack(const struct call *k, const memcached_result_st *r, struct wire_item *item)
{
	const char *p = memcached_result_value(r);
	size_t n = memcached_result_length(r);
	char hash[KEY_HASH + 1];

	hash128_hex(item->key, strlen(item->key), hash);
	if (n < HEAD || memcmp(p + 1, hash, KEY_HASH) != 0 || (p[0] != 'V' && p[0] != 'L'))
		return;
	item->type = p[0] == 'V' ? WIRE_VALUE : WIRE_LEASE;
	item->body.n = n - HEAD;
	item->body.p = arena_strndup(k->c->arena, p + HEAD, item->body.n);
	item->cas = memcached_result_cas(r);
}

/* ---- operations ---- */

static void take_result(const struct call *k, const memcached_result_st *r,
			struct wire_item *items, int n)
{
	struct str got = { memcached_result_key_value(r), memcached_result_key_length(r) };

	for (int i = 0; i < n; i++)
		if (items[i].key && items[i].type == WIRE_NONE && str_is(got, items[i].key))
			unpack(k, r, &items[i]);
}

bool wire_get(struct call *k, struct wire_item *items, int n)
{
	const char **keys = arena_alloc(k->c->arena, sizeof(*keys) * (size_t)(n + 1));
	size_t *lengths = arena_alloc(k->c->arena, sizeof(*lengths) * (size_t)(n + 1));
	memcached_st *mc = k->cache->mc;
	memcached_return_t rc;
	size_t asked = 0;

	for (int i = 0; i < n; i++) {
		if (!items[i].key)
			continue;
		keys[asked] = items[i].key;
		lengths[asked++] = strlen(items[i].key);
	}
	if (asked == 0)
		return true;
	if (!budget(k, "get"))
		return false;
	k->c->cache_trips++;
	rc = memcached_mget_by_key(mc, k->group.p, k->group.n, keys, lengths, asked);
	if (rc != MEMCACHED_SUCCESS)
		return settle(k, "get", rc) == WIRE_REFUSED;
	while (budget(k, "get") && memcached_fetch_result(mc, &k->cache->result, &rc))
		take_result(k, &k->cache->result, items, n);
	if (k->c->cache_off)
		return false;
	/* It says NOTFOUND at the end also after an answer that it could not read. */
	if (rc == MEMCACHED_END || rc == MEMCACHED_NOTFOUND)
		rc = memcached_last_error(mc);
	return settle(k, "get", rc) != WIRE_FAILED;
}

enum wire_rc wire_add(struct call *k, const char *key, struct str packed, int ttl_s)
{
	if (!budget(k, "add"))
		return WIRE_FAILED;
	k->c->cache_trips++;
	return settle(k, "add", memcached_add_by_key(k->cache->mc, k->group.p, k->group.n, key,
						     strlen(key), packed.p, packed.n, ttl_s, 0));
}

enum wire_rc wire_cas(struct call *k, const char *key, struct str packed, int ttl_s, uint64_t cas)
{
	if (!budget(k, "cas"))
		return WIRE_FAILED;
	k->c->cache_trips++;
	return settle(k, "cas",
		      memcached_cas_by_key(k->cache->mc, k->group.p, k->group.n, key, strlen(key),
					   packed.p, packed.n, ttl_s, 0, cas));
}

enum wire_rc wire_delete(struct call *k, const char *key)
{
	enum wire_rc rc;

	if (!budget(k, "delete"))
		return WIRE_FAILED;
	k->c->cache_trips++;
	rc = settle(k, "delete", memcached_delete_by_key(k->cache->mc, k->group.p, k->group.n, key,
							 strlen(key), 0));
	return rc == WIRE_REFUSED ? WIRE_OK : rc;
}

static memcached_st *many_client(struct cache *cache)
{
	if (cache->many)
		return cache->many;
	cache->many = memcached_clone(NULL, cache->mc);
	if (!cache->many)
		abort();
	memcached_behavior_set(cache->many, MEMCACHED_BEHAVIOR_NOREPLY, 1);
	memcached_behavior_set(cache->many, MEMCACHED_BEHAVIOR_BUFFER_REQUESTS, 1);
	return cache->many;
}

/* A server works off a connection in order: when it has answered a question it has done all deletes
 * before. (memcached_version would ask only once in a lifetime.) */
static memcached_return_t confirm(struct call *k, memcached_st *mc, const char *key)
{
	memcached_return_t rc;
	uint32_t flags;
	size_t len;

	memcached_behavior_set(mc, MEMCACHED_BEHAVIOR_NOREPLY, 0);
	free(memcached_get_by_key(mc, k->group.p, k->group.n, key, strlen(key), &len, &flags,
				  &rc));
	memcached_behavior_set(mc, MEMCACHED_BEHAVIOR_NOREPLY, 1);
	return rc == MEMCACHED_NOTFOUND ? MEMCACHED_SUCCESS : rc;
}

/* The requests lie in buffers that go out when they are full. */
enum wire_rc wire_delete_many(struct call *k, const char *const *keys, int n)
{
	memcached_st *mc = many_client(k->cache);
	memcached_return_t rc = MEMCACHED_SUCCESS;

	if (!budget_of(k, mc, "delete"))
		return WIRE_FAILED;
	k->c->cache_trips++;
	for (int i = 0; i < n; i++) {
		rc = memcached_delete_by_key(mc, k->group.p, k->group.n, keys[i], strlen(keys[i]),
					     0);
		if (rc != MEMCACHED_SUCCESS && rc != MEMCACHED_BUFFERED) {
			(void)settle(k, "delete", rc);
			return WIRE_FAILED;
		}
	}
	rc = memcached_flush_buffers(mc);
	if (rc == MEMCACHED_SUCCESS && !budget_of(k, mc, "delete"))
		return WIRE_FAILED;
	return settle(k, "delete", rc == MEMCACHED_SUCCESS ? confirm(k, mc, keys[n - 1]) : rc);
}
