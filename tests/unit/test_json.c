/* tests/unit/test_json.c - strict JSON: the JSONTestSuite, the body policy, and text from trees */
#include "core/json.h"
#include "core/strbuf.h"
#include "t.h"
#include "unit/shared.h"

#include <dirent.h>
#include <math.h>

static enum err parse(struct ctx *c, struct str s, struct json_object **out)
{
	memset(c, 0, sizeof(*c));
	ctx_begin(c, arena);
	return js_parse(c, s, out);
}

/* What the policy says of text: "field: reason", the message, or "ok". */
static const char *verdict(struct str s)
{
	struct json_object *o;
	struct ctx c;

	if (parse(&c, s, &o) == OK)
		return "ok";
	T_TRUE(c.err == E_INVALID || c.err == E_MALFORMED);
	T_TRUE(c.err_msg != NULL);
	if (!c.details)
		return c.err_msg;
	return arena_printf(arena, "%s: %s", c.details->field, c.details->reason);
}

/* ---- JSONTestSuite ---- */

static void suite_case(const char *name, struct str s)
{
	struct json_object *o;
	struct ctx c;
	size_t at;
	const char *wrong = js_scan(s, &at);
	enum err e = parse(&c, s, &o);

	T_TRUE(at <= s.n);
	if (name[0] == 'y' && wrong)
		T_FAIL("%s refused at %zu: %s", name, at, wrong);
	if (name[0] == 'n' && (!wrong || e != E_MALFORMED))
		T_FAIL("%s accepted", name);
	if (name[0] == 'y' && e != OK && e != E_INVALID)
		T_FAIL("%s: %s", name, c.err_msg);
	if (e == E_INVALID && !c.details && !c.err_msg)
		T_FAIL("%s refused without a reason", name);
}

static void json_test_suite(void)
{
	const char *path = shared_folder(arena, "spec/json");
	unsigned yes = 0, no = 0, either = 0;
	struct dirent *entry;
	DIR *dir = opendir(path);

	if (!dir)
		T_SKIP("there is no JSONTestSuite in %s (set MARQUEE_TEST_SHARED)", path);
	path = strdup(path);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || entry->d_name[1] != '_')
			continue;
		suite_case(entry->d_name,
			   shared_file(arena, arena_printf(arena, "%s/%s", path, entry->d_name)));
		yes += entry->d_name[0] == 'y';
		no += entry->d_name[0] == 'n';
		either += entry->d_name[0] == 'i';
		arena_reset(arena);
	}
	closedir(dir);
	free((char *)path);
	T_EQ_INT(yes, 95);
	T_EQ_INT(no, 188);
	T_TRUE(either > 0);
}

/* ---- the grammar, by our own cases ---- */

static void the_grammar(void)
{
	static const char *const good[] = {
		"0", "-0", "1.5e+3", "1E9", "\"\"", "null", "[]", "{}", " [ 1 , {\"a\" : [ ] } ] ",
		"\"\\ud83c\\udf89\"", "true", "false", "{\"\":\"\"}", "\"\x7f\"",
	};
	static const char *const bad[] = {
		"", " ", "01", "-", "-01", "1.", ".5", "1e", "1e+", "+1", "0x1", "NaN",
		"Infinity", "'a'", "[1,]", "[,1]", "[1 2]", "{\"a\":1,}", "{\"a\"}", "{a:1}",
		"{\"a\" 1}", "[", "{", "]", "[}", "{\"a\":1]", "\"", "\"\\", "\"\\u12",
		"\"\\u12g4\"", "\"\\x\"", "\"\n\"", "\"\x01\"", "nul", "tru", "truex", "1 1",
		"[1]]", "/**/1", "\xEF\xBB\xBF{}", "\"\xFF\"", "\"\xC0\x80\"",
	};
	size_t at;

	for (size_t i = 0; i < COUNT(good); i++)
		if (js_scan(str_of(good[i]), &at))
			T_FAIL("refused: %s", good[i]);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (!js_scan(str_of(bad[i]), &at))
			T_FAIL("accepted: %s", bad[i]);
	T_TRUE(js_scan((struct str){ "1\0", 2 }, &at) != NULL);
	T_TRUE(js_scan((struct str){ "\"a\0b\"", 5 }, &at) != NULL);
	T_TRUE(js_scan((struct str){ "\"\\\0\"", 4 }, &at) != NULL);
	T_TRUE(js_scan(STR("[1, x]"), &at) != NULL && at == 4);
}

static struct str nested(size_t depth, bool closed)
{
	char *s = arena_alloc(arena, 2 * depth);

	memset(s, '[', depth);
	memset(s + depth, ']', depth);
	return (struct str){ s, closed ? 2 * depth : depth };
}

