/* src/site/agenda.c - what comes: the filters of the API's list, day after day or by the month */
#include "core/json.h"
#include "domain/events.h"
#include "domain/list.h"
#include "site/site.h"

/* [{day, events: […]}, …] out of events in the order of their time. */
static struct json_object *by_day(struct req *rq, struct json_object *events)
{
	struct json_object *days = js_made(json_object_new_array()), *list = NULL;
	const char *last = "";

	for (size_t i = 0; i < json_object_array_length(events); i++) {
		struct json_object *e = json_object_array_get_idx(events, i);

		site_look(rq, e);
		if (!list || strcmp(last, js_str(e, "day")) != 0) {
			struct json_object *day = js_made(json_object_new_object());

			last = js_str(e, "day");
			list = js_made(json_object_new_array());
			js_put(day, "day", last);
			js_add(day, "events", list);
			js_push(days, day);
		}
		js_push(list, json_object_get(e));
	}
	return days;
}

/* Where else what is shown can be had: the next page, the other view, for calendars and readers. */
static void add_addresses(struct req *rq, struct json_object *o)
{
	static const char for_feeds[] = "cursor page view month limit sort count from to";
	bool month = js_str(rq->query.values, "view") &&
		     strcmp(js_str(rq->query.values, "view"), "month") == 0;

	js_put(o, "as_list", page_query(rq, "/", "cursor page view month from to", NULL));
	js_put(o, "as_month",
	       page_query(rq, "/?view=month", "cursor page view month limit count from to", NULL));
	js_put(o, "as_ics", page_query(rq, "/events.ics", for_feeds, NULL));
	js_put(o, "as_atom", page_query(rq, "/events.atom", for_feeds, NULL));
	js_flag(o, "in_months", month);
}

/* What was asked for, so that the form shows it again. */
static void add_filters(struct req *rq, struct json_object *o)
{
	const char *from = js_str(rq->query.values, "from");
	struct json_object *tags;

	js_add(o, "filters", json_object_get(rq->query.values));
	if (from)
		js_add(o, "from_day", js_made(json_object_new_string_len(from, 10)));
	if (json_object_object_get_ex(rq->query.values, "tags", &tags))
		js_put(o, "tags_text", page_value_text(rq->ctx->arena, tags).p);
}

static enum err add_list(struct req *rq, struct json_object *o)
{
	struct arena *a = rq->ctx->arena;
	const char *cursor;
	struct list l;

	TRY(list_events(rq->ctx, &rq->query, &l));
	js_add(o, "days", by_day(rq, js_own(a, l.items)));
	cursor = js_str(js_own(a, l.pagination), "next_cursor");
	if (cursor)
		js_put(o, "next", page_query(rq, "/", "cursor page", cursor));
	return OK;
}

enum err site_agenda(struct req *rq)
{
	struct json_object *o = page_data(rq), *categories;
	const char *category = js_str(rq->query.values, "category");

	add_addresses(rq, o);
	if (json_object_get_boolean(json_object_object_get(o, "in_months")))
		TRY(site_month(rq, o));
	else
		TRY(add_list(rq, o));
	TRY(events_category_choices(rq->ctx, category, &categories));
	js_add(o, "categories", json_object_get(categories));
	add_filters(rq, o);
	return page_reply(rq, 200, "site/agenda", o);
}
