/* src/admin/accounts.c - people for staff: found, given a role, suspended, signed out, and the site
 * as they see it; and what anybody changed */
#include "admin/admin.h"

#include "core/json.h"
#include "domain/accounts.h"
#include "domain/impersonation.h"
#include "web/session.h"

/* ---- the list ---- */

static void add_roles(struct json_object *o, const char *name, const char *chosen)
{
	static const char *const names[] = { "user", "organizer", "admin", "service" };
	struct json_object *list = js_made(json_object_new_array());

	for (size_t i = 0; i < COUNT(names); i++) {
		struct json_object *row = js_made(json_object_new_object());

		js_push(list, row);
		js_put(row, "value", names[i]);
		js_put(row, "label", desk_word(o, "roles", names[i]));
		js_flag(row, "chosen", chosen && strcmp(names[i], chosen) == 0);
	}
	js_add(o, name, list);
}

enum err admin_accounts(struct req *rq)
{
	struct json_object *o = desk_data(rq, "people"), *rows;
	struct list l;

	TRY(accounts_list(rq->ctx, &rq->query, &l));
	rows = js_own(rq->ctx->arena, l.items);
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		js_put(row, "role_word", desk_word(o, "roles", js_str(row, "role")));
		js_put(row, "since", page_day(rq, js_str(row, "created_at"), "UTC"));
	}
	js_add(o, "rows", json_object_get(rows));
	js_add(o, "asked", json_object_get(rq->query.values));
	add_roles(o, "roles", js_str(rq->query.values, "role"));
	desk_add_next(rq, o, l.pagination);
	return page_reply(rq, 200, "admin/accounts", o);
}

/* ---- the audit log ---- */

/* Where what was changed is seen, and what it is called. */
static void add_thing(struct req *rq, struct json_object *row)
{
	static const struct {
		const char *kind, *title, *path;
		bool has_page; /* of its own by its id; else the title stands in what was put */
	} things[] = {
		{ "event", "event_title", "/admin/events", true },
		{ "user", "user_name", "/admin/people", true },
		{ "category", "slug", "/admin/categories", false },
		{ "job", "name", "/admin/system", false },
		{ "message", "type", "/admin/system", false },
	};
	const char *kind = js_str(row, "kind"), *title;

	for (size_t i = 0; i < COUNT(things); i++) {
		if (strcmp(things[i].kind, kind) != 0)
			continue;
		title = js_str(things[i].has_page ? row : js_get(row, "after"), things[i].title);
		js_put(row, "what", title ? title : kind);
		js_put(row, "href", !things[i].has_page ? things[i].path :
			       arena_printf(rq->ctx->arena, "%s/%s", things[i].path,
					    js_str(row, "object")));
		js_flag(row, "has_page", things[i].has_page);
	}
}

/* [{field, before, after}] out of the two objects; numbers and lists as JSON writes them. */
static struct json_object *changes(struct json_object *row)
{
	struct json_object *after = js_get(row, "after"), *before = js_get(row, "before");
	struct json_object *list = js_made(json_object_new_array());

	if (!after)
		return list;
	json_object_object_foreach(after, field, v) {
		struct json_object *one = js_made(json_object_new_object());
		struct json_object *was = js_get(before, field);

		js_push(list, one);
		js_put(one, "field", field);
		js_put(one, "before", was ? json_object_get_string(was) : NULL);
		js_put(one, "after", v ? json_object_get_string(v) : NULL);
	}
	return list;
}

static enum err add_audit(struct req *rq, struct json_object *o, const struct input *in)
{
	struct json_object *rows;
	struct list l;

	TRY(audit_list(rq->ctx, in, &l));
	rows = js_own(rq->ctx->arena, l.items);
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		js_put(row, "when", page_when(rq, js_str(row, "at"), NULL, "UTC"));
		add_thing(rq, row);
		js_add(row, "changes", changes(row));
	}
	js_add(o, "audit", json_object_get(rows));
	desk_add_next(rq, o, l.pagination);
	return OK;
}

enum err admin_audit(struct req *rq)
{
	struct json_object *o = desk_data(rq, "audit");

