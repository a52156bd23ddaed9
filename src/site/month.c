/* src/site/month.c - a month of events as a grid of weeks */
#include "core/clock.h"
#include "core/json.h"
#include "domain/list.h"
#include "site/site.h"

#include <stdio.h>
#include <time.h>

#define DAY_US (INT64_C(86400) * 1000000)
#define CELLS_MAX 42
#define SHOWN_A_DAY 4	/* the rest is behind a link */

struct grid {
	int64_t first;		/* its first day, as midnight in UTC */
	int cells;		/* whole weeks */
	struct tm month;	/* its first day */
	struct json_object *days[CELLS_MAX], *events[CELLS_MAX];
	int more[CELLS_MAX];
};

static const char *day_text(struct arena *a, int64_t day_us)
{
	char text[CLOCK_TEXT];

	return arena_strndup(a, clock_format(day_us, text), 10);
}

/* The month that was asked for, or the one it is. */
static enum err month_of(struct req *rq, struct tm *out)
{
	const char *sent = js_str(rq->query.values, "month");
	int64_t us = clock_now_us();

	if (sent && clock_parse(arena_printf(rq->ctx->arena, "%s-01", sent), &us) != CLOCK_DAY)
		return fail_field(rq->ctx, "month", "must be a month such as 2026-12");
	clock_local(NULL, us, out);
	*out = (struct tm){ .tm_year = out->tm_year, .tm_mon = out->tm_mon, .tm_mday = 1 };
	timegm(out);
	return OK;
}

static void lay_out(struct grid *g)
{
	struct tm first = g->month, next = g->month;
	int before;

	next.tm_mon++;
	int64_t begins = (int64_t)timegm(&first) * 1000000, ends = (int64_t)timegm(&next) * 1000000;

	before = (first.tm_wday + 6) % 7;	/* weeks begin on Monday (ISO 8601) */
	g->first = begins - before * DAY_US;
	g->cells = (int)((ends - g->first + 7 * DAY_US - 1) / (7 * DAY_US)) * 7;
}

/* The events that clocks somewhere show within the grid, with the filters of the request. */
static enum err find_events(struct req *rq, const struct grid *g, struct list *out)
{
	struct input in = { js_object(rq->ctx->arena) };
	char text[CLOCK_TEXT];

	json_object_object_foreach(rq->query.values, name, v)
		if (!str_listed("view month page cursor limit count sort from to", name))
			js_add(in.values, name, json_object_get(v));
	js_put(in.values, "from", clock_format(g->first - DAY_US, text));
	js_put(in.values, "to", clock_format(g->first + (g->cells + 1) * DAY_US, text));
	js_number(in.values, "limit", LIST_FEED);
	return list_events(rq->ctx, &in, out);
}

/* The day on which it begins, by the clocks there. */
static int cell_of(const struct grid *g, struct json_object *e)
{
	int64_t us = 0, day;
	struct tm tm;

	(void)clock_parse(js_str(e, "start_date"), &us);
	clock_local(js_str(e, "timezone"), us, &tm);
	struct tm date = { .tm_year = tm.tm_year, .tm_mon = tm.tm_mon, .tm_mday = tm.tm_mday };

	day = (int64_t)timegm(&date) * 1000000 - g->first;
	return day >= 0 && day < g->cells * DAY_US ? (int)(day / DAY_US) : -1;
}

static void fill_in(struct req *rq, struct grid *g, struct json_object *events)
{
	for (size_t i = 0; i < json_object_array_length(events); i++) {
		struct json_object *e = json_object_array_get_idx(events, i);
		int cell = cell_of(g, e);

		if (cell < 0)
			continue;
		if (json_object_array_length(g->events[cell]) == SHOWN_A_DAY) {
			g->more[cell]++;
			continue;
		}
		site_look(rq, e);
		js_push(g->events[cell], json_object_get(e));
	}
}

static void add_day(struct req *rq, struct grid *g, int cell, struct json_object *week)
{
	struct json_object *day = js_made(json_object_new_object());
	const char *text = day_text(rq->ctx->arena, g->first + cell * DAY_US);
	struct tm tm;

	clock_local(NULL, g->first + cell * DAY_US, &tm);
	js_number(day, "number", tm.tm_mday);
	js_put(day, "date", text);
	js_put(day, "name", page_text_at(rq, "days", tm.tm_wday));
	js_flag(day, "outside", tm.tm_mon != g->month.tm_mon);
	js_flag(day, "today", strcmp(text, day_text(rq->ctx->arena, clock_now_us())) == 0);
	js_put(day, "list",
	       page_query(rq, arena_printf(rq->ctx->arena, "/?from=%s&to=%s", text, text),
			  "cursor page view month limit count sort from to", NULL));
	g->days[cell] = day;
	g->events[cell] = js_made(json_object_new_array());
	js_add(day, "events", g->events[cell]);
	js_push(week, day);
}

static void add_weeks(struct req *rq, struct grid *g, struct json_object *o)
{
	struct json_object *weeks = js_made(json_object_new_array()), *days = NULL;

	for (int i = 0; i < g->cells; i++) {
		if (i % 7 == 0) {
			struct json_object *week = js_made(json_object_new_object());

			days = js_made(json_object_new_array());
			js_add(week, "days", days);
			js_push(weeks, week);
		}
		add_day(rq, g, i, days);
	}
	js_add(o, "weeks", weeks);
}

/* The address of the month so many months away. */
static void add_neighbour(struct req *rq, const struct grid *g, int months, struct json_object *o)
{
	struct tm tm = g->month;
	const char *path;

	tm.tm_mon += months;
	timegm(&tm);
	path = arena_printf(rq->ctx->arena, "/?view=month&month=%04d-%02d", tm.tm_year + 1900,
			    tm.tm_mon + 1);
	js_put(o, months < 0 ? "month_before" : "month_after",
	       page_query(rq, path, "cursor page view month limit count sort from to", NULL));
}

enum err site_month(struct req *rq, struct json_object *o)
{
	struct json_object *names = js_made(json_object_new_array());
	struct arena *a = rq->ctx->arena;
	struct grid g = { .cells = 0 };
	struct list l;

	js_add(o, "weekdays", names);	/* and so it belongs to the arena */
	TRY(month_of(rq, &g.month));
	lay_out(&g);
	TRY(find_events(rq, &g, &l));
	js_put(o, "month",
	       arena_printf(a, "%s %d", page_text_at(rq, "months", g.month.tm_mon),
			    g.month.tm_year + 1900));
	add_neighbour(rq, &g, -1, o);
	add_neighbour(rq, &g, 1, o);
	for (int i = 1; i <= 7; i++)
		js_push(names, js_made(json_object_new_string(page_text_at(rq, "days", i % 7))));
	add_weeks(rq, &g, o);
	fill_in(rq, &g, js_own(a, l.items));
	for (int i = 0; i < g.cells; i++)
		if (g.more[i])
			js_number(g.days[i], "more", g.more[i]);
	js_flag(o, "too_many", js_str(js_own(a, l.pagination), "next_cursor"));
	return OK;
}
