/* src/site/sign.c - the pages to sign in and out */
#include "core/json.h"
#include "site/site.h"
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

static enum err show(struct req *rq, int status, const char *email, const char *next)
{
	struct json_object *o = page_data(rq);

	js_add(o, "next", js_made(json_object_new_string(next_of(next))));
	js_add(o, "email", email ? js_made(json_object_new_string(email)) : NULL);
	page_add_errors(rq, o);
	return page_reply(rq, status, "site/login", o);
}

enum err site_login_form(struct req *rq)
{
	return show(rq, 200, NULL, js_str(rq->query.values, "next"));
}

/* What was typed stays, but for the password. */
enum err site_login(struct req *rq)
{
	struct json_object *form;
	const char *email, *next;
	struct session s;
	struct input in;
	enum err e;

	TRY(session_form(rq, &form));
	email = js_str(form, "email");
	next = arena_strdup(rq->ctx->arena, next_of(js_str(form, "next")));
	email = email ? arena_strdup(rq->ctx->arena, email) : NULL;
	json_object_object_del(form, "next");
	e = input_read(rq->ctx, people_login_fields, form, (struct input_mode){ .text = true },
		       &in);
	if (e == OK)
		e = people_login(rq->ctx, &in, guard_client(rq), &s);
	if (e == E_INVALID || e == E_UNAUTH)
		return show(rq, err_info(e)->http, email, next);
	TRY(e);
	session_begin(rq, &s);
	return page_redirect(rq, next);
}

enum err site_logout(struct req *rq)
{
	struct json_object *form;

	TRY(session_form(rq, &form));
	TRY(people_logout(rq->ctx));
	session_end(rq);
	return page_redirect(rq, "/");
}
