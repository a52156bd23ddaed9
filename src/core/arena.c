/* src/core/arena.c - chained blocks that belong to a scope and go away together */
#include "core/arena.h"
#include "core/log.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* With AddressSanitizer every object is a malloc of its own, so that an overrun is found. */
#if defined(__SANITIZE_ADDRESS__)
#define ONE_EACH 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ONE_EACH 1
#endif
#endif
#ifndef ONE_EACH
#define ONE_EACH 0
#endif

#define FIRST_BLOCK ((size_t)32 * 1024)
#define LARGEST_BLOCK ((size_t)1024 * 1024)
#define ALIGN alignof(max_align_t)

struct block {
	struct block *next;	/* the one before it in time */
	size_t size, used;
	alignas(max_align_t) char data[];
};

struct deferred {
	struct deferred *next;
	void (*fn)(void *);
	void *p;
};

struct arena {
	size_t cap, used;
	struct block *blocks;	/* newest first; objects come from the first */
	struct deferred *deferred;
};

static _Noreturn void out_of_memory(const struct arena *a, size_t n)
{
	log_msg(LOG_ERROR_, "out of memory: %zu bytes wanted, %zu in use, cap %zu", n,
		a ? a->used : 0, a ? a->cap : 0);
	abort();
}

struct arena *arena_new(size_t cap)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (!a)
		out_of_memory(NULL, sizeof(*a));
	a->cap = cap;
	return a;
}

static size_t next_size(const struct arena *a, size_t n)
{
	if (ONE_EACH)
		return n;
	size_t size = a->blocks ? a->blocks->size * 2 : FIRST_BLOCK;

	if (size > LARGEST_BLOCK)
		size = LARGEST_BLOCK;
	return size < n ? n : size;
}

static void add_block(struct arena *a, size_t n)
{
	size_t size = next_size(a, n);
	struct block *b = malloc(sizeof(*b) + size);

	if (!b)
		out_of_memory(a, n);
	b->size = size;
	b->used = 0;
	b->next = a->blocks;
	a->blocks = b;
}

void *arena_alloc(struct arena *a, size_t n)
{
	if (n > a->cap || a->cap - n < a->used)
		out_of_memory(a, n);
	/* Rounding is what an object really takes; under ASan its end must be the block's end. */
	size_t take = ONE_EACH ? (n ? n : 1) : (n + ALIGN - 1) / ALIGN * ALIGN;

	if (!a->blocks || ONE_EACH || a->blocks->size - a->blocks->used < take)
		add_block(a, take);
	void *p = a->blocks->data + a->blocks->used;
	a->blocks->used += take;
	a->used += take;
	return p;
}

void *arena_zalloc(struct arena *a, size_t n)
{
	return memset(arena_alloc(a, n), 0, n);
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	if (n == SIZE_MAX)
		out_of_memory(a, n);
	char *copy = arena_alloc(a, n + 1);

	if (n > 0)
		memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	char small[256];
	va_list again;

	va_copy(again, ap);
	int n = vsnprintf(small, sizeof(small), fmt, ap);
	if (n < 0)	/* a wide character that cannot be converted, or over INT_MAX: a bug */
		abort();
	char *out = arena_alloc(a, (size_t)n + 1);
	if ((size_t)n < sizeof(small))
		memcpy(out, small, (size_t)n + 1);
	else
		vsnprintf(out, (size_t)n + 1, fmt, again);
	va_end(again);
	return out;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *out = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return out;
}

void arena_defer(struct arena *a, void (*fn)(void *), void *p)
{
	struct deferred *d = arena_alloc(a, sizeof(*d));

	*d = (struct deferred){ a->deferred, fn, p };
	a->deferred = d;
}

static void run_deferred(struct arena *a)
{
	while (a->deferred) {
		struct deferred *d = a->deferred;

		a->deferred = d->next;
		d->fn(d->p);
	}
}

static void drop_blocks(struct arena *a, bool keep_first)
{
	while (a->blocks) {
		struct block *b = a->blocks;

		if (keep_first && !b->next) {
			b->used = 0;
			return;
		}
		a->blocks = b->next;
		free(b);
	}
}

void arena_reset(struct arena *a)
{
	run_deferred(a);
	/* A first block made for one huge object would stay as a memory hog for ever. */
	drop_blocks(a, !ONE_EACH);
	if (a->blocks && a->blocks->size > LARGEST_BLOCK)
		drop_blocks(a, false);
	a->used = 0;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	run_deferred(a);
	drop_blocks(a, false);
	free(a);
}

size_t arena_used(const struct arena *a)
{
	return a->used;
}
