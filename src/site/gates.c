/* src/site/gates.c - the page on which hosts make links for the staff of their door */
#include "core/json.h"
#include "domain/checkin.h"
#include "domain/events.h"
#include "site/site.h"
#include "web/session.h"

#define FRESH "marquee_gate"

struct links {
	struct door door;
	const char *path;
};

static const struct input_field revoke_fields[] = {
	{ "gate", IN_ID, IN_REQUIRED, 0, 0, 0, NULL, NULL, "The link to end" },
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};

static enum err links_of(struct req *rq, struct links *l)
{
	struct str id = http_encode(rq->ctx->arena, req_param(rq, "id"));

	*l = (struct links){ .path = arena_printf(rq->ctx->arena, "/e/%.*s", (int)id.n, id.p) };
	return events_find(rq->ctx, req_param(rq, "id"), &l->door.event);
}

/* The secret of a link is shown once: from the form to the page it travels in a cookie for that
 * page alone, which the page takes away. */
static void keep_secret(struct req *rq, const struct links *l, const char *secret, int seconds)
{
	http_setf(rq->rs, "Set-Cookie", FRESH "=%s; Path=%s/gates; HttpOnly; SameSite=Lax; "
					      "Max-Age=%d%s", secret, l->path, seconds,
		  site_cookie_end(rq));
}

static void add_secret(struct req *rq, const struct links *l, struct json_object *o)
{
	struct str secret = http_cookie(rq->http, FRESH);
	char hash[GATE_HASH];

	if (!gate_hash(secret, hash))
		return;
	keep_secret(rq, l, "", 0);
	js_put(o, "fresh",
	       arena_printf(rq->ctx->arena, "%s/door/%.*s", rq->ctx->cfg->http_public_url,
			    (int)secret.n, secret.p));
}

static void add_times(struct req *rq, struct json_object *gates, const char *zone)
{
	for (size_t i = 0; i < json_object_array_length(gates); i++) {
		struct json_object *g = json_object_array_get_idx(gates, i);
		const char *until = page_when(rq, js_str(g, "expires_at"), NULL, zone);

		js_put(g, "until", until);
		js_flag(g, js_str(g, "state"), true);
	}
}

/* typed: a form that was refused; it is shown again as it was. */
static enum err show(struct req *rq, const struct links *l, struct json_object *typed)
{
	struct json_object *o = page_data(rq), *look, *event, *gates;
	const char *json;

	page_add_errors(rq, o);
	ctx_forgive(rq->ctx);
	TRY(checkin_look(rq->ctx, &l->door, &(struct look){ NULL, NULL }, &look));
	TRY(gates_list(rq->ctx, &l->door.event, &json));
	gates = js_own(rq->ctx->arena, json);
	json_object_object_get_ex(look, "event", &event);
	add_times(rq, gates, js_str(event, "timezone"));
	add_secret(rq, l, o);
	js_add(o, "event", json_object_get(event));
	js_add(o, "gates", json_object_get(gates));
	js_add(o, "typed", json_object_get(typed));
	js_put(o, "back", l->path);
	return page_reply(rq, typed ? 422 : 200, "site/gates", o);
}

enum err site_gates(struct req *rq)
{
	struct links l;

	TRY(links_of(rq, &l));
	return show(rq, &l, NULL);
}

/* What was typed, without a day that was left empty; a day is one of the event's zone. */
static enum err read_typed(struct req *rq, const struct links *l, struct json_object *form,
			   struct input *in)
{
	struct input_mode mode = { .text = true };
	const char *until = js_str(form, "expires_at");

	if (until && !*until)
		json_object_object_del(form, "expires_at");
	TRY(events_zone(rq->ctx, &l->door.event, &mode.zone));
	return input_read(rq->ctx, gate_fields, form, mode, in);
}

enum err site_gates_add(struct req *rq)
{
	const char *secret, *json;
	struct json_object *form;
	struct links l;
	struct input in;
	enum err e;

	TRY(links_of(rq, &l));
	TRY(session_form(rq, &form));
	e = read_typed(rq, &l, form, &in);
	if (e == OK)
		e = gates_create(rq->ctx, &l.door.event, &in, &secret, &json);
	if (e == E_INVALID)
		return show(rq, &l, form);
	TRY(e);
	keep_secret(rq, &l, secret, 60);
	return page_redirect(rq, arena_printf(rq->ctx->arena, "%s/gates", l.path));
}

enum err site_gates_revoke(struct req *rq)
{
	struct json_object *form;
	const char *json;
	struct links l;
	struct input in;

	TRY(links_of(rq, &l));
	TRY(session_form(rq, &form));
	TRY(input_read(rq->ctx, revoke_fields, form, (struct input_mode){ .text = true }, &in));
	TRY(gates_revoke(rq->ctx, &l.door.event, str_of(js_str(in.values, "gate")), &json));
	return page_redirect(rq, arena_printf(rq->ctx->arena, "%s/gates", l.path));
}
