/* tests/service/cache_fixture.h - a client of a real memcached, and one value under one key */
#ifndef CACHE_FIXTURE_H
#define CACHE_FIXTURE_H

#include "cache/wire.h"
#include "core/clock.h"
#include "core/shm.h"
#include "t.h"

#define NEED_CACHE()                                                                               \
	do {                                                                                       \
		if (!getenv("MARQUEE_TEST_MEMCACHED"))                                             \
			T_SKIP("MARQUEE_TEST_MEMCACHED is not set");                               \
	} while (0)

#define PATIENCE_MS 60000	/* a busy machine is no outage */

static struct config cfg = { .cache_timeout = PATIENCE_MS, .cache_retry = 60000 };

static void open_ctx(struct ctx *c, const char *servers)
{
	memset(c, 0, sizeof(*c));
	cfg.cache_servers = servers;
	c->cfg = &cfg;
	c->cache = cache_new(&cfg);
	ctx_begin(c, arena_new(16 << 20));
}

static void close_ctx(struct ctx *c)
{
	cache_free(c->cache);
	arena_free(c->arena);
}

static struct cache_item item_of(const char *key)
{
	return (struct cache_item){ .family = CK_EVENT, .key = key };
}

static bool store(struct ctx *c, const char *key, const char *value)
{
	struct cache_item i = item_of(key);

	cache_lease(c, &i);
	if (!i.lease)
		return false;
	cache_fill(c, &i, str_of(value));
	return true;
}

static struct str look(struct ctx *c, const char *key)
{
	struct cache_item i = item_of(key);

	cache_get(c, &i, 1);
	return i.value;
}

#endif
