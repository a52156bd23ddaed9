/* src/site/agenda.c - what comes: the filters of the API's list, a day after the other */
#include "core/json.h"
#include "core/strbuf.h"
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
			js_add(day, "day", js_made(json_object_new_string(last)));
			js_add(day, "events", list);
			js_push(days, day);
		}
		js_push(list, json_object_get(e));
	}
	return days;
}

/* The page after this one: the same filters with another cursor. */
static void add_next(struct req *rq, struct json_object *o, struct json_object *pagination)
{
	const char *cursor = js_str(pagination, "next_cursor");
	struct arena *a = rq->ctx->arena;
	struct strbuf b;

	if (!cursor)
		return;
	strbuf_init(&b, a, 16384);
	strbuf_adds(&b, "/?");
	json_object_object_foreach(rq->query.values, name, v) {
		if (strcmp(name, "cursor") == 0 || strcmp(name, "page") == 0)
			continue;
		for (size_t i = 0; i < (json_object_is_type(v, json_type_array) ?
						json_object_array_length(v) : 1); i++) {
			struct json_object *one = json_object_is_type(v, json_type_array) ?
							  json_object_array_get_idx(v, i) : v;

			strbuf_adds(&b, name);
			strbuf_addc(&b, '=');
			strbuf_addstr(&b, http_encode(a, str_of(json_object_get_string(one))));
			strbuf_addc(&b, '&');
		}
	}
	strbuf_adds(&b, "cursor=");
	strbuf_addstr(&b, http_encode(a, str_of(cursor)));
	js_add(o, "next", js_made(json_object_new_string(strbuf_str(&b))));
}

static enum err add_categories(struct req *rq, struct json_object *o)
{
	const char *chosen = js_str(rq->query.values, "category"), *json;
	struct json_object *list;

	TRY(events_categories(rq->ctx, &json));
	list = js_own(rq->ctx->arena, json);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *one = json_object_array_get_idx(list, i);

		if (chosen && strcmp(chosen, js_str(one, "slug")) == 0)
			js_add(one, "chosen", js_made(json_object_new_boolean(true)));
	}
	js_add(o, "categories", json_object_get(list));
	return OK;
}

/* What was asked for, so that the form shows it again. */
static void add_filters(struct req *rq, struct json_object *o)
{
	const char *from = js_str(rq->query.values, "from");

	js_add(o, "filters", json_object_get(rq->query.values));
	if (from)
		js_add(o, "from_day", js_made(json_object_new_string_len(from, 10)));
}

enum err site_agenda(struct req *rq)
{
	struct arena *a = rq->ctx->arena;
	struct json_object *o = page_data(rq), *events;
	struct list l;

	TRY(list_events(rq->ctx, &rq->query, &l));
	TRY(add_categories(rq, o));
	events = js_own(a, l.items);
	js_add(o, "days", by_day(rq, events));
	add_filters(rq, o);
	add_next(rq, o, js_own(a, l.pagination));
	return page_reply(rq, 200, "site/agenda", o);
}
