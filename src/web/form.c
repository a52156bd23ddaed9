/* src/web/form.c - forms of pages: reading them, showing them filled in, messages beside fields */
#include "web/form.h"

#include "core/clock.h"
#include "core/strbuf.h"
#include "web/session.h"

#include <time.h>

/* In every form that may come back after a new sign-in; not empty in one that does. */
#define AGAIN "_again"
#define KEPT_MAX ((size_t)256 << 10)

/* ---- reading ---- */

/* Browsers end lines by CR LF, whatever stood in the field. */
static struct json_object *plain_lines(struct arena *a, struct json_object *v)
{
	struct str s = { json_object_get_string(v), (size_t)json_object_get_string_len(v) };
	char *copy = arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '\r' || i + 1 == s.n || s.p[i + 1] != '\n')
			copy[n++] = s.p[i];
	return js_made(json_object_new_string_len(copy, (int)n));
}

enum err form_read(struct req *rq, const struct input_field *table, struct input_mode mode,
		   struct json_object **sent, struct input *in)
{
	struct ctx *c = rq->ctx;
	struct json_object *raw = NULL, *checked = js_object(c->arena);
	enum err e = session_form(rq, &raw);

	*sent = js_object(c->arena);
	in->values = js_object(c->arena);
	/* Of a sign-in that is over by now, too; nothing is done with it but showing it. */
	bool again = raw && js_str(raw, AGAIN) && (e == E_DENIED || *js_str(raw, AGAIN));

	if (e != OK && !again)
		return e;
	json_object_object_foreach(raw, name, v) {
		v = json_object_is_type(v, json_type_string) ? plain_lines(c->arena, v) :
							       json_object_get(v);
		js_add(*sent, name, v);
		if (name[0] != '_')
			js_add(checked, name, json_object_get(v));
	}
	ctx_forgive(c);
	if (again)
		return fail(c, E_INVALID, "nothing has been changed yet; please look through this "
			    "and send it again");
	mode.form = true;
	return input_read(c, table, checked, mode, in);
}

/* ---- values as texts ---- */

/* "2026-05-01T18:00", with as much behind it as there is. */
static const char *local_text(struct arena *a, const char *instant, const char *zone)
{
	int64_t us;
	struct tm tm;
	int ms;

	if (clock_parse(instant, &us) != CLOCK_INSTANT)
		return instant;
	clock_local(zone, us, &tm);
	ms = (int)((us % 1000000 + 1000000) % 1000000 / 1000);
	const char *minute = arena_printf(a, "%04d-%02d-%02dT%02d:%02d", tm.tm_year + 1900,
					  tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min);

	if (ms)
		return arena_printf(a, "%s:%02d.%03d", minute, tm.tm_sec, ms);
	return tm.tm_sec ? arena_printf(a, "%s:%02d", minute, tm.tm_sec) : minute;
}

static const char *lines_text(struct arena *a, struct json_object *list)
{
	struct strbuf b;

	strbuf_init(&b, a, KEPT_MAX);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		strbuf_adds(&b, i ? "\n" : "");
		strbuf_adds(&b, json_object_get_string(json_object_array_get_idx(list, i)));
	}
	return strbuf_str(&b);
}

static const char *value_text(struct arena *a, const struct input_field *f, struct json_object *v,
			      const char *zone)
{
	if (!v)
		return "";
	if (json_object_is_type(v, json_type_array))
		return lines_text(a, v);
	if (f->type == IN_TIME || f->type == IN_END_TIME)
		return local_text(a, json_object_get_string(v), zone);
	if (f->type == IN_MONEY)
		return arena_printf(a, "%.2f", json_object_get_double(v));
	if (json_object_is_type(v, json_type_double))
		return js_text(a, v);
	return arena_strdup(a, json_object_get_string(v));
}

struct json_object *form_texts(struct req *rq, const struct input_field *table,
			       struct json_object *values, const char *zone)
{
	struct arena *a = rq->ctx->arena;
	struct json_object *o = js_object(a);

	for (const struct input_field *f = table; f->name; f++) {
		struct json_object *v = js_get(values, f->name);

		if (f->type != IN_COORDS) {
			js_put(o, f->name, value_text(a, f, v, zone));
			continue;
		}
		js_put(o, "lat", value_text(a, f, js_get(v, "lat"), zone));
		js_put(o, "lng", value_text(a, f, js_get(v, "lng"), zone));
	}
	return o;
}

