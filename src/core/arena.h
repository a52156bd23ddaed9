/* src/core/arena.h - memory owned by a scope (a request, a job): chained blocks, freed at once */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include "core/err.h"

#include <stdarg.h>
#include <stddef.h>

struct arena;

/* A new arena; passing cap bytes in use aborts the process, as does malloc failing. */
struct arena *arena_new(size_t cap);

/* Memory from arena_alloc is aligned for any type and lives until arena_reset. Never NULL. */
void *arena_alloc(struct arena *a, size_t n) __attribute__((returns_nonnull, malloc));
void *arena_zalloc(struct arena *a, size_t n) __attribute__((returns_nonnull, malloc));
char *arena_strndup(struct arena *a, const char *s, size_t n) __attribute__((returns_nonnull));
char *arena_strdup(struct arena *a, const char *s) __attribute__((returns_nonnull));
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3)
    __attribute__((returns_nonnull));
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap) PRINTF_LIKE(2, 0)
    __attribute__((returns_nonnull));

/* Calls fn(p) at the next reset, last registered first: for PGresult, json_object, FILE. */
void arena_defer(struct arena *a, void (*fn)(void *), void *p);

/* Runs the deferred calls and makes all memory free again; the first block is kept for reuse. */
void arena_reset(struct arena *a);
void arena_free(struct arena *a);
size_t arena_used(const struct arena *a);

#define ARENA_NEW(a, type) ((type *)arena_zalloc((a), sizeof(type)))

#endif
