/* tests/unit/test_urlenc.c - percent-encoding and urlencoded forms */
#include "http/http.h"
#include "t.h"

#include <stdio.h>

static struct arena *a;

static const char *decoded(const char *in, bool plus)
{
	struct str out;

	return http_decode(a, str_of(in), plus, &out) == OK ? arena_strndup(a, out.p, out.n) : NULL;
}

static void decodes(void)
{
	static const struct {
		const char *in, *out;
		bool plus;
	} rows[] = {
		{ "", "", false },
		{ "plain", "plain", false },
		{ "a%20b", "a b", false },
		{ "a+b", "a+b", false },
		{ "a+b", "a b", true },
		{ "a%2Bb+c", "a+b c", true },
		{ "%2f%2F", "//", false },
		{ "%C3%A9t\xc3\xa9", "\xc3\xa9t\xc3\xa9", false },
		{ "%25%32%30", "%20", false },	/* once only */
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *out = decoded(rows[i].in, rows[i].plus);

		T_REQUIRE(out != NULL);
		T_EQ_STR(out, rows[i].out);
	}
}

static void refuses_bad_text(void)
{
	static const char *const bad[] = {
		"%", "a%2", "%zz", "%2g", "% 20", "%+1", "%00", "a%00b", "%C3", "\xff", "%FF",
		"%C0%AF", "%ED%A0%80", "%F4%90%80%80", "%80",
	};
	struct str out, nul = { "a\0b", 3 };

	for (size_t i = 0; i < COUNT(bad); i++) {
		T_EQ_INT(http_decode(a, str_of(bad[i]), false, &out), E_MALFORMED);
		T_EQ_INT(http_decode(a, str_of(bad[i]), true, &out), E_MALFORMED);
	}
	T_EQ_INT(http_decode(a, nul, false, &out), E_MALFORMED);
}

static void stays_within_the_slice(void)
{
	struct str out;

	T_EQ_INT(http_decode(a, (struct str){ "ab%41", 4 }, false, &out), E_MALFORMED);
	T_REQUIRE(http_decode(a, (struct str){ "ab%41", 2 }, false, &out) == OK);
	T_TRUE(str_is(out, "ab"));
}

static void reads_params_in_order(void)
{
	struct http_param *p;
	enum err e = http_params(a, str_of("q=two+words&&x=1%2B&x=2&flag&empty=&a=b=c&=v"), &p);
	static const char *const expected[][2] = {
		{ "q", "two words" }, { "x", "1+" }, { "x", "2" }, { "flag", "" },
		{ "empty", "" }, { "a", "b=c" }, { "", "v" },
	};

	T_REQUIRE(e == OK);
	for (size_t i = 0; i < COUNT(expected); i++, p = p->next) {
		T_REQUIRE(p != NULL);
		T_TRUE(str_is(p->name, expected[i][0]));
		T_TRUE(str_is(p->value, expected[i][1]));
	}
	T_NULL(p);
}

static void empty_params(void)
{
	struct http_param *p = (struct http_param *)&a;

	T_EQ_INT(http_params(a, STR(""), &p), OK);
	T_NULL(p);
	T_EQ_INT(http_params(a, STR("&&&"), &p), OK);
	T_NULL(p);
}

static void limits_params(void)
{
	char text[1024] = "";
	struct http_param *p;
	size_t n = 0;

	for (int i = 0; i < 100; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "a=%d&", i);
	T_EQ_INT(http_params(a, str_of(text), &p), OK);
	snprintf(text + n, sizeof(text) - n, "b");
	T_EQ_INT(http_params(a, str_of(text), &p), E_MALFORMED);
	T_EQ_INT(http_params(a, STR("ok=1&b%0=2"), &p), E_MALFORMED);
	T_EQ_INT(http_params(a, STR("ok=%ff"), &p), E_MALFORMED);
}

static void encodes(void)
{
	struct str all = { "a/b c+d&e=\xc3\xa9~-._%\0", 18 }, back;
	struct str coded = http_encode(a, all);

	T_TRUE(str_is(coded, "a%2Fb%20c%2Bd%26e%3D%C3%A9~-._%25%00"));
	all.n--;
	T_REQUIRE(http_decode(a, http_encode(a, all), true, &back) == OK);
	T_TRUE(str_eq(all, back));
	T_TRUE(str_is(http_encode_keep(a, STR("/a b/c?d"), HTTP_PATH_CHARS), "/a%20b/c%3Fd"));
	T_EQ_INT(http_encode(a, STR("")).n, 0);
}

static bool make_arena(void)
{
	a = arena_new((size_t)16 << 20);
	return true;
}

static void drop_arena(void)
{
	arena_free(a);
}

T_SUITE_WITH("percent-encoding", make_arena, drop_arena, T(decodes), T(refuses_bad_text),
	     T(stays_within_the_slice), T(reads_params_in_order), T(empty_params),
	     T(limits_params), T(encodes))
