/* src/core/strbuf.c - growing strings in an arena */
#include "core/strbuf.h"

#include <stdio.h>

void strbuf_init(struct strbuf *b, struct arena *a, size_t max)
{
	*b = (struct strbuf){ .arena = a, .max = max };
}

/* Room for n more bytes and the terminator; false and failed when they exceed max. */
static bool reserve(struct strbuf *b, size_t n)
{
	if (b->failed || n > b->max || b->max - n < b->len) {
		b->failed = true;
		return false;
	}
	size_t need = b->len + n + 1;
	if (need <= b->cap)
		return true;
	size_t cap = b->cap ? b->cap * 2 : 256;
	if (cap < need)
		cap = need;
	if (cap > b->max && need <= b->max)
		cap = b->max + 1;
	char *p = arena_alloc(b->arena, cap);
	if (b->len > 0)
		memcpy(p, b->p, b->len);
	p[b->len] = '\0';
	b->p = p;
	b->cap = cap;
	return true;
}

void strbuf_add(struct strbuf *b, const void *p, size_t n)
{
	if (!reserve(b, n))
		return;
	if (n > 0)
		memcpy(b->p + b->len, p, n);
	b->len += n;
	b->p[b->len] = '\0';
}

void strbuf_room(struct strbuf *b, size_t n)
{
	if (!b->failed && n <= b->max - b->len)
		(void)reserve(b, n);
}

void strbuf_addc(struct strbuf *b, char c)
{
	strbuf_add(b, &c, 1);
}

void strbuf_adds(struct strbuf *b, const char *s)
{
	strbuf_add(b, s, strlen(s));
}

void strbuf_addstr(struct strbuf *b, struct str s)
{
	strbuf_add(b, s.p, s.n);
}

/* The hot path writes so many numbers that printf would be a quarter of it. */
void strbuf_addn(struct strbuf *b, long n)
{
	char digits[24], *p = digits + sizeof(digits);
	unsigned long left = n < 0 ? -(unsigned long)n : (unsigned long)n;

	do
		*--p = (char)('0' + left % 10);
	while ((left /= 10) > 0);
	if (n < 0)
		*--p = '-';
	strbuf_add(b, p, (size_t)(digits + sizeof(digits) - p));
}

PRINTF_LIKE(2, 0)
static void add_vprintf(struct strbuf *b, const char *fmt, va_list ap)
{
	va_list again;

	va_copy(again, ap);
	size_t room = b->failed ? 0 : b->cap - b->len, len = b->len;
	int n = vsnprintf(room ? b->p + len : NULL, room, fmt, ap);
	if (n >= 0 && (size_t)n < room) { /* as a rule it fits */
		b->len += (size_t)n;
		va_end(again);
		return;
	}
	if (room)
		b->p[len] = '\0';
	if (n < 0) {
		b->failed = true;
	} else if (reserve(b, (size_t)n)) {
		vsnprintf(b->p + len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

void strbuf_printf(struct strbuf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_vprintf(b, fmt, ap);
	va_end(ap);
}

void strbuf_json(struct strbuf *b, const char *s, size_t n)
{
	size_t start = 0;
	char esc[7];

	if (!s) {
		strbuf_add(b, "null", 4);
		return;
	}
	/* All or nothing: half a string would make the JSON around it unreadable. */
	size_t undo = b->len;
	strbuf_addc(b, '"');
	for (size_t i = 0; i < n; i++) {
		const char *e = str_json_escape(s[i], esc);

		if (!e)
			continue;
		strbuf_add(b, s + start, i - start);
		strbuf_adds(b, e);
		start = i + 1;
	}
	strbuf_add(b, s + start, n - start);
	strbuf_addc(b, '"');
	if (b->failed && b->p) {
		b->len = undo;
		b->p[undo] = '\0';
	}
}

void strbuf_jsonz(struct strbuf *b, const char *s)
{
	strbuf_json(b, s, s ? strlen(s) : 0);
}

const char *strbuf_str(struct strbuf *b)
{
	if (!b->p) {
		b->p = arena_alloc(b->arena, 1);
		b->p[0] = '\0';
		b->cap = 1;
	}
	return b->p;
}
