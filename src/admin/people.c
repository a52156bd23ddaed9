/* src/admin/people.c - who comes to an event and who waits for a seat: lists, a file of all, and
 * what hosts do about them */
#include "admin/admin.h"

#include "core/json.h"
#include "core/strbuf.h"
#include "domain/checkin.h"
#include "domain/list.h"
#include "domain/rsvps.h"

/* Rows of a list with their times and words as this reader has them. */
static void add_people(struct req *rq, struct json_object *o, const struct desk_event *e,
		       struct json_object *rows)
{
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);
		const char *at = js_str(row, "registered_at"), *state = js_str(row, "state");
		const char *status = js_str(row, "status");

		state = state ? state : status;
		at = at ? at : js_str(row, "joined_at");
		js_put(row, "at", page_when(rq, at, NULL, e->zone));
		if (state)
			js_put(row, "word", js_str(js_get(js_get(o, "t"), "words"), state));
	}
	js_add(o, "people", json_object_get(rows));
}

static void add_states(struct req *rq, struct json_object *o)
{
	static const char *const states[] = { "going", "attended", "no_show", "waitlisted",
					      "interested", "maybe", "not_going" };
	const char *chosen = js_str(rq->query.values, "status");
	struct json_object *list = js_made(json_object_new_array());

	js_add(o, "states", list);
	js_add(o, "asked", json_object_get(rq->query.values));
	for (size_t i = 0; i < COUNT(states); i++) {
		struct json_object *one = js_made(json_object_new_object());

		js_push(list, one);
		js_put(one, "value", states[i]);
		js_put(one, "label", js_str(js_get(js_get(o, "t"), "words"), states[i]));
		js_flag(one, "chosen", strcmp(states[i], chosen ? chosen : "going") == 0);
	}
}

/* ---- who comes ---- */

const struct input_field desk_withdraw_fields[] = {
	{ "user_ids", IN_IDS, IN_REQUIRED, 0, 100, 0, NULL, NULL, "Whose registrations" },
	{ "reason", IN_TEXT, IN_NULLABLE, 0, 1000, 0, NULL, NULL, "Told to them" },
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};

/* One answer per person of those who were just checked in: word, kind of look, holder. */
static enum err add_scans(struct req *rq, struct json_object *o, const struct desk_event *e)
{
	const char *batch = js_str(rq->query.values, "batch"), *json;
	struct json_object *words = js_get(js_get(js_get(o, "t"), "door"), "words"), *scans;

	if (!batch)
		return OK;
	TRY(checkin_batch(rq->ctx, &e->id, batch, &json));
	scans = js_own(rq->ctx->arena, json);
	for (size_t i = 0; i < json_object_array_length(scans); i++) {
		struct json_object *one = json_object_array_get_idx(scans, i);
		const char *reason = js_str(one, "reason");

		js_put(one, "word", js_str(words, reason) ? js_str(words, reason) : reason);
		js_put(one, "kind", strcmp(reason, "ok") == 0 ? "good" : "warn");
	}
	js_add(o, "scans", json_object_get(scans));
	return OK;
}

static enum err show_attendees(struct req *rq, int status, const struct desk_event *e,
			       struct json_object *sent)
{
	struct json_object *o = desk_data(rq, "events");
	struct id nonce = id_new();
	struct list l;

	js_put(o, "nonce", nonce.s); /* sent twice it is one check-in */
	form_add(rq, o, desk_withdraw_fields, sent);
	ctx_forgive(rq->ctx);
	if (!rq->query.values)
		rq->query.values = js_object(rq->ctx->arena);
	TRY(add_scans(rq, o, e));
	TRY(list_attendees(rq->ctx, &e->parts, &rq->query, &l));
	desk_add_event(rq, o, e);
	add_people(rq, o, e, js_own(rq->ctx->arena, l.items));
	add_states(rq, o);
	desk_add_next(rq, o, l.pagination);
	return page_reply(rq, status, "admin/attendees", o);
}

enum err admin_attendees(struct req *rq)
{
	struct desk_event e;

	TRY(desk_event(rq, "checkin", &e));
	return show_attendees(rq, 200, &e, NULL);
}

/* A PostgreSQL array of ids that were checked. */
static const char *id_array(struct arena *a, struct json_object *ids)
{
	struct strbuf b;

	strbuf_init(&b, a, 8192);
	strbuf_addc(&b, '{');
	for (size_t i = 0; i < json_object_array_length(ids); i++) {
		strbuf_adds(&b, i ? "," : "");
		strbuf_adds(&b, json_object_get_string(json_object_array_get_idx(ids, i)));
	}
	strbuf_addc(&b, '}');
	return strbuf_str(&b);
}

enum err admin_attendees_cancel(struct req *rq)
{
	struct ctx *c = rq->ctx;
	struct json_object *sent;
	struct desk_event e;
	struct input in;
	enum err err;
	long n;

	TRY(desk_event(rq, "edit", &e));
	err = form_read(rq, desk_withdraw_fields, (struct input_mode){ 0 }, &sent, &in);
	if (err == OK)
		err = rsvps_withdraw(c, &e.id, id_array(c->arena, js_get(in.values, "user_ids")),
				     js_str(in.values, "reason"), &n);
	if (err == E_INVALID || err == E_CLOSED)
		return show_attendees(rq, err_info(err)->http, &e, sent);
	TRY(err);
	return desk_done(rq, arena_printf(c->arena, "%s/attendees", e.path), "withdrawn");
}

