/* src/admin/home.c - what staff looks at first: how much happens, and whether all is well */
#include "admin/admin.h"

#include "core/json.h"
#include "domain/health.h"
#include "domain/operations.h"

/* ---- charts: numbers become places of bars, partials/chart draws them ---- */

#define WIDTH 640
#define STANDING 150	/* height of bars that stand, with room for labels below */
#define LYING 26	/* of one that lies */
#define LABEL 220	/* width of the labels of those */

static int64_t largest(struct json_object *rows)
{
	int64_t most = 1;

	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		int64_t n = json_object_get_int64(js_get(json_object_array_get_idx(rows, i), "n"));

		most = n > most ? n : most;
	}
	return most;
}

enum shape { DAYS, MONTHS, LISTED };

/* A bar on its foot for each row; every seventh day is labelled. What a month lacks of all stands
 * on it. */
static void stand(struct json_object *row, size_t i, size_t n, int64_t most, enum shape shape)
{
	int64_t step = WIDTH / (int64_t)n;
	int64_t h = json_object_get_int64(js_get(row, "n")) * STANDING / most;
	const char *label = js_str(row, "label");

	js_number(row, "x", (int64_t)i * step + 1);
	js_number(row, "y", STANDING - h);
	js_number(row, "w", step - 2);
	js_number(row, "h", h);
	js_number(row, "text_x", (int64_t)(i + 1) * step); /* where the label ends */
	js_flag(row, "ends", true);
	js_number(row, "text_y", STANDING + 16);
	if (shape == DAYS)
		js_put(row, "text", (n - 1 - i) % 7 == 0 ? label + strlen("2026-") : NULL);
	else
		js_put(row, "text", label + strlen("20"));
	if (shape == MONTHS && js_get(row, "n"))
		js_number(row, "rest", STANDING - h);
}

static void lie(struct json_object *row, size_t i, int64_t most)
{
	int64_t w = json_object_get_int64(js_get(row, "n")) * (WIDTH - LABEL - 60) / most;

	js_number(row, "x", LABEL);
	js_number(row, "y", (int64_t)i * LYING + 4);
	js_number(row, "w", w > 0 ? w : 1);
	js_number(row, "h", LYING - 8);
	js_number(row, "text_x", 0);
	js_number(row, "text_y", (int64_t)i * LYING + 18);
	js_put(row, "text", js_str(row, "label"));
	js_number(row, "end_x", LABEL + w + 8);
}

/* rows: [{label, n}], of months in percent with shown, what is told of each. The chart takes them
 * over; without rows there is none. */
static void add_chart(struct json_object *o, const char *name, struct json_object *rows,
		      enum shape shape)
{
	struct json_object *chart = js_made(json_object_new_object());
	size_t n = json_object_array_length(rows);
	int64_t most = shape == MONTHS ? 100 : largest(rows);

	js_add(chart, "bars", rows);
	js_put(chart, "title", desk_word(o, "home", name));
	js_number(chart, "width", WIDTH);
	js_number(chart, "height", shape == LISTED ? (int64_t)n * LYING : STANDING + 22);
	for (size_t i = 0; i < n; i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		if (shape == LISTED)
			lie(row, i, most);
		else
			stand(row, i, n, most, shape);
		if (shape != MONTHS)
			js_add(row, "shown", json_object_get(js_get(row, "n")));
	}
	js_add(o, name, n ? chart : NULL);
	if (!n)
		json_object_put(chart);
}

/* ---- the page ---- */

static struct json_object *rows_of(struct json_object *figures, const char *kind)
{
	struct json_object *rows = js_made(json_object_new_array());

	for (size_t i = 0; i < json_object_array_length(figures); i++) {
		struct json_object *f = json_object_array_get_idx(figures, i), *row;

		if (strcmp(js_str(f, "kind"), kind) != 0)
			continue;
		row = js_made(json_object_new_object());
		js_put(row, "label", js_str(f, "key")[0] ? js_str(f, "key") : "–");
		js_add(row, "n", json_object_get(js_get(f, "n")));
		js_push(rows, row);
	}
	return rows;
}

static const char *percent(struct req *rq, int64_t part, int64_t all)
{
	return arena_printf(rq->ctx->arena, "%lld %%", (long long)((part * 100 + all / 2) / all));
}

