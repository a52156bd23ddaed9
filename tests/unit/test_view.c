/* tests/unit/test_view.c - folders of templates; values at their place in HTML */
#include "core/json.h"
#include "t.h"
#include "web/page.h"
#include "web/place.h"
#include "web/view.h"
#include "web/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct arena *arena;
static char folder[] = "/tmp/marquee-view-XXXXXX";

static bool make(void)
{
	arena = arena_new(16 << 20);
	return mkdtemp(folder) && mkdir(arena_printf(arena, "%s/site", folder), 0700) == 0;
}

static void drop(void)
{
	(void)!system(arena_printf(arena, "rm -r %s", folder));
	arena_free(arena);
}

static const char *of(const char *text, const char *data)
{
	struct mustache_error e;
	struct mustache *m = mustache_compile(arena, str_of(text), &e);
	struct strbuf out;

	if (!m || !place_values(m, &e))
		return arena_printf(arena, "line %d: %s", e.line, e.what);
	strbuf_init(&out, arena, 65536);
	T_TRUE(mustache_render(m, js_own(arena, data), NULL, NULL, &out));
	return strbuf_str(&out);
}

/* ---- places ---- */

static void values_are_escaped_for_their_place(void)
{
	static const struct {
		const char *text, *x, *out;
	} cases[] = {
		{ "<p>{{x}}</p>", "\"<b>\"", "<p>&lt;b&gt;</p>" },
		{ "<p title=\"{{x}}\">", "\"a\\\"b\"", "<p title=\"a&quot;b\">" },
		{ "<a href=\"{{x}}\">", "\"https://a/?b=c&d\"",
		  "<a href=\"https://a/?b=c&amp;d\">" },
		{ "<a href=\"{{x}}\">", "\"/e/x\"", "<a href=\"/e/x\">" },
		{ "<a href=\"{{x}}\">", "\"MAILTO:a@b\"", "<a href=\"MAILTO:a@b\">" },
		{ "<a href=\"{{x}}\">", "\"javascript:alert(1)\"", "<a href=\"#\">" },
		{ "<a href=\"{{x}}\">", "\"JavaScript:alert(1)\"", "<a href=\"#\">" },
		{ "<a href=\"{{x}}\">", "\"java\\nscript:alert(1)\"", "<a href=\"#\">" },
		{ "<a href=\"{{x}}\">", "\" javascript:alert(1)\"", "<a href=\"#\">" },
		{ "<img src='{{x}}'>", "\"data:text/html,x\"", "<img src='#'>" },
		{ "<form action=\"{{x}}\">", "\"vbscript:x\"", "<form action=\"#\">" },
		{ "<a href=\"/?q={{x}}\">", "\"a&b=ü\\\"\"", "<a href=\"/?q=a%26b%3D%C3%BC%22\">" },
		{ "<a href=\"/e/{{x}}/{{x}}\">", "\"../a\"", "<a href=\"/e/..%2Fa/..%2Fa\">" },
		{ "<a href=\"{{x}}{{x}}\">", "\"a:b\"", "<a href=\"#a%3Ab\">" },
		{ "<a href=\"{{#x}}/{{/x}}{{x}}\">", "\"a:b\"", "<a href=\"/a%3Ab\">" },
		{ "<script type=\"application/ld+json\">{{x}}</script>", "{\"a\":\"</script>'&\"}",
		  "<script type=\"application/ld+json\">"
		  "{\"a\":\"\\u003c/script\\u003e\\u0027\\u0026\"}</script>" },
		{ "<!-- a --><p{{#x}} hidden{{/x}} class=\"b {{x}}\">{{x}}", "1",
		  "<!-- a --><p hidden class=\"b 1\">1" },
		{ "{{{x_html}}}{{x}}", "1", "1" },
		{ "a < b {{x}} <3 {{x}}", "\"<\"", "a < b &lt; <3 &lt;" },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		T_EQ_STR(of(cases[i].text, arena_printf(arena, "{\"x\":%s}", cases[i].x)),
			 cases[i].out);
}

static void unsafe_places_are_refused(void)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "\n<p title={{x}}>", "line 2: the value of an attribute needs quotes" },
		{ "<p title=a{{x}}>", "line 1: no value is safe here" },
		{ "<p {{x}}>", "line 1: no value is safe here" },
		{ "<{{x}}>", "line 1: no value is safe here" },
		{ "</{{x}}>", "line 1: no value is safe here" },
		{ "<scr{{x}}>", "line 1: no value is safe here" },
		{ "<!-- {{x}} -->", "line 1: no value is safe here" },
		{ "<script>\nlet a = {{x}}</script>",
		  "line 2: no value is safe in a script or a style" },
		{ "<style>{{x}}</style>", "line 1: no value is safe in a script or a style" },
		{ "<p onclick=\"{{x}}\">", "line 1: no value is safe in an event handler" },
		{ "<p style=\"{{x}}\">", "line 1: no value is safe in this attribute" },
		{ "{{{x}}}",
		  "line 1: {{{…}}} is for HTML that we made: its name ends in _html" },
		{ "<p title=\"{{{x_html}}}\">", "line 1: {{{…}}} stands only between tags" },
		{ "<p {{#x}}title=\"{{/x}}a\">",
		  "line 1: begins and ends at different places of the HTML" },
		{ "<p>\n{{#x}}<a href=\"{{/x}}",
		  "line 2: begins and ends at different places of the HTML" },
		{ "<p title=\"{{>a}}\">", "line 1: a partial or parent stands only between tags" },
		{ "<a href=\"{{$a}}{{/a}}\">",
		  "line 1: a block stands only between tags or in an attribute" },
		{ "<p", "line 1: ends within a tag" },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		T_EQ_STR(of(cases[i].text, "{}"), cases[i].error);
}

