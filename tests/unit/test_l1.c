/* tests/unit/test_l1.c - the worker's own copies: when they are used, and what the ring forgets */
#include "cache/l1.h"
#include "cache/cache.h"
#include "core/clock.h"
#include "core/shm.h"
#include "t.h"

#include <unistd.h>

#define SIZE 65536
#define LONG_MS 600000	/* no stall makes a copy of that life old */

static const char *const keys[L1_KEYS] = { "event:1", "event:1:stats" };
static struct config cfg = { .cache_servers = "/nonexistent/memcached.sock",
			     .cache_timeout = 50,
			     .cache_retry = 1000 };
static struct ctx c;
static char dir[] = "/tmp/marquee-l1-XXXXXX";

static bool setup(void)
{
	if (!mkdtemp(dir) || shm_attach(dir, "test_l1", 0) != OK)
		return false;
	shm_cache_namespace_set(0, 7);
	ctx_begin(&c, arena_new(64 << 20));
	return true;
}

static void teardown(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	if (system(command) != 0)
		printf("%s stays behind\n", dir);
	cache_free(c.cache);
	arena_free(c.arena);
}

/* An empty cache of one's own. */
static void begin(long ttl_ms)
{
	cache_free(c.cache);
	cfg.cache_l1_ttl = ttl_ms;
	cfg.cache_l1_size = SIZE;
	c.cache = cache_new(&cfg);
	shm_cache_namespace_set(0, 7);
}

static void put(const char *name, const char *value)
{
	struct l1_mark m = l1_mark(&c, keys);

	l1_put(&c, str_of(name), &m, 100000, str_of(value));
}

static bool has(const char *name, const char *value)
{
	return str_is(l1_get(&c, str_of(name)), value);
}

static bool lacks(const char *name)
{
	return l1_get(&c, str_of(name)).p == NULL;
}

static void keeps_and_gives(void)
{
	begin(LONG_MS);
	T_TRUE(lacks("1"));
	put("1", "one");
	put("2", "");
	T_TRUE(has("1", "one"));
	T_TRUE(l1_get(&c, STR("2")).p != NULL && has("2", ""));
	T_TRUE(lacks("3"));
	put("1", "uno");
	T_TRUE(has("1", "uno"));
}

static void a_bump_of_any_key_voids(void)
{
	for (int i = 0; i < L1_KEYS; i++) {
		begin(LONG_MS);
		put("1", "one");
		T_TRUE(has("1", "one"));
		shm_generation_bump(cache_generation_of(keys[i]));
		T_TRUE(lacks("1"));
		T_NULL(l1_get_old(&c, STR("1")).p);
		put("1", "two");
		T_TRUE(has("1", "two"));
	}
}

/* What was fetched before the bump may be old: it is not kept, and would not be used. */
static void fetched_before_the_bump(void)
{
	begin(LONG_MS);
	struct l1_mark m = l1_mark(&c, keys);

	cache_invalidate(&c, "event:1\nevent:1:stats");
	l1_put(&c, STR("1"), &m, 1000, STR("old"));
	T_TRUE(lacks("1"));
}

static void a_new_namespace_empties(void)
{
	begin(LONG_MS);
	put("1", "one");
	shm_cache_namespace_set(0, 8);
	T_TRUE(lacks("1"));
	shm_cache_namespace_set(0, 0);
	put("1", "unknown");
	T_TRUE(lacks("1"));
}

static void lives_no_longer_than_told(void)
{
	begin(20);
	put("1", "one");
	usleep(21000);
	T_TRUE(lacks("1"));
	T_TRUE(str_is(l1_get_old(&c, STR("1")), "one"));
	begin(LONG_MS);
	struct l1_mark m = l1_mark(&c, keys);

	l1_put(&c, STR("1"), &m, 20, STR("one"));
	usleep(21000);
	T_TRUE(lacks("1"));
	l1_put(&c, STR("1"), &m, 0, STR("one"));
	T_TRUE(lacks("1"));
	/* The life is counted from the mark: what took long to fetch is not young. */
	m.at_ms -= LONG_MS;
	l1_put(&c, STR("1"), &m, LONG_MS, STR("one"));
	T_TRUE(lacks("1"));
}