/* Of those who held a seat, how many had come: the share as n and shown, the numbers as more. */
static void add_share(struct req *rq, struct json_object *row, int64_t came, int64_t missed)
{
	struct json_object *more = js_made(json_object_new_array());
	int64_t all = came + missed;

	js_add(row, "more", more);
	js_push(more, js_made(json_object_new_int64(came)));
	js_push(more, js_made(json_object_new_int64(missed)));
	js_put(row, "shown", all ? percent(rq, came, all) : "–");
	js_add(row, "n", all ? js_made(json_object_new_int64(came * 100 / all)) : NULL);
}

/* The figures came and no_show stand in the order of their months, and each month is in both. */
static void add_attendance(struct req *rq, struct json_object *o, struct json_object *figures)
{
	struct json_object *rows = rows_of(figures, "came"), *missed = rows_of(figures, "no_show");
	int64_t came = 0, all = 0;

	js_add(o, "missed", missed);	/* and so it belongs to the arena */
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);
		struct json_object *other = json_object_array_get_idx(missed, i);
		int64_t in = json_object_get_int64(js_get(row, "n"));
		int64_t out = json_object_get_int64(js_get(other, "n"));

		add_share(rq, row, in, out);
		came += in;
		all += in + out;
	}
	add_chart(o, "attendance", rows, MONTHS);
	if (!all)
		return;
	js_put(o, "rate", percent(rq, came, all));
	js_put(o, "no_show", percent(rq, all - came, all));
}

static enum err add_figures(struct req *rq, struct json_object *o)
{
	struct json_object *figures, *top, *totals = js_made(json_object_new_object());

	js_add(o, "totals", totals);	/* and so it belongs to the arena */
	TRY(figures_get(rq->ctx, &figures));
	TRY(figures_top(rq->ctx, &top));
	for (size_t i = 0; i < json_object_array_length(figures); i++) {
		struct json_object *f = json_object_array_get_idx(figures, i);

		if (strcmp(js_str(f, "kind"), "total") == 0)
			js_add(totals, js_str(f, "key"), json_object_get(js_get(f, "n")));
	}
	add_chart(o, "days", rows_of(figures, "day"), DAYS);
	add_chart(o, "categories", rows_of(figures, "category"), LISTED);
	add_attendance(rq, o, figures);
	js_add(o, "top", json_object_get(top));
	js_flag(o, "counted", js_get(totals, "events") != NULL);
	return OK;
}

/* How much waits in the outbox and for the mail server, as the notifier last reported. */
static void add_queue(struct json_object *row, const char *name, struct json_object *beat)
{
	static const struct {
		const char *part, *member, *shown;
	} rows[] = {
		{ "outbox", "pending", "pending" },	{ "outbox", "oldest_seconds", "oldest" },
		{ "outbox", "parked", "parked" },	{ "mail", "mail_pending", "pending" },
		{ "mail", "mail_oldest_seconds", "oldest" }, { "mail", "mail_parked", "parked" },
	};
	struct json_object *queue = NULL;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct json_object *v = js_get(beat, rows[i].member);

		if (strcmp(rows[i].part, name) != 0 || !v)
			continue;
		if (!queue)
			js_add(row, "queue", queue = js_made(json_object_new_object()));
		js_number(queue, rows[i].shown, json_object_get_int64(v));
	}
}

void desk_add_health(struct req *rq, struct json_object *o, struct json_object *beats)
{
	bool serving;
	struct json_object *health = js_own(rq->ctx->arena, health_json(rq->ctx, false, &serving));
	struct json_object *rows = js_made(json_object_new_array());

	js_put(o, "health", js_str(health, "status"));
	js_flag(o, "healthy", strcmp(js_str(health, "status"), "ok") == 0);
	js_add(o, "parts", rows);
	json_object_object_foreach(js_get(health, "dependencies"), name, state) {
		struct json_object *row = js_made(json_object_new_object());
		struct json_object *check = js_get(js_get(health, "checks"), name);
		const char *status = js_str(check, "status");

		js_push(rows, row);
		js_put(row, "name", name);
		js_put(row, "state", json_object_get_string(state));
		js_put(row, "says", js_str(check, "error"));
		js_flag(row, "well", status && strcmp(status, "ok") == 0);
		add_queue(row, name, js_get(beats, "notifier"));
	}
}

/* Staff gets the overview, others the list of their events. */
enum err admin_home(struct req *rq)
{
	struct json_object *o, *beats;

	if (!(rq->actor.permissions & MAY_ADMIN))
		return page_redirect(rq, "/admin/events");
	o = desk_data(rq, "dashboard");
	TRY(add_figures(rq, o));
	TRY(beats_get(rq->ctx, &beats));
	desk_add_health(rq, o, beats);
	return page_reply(rq, 200, "admin/home", o);
}
