/* src/admin/editor.c - the form of an event: new ones, changes with a look at what they mean before
 * they are made, and what to do when somebody else was faster */
#include "admin/admin.h"

#include "core/clock.h"
#include "core/json.h"
#include "domain/policy.h"
#include "web/metrics.h"

#include <stdlib.h>

/* ---- the form ---- */

static enum err add_categories(struct req *rq, struct json_object *o)
{
	struct json_object *list;

	TRY(events_category_choices(rq->ctx, NULL, &list));
	form_choice(o, "category", "", "–");
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *one = json_object_array_get_idx(list, i);

		if (json_object_get_boolean(js_get(one, "is_active")))
			form_choice(o, "category", js_str(one, "slug"), js_str(one, "name"));
	}
	return OK;
}

/* The fields with their texts and messages. What is recorded is forgotten: it has been told. */
static enum err add_form(struct req *rq, struct json_object *o, struct json_object *texts)
{
	form_add(rq, o, event_fields, texts);
	ctx_forgive(rq->ctx);
	return add_categories(rq, o);
}

/* Only the database knows by its clock what lies in the future. */
static void check_order(struct req *rq, const struct input *in)
{
	const char *start = js_str(in->values, "start_date"), *end = js_str(in->values, "end_date");
	int64_t from, to;

	if (start && end && clock_parse(start, &from) == CLOCK_INSTANT &&
	    clock_parse(end, &to) == CLOCK_INSTANT && to <= from)
		(void)!fail_field(rq->ctx, "end_date", "must lie after start_date");
}

/* ---- a new event ---- */

static enum err show_new(struct req *rq, int status, struct json_object *texts)
{
	struct json_object *o = desk_data(rq, "events");
	struct id id = id_new();

	/* A form that is sent twice makes one event. */
	js_put(o, "nonce", id.s);
	TRY(add_form(rq, o, texts));
	return page_reply(rq, status, "admin/new", o);
}

enum err admin_event_new(struct req *rq)
{
	struct json_object *texts = form_texts(rq, event_fields, NULL, "UTC");

	js_put(texts, "status", "draft");
	js_put(texts, "timezone", "UTC");
	js_put(texts, "privacy", "public");
	js_put(texts, "is_virtual", "false");
	js_put(texts, "waitlist_enabled", "true");
	js_put(texts, "price", "0.00");
	js_put(texts, "currency", "EUR");
	return show_new(rq, 200, texts);
}

/* Errors of which the form itself can tell; others get a page of their own. */
static bool is_told_by_form(enum err e)
{
	return e == E_INVALID || e == E_CLOSED || e == E_BELOW || e == E_CONFLICT ||
	       e == E_LIMIT;
}

enum err admin_event_create(struct req *rq)
{
	struct ctx *c = rq->ctx;
	struct id id = id_new();
	struct json_object *sent;
	struct event_parts p;
	struct effect made;
	struct input in;
	enum err e = form_read(rq, event_fields, (struct input_mode){ 0 }, &sent, &in);
	const char *nonce = js_str(sent, "_nonce");
	struct idempotency once = { c->actor->user.s, nonce, nonce };
	struct change how = { .id = &id, .idem = &once, .fields = event_fields };

	if (e == OK || e == E_INVALID)
		check_order(rq, &in);
	e = c->err;
	if (e == OK)
		e = events_create(c, &how, &in, &made, &p);
	if (is_told_by_form(e))
		return show_new(rq, err_info(e)->http, sent);
	TRY(e);
	if (!made.replayed)
		metric_count(N_EVENTS_CREATED);
	return desk_done(rq, arena_printf(c->arena, "/admin/events/%.36s",
					  js_str(event_object(c, &p), "id")), "created");
}

/* ---- an event there is ---- */

static enum err show_form(struct req *rq, int status, const struct desk_event *e,
			  struct json_object *texts)
{
	struct json_object *o = desk_data(rq, "events");
	const char *version = texts ? js_str(texts, "_version") : NULL;

	desk_add_event(rq, o, e);
	/* Of the event that the texts were made of, whatever has happened to it since. */
	js_put(o, "version",
	       version ? version : arena_printf(rq->ctx->arena, "%ld", e->parts.version));
	TRY(add_form(rq, o, texts ? texts : form_texts(rq, event_fields, e->doc, e->zone)));
	return page_reply(rq, status, "admin/edit", o);
}

enum err admin_event_edit(struct req *rq)
{
	struct desk_event e;

	TRY(desk_event(rq, "edit", &e));
	return show_form(rq, 200, &e, NULL);
}

/* Is the value that was read the one that the event has? Texts alone would take the same hour in
 * another zone for the same. */
static bool same(const struct input_field *f, struct json_object *now, struct json_object *then,
		 const char *const texts[2])
{
	if (f->type == IN_TIME || f->type == IN_END_TIME)
		return json_object_equal(now, then);
	return strcmp(texts[0], texts[1]) == 0;
}

static void add_change(struct json_object *rows, struct json_object *o, const char *name,
		       const char *const texts[2])
{
	static const char *const sides[] = { "old", "new" };
	struct json_object *row = js_made(json_object_new_object()), *t = js_get(o, "t");
	const char *label = js_str(js_get(t, "fields"), name);

	js_push(rows, row);
	js_put(row, "label", label ? label : name);
	for (size_t i = 0; i < COUNT(sides); i++) {
		const char *word = js_str(js_get(t, "words"), texts[i]);

		js_put(row, sides[i], word ? word : texts[i]);
	}
}

