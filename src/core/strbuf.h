/* src/core/strbuf.h - a growing string in an arena, with a maximum and one sticky error */
#ifndef CORE_STRBUF_H
#define CORE_STRBUF_H

#include "core/arena.h"
#include "core/str.h"

struct strbuf {
	struct arena *arena;
	char *p;	/* always terminated once something was added or strbuf_str was called */
	size_t len, cap, max;
	bool failed;	/* something did not fit in max; what was added stays as it was */
};

void strbuf_init(struct strbuf *b, struct arena *a, size_t max);
void strbuf_add(struct strbuf *b, const void *p, size_t n);
/* What is about to be added has n bytes or so: spares growing step by step. */
void strbuf_room(struct strbuf *b, size_t n);
void strbuf_addc(struct strbuf *b, char c);
void strbuf_adds(struct strbuf *b, const char *s);
void strbuf_addstr(struct strbuf *b, struct str s);
void strbuf_addn(struct strbuf *b, long n); /* in decimal */
void strbuf_printf(struct strbuf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A JSON string with its quotes; s must be valid UTF-8. NULL pointer gives null. */
void strbuf_json(struct strbuf *b, const char *s, size_t n);
void strbuf_jsonz(struct strbuf *b, const char *s);
const char *strbuf_str(struct strbuf *b); /* terminated, never NULL, lives in the arena */

#endif