static void depth(void)
{
	size_t at;

	T_NULL(js_scan(nested(512, true), &at));
	T_TRUE(js_scan(nested(513, true), &at) != NULL);
	T_TRUE(js_scan(nested(100000, true), &at) != NULL);
	T_TRUE(js_scan(nested(100000, false), &at) != NULL);
	T_EQ_STR(verdict(nested(32, true)), "ok");
	T_HAS(verdict(nested(33, true)), "32 levels");
	T_HAS(verdict(nested(100000, true)), "nested too deeply");
	struct strbuf b;
	strbuf_init(&b, arena, 1000);
	strbuf_addstr(&b, (struct str){ nested(32, true).p, 32 });
	strbuf_adds(&b, "\"a\"");
	strbuf_addstr(&b, (struct str){ nested(32, true).p + 32, 32 });
	T_EQ_STR(verdict((struct str){ b.p, b.len }), "ok");
}

/* ---- the body policy ---- */

static void members_given_twice_are_named(void)
{
	T_EQ_STR(verdict(STR("{\"a\":1,\"b\":2,\"a\":3}")), "a: is given more than once");
	T_EQ_STR(verdict(STR("{\"a\":1,\"\\u0061\":3}")), "\\u0061: is given more than once");
	T_EQ_STR(verdict(STR("{\"x\":[0,{\"k\":1,\"k\":1}]}")), "x[1].k: is given more than once");
	T_EQ_STR(verdict(STR("{\"\\ud83c\\udf89\":1,\"\xF0\x9F\x8E\x89\":1}")),
		 "\xF0\x9F\x8E\x89: is given more than once");
	T_EQ_STR(verdict(STR("{\"\":1,\"\":1}")), ": is given more than once");
	T_EQ_STR(verdict(STR("{\"\\n\":1,\"\\u000a\":1}")), "\\u000a: is given more than once");
	T_EQ_STR(verdict(STR("{\"a\":{\"a\":1},\"b\":{\"a\":{\"b\":1}}}")), "ok");
	T_EQ_STR(verdict(STR("[{\"a\":1},{\"a\":1}]")), "ok");
	T_EQ_STR(verdict(STR("{\"a\":\"\\\"\",\"b\":\"a\\\\\",\"c\":1}")), "ok");
}

static void nul_and_half_pairs_are_named(void)
{
	T_EQ_STR(verdict(STR("{\"title\":\"a\\u0000b\"}")), "title: must not contain \\u0000");
	T_EQ_STR(verdict(STR("{\"a\\u0000b\":1}")), "a\\u0000b: must not contain \\u0000");
	T_EQ_STR(verdict(STR("\"\\u0000\"")), ": must not contain \\u0000");
	T_EQ_STR(verdict(STR("{\"a\":\"\\ud800\"}")), "a: contains half of a surrogate pair");
	T_EQ_STR(verdict(STR("{\"a\":\"\\udc00\\ud800\"}")),
		 "a: contains half of a surrogate pair");
	T_EQ_STR(verdict(STR("{\"a\":\"\\ud800\\ud800\\udc00\"}")),
		 "a: contains half of a surrogate pair");
	T_EQ_STR(verdict(STR("{\"a\":\"\\ud800x\"}")), "a: contains half of a surrogate pair");
	T_EQ_STR(verdict(STR("{\"\\ud800\":1}")), "\\ud800: contains half of a surrogate pair");
	T_EQ_STR(verdict(STR("{\"a\":\"\\\\u0000\\\\ud800\"}")), "ok");
}

static void numbers_that_do_not_fit_are_named(void)
{
	T_EQ_STR(verdict(STR("{\"n\":9223372036854775808}")),
		 "n: is an integer of more than 64 bits");
	T_EQ_STR(verdict(STR("{\"n\":-9223372036854775809}")),
		 "n: is an integer of more than 64 bits");
	T_EQ_STR(verdict(STR("[9223372036854775807,-9223372036854775808]")), "ok");
	T_EQ_STR(verdict(STR("[1,1e400]")), "[1]: is too large a number");
	T_EQ_STR(verdict(STR("[-1.5e999]")), "[0]: is too large a number");
	T_EQ_STR(verdict(STR("[1e-400,1.7976931348623157e308,-0]")), "ok");
	T_EQ_STR(verdict(STR("99999999999999999999")), ": is an integer of more than 64 bits");
}

static void all_faults_are_listed_up_to_sixteen(void)
{
	struct strbuf b;
	struct ctx c;
	struct json_object *o;
	size_t n = 0;

	T_EQ_INT(parse(&c, STR("{\"a\":1e999,\"b\":\"\\u0000\",\"b\":1}"), &o), E_INVALID);
	T_REQUIRE(c.details && c.details->next && c.details->next->next);
	T_EQ_STR(c.details->next->next->field, "b");
	T_NULL(o);
	strbuf_init(&b, arena, 1 << 20);
	strbuf_addc(&b, '[');
	for (int i = 0; i < 1000; i++)
		strbuf_adds(&b, "1e999,");
	strbuf_adds(&b, "1]");
	T_EQ_INT(parse(&c, (struct str){ b.p, b.len }, &o), E_INVALID);
	for (struct detail *d = c.details; d; d = d->next)
		n++;
	T_EQ_INT(n, 16);
}

