/* src/admin/desk.c - what the pages of the desk share: the menu, the event that is worked on */
#include "admin/admin.h"

#include "core/json.h"
#include "domain/policy.h"

const struct input_field done_query[] = {
	DONE_ROW,
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};

static const struct {
	const char *name, *path;
	unsigned may; /* who sees it: all of these permissions */
} menu[] = {
	{ "dashboard", "/admin/", MAY_ADMIN },
	{ "events", "/admin/events", 0 },
	{ "categories", "/admin/categories", MAY_ADMIN },
	{ "system", "/admin/system", MAY_ADMIN },
	{ "people", "/admin/people", MAY_USERS_MANAGE },
	{ "audit", "/admin/audit", MAY_ADMIN },
};

const char *desk_word(struct json_object *o, const char *group, const char *name)
{
	const char *text = js_str(js_get(js_get(js_get(o, "t"), "desk"), group), name);

	return text ? text : name;
}

struct json_object *desk_data(struct req *rq, const char *page)
{
	struct json_object *o = page_data(rq), *rows = js_made(json_object_new_array());
	const char *done = rq->query.values ? js_str(rq->query.values, "done") : NULL;

	js_add(o, "menu", rows);
	for (size_t i = 0; i < COUNT(menu); i++) {
		struct json_object *row;

		if ((rq->actor.permissions & menu[i].may) != menu[i].may)
			continue;
		row = js_made(json_object_new_object());
		js_push(rows, row);
		js_put(row, "label", desk_word(o, "menu", menu[i].name));
		js_put(row, "href", menu[i].path);
		js_flag(row, "here", strcmp(menu[i].name, page) == 0);
	}
	js_flag(o, "staff", rq->actor.permissions & MAY_ADMIN);
	if (done && js_str(js_get(js_get(js_get(o, "t"), "desk"), "done"), done))
		js_put(o, "done", desk_word(o, "done", done));
	return o;
}

enum err desk_done(struct req *rq, const char *path, const char *done)
{
	return page_redirect(rq, arena_printf(rq->ctx->arena, "%s?done=%s", path, done));
}

void desk_add_next(struct req *rq, struct json_object *o, const char *pagination)
{
	struct arena *a = rq->ctx->arena;
	const char *cursor = js_str(js_own(a, pagination), "next_cursor");
	const char *here = arena_strndup(a, rq->http->path.p, rq->http->path.n);

	if (cursor)
		js_put(o, "next", page_query(rq, here, "cursor page done batch", cursor));
}

/* ---- the event ---- */

long desk_count(struct json_object *event, const char *name)
{
	struct json_object *v = js_get(js_get(event, "stats"), name);

	return v ? (long)json_object_get_int64(v) : 0;
}

void desk_look(struct req *rq, struct json_object *o, struct json_object *e)
{
	struct arena *a = rq->ctx->arena;
	const char *status = js_str(e, "status");
	struct json_object *most = js_get(e, "max_attendees");

	js_put(e, "when", page_when(rq, js_str(e, "start_date"), js_str(e, "end_date"),
				    js_str(e, "timezone")));
	js_put(e, "path", arena_printf(a, "/admin/events/%s", js_str(e, "id")));
	js_put(e, "public", arena_printf(a, "/e/%s", js_str(e, "slug")));
	js_put(e, "status_word", js_str(js_get(js_get(o, "t"), "words"), status));
	js_flag(e, "is_draft", strcmp(status, "draft") == 0);
	js_flag(e, "is_active", strcmp(status, "active") == 0);
	js_flag(e, "is_cancelled", strcmp(status, "cancelled") == 0);
	js_flag(e, "is_over", strcmp(status, "completed") == 0);
	js_flag(e, "is_open", strcmp(status, "draft") == 0 || strcmp(status, "active") == 0);
	js_flag(e, "is_full", most && desk_count(e, "going") >= json_object_get_int64(most));
	js_flag(e, "has_waiting", desk_count(e, "waitlist") > 0);
}

enum err desk_event(struct req *rq, const char *act, struct desk_event *out)
{
	struct ctx *c = rq->ctx;

	TRY(events_find(c, req_param(rq, "id"), &out->id));
	TRY(events_get(c, &out->id, true, &out->parts));
	if (!policy_may(c, &out->parts, act))
		return fail(c, E_DENIED, "only its hosts may do this");
	out->doc = event_object(c, &out->parts);
	out->zone = js_str(out->doc, "timezone");
	out->path = arena_printf(c->arena, "/admin/events/%s", out->id.s);
	return OK;
}

void desk_add_event(struct req *rq, struct json_object *o, const struct desk_event *e)
{
	static const char *const acts[][2] = { { "edit", "may_edit" }, { "checkin", "may_checkin" },
					       { "delete", "may_delete" } };

	desk_look(rq, o, e->doc);
	for (size_t i = 0; i < COUNT(acts); i++)
		js_flag(e->doc, acts[i][1], policy_may(rq->ctx, &e->parts, acts[i][0]));
	js_add(o, "event", json_object_get(e->doc));
}
