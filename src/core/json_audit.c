/* src/core/json_audit.c - what a request body may not contain although it is JSON: members twice,
 * NUL, lone surrogates, numbers that C cannot hold. Walks text that js_scan has accepted. */
#include "core/hash.h"
#include "core/json_priv.h"
#include "core/strbuf.h"

#include <math.h>
#include <sodium.h>
#include <stdlib.h>

#define REPORTS_MAX 16
#define PATH_MAX_BYTES 200

/* One level: how its place is called in messages. */
struct frame {
	const struct frame *up;
	struct str key;		/* raw text of the member's name, p NULL in arrays */
	size_t index;
};

struct member {
	uint32_t object;	/* serial number, 0 = free cell */
	struct str key;		/* decoded */
};

struct audit {
	struct ctx *c;
	const char *p;
	unsigned reports;
	uint32_t objects;
	uint64_t seed;
	struct member *table;	/* open addressing, at most half full */
	size_t mask;
};

static void walk_value(struct audit *a, const struct frame *f);

static void put_path(struct strbuf *b, const struct frame *f)
{
	if (!f)
		return;
	put_path(b, f->up);
	if (!f->key.p) {
		strbuf_printf(b, "[%zu]", f->index);
		return;
	}
	if (b->len > 0)
		strbuf_addc(b, '.');
	strbuf_addstr(b, f->key);
}

static void report(struct audit *a, const struct frame *f, const char *reason)
{
	struct strbuf path;

	if (a->reports++ >= REPORTS_MAX)
		return;
	strbuf_init(&path, a->c->arena, PATH_MAX_BYTES);
	put_path(&path, f);
	(void)fail_field(a->c, strbuf_str(&path), "%s", reason);
}

static void skip_blanks(struct audit *a)
{
	while (*a->p == ' ' || *a->p == '\t' || *a->p == '\n' || *a->p == '\r')
		a->p++;
}

static unsigned hex4(const char *p)
{
	unsigned v = 0;

	for (int i = 0; i < 4; i++) {
		char c = p[i];

		v = v << 4 | (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return v;
}

/* Moves behind the string at p and returns its raw inside; tells what is wrong with it, or NULL. */
static struct str raw_string(struct audit *a, const char **wrong)
{
	const char *first = ++a->p;
	bool high = false;	/* the escape just read was a leading surrogate */

	*wrong = NULL;
	while (*a->p != '"' || high) {
		unsigned u = a->p[0] == '\\' && a->p[1] == 'u' ? hex4(a->p + 2) : 1;
		bool low = u >= 0xDC00 && u <= 0xDFFF;

		if (u == 0)
			*wrong = "must not contain \\u0000";
		if (low != high && !*wrong)
			*wrong = "contains half of a surrogate pair";
		if (high && !low) {	/* look at this place again, on its own */
			high = false;
			continue;
		}
		high = u >= 0xD800 && u <= 0xDBFF;
		a->p += *a->p != '\\' ? 1 : a->p[1] == 'u' ? 6 : 2;
	}
	return (struct str){ first, (size_t)(a->p++ - first) };
}

static size_t put_utf8(char *out, unsigned u)
{
	static const unsigned char lead[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
	size_t n = u < 0x80 ? 1 : u < 0x800 ? 2 : u < 0x10000 ? 3 : 4;

	if (n == 1) {
		out[0] = (char)u;
		return 1;
	}
	for (size_t i = n - 1; i > 0; i--, u >>= 6)
		out[i] = (char)(0x80 | (u & 0x3F));
	out[0] = (char)(lead[n] | u);
	return n;
}

/* Names are compared so: "a" and "\u0061" are the same. */
struct str js_decode(struct arena *arena, struct str raw)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";

	if (raw.n == 0 || !memchr(raw.p, '\\', raw.n))
		return raw;
	char *out = arena_alloc(arena, raw.n);
	size_t n = 0;
	for (size_t i = 0; i < raw.n;) {
		if (raw.p[i] != '\\') {
			out[n++] = raw.p[i++];
		} else if (raw.p[i + 1] != 'u') {
			const char *at = strchr(from, raw.p[i + 1]);

			out[n++] = at ? to[at - from] : raw.p[i + 1];
			i += 2;
		} else {
			unsigned u = hex4(raw.p + i + 2);

			i += 6;
			if (u >= 0xD800 && u <= 0xDBFF && i + 6 <= raw.n) {
				u = 0x10000 + ((u - 0xD800) << 10) + (hex4(raw.p + i + 2) - 0xDC00);
				i += 6;
			}
			n += put_utf8(out + n, u);
		}
	}
	return (struct str){ out, n };
}

/* False when this object has the name already. */
static bool remember(struct audit *a, uint32_t object, struct str key)
{
	size_t i = hash64_seeded(key.p, key.n, a->seed + object) & a->mask;

	for (; a->table[i].object; i = (i + 1) & a->mask)
		if (a->table[i].object == object && str_eq(a->table[i].key, key))
			return false;
	a->table[i] = (struct member){ object, key };
	return true;
}

static void walk_object(struct audit *a, const struct frame *f)
{
	uint32_t object = ++a->objects;
	const char *wrong;

	a->p++;
	for (skip_blanks(a); *a->p != '}'; skip_blanks(a)) {
		struct frame member = { .up = f };

		if (*a->p == ',') {
			a->p++;
			continue;
		}
		member.key = raw_string(a, &wrong);
		if (wrong)
			report(a, &member, wrong);
		else if (!remember(a, object, js_decode(a->c->arena, member.key)))
			report(a, &member, "is given more than once");
		skip_blanks(a);
		a->p++;	/* the colon */
		walk_value(a, &member);
	}
	a->p++;
}

static void walk_array(struct audit *a, const struct frame *f)
{
	struct frame element = { .up = f };

	a->p++;
	for (skip_blanks(a); *a->p != ']'; skip_blanks(a)) {
		if (*a->p == ',') {
			a->p++;
			element.index++;
			continue;
		}
		walk_value(a, &element);
	}
	a->p++;
}

static void walk_number(struct audit *a, const struct frame *f)
{
	struct str number = { a->p, strspn(a->p, "+-0123456789.eE") };
	bool integer = strspn(number.p, "-0123456789") == number.n;
	long ignored;

	a->p += number.n;
	if (integer) {
		if (!str_to_long(number, INT64_MIN, INT64_MAX, &ignored))
			report(a, f, "is an integer of more than 64 bits");
	} else if (!isfinite(strtod(number.p, NULL))) {
		report(a, f, "is too large a number");
	}
}

static void walk_value(struct audit *a, const struct frame *f)
{
	const char *wrong = NULL;

	skip_blanks(a);
	if (*a->p == '{')
		walk_object(a, f);
	else if (*a->p == '[')
		walk_array(a, f);
	else if (*a->p == '"')
		(void)raw_string(a, &wrong);
	else if (*a->p == '-' || (*a->p >= '0' && *a->p <= '9'))
		walk_number(a, f);
	else
		a->p += strspn(a->p, "truefalsn");	/* true, false, null */
	if (wrong)
		report(a, f, wrong);
}

enum err js_audit(struct ctx *c, const char *s, size_t values)
{
	struct audit a = { .c = c, .p = s };
	size_t cells = 16;

	while (cells < 2 * values)
		cells *= 2;
	a.mask = cells - 1;
	a.table = arena_zalloc(c->arena, cells * sizeof(*a.table));
	randombytes_buf(&a.seed, sizeof(a.seed));
	walk_value(&a, NULL);
	return a.reports ? E_INVALID : OK;
}