/* ---- folders ---- */

static void put(const char *name, const char *text)
{
	FILE *f = fopen(arena_printf(arena, "%s/%s", folder, name), "we");

	T_TRUE(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static const char *page(const struct views *v, const char *name)
{
	struct ctx c = { .arena = arena };
	struct strbuf out;

	strbuf_init(&out, arena, 64);
	ctx_begin(&c, arena);
	if (view_render(&c, v, name, js_own(arena, "{\"x\":\"<\"}"), &out) != OK)
		return c.err_msg;
	return strbuf_str(&out);
}

static const char *refused(bool html)
{
	static char why[256];
	struct views *v = views_load(folder, html, why, sizeof(why));

	T_NULL(v);
	return why + strlen(folder);
}

static void a_folder(void)
{
	char why[256];
	struct views *v;

	T_EQ_STR(refused(true), ": no templates");
	put("layout.mustache", "<b>{{$main}}{{/main}}</b>");
	put("site/page.mustache", "{{<layout}}{{$main}}{{x}}{{/main}}{{/layout}}");
	put("ignored.txt", "{{");
	v = views_load(folder, true, why, sizeof(why));
	T_TRUE(v != NULL);
	T_EQ_STR(page(v, "site/page"), "<b>&lt;</b>");
	T_EQ_STR(page(v, "site/other"), "the page site/other cannot be shown");
	views_free(v);
	v = views_load(folder, false, why, sizeof(why));
	T_EQ_STR(page(v, "site/page"), "<b><</b>");
	views_free(v);
	put("site/page.mustache", "\n{{>nothing}}");
	T_EQ_STR(refused(true), "/site/page.mustache:2: no such partial");
	put("site/page.mustache", "\n\n{{#x}}");
	T_EQ_STR(refused(true), "/site/page.mustache:3: a section that is not closed");
	put("site/page.mustache", "<p title={{x}}>");
	T_EQ_STR(refused(true), "/site/page.mustache:1: the value of an attribute needs quotes");
	put("site/page.mustache", arena_printf(arena, "%0300000d", 0));
	T_EQ_STR(refused(true), "/site/page.mustache: too large");
}

/* ---- texts ---- */

static const char *says(void)
{
	return js_str(words_of(STR("de"))->t, "x");
}

/* What is no good takes the place of nothing. */
static void texts_are_read_again(void)
{
	char why[256];

	T_TRUE(mkdir(arena_printf(arena, "%s/lang", folder), 0700) == 0);
	put("lang/en.json", "{}");
	T_FALSE(words_open(folder, why, sizeof(why)));
	T_EQ_STR(why + strlen(folder), "/lang/de.json: cannot be read");
	put("lang/de.json", "{\"x\": \"eins\"}");
	T_TRUE(words_open(folder, why, sizeof(why)));
	T_EQ_STR(says(), "eins");
	put("lang/de.json", "{\n\"x\": zwei}");
	T_FALSE(words_open(folder, why, sizeof(why)));
	T_EQ_STR(why + strlen(folder), "/lang/de.json:2: a value is expected here");
	T_EQ_STR(says(), "eins");
	put("lang/de.json", "{\"x\": \"zwei\"}");
	T_TRUE(words_open(folder, why, sizeof(why)));
	T_EQ_STR(says(), "zwei");
	words_close();
}

static void pages_are_read_again(void)
{
	struct config cfg = { .site_templates = folder };
	char why[256];

	put("site/page.mustache", "{{x}}");
	T_TRUE(page_open(&cfg, why, sizeof(why)));
	put("site/page.mustache", "\n{{#x}}");
	T_FALSE(page_open(&cfg, why, sizeof(why)));
	T_EQ_STR(why + strlen(folder), "/site/page.mustache:2: a section that is not closed");
	put("site/page.mustache", "{{x}}");
	put("lang/en.json", "[");
	T_FALSE(page_open(&cfg, why, sizeof(why)));
	T_HAS(why, "/lang/en.json:1: ");
	page_close();
}

T_SUITE_WITH("view", make, drop, T(values_are_escaped_for_their_place),
	     T(unsafe_places_are_refused), T(a_folder), T(texts_are_read_again),
	     T(pages_are_read_again))