	TRY(add_audit(rq, o, &rq->query));
	js_add(o, "asked", json_object_get(rq->query.values));
	return page_reply(rq, 200, "admin/audit", o);
}

/* ---- one account ---- */

/* sent: a form that was refused; it is shown again. */
static enum err show(struct req *rq, const struct id *id, int status, struct json_object *sent)
{
	struct json_object *o = desk_data(rq, "people"), *who, *sessions;
	struct input in = { js_object(rq->ctx->arena) };
	const char *json;

	form_add(rq, o, impersonation_fields, sent);
	ctx_forgive(rq->ctx);
	TRY(accounts_get(rq->ctx, id, &json));
	who = js_own(rq->ctx->arena, json);
	js_flag(who, "may_be", json_object_get_boolean(js_get(who, "is_active")) &&
			       strcmp(js_str(who, "role"), roles[ROLE_ADMIN].name) != 0);
	js_put(who, "since", page_day(rq, js_str(who, "created_at"), "UTC"));
	js_flag(who, "own", strcmp(id->s, rq->actor.user.s) == 0);
	sessions = js_get(who, "sessions");
	for (size_t i = 0; i < json_object_array_length(sessions); i++) {
		struct json_object *one = json_object_array_get_idx(sessions, i);

		js_put(one, "last", page_when(rq, js_str(one, "used_at"), NULL, "UTC"));
	}
	js_add(o, "who", json_object_get(who));
	add_roles(o, "roles", js_str(who, "role"));
	js_put(in.values, "object", id->s);
	TRY(add_audit(rq, o, &in));
	json_object_object_del(o, "next");
	return page_reply(rq, status, "admin/account", o);
}

enum err admin_account(struct req *rq)
{
	struct id id;

	TRY(req_path_id(rq, "account", "account", &id));
	return show(rq, &id, 200, NULL);
}

enum err admin_account_save(struct req *rq)
{
	struct json_object *sent;
	struct input in;
	struct id id;
	enum err e;

	TRY(req_path_id(rq, "account", "account", &id));
	TRY(form_read(rq, account_fields, (struct input_mode){ .partial = true }, &sent, &in));
	e = accounts_set(rq->ctx, &id, &in);
	if (e == E_CONFLICT)
		return show(rq, &id, err_info(e)->http, NULL);
	TRY(e);
	return desk_done(rq, arena_printf(rq->ctx->arena, "/admin/people/%s", id.s), "saved");
}

enum err admin_account_sign_out(struct req *rq)
{
	struct json_object *sent;
	struct input in;
	struct id id;

	TRY(req_path_id(rq, "account", "account", &id));
	TRY(form_read(rq, desk_no_fields, (struct input_mode){ 0 }, &sent, &in));
	TRY(accounts_sign_out(rq->ctx, &id));
	return desk_done(rq, arena_printf(rq->ctx->arena, "/admin/people/%s", id.s), "signed_out");
}

/* ---- looking at the site as somebody else ---- */

enum err admin_impersonate(struct req *rq)
{
	struct json_object *sent;
	struct input in;
	struct id id;
	const char *pass;
	enum err e;

	TRY(req_path_id(rq, "account", "account", &id));
	e = form_read(rq, impersonation_fields, (struct input_mode){ 0 }, &sent, &in);
	if (e == OK)
		e = impersonation_begin(rq->ctx, &id, js_str(in.values, "reason"), &pass);
	if (e == E_INVALID || e == E_CONFLICT)
		return show(rq, &id, err_info(e)->http, sent);
	TRY(e);
	session_as_begin(rq, pass, IMPERSONATION_S);
	return page_redirect(rq, "/");
}

/* Whoever it was is themselves again, at the page of whom they were. */
enum err admin_impersonate_end(struct req *rq)
{
	struct json_object *sent;
	struct input in;

	TRY(form_read(rq, desk_no_fields, (struct input_mode){ 0 }, &sent, &in));
	if (!actor_acted(&rq->actor))
		return page_redirect(rq, "/");
	TRY(impersonation_end(rq->ctx));
	session_as_end(rq);
	return page_redirect(rq, arena_printf(rq->ctx->arena, "/admin/people/%s",
					      rq->actor.user.s));
}
