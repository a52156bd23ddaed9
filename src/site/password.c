/* src/site/password.c - the pages for a forgotten password: asking for a mail, a new password */
#include "core/json.h"
#include "domain/resets.h"
#include "site/site.h"
#include "web/guard.h"
#include "web/session.h"

/* ---- asking for a mail ---- */

static enum err show_forgot(struct req *rq, int status, const char *email)
{
	struct json_object *o = page_data(rq);

	js_put(o, "email", email);
	js_flag(o, "sent", js_str(rq->query.values, "sent") != NULL);
	page_add_errors(rq, o);
	return page_reply(rq, status, "site/forgot", o);
}

static enum err forgot_form(struct req *rq)
{
	return show_forgot(rq, 200, NULL);
}

static enum err forgot(struct req *rq)
{
	struct json_object *form;
	const char *email;
	struct input in;
	enum err e;

	TRY(session_form(rq, &form));
	email = js_str(form, "email");
	email = email ? arena_strdup(rq->ctx->arena, email) : NULL;
	e = input_read(rq->ctx, resets_forgot_fields, form, (struct input_mode){ .text = true },
		       &in);
	if (e == OK)
		e = resets_ask(rq->ctx, &in, guard_client(rq).counted);
	if (e == E_INVALID)
		return show_forgot(rq, err_info(e)->http, email);
	TRY(e);
	return page_redirect(rq, "/forgot?sent=1");
}

/* ---- choosing a new password ---- */

static enum err show_reset(struct req *rq, int status, const char *token)
{
	struct json_object *o = page_data(rq);

	js_put(o, "token", token);
	js_flag(o, "done", js_str(rq->query.values, "done") != NULL);
	page_add_errors(rq, o);
	return page_reply(rq, status, "site/reset", o);
}

static enum err reset_form(struct req *rq)
{
	return show_reset(rq, 200, js_str(rq->query.values, "token"));
}

/* The token stays for another try of the password; neither of the two is ever shown. */
static enum err reset(struct req *rq)
{
	struct json_object *form;
	const char *token;
	struct input in;
	enum err e;

	TRY(session_form(rq, &form));
	token = js_str(form, "token");
	token = token ? arena_strdup(rq->ctx->arena, token) : NULL;
	e = input_read(rq->ctx, resets_use_fields, form, (struct input_mode){ .text = true }, &in);
	if (e == OK)
		e = resets_use(rq->ctx, &in);
	if (e == E_INVALID)
		return show_reset(rq, err_info(e)->http, token);
	TRY(e);
	return page_redirect(rq, "/reset?done=1");
}

static const struct input_field forgot_query[] = {
	{ "sent", IN_TEXT, 0, 0, 1, 0, NULL, NULL, "The mail was asked for" },
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};
static const struct input_field reset_query[] = {
	{ "token", IN_SECRET, 0, 1, 1024, 0, NULL, NULL, "As the mail has it" },
	{ "done", IN_TEXT, 0, 0, 1, 0, NULL, NULL, "The password is changed" },
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};

const struct route password_pages[] = {
	{ M_GET, "/forgot", forgot_form, WHO_ANY, 0, RL_NONE, C_NONE, RF_PAGE, NULL, forgot_query,
	  "A form for who has forgotten the password" },
	{ M_POST, "/forgot", forgot, WHO_ANY, 0, RL_LOGIN, C_NONE, RF_PAGE, resets_forgot_fields,
	  NULL, "Ask for a mail" },
	{ M_GET, "/reset", reset_form, WHO_ANY, 0, RL_NONE, C_NONE, RF_PAGE | RF_SECRET, NULL,
	  reset_query, "A form to choose a new password" },
	{ M_POST, "/reset", reset, WHO_ANY, 0, RL_LOGIN, C_NONE, RF_PAGE | RF_SECRET,
	  resets_use_fields, NULL, "Choose a new password" },
	ROUTE_END
};
