/* tests/unit/test_cache_keys.c - formats and lives of all cache keys; addresses of servers */
#include "cache/wire.h"
#include "t.h"

#define A "0190f7c2-0000-7000-8000-00000000000a"
#define B "0190f7c2-0000-7000-8000-00000000000b"

static struct ctx c;

static bool setup(void)
{
	ctx_begin(&c, arena_new(1 << 20));
	return true;
}

static void teardown(void)
{
	arena_free(c.arena);
}

static void keys_of_the_contract(void)
{
	T_EQ_STR(cache_key(&c, CK_EVENT, A, NULL), "event:" A);
	T_EQ_STR(cache_key(&c, CK_EVENT_STATS, A, NULL), "event:" A ":stats");
	T_EQ_STR(cache_key(&c, CK_VIEWER, A, B), "viewer:" A ":" B);
	T_EQ_STR(cache_key(&c, CK_CATEGORIES, NULL, NULL), "events:categories");
}

static void rows_agree_with_themselves(void)
{
	for (int i = 0; i < CK_FAMILIES; i++) {
		const struct cache_family_row *row = &cache_families[i];
		int gaps = 0;

		T_REQUIRE(row->format != NULL && row->text != NULL);
		for (const char *p = row->format; (p = strchr(p, '%')); p++)
			gaps += p[1] == 's' ? 1 : 100;
		T_EQ_INT(gaps, row->ids);
		T_TRUE(row->ttl_s > 0);
		T_TRUE(row->ttl_s <= 30 * 86400);	/* above, memcached reads a date */
	}
}

static void families_never_meet(void)
{
	for (int i = 0; i < CK_FAMILIES; i++)
		for (int j = 0; j < i; j++)
			T_FALSE(strcmp(cache_key(&c, (enum cache_family)i, A, B),
				       cache_key(&c, (enum cache_family)j, A, B)) == 0);
}

static void generation_follows_the_key(void)
{
	T_TRUE(cache_generation_of("event:" A) == cache_generation_of("event:" A));
	T_TRUE(cache_generation_of("event:" A) != cache_generation_of("event:" B));
}

/* What cannot be an address is left out; with none that can, there is no cache. */
static void addresses_of_servers(void)
{
	static char longest[300];
	static const struct {
		const char *list, *host;
		unsigned port, count;
	} rows[] = {
		{ "", NULL, 0, 0 },
		{ " , ", NULL, 0, 0 },
		{ "/run/m.sock", "/run/m.sock", 0, 1 },
		{ "cache.example", "cache.example", 11211, 1 },
		{ "cache.example:11311", "cache.example", 11311, 1 },
		{ "[::1]", "::1", 11211, 1 },
		{ "[::1]:11311 127.0.0.1", "::1", 11311, 2 },
		{ "a:1,b:2\tc:3", "a", 1, 3 },
		{ "host:port", NULL, 0, 0 },
		{ "host:0", NULL, 0, 0 },
		{ "host:65536 good:1", "good", 1, 1 },
		{ longest, NULL, 0, 0 },
	};
	struct config cfg = { .cache_timeout = 50 };

	memset(longest, 'x', sizeof(longest) - 1);
	for (size_t i = 0; i < COUNT(rows); i++) {
		cfg.cache_servers = rows[i].list;
		struct cache *cache = cache_new(&cfg);

		T_EQ_INT(cache->mc ? memcached_server_count(cache->mc) : 0, rows[i].count);
		if (cache->mc) {
			const memcached_instance_st *s =
			    memcached_server_instance_by_position(cache->mc, 0);

			T_EQ_STR(memcached_server_name(s), rows[i].host);
			T_EQ_INT(memcached_server_port(s), rows[i].port);
		}
		cache_free(cache);
	}
}

T_SUITE_WITH("cache keys", setup, teardown, T(keys_of_the_contract), T(rows_agree_with_themselves),
	     T(families_never_meet), T(generation_follows_the_key),
	     T(addresses_of_servers))
