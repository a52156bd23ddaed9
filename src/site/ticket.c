/* src/site/ticket.c - one's own ticket, to show on a phone or to print */
#include "core/json.h"
#include "domain/events.h"
#include "domain/tickets.h"
#include "site/site.h"
#include "web/qr.h"

enum err site_ticket(struct req *rq)
{
	struct json_object *o = page_data(rq), *ticket, *event, *picture;
	const char *code;
	struct id id;

	TRY(events_find(rq->ctx, req_param(rq, "id"), &id));
	TRY(tickets_mine(rq->ctx, &id, &ticket));
	code = js_str(ticket, "code");
	TRY(qr_value(rq->ctx, tickets_plain(rq->ctx->arena, code), code, &picture));
	json_object_object_get_ex(ticket, "event", &event);
	site_look(rq, event);
	js_flag(ticket, "attended", js_str(ticket, "checked_in_at") != NULL);
	js_add(o, "qr_html", picture);
	js_add(o, "ticket", json_object_get(ticket));
	return page_reply(rq, 200, "site/ticket", o);
}
