/* tests/unit/test_arena.c - memory owned by a scope */
#include "core/arena.h"
#include "t.h"

#include <stdalign.h>
#include <signal.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

static char trace[16];
static size_t traced;

static void note(void *p)
{
	trace[traced++] = *(const char *)p;
}

static void objects_are_aligned_and_keep_their_bytes(void)
{
	struct arena *a = arena_new(8 << 20);
	unsigned char *p[200];

	for (size_t i = 0; i < 200; i++) {
		p[i] = arena_alloc(a, i * 37);
		memset(p[i], (int)i, i * 37);
	}
	for (size_t i = 1; i < 200; i++) {
		T_EQ_INT((uintptr_t)p[i] % alignof(max_align_t), 0);
		T_EQ_INT(p[i][0], i);
		T_EQ_INT(p[i][i * 37 - 1], i);
	}
	arena_free(a);
}

static void large_objects_get_a_block(void)
{
	struct arena *a = arena_new(8 << 20);
	char *big = arena_zalloc(a, 3 << 20), *small = arena_zalloc(a, 10);

	T_EQ_INT(big[(3 << 20) - 1], 0);
	small[9] = 1;
	T_TRUE(arena_used(a) >= (3 << 20) + 10);
	arena_free(a);
}

static void deferred_calls_run_last_first(void)
{
	struct arena *a = arena_new(1 << 20);
	static char one = '1', two = '2', three = '3';

	traced = 0;
	arena_defer(a, note, &one);
	arena_defer(a, note, &two);
	arena_reset(a);
	T_EQ_INT(traced, 2);
	arena_reset(a);
	T_EQ_INT(traced, 2);
	arena_defer(a, note, &three);
	arena_free(a);
	trace[traced] = '\0';
	T_EQ_STR(trace, "213");
}

static void reset_makes_all_free(void)
{
	struct arena *a = arena_new(100000);

	for (int round = 0; round < 50; round++) {
		memset(arena_alloc(a, 60000), 1, 60000);
		arena_reset(a);
		T_EQ_INT(arena_used(a), 0);
	}
	arena_free(a);
	arena_free(NULL);
}

static void copies_and_formats(void)
{
	struct arena *a = arena_new(1 << 20);

	T_EQ_STR(arena_strdup(a, ""), "");
	T_EQ_STR(arena_strndup(a, "abcdef", 3), "abc");
	T_EQ_STR(arena_strndup(a, NULL, 0), "");
	T_EQ_STR(arena_printf(a, "%d-%s", 7, "x"), "7-x");
	char *wide = arena_printf(a, "%1000d", 5);
	T_EQ_INT(strlen(wide), 1000);
	T_EQ_INT(wide[999], '5');
	arena_free(a);
}

/* Runs take in a child and returns the signal that ended it, 0 for none. */
static int death_of(size_t cap, size_t first, size_t second)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		(void)!freopen("/dev/null", "w", stderr);
		struct arena *a = arena_new(cap);
		arena_alloc(a, first);
		arena_alloc(a, second);
		_exit(0);
	}
	waitpid(child, &status, 0);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void passing_the_cap_aborts(void)
{
	T_EQ_INT(death_of(100000, 40000, 40000), 0);
	T_EQ_INT(death_of(100000, 40000, 70000), SIGABRT);
	T_EQ_INT(death_of(100000, 1, SIZE_MAX), SIGABRT);
	T_EQ_INT(death_of(100000, 1, SIZE_MAX - 8), SIGABRT);
}

T_SUITE("arena", T(objects_are_aligned_and_keep_their_bytes), T(large_objects_get_a_block),
	T(deferred_calls_run_last_first), T(reset_makes_all_free), T(copies_and_formats),
	T(passing_the_cap_aborts))
