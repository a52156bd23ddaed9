/* src/site/sign.c - the pages to sign up, in and out */
#include "core/json.h"
#include "domain/impersonation.h"
#include "site/site.h"
#include "web/form.h"
#include "web/guard.h"
#include "web/session.h"

/* Where to go afterwards: only to an address of this site. Browsers leave out tabs and line breaks
 * and take \ for /, so that what is left might name another host. */
static const char *next_of(const char *wanted)
{
	if (!wanted || wanted[0] != '/' || wanted[1] == '/')
		return "/";
	for (const char *p = wanted; *p; p++)
		if (*p <= ' ' || *p > '~' || *p == '\\')
			return "/";
	return wanted;
}

/* Pages of one kind: what is filled in makes somebody known. */
struct entry {
	const char *page;
	const struct input_field *fields;
	enum err (*enter)(struct ctx *, const struct input *, const struct client *,
			  struct session *);
};
static const struct entry login = { "site/login", people_login_fields, people_login },
			  signup = { "site/signup", people_register_fields, people_register },
			  code = { "site/code", people_code_fields, people_login_code };

static const struct entry *entry_of(const struct req *rq)
{
	return strcmp(rq->route->path, "/signup") == 0 ? &signup : &login;
}

/* What was typed stays, but for secrets. Mistakes are told, if any were made here. */
static enum err show(struct req *rq, const struct entry *entry, struct json_object *typed,
		     bool mistaken)
{
	static const char *const kept[] = { "email", "name", "pending", "kept" };
	struct json_object *o = page_data(rq);
	int status = rq->ctx->err == OK ? 200 : err_info(rq->ctx->err)->http;
	const char *next = next_of(js_str(typed, "next"));

	js_put(o, "next", next);
	/* What leads from here to the other way of getting in leads on to there, not back here. */
	js_put(o, "path", next);
	for (size_t i = 0; i < COUNT(kept); i++)
		if (js_str(typed, kept[i]))
			js_put(o, kept[i], js_str(typed, kept[i]));
	if (mistaken)
		page_add_errors(rq, o);
	if (mistaken && rq->ctx->err == E_INVALID && entry != &code) /* which names none */
		js_put(o, "error", page_text(rq, "see_fields"));
	return page_reply(rq, status, entry->page, o);
}

enum err site_entry_form(struct req *rq)
{
	return show(rq, entry_of(rq), rq->query.values, false);
}

enum err site_entry(struct req *rq)
{
	const struct entry *entry = entry_of(rq);
	struct client from = guard_client(rq);
	struct session s = { .token = NULL };
	struct json_object *form = NULL;
	const char *next, *kept;
	struct input in;
	enum err e = session_form(rq, &form);

	/* Who has signed in meanwhile, in another tab, has a key by now that this cannot know. */
	if (e != OK && !(e == E_DENIED && form))
		return e;
	ctx_forgive(rq->ctx);
	kept = js_str(form, "kept");
	kept = kept ? arena_strdup(rq->ctx->arena, kept) : NULL;
	next = arena_strdup(rq->ctx->arena, next_of(js_str(form, "next")));
	if (entry == &login && js_str(form, "pending"))
		entry = &code;
	json_object_object_del(form, "next");
	json_object_object_del(form, "kept");
	e = input_read(rq->ctx, entry->fields, form, (struct input_mode){ .text = true }, &in);
	if (e == OK)
		e = entry->enter(rq->ctx, &in, &from, &s);
	js_put(form, "next", next);
	if (kept)
		js_put(form, "kept", kept);
	if (e == E_UNAUTH && s.pending) {
		js_put(form, "pending", s.pending);
		return show(rq, &code, form, entry == &code);
	}
	if (e == E_INVALID || e == E_UNAUTH || e == E_CONFLICT)
		return show(rq, e == E_INVALID ? entry : entry_of(rq), form, true);
	TRY(e);
	TRY(session_begin(rq, &s));
	TRY(guard_second(rq));
	if (rq->actor.lacks_second)
		return page_redirect(rq, "/me/second");
	return kept ? form_give_back(rq, kept, next) : page_redirect(rq, next);
}

enum err site_logout(struct req *rq)
{
	struct json_object *form;

	TRY(session_form(rq, &form));
	if (actor_acted(&rq->actor))
		TRY(impersonation_end(rq->ctx));
	TRY(people_logout(rq->ctx));
	session_end(rq);
	return page_redirect(rq, "/");
}
