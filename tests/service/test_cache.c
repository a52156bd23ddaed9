/* tests/service/test_cache.c - leases, envelopes, debts and failures on a real memcached */
#include "cache_fixture.h"

#include <inttypes.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct ctx a, b;
static memcached_st *raw;
static uint64_t ns;
static char dir[] = "/tmp/marquee-cache-XXXXXX";

static bool setup(void)
{
	const char *servers = getenv("MARQUEE_TEST_MEMCACHED");
	const char *colon;

	if (!mkdtemp(dir) || shm_attach(dir, "test_cache", 4) != OK)
		return false;
	if (!servers)
		return true;
	open_ctx(&a, servers);
	open_ctx(&b, servers);
	raw = memcached_create(NULL);
	colon = strrchr(servers, ':');
	if (servers[0] == '/')
		return memcached_server_add_unix_socket(raw, servers) == MEMCACHED_SUCCESS;
	return memcached_server_add(raw, strndup(servers, (size_t)(colon - servers)),
				    (in_port_t)strtol(colon + 1, NULL, 10)) == MEMCACHED_SUCCESS;
}

static void teardown(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	if (system(command) != 0)
		printf("%s stays behind\n", dir);
	if (!raw)
		return;
	memcached_free(raw);
	close_ctx(&a);
	close_ctx(&b);
}

/* A namespace that nothing was ever stored under, and nothing owed. */
static void begin(void)
{
	ns = (uint64_t)clock_now_us() << 1 | 1;
	shm_cache_namespace_set(0, ns);
	(void)shm_cache_debt_paid(0, shm_cache_debt(0));
	shm_breaker_ok(SHM_BREAKER_CACHE);
	ctx_begin(&a, a.arena);
	ctx_begin(&b, b.arena);
}

static void raw_set(const char *key, const char *value, size_t n)
{
	char full[256];

	snprintf(full, sizeof(full), "%016" PRIx64 ":%s", ns, key);
	T_EQ_INT(memcached_set(raw, full, strlen(full), value, n, 60, 0), MEMCACHED_SUCCESS);
}

/* ---- reading and filling ---- */

static void fills_and_finds(void)
{
	NEED_CACHE();
	begin();
	T_NULL(look(&a, "event:1").p);
	T_EQ_INT(a.cache_trips, 1);
	T_TRUE(store(&a, "event:1", "{\"id\":1}"));
	T_EQ_INT(a.cache_trips, 4);	/* add, gets, cas */
	T_TRUE(str_is(look(&b, "event:1"), "{\"id\":1}"));
	T_EQ_INT(b.cache_trips, 1);
}

static void empty_and_binary_values(void)
{
	struct cache_item i = item_of("event:bin");

	NEED_CACHE();
	begin();
	T_TRUE(store(&a, "event:empty", ""));
	T_TRUE(look(&b, "event:empty").p != NULL);
	T_EQ_INT(look(&b, "event:empty").n, 0);
	cache_lease(&a, &i);
	cache_fill(&a, &i, (struct str){ "a\0\r\nEND\r\n", 9 });
	T_TRUE(str_eq(look(&b, "event:bin"), (struct str){ "a\0\r\nEND\r\n", 9 }));
}

static void many_in_one_trip(void)
{
	struct cache_item items[40];
	char keys[40][24];

	NEED_CACHE();
	begin();
	for (int i = 0; i < 40; i++) {
		snprintf(keys[i], sizeof(keys[i]), "event:%d", i);
		items[i] = item_of(keys[i]);
		if (i % 2)
			T_TRUE(store(&a, keys[i], keys[i]));
	}
	cache_get(&b, items, 40);
	T_EQ_INT(b.cache_trips, 1);
	for (int i = 0; i < 40; i++)
		T_TRUE(i % 2 ? str_is(items[i].value, keys[i]) : items[i].value.p == NULL);
}

static void same_key_twice(void)
{
	struct cache_item items[2] = { item_of("event:t"), item_of("event:t") };

	NEED_CACHE();
	begin();
	T_TRUE(store(&a, "event:t", "v"));
	cache_get(&b, items, 2);
	T_TRUE(str_is(items[0].value, "v"));
	T_TRUE(str_is(items[1].value, "v"));
}

