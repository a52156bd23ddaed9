/* src/web/page.c - server-rendered pages: templates, languages, error pages */
#include "web/page.h"

#include "core/clock.h"
#include "core/json.h"
#include "core/strbuf.h"
#include "web/form.h"
#include "web/session.h"
#include "web/view.h"
#include "web/words.h"

#define PAGE_MAX ((size_t)2 << 20)
#define PAGE_ROOM 8000	/* what most have */
#define HTML "text/html; charset=utf-8"

static struct views *views;
static unsigned opened; /* how often: pages of earlier templates are not asked for */

bool page_open(const struct config *cfg, char *why, size_t n)
{
	struct views *fresh = views_load(cfg->site_templates, true, why, n);

	if (!fresh || !words_open(cfg->site_templates, why, n)) {
		views_free(fresh);
		return false;
	}
	views_free(views);
	views = fresh;
	opened++;
	return true;
}

void page_close(void)
{
	views_free(views);
	views = NULL;
	words_close();
}

bool page_wanted(const struct req *rq)
{
	if (rq->route)
		return rq->route->flags & RF_PAGE;
	return strstr(http_header(rq->http, "Accept"), "text/html");
}

/* The first of Accept-Language that there is: browsers send them in the order of preference. */
static const struct words *language(const struct req *rq)
{
	struct str rest = str_of(http_header(rq->http, "Accept-Language"));

	if (rq->route && !(rq->route->flags & RF_PAGE))
		return words_default();
	while (rest.n > 0) {
		const struct words *w = words_of(str_trim(str_cut(rest, ',', &rest)));

		if (w)
			return w;
	}
	return words_default();
}

const char *page_text(const struct req *rq, const char *name)
{
	return js_str(language(rq)->t, name);
}

const char *page_text_at(const struct req *rq, const char *list, int i)
{
	return words_nth(language(rq), list, i);
}

const char *page_reason(const struct req *rq, const char *reason)
{
	struct json_object *reasons = js_get(language(rq)->t, "reasons");
	size_t before = strcspn(reason, "0123456789");
	size_t n = strspn(reason + before, "0123456789"), gap;
	struct arena *a = rq->ctx->arena;
	const char *known = js_str(reasons, reason);

	if (known || !n)
		return known ? known : reason;
	known = js_str(reasons, arena_printf(a, "%.*s#%s", (int)before, reason,
					     reason + before + n));
	gap = known ? strcspn(known, "#") : 0;
	if (!known || !known[gap])
		return known ? known : reason;
	return arena_printf(a, "%.*s%.*s%s", (int)gap, known, (int)n, reason + before,
			    known + gap + 1);
}

/* ---- times ---- */

static const struct tm *local(const char *text, const char *zone, struct tm *tm)
{
	int64_t us = 0;

	if (!text)
		return NULL;
	if (clock_parse(text, &us) != CLOCK_INSTANT)
		us = 0;
	clock_local(zone, us, tm);
	return tm;
}

const char *page_day(struct req *rq, const char *start, const char *zone)
{
	struct tm tm;

	return words_day(rq->ctx->arena, language(rq), local(start, zone, &tm));
}

const char *page_hours(struct req *rq, const char *start, const char *end, const char *zone)
{
	struct tm from, to;

	return words_hours(rq->ctx->arena, language(rq), local(start, zone, &from),
			   local(end, zone, &to));
}

const char *page_when(struct req *rq, const char *start, const char *end, const char *zone)
{
	struct tm from, to;

	return words_when(rq->ctx->arena, language(rq), local(start, zone, &from),
			  local(end, zone, &to));
}

/* ---- addresses ---- */

static void add_value(struct strbuf *b, const char *name, struct str value)
{
	strbuf_adds(b, memchr(b->p, '?', b->len) ? "&" : "?");
	strbuf_adds(b, name);
	strbuf_addc(b, '=');
	strbuf_addstr(b, http_encode(b->arena, value));
}

struct str page_value_text(struct arena *a, struct json_object *v)
{
	struct strbuf b;

	if (!json_object_is_type(v, json_type_array))
		return str_of(json_object_get_string(v));
	strbuf_init(&b, a, 16384);
	for (size_t i = 0; i < json_object_array_length(v); i++) {
		strbuf_adds(&b, i ? "," : "");
		strbuf_adds(&b, json_object_get_string(json_object_array_get_idx(v, i)));
	}
	return str_of(strbuf_str(&b));
}

