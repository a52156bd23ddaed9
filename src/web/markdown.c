/* src/web/markdown.c - what people write as Markdown becomes HTML that is safe to show */
#include "web/markdown.h"

#include "core/mustache.h"
#include "web/place.h"

#include <md4c.h>

/* Whatever a tag is made of stands here; all else is escaped. */
static const struct {
	const char *open, *close;
} blocks[] = {
	[MD_BLOCK_DOC] = { "", "" },
	[MD_BLOCK_QUOTE] = { "<blockquote>\n", "</blockquote>\n" },
	[MD_BLOCK_UL] = { "<ul>\n", "</ul>\n" },
	[MD_BLOCK_OL] = { NULL, "</ol>\n" },	/* NULL: from its detail */
	[MD_BLOCK_LI] = { "<li>", "</li>\n" },
	[MD_BLOCK_HR] = { "<hr>\n", "" },
	[MD_BLOCK_H] = { NULL, NULL },
	[MD_BLOCK_CODE] = { "<pre><code>", "</code></pre>\n" },
	[MD_BLOCK_HTML] = { "<p>", "</p>\n" },	/* not with MD_FLAG_NOHTML */
	[MD_BLOCK_P] = { "<p>", "</p>\n" },
	[MD_BLOCK_TABLE] = { "<table>\n", "</table>\n" },
	[MD_BLOCK_THEAD] = { "<thead>\n", "</thead>\n" },
	[MD_BLOCK_TBODY] = { "<tbody>\n", "</tbody>\n" },
	[MD_BLOCK_TR] = { "<tr>", "</tr>\n" },
	[MD_BLOCK_TH] = { NULL, "</th>" },
	[MD_BLOCK_TD] = { NULL, "</td>" },
}, spans[] = {
	[MD_SPAN_EM] = { "<em>", "</em>" },
	[MD_SPAN_STRONG] = { "<strong>", "</strong>" },
	[MD_SPAN_CODE] = { "<code>", "</code>" },
	[MD_SPAN_DEL] = { "<del>", "</del>" },
};

#define SPAN 0x80	/* beside the type of a span */
#define DEPTH_MAX 100	/* what is nested deeper is shown as the text it is */

struct render {
	struct strbuf *out;
	int depth;	/* of links and pictures */
	int linked;	/* the depth at which <a> was opened; 0: it was not */
	unsigned char open[DEPTH_MAX];
	int n_open;
	bool wrong;	/* for good: md4c does not always heed what callbacks return */
};

/* These are what callbacks return: not 0 ends the parsing. */
static int done(const struct render *r)
{
	return r->wrong || r->out->failed;
}

static int opened(struct render *r, int what)
{
	r->wrong |= r->n_open == DEPTH_MAX;
	if (!r->wrong)
		r->open[r->n_open++] = (unsigned char)what;
	return done(r);
}

/* md4c 0.4.8 tells of the end of some spans that it did not begin ("<\nl:~>?>~?"). */
static int closed(struct render *r, int what)
{
	r->wrong |= r->n_open == 0 || r->open[--r->n_open] != what;
	return done(r);
}

/* ---- characters ---- */

static void add_utf8(struct strbuf *b, unsigned long u)
{
	char s[4];
	size_t n = u < 0x80 ? 1 : u < 0x800 ? 2 : u < 0x10000 ? 3 : 4;

	if (u == 0 || u > 0x10FFFF || (u >= 0xD800 && u < 0xE000)) {
		strbuf_adds(b, "\xEF\xBF\xBD");
		return;
	}
	for (size_t i = n; i-- > 1; u >>= 6)
		s[i] = (char)(0x80 | (u & 0x3F));
	s[0] = (char)(n == 1 ? u : (0xF00UL >> n & 0xFF) | u);
	strbuf_add(b, s, n);
}

/* "&#106;" and "&#x6A;" as what they stand for, without NUL and other controls. */
static bool add_numbered(struct strbuf *b, struct str entity)
{
	bool hex = entity.n > 3 && (entity.p[2] == 'x' || entity.p[2] == 'X');
	unsigned long u;

	if (entity.n < 4 || entity.p[1] != '#')
		return false;
	u = strtoul(entity.p + (hex ? 3 : 2), NULL, hex ? 16 : 10);
	add_utf8(b, u < ' ' && u != '\t' && u != '\n' ? 0 : u);
	return true;
}

/* An address as whoever follows it reads it. Names but &amp; stay as they are written. */
static struct str address(struct arena *a, const MD_ATTRIBUTE *attribute)
{
	struct strbuf b;

	strbuf_init(&b, a, MARKDOWN_MAX);
	for (size_t i = 0; attribute->substr_offsets[i] < attribute->size; i++) {
		MD_OFFSET from = attribute->substr_offsets[i];
		struct str part = { attribute->text + from,
				    attribute->substr_offsets[i + 1] - from };

		if (attribute->substr_types[i] == MD_TEXT_ENTITY && str_is(part, "&amp;"))
			strbuf_addc(&b, '&');
		else if (attribute->substr_types[i] != MD_TEXT_ENTITY || !add_numbered(&b, part))
			strbuf_addstr(&b, part);
	}
	return (struct str){ strbuf_str(&b), b.len };
}

static bool is_followed(struct str href)
{
	static const char *const begins[] = { "http://", "https://", "mailto:" };

	for (size_t i = 0; i < href.n; i++)
		if ((unsigned char)href.p[i] <= ' ' || href.p[i] == 0x7F)
			return false;
	for (size_t i = 0; i < COUNT(begins); i++)
		if (href.n > strlen(begins[i]) &&
		    strncasecmp(href.p, begins[i], strlen(begins[i])) == 0)
			return true;
	return false;
}

