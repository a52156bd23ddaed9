/* src/api/events.c - JSON endpoints for events */
#include "api/api.h"
#include "core/clock.h"
#include "core/strbuf.h"
#include "domain/events.h"
#include "domain/list.h"
#include "domain/policy.h"
#include "web/metrics.h"

static const struct input_field event_query[] = {
	{ "fresh", IN_BOOL, 0, 0, 0, 0, NULL, NULL, "1: exact counts, past the cache" },
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};

static bool query_flag(const struct req *rq, const char *name)
{
	struct json_object *v;

	return json_object_object_get_ex(rq->query.values, name, &v) && json_object_get_boolean(v);
}

/* The members that depend on who reads. */
static const char *viewer_members(struct req *rq, const struct event_parts *p)
{
	struct strbuf b;

	strbuf_init(&b, rq->ctx->arena, 1 << 20);
	strbuf_addc(&b, ',');
	strbuf_addstr(&b, p->viewer);
	strbuf_printf(&b, ",\"permissions\":%s", policy_permissions(rq->ctx, p));
	if (p->link.n && !str_is(p->link, "null")) {
		strbuf_adds(&b, ",\"virtual_link\":");
		strbuf_addstr(&b, p->link);
	}
	return strbuf_str(&b);
}

/* Splices the parts into the envelope, or answers 304. */
static enum err reply_event(struct req *rq, int status, const struct event_parts *p)
{
	const char *tag = event_tag(rq->ctx, p);
	const char *seen = http_header(rq->http, "If-None-Match");

	http_setf(rq->rs, "ETag", "W/\"%s\"", tag);
	if (status == 200 && rq->route->method == M_GET && http_etag_matches(seen, tag, true)) {
		rq->rs->status = 304;
		return OK;
	}
	envelope_open(rq, status);
	http_body(rq->rs, (struct str){ p->core.p, p->core.n - 1 });
	http_body(rq->rs, STR(","));
	http_body(rq->rs, p->stats);
	if (p->known_viewer)
		http_body(rq->rs, str_of(viewer_members(rq, p)));
	http_body(rq->rs, STR("}"));
	envelope_close(rq);
	return OK;
}

static void mark_replay(struct req *rq, const struct effect *e)
{
	if (e->replayed)
		http_set(rq->rs, "Idempotency-Replayed", "true");
}

static enum err events_index(struct req *rq)
{
	struct list l;

	TRY(list_events(rq->ctx, &rq->query, &l));
	return reply_list(rq, l.items, l.pagination);
}

static enum err events_mine(struct req *rq)
{
	struct list l;

	TRY(list_mine(rq->ctx, &rq->query, &l));
	return reply_list(rq, l.items, l.pagination);
}

static enum err events_show(struct req *rq)
{
	struct event_parts p;
	struct id id;

	TRY(events_find(rq->ctx, req_param(rq, "id"), &id));
	TRY(events_get(rq->ctx, &id, query_flag(rq, "fresh"), &p));
	views_count(rq->ctx, &id);
	return reply_event(rq, 200, &p);
}

/* All problems of a body at once. What the database decides, by its clock and its tables, is told
 * here only when the body is refused anyway: this host's clock may be wrong. */
static enum err check_new(struct req *rq, struct json_object *body, enum err so_far,
			  struct input *in)
{
	struct ctx *c = rq->ctx;
	const char *start = js_str(in->values, "start_date"), *end = js_str(in->values, "end_date");
	int64_t from = INT64_MAX, to = 0;

	if (start && clock_parse(start, &from) == CLOCK_INSTANT && end &&
	    clock_parse(end, &to) == CLOCK_INSTANT && to <= from)
		(void)!fail_field(c, input_sent_name(event_fields, body, "end_date"),
				  "must lie after %s",
				  input_sent_name(event_fields, body, "start_date"));
	if (so_far == OK && c->err == OK)
		return OK;
	if (from <= clock_now_us())
		(void)!fail_field(c, input_sent_name(event_fields, body, "start_date"),
				  "must lie in the future");
	if (js_str(in->values, "category"))
		events_category_problem(c, js_str(in->values, "category"), "category");
	return c->err;
}

