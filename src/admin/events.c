/* src/admin/events.c - the list of events: all of them for staff, for others their own */
#include "admin/admin.h"

#include "core/clock.h"
#include "core/json.h"
#include "domain/list.h"
#include "domain/page.h"

const struct input_field desk_fields[] = {
	PAGE_ROWS,
	{ "find", IN_LINE, 0, 1, 200, 0, NULL, NULL, "Words of title and tags, or the slug" },
	{ "category", IN_LINE, 0, 1, 100, 0, NULL, NULL, "Slug, name or alias" },
	{ "from", IN_TIME, 0, 0, 0, 0, NULL, NULL, "Begins at or after" },
	{ "to", IN_END_TIME, 0, 0, 0, 0, NULL, NULL, "Begins before" },
	{ "status", IN_WORD, 0, 0, 0, 0, "draft|active|cancelled|completed", NULL, "Default all" },
	{ "host", IN_LINE, 0, 1, 254, 0, NULL, NULL, "The host's e-mail address" },
	DONE_ROW,
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};

/* The last day of a span ends where the next one begins. */
static void add_day(struct json_object *o, const char *name, const char *instant, int64_t less_us)
{
	char text[CLOCK_TEXT];
	int64_t us;

	if (instant && clock_parse(instant, &us) == CLOCK_INSTANT)
		js_add(o, name, js_made(json_object_new_string_len(
				clock_format(us - less_us, text), 10)));
}

/* What was asked for, so that the form shows it again. */
static void add_filters(struct req *rq, struct json_object *o)
{
	static const char *const statuses[] = { "draft", "active", "cancelled", "completed" };
	struct json_object *asked = rq->query.values, *words;
	struct json_object *rows = js_made(json_object_new_array());
	const char *status = js_str(asked, "status");

	js_add(o, "asked", json_object_get(asked));
	add_day(o, "from_day", js_str(asked, "from"), 0);
	add_day(o, "to_day", js_str(asked, "to"), 1);
	json_object_object_get_ex(o, "t", &words);
	json_object_object_get_ex(words, "words", &words);
	js_add(o, "statuses", rows);
	for (size_t i = 0; i < COUNT(statuses); i++) {
		struct json_object *row = js_made(json_object_new_object());

		js_push(rows, row);
		js_put(row, "value", statuses[i]);
		js_put(row, "label", js_str(words, statuses[i]));
		js_flag(row, "chosen", status && strcmp(status, statuses[i]) == 0);
	}
}

enum err admin_events(struct req *rq)
{
	struct json_object *o = desk_data(rq, "events"), *events, *categories;
	const char *category = js_str(rq->query.values, "category");
	struct list l;

	TRY(list_desk(rq->ctx, &rq->query, &l));
	TRY(events_category_choices(rq->ctx, category, &categories));
	js_add(o, "categories", json_object_get(categories));
	events = js_own(rq->ctx->arena, l.items);
	for (size_t i = 0; i < json_object_array_length(events); i++)
		desk_look(rq, o, json_object_array_get_idx(events, i));
	js_add(o, "events", json_object_get(events));
	add_filters(rq, o);
	desk_add_next(rq, o, l.pagination);
	return page_reply(rq, 200, "admin/events", o);
}
