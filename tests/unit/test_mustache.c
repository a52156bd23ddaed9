/* tests/unit/test_mustache.c - the cases of the Mustache specification, errors, limits */
#include "core/json.h"
#include "core/mustache.h"
#include "t.h"
#include "unit/shared.h"

#define OUT_MAX 65536

/* partials: {"name": "template"} */
static const struct mustache *partial(void *partials, const char *name)
{
	const char *text = js_str(partials, name);
	struct mustache_error e;

	return text ? mustache_compile(arena, str_of(text), &e) : NULL;
}

static const char *rendered(const char *text, struct json_object *data,
			    struct json_object *partials)
{
	struct mustache_error e;
	struct mustache *m = mustache_compile(arena, str_of(text), &e);
	struct strbuf out;

	if (!m)
		return arena_printf(arena, "line %d: %s", e.line, e.what);
	strbuf_init(&out, arena, OUT_MAX);
	if (!mustache_render(m, data, partial, partials, &out))
		return "too much";
	return strbuf_str(&out);
}

static const char *of(const char *text, const char *data)
{
	return rendered(text, js_own(arena, data), NULL);
}

/* ---- the specification ---- */

static void spec(const char *name, unsigned least)
{
	const char *dir = shared_folder(arena, "spec/mustache");
	const char *path = arena_printf(arena, "%s/%s.json", dir, name);
	struct str text = shared_file(arena, path);
	struct json_object *file, *tests, *data, *partials;
	unsigned n = 0;

	if (!text.p)
		T_SKIP("there is no %s (set MARQUEE_TEST_SHARED)", path);
	file = js_own(arena, arena_strndup(arena, text.p, text.n));
	T_TRUE(json_object_object_get_ex(file, "tests", &tests));
	for (; n < json_object_array_length(tests); n++) {
		struct json_object *t = json_object_array_get_idx(tests, n);

		json_object_object_get_ex(t, "data", &data);
		json_object_object_get_ex(t, "partials", &partials);
		const char *got = rendered(js_str(t, "template"), data, partials);

		if (strcmp(got, js_str(t, "expected")) != 0)
			T_FAIL("%s: %s: \"%s\" should be \"%s\"", name, js_str(t, "name"), got,
			       js_str(t, "expected"));
	}
	T_TRUE(n >= least);
}

#define SPEC(name, least)          \
	static void spec_##name(void)      \
	{                                  \
		spec(#name, least);        \
	}
SPEC(comments, 11)
SPEC(delimiters, 14)
SPEC(interpolation, 38)
SPEC(inverted, 20)
SPEC(partials, 10)
SPEC(sections, 30)
SPEC(inheritance, 22)

/* ---- ours ---- */

static void errors_tell_where(void)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "a\nb {{x", "line 2: a tag that is not closed" },
		{ "{{{x}}", "line 1: a tag that is not closed" },
		{ "{{}}", "line 1: a tag needs one name" },
		{ "\n\n{{# }}", "line 3: a tag needs one name" },
		{ "{{a b}}", "line 1: a tag needs one name" },
		{ "\n{{#a}}\n", "line 2: a section that is not closed" },
		{ "{{/a}}", "line 1: an end without a beginning" },
		{ "{{#a}}\n{{#b}}\n{{/a}}{{/b}}", "line 3: another tag is to be closed first" },
		{ "{{=x=}}", "line 1: new delimiters are two words without =" },
		{ "{{= a }}", "line 1: new delimiters are written {{=<% %>=}}" },
		{ "{{=<< #>=}}<<#>", "line 1: a tag needs one name" },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		T_EQ_STR(of(cases[i].text, "{}"), cases[i].error);
}

static void what_is_falsey(void)
{
	static const char *const nothing[] = { "null", "false", "\"\"", "0", "[]" };
	static const char *const something[] = { "true", "\"0\"", "1", "-1", "[0]", "{}" };

	static const char text[] = "{{#a}}yes{{/a}}{{^a}}no{{/a}}";

	for (size_t i = 0; i < COUNT(nothing); i++)
		T_EQ_STR(of(text, arena_printf(arena, "{\"a\":%s}", nothing[i])), "no");
	for (size_t i = 0; i < COUNT(something); i++)
		T_EQ_STR(of(text, arena_printf(arena, "{\"a\":%s}", something[i])), "yes");
}

static void values_as_text(void)
{
	T_EQ_STR(of("{{a}}", "{\"a\":\"<b> & \\\"c\\\" 'd'\"}"),
		 "&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;");
	T_EQ_STR(of("{{{a}}} {{&a}}", "{\"a\":\"<\"}"), "< <");
	T_EQ_STR(of("{{a}} {{b}} {{c}}", "{\"a\":9007199254740993,\"b\":1.50,\"c\":true}"),
		 "9007199254740993 1.50 true");
	T_EQ_STR(of("{{a}}", "{\"a\":{\"b\":[1,\"<\"]}}"), "{&quot;b&quot;:[1,&quot;&lt;&quot;]}");
	T_EQ_STR(of("{{a.b}}{{x.y}}{{a.b.c}}", "{\"a\":{\"b\":\"c\"}}"), "c");
}

static void a_layout(void)
{
	static const char layout[] = "{\"layout\":\"<title>{{$title}}Site{{/title}}</title>\\n"
				     "<main>\\n  {{$main}}\\n  {{/main}}\\n</main>\\n\"}";
	static const char page[] = "{{<layout}}\n{{$title}}{{name}} - Site{{/title}}\n{{$main}}\n"
				   "{{#rows}}\n<p>{{.}}</p>\n{{/rows}}\n{{/main}}\n{{/layout}}\n";

	T_EQ_STR(rendered(page, js_own(arena, "{\"name\":\"A&B\",\"rows\":[1,2]}"),
			  js_own(arena, layout)),
		 "<title>A&amp;B - Site</title>\n<main>\n  <p>1</p>\n  <p>2</p>\n</main>\n");
}

static void endless_calls_end(void)
{
	struct json_object *self = js_own(arena,
		"{\"a\":\"{{>a}}\",\"b\":\"{{<b}}{{$c}}{{>b}}{{/c}}{{/b}}{{$c}}{{/c}}\"}");
	struct strbuf deep;

	T_EQ_STR(rendered("{{>a}}", NULL, self), "too much");
	T_EQ_STR(rendered("{{>b}}", NULL, self), "too much");
	strbuf_init(&deep, arena, OUT_MAX);
	for (int i = 0; i < 101; i++)
		strbuf_adds(&deep, "{{#a}}");
	T_EQ_STR(of(strbuf_str(&deep), "{}"), "line 1: tags within tags too deep");
}

static void a_full_answer_is_no_answer(void)
{
	T_EQ_STR(of("{{#a}}{{b}}{{b}}{{b}}{{b}}{{/a}}",
		    arena_printf(arena, "{\"a\":[%s1],\"b\":\"%01000d\"}",
				 "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,", 0)),
		 "too much");
}

T_SUITE_WITH("mustache", make_arena, drop_arena, T(spec_comments), T(spec_delimiters),
	     T(spec_interpolation), T(spec_inverted), T(spec_partials), T(spec_sections),
	     T(spec_inheritance), T(errors_tell_where), T(what_is_falsey), T(values_as_text),
	     T(a_layout), T(endless_calls_end), T(a_full_answer_is_no_answer))