/* ---- showing ---- */

/* What of each type there is to type into, and the longest text. */
static const struct {
	const char *type; /* NULL: several lines */
	bool bounded;
} controls[] = {
	[IN_TEXT] = { NULL, true },	  [IN_LINE] = { "text", true },
	[IN_EMAIL] = { "email", false },  [IN_PASSWORD] = { "password", false },
	[IN_URL] = { "url", true },	  [IN_ZONE] = { "text", false },
	[IN_CURRENCY] = { "text", false }, [IN_DAY] = { "date", false },
	[IN_SECRET] = { "password", false }, [IN_INT] = { "number", false },
	[IN_NUMBER] = { "text", false },  [IN_MONEY] = { "text", false },
	[IN_BOOL] = { "text", false },	  [IN_TIME] = { "datetime-local", false },
	[IN_END_TIME] = { "datetime-local", false }, [IN_WORD] = { "text", false },
	[IN_TEXTS] = { NULL, false },	  [IN_URLS] = { NULL, false },
	[IN_COORDS] = { "text", false },  [IN_IDS] = { NULL, false },
	[IN_ID] = { "text", false },	  [IN_OBJECT] = { NULL, false },
};

/* A text of this language out of one of its groups, or fallback. */
static const char *word(struct json_object *o, const char *group, const char *name,
			const char *fallback)
{
	const char *text = js_str(js_get(js_get(o, "t"), group), name);

	return text ? text : fallback;
}

static const char *message_for(const struct ctx *c, const char *name)
{
	for (const struct detail *d = c->details; d; d = d->next)
		if (strcmp(d->field, name) == 0)
			return d->reason;
	return NULL;
}

struct showing {
	struct req *rq;
	struct json_object *page, *fields, *texts;
	bool found_wrong;
};

static void add_field(struct showing *s, const struct input_field *f, const char *name)
{
	struct json_object *o = js_made(json_object_new_object());
	const char *value = js_str(s->texts, name), *reason = message_for(s->rq->ctx, name);

	js_add(s->fields, name, o);
	js_put(o, "name", name);
	js_put(o, "label", word(s->page, "fields", name, name));
	js_put(o, "hint", word(s->page, "hints", name, NULL));
	js_put(o, "value", value ? value : "");
	js_put(o, "type", controls[f->type].type);
	js_flag(o, "area", !controls[f->type].type);
	js_flag(o, "seconds", f->type == IN_TIME || f->type == IN_END_TIME);
	js_flag(o, "required", f->flags & IN_REQUIRED);
	js_add(o, "max", controls[f->type].bounded && f->max > 0 ?
			 js_made(json_object_new_int64((int64_t)f->max)) : NULL);
	js_put(o, "wrong", reason ? page_reason(s->rq, reason) : NULL);
	js_flag(o, "first", reason && !s->found_wrong);
	s->found_wrong |= reason != NULL;
	js_flag(o, "list", false);
	js_add(o, "choices", NULL);
}

static void add_choices(struct showing *s, const struct input_field *f)
{
	struct str rest = str_of(f->type == IN_BOOL ? "true|false" : f->words);

	while (f->type == IN_BOOL || f->type == IN_WORD ? rest.p : NULL) {
		struct str one = str_cut(rest, '|', &rest);
		const char *value = arena_strndup(s->rq->ctx->arena, one.p, one.n);

		form_choice(s->page, f->name, value, word(s->page, "words", value, value));
	}
}

void form_add(struct req *rq, struct json_object *o, const struct input_field *table,
	      struct json_object *texts)
{
	struct showing s = { rq, o, js_get(o, "f"), texts, false };

	if (!s.fields) {
		s.fields = js_made(json_object_new_object());
		js_add(o, "f", s.fields);
	}
	page_add_errors(rq, o);
	for (const struct input_field *f = table; f->name; f++) {
		if (f->type == IN_COORDS) {
			add_field(&s, f, "lat");
			add_field(&s, f, "lng");
			continue;
		}
		add_field(&s, f, f->name);
		add_choices(&s, f);
	}
	/* Which they are people do not know by the names that programs use. */
	if (s.found_wrong && page_text(rq, "see_fields"))
		js_put(o, "error", page_text(rq, "see_fields"));
}

