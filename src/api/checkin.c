/* src/api/checkin.c - JSON endpoints for tickets, the door, and the links of its staff */
#include "api/api.h"
#include "core/strbuf.h"
#include "domain/checkin.h"
#include "domain/events.h"
#include "domain/tickets.h"
#include "web/qr.h"

static enum err ticket_show(struct req *rq)
{
	struct json_object *ticket;
	struct id event;

	TRY(events_find(rq->ctx, req_param(rq, "id"), &event));
	TRY(tickets_mine(rq->ctx, &event, &ticket));
	return reply_data(rq, 200, js_text(rq->ctx->arena, ticket));
}

static enum err ticket_picture(struct req *rq)
{
	struct json_object *ticket;
	const char *code, *svg;
	struct id event;

	TRY(events_find(rq->ctx, req_param(rq, "id"), &event));
	TRY(tickets_mine(rq->ctx, &event, &ticket));
	code = js_str(ticket, "code");
	TRY(qr_svg(rq->ctx, tickets_plain(rq->ctx->arena, code), code, &svg));
	return reply_bare(rq, 200, "image/svg+xml", str_of(svg));
}

static enum err door_of(struct req *rq, struct door *d)
{
	*d = (struct door){ .gate = NULL };
	return events_find(rq->ctx, req_param(rq, "id"), &d->event);
}

static enum err checkin_post(struct req *rq)
{
	struct json_object *body;
	const char *json;
	struct input in;
	struct door d;

	TRY(door_of(rq, &d));
	TRY(req_json(rq, false, &body));
	TRY(input_read(rq->ctx, checkin_fields, body, (struct input_mode){ 0 }, &in));
	TRY(checkin_scan(rq->ctx, &d, &in, &json));
	return reply_data(rq, 200, json);
}

static enum err checkin_delete(struct req *rq)
{
	const char *json;
	struct door d;
	struct id who;

	TRY(door_of(rq, &d));
	if (!id_parse(req_param(rq, "user_id"), &who))
		who = (struct id){ "00000000-0000-0000-0000-000000000000" };
	TRY(checkin_undo(rq->ctx, &d, &(struct undo){ .user = who.s }, &json));
	return reply_data(rq, 200, json);
}

static enum err checkin_show(struct req *rq)
{
	struct look look = { .q = js_str(rq->query.values, "q") };
	struct json_object *o;
	struct door d;

	TRY(door_of(rq, &d));
	TRY(checkin_look(rq->ctx, &d, &look, &o));
	json_object_object_del(o, "gate");
	json_object_object_del(o, "outcome");
	return reply_data(rq, 200, js_text(rq->ctx->arena, o));
}

/* The only answer that holds the secret. */
static enum err gates_post(struct req *rq)
{
	const char *secret, *json;
	struct json_object *body;
	struct input in;
	struct strbuf b;
	struct door d;

	TRY(door_of(rq, &d));
	TRY(req_json(rq, false, &body));
	TRY(input_read(rq->ctx, gate_fields, body, (struct input_mode){ 0 }, &in));
	TRY(gates_create(rq->ctx, &d.event, &in, &secret, &json));
	strbuf_init(&b, rq->ctx->arena, 8192);
	strbuf_add(&b, json, strlen(json) - 1);
	strbuf_adds(&b, ",\"url\":");
	strbuf_jsonz(&b, arena_printf(rq->ctx->arena, "%s/door/%s", rq->ctx->cfg->http_public_url,
				      secret));
	strbuf_addc(&b, '}');
	return reply_data(rq, 201, strbuf_str(&b));
}

static enum err gates_index(struct req *rq)
{
	const char *json;
	struct door d;

	TRY(door_of(rq, &d));
	TRY(gates_list(rq->ctx, &d.event, &json));
	return reply_data(rq, 200, json);
}

static enum err gates_delete(struct req *rq)
{
	const char *json;
	struct door d;

	TRY(door_of(rq, &d));
	TRY(gates_revoke(rq->ctx, &d.event, req_param(rq, "gate_id"), &json));
	return reply_data(rq, 200, json);
}

const struct route checkin_routes[] = {
	{ M_GET, "/events/:id/ticket", ticket_show, WHO_MEMBER, 0, RL_BROWSE, C_NONE, 0, NULL, NULL,
	  "The caller's own ticket with its code" },
	{ M_GET, "/events/:id/ticket.svg", ticket_picture, WHO_MEMBER, 0, RL_BROWSE, C_NONE,
	  RF_BARE, NULL, NULL, "The code of the caller's own ticket as a QR code" },
	{ M_POST, "/events/:id/checkin", checkin_post, WHO_MEMBER, 0, RL_SCAN, C_NONE, 0,
	  checkin_fields, NULL, "One scan at the door: ok, or refused and why" },
	{ M_GET, "/events/:id/checkin", checkin_show, WHO_MEMBER, 0, RL_SCAN, C_NONE, 0, NULL,
	  checkin_query, "How many came, the last scans, and people by name" },
	{ M_DELETE, "/events/:id/checkin/:user_id", checkin_delete, WHO_MEMBER, 0, RL_SCAN, C_NONE,
	  0, NULL, NULL, "Takes a check-in back" },
	{ M_GET, "/events/:id/gates", gates_index, WHO_MEMBER, 0, RL_BROWSE, C_NONE, 0, NULL, NULL,
	  "The links of the event's staff, without their secrets" },
	{ M_POST, "/events/:id/gates", gates_post, WHO_MEMBER, 0, RL_WRITE, C_NONE, 0, gate_fields,
	  NULL, "Makes a link for the staff of one door; only this answer holds it" },
	{ M_DELETE, "/events/:id/gates/:gate_id", gates_delete, WHO_MEMBER, 0, RL_WRITE, C_NONE, 0,
	  NULL, NULL, "Ends such a link" },
	ROUTE_END
};
