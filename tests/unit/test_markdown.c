/* tests/unit/test_markdown.c - Markdown becomes these tags and no others */
#include "core/json.h"
#include "t.h"
#include "web/markdown.h"
#include "web/place.h"

static struct arena *arena;

static bool make(void)
{
	arena = arena_new((size_t)256 << 20);
	return true;
}

static void drop(void)
{
	arena_free(arena);
}

static const char *html(const char *text)
{
	struct strbuf b;

	strbuf_init(&b, arena, 32 << 20);
	markdown_html(&b, str_of(text));
	return strbuf_str(&b);
}

#define REL "<a rel=\"nofollow ugc noopener\" href="

static void what_it_becomes(void)
{
	static const struct {
		const char *text, *html;
	} cases[] = {
		{ "", "" },
		{ "one\ntwo\n\nthree", "<p>one\ntwo</p>\n<p>three</p>\n" },
		{ "*a* **b** ~~c~~ `d<`", "<p><em>a</em> <strong>b</strong> <del>c</del> "
					  "<code>d&lt;</code></p>\n" },
		{ "# A\n###### B", "<h2>A</h2>\n<h6>B</h6>\n" },
		{ "- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n" },
		{ "7. a", "<ol start=\"7\">\n<li>a</li>\n</ol>\n" },
		{ "> a\n\n---", "<blockquote>\n<p>a</p>\n</blockquote>\n<hr>\n" },
		{ "```x\" onclick=\"\na<b\n```", "<pre><code>a&lt;b\n</code></pre>\n" },
		{ "|a|b|\n|:---:|---:|\n|c|d|",
		  "<table>\n<thead>\n<tr><th class=\"center\">a</th>"
		  "<th class=\"right\">b</th></tr>\n</thead>\n<tbody>\n"
		  "<tr><td class=\"center\">c</td><td class=\"right\">d</td></tr>\n"
		  "</tbody>\n</table>\n" },
		{ "a  \nb", "<p>a<br>\nb</p>\n" },
		{ "&amp; &copy; &#65; &#x42; &#0; &#60;b&#62;",
		  "<p>&amp; &copy; A B \xEF\xBF\xBD &lt;b&gt;</p>\n" },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		T_EQ_STR(html(cases[i].text), cases[i].html);
}

static void links_go_where_they_may(void)
{
	static const struct {
		const char *text, *html;
	} cases[] = {
		{ "[a](https://b.example/?c=1&d=\"2\" \"title\")",
		  "<p>" REL "\"https://b.example/?c=1&amp;d=&quot;2&quot;\">a</a></p>\n" },
		{ "[a](HTTP://b.example)", "<p>" REL "\"HTTP://b.example\">a</a></p>\n" },
		{ "<mailto:a@b.example>",
		  "<p>" REL "\"mailto:a@b.example\">mailto:a@b.example</a></p>\n" },
		{ "https://b.example/c",
		  "<p>" REL "\"https://b.example/c\">https://b.example/c</a></p>\n" },
		{ "[a](javascript:alert(1))", "<p>a</p>\n" },
		{ "[a](JaVaScRiPt:alert(1))", "<p>a</p>\n" },
		{ "[a](&#106;avascript:alert(1))", "<p>a</p>\n" },
		{ "[a](javascript&colon;alert(1))", "<p>a</p>\n" },
		{ "[a](https&colon;//b.example)", "<p>a</p>\n" },
		{ "[a](data:text/html,x)", "<p>a</p>\n" },
		{ "[a](vbscript:x)", "<p>a</p>\n" },
		{ "[a](//b.example)", "<p>a</p>\n" },
		{ "[a](/login)", "<p>a</p>\n" },
		{ "[a](<https://b c.example>)", "<p>a</p>\n" },
		{ "[a](https://b&#10;c)", "<p>a</p>\n" },
		{ "[a](https://b/?x&amp;y&copy;)",
		  "<p>" REL "\"https://b/?x&amp;y&amp;copy;\">a</a></p>\n" },
		{ "![alt *b*](https://c.example/d.png)",
		  "<p>" REL "\"https://c.example/d.png\">alt <em>b</em></a></p>\n" },
		{ "![a](data:image/png;base64,x)", "<p>a</p>\n" },
		{ "[![a](https://b.example/c.png)](https://d.example)",
		  "<p>" REL "\"https://d.example\">a</a></p>\n" },
		{ "[![a](https://b.example/c.png)](javascript:x)",
		  "<p>" REL "\"https://b.example/c.png\">a</a></p>\n" },
		{ "![a [b](https://c.example)](https://d.example)",
		  "<p>" REL "\"https://d.example\">a b</a></p>\n" },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		T_EQ_STR(html(cases[i].text), cases[i].html);
}

static void html_is_text(void)
{
	static const char *const cases[] = {
		"<script>alert(1)</script>", "a <b onclick=\"x\">b</b>", "<!-- x -->", "<?php x ?>",
		"<![CDATA[x]]>", "<img src=x onerror=alert(1)>", "<a href=\"javascript:x\">y</a>",
		"<div>\n\n*a*\n\n</div>",
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *out = html(cases[i]);

		T_NULL(strstr(out, "<script"));
		T_NULL(strstr(out, "<b "));
		T_NULL(strstr(out, "<img"));
		T_NULL(strstr(out, "<!"));
		T_NULL(strstr(out, "<a h"));
		T_NULL(strstr(out, "<div"));
		T_HAS(out, "&lt;");
	}
}

/* Patterns that have cost parsers quadratic time, and definitions that would multiply. */
static void nothing_grows_without_bound(void)
{
	static const char *const patterns[] = {
		"[", "![", "]", "*a ", "_a ", "**", "`", "<", "&", "> ", "- ", "|a", "~", "\\",
		"![a](", "[a](b", "[a]: <", "<!--", "<a ", "1. ", "`a", "***a_", "a**bc* ",
		"[a][b]", "[]()",
	};
	struct strbuf b;

	for (size_t i = 0; i < COUNT(patterns); i++) {
		strbuf_init(&b, arena, 1 << 20);
		while (b.len < 60000)
			strbuf_adds(&b, patterns[i]);
		T_TRUE(strlen(html(strbuf_str(&b))) <= 8 * b.len + 1024);
	}
	strbuf_init(&b, arena, 1 << 20);
	strbuf_printf(&b, "[a]: https://b.example/%020000d\n\n", 0);
	while (b.len < 60000)
		strbuf_adds(&b, "[a] ");
	const char *out = html(strbuf_str(&b));

	T_TRUE(strncmp(out, "<p>[a]: https", 13) == 0);
	T_TRUE(strlen(out) < 70000);
	out = html(arena_printf(arena, "%s*a*", arena_printf(arena, "%070000d", 0)));
	T_NULL(strstr(out, "<em>"));
	strbuf_init(&b, arena, 1 << 20);
	for (int i = 0; i < 200; i++)
		strbuf_adds(&b, "> ");
	strbuf_adds(&b, "a");
	T_NULL(strstr(html(strbuf_str(&b)), "<blockquote>"));
	T_EQ_STR(html("<\nl:~>?>~?"), "<p>&lt;\nl:~&gt;?&gt;~?</p>\n");
}

/* Only what was made here is HTML to a template. */
static void templates_show_no_other_html(void)
{
	struct json_object *o = js_object(arena);
	struct mustache_error e;
	struct mustache *m = mustache_compile(arena, STR("{{{a_html}}}{{a_html}}{{{b_html}}}"), &e);
	struct strbuf b;

	T_REQUIRE(m && place_values(m, &e));
	js_add(o, "a_html", markdown_value(arena, "*a*"));
	js_add(o, "b_html", json_object_new_string("<b>"));
	strbuf_init(&b, arena, 1000);
	T_TRUE(mustache_render(m, o, NULL, NULL, &b));
	T_EQ_STR(strbuf_str(&b), "<p><em>a</em></p>\n"
				 "&lt;p&gt;&lt;em&gt;a&lt;/em&gt;&lt;/p&gt;\n&lt;b&gt;");
}

T_SUITE_WITH("markdown", make, drop, T(what_it_becomes), T(links_go_where_they_may),
	     T(html_is_text), T(nothing_grows_without_bound), T(templates_show_no_other_html))