static void odd_keys_are_misses(void)
{
	static const char *const odd[] = { "", "a b", "a\r\nflush_all\r\n", "tab\there", "\x7f" };
	char longest[300];

	NEED_CACHE();
	begin();
	memset(longest, 'k', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (size_t i = 0; i < COUNT(odd); i++) {
		T_FALSE(store(&a, odd[i], "x"));
		T_NULL(look(&a, odd[i]).p);
	}
	T_FALSE(store(&a, longest, "x"));
	cache_invalidate(&a, longest);
	T_EQ_INT(a.cache_trips, 0);
	T_FALSE(a.cache_off);
	T_FALSE(shm_cache_debt(0));
}

static void too_large_is_only_not_stored(void)
{
	struct cache_item i = item_of("event:huge");
	size_t n = 3 << 20;
	char *p;

	NEED_CACHE();
	begin();
	p = arena_zalloc(a.arena, n);
	cache_lease(&a, &i);
	T_TRUE(i.lease);
	cache_fill(&a, &i, (struct str){ p, n });
	T_NULL(look(&b, "event:huge").p);
	T_FALSE(a.cache_off);
}

/* ---- leases ---- */

static void one_lease_per_key(void)
{
	struct cache_item i = item_of("event:l"), j = item_of("event:l");

	NEED_CACHE();
	begin();
	cache_lease(&a, &i);
	T_TRUE(i.lease);
	T_NULL(look(&b, "event:l").p);	/* a placeholder is no value */
	cache_lease(&b, &j);		/* waits, then goes on without */
	T_FALSE(j.lease);
	T_NULL(j.value.p);
	cache_fill(&b, &j, STR("theirs"));	/* without a lease: nothing happens */
	cache_fill(&a, &i, STR("ours"));
	T_TRUE(str_is(look(&b, "event:l"), "ours"));
	cache_lease(&b, &j);
	T_TRUE(str_is(j.value, "ours"));
	T_FALSE(j.lease);
}

static void delete_voids_the_lease(void)
{
	struct cache_item i = item_of("event:d"), j = item_of("event:d");

	NEED_CACHE();
	begin();
	cache_lease(&a, &i);
	cache_invalidate(&b, "event:d");
	cache_fill(&a, &i, STR("old"));
	T_NULL(look(&b, "event:d").p);
	/* Deleted, and another reader has the lease now. */
	cache_lease(&a, &i);
	T_TRUE(i.lease);
	cache_invalidate(&b, "event:d");
	cache_lease(&b, &j);
	T_TRUE(j.lease);
	cache_fill(&a, &i, STR("old"));
	T_NULL(look(&a, "event:d").p);
	cache_fill(&b, &j, STR("new"));
	T_TRUE(str_is(look(&a, "event:d"), "new"));
}

static void fill_after_new_epoch_is_void(void)
{
	struct cache_item i = item_of("event:e");

	NEED_CACHE();
	begin();
	cache_lease(&a, &i);
	shm_cache_namespace_set(0, ++ns);
	cache_fill(&a, &i, STR("old"));
	T_NULL(look(&b, "event:e").p);
}

/* ---- envelopes ---- */

static void foreign_value_is_a_miss(void)
{
	static const char *const garbage[] = { "", "V", "garbage that is long enough to be a value",
					       "V0123456789abcdef0123456789abcdefX" };
	struct call k;
	const char *other;
	struct str packed;

	NEED_CACHE();
	begin();
	for (size_t i = 0; i < COUNT(garbage); i++) {
		raw_set("event:f", garbage[i], strlen(garbage[i]));
		T_NULL(look(&a, "event:f").p);
	}
	/* A whole value, but of another key: what a confused connection would give. */
	T_REQUIRE(wire_begin(&k, &a, "event:g"));
	other = wire_key(&k, "event:g");
	packed = wire_pack(&k, other, WIRE_VALUE, STR("private"));
	raw_set("event:f", packed.p, packed.n);
	T_NULL(look(&a, "event:f").p);
	raw_set("event:g", packed.p, packed.n);
	T_TRUE(str_is(look(&a, "event:g"), "private"));
}

/* ---- writers ---- */

static void invalidate_deletes_and_bumps(void)
{
	uint64_t g1 = shm_generation(cache_generation_of("event:i1"));
	uint64_t g2 = shm_generation(cache_generation_of("event:i2"));

	NEED_CACHE();
	begin();
	T_TRUE(store(&a, "event:i1", "x"));
	T_TRUE(store(&a, "event:i2", "x"));
	cache_invalidate(&b, "event:i1\n\nevent:i2\nevent:never");
	T_EQ_INT(b.cache_trips, 3);
	T_NULL(look(&a, "event:i1").p);
	T_NULL(look(&a, "event:i2").p);
	T_TRUE(shm_generation(cache_generation_of("event:i1")) != g1);
	T_TRUE(shm_generation(cache_generation_of("event:i2")) != g2);
	T_FALSE(shm_cache_debt(0));
	cache_invalidate(&b, NULL);
	cache_invalidate(&b, "");
	T_EQ_INT(b.cache_trips, 3);
}

/* From four keys on they are not confirmed one by one. */
static void many_keys_take_one_trip(void)
{
	char keys[2000] = "", key[32];
	size_t n = 0;

	NEED_CACHE();
	begin();
	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "event:m%d", i);
		T_TRUE(store(&a, key, "x"));
		n += (size_t)snprintf(keys + n, sizeof(keys) - n, "%s\n", key);
	}
	cache_invalidate(&b, keys);
	T_EQ_INT(b.cache_trips, 1);
	T_FALSE(shm_cache_debt(0));
	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "event:m%d", i);
		T_NULL(look(&a, key).p);
	}
	/* Again: the buffers of the first time are empty. */
	T_TRUE(store(&a, "event:m1", "x"));
	T_TRUE(store(&a, "event:m2", "x"));
	cache_invalidate(&b, "event:m3\nevent:m4\nevent:m5\nevent:m1");
	T_NULL(look(&a, "event:m1").p);
	T_TRUE(look(&a, "event:m2").p != NULL);
}

