/* src/core/str.c - slices: UTF-8, cutting, trimming, numbers */
#include "core/str.h"

#include <stdio.h>

/* RFC 3629 section 4: lead bytes and the range of the byte that follows; further ones are 80-BF. */
static const struct utf8_row {
	unsigned char first, last, lo, hi, len;
} utf8_rows[] = {
	{ 0xC2, 0xDF, 0x80, 0xBF, 2 }, { 0xE0, 0xE0, 0xA0, 0xBF, 3 }, { 0xE1, 0xEC, 0x80, 0xBF, 3 },
	{ 0xED, 0xED, 0x80, 0x9F, 3 }, { 0xEE, 0xEF, 0x80, 0xBF, 3 }, { 0xF0, 0xF0, 0x90, 0xBF, 4 },
	{ 0xF1, 0xF3, 0x80, 0xBF, 4 }, { 0xF4, 0xF4, 0x80, 0x8F, 4 },
};

static size_t multibyte_len(const unsigned char *u, size_t n, const struct utf8_row *r)
{
	if (n < r->len || u[1] < r->lo || u[1] > r->hi)
		return 0;
	for (size_t i = 2; i < r->len; i++)
		if ((u[i] & 0xC0) != 0x80)
			return 0;
	return r->len;
}

size_t str_utf8_len(const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;

	if (n == 0)
		return 0;
	if (u[0] < 0x80)
		return 1;
	for (size_t i = 0; i < COUNT(utf8_rows); i++)
		if (u[0] >= utf8_rows[i].first && u[0] <= utf8_rows[i].last)
			return multibyte_len(u, n, &utf8_rows[i]);
	return 0;
}

const char *str_json_escape(char c, char buf[7])
{
	static const char from[] = "\"\\\n\r\t\b\f", to[] = "\"\\nrtbf";
	unsigned char u = (unsigned char)c;

	if (u >= 0x20 && u != '"' && u != '\\')
		return NULL;
	const char *at = u ? strchr(from, c) : NULL;
	if (at) {
		buf[0] = '\\';
		buf[1] = to[at - from];
		buf[2] = '\0';
	} else {
		snprintf(buf, 7, "\\u%04x", (unsigned)u);
	}
	return buf;
}

long str_utf8_count(struct str s)
{
	long count = 0;

	while (s.n > 0) {
		size_t len = str_utf8_len(s.p, s.n);

		if (len == 0)
			return -1;
		s.p += len;
		s.n -= len;
		count++;
	}
	return count;
}

struct str str_cut(struct str s, char sep, struct str *rest)
{
	const char *at = s.n ? memchr(s.p, sep, s.n) : NULL;

	if (!at) {
		*rest = (struct str){ NULL, 0 };
		return s;
	}
	struct str before = { s.p, (size_t)(at - s.p) };
	*rest = (struct str){ at + 1, s.n - before.n - 1 };
	return before;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
	while (s.n > 0 && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool str_listed(const char *words, const char *word)
{
	struct str rest = str_of(words);

	while (rest.p)
		if (str_is(str_cut(rest, ' ', &rest), word))
			return true;
	return false;
}

bool str_to_long(struct str s, long min, long max, long *out)
{
	bool negative = s.n > 0 && s.p[0] == '-';
	long v = 0;

	if (s.n == (negative ? 1u : 0u))
		return false;
	for (size_t i = negative; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		int digit = s.p[i] - '0';
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, negative ? -digit : digit, &v))
			return false;
	}
	if (v < min || v > max)
		return false;
	*out = v;
	return true;
}
