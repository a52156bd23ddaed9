/* src/admin/accounts.c - people for staff: found, given a role, suspended, signed out; and what
 * anybody changed */
#include "admin/admin.h"

#include "core/json.h"
#include "domain/accounts.h"

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
		const char *event = js_str(row, "event_title");

		js_put(row, "when", page_when(rq, js_str(row, "at"), NULL, "UTC"));
		js_put(row, "what", event ? event : js_str(row, "user_name"));
		js_put(row, "href",
		       arena_printf(rq->ctx->arena, "/admin/%s/%s", event ? "events" : "people",
				    js_str(row, "object")));
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

static enum err show(struct req *rq, const struct id *id, int status)
{
	struct json_object *o = desk_data(rq, "people"), *who, *sessions;
	struct input in = { js_object(rq->ctx->arena) };
	const char *json;

	page_add_errors(rq, o);
	ctx_forgive(rq->ctx);
	TRY(accounts_get(rq->ctx, id, &json));
	who = js_own(rq->ctx->arena, json);
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
	return show(rq, &id, 200);
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
		return show(rq, &id, err_info(e)->http);
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