static void many_keys_unconfirmed_are_a_debt(void)
{
	struct ctx c;

	open_ctx(&c, "/nonexistent/memcached.sock");
	shm_cache_namespace_set(0, 79);
	(void)shm_cache_debt_paid(0, shm_cache_debt(0));
	shm_breaker_ok(SHM_BREAKER_CACHE);
	cache_invalidate(&c, "event:1\nevent:2\nevent:3\nevent:4\nevent:5");
	T_TRUE(shm_cache_debt(0));
	T_TRUE(c.cache_off);
	(void)shm_cache_debt_paid(0, shm_cache_debt(0));
	shm_breaker_ok(SHM_BREAKER_CACHE);
	close_ctx(&c);
}

static void debt_keeps_everybody_away(void)
{
	NEED_CACHE();
	begin();
	T_TRUE(store(&a, "event:o", "x"));
	shm_breaker_trip(SHM_BREAKER_CACHE, clock_mono_ms(), 60000);
	cache_invalidate(&b, "event:o");
	shm_breaker_ok(SHM_BREAKER_CACHE);
	T_EQ_INT(b.cache_trips, 0);
	T_TRUE(shm_cache_debt(0));
	a.cache_trips = 0;
	T_NULL(look(&a, "event:o").p);
	T_FALSE(store(&a, "event:o2", "x"));
	T_EQ_INT(a.cache_trips, 0);
	T_EQ_STR(cache_state(&a), "down");
	/* Other writers still delete: other hosts have not heard of the debt. */
	cache_invalidate(&a, "event:o");
	T_EQ_INT(a.cache_trips, 1);
	(void)shm_cache_debt_paid(0, shm_cache_debt(0));
	T_NULL(look(&a, "event:o").p);
}

static void unknown_namespace_is_off(void)
{
	NEED_CACHE();
	begin();
	shm_cache_namespace_set(0, 0);
	T_NULL(look(&a, "event:n").p);
	T_FALSE(store(&a, "event:n", "x"));
	T_EQ_INT(a.cache_trips, 0);
	cache_invalidate(&a, "event:n");
	T_TRUE(shm_cache_debt(0));
}

/* ---- failures ---- */

static void null_cache_does_nothing(void)
{
	uint64_t g = shm_generation(cache_generation_of("event:z"));
	struct ctx c;

	open_ctx(&c, "");
	shm_cache_namespace_set(0, 77);
	(void)shm_cache_debt_paid(0, shm_cache_debt(0));
	T_NULL(look(&c, "event:z").p);
	T_FALSE(store(&c, "event:z", "x"));
	cache_invalidate(&c, "event:z");
	T_EQ_INT(c.cache_trips, 0);
	T_FALSE(shm_cache_debt(0));
	T_TRUE(shm_generation(cache_generation_of("event:z")) != g);
	T_EQ_STR(cache_state(&c), "off");
	close_ctx(&c);
}