static enum err events_post(struct req *rq)
{
	struct id id = id_new();
	struct change how = { .id = &id, .idem = &rq->idem, .fields = event_fields };
	struct event_parts p;
	struct effect e;
	struct input in;

	TRY(req_json(rq, false, &how.sent));
	enum err bad = input_read(rq->ctx, event_fields, how.sent, (struct input_mode){ 0 }, &in);

	TRY(check_new(rq, how.sent, bad, &in));
	TRY(events_create(rq->ctx, &how, &in, &e, &p));
	if (!e.replayed)
		metric_count(N_EVENTS_CREATED);
	mark_replay(rq, &e);
	rq->message = "event created";
	http_setf(rq->rs, "Location", "%s/api/events/%.*s", rq->ctx->cfg->http_public_url, 36,
		  p.core.p + strcspn(p.core.p, ":") + 2);
	return reply_event(rq, e.status, &p);
}

/* PUT names everything (what is absent goes back to its default), PATCH only what changes. */
static enum err edit(struct req *rq, bool whole)
{
	struct id id;
	struct change how = { .id = &id, .fields = event_fields };
	struct input_mode mode = { .partial = !whole, .whole = whole };
	struct event_parts p;
	struct input in;

	TRY(events_find(rq->ctx, req_param(rq, "id"), &id));
	TRY(req_if_match(rq, &how.versions));
	TRY(req_json(rq, false, &how.sent));
	if (!whole && input_needs_zone(event_fields, how.sent))
		TRY(events_zone(rq->ctx, &id, &mode.zone));
	TRY(input_read(rq->ctx, event_fields, how.sent, mode, &in));
	TRY(events_update(rq->ctx, &how, &in, &p));
	rq->message = "event updated";
	return reply_event(rq, 200, &p);
}

static enum err events_put(struct req *rq)
{
	return edit(rq, true);
}

static enum err events_patch(struct req *rq)
{
	return edit(rq, false);
}

static enum err events_remove(struct req *rq)
{
	struct id id;
	struct change how = { .id = &id };
	struct effect e;

	TRY(events_find(rq->ctx, req_param(rq, "id"), &id));
	TRY(req_if_match(rq, &how.versions));
	TRY(events_delete(rq->ctx, &how, &e));
	rq->message = "event deleted";
	return reply_data(rq, 200, e.body);
}

static enum err events_post_cancel(struct req *rq)
{
	struct id id;
	struct change how = { .id = &id, .idem = &rq->idem, .fields = event_cancel_fields };
	struct event_parts p;
	struct effect e;
	struct input in;

	TRY(events_find(rq->ctx, req_param(rq, "id"), &id));
	TRY(req_if_match(rq, &how.versions));
	TRY(req_json(rq, true, &how.sent));
	TRY(input_read(rq->ctx, event_cancel_fields, how.sent, (struct input_mode){ 0 }, &in));
	TRY(events_cancel(rq->ctx, &how, js_str(in.values, "reason"), &e, &p));
	mark_replay(rq, &e);
	rq->message = "event cancelled";
	return reply_event(rq, e.status, &p);
}

static enum err events_post_publish(struct req *rq)
{
	struct id id;
	struct change how = { .id = &id, .idem = &rq->idem };
	struct event_parts p;
	struct json_object *none;
	struct effect e;

	TRY(events_find(rq->ctx, req_param(rq, "id"), &id));
	TRY(req_if_match(rq, &how.versions));
	TRY(req_json(rq, true, &none));
	TRY(events_publish(rq->ctx, &how, &e, &p));
	mark_replay(rq, &e);
	rq->message = "event published";
	return reply_event(rq, e.status, &p);
}

