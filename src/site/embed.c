/* src/site/embed.c - events within other sites: as a page for a frame, and as a fragment that their
 * web server includes; for everybody who reads there, so nobody is signed in here */
#include "core/json.h"
#include "domain/list.h"
#include "site/site.h"

static bool wants_fragment(const struct req *rq)
{
	struct json_object *v;

	return json_object_object_get_ex(rq->query.values, "fragment", &v) &&
	       json_object_get_boolean(v);
}

static enum err reply(struct req *rq, struct json_object *o)
{
	return page_reply(rq, 200, wants_fragment(rq) ? "embed/events" : "embed/page", o);
}

enum err site_embed_event(struct req *rq)
{
	struct json_object *o, *list = js_made(json_object_new_array()), *e;
	struct event_parts p;
	struct id id;

	rq->actor = actor_anonymous;
	o = page_data(rq);
	js_add(o, "events", list);
	TRY(events_find(rq->ctx, req_param(rq, "id"), &id));
	TRY(site_event_data(rq, &id, false, &p, &e));
	js_push(list, json_object_get(e));
	js_add(o, "title", json_object_get(json_object_object_get(e, "title")));
	return reply(rq, o);
}

enum err site_embed_list(struct req *rq)
{
	struct json_object *o, *events;
	const char *all;
	struct list l;

	rq->actor = actor_anonymous;
	o = page_data(rq);
	if (!js_has(rq->query.values, "limit"))
		js_number(rq->query.values, "limit", 5);
	TRY(list_events(rq->ctx, &rq->query, &l));
	events = js_own(rq->ctx->arena, l.items);
	for (size_t i = 0; i < json_object_array_length(events); i++)
		site_look(rq, json_object_array_get_idx(events, i));
	js_add(o, "events", json_object_get(events));
	all = arena_printf(rq->ctx->arena, "%s%s", rq->ctx->cfg->http_public_url,
			   page_query(rq, "/", "cursor page limit fragment", NULL));
	js_put(o, "title", site_name(rq));
	js_put(o, "all", all);
	return reply(rq, o);
}
