/* src/admin/system.c - how the parts fare, and what can be done about them; categories */
#include "admin/admin.h"

#include "core/json.h"
#include "domain/doctor.h"
#include "domain/operations.h"
#include "web/metrics.h"

/* ---- system ---- */

const struct input_field desk_job_fields[] = {
	{ "name", IN_LINE, IN_REQUIRED, 1, 200, 0, NULL, NULL, "Which job" },
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};
const struct input_field desk_parked_fields[] = {
	{ "pos", IN_INT, IN_REQUIRED, 1, 9e15, 0, NULL, NULL, "Which message" },
	{ "act", IN_WORD, IN_REQUIRED, 0, 0, 0, "replay|drop", NULL, "Send it after all, or not" },
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};

static void add_settings(struct req *rq, struct json_object *o)
{
	struct json_object *rows = js_made(json_object_new_array());
	char buf[64];

	js_add(o, "settings", rows);
	for (const struct cfg_row *row = cfg_rows; row->name; row++) {
		struct json_object *one = js_made(json_object_new_object());

		js_push(rows, one);
		js_put(one, "name", row->name);
		js_put(one, "value", config_value(rq->ctx->cfg, row, buf, sizeof(buf)));
		js_put(one, "text", row->text);
	}
}

static void add_cache(struct json_object *o)
{
	static const struct {
		const char *name;
		enum counter n;
	} rows[] = { { "hits", N_CACHE_HITS }, { "misses", N_CACHE_MISSES },
		     { "l1", N_CACHE_L1_HITS } };
	struct json_object *cache = js_made(json_object_new_object());

	js_add(o, "cache", cache);
	for (size_t i = 0; i < COUNT(rows); i++)
		js_number(cache, rows[i].name, (int64_t)metric_value(rows[i].n));
}

/* What was found when somebody last asked: see doctor_keep. */
static void add_doctor(struct json_object *o, struct json_object *beats)
{
	static const char *const kinds[] = { "good", "warn", "bad" };
	struct json_object *doctor = js_get(beats, "doctor"), *checks = js_get(doctor, "checks");
	struct json_object *words = js_get(js_get(js_get(js_get(o, "t"), "desk"), "system"),
					   "verdicts");

	js_add(o, "doctor", json_object_get(doctor));
	for (size_t i = 0; doctor && i < json_object_array_length(checks); i++) {
		struct json_object *one = json_object_array_get_idx(checks, i);
		const char *verdict = js_str(one, "verdict");

		js_put(one, "word", js_str(words, verdict));
		for (int v = 0; v < V_COUNT; v++)
			if (strcmp(verdict_words[v], verdict) == 0)
				js_put(one, "kind", kinds[v]);
	}
}

static void add_invariants(struct json_object *o, struct json_object *beats)
{
	struct json_object *last = js_get(beats, "invariants");

	js_add(o, "invariants", json_object_get(last));
	js_flag(o, "holds", last && json_object_get_int64(js_get(last, "violations")) == 0);
}

/* PostgreSQL's text of an instant, to the second. */
static void shorten(struct json_object *o, const char *name)
{
	const char *text = js_str(o, name);

	if (text)
		js_add(o, name, js_made(json_object_new_string_len(text,
				(int)strcspn(text, ".+"))));
}

enum err admin_system(struct req *rq)
{
	struct json_object *o = desk_data(rq, "system"), *jobs, *parked, *beats;

	TRY(beats_get(rq->ctx, &beats));
	desk_add_health(rq, o, beats);
	TRY(jobs_list(rq->ctx, &jobs));
	TRY(parked_list(rq->ctx, &parked));
	for (size_t i = 0; i < json_object_array_length(jobs); i++) {
		struct json_object *job = json_object_array_get_idx(jobs, i);

		shorten(job, "run_at");
		shorten(job, "finished_at");
		js_flag(job, "failing", strcmp(js_str(job, "failures"), "0") != 0);
	}
	js_add(o, "jobs", json_object_get(jobs));
	js_add(o, "parked", json_object_get(parked));
	js_put(o, "postgresql", server_version(rq->ctx));
	add_invariants(o, beats);
	add_doctor(o, beats);
	add_settings(rq, o);
	add_cache(o);
	return page_reply(rq, 200, "admin/system", o);
}

enum err admin_doctor(struct req *rq)
{
	struct json_object *sent;
	struct input in;

	TRY(form_read(rq, desk_no_fields, (struct input_mode){ 0 }, &sent, &in));
	TRY(doctor_keep(rq->ctx));
	return desk_done(rq, "/admin/system", "looked");
}

enum err admin_job(struct req *rq)
{
	struct json_object *sent;
	struct input in;

	TRY(form_read(rq, desk_job_fields, (struct input_mode){ 0 }, &sent, &in));
	TRY(jobs_run(rq->ctx, js_str(in.values, "name")));
	return desk_done(rq, "/admin/system", "due");
}

enum err admin_parked(struct req *rq)
{
	struct json_object *sent;
	struct input in;
	bool replay;

	TRY(form_read(rq, desk_parked_fields, (struct input_mode){ 0 }, &sent, &in));
	replay = strcmp(js_str(in.values, "act"), "replay") == 0;
	TRY(parked_settle(rq->ctx, json_object_get_string(js_get(in.values, "pos")), replay));
	return desk_done(rq, "/admin/system", replay ? "replayed" : "dropped");
}

/* ---- categories ---- */

/* The form: of a new one, or of the one that texts name. */
static enum err show_categories(struct req *rq, int status, struct json_object *texts, bool fresh)
{
	struct json_object *o = desk_data(rq, "categories"), *list;

	form_add(rq, o, category_fields, texts);
	ctx_forgive(rq->ctx);
	TRY(events_category_choices(rq->ctx, NULL, &list));
	js_add(o, "categories", json_object_get(list));
	js_flag(o, "fresh", fresh);
	js_put(o, "slug", js_str(texts, "slug"));
	return page_reply(rq, status, "admin/categories", o);
}

enum err admin_categories(struct req *rq)
{
	const char *slug = js_str(rq->query.values, "edit");
	struct json_object *list, *fresh = js_object(rq->ctx->arena);

	TRY(events_category_choices(rq->ctx, slug, &list));
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *one = json_object_array_get_idx(list, i);

		if (json_object_get_boolean(js_get(one, "chosen")))
			return show_categories(rq, 200, form_texts(rq, category_fields, one, "UTC"),
					       false);
	}
	js_put(fresh, "is_active", "true");
	js_put(fresh, "color", "#64748B");
	return slug ? fail(rq->ctx, E_NOTFOUND, "no such category") :
		      show_categories(rq, 200, fresh, true);
}

enum err admin_category_save(struct req *rq)
{
	struct json_object *sent;
	struct input in;
	enum err e = form_read(rq, category_fields, (struct input_mode){ 0 }, &sent, &in);
	bool fresh = js_str(sent, "_fresh") && *js_str(sent, "_fresh");

	if (e == OK)
		e = category_save(rq->ctx, &in, fresh);
	if (e == E_INVALID)
		return show_categories(rq, err_info(e)->http, sent, fresh);
	TRY(e);
	return desk_done(rq, "/admin/categories", "category");
}