/* A page made of a copy: as long as what it was made of, and void by the same bumps. */
static void what_is_made_of_a_copy_lives_as_long(void)
{
	struct l1_mark m = { .ns = 0 }, of_page;
	int64_t until = 0, until_page = 0;

	begin(60000);
	T_NULL(l1_get_with(&c, STR("1"), &m, &until).p);
	m = l1_mark(&c, keys);
	m.at_ms -= 50000;	/* fetched so long ago: it has ten seconds left */
	l1_put(&c, STR("1"), &m, 100000, STR("one"));
	T_TRUE(str_is(l1_get_with(&c, STR("1"), &m, &until), "one"));
	T_TRUE(until <= clock_mono_ms() + 10000);
	l1_put(&c, STR("page"), &m, 100000, STR("<p>one"));
	T_TRUE(str_is(l1_get_with(&c, STR("page"), &of_page, &until_page), "<p>one"));
	T_EQ_INT(until_page, until);
	begin(LONG_MS);
	put("1", "one");
	T_TRUE(l1_get_with(&c, STR("1"), &m, &until).p != NULL);
	l1_put(&c, STR("page"), &m, 1000, STR("<p>one"));
	shm_generation_bump(cache_generation_of(keys[1]));
	T_TRUE(lacks("page"));
	l1_put(&c, STR("page"), &m, 1000, STR("<p>one"));
	T_TRUE(lacks("page"));
}

/* Ten times the ring in values of many sizes: the newest are there, nothing is mixed up. */
static void the_ring_comes_round(void)
{
	char name[16], value[4000];
	size_t total = 0;
	int n = 0;

	begin(LONG_MS);
	for (; total < 10 * SIZE; n++) {
		size_t len = (size_t)(n * 7919 % 3000) + 10;

		snprintf(name, sizeof(name), "%d", n);
		memset(value, 'a' + n % 26, len);
		value[len] = '\0';
		put(name, value);
		T_TRUE(has(name, value));
		total += len;
	}
	int kept = 0, wrong = 0;

	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%d", i);
		struct str got = l1_get(&c, str_of(name));

		kept += got.p != NULL;
		wrong += got.p && (got.n != (size_t)(i * 7919 % 3000) + 10 ||
				   got.p[0] != 'a' + i % 26 || got.p[got.n - 1] != 'a' + i % 26);
	}
	T_EQ_INT(wrong, 0);
	T_TRUE(kept > 10 && kept < n / 5);
}

static void what_is_too_large_is_left_out(void)
{
	char *large = arena_zalloc(c.arena, SIZE);

	begin(LONG_MS);
	put("1", "one");
	memset(large, 'x', SIZE / 4);
	put("2", large);
	T_TRUE(lacks("2"));
	T_TRUE(has("1", "one"));
	large[SIZE / 8] = '\0';
	put("2", large);
	T_TRUE(has("2", large));
}

static void a_copy_outlives_its_place(void)
{
	begin(LONG_MS);
	put("1", "one");
	struct str got = l1_get(&c, STR("1"));

	for (int i = 0; i < 2000; i++)
		put(i % 2 ? "2" : "3", "something that takes the place of everything else");
	T_TRUE(lacks("1"));
	T_TRUE(str_is(got, "one"));
}

static unsigned told;
static void on_l1(void)
{
	told++;
}

static void observer_hears_of_hits(void)
{
	begin(LONG_MS);
	l1_observer = on_l1;
	put("1", "one");
	l1_get(&c, STR("1"));
	l1_get(&c, STR("2"));
	l1_observer = NULL;
	T_EQ_INT(told, 1);
}

static void off_without_life_cache_or_shared_memory(void)
{
	begin(0);
	put("1", "one");
	T_TRUE(lacks("1"));
	cfg.cache_servers = "";
	begin(LONG_MS);
	put("1", "one");
	T_TRUE(lacks("1"));
	cfg.cache_servers = "/nonexistent/memcached.sock";
	begin(LONG_MS);
	put("1", "one");
	T_TRUE(has("1", "one"));
	T_TRUE(shm_attach("/dev/null/dir", "test_l1", 0) != OK);
	shm_cache_namespace_set(0, 7);
	T_TRUE(lacks("1"));
	put("1", "one");
	T_TRUE(lacks("1"));
	T_EQ_INT(shm_attach(dir, "test_l1", 0), OK);
}

T_SUITE_WITH("l1", setup, teardown, T(keeps_and_gives), T(a_bump_of_any_key_voids),
	     T(fetched_before_the_bump), T(a_new_namespace_empties), T(lives_no_longer_than_told),
	     T(what_is_made_of_a_copy_lives_as_long),
	     T(the_ring_comes_round), T(what_is_too_large_is_left_out),
	     T(a_copy_outlives_its_place), T(observer_hears_of_hits),
	     T(off_without_life_cache_or_shared_memory))
