/* src/site/door.c - the desk at the door, for hosts and, through a link, for their staff: one field
 * for scanners and for names, and what the last scan came to */
#include "core/json.h"
#include "core/strbuf.h"
#include "domain/checkin.h"
#include "domain/events.h"
#include "domain/tickets.h"
#include "site/site.h"
#include "web/session.h"

#include <sodium.h>

#define NAME_MAX_CHARS 40

struct desk {
	struct door door;
	const char *path;	/* of its page */
	const char *gate_key;	/* NULL: a host's */
	char hash[GATE_HASH];
};

static const struct input_field scan_fields[] = {
	{ "code", IN_LINE, 0, 1, 500, 0, NULL, NULL, "A ticket's code, or a name" },
	{ "user_id", IN_ID, 0, 0, 0, 0, NULL, NULL, "Somebody who was found by name" },
	{ "nonce", IN_LINE, IN_REQUIRED, 1, 64, 0, NULL, NULL, "Of this form" },
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};
static const struct input_field undo_fields[] = {
	{ "scan", IN_LINE, 0, 1, 64, 0, NULL, NULL, "The scan to take back" },
	{ "user_id", IN_ID, 0, 0, 0, 0, NULL, NULL, "Or whom" },
	{ "nonce", IN_LINE, IN_REQUIRED, 1, 64, 0, NULL, NULL, "Of this form" },
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};

/* ---- what the page shows ---- */

/* In the reader's language. */
static const char *word(struct json_object *page, const char *name)
{
	const char *text = js_str(js_get(js_get(js_get(page, "t"), "door"), "words"), name);

	return text ? text : name;
}

static const struct {
	const char *reason, *kind, *icon;
} looks[] = {
	{ "ok", "good", "✓" },		{ "undone", "warn", "↩" }, { "already", "warn", "!" },
	{ "too_early", "warn", "!" },	{ "waitlisted", "warn", "!" },
};

/* One entry of the log: its colour, its sign and its word say the same. */
static void add_look(struct req *rq, struct json_object *page, struct json_object *entry,
		     const char *zone)
{
	const char *reason = js_str(entry, "reason"), *since = js_str(entry, "checked_in_at");
	const char *kind = "bad", *icon = "✗";

	for (size_t i = 0; i < COUNT(looks); i++)
		if (strcmp(looks[i].reason, reason) == 0) {
			kind = looks[i].kind;
			icon = looks[i].icon;
		}
	js_put(entry, "kind", kind);
	js_put(entry, "icon", icon);
	js_put(entry, "word", word(page, reason));
	js_put(entry, "time", page_hours(rq, js_str(entry, "at"), NULL, zone));
	js_put(entry, "since",
	       strcmp(reason, "already") == 0 && since ? page_when(rq, since, NULL, zone) : NULL);
	js_flag(entry, "can_undo", strcmp(reason, "ok") == 0);
	js_put(entry, "undo_nonce", id_new().s);
}

static void add_looks(struct req *rq, struct json_object *page, struct json_object *look,
		      const char *zone)
{
	struct json_object *outcome = js_get(look, "outcome"), *scans = js_get(look, "scans");
	struct json_object *found = js_get(look, "found");

	if (outcome)
		add_look(rq, page, outcome, zone);
	for (size_t i = 0; i < json_object_array_length(scans); i++)
		add_look(rq, page, json_object_array_get_idx(scans, i), zone);
	for (size_t i = 0; found && i < json_object_array_length(found); i++) {
		struct json_object *one = json_object_array_get_idx(found, i);
		const char *state = js_str(one, "state");

		js_put(one, "word", word(page, state));
		js_flag(one, "inside", strcmp(state, "attended") == 0);
		js_flag(one, "waits", strcmp(state, "waitlisted") == 0);
		js_put(one, "nonce", id_new().s);
	}
	if (found)
		js_flag(look, "nobody", json_object_array_length(found) == 0);
}

/* typed: a form that was refused; it is shown again as it was. */
static enum err show(struct req *rq, const struct desk *d, struct json_object *typed)
{
	struct json_object *o = page_data(rq), *look, *event;
	const char *q = js_str(rq->query.values, "q"), *zone;

	page_add_errors(rq, o);
	ctx_forgive(rq->ctx);
	TRY(checkin_look(rq->ctx, &d->door,
			 &(struct look){ q, js_str(rq->query.values, "scan") }, &look));
	event = js_get(look, "event");
	zone = js_str(event, "timezone");
	js_put(event, "when",
	       page_when(rq, js_str(event, "start_date"), js_str(event, "end_date"), zone));
	js_flag(event, "cancelled", strcmp(js_str(event, "status"), "cancelled") == 0);
	add_looks(rq, o, look, zone);
	js_add(o, "look", json_object_get(look));
	js_put(o, "action", d->path);
	js_put(o, "nonce", id_new().s);
	js_put(o, "gate_key", d->gate_key);
	js_put(o, "q", q);
	js_add(o, "typed", json_object_get(typed));
	js_flag(o, "hosting", !d->gate_key);
	return page_reply(rq, typed ? 422 : 200, "site/door", o);
}

/* ---- what its forms do ---- */

static enum err read_form(struct req *rq, const struct desk *d, struct json_object **form)
{
	const char *sent;

