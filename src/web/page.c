/* src/web/page.c - server-rendered pages: templates, languages, error pages */
#include "web/page.h"

#include "core/clock.h"
#include "core/json.h"
#include "core/strbuf.h"
#include "web/session.h"
#include "web/view.h"

#include <stdio.h>
#include <time.h>

#define PAGE_MAX ((size_t)2 << 20)
#define LANGUAGES_MAX ((size_t)4 << 20)
#define HTML "text/html; charset=utf-8"
#define DEFAULT_LANGUAGE "en"

static const char *const languages[] = { DEFAULT_LANGUAGE, "de" };
static struct json_object *texts[COUNT(languages)];
static struct arena *arena;
static struct views *views;

static struct json_object *read_texts(const char *folder, const char *language, char *why,
				      size_t n)
{
	const char *path = arena_printf(arena, "%s/lang/%s.json", folder, language);
	struct str text = view_file(arena, path, why, n);
	struct json_object *o = text.p ? js_own(arena, text.p) : NULL;

	if (text.p && !o)
		snprintf(why, n, "%s: this is no JSON", path);
	return o;
}

bool page_open(const struct config *cfg, char *why, size_t n)
{
	bool good = true;

	arena = arena_new(LANGUAGES_MAX);
	for (size_t i = 0; good && i < COUNT(languages); i++) {
		texts[i] = read_texts(cfg->site_templates, languages[i], why, n);
		good = texts[i];
	}
	if (good)
		views = views_load(cfg->site_templates, true, why, n);
	if (!views)
		page_close();
	return views;
}

void page_close(void)
{
	views_free(views);
	views = NULL;
	memset(texts, 0, sizeof(texts));
	if (arena)
		arena_free(arena);
	arena = NULL;
}

bool page_wanted(const struct req *rq)
{
	if (rq->route)
		return rq->route->flags & RF_PAGE;
	return strstr(http_header(rq->http, "Accept"), "text/html");
}

/* ---- languages ---- */

/* The first of Accept-Language that there is: browsers send them in the order of preference. */
static size_t language(const struct req *rq)
{
	struct str rest = str_of(http_header(rq->http, "Accept-Language"));

	if (rq->route && !(rq->route->flags & RF_PAGE))
		return 0;
	while (rest.n > 0) {
		struct str one = str_trim(str_cut(rest, ',', &rest));

		for (size_t i = 0; i < COUNT(languages); i++)
			if (one.n >= 2 && strncasecmp(one.p, languages[i], 2) == 0)
				return i;
	}
	return 0;
}

const char *page_text(const struct req *rq, const char *name)
{
	return js_str(texts[language(rq)], name);
}

static const char *nth(struct json_object *t, const char *list, int i)
{
	struct json_object *a;

	if (!json_object_object_get_ex(t, list, &a))
		return "";
	return json_object_get_string(json_object_array_get_idx(a, (size_t)i));
}

const char *page_text_at(const struct req *rq, const char *list, int i)
{
	return nth(texts[language(rq)], list, i);
}

/* ---- times ---- */

static void local(const char *text, const char *zone, struct tm *tm)
{
	int64_t us = 0;

	if (clock_parse(text, &us) != CLOCK_INSTANT)
		us = 0;
	clock_local(zone, us, tm);
}

static const char *day_text(struct req *rq, const struct tm *tm)
{
	struct json_object *t = texts[language(rq)];

	return arena_printf(rq->ctx->arena, "%s %d%s %s %d", nth(t, "days", tm->tm_wday),
			    tm->tm_mday, js_str(t, "day_dot"), nth(t, "months", tm->tm_mon),
			    tm->tm_year + 1900);
}

const char *page_day(struct req *rq, const char *start, const char *zone)
{
	struct tm tm;

	local(start, zone, &tm);
	return day_text(rq, &tm);
}

const char *page_hours(struct req *rq, const char *start, const char *end, const char *zone)
{
	struct arena *a = rq->ctx->arena;
	const char *day = "";
	struct tm from, to;

	local(start, zone, &from);
	if (!end)
		return arena_printf(a, "%02d:%02d", from.tm_hour, from.tm_min);
	local(end, zone, &to);
	if (from.tm_year != to.tm_year || from.tm_yday != to.tm_yday)
		day = arena_printf(a, "%s, ", day_text(rq, &to));
	return arena_printf(a, "%02d:%02d – %s%02d:%02d", from.tm_hour, from.tm_min, day,
			    to.tm_hour, to.tm_min);
}

const char *page_when(struct req *rq, const char *start, const char *end, const char *zone)
{
	return arena_printf(rq->ctx->arena, "%s, %s", page_day(rq, start, zone),
			    page_hours(rq, start, end, zone));
}

/* ---- answers ---- */

static void put(struct json_object *o, const char *name, const char *value)
{
	js_add(o, name, js_made(json_object_new_string(value)));
}

struct json_object *page_data(struct req *rq)
{
	struct json_object *o = js_object(rq->ctx->arena);
	size_t i = language(rq);

	js_add(o, "t", json_object_get(texts[i]));
	put(o, "lang", languages[i]);
	put(o, "path", arena_strndup(rq->ctx->arena, rq->http->path.p, rq->http->path.n));
	put(o, "version", MARQUEE_VERSION);
	put(o, "request_id", rq->request_id);
	if (actor_known(&rq->actor)) {
		put(o, "user", rq->actor.email);
		put(o, "form_key", session_form_key(rq));
	}
	return o;
}

enum err page_reply(struct req *rq, int status, const char *name, struct json_object *data)
{
	struct strbuf b;

	strbuf_init(&b, rq->ctx->arena, PAGE_MAX);
	TRY(view_render(rq->ctx, views, name, data, &b));
	http_set(rq->rs, "Content-Language", js_str(data, "lang"));
	return reply_tagged(rq, status, HTML, (struct str){ b.p, b.len });
}

enum err page_redirect(struct req *rq, const char *path)
{
	rq->rs->status = 303;
	http_set(rq->rs, "Location", path);
	return OK;
}

void page_add_errors(struct req *rq, struct json_object *o)
{
	const struct ctx *c = rq->ctx;
	struct json_object *wrong;

	if (c->err == OK)
		return;
	wrong = js_made(json_object_new_object());
	put(o, "error", c->err_msg && *c->err_msg ? c->err_msg : err_info(c->err)->title);
	js_add(o, "wrong", wrong);
	for (const struct detail *d = c->details; d; d = d->next)
		put(wrong, d->field, d->reason);
}

void page_error(struct req *rq)
{
	struct ctx *c = rq->ctx;
	const struct err_info *e = err_info(c->err);
	struct json_object *o = page_data(rq), *list = js_made(json_object_new_array());
	struct strbuf b;

	js_add(o, "status", js_made(json_object_new_int(e->http)));
	put(o, "title", e->title);
	put(o, "message", c->err_msg && *c->err_msg ? c->err_msg : e->title);
	js_add(o, "details", list);
	for (const struct detail *d = c->details; d; d = d->next) {
		struct json_object *row = js_made(json_object_new_object());

		js_push(list, row);
		put(row, "field", d->field);
		put(row, "reason", d->reason);
	}
	strbuf_init(&b, c->arena, PAGE_MAX);
	if (view_render(c, views, "error", o, &b) != OK)
		strbuf_adds(&b, e->title);
	http_set(rq->rs, "Content-Type", HTML);
	http_body(rq->rs, (struct str){ b.p, b.len });
}
