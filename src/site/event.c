/* src/site/event.c - the page of one event, and all routes of the site */
#include "core/json.h"
#include "core/strbuf.h"
#include "domain/events.h"
#include "domain/list.h"
#include "site/site.h"

static void put(struct json_object *o, const char *name, const char *value)
{
	js_add(o, name, js_made(json_object_new_string(value)));
}

/* schema.org's names for the states of an event. */
static const char *schema_status(struct json_object *e)
{
	return strcmp(js_str(e, "status"), "cancelled") == 0 ?
		       "https://schema.org/EventCancelled" : "https://schema.org/EventScheduled";
}

/* JSON-LD for search engines (schema.org/Event). */
static struct json_object *linked_data(struct json_object *e)
{
	struct json_object *virtual, *place = js_made(json_object_new_object());
	const struct {
		const char *name, *value;
	} members[] = {
		{ "@context", "https://schema.org" },
		{ "@type", "Event" },
		{ "name", js_str(e, "title") },
		{ "startDate", js_str(e, "start_date") },
		{ "endDate", js_str(e, "end_date") },
		{ "eventStatus", schema_status(e) },
		{ "description", js_str(e, "description") },
		{ "image", js_str(e, "image_url") },
		{ "url", js_str(e, "address") },
	};
	struct json_object *o = js_made(json_object_new_object());

	for (size_t i = 0; i < COUNT(members); i++)
		if (members[i].value)
			put(o, members[i].name, members[i].value);
	json_object_object_get_ex(e, "is_virtual", &virtual);
	put(place, "@type", json_object_get_boolean(virtual) ? "VirtualLocation" : "Place");
	put(place, "name", js_str(e, "location") ? js_str(e, "location") : "online");
	js_add(o, "location", place);
	return o;
}

enum err site_event(struct req *rq)
{
	struct arena *a = rq->ctx->arena;
	struct json_object *o = page_data(rq), *e;
	struct event_parts p;
	struct id id;

	TRY(events_find(rq->ctx, req_param(rq, "id"), &id));
	TRY(events_get(rq->ctx, &id, false, &p));
	views_count(rq->ctx, &id);
	e = js_own(a, arena_printf(a, "%.*s,%.*s}", (int)p.core.n - 1, p.core.p, (int)p.stats.n,
				   p.stats.p));
	site_look(rq, e);
	js_add(o, "ld", linked_data(e));
	js_add(o, "event", json_object_get(e));
	return page_reply(rq, 200, "site/event", o);
}

const struct route site_routes[] = {
	{ M_GET, "/", site_agenda, WHO_ANY, 0, RL_BROWSE, C_DOC, RF_PAGE | RF_REPLICA, NULL,
	  list_fields, "What comes, with filters" },
	{ M_GET, "/e/:id", site_event, WHO_ANY, 0, RL_BROWSE, C_DOC, RF_PAGE, NULL, NULL,
	  "One event" },
	ROUTE_END
};
