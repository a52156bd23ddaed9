/* src/site/atom.c - events for feed readers (RFC 4287, pages as RFC 5005 has them) */
#include "core/json.h"
#include "core/mustache.h"
#include "core/strbuf.h"
#include "domain/list.h"
#include "site/site.h"

#define ATOM "application/atom+xml; charset=utf-8"
#define PATH "/events.atom"
#define PAGING "cursor page"	/* names that a page has of its own */
#define ATOM_MAX ((size_t)16 << 20)

/* Text of XML: without what may not stand in it at all (XML 1.0, 2.2). */
static void put_text(struct strbuf *b, const char *s)
{
	size_t n = s ? strlen(s) : 0;

	for (size_t len; n > 0; s += len, n -= len) {
		unsigned char u = (unsigned char)*s;

		len = str_utf8_len(s, n);
		if (len == 0 || (u < ' ' && !strchr("\t\n\r", u)) ||
		    (len == 3 && u == 0xEF && s[1] == '\xBF' && (s[2] == '\xBE' || s[2] == '\xBF')))
			strbuf_adds(b, "\xEF\xBF\xBD");
		else
			mustache_escape(b, (struct str){ s, len });
		len = len ? len : 1;
	}
}

static void put_element(struct strbuf *b, const char *name, const char *text)
{
	strbuf_printf(b, "<%s>", name);
	put_text(b, text);
	strbuf_printf(b, "</%s>\n", name);
}

static void put_link(struct strbuf *b, const char *rel, const char *type, const char *href)
{
	strbuf_printf(b, "<link rel=\"%s\" type=\"%s\" href=\"", rel, type);
	put_text(b, href);
	strbuf_adds(b, "\"/>\n");
}

static void put_category(struct strbuf *b, const char *term)
{
	strbuf_adds(b, "<category term=\"");
	put_text(b, term);
	strbuf_adds(b, "\"/>\n");
}

static void put_entry(struct req *rq, struct strbuf *b, struct json_object *e)
{
	const char *site = rq->ctx->cfg->http_public_url, *place = js_str(e, "location");
	struct arena *a = rq->ctx->arena;
	struct json_object *tags, *host;

	site_look(rq, e);
	strbuf_adds(b, "<entry>\n");
	put_element(b, "id", arena_printf(a, "urn:uuid:%s", js_str(e, "id")));
	put_element(b, "title", js_str(e, "title"));
	put_element(b, "updated", js_str(e, "updated_at"));
	put_element(b, "published", js_str(e, "created_at"));
	json_object_object_get_ex(e, "host", &host);
	strbuf_adds(b, "<author>");
	put_element(b, "name", js_str(host, "name"));
	strbuf_adds(b, "</author>\n");
	put_link(b, "alternate", "text/html", js_str(e, "address"));
	put_link(b, "related", "text/calendar",
		 arena_printf(a, "%s/events/%s.ics", site, js_str(e, "slug")));
	put_element(b, "summary", arena_printf(a, "%s%s%s", js_str(e, "when"), place ? ", " : "",
					       place ? place : ""));
	if (js_str(e, "description"))
		put_element(b, "content", js_str(e, "description"));
	if (js_str(e, "category"))
		put_category(b, js_str(e, "category"));
	json_object_object_get_ex(e, "tags", &tags);
	for (size_t i = 0; i < json_object_array_length(tags); i++)
		put_category(b, json_object_get_string(json_object_array_get_idx(tags, i)));
	strbuf_adds(b, "</entry>\n");
}

/* Of the last change to any of them; a feed has to have one. */
static const char *last_change(struct json_object *events)
{
	const char *last = "1970-01-01T00:00:00Z";

	for (size_t i = 0; i < json_object_array_length(events); i++) {
		const char *at = js_str(json_object_array_get_idx(events, i), "updated_at");

		if (strcmp(at, last) > 0)
			last = at;
	}
	return last;
}

static void put_head(struct req *rq, struct strbuf *b, const struct list *l,
		     struct json_object *events)
{
	const char *site = rq->ctx->cfg->http_public_url;
	const char *next = js_str(js_own(rq->ctx->arena, l->pagination), "next_cursor");
	struct arena *a = rq->ctx->arena;

	strbuf_adds(b, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
		       "<feed xmlns=\"http://www.w3.org/2005/Atom\">\n");
	put_element(b, "id", arena_printf(a, "%s%s", site, page_query(rq, PATH, PAGING, NULL)));
	put_element(b, "title", site_name(rq));
	put_element(b, "updated", last_change(events));
	put_link(b, "self", "application/atom+xml",
		 arena_printf(a, "%s%s", site, page_query(rq, PATH, "", NULL)));
	put_link(b, "alternate", "text/html",
		 arena_printf(a, "%s%s", site, page_query(rq, "/", PAGING, NULL)));
	if (next)
		put_link(b, "next", "application/atom+xml",
			 arena_printf(a, "%s%s", site, page_query(rq, PATH, PAGING, next)));
}

enum err feed_atom(struct req *rq)
{
	bool given = js_has(rq->query.values, "sort");
	struct json_object *events;
	struct strbuf b;
	struct list l;

	if (!given)
		js_put(rq->query.values, "sort", "-created_at");
	TRY(list_events(rq->ctx, &rq->query, &l));
	if (!given)	/* addresses within the feed look like the one that was asked for */
		json_object_object_del(rq->query.values, "sort");
	events = js_own(rq->ctx->arena, l.items);
	strbuf_init(&b, rq->ctx->arena, ATOM_MAX);
	put_head(rq, &b, &l, events);
	for (size_t i = 0; i < json_object_array_length(events); i++)
		put_entry(rq, &b, json_object_array_get_idx(events, i));
	strbuf_adds(&b, "</feed>\n");
	if (b.failed)
		return fail(rq->ctx, E_INTERNAL, "this feed is too large: ask for fewer events");
	return reply_tagged(rq, 200, ATOM, (struct str){ b.p, b.len });
}
