/* src/domain/operations.c - what staff sees of the machinery: figures, jobs, parked messages,
 * categories */
#include "domain/operations.h"

#include "cache/cache.h"
#include "core/json.h"
#include "db/db.h"

const struct input_field category_fields[] = {
	{ "slug", IN_LINE, IN_REQUIRED, 2, 40, 0, NULL, NULL, "Part of addresses; never changes" },
	{ "name", IN_LINE, IN_REQUIRED, 2, 60, 0, NULL, NULL, "What it is called" },
	{ "description", IN_LINE, IN_NULLABLE, 0, 300, 0, NULL, NULL, "What belongs to it" },
	{ "icon", IN_LINE, IN_NULLABLE, 0, 40, 0, NULL, NULL, "Name of its picture" },
	{ "color", IN_LINE, IN_REQUIRED, 7, 7, 0, NULL, NULL, "#RRGGBB" },
	{ "is_active", IN_BOOL, IN_REQUIRED, 0, 0, 0, NULL, NULL, "May events be put into it?" },
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};

/* The rows of a result as objects with these names for its columns. */
static struct json_object *objects(struct ctx *c, const PGresult *r, const char *const *names)
{
	struct json_object *o = js_object(c->arena), *list = js_made(json_object_new_array());

	js_add(o, "list", list);	/* and so it belongs to the arena */
	for (int i = 0; i < PQntuples(r); i++) {
		struct json_object *row = js_made(json_object_new_object());

		js_push(list, row);
		for (int k = 0; names[k]; k++)
			js_add(row, names[k], db_get(r, i, k) ?
				       js_made(json_object_new_string(db_get(r, i, k))) : NULL);
	}
	return list;
}

static enum err list(struct ctx *c, enum query q, const char *const *names,
		     struct json_object **out)
{
	PGresult *r;

	TRY(db_query0(c, q, &r));
	*out = objects(c, r, names);
	return OK;
}

/* ---- figures ---- */

enum err figures_get(struct ctx *c, struct json_object **out)
{
	PGresult *r;

	TRY(db_query0(c, Q_FIGURES, &r));
	*out = js_own(c->arena, db_get(r, 0, 0));
	return OK;
}

enum err figures_top(struct ctx *c, struct json_object **out)
{
	PGresult *r;

	TRY(db_query(c, Q_EVENTS_TOP, &r, "10"));
	*out = js_own(c->arena, db_get(r, 0, 0));
	return OK;
}

/* ---- jobs and messages ---- */

enum err jobs_list(struct ctx *c, struct json_object **out)
{
	static const char *const names[] = { "name", "every", "run_at", "finished_at", "took",
					     "failures", "last_error", "note", NULL };

	return list(c, Q_JOBS, names, out);
}

enum err jobs_run(struct ctx *c, const char *name)
{
	PGresult *r;

	TRY(db_query(c, Q_JOB_DUE, &r, name));
	return db_get_long(r, 0, 0) ? OK : fail(c, E_NOTFOUND, "no such job");
}

enum err parked_list(struct ctx *c, struct json_object **out)
{
	static const char *const names[] = { "pos", "key", "seq", "type", "bytes", "tries",
					     "replay_at", "reason", NULL };

	return list(c, Q_PARKED_LIST, names, out);
}

enum err parked_settle(struct ctx *c, const char *pos, bool replay)
{
	const char *one = arena_printf(c->arena, "{%s}", pos);
	PGresult *r;

	TRY(db_query(c, replay ? Q_PARKED_REPLAY : Q_PARKED_DROP, &r, one));
	return PQntuples(r) ? OK : fail(c, E_NOTFOUND, "no such message");
}

const char *server_version(struct ctx *c)
{
	PGconn *conn = db_handle(c->db);

	return conn ? PQparameterStatus(conn, "server_version") : NULL;
}

enum err beats_get(struct ctx *c, struct json_object **out)
{
	PGresult *r;

	*out = js_object(c->arena);
	TRY(db_query0(c, Q_HEARTBEATS, &r));
	for (int i = 0; i < PQntuples(r); i++) {
		struct json_object *beat = js_own(c->arena, db_get(r, i, 2));

		js_number(beat, "age", db_get_long(r, i, 1));
		js_add(*out, db_get(r, i, 0), json_object_get(beat));
	}
	return OK;
}

/* ---- categories ---- */

enum err category_save(struct ctx *c, const struct input *in, bool fresh)
{
	const char *slug = js_str(in->values, "slug"), *color = js_str(in->values, "color");
	struct effect e;

	if (strspn(slug, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(slug))
		(void)!fail_field(c, "slug", "must be small letters, digits and -");
	if (color[0] != '#' || strspn(color + 1, "0123456789ABCDEF") != 6)
		(void)!fail_field(c, "color", "must be a colour such as #3B82F6");
	if (c->err != OK)
		return c->err;
	TRY(db_effect(c, Q_CATEGORY_PUT, NULL,
		      (const char *const[]){ slug, fresh ? "true" : "false",
					     js_text(c->arena, in->values) }, 3, &e));
	cache_invalidate(c, e.keys);
	return OK;
}