static void fails_and_leaves_alone(struct ctx *c)
{
	shm_cache_namespace_set(0, 78);
	(void)shm_cache_debt_paid(0, shm_cache_debt(0));
	shm_breaker_ok(SHM_BREAKER_CACHE);
	T_NULL(look(c, "event:x").p);
	T_TRUE(c->cache_off);
	T_EQ_INT(c->err, OK);
	T_EQ_INT(c->cache_trips, 1);
	T_NULL(look(c, "event:x").p);
	T_EQ_INT(c->cache_trips, 1);
	/* The next request does not try either: the breaker is open for all. */
	ctx_begin(c, c->arena);
	T_NULL(look(c, "event:x").p);
	T_EQ_INT(c->cache_trips, 0);
	T_EQ_STR(cache_state(c), "down");
	cache_invalidate(c, "event:x");
	T_TRUE(shm_cache_debt(0));
	shm_breaker_ok(SHM_BREAKER_CACHE);
}

static void dead_server(void)
{
	struct ctx c;

	open_ctx(&c, "/nonexistent/memcached.sock");
	fails_and_leaves_alone(&c);
	/* Tried again at once when the breaker lets it: the client keeps no pause of its own. */
	ctx_begin(&c, c.arena);
	(void)shm_cache_debt_paid(0, shm_cache_debt(0));
	T_NULL(look(&c, "event:x").p);
	T_EQ_INT(c.cache_trips, 1);
	shm_breaker_ok(SHM_BREAKER_CACHE);
	close_ctx(&c);
}

static void bad_server_list_is_null_cache(void)
{
	struct ctx c;

	open_ctx(&c, "host:port, [::1]:99999");
	T_EQ_STR(cache_state(&c), "off");
	close_ctx(&c);
}

/* A server that accepts and says what it is told to, then nothing. */
static pid_t odd_server(const char *path, const char *words)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 8) != 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		char buf[4096];

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			int s = accept(fd, NULL, NULL);

			if (s >= 0 && read(s, buf, sizeof(buf)) > 0 && *words &&
			    write(s, words, strlen(words)) < 0)
				_exit(1);
		}
	}
	close(fd);
	return pid;
}

static void odd_answers(void)
{
	static const char *const words[] = {
		"",					/* frozen */
		"garbage\r\n",
		"VALUE 0000 0 5 1\r\nab",		/* stops within a value */
		"SERVER_ERROR out of everything\r\n",
		"VALUE event:x 0 99999999999999 1\r\n",
	};
	char path[64];

	cfg.cache_timeout = 50;
	snprintf(path, sizeof(path), "%s/odd.sock", dir);
	for (size_t i = 0; i < COUNT(words); i++) {
		pid_t pid = odd_server(path, words[i]);
		struct ctx c;

		T_REQUIRE(pid > 0);
		open_ctx(&c, path);
		fails_and_leaves_alone(&c);
		close_ctx(&c);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	cfg.cache_timeout = PATIENCE_MS;
}

static unsigned hits, misses;
static void on_look(enum cache_family f, bool hit)
{
	(void)f;
	hits += hit;
	misses += !hit;
}

static void observer_counts(void)
{
	NEED_CACHE();
	begin();
	T_TRUE(store(&a, "event:h", "x"));
	cache_observer = on_look;
	look(&a, "event:h");
	look(&a, "event:none");
	cache_observer = NULL;
	T_EQ_INT(hits, 1);
	T_EQ_INT(misses, 1);
}

static void state_is_up(void)
{
	NEED_CACHE();
	begin();
	T_EQ_STR(cache_state(&a), "up");
}

T_SUITE_WITH("cache", setup, teardown, T(fills_and_finds), T(empty_and_binary_values),
	     T(many_in_one_trip), T(same_key_twice), T(odd_keys_are_misses),
	     T(too_large_is_only_not_stored), T(one_lease_per_key), T(delete_voids_the_lease),
	     T(fill_after_new_epoch_is_void), T(foreign_value_is_a_miss),
	     T(invalidate_deletes_and_bumps), T(many_keys_take_one_trip),
	     T(many_keys_unconfirmed_are_a_debt), T(debt_keeps_everybody_away),
	     T(unknown_namespace_is_off), T(null_cache_does_nothing), T(dead_server),
	     T(bad_server_list_is_null_cache), T(odd_answers), T(observer_counts), T(state_is_up))