/* changes: [{label, old, new}], what differs between the event as it is and what was typed. */
static size_t add_changes(struct req *rq, struct json_object *o, const struct desk_event *e,
			  const struct input *in)
{
	struct json_object *rows = js_made(json_object_new_array());
	const char *zone = js_str(in->values, "timezone");
	struct json_object *old = form_texts(rq, event_fields, e->doc, e->zone);
	struct json_object *new = form_texts(rq, event_fields, in->values, zone ? zone : "UTC");

	js_add(o, "changes", rows);
	for (const struct input_field *f = event_fields; f->name; f++) {
		static const char *const halves[] = { "lat", "lng" };
		bool pair = f->type == IN_COORDS;

		if (!js_has(in->values, f->name))
			continue;
		for (int i = 0; i <= pair; i++) {
			const char *name = pair ? halves[i] : f->name;
			const char *texts[] = { js_str(old, name), js_str(new, name) };

			if (!same(f, js_get(e->doc, f->name), js_get(in->values, f->name), texts))
				add_change(rows, o, name, texts);
		}
	}
	return json_object_array_length(rows);
}

/* Who is told, and who moves up. */
static void add_effects(struct json_object *o, const struct desk_event *e, const struct input *in)
{
	long going = desk_count(e->doc, "going"), waiting = desk_count(e->doc, "waitlist");
	struct json_object *most = js_get(in->values, "max_attendees");
	long seats = most ? (long)json_object_get_int64(most) : going + waiting;
	long up = !js_has(in->values, "max_attendees") || seats <= going ? 0 : seats - going;

	js_number(o, "going", going);
	js_number(o, "waiting", waiting);
	js_number(o, "promoted", up < waiting ? up : waiting);
}

static enum err preview(struct req *rq, const struct desk_event *e, struct json_object *sent,
			const struct input *in)
{
	struct json_object *o = desk_data(rq, "events");

	desk_add_event(rq, o, e);
	if (add_changes(rq, o, e, in) == 0)
		return desk_done(rq, e->path, "same");
	add_effects(o, e, in);
	js_put(o, "version", js_str(sent, "_version"));
	form_hide(o, sent);
	return page_reply(rq, 200, "admin/preview", o);
}

/* Somebody has saved in between: both versions, and a form with what was typed. */
static enum err conflict(struct req *rq, const struct desk_event *e, struct json_object *sent,
			 const struct input *in)
{
	struct json_object *o = desk_data(rq, "events");

	ctx_forgive(rq->ctx);
	desk_add_event(rq, o, e);
	add_changes(rq, o, e, in);
	js_flag(o, "conflict", true);
	js_put(o, "version", arena_printf(rq->ctx->arena, "%ld", e->parts.version));
	TRY(add_form(rq, o, sent));
	return page_reply(rq, err_info(E_PRECOND)->http, "admin/edit", o);
}

/* What the form alone cannot know: seats that are taken. */
static void check_seats(struct req *rq, const struct desk_event *e, const struct input *in)
{
	struct json_object *most = js_get(in->values, "max_attendees");

	if (most && json_object_get_int64(most) < desk_count(e->doc, "going"))
		(void)!fail_field(rq->ctx, "max_attendees", "more seats are taken than that");
}

static enum err save(struct req *rq, const struct desk_event *e, struct json_object *sent,
		     const struct input *in)
{
	struct change how = { .id = &e->id, .fields = event_fields };
	struct event_parts p;
	struct desk_event now;
	enum err err;

	how.versions = arena_printf(rq->ctx->arena, "{%ld}", e->parts.version);
	err = events_update(rq->ctx, &how, in, &p);
	if (err == E_PRECOND) {
		ctx_forgive(rq->ctx);
		TRY(desk_event(rq, "edit", &now));
		return conflict(rq, &now, sent, in);
	}
	if (is_told_by_form(err))
		return show_form(rq, err_info(err)->http, e, sent);
	TRY(err);
	return desk_done(rq, e->path, "saved");
}

/* _step: what the button says, edit, save or (else) look first. _version: what the form was made
 * of. */
enum err admin_event_save(struct req *rq)
{
	struct ctx *c = rq->ctx;
	struct json_object *sent;
	const char *step, *version;
	struct desk_event e;
	struct input in;
	enum err err;

	TRY(desk_event(rq, "edit", &e));
	err = form_read(rq, event_fields, (struct input_mode){ .zone = e.zone }, &sent, &in);
	if (err != OK && err != E_INVALID)
		return err;
	check_order(rq, &in);
	check_seats(rq, &e, &in);
	if (c->err != OK)
		return show_form(rq, err_info(c->err)->http, &e, sent);
	step = js_str(sent, "_step");
	version = js_str(sent, "_version");
	if (!version || strtol(version, NULL, 10) != e.parts.version)
		return conflict(rq, &e, sent, &in);
	if (step && strcmp(step, "edit") == 0)
		return show_form(rq, 200, &e, sent);
	return step && strcmp(step, "save") == 0 ? save(rq, &e, sent, &in) :
						   preview(rq, &e, sent, &in);
}