enum err admin_attendees_checkin(struct req *rq)
{
	struct ctx *c = rq->ctx;
	struct json_object *sent;
	struct desk_event e;
	struct input in;
	struct id batch;
	enum err err;

	TRY(desk_event(rq, "checkin", &e));
	err = form_read(rq, desk_withdraw_fields, (struct input_mode){ 0 }, &sent, &in);
	if (!js_str(sent, "_nonce") || !id_parse(str_of(js_str(sent, "_nonce")), &batch))
		batch = id_new();
	if (err == OK)
		err = checkin_many(c, &e.id, batch.s,
				   id_array(c->arena, js_get(in.values, "user_ids")));
	if (err == E_INVALID)
		return show_attendees(rq, err_info(err)->http, &e, sent);
	TRY(err);
	return page_redirect(rq, arena_printf(c->arena, "%s/attendees?done=scanned&batch=%s",
					      e.path, batch.s));
}

/* ---- the file of all ---- */

#define ROOM ((size_t)16 << 20)

/* Rows are fetched a thousand at a time into room, which is emptied in between. */
struct rows {
	struct req *rq;
	struct arena *room;
	struct desk_event e;
	struct csv_place at;
	bool over;
};

static void free_room(void *room)
{
	arena_free(room);
}

static bool next_rows(void *arg, struct str *piece)
{
	struct rows *r = arg;
	struct ctx *c = r->rq->ctx;
	struct arena *whole = c->arena;
	struct strbuf b;
	enum err e;

	if (r->over)
		return false;
	arena_reset(r->room);
	strbuf_init(&b, r->room, ROOM / 4);
	c->arena = r->room;
	e = list_attendees_csv(c, &r->e.parts, &r->rq->query, &r->at, &b);
	c->arena = whole;
	r->over = e != OK || b.len == 0;
	if (e != OK) {	/* headers are gone: the reader of the file must see it */
		ctx_forgive(c);
		(void)!fail(c, e, "the file ends before its end");
		strbuf_adds(&b, "not complete: the database went away\r\n");
	}
	*piece = (struct str){ b.p, b.len };
	return b.len > 0;
}

enum err admin_attendees_csv(struct req *rq)
{
	struct rows *r = ARENA_NEW(rq->ctx->arena, struct rows);

	TRY(desk_event(rq, "checkin", &r->e));
	r->rq = rq;
	r->room = arena_new(ROOM);
	arena_defer(rq->ctx->arena, free_room, r->room);
	rq->rs->status = 200;
	http_set(rq->rs, "Content-Type", "text/csv; charset=utf-8");
	http_setf(rq->rs, "Content-Disposition", "attachment; filename=\"attendees-%s.csv\"",
		  js_str(r->e.doc, "slug"));
	http_body(rq->rs, STR("name,username,email,status,state,registered_at\r\n"));
	http_stream(rq->rs, next_rows, r);
	return OK;
}

/* ---- who waits ---- */

const struct input_field desk_waiting_fields[] = {
	{ "give", IN_ID, 0, 0, 0, 0, NULL, NULL, "Who gets one more seat" },
	{ "remove", IN_ID, 0, 0, 0, 0, NULL, NULL, "Who waits no longer" },
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};

static enum err show_waiting(struct req *rq, int status, const struct desk_event *e)
{
	struct json_object *o = desk_data(rq, "events");
	struct list l;

	form_add(rq, o, desk_waiting_fields, NULL);
	ctx_forgive(rq->ctx);
	if (!rq->query.values)
		rq->query.values = js_object(rq->ctx->arena);
	TRY(list_waiting(rq->ctx, &e->parts, &rq->query, &l));
	desk_add_event(rq, o, e);
	add_people(rq, o, e, js_own(rq->ctx->arena, l.items));
	desk_add_next(rq, o, l.pagination);
	return page_reply(rq, status, "admin/waiting", o);
}

enum err admin_waiting(struct req *rq)
{
	struct desk_event e;

	TRY(desk_event(rq, "checkin", &e));
	return show_waiting(rq, 200, &e);
}

static enum err do_waiting(struct req *rq, const struct desk_event *e, const struct input *in,
			   const char **done)
{
	const char *give = js_str(in->values, "give"), *remove = js_str(in->values, "remove");
	struct id who;
	long n;

	if (give && id_parse(str_of(give), &who)) {
		*done = "given";
		return rsvps_give_seat(rq->ctx, &e->id, &who);
	}
	if (!remove)
		return fail_field(rq->ctx, "give", "is required");
	*done = "removed";
	return rsvps_withdraw(rq->ctx, &e->id, arena_printf(rq->ctx->arena, "{%s}", remove), NULL,
			      &n);
}

enum err admin_waiting_do(struct req *rq)
{
	struct json_object *sent;
	struct desk_event e;
	struct input in;
	const char *done = NULL;
	enum err err;

	TRY(desk_event(rq, "edit", &e));
	err = form_read(rq, desk_waiting_fields, (struct input_mode){ 0 }, &sent, &in);
	if (err == OK)
		err = do_waiting(rq, &e, &in, &done);
	if (err == E_INVALID || err == E_CLOSED || err == E_CONFLICT)
		return show_waiting(rq, err_info(err)->http, &e);
	TRY(err);
	return desk_done(rq, arena_printf(rq->ctx->arena, "%s/waiting", e.path), done);
}
