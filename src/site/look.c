/* src/site/look.c - an event as templates show it */
#include "core/json.h"
#include "site/site.h"

static bool is(struct json_object *e, const char *name, const char *word)
{
	const char *v = js_str(e, name);

	return v && strcmp(v, word) == 0;
}

/* NULL: as many as want to come. */
static bool is_full(struct json_object *e)
{
	struct json_object *left = js_get(js_get(e, "stats"), "remaining");

	return left && json_object_get_int64(left) <= 0;
}

void site_look(struct req *rq, struct json_object *e)
{
	struct arena *a = rq->ctx->arena;
	const char *zone = js_str(e, "timezone"), *start = js_str(e, "start_date");

	js_put(e, "when", page_when(rq, start, js_str(e, "end_date"), zone));
	js_put(e, "day", page_day(rq, start, zone));
	js_put(e, "hours", page_hours(rq, start, js_str(e, "end_date"), zone));
	js_put(e, "begins", page_hours(rq, start, NULL, zone));
	js_put(e, "path", arena_printf(a, "/e/%s", js_str(e, "slug")));
	js_put(e, "address",
	       arena_printf(a, "%s%s", rq->ctx->cfg->http_public_url, js_str(e, "path")));
	js_flag(e, "free", json_object_get_double(js_get(e, "price")) == 0);
	js_flag(e, "full", is_full(e));
	js_flag(e, "cancelled", is(e, "status", "cancelled"));
	js_flag(e, "open", is(e, "status", "active"));
	js_flag(e, "over", is(e, "status", "completed"));
}

const char *site_name(struct req *rq)
{
	return page_text(rq, "site");
}