const char *page_query(struct req *rq, const char *path, const char *skip, const char *cursor)
{
	struct strbuf b;

	strbuf_init(&b, rq->ctx->arena, 65536);
	strbuf_adds(&b, path);
	json_object_object_foreach(rq->query.values, name, v)
		if (v && !str_listed(skip, name))
			add_value(&b, name, page_value_text(rq->ctx->arena, v));
	if (cursor)
		add_value(&b, "cursor", str_of(cursor));
	return strbuf_str(&b);
}

/* ---- answers ---- */

struct json_object *page_data(struct req *rq)
{
	struct json_object *o = js_object(rq->ctx->arena);
	const struct words *w = language(rq);

	js_add(o, "t", json_object_get(w->t));
	js_put(o, "lang", w->lang);
	js_put(o, "path", rq->route && (rq->route->flags & RF_SECRET) ? "/" :
		       arena_strndup(rq->ctx->arena, rq->http->path.p, rq->http->path.n));
	js_put(o, "version", MARQUEE_VERSION);
	js_put(o, "request_id", rq->request_id);
	if (actor_known(&rq->actor)) {
		js_put(o, "user", rq->actor.email);
		js_put(o, "form_key", session_form_key(rq));
		js_flag(o, "acting", actor_acted(&rq->actor));
		js_flag(o, "lacks_second", rq->actor.lacks_second);
	}
	return o;
}

const char *page_name(const struct req *rq)
{
	const struct str path = rq->http->path;

	return arena_printf(rq->ctx->arena, "page %u %s %.*s", opened, language(rq)->lang,
			    (int)path.n, path.p);
}

enum err page_make(struct req *rq, const char *name, struct json_object *data, struct str *out)
{
	struct strbuf b;

	strbuf_init(&b, rq->ctx->arena, PAGE_MAX);
	strbuf_room(&b, PAGE_ROOM);
	TRY(view_render(rq->ctx, views, name, data, &b));
	*out = (struct str){ strbuf_str(&b), b.len };
	return OK;
}

enum err page_send(struct req *rq, int status, struct str page)
{
	http_set(rq->rs, "Content-Language", language(rq)->lang);
	return reply_tagged(rq, status, HTML, page);
}

enum err page_reply(struct req *rq, int status, const char *name, struct json_object *data)
{
	struct str page;

	TRY(page_make(rq, name, data, &page));
	return page_send(rq, status, page);
}

enum err page_redirect(struct req *rq, const char *path)
{
	rq->rs->status = 303;
	http_set(rq->rs, "Location", path);
	return OK;
}

static const char *message_of(const struct ctx *c)
{
	return c->err_msg && *c->err_msg ? c->err_msg : err_info(c->err)->title;
}

void page_add_errors(struct req *rq, struct json_object *o)
{
	const struct ctx *c = rq->ctx;
	struct json_object *wrong;

	if (c->err == OK)
		return;
	wrong = js_made(json_object_new_object());
	js_put(o, "error", page_reason(rq, message_of(c)));
	js_add(o, "wrong", wrong);
	for (const struct detail *d = c->details; d; d = d->next)
		js_put(wrong, d->field, page_reason(rq, d->reason));
}

/* Not programs, which send a token; nor where everybody may come, but with something else. */
static bool must_sign_in(const struct req *rq)
{
	return rq->ctx->err == E_UNAUTH && rq->route && rq->route->who == WHO_MEMBER &&
	       !*http_header(rq->http, "Authorization");
}

void page_error(struct req *rq)
{
	struct ctx *c = rq->ctx;
	const struct err_info *e = err_info(c->err);

	if (rq->lead && rq->http->method == M_GET && page_redirect(rq, rq->lead) == OK)
		return;
	if (must_sign_in(rq) && form_ask_to_sign_in(rq) == OK) {
		(void)!fail(c, E_UNAUTH, "sign in first");	/* for the log */
		return;
	}
	struct json_object *o = page_data(rq), *list = js_made(json_object_new_array());
	struct strbuf b;

	js_number(o, "status", e->http);
	js_put(o, "title", page_reason(rq, e->title));
	js_put(o, "message", page_reason(rq, message_of(c)));
	js_add(o, "details", list);
	for (const struct detail *d = c->details; d; d = d->next) {
		struct json_object *row = js_made(json_object_new_object());

		js_push(list, row);
		js_put(row, "field", d->field);
		js_put(row, "reason", page_reason(rq, d->reason));
	}
	strbuf_init(&b, c->arena, PAGE_MAX);
	if (view_render(c, views, "error", o, &b) != OK)
		strbuf_adds(&b, e->title);
	http_set(rq->rs, "Content-Language", js_str(o, "lang"));
	http_set(rq->rs, "Content-Type", HTML);
	http_body(rq->rs, (struct str){ b.p, b.len });
}
