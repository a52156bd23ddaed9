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

/* A bar on its foot for each row; every seventh is labelled. */
static void stand(struct json_object *row, size_t i, size_t n, int64_t most)
{
	int64_t step = WIDTH / (int64_t)n;
	int64_t h = json_object_get_int64(js_get(row, "n")) * STANDING / most;

	js_number(row, "x", (int64_t)i * step + 1);
	js_number(row, "y", STANDING - h);
	js_number(row, "w", step - 2);
	js_number(row, "h", h);
	js_number(row, "text_x", (int64_t)(i + 1) * step); /* where the label ends */
	js_flag(row, "ends", true);
	js_number(row, "text_y", STANDING + 16);
	js_put(row, "text", (n - 1 - i) % 7 == 0 ? js_str(row, "label") + 5 : NULL);
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

/* rows: [{label, n}], for days standing bars. */
static void add_chart(struct json_object *o, const char *name, const char *title,
		      struct json_object *rows, bool days)
{
	struct json_object *chart = js_made(json_object_new_object());
	size_t n = json_object_array_length(rows);
	int64_t most = largest(rows);

	for (size_t i = 0; i < n; i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		if (days)
			stand(row, i, n, most);
		else
			lie(row, i, most);
	}
	js_put(chart, "title", title);
	js_number(chart, "width", WIDTH);
	js_number(chart, "height", days ? STANDING + 22 : (int64_t)n * LYING);
	js_add(chart, "bars", rows);
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
	add_chart(o, "days", desk_word(o, "home", "days"), rows_of(figures, "day"), true);
	add_chart(o, "categories", desk_word(o, "home", "categories"),
		  rows_of(figures, "category"), false);
	js_add(o, "top", json_object_get(top));
	js_flag(o, "counted", js_get(totals, "events") != NULL);
	return OK;
}

void desk_add_health(struct req *rq, struct json_object *o)
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
	}
}

/* Staff gets the overview, others the list of their events. */
enum err admin_home(struct req *rq)
{
	struct json_object *o;

	if (!(rq->actor.permissions & MAY_ADMIN))
		return page_redirect(rq, "/admin/events");
	o = desk_data(rq, "dashboard");
	TRY(add_figures(rq, o));
	desk_add_health(rq, o);
	return page_reply(rq, 200, "admin/home", o);
}