void form_choice(struct json_object *o, const char *field, const char *value, const char *label)
{
	struct json_object *f = js_get(js_get(o, "f"), field), *one, *list;

	if (!f)
		return;
	list = js_get(f, "choices");
	if (!list) {
		list = js_made(json_object_new_array());
		js_add(f, "choices", list);
		js_put(f, "type", NULL);
		js_flag(f, "list", true);
	}
	one = js_made(json_object_new_object());
	js_put(one, "value", value);
	js_put(one, "label", label);
	js_flag(one, "chosen", strcmp(value, js_str(f, "value")) == 0);
	js_push(list, one);
}

static void hide_one(struct json_object *list, const char *name, struct json_object *v)
{
	struct json_object *one = js_made(json_object_new_object());

	js_put(one, "name", name);
	js_add(one, "value", json_object_get(v));
	js_push(list, one);
}

void form_hide(struct json_object *o, struct json_object *sent)
{
	struct json_object *list = js_made(json_object_new_array());

	json_object_object_foreach(sent, name, v) {
		if (name[0] != '_')
			hide_one(list, name, v);
	}
	js_add(o, "hidden", list);
}

/* ---- what a lost sign-in keeps ---- */

/* The fields as one text, or NULL: it is no form to keep, or not from a page of ours. */
static const char *fields_to_keep(struct req *rq)
{
	struct arena *a = rq->ctx->arena;
	struct json_object *form;
	struct strbuf b;

	if (rq->http->method != M_POST || session_form(rq, &form) != OK || !js_has(form, AGAIN))
		return NULL;
	strbuf_init(&b, a, KEPT_MAX);
	json_object_object_foreach(form, name, v) {
		if (strcmp(name, AGAIN) == 0 || !json_object_is_type(v, json_type_string))
			continue;
		strbuf_adds(&b, b.len ? "&" : "");
		strbuf_addstr(&b, http_encode(a, str_of(name)));
		strbuf_addc(&b, '=');
		strbuf_addstr(&b, http_encode(a, str_of(json_object_get_string(v))));
	}
	return b.failed ? NULL : strbuf_str(&b);
}

/* Of a form that is not kept: the page it stood on. */
static const char *page_before(struct req *rq)
{
	const char *from = http_header(rq->http, "Referer"), *host = strstr(from, "://");
	size_t n = host ? strcspn(host + 3, "/") : 0;
	const char *ours = http_header(rq->http, "Host");

	if (!host || strlen(ours) != n || strncasecmp(host + 3, ours, n) != 0 || !host[3 + n])
		return "/";
	return host + 3 + n;
}

enum err form_ask_to_sign_in(struct req *rq)
{
	struct ctx *c = rq->ctx;
	struct arena *a = c->arena;
	struct json_object *o = page_data(rq);
	const struct http_request *http = rq->http;
	const char *here = arena_strndup(a, http->path.p, http->path.n);
	const char *kept = fields_to_keep(rq);

	ctx_forgive(c);
	if (http->query.n)
		here = arena_printf(a, "%s?%.*s", here, (int)http->query.n, http->query.p);
	if (http->method == M_POST && !kept)
		here = page_before(rq);
	js_put(o, "next", here);
	js_put(o, "path", here);
	js_put(o, "kept", kept);
	js_put(o, "email", NULL);
	js_flag(o, "must", true);
	return page_reply(rq, err_info(E_UNAUTH)->http, "site/login", o);
}

enum err form_give_back(struct req *rq, const char *kept, const char *path)
{
	struct arena *a = rq->ctx->arena;
	struct json_object *o = page_data(rq), *list = js_made(json_object_new_array());
	struct http_param *p;

	js_add(o, "hidden", list);	/* and so it belongs to the arena */
	if (http_params(a, str_of(kept), &p) != OK)
		return fail(rq->ctx, E_MALFORMED, "the form cannot be read");
	for (; p; p = p->next) {
		struct json_object *v = js_made(json_object_new_string_len(p->value.p,
									   (int)p->value.n));

		hide_one(list, arena_strndup(a, p->name.p, p->name.n), v);
		json_object_put(v);
	}
	js_put(o, "to", path);
	return page_reply(rq, 200, "site/kept", o);
}
