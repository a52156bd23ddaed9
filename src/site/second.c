/* src/site/second.c - the reader's second factor: set up with a QR code, confirmed, given up */
#include "core/json.h"
#include "domain/second.h"
#include "site/site.h"
#include "web/qr.h"
#include "web/session.h"

static enum err show(struct req *rq, const char *const codes[SECOND_RECOVERY])
{
	struct json_object *o = site_me_page(rq, "second"), *state, *list, *qr;
	int status = rq->ctx->err == OK ? 200 : err_info(rq->ctx->err)->http;

	page_add_errors(rq, o);
	ctx_forgive(rq->ctx);
	TRY(second_state(rq->ctx, &state));
	js_add(o, "second", json_object_get(state));
	if (js_str(state, "uri")) {
		TRY(qr_value(rq->ctx, js_str(state, "uri"), "QR", &qr));
		js_add(o, "qr_html", qr);
	}
	if (codes) {
		list = js_made(json_object_new_array());
		for (int i = 0; i < SECOND_RECOVERY; i++)
			js_push(list, js_made(json_object_new_string(codes[i])));
		js_add(o, "codes", list);
		js_flag(o, "new_codes", true);
	}
	return page_reply(rq, status, "site/second", o);
}

enum err site_second(struct req *rq)
{
	return show(rq, NULL);
}

enum err site_second_begin(struct req *rq)
{
	struct json_object *form;

	TRY(session_form(rq, &form));
	TRY(second_begin(rq->ctx));
	return page_redirect(rq, "/me/second");
}

static enum err read_code(struct req *rq, const char **code)
{
	struct json_object *form;
	struct input in;

	TRY(session_form(rq, &form));
	TRY(input_read(rq->ctx, second_fields, form, (struct input_mode){ .text = true }, &in));
	*code = js_str(in.values, "code");
	return OK;
}

/* The recovery codes are shown this once, so no other address follows. */
enum err site_second_confirm(struct req *rq)
{
	const char *code, *codes[SECOND_RECOVERY];
	enum err e = read_code(rq, &code);

	if (e == OK)
		e = second_confirm(rq->ctx, code, codes);
	if (e == E_INVALID)
		return show(rq, NULL);
	TRY(e);
	return show(rq, codes);
}

enum err site_second_off(struct req *rq)
{
	const char *code;
	enum err e = read_code(rq, &code);

	if (e == OK)
		e = second_off(rq->ctx, code);
	if (e == E_INVALID || e == E_UNAUTH)
		return show(rq, NULL);
	TRY(e);
	return page_redirect(rq, "/me/second");
}
