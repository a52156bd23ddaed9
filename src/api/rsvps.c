/* src/api/rsvps.c - JSON endpoints for answers, attendees and the waiting list */
#include "api/api.h"
#include "domain/events.h"
#include "domain/list.h"
#include "domain/rsvps.h"
#include "web/metrics.h"

static enum err reply_rsvp(struct req *rq, const struct outcome *o)
{
	if (!o->replayed)
		metric_answer(o->status);
	if (o->replayed)
		http_set(rq->rs, "Idempotency-Replayed", "true");
	return reply_data(rq, o->http, o->json);
}

static const char *data_of(struct req *rq, const struct input *in)
{
	struct json_object *v;

	if (!json_object_object_get_ex(in->values, "registration_data", &v) || !v)
		return NULL;
	return js_text(rq->ctx->arena, v);
}

static enum err rsvp_put(struct req *rq)
{
	struct json_object *body;
	struct outcome o;
	struct input in;
	struct id event;

	TRY(events_find(rq->ctx, req_param(rq, "id"), &event));
	TRY(req_json(rq, false, &body));
	TRY(input_read(rq->ctx, rsvp_fields, body, (struct input_mode){ 0 }, &in));
	TRY(rsvps_set(
	    rq->ctx,
	    &(struct answer){ &event, js_str(in.values, "status"), data_of(rq, &in), &rq->idem },
	    &o));
	return reply_rsvp(rq, &o);
}

/* Registering is answering "going". The event stands in the path or, without one, in the body. */
static enum err register_post(struct req *rq)
{
	struct str named = req_param(rq, "id");
	struct json_object *body;
	struct outcome o;
	struct input in;
	struct id event;

	TRY(req_json(rq, named.n > 0, &body));
	TRY(input_read(rq->ctx, register_fields, body, (struct input_mode){ 0 }, &in));
	if (!named.n) {
		if (!js_str(in.values, "event_id"))
			return fail_field(rq->ctx, "event_id", "is required");
		named = str_of(js_str(in.values, "event_id"));
	}
	TRY(events_find(rq->ctx, named, &event));
	TRY(rsvps_set(rq->ctx, &(struct answer){ &event, "going", data_of(rq, &in), &rq->idem },
		      &o));
	rq->message = "registered";
	return reply_rsvp(rq, &o);
}

static enum err rsvp_delete(struct req *rq)
{
	struct outcome o;
	struct id event;

	TRY(events_find(rq->ctx, req_param(rq, "id"), &event));
	TRY(rsvps_set(rq->ctx, &(struct answer){ &event, NULL, NULL, &rq->idem }, &o));
	rq->message = "cancelled";
	return reply_rsvp(rq, &o);
}

static enum err rsvp_show(struct req *rq)
{
	const char *json;
	struct id event;

	TRY(events_find(rq->ctx, req_param(rq, "id"), &event));
	TRY(rsvps_get(rq->ctx, &event, &json));
	return reply_data(rq, 200, json);
}

static enum err below_event(struct req *rq,
			    enum err (*list)(struct ctx *, const struct event_parts *,
					     const struct input *, struct list *))
{
	struct event_parts p;
	struct list l;
	struct id event;

	TRY(events_find(rq->ctx, req_param(rq, "id"), &event));
	TRY(events_access(rq->ctx, &event, &p));
	TRY(list(rq->ctx, &p, &rq->query, &l));
	return reply_list(rq, l.items, l.pagination);
}

static enum err attendees_index(struct req *rq)
{
	return below_event(rq, list_attendees);
}

static enum err waitlist_index(struct req *rq)
{
	return below_event(rq, list_waiting);
}

const struct route rsvp_routes[] = {
	{ M_POST, "/events/:id/rsvp", rsvp_put, WHO_MEMBER, MAY_ANSWER, RL_REGISTER, C_NONE,
	  RF_KEYED, rsvp_fields, NULL, "Answers an event: going, interested, maybe, not_going" },
	{ M_PUT, "/events/:id/rsvp", rsvp_put, WHO_MEMBER, MAY_ANSWER, RL_REGISTER, C_NONE, 0,
	  rsvp_fields, NULL, "Answers an event" },
	{ M_GET, "/events/:id/rsvp", rsvp_show, WHO_MEMBER, 0, RL_BROWSE, C_NONE, 0, NULL, NULL,
	  "The caller's own answer" },
	{ M_DELETE, "/events/:id/rsvp", rsvp_delete, WHO_MEMBER, MAY_ANSWER, RL_REGISTER,
	  C_NONE, 0, NULL, NULL, "Takes the answer back" },
	{ M_POST, "/events/:id/register", register_post, WHO_MEMBER, MAY_ANSWER, RL_REGISTER,
	  C_NONE, RF_KEYED, register_fields, NULL, "Takes a seat, or a place in the waiting list" },
	{ M_DELETE, "/events/:id/register", rsvp_delete, WHO_MEMBER, MAY_ANSWER, RL_REGISTER,
	  C_NONE, 0, NULL, NULL, "Gives the seat back" },
	{ M_POST, "/events/register", register_post, WHO_MEMBER, MAY_ANSWER, RL_REGISTER, C_NONE,
	  RF_KEYED, register_fields, NULL, "Takes a seat at the event named in the body" },
	{ M_GET, "/events/:id/attendees", attendees_index, WHO_ANY, 0, RL_BROWSE, C_NONE, 0, NULL,
	  attendee_fields, "Who comes" },
	{ M_GET, "/events/:id/waitlist", waitlist_index, WHO_MEMBER, 0, RL_BROWSE, C_NONE, 0, NULL,
	  page_fields, "Who waits, in order; ordinary people see their own place" },
	ROUTE_END
};