/* ---- what md4c tells of ---- */

static void open_link(struct render *r, const MD_ATTRIBUTE *to)
{
	struct str href;

	r->depth++;
	if (r->linked || !to->size)
		return;
	href = address(r->out->arena, to);
	if (!is_followed(href))
		return;
	r->linked = r->depth;
	strbuf_adds(r->out, "<a rel=\"nofollow ugc noopener\" href=\"");
	mustache_escape(r->out, href);
	strbuf_adds(r->out, "\">");
}

static void close_link(struct render *r)
{
	if (r->linked == r->depth) {
		strbuf_adds(r->out, "</a>");
		r->linked = 0;
	}
	r->depth--;
}

static unsigned heading(const void *detail)
{
	unsigned level = ((const MD_BLOCK_H_DETAIL *)detail)->level + 1;

	return level < 6 ? level : 6;
}

static void open_cell(struct strbuf *out, const char *tag, const MD_BLOCK_TD_DETAIL *d)
{
	static const char *const classes[] = {
		[MD_ALIGN_DEFAULT] = "", [MD_ALIGN_LEFT] = " class=\"left\"",
		[MD_ALIGN_CENTER] = " class=\"center\"", [MD_ALIGN_RIGHT] = " class=\"right\"",
	};

	strbuf_printf(out, "<%s%s>", tag, classes[d->align]);
}

static int enter_block(MD_BLOCKTYPE type, void *detail, void *arg)
{
	struct render *r = arg;

	if (blocks[type].open)
		strbuf_adds(r->out, blocks[type].open);
	else if (type == MD_BLOCK_H)
		strbuf_printf(r->out, "<h%u>", heading(detail));
	else if (type == MD_BLOCK_OL)
		strbuf_printf(r->out, "<ol start=\"%u\">\n", ((MD_BLOCK_OL_DETAIL *)detail)->start);
	else
		open_cell(r->out, type == MD_BLOCK_TH ? "th" : "td", detail);
	return opened(r, (int)type);
}

static int leave_block(MD_BLOCKTYPE type, void *detail, void *arg)
{
	struct render *r = arg;

	if (blocks[type].close)
		strbuf_adds(r->out, blocks[type].close);
	else
		strbuf_printf(r->out, "</h%u>\n", heading(detail));
	return closed(r, (int)type);
}

static int enter_span(MD_SPANTYPE type, void *detail, void *arg)
{
	struct render *r = arg;

	if (type == MD_SPAN_A)
		open_link(r, &((MD_SPAN_A_DETAIL *)detail)->href);
	else if (type == MD_SPAN_IMG)
		open_link(r, &((MD_SPAN_IMG_DETAIL *)detail)->src);
	else if (type < COUNT(spans))
		strbuf_adds(r->out, spans[type].open);
	return opened(r, SPAN | (int)type);
}

static int leave_span(MD_SPANTYPE type, void *detail, void *arg)
{
	struct render *r = arg;

	(void)detail;
	if (type == MD_SPAN_A || type == MD_SPAN_IMG)
		close_link(r);
	else if (type < COUNT(spans))
		strbuf_adds(r->out, spans[type].close);
	return closed(r, SPAN | (int)type);
}

static int text(MD_TEXTTYPE type, const MD_CHAR *p, MD_SIZE n, void *arg)
{
	struct render *r = arg;
	struct strbuf number;
	struct str s = { p, n };

	switch (type) {
	case MD_TEXT_BR:
		strbuf_adds(r->out, "<br>\n");
		break;
	case MD_TEXT_SOFTBR:
		strbuf_adds(r->out, "\n");
		break;
	case MD_TEXT_NULLCHAR:
		strbuf_adds(r->out, "\xEF\xBF\xBD");
		break;
	case MD_TEXT_ENTITY:
		strbuf_init(&number, r->out->arena, 16);
		if (add_numbered(&number, s))
			mustache_escape(r->out, (struct str){ number.p, number.len });
		else
			strbuf_addstr(r->out, s);	/* "&name;": a character of text */
		break;
	default:
		mustache_escape(r->out, s);
	}
	return done(r);
}

void markdown_html(struct strbuf *out, struct str source)
{
	static const MD_PARSER parser = {
		.flags = MD_FLAG_NOHTML | MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH |
			 MD_FLAG_PERMISSIVEAUTOLINKS,
		.enter_block = enter_block, .leave_block = leave_block,
		.enter_span = enter_span, .leave_span = leave_span, .text = text,
	};
	struct strbuf html;
	struct render r = { .out = &html };

	/* One definition can be used very often: what grows too much is not shown so. */
	strbuf_init(&html, out->arena, 8 * source.n + 1024);
	if (source.n <= MARKDOWN_MAX && md_parse(source.p, (MD_SIZE)source.n, &parser, &r) == 0 &&
	    r.n_open == 0 && !done(&r)) {
		strbuf_add(out, html.p, html.len);
		return;
	}
	strbuf_adds(out, "<p>");
	mustache_escape(out, source);
	strbuf_adds(out, "</p>\n");
}

struct json_object *markdown_value(struct arena *a, const char *source)
{
	struct strbuf b;

	strbuf_init(&b, a, 16 * MARKDOWN_MAX);
	markdown_html(&b, str_of(source));
	return place_html((struct str){ strbuf_str(&b), b.len });
}
