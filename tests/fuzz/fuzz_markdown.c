/* tests/fuzz/fuzz_markdown.c - Markdown: our tags come out, balanced, and no others */
#include "core/strbuf.h"
#include "fuzz/fuzz.h"
#include "web/markdown.h"

#include <stdio.h>

#define DEPTH_MAX 100000

static const char *const tags[] = {
	"p", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "li", "pre", "code", "em",
	"strong", "del", "a", "table", "thead", "tbody", "tr", "th", "td", "hr", "br",
};

static size_t tag_of(const char *p, size_t n)
{
	size_t i = 0;

	while (i < COUNT(tags) && (strlen(tags[i]) != n || memcmp(tags[i], p, n) != 0))
		i++;
	MUST(i < COUNT(tags));
	return i;
}

/* What stands behind a tag's name: nothing, or one of these. */
static void attributes(const char *p, size_t n)
{
	static const char link[] = " rel=\"nofollow ugc noopener\" href=\"";
	static const char *const whole[] = { " class=\"left\"", " class=\"center\"",
					     " class=\"right\"" };
	unsigned start;
	int end = 0;

	for (size_t i = 0; i < COUNT(whole); i++)
		if (n == strlen(whole[i]) && memcmp(p, whole[i], n) == 0)
			return;
	if (n == 0 || (sscanf(p, " start=\"%u\"%n", &start, &end) == 1 && (size_t)end == n))
		return;
	MUST(n > sizeof(link) && memcmp(p, link, sizeof(link) - 1) == 0);
	p += sizeof(link) - 1;
	MUST(strncasecmp(p, "http://", 7) == 0 || strncasecmp(p, "https://", 8) == 0 ||
	     strncasecmp(p, "mailto:", 7) == 0);
	MUST(strcspn(p, "\"<> \n") == n - sizeof(link));
}

static void balanced(const char *p)
{
	static unsigned char open[DEPTH_MAX];
	size_t depth = 0;

	while ((p = strchr(p, '<'))) {
		const char *end = strchr(p, '>');
		bool closes = p[1] == '/';
		size_t n, tag;

		MUST(end != NULL);
		p += 1 + closes;
		n = strcspn(p, " >");
		tag = tag_of(p, n);
		attributes(p + n, (size_t)(end - p) - n);
		if (closes) {
			MUST(depth > 0 && open[--depth] == tag);
		} else if (tag < COUNT(tags) - 2) {
			MUST(depth < DEPTH_MAX);
			open[depth++] = (unsigned char)tag;
		}
		p = end;
	}
	MUST(depth == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ctx *c = fuzz_ctx();
	const char *text = fuzz_text(c, data, size);
	struct strbuf b;

	strbuf_init(&b, c->arena, 16 * MARKDOWN_MAX);
	markdown_html(&b, str_of(text));
	MUST(!b.failed);
	balanced(strbuf_str(&b));
	return 0;
}
