/* src/http/urlenc.c - percent-encoding (RFC 3986 section 2.1) and urlencoded forms */
#include "http/http.h"

#define MAX_PAIRS 100

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool has_code(struct str s, bool plus)
{
	return s.n && (memchr(s.p, '%', s.n) || (plus && memchr(s.p, '+', s.n)));
}

static enum err unescape(struct arena *a, struct str in, bool plus, struct str *out)
{
	char *to = arena_alloc(a, in.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		int high, low;

		if (in.p[i] != '%') {
			to[n++] = plus && in.p[i] == '+' ? ' ' : in.p[i];
			continue;
		}
		if (in.n - i < 3)
			return E_MALFORMED;
		high = hex_value(in.p[i + 1]);
		low = hex_value(in.p[i + 2]);
		if (high < 0 || low < 0)
			return E_MALFORMED;
		to[n++] = (char)(high << 4 | low);
		i += 2;
	}
	to[n] = '\0';
	*out = (struct str){ to, n };
	return OK;
}

enum err http_decode(struct arena *a, struct str in, bool plus, struct str *out)
{
	struct str text = in;

	if (has_code(in, plus))
		TRY(unescape(a, in, plus, &text));
	if (text.n && (memchr(text.p, '\0', text.n) || str_utf8_count(text) < 0))
		return E_MALFORMED;
	*out = text;
	return OK;
}

enum err http_params(struct arena *a, struct str text, struct http_param **out)
{
	struct http_param *first = NULL, **end = &first, *param;
	struct str pair, value;

	for (int n = 0; text.n > 0;) {
		pair = str_cut(text, '&', &text);
		if (pair.n == 0)
			continue;
		if (++n > MAX_PAIRS)
			return E_MALFORMED;
		param = ARENA_NEW(a, struct http_param);
		TRY(http_decode(a, str_cut(pair, '=', &value), true, &param->name));
		TRY(http_decode(a, value.p ? value : STR(""), true, &param->value));
		*end = param;
		end = &param->next;
	}
	*out = first;
	return OK;
}

static bool unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

struct str http_encode_keep(struct arena *a, struct str in, const char *keep)
{
	static const char digits[] = "0123456789ABCDEF";
	char *to = arena_alloc(a, in.n * 3 + 1);
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		unsigned char c = (unsigned char)in.p[i];

		if (unreserved(c) || (c && strchr(keep, c))) {
			to[n++] = (char)c;
			continue;
		}
		to[n++] = '%';
		to[n++] = digits[c >> 4];
		to[n++] = digits[c & 15];
	}
	to[n] = '\0';
	return (struct str){ to, n };
}

struct str http_encode(struct arena *a, struct str in)
{
	return http_encode_keep(a, in, "");
}