	TRY(session_form(rq, form));
	sent = js_str(*form, "gate_key");
	if (d->gate_key && (!sent || strlen(sent) != strlen(d->gate_key) ||
			    sodium_memcmp(sent, d->gate_key, strlen(sent)) != 0))
		return fail(rq->ctx, E_DENIED,
			    "this form belongs to another door; load its page again");
	json_object_object_del(*form, "gate_key");
	return OK;
}

static enum err see(struct req *rq, const struct desk *d, const char *what, const char *value)
{
	struct arena *a = rq->ctx->arena;
	struct str text = http_encode(a, str_of(value));

	return page_redirect(rq, arena_printf(a, "%s?%s=%.*s", d->path, what, (int)text.n, text.p));
}

/* A name is looked for; anything else that a scanner may have read is taken for a ticket. */
static bool is_name(const char *text)
{
	return !tickets_like(str_of(text)) && strlen(text) <= NAME_MAX_CHARS && !strchr(text, ':');
}

static enum err scan(struct req *rq, const struct desk *d)
{
	struct input in, what = { js_object(rq->ctx->arena) };
	const char *code, *user, *json;
	struct json_object *form;
	enum err e;

	TRY(read_form(rq, d, &form));
	e = input_read(rq->ctx, scan_fields, form, (struct input_mode){ .text = true }, &in);
	if (e != OK)
		return show(rq, d, form);
	code = js_str(in.values, "code");
	user = js_str(in.values, "user_id");
	if (code && is_name(code))
		return see(rq, d, "q", code);
	if (code || user)
		js_put(what.values, code ? "ticket" : "user_id", code ? code : user);
	js_put(what.values, "nonce", js_str(in.values, "nonce"));
	e = checkin_scan(rq->ctx, &d->door, &what, &json);
	if (e == E_INVALID)
		return show(rq, d, form);
	TRY(e);
	return see(rq, d, "scan", js_str(in.values, "nonce"));
}

static enum err undo(struct req *rq, const struct desk *d)
{
	struct json_object *form;
	const char *json;
	struct undo what;
	struct input in;

	TRY(read_form(rq, d, &form));
	TRY(input_read(rq->ctx, undo_fields, form, (struct input_mode){ .text = true }, &in));
	what = (struct undo){ js_str(in.values, "user_id"), js_str(in.values, "scan"),
			      js_str(in.values, "nonce") };
	if (!what.user == !what.scan)
		return fail_field(rq->ctx, "scan", "or user_id is required");
	TRY(checkin_undo(rq->ctx, &d->door, &what, &json));
	return see(rq, d, "scan", what.nonce);
}

/* ---- a host's ---- */

static enum err host_desk(struct req *rq, struct desk *d)
{
	struct str id = http_encode(rq->ctx->arena, req_param(rq, "id"));

	*d = (struct desk){ .path = arena_printf(rq->ctx->arena, "/e/%.*s/door", (int)id.n, id.p) };
	return events_find(rq->ctx, req_param(rq, "id"), &d->door.event);
}

enum err site_door(struct req *rq)
{
	struct desk d;

	TRY(host_desk(rq, &d));
	return show(rq, &d, NULL);
}

enum err site_door_scan(struct req *rq)
{
	struct desk d;

	TRY(host_desk(rq, &d));
	return scan(rq, &d);
}

enum err site_door_undo(struct req *rq)
{
	struct desk d;

	TRY(host_desk(rq, &d));
	return undo(rq, &d);
}

/* ---- through a link ---- */

static bool secure(const struct req *rq)
{
	return strncmp(rq->ctx->cfg->http_public_url, "https:", 6) == 0;
}

const char *site_cookie_end(const struct req *rq)
{
	return secure(rq) ? "; Secure" : "";
}

static const char *cookie(const struct req *rq)
{
	return secure(rq) ? "__Secure-marquee_door" : "marquee_door";
}

static enum err gate_desk(struct req *rq, struct desk *d)
{
	*d = (struct desk){ .path = "/door" };
	if (!gate_hash(http_cookie(rq->http, cookie(rq)), d->hash))
		return fail(rq->ctx, E_UNAUTH, "open the link that you were given for your door");
	d->door.gate = d->hash;
	return gate_form_key(rq->ctx, d->hash, &d->gate_key);
}

/* The secret goes from the address into a cookie for the door alone; whoever signs out of nothing
 * loses it with the browser. */
enum err site_gate_enter(struct req *rq)
{
	struct str secret = req_param(rq, "secret");
	struct desk d = { .path = "/door" };
	struct json_object *look;

	if (!gate_hash(secret, d.hash))
		return fail(rq->ctx, E_UNAUTH, "this link to a door is not valid, or not any more");
	d.door.gate = d.hash;
	TRY(checkin_look(rq->ctx, &d.door, &(struct look){ NULL, NULL }, &look));
	http_setf(rq->rs, "Set-Cookie", "%s=%.*s; Path=/door; HttpOnly; SameSite=Lax%s", cookie(rq),
		  (int)secret.n, secret.p, site_cookie_end(rq));
	return page_redirect(rq, d.path);
}

enum err site_gate(struct req *rq)
{
	struct desk d;

	TRY(gate_desk(rq, &d));
	return show(rq, &d, NULL);
}

enum err site_gate_scan(struct req *rq)
{
	struct desk d;

	TRY(gate_desk(rq, &d));
	return scan(rq, &d);
}

enum err site_gate_undo(struct req *rq)
{
	struct desk d;

	TRY(gate_desk(rq, &d));
	return undo(rq, &d);
}