static void too_many_values_are_refused(void)
{
	struct strbuf b;

	strbuf_init(&b, arena, 1 << 20);
	strbuf_addc(&b, '[');
	for (int i = 0; i < 19998; i++)
		strbuf_adds(&b, "1,");
	strbuf_adds(&b, "1]");
	T_EQ_STR(verdict((struct str){ b.p, b.len }), "ok");
	b.len--;
	strbuf_adds(&b, ",1]");
	T_HAS(verdict((struct str){ b.p, b.len }), "20000 values");
}

static void grammar_errors_tell_where(void)
{
	struct json_object *o;
	struct ctx c;

	T_EQ_INT(parse(&c, STR("{\"a\":}"), &o), E_MALFORMED);
	T_HAS(c.err_msg, "byte 5");
	T_EQ_INT(parse(&c, (struct str){ NULL, 0 }, &o), E_MALFORMED);
}

/* ---- trees ---- */

static void scalars_parse_at_the_top(void)
{
	static const char *const texts[] = { "1", "-0", "1.50", "\"a\"", "true", "[1]", " 7 ",
					     "1e5" };
	struct json_object *o;
	struct ctx c;

	for (size_t i = 0; i < COUNT(texts); i++) {
		T_EQ_INT(parse(&c, str_of(texts[i]), &o), OK);
		T_TRUE(o != NULL);
	}
	T_EQ_INT(parse(&c, STR("null"), &o), OK);
	T_NULL(o);
	/* A slice inside a longer text ends where it ends. */
	T_EQ_INT(parse(&c, (struct str){ "1234", 2 }, &o), OK);
	T_EQ_INT(json_object_get_int(o), 12);
}

static void text_keeps_numbers_exact(void)
{
	static const char *const same[] = {
		"{\"lat\":52.520008,\"a\":[1,-2,0.1,1e5,1.50],"
		"\"s\":\"\xC3\xA4/\\\"\\n\",\"t\":true}",
		"[9223372036854775807,-9223372036854775808,null,{},[],false,\"\"]",
	};

	for (size_t i = 0; i < COUNT(same); i++)
		T_EQ_STR(js_text(arena, js_own(arena, same[i])), same[i]);
	T_EQ_STR(js_text(arena, NULL), "null");
}

static void text_of_our_own_doubles_is_shortest(void)
{
	static const struct {
		double d;
		const char *text;
	} cases[] = {
		{ 52.520008, "52.520008" }, { 0.1, "0.1" }, { 1.0 / 3, "0.3333333333333333" },
		{ 0.1 + 0.2, "0.30000000000000004" }, { 5, "5" }, { 1e300, "1e+300" },
		{ -2.5, "-2.5" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct json_object *o = json_object_new_double(cases[i].d);

		T_EQ_STR(js_text(arena, o), cases[i].text);
		json_object_put(o);
	}
	struct json_object *o = json_object_new_double(INFINITY);
	T_EQ_STR(js_text(arena, o), "null");
	json_object_put(o);
	o = json_object_new_uint64(UINT64_MAX);
	T_EQ_STR(js_text(arena, o), "18446744073709551615");
	json_object_put(o);
}

static void members_by_name(void)
{
	struct json_object *o = js_own(arena, "{\"s\":\"x\",\"n\":1,\"z\":null}");

	T_EQ_STR(js_str(o, "s"), "x");
	T_NULL(js_str(o, "n"));
	T_NULL(js_str(o, "z"));
	T_NULL(js_str(o, "absent"));
	T_NULL(js_str(NULL, "s"));
	T_TRUE(js_has(o, "n") && js_has(o, "z"));
	T_FALSE(js_has(o, "absent") || js_has(NULL, "s"));
	T_FALSE(js_has(js_own(arena, "[1]"), "0"));
	T_NULL(js_own(arena, "{'a':1}"));
	T_NULL(js_own(arena, NULL));
}

T_SUITE_WITH("json", make_arena, drop_arena, T(json_test_suite), T(the_grammar), T(depth),
	     T(members_given_twice_are_named), T(nul_and_half_pairs_are_named),
	     T(numbers_that_do_not_fit_are_named), T(all_faults_are_listed_up_to_sixteen),
	     T(too_many_values_are_refused), T(grammar_errors_tell_where),
	     T(scalars_parse_at_the_top), T(text_keeps_numbers_exact),
	     T(text_of_our_own_doubles_is_shortest), T(members_by_name))