static enum err events_post_duplicate(struct req *rq)
{
	struct id of, id = id_new();
	struct change how = { .id = &id, .idem = &rq->idem, .fields = event_duplicate_fields,
			      .of = &of };
	struct input_mode mode = { 0 };
	struct event_parts p;
	struct effect e;
	struct input in;

	TRY(events_find(rq->ctx, req_param(rq, "id"), &of));
	TRY(req_json(rq, true, &how.sent));
	if (input_needs_zone(event_duplicate_fields, how.sent))
		TRY(events_zone(rq->ctx, &of, &mode.zone));
	TRY(input_read(rq->ctx, event_duplicate_fields, how.sent, mode, &in));
	TRY(events_duplicate(rq->ctx, &how, js_str(in.values, "start_date"), &e, &p));
	if (!e.replayed)
		metric_count(N_EVENTS_CREATED);
	mark_replay(rq, &e);
	rq->message = "event duplicated";
	return reply_event(rq, e.status, &p);
}

static enum err categories_index(struct req *rq)
{
	const char *json;

	TRY(events_categories(rq->ctx, &json));
	return reply_data(rq, 200, json);
}

#define KEYED (RF_KEYED | RF_IF_MATCH)
const struct route event_routes[] = {
	{ M_GET, "/events", events_index, WHO_ANY, 0, RL_BROWSE, C_DOC, RF_REPLICA, NULL,
	  list_fields,
	  "Coming events that the reader may see, by date; filters, pages, cursors" },
	{ M_POST, "/events", events_post, WHO_MEMBER, MAY_EVENTS_CREATE, RL_CREATE, C_NONE,
	  RF_KEYED, event_fields, NULL, "Creates an event hosted by the caller" },
	{ M_GET, "/events/my", events_mine, WHO_MEMBER, 0, RL_BROWSE, C_DOC, RF_REPLICA, NULL,
	  my_fields,
	  "The caller's events by role: hosting, attending, invited, past" },
	{ M_GET, "/events/categories", categories_index, WHO_ANY, 0, RL_BROWSE, C_PUBLIC, 0, NULL,
	  NULL, "All categories" },
	{ M_GET, "/categories", categories_index, WHO_ANY, 0, RL_BROWSE, C_PUBLIC, 0, NULL, NULL,
	  "All categories" },
	{ M_GET, "/events/:id", events_show, WHO_ANY, 0, RL_BROWSE, C_DOC, 0, NULL, event_query,
	  "One event, by id or slug" },
	{ M_PUT, "/events/:id", events_put, WHO_MEMBER, 0, RL_WRITE, C_NONE, RF_IF_MATCH,
	  event_fields, NULL, "Replaces an event: what is absent goes back to its default" },
	{ M_PATCH, "/events/:id", events_patch, WHO_MEMBER, 0, RL_WRITE, C_NONE, RF_IF_MATCH,
	  event_fields, NULL, "Changes the named members of an event (RFC 7396)" },
	{ M_DELETE, "/events/:id", events_remove, WHO_MEMBER, 0, RL_WRITE, C_NONE, RF_IF_MATCH,
	  NULL, NULL, "Deletes an event" },
	{ M_POST, "/events/:id/cancel", events_post_cancel, WHO_MEMBER, 0, RL_WRITE, C_NONE, KEYED,
	  event_cancel_fields, NULL, "Calls an event off and tells everybody affected" },
	{ M_POST, "/events/:id/publish", events_post_publish, WHO_MEMBER, 0, RL_WRITE, C_NONE,
	  KEYED, NULL, NULL, "Makes a draft active" },
	{ M_POST, "/events/:id/duplicate", events_post_duplicate, WHO_MEMBER, MAY_EVENTS_CREATE,
	  RL_CREATE, C_NONE, RF_KEYED, event_duplicate_fields, NULL,
	  "Makes a draft like this event, hosted by the caller, without its registrations" },
	ROUTE_END
};
