/* src/cache/keys.c - every cache key and how long it lives, one table */
#include "cache/cache.h"
#include "core/strbuf.h"

#define KEY_MAX 230	/* memcached takes 250, less the namespace */

/* Longest life 24 h: memcached reads more than 30 days as a date. */
const struct cache_family_row cache_families[CK_FAMILIES] = {
	[CK_EVENT] = { "event:%s", 1, 1800, "core of an event's document" },
	[CK_EVENT_STATS] = { "event:%s:stats", 1, 1, "counts of an event" },
	[CK_VIEWER] = { "viewer:%s:%s", 2, 300, "what a person is to an event" },
	[CK_CATEGORIES] = { "events:categories", 0, 86400, "the list of categories" },
};

const char *cache_key(struct ctx *c, enum cache_family f, const char *a, const char *b)
{
	const char *ids[] = { a, b };
	const char *at = cache_families[f].format;
	const char *gap;
	struct strbuf key;

	strbuf_init(&key, c->arena, KEY_MAX);
	for (int i = 0; i < cache_families[f].ids && (gap = strstr(at, "%s")); i++) {
		strbuf_add(&key, at, (size_t)(gap - at));
		strbuf_adds(&key, ids[i] ? ids[i] : "");
		at = gap + 2;
	}
	strbuf_adds(&key, at);
	return strbuf_str(&key);
}
