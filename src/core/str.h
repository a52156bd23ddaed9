/* src/core/str.h - slices of bytes: pointer and length, not owned, not terminated */
#ifndef CORE_STR_H
#define CORE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

#define STR(lit) ((struct str){ (lit), sizeof(lit) - 1 })
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static inline struct str str_of(const char *s)
{
	return (struct str){ s, s ? strlen(s) : 0 };
}
static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
static inline bool str_is(struct str a, const char *s)
{
	return str_eq(a, str_of(s));
}

/* Length (1..4) of the valid UTF-8 sequence that p begins with, 0 when it is none (RFC 3629). */
size_t str_utf8_len(const char *p, size_t n);
/* The JSON escape of one byte below 0x20, of '"' and of '\\'; NULL for bytes that stay. */
const char *str_json_escape(char c, char buf[7]);

/* Number of Unicode code points in valid UTF-8; -1 when the bytes are not valid (RFC 3629). */
long str_utf8_count(struct str s);

/* The part before the first sep; *rest is what follows it (n = 0, p = NULL when sep is absent). */
struct str str_cut(struct str s, char sep, struct str *rest);
struct str str_trim(struct str s); /* without leading and trailing ASCII space and tab */

/* Does word stand in words, which are separated by single blanks? */
bool str_listed(const char *words, const char *word);

/* Whole string as a base-10 integer within [min,max]; false when it is anything else. */
bool str_to_long(struct str s, long min, long max, long *out);

#endif
