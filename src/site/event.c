/* src/site/event.c - the page of one event, and the reader's answer to it */
#include "core/json.h"
#include "domain/events.h"
#include "domain/policy.h"
#include "domain/rsvps.h"
#include "site/site.h"
#include "web/form.h"
#include "web/markdown.h"
#include "web/metrics.h"

/* What templates ask of the reader's own answer; who waits is told the place, too. */
static enum err add_answer(struct req *rq, const struct id *id, struct json_object *o,
			   struct json_object *e)
{
	struct json_object *mine = NULL;
	const char *status, *json;

	if (!json_object_object_get_ex(e, "my_rsvp", &mine) || !mine)
		return OK;
	status = js_str(mine, "status");
	if (strcmp(status, "waitlisted") == 0) {
		TRY(rsvps_get(rq->ctx, id, &json));
		mine = js_own(rq->ctx->arena, json);
		status = js_str(mine, "status");
	}
	js_flag(o, "answered", strcmp(status, "not_going") != 0);
	js_flag(mine, status, true);
	js_add(o, "mine", json_object_get(mine));
	return OK;
}

enum err site_event_data(struct req *rq, const struct id *id, bool fresh, struct event_parts *p,
			 struct json_object **out)
{
	TRY(events_get(rq->ctx, id, fresh, p));
	*out = event_object(rq->ctx, p);
	site_look(rq, *out);
	js_flag(*out, "may_check_in", policy_may(rq->ctx, p, "checkin"));
	return OK;
}

/* sent: an answer that was not given; its button is where the reader goes on. */
static enum err show(struct req *rq, const struct id *id, int status, struct json_object *sent)
{
	struct json_object *o = page_data(rq), *wanted = js_made(json_object_new_object()), *e;
	struct event_parts p;
	struct str page;

	js_add(o, "wanted", wanted);
	if (js_str(sent, "status"))
		js_flag(wanted, js_str(sent, "status"), true);
	page_add_errors(rq, o);
	ctx_forgive(rq->ctx);
	TRY(site_event_data(rq, id, status != 200, &p, &e));
	TRY(add_answer(rq, id, o, e));
	if (js_str(e, "description"))
		js_add(o, "description_html",
		       markdown_value(rq->ctx->arena, js_str(e, "description")));
	js_add(o, "ld", site_linked_data(e));
	js_add(o, "event", json_object_get(e));
	TRY(page_make(rq, "site/event", o, &page));
	if (status == 200)
		events_made_keep(rq->ctx, &p, page_name(rq), page);
	return page_send(rq, status, page);
}

enum err site_event(struct req *rq)
{
	struct str page;
	struct id id;

	page = events_made(rq->ctx, page_name(rq), &id);
	if (page.p) {
		TRY(page_send(rq, 200, page));
	} else {
		TRY(events_find(rq->ctx, req_param(rq, "id"), &id));
		TRY(show(rq, &id, 200, NULL));
	}
	views_count(rq->ctx, &id);
	return OK;
}

/* The reader's answer; when it cannot be given, the page says why. */
enum err site_answer(struct req *rq)
{
	struct json_object *sent;
	struct outcome done = { .http = 0 };
	struct input in;
	struct id id;
	enum err e;

	TRY(events_find(rq->ctx, req_param(rq, "id"), &id));
	e = form_read(rq, rsvp_fields, (struct input_mode){ 0 }, &sent, &in);
	if (e == OK)
		e = rsvps_set(rq->ctx, &(struct answer){ .event = &id, .idem = &rq->idem,
							 .want = js_str(in.values, "status") },
			      &done);
	if (e == E_FULL || e == E_CLOSED || e == E_INVALID)
		return show(rq, &id, err_info(e)->http, sent);
	TRY(e);
	metric_answer(done.status);
	return page_redirect(rq, arena_printf(rq->ctx->arena, "/e/%.*s",
					      (int)req_param(rq, "id").n, req_param(rq, "id").p));
}
