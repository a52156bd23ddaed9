/* tests/service/test_ring.c - several memcacheds as one: the same for all hosts, each by itself */
#include "cache_fixture.h"

#include <stdio.h>

#define DEAD "/nonexistent/memcached.sock"

static void a_ring_is_the_same_in_any_order(void)
{
	const char *someone = "018f0000-0000-7000-8000-00000000abcd";
	struct ctx one, other;
	int moved = 0, on_first = 0;

	open_ctx(&one, "127.0.0.1:4001 127.0.0.1:4002 /run/x.sock");
	open_ctx(&other, "/run/x.sock,127.0.0.1:4002,127.0.0.1:4001");
	for (int i = 0; i < 300; i++) {
		const char *id = arena_printf(one.arena, "event:018f0000-0000-7000-8000-%012d", i);
		unsigned a = wire_server(one.cache, id), b = wire_server(other.cache, id);

		T_EQ_INT(one.cache->slots[a], other.cache->slots[b]);
		const char *viewer = arena_printf(one.arena, "viewer:%s:%s", someone, id + 6);

		T_EQ_INT(wire_server(one.cache, viewer), a);
		T_EQ_INT(wire_server(one.cache, arena_printf(one.arena, "%s:stats", id)), a);
		moved += a != 2 - b;
		on_first += a == 0;
	}
	T_EQ_INT(moved, 0);
	T_TRUE(on_first > 50 && on_first < 200);
	close_ctx(&one);
	close_ctx(&other);
}

/* Half of the ring is dead: its keys are misses, at the price of one try per pause; writers to it
 * owe the dead one's namespace alone. */
static void a_dead_server_takes_nothing_from_the_others(void)
{
	char servers[300];
	int found = 0, dead = 0;
	struct ctx c;

	NEED_CACHE();
	snprintf(servers, sizeof(servers), "%s " DEAD, getenv("MARQUEE_TEST_MEMCACHED"));
	open_ctx(&c, servers);
	for (int s = 0; s < SHM_SLOTS; s++)
		shm_cache_namespace_set(s, (uint64_t)clock_now_us() | 1);
	for (int i = 0; i < 40; i++) {
		const char *key = arena_printf(c.arena, "event:r%d", i);
		unsigned server = wire_server(c.cache, key);

		ctx_begin(&c, c.arena);	/* another request each */
		key = arena_printf(c.arena, "event:r%d", i);
		(void)store(&c, key, "x");
		found += str_is(look(&c, key), "x");
		dead += server == 1;
		T_EQ_INT(c.cache_trips == 0 || server == 0 || dead == 1, true);
		cache_invalidate(&c, key);
	}
	T_TRUE(dead > 0);
	T_EQ_INT(found, 40 - dead);
	T_EQ_INT(shm_cache_debt(c.cache->slots[0]), 0);
	T_EQ_INT(shm_cache_debt(c.cache->slots[1]), dead);
	T_EQ_STR(cache_state(&c), "partly");
	for (int s = 1; s < SHM_SLOTS; s++) {
		(void)shm_cache_debt_paid(s, shm_cache_debt(s));
		shm_breaker_ok(SHM_BREAKER_CACHE + s);
	}
	close_ctx(&c);
}

T_SUITE("ring", T(a_ring_is_the_same_in_any_order),
	T(a_dead_server_takes_nothing_from_the_others))
