/* src/site/me.c - the reader's own events, profile and sign-ins */
#include "core/json.h"
#include "domain/list.h"
#include "domain/people.h"
#include "site/site.h"
#include "web/form.h"
#include "web/session.h"

/* Which entry of the menu is this page? */
struct json_object *site_me_page(struct req *rq, const char *here)
{
	struct json_object *o = page_data(rq), *at = js_made(json_object_new_object());

	js_flag(at, here, true);
	js_add(o, "here", at);
	return o;
}

/* ---- events ---- */

static enum err add_events(struct req *rq, struct json_object *o, const char *role)
{
	struct input in = { js_object(rq->ctx->arena) };
	struct json_object *events;
	struct list l;

	js_put(in.values, "role", role);
	TRY(list_mine(rq->ctx, &in, &l));
	events = js_own(rq->ctx->arena, l.items);
	for (size_t i = 0; i < json_object_array_length(events); i++) {
		struct json_object *one = json_object_array_get_idx(events, i);

		site_look(rq, one);
		js_put(one, "hours", js_str(one, "when")); /* no heading says the day here */
	}
	js_add(o, role, json_object_get(events));
	return OK;
}

enum err site_me(struct req *rq)
{
	struct json_object *o = site_me_page(rq, "events");

	TRY(add_events(rq, o, "attending"));
	TRY(add_events(rq, o, "hosting"));
	return page_reply(rq, 200, "site/me", o);
}

/* ---- sign-ins ---- */

struct known {
	const char *word, *name;
};

/* The first of the rows whose word stands in text. */
static const char *first_of(const struct known *rows, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (strstr(text, rows[i].word))
			return rows[i].name;
	return NULL;
}

/* "Firefox, Linux" out of what a browser calls itself; all of it when nothing is known. Each claims
 * to be those that stand behind it here. */
static const char *agent_name(struct req *rq, const char *agent)
{
	static const struct known browsers[] = {
		{ "Edg", "Edge" }, { "OPR/", "Opera" }, { "Firefox/", "Firefox" },
		{ "FxiOS", "Firefox" }, { "Chrom", "Chrome" }, { "CriOS", "Chrome" },
		{ "Safari/", "Safari" },
	};
	static const struct known systems[] = {
		{ "Android", "Android" }, { "iPhone", "iPhone" }, { "iPad", "iPad" },
		{ "Windows", "Windows" }, { "Mac OS", "macOS" }, { "CrOS", "ChromeOS" },
		{ "Linux", "Linux" },
	};
	const char *browser = first_of(browsers, COUNT(browsers), agent);
	const char *system = first_of(systems, COUNT(systems), agent);

	if (!browser)
		return agent;
	return system ? arena_printf(rq->ctx->arena, "%s, %s", browser, system) : browser;
}

enum err site_sessions(struct req *rq)
{
	struct json_object *o = site_me_page(rq, "sessions"), *list;
	const char *json;

	TRY(people_sessions(rq->ctx, &json));
	list = js_own(rq->ctx->arena, json);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *one = json_object_array_get_idx(list, i);

		js_put(one, "name",
		       agent_name(rq, js_str(one, "agent") ? js_str(one, "agent") : ""));
		js_put(one, "last", page_when(rq, js_str(one, "used_at"), NULL, "UTC"));
		js_put(one, "since", page_day(rq, js_str(one, "created_at"), "UTC"));
	}
	js_add(o, "sessions", json_object_get(list));
	return page_reply(rq, 200, "site/sessions", o);
}

/* Whoever ends all of them has ended this one, too. */
enum err site_sessions_end(struct req *rq)
{
	struct json_object *form;
	struct input in;
	struct id id;

	TRY(session_form(rq, &form));
	TRY(input_read(rq->ctx, rq->route->body, form, (struct input_mode){ .text = true }, &in));
	if (!js_str(in.values, "id")) {
		TRY(people_sessions_end(rq->ctx));
		session_end(rq);
		return page_redirect(rq, "/");
	}
	if (!id_parse(str_of(js_str(in.values, "id")), &id))
		return fail(rq->ctx, E_NOTFOUND, "no such sign-in");
	TRY(people_session_end(rq->ctx, &id));
	return page_redirect(rq, "/me/sessions");
}

/* ---- profile ---- */

/* The stored profile, or what was typed and why it cannot be. */
static enum err show_profile(struct req *rq, struct json_object *typed)
{
	int status = rq->ctx->err == OK ? 200 : err_info(rq->ctx->err)->http;
	struct json_object *o = site_me_page(rq, "profile");
	const char *json;

	if (!typed) {
		TRY(people_profile(rq->ctx, &json));
		typed = form_texts(rq, people_profile_fields, js_own(rq->ctx->arena, json), "UTC");
	}
	form_add(rq, o, people_profile_fields, typed);
	return page_reply(rq, status, "site/profile", o);
}

enum err site_profile(struct req *rq)
{
	return show_profile(rq, NULL);
}

enum err site_profile_save(struct req *rq)
{
	struct json_object *typed;
	const char *json;
	struct input in;
	enum err e = form_read(rq, people_profile_fields, (struct input_mode){ .whole = false },
			       &typed, &in);

	if (e == OK)
		e = people_profile_update(rq->ctx, &in, true, &json);
	if (e == E_INVALID || e == E_CONFLICT)
		return show_profile(rq, typed);
	TRY(e);
	return page_redirect(rq, "/me/profile");
}
