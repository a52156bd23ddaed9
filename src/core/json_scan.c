/* src/core/json_scan.c - the grammar of RFC 8259 alone, without recursion and without memory */
#include "core/json_priv.h"

/* What may come next. */
enum want { WANT_VALUE, WANT_VALUE_OR_END, WANT_KEY, WANT_KEY_OR_END, WANT_MORE, WANT_NOTHING };

struct scan {
	const char *p, *end;
	const char *wrong;
	enum want want;
	unsigned depth, deepest;
	size_t values;
	char open[JS_SCAN_DEPTH];	/* '{' or '[' of each level */
};

static bool bad(struct scan *s, const char *wrong)
{
	s->wrong = wrong;
	return false;
}

static void skip_blanks(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
		s->p++;
}

static bool is_digit(const struct scan *s)
{
	return s->p < s->end && *s->p >= '0' && *s->p <= '9';
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool scan_escape(struct scan *s)
{
	s->p++;
	if (s->p == s->end)
		return bad(s, "the text ends inside a string");
	if (*s->p != 'u') {
		if (*s->p == '\0' || !strchr("\"\\/bfnrt", *s->p))
			return bad(s, "unknown escape in a string");
		s->p++;
		return true;
	}
	s->p++;
	for (int i = 0; i < 4; i++, s->p++)
		if (s->p == s->end || !is_hex(*s->p))
			return bad(s, "\\u needs four hexadecimal digits");
	return true;
}

static bool scan_string(struct scan *s)
{
	s->p++;
	while (s->p < s->end && *s->p != '"') {
		size_t len = str_utf8_len(s->p, (size_t)(s->end - s->p));

		if (len == 0)
			return bad(s, "a string is not valid UTF-8");
		if ((unsigned char)*s->p < 0x20)
			return bad(s, "a control character in a string must be escaped");
		if (*s->p != '\\')
			s->p += len;
		else if (!scan_escape(s))
			return false;
	}
	if (s->p == s->end)
		return bad(s, "the text ends inside a string");
	s->p++;
	return true;
}

static bool scan_digits(struct scan *s)
{
	if (!is_digit(s))
		return bad(s, "a digit is missing in a number");
	while (is_digit(s))
		s->p++;
	return true;
}

static bool scan_number(struct scan *s)
{
	if (*s->p == '-')
		s->p++;
	if (s->p < s->end && *s->p == '0') {
		s->p++;
		if (is_digit(s))
			return bad(s, "a number begins with 0");
	} else if (!scan_digits(s)) {
		return false;
	}
	if (s->p < s->end && *s->p == '.') {
		s->p++;
		if (!scan_digits(s))
			return false;
	}
	if (s->p < s->end && (*s->p == 'e' || *s->p == 'E')) {
		s->p++;
		if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
			s->p++;
		return scan_digits(s);
	}
	return true;
}

static bool scan_literal(struct scan *s)
{
	static const struct str words[] = { { "true", 4 }, { "false", 5 }, { "null", 4 } };

	for (size_t i = 0; i < COUNT(words); i++)
		if ((size_t)(s->end - s->p) >= words[i].n &&
		    memcmp(s->p, words[i].p, words[i].n) == 0) {
			s->p += words[i].n;
			return true;
		}
	return bad(s, "a value is expected here");
}

static void after_value(struct scan *s)
{
	s->want = s->depth ? WANT_MORE : WANT_NOTHING;
}

static bool open_level(struct scan *s)
{
	if (s->depth == JS_SCAN_DEPTH)
		return bad(s, "nested too deeply");
	s->open[s->depth++] = *s->p;
	if (s->depth > s->deepest)
		s->deepest = s->depth;
	s->want = *s->p == '{' ? WANT_KEY_OR_END : WANT_VALUE_OR_END;
	s->p++;
	return true;
}

static bool scan_value(struct scan *s)
{
	char c = *s->p;
	bool ok;

	s->values++;
	if (c == '{' || c == '[')
		return open_level(s);
	if (c == '"')
		ok = scan_string(s);
	else if (c == '-' || is_digit(s))
		ok = scan_number(s);
	else
		ok = scan_literal(s);
	after_value(s);
	return ok;
}

static bool scan_key(struct scan *s)
{
	if (*s->p != '"')
		return bad(s, "a member name in double quotes is expected here");
	if (!scan_string(s))
		return false;
	skip_blanks(s);
	if (s->p == s->end || *s->p != ':')
		return bad(s, "a colon is expected here");
	s->p++;
	s->want = WANT_VALUE;
	return true;
}

/* A comma, or the end of the level. */
static bool scan_more(struct scan *s)
{
	bool object = s->open[s->depth - 1] == '{';

	if (*s->p == ',') {
		s->want = object ? WANT_KEY : WANT_VALUE;
	} else if (*s->p == (object ? '}' : ']')) {
		s->depth--;
		after_value(s);
	} else {
		return bad(s, object ? "a comma or } is expected here"
				     : "a comma or ] is expected here");
	}
	s->p++;
	return true;
}

static bool scan_token(struct scan *s)
{
	bool end = (s->want == WANT_KEY_OR_END && *s->p == '}') ||
		   (s->want == WANT_VALUE_OR_END && *s->p == ']');

	if (end || s->want == WANT_MORE)
		return scan_more(s);
	if (s->want == WANT_NOTHING)
		return bad(s, "something follows the value");
	return s->want == WANT_KEY || s->want == WANT_KEY_OR_END ? scan_key(s) : scan_value(s);
}

const char *js_scan_facts(struct str text, size_t *at, struct js_facts *facts)
{
	const char *first = text.p ? text.p : "";
	struct scan s = { .p = first, .end = first + text.n, .want = WANT_VALUE };

	for (skip_blanks(&s); s.p < s.end; skip_blanks(&s))
		if (!scan_token(&s))
			break;
	if (!s.wrong && s.want != WANT_NOTHING)
		bad(&s, "the text ends too early");
	*at = (size_t)(s.p - first);
	*facts = (struct js_facts){ s.deepest, s.values };
	return s.wrong;
}

const char *js_scan(struct str s, size_t *at)
{
	struct js_facts ignored;

	return js_scan_facts(s, at, &ignored);
}
