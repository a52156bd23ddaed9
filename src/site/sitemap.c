/* src/site/sitemap.c - what search engines may visit: robots.txt and the sitemap (sitemaps.org), in
 * files of 10,000 events */
#include "core/id.h"
#include "core/strbuf.h"
#include "domain/sitemap.h"
#include "site/site.h"

#define XML "application/xml; charset=utf-8"
#define XML_MAX ((size_t)8 << 20)
#define HEAD "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
#define SPACE " xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n"

static const char robots_text[] =
	"# For crawlers: the API is for programs that were told about it.\n"
	"User-agent: *\nDisallow: /api/\nDisallow: /auth/\nDisallow: /users/\nDisallow: /feeds/\n"
	"Sitemap: %s/sitemap.xml\n";

static enum err robots(struct req *rq)
{
	return reply_bare(rq, 200, "text/plain; charset=utf-8",
			  str_of(arena_printf(rq->ctx->arena, robots_text,
					      rq->ctx->cfg->http_public_url)));
}

/* Slugs, ids and times are made by us: nothing in them has to be escaped. */
static void put_url(struct req *rq, struct strbuf *b, const char *path, const char *changed)
{
	strbuf_adds(b, "<url><loc>");
	strbuf_adds(b, rq->ctx->cfg->http_public_url);
	strbuf_adds(b, path);
	if (changed) {
		strbuf_adds(b, "</loc><lastmod>");
		strbuf_adds(b, changed);
		strbuf_adds(b, "</lastmod></url>\n");
	} else {
		strbuf_adds(b, "</loc></url>\n");
	}
}

/* One file; the first also names the pages that always are. */
static enum err reply_file(struct req *rq, const struct sitemap_file *f, bool first)
{
	struct strbuf b;

	strbuf_init(&b, rq->ctx->arena, XML_MAX);
	strbuf_adds(&b, HEAD "<urlset" SPACE);
	if (first) {
		put_url(rq, &b, "/", NULL);
		put_url(rq, &b, "/docs", NULL);
	}
	for (int i = 0; i < f->n; i++)
		put_url(rq, &b, arena_printf(rq->ctx->arena, "/e/%s", sitemap_slug(f, i)),
			sitemap_changed(f, i));
	strbuf_adds(&b, "</urlset>\n");
	return reply_tagged(rq, 200, XML, (struct str){ b.p, b.len });
}

static enum err sitemap(struct req *rq)
{
	struct sitemap_file f = { .n = 0 };
	const struct id *files;
	struct strbuf b;
	size_t n;

	TRY(sitemap_files(rq->ctx, &files, &n));
	if (n == 1)
		TRY(sitemap_read(rq->ctx, &files[0], &f));
	if (n <= 1)
		return reply_file(rq, &f, true);
	strbuf_init(&b, rq->ctx->arena, XML_MAX);
	strbuf_adds(&b, HEAD "<sitemapindex" SPACE);
	for (size_t i = 0; i < n; i++)
		strbuf_printf(&b, "<sitemap><loc>%s/sitemap/%s.xml</loc></sitemap>\n",
			      rq->ctx->cfg->http_public_url, files[i].s);
	strbuf_adds(&b, "</sitemapindex>\n");
	return reply_tagged(rq, 200, XML, (struct str){ b.p, b.len });
}

static enum err sitemap_part(struct req *rq)
{
	struct sitemap_file f;
	struct id first;

	TRY(req_path_id(rq, "first", "file", &first));
	TRY(sitemap_read(rq->ctx, &first, &f));
	if (f.n == 0)
		return fail(rq->ctx, E_NOTFOUND, "no such file");
	return reply_file(rq, &f, false);
}

const struct route sitemap_routes[] = {
	{ M_GET, "/robots.txt", robots, WHO_ANY, 0, RL_NONE, C_PUBLIC, RF_BARE, NULL, NULL,
	  "What crawlers are asked to leave alone" },
	{ M_GET, "/sitemap.xml", sitemap, WHO_ANY, 0, RL_BROWSE, C_PUBLIC, RF_BARE, NULL, NULL,
	  "Public events that are to come, for search engines, or the files that name them" },
	{ M_GET, "/sitemap/:first.xml", sitemap_part, WHO_ANY, 0, RL_BROWSE, C_PUBLIC, RF_BARE,
	  NULL, NULL, "10,000 of them, from that event on" },
	ROUTE_END
};
