/* tests/unit/shared.h - test data of others beside the sources, where it is there */
#ifndef TESTS_UNIT_SHARED_H
#define TESTS_UNIT_SHARED_H

#include "core/arena.h"
#include "core/str.h"
#include "t.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* ---- an arena for the whole suite ---- */
static struct arena *arena;

static bool make_arena(void)
{
	arena = arena_new(64 << 20);
	return true;
}

static void drop_arena(void)
{
	arena_free(arena);
}

/* ---- data ---- */
/* The folder of that name, whether it exists or not. */
static inline const char *shared_folder(struct arena *a, const char *name)
{
	const char *shared = getenv("MARQUEE_TEST_SHARED");
	const char *top = getenv("T_SRCDIR");
	const char *const places[] = { "..", "../..", "../../..", "../../../.." };
	struct stat st;

	if (shared && shared[0])
		return arena_printf(a, "%s/%s", shared, name);
	if (top)
		return arena_printf(a, "%s/../shared/%s", top, name);
	for (size_t i = 0; i < COUNT(places); i++) {
		const char *dir = arena_printf(a, "%s/shared/%s", places[i], name);

		if (stat(dir, &st) == 0)
			return dir;
	}
	return arena_printf(a, "../shared/%s", name);
}

/* Exactly as long as the text, so that a read beyond it is found. p = NULL: there is none. */
static inline struct str shared_file(struct arena *a, const char *path)
{
	FILE *in = fopen(path, "re");
	char *text = arena_alloc(a, 1 << 20), *exact;
	size_t n = in ? fread(text, 1, 1 << 20, in) : 0;

	if (!in)
		return (struct str){ NULL, 0 };
	fclose(in);
	exact = arena_alloc(a, n);
	memcpy(exact, text, n);
	return (struct str){ exact, n };
}

#endif
