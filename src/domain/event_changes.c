/* src/domain/event_changes.c - creating, editing, publishing, cancelling, deleting events */
#include "auth/actor.h"
#include "cache/cache.h"
#include "domain/events.h"

static const char *admin_flag(const struct ctx *c)
{
	return c->actor->permissions & MAY_ADMIN ? "true" : "false";
}

/* Errors found in SQL name canonical fields: give them the names the client used. */
static void rename_details(struct ctx *c, const struct change *how)
{
	if (!how->sent)
		return;
	for (struct detail *d = c->details; d; d = d->next)
		d->field = input_sent_name(how->fields, how->sent, d->field);
}

struct call {
	enum query q;
	const char *const *args;
	int n;
};
#define CALL(q, ...)                                                                               \
	(struct call)                                                                              \
	{                                                                                          \
		q, (const char *const[]){ __VA_ARGS__ },                                           \
		    (int)(sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))           \
	}

/* Runs the effect, deletes what it names from the cache, and cuts the parts out of its body. */
static enum err change(struct ctx *c, const struct change *how, struct call call, struct effect *e,
		       struct event_parts *out)
{
	static const struct idempotency none;
	enum err err = db_effect(c, call.q, how->idem ? how->idem : &none, call.args, call.n, e);

	if (err != OK) {
		rename_details(c, how);
		return err;
	}
	cache_invalidate(c, e->keys);
	if (!out)
		return OK;
	memset(out, 0, sizeof(*out));
	out->id = *how->id;
	if (!e->body || !event_parts_cut(c, out, str_of(e->body)))
		return fail(c, E_INTERNAL, "an event could not be read back");
	return OK;
}

enum err events_create(struct ctx *c, const struct change *how, const struct input *in,
		       struct effect *e, struct event_parts *out)
{
	long quota = c->cfg->limits_enabled ? c->cfg->limits_create : 0;

	return change(c, how,
		      CALL(Q_EVENT_CREATE, how->id->s, c->actor->user.s,
			   js_text(c->arena, in->values), arena_printf(c->arena, "%ld", quota)),
		      e, out);
}

enum err events_update(struct ctx *c, const struct change *how, const struct input *in,
		       struct event_parts *out)
{
	struct effect e;

	return change(c, how,
		      CALL(Q_EVENT_UPDATE, how->id->s, c->actor->user.s, admin_flag(c),
			   js_text(c->arena, in->values), how->versions),
		      &e, out);
}

enum err events_publish(struct ctx *c, const struct change *how, struct effect *e,
			struct event_parts *out)
{
	return change(
	    c, how,
	    CALL(Q_EVENT_PUBLISH, how->id->s, c->actor->user.s, admin_flag(c), how->versions), e,
	    out);
}

enum err events_cancel(struct ctx *c, const struct change *how, const char *reason,
		       struct effect *e, struct event_parts *out)
{
	return change(c, how,
		      CALL(Q_EVENT_CANCEL, how->id->s, c->actor->user.s, admin_flag(c), reason,
			   how->versions),
		      e, out);
}

enum err events_duplicate(struct ctx *c, const struct change *how, const char *start,
			  struct effect *e, struct event_parts *out)
{
	long quota = c->cfg->limits_enabled ? c->cfg->limits_create : 0;

	return change(c, how,
		      CALL(Q_EVENT_DUPLICATE, how->of->s, c->actor->user.s, admin_flag(c),
			   how->id->s, start, arena_printf(c->arena, "%ld", quota)),
		      e, out);
}

enum err events_delete(struct ctx *c, const struct change *how, struct effect *e)
{
	return change(
	    c, how,
	    CALL(Q_EVENT_DELETE, how->id->s, c->actor->user.s, admin_flag(c), how->versions), e,
	    NULL);
}

enum err events_zone(struct ctx *c, const struct id *id, const char **zone)
{
	PGresult *r;

	TRY(db_query(c, Q_EVENT_TIMES, &r, id->s));
	*zone = PQntuples(r) ? db_get(r, 0, 0) : "UTC";
	return OK;
}

enum err events_categories(struct ctx *c, const char **json)
{
	struct cache_item item = { .family = CK_CATEGORIES,
				   .key = cache_key(c, CK_CATEGORIES, NULL, NULL) };
	PGresult *r;

	cache_get(c, &item, 1);
	if (!item.value.p)
		cache_lease(c, &item);
	if (item.value.p) {
		*json = arena_strndup(c->arena, item.value.p, item.value.n);
		return OK;
	}
	TRY(db_query0(c, Q_CATEGORIES, &r));
	*json = db_get(r, 0, 0);
	if (item.lease)
		cache_fill(c, &item, str_of(*json));
	return OK;
}

enum err events_category_choices(struct ctx *c, const char *slug, struct json_object **out)
{
	const char *json;

	TRY(events_categories(c, &json));
	*out = js_own(c->arena, json);
	for (size_t i = 0; i < json_object_array_length(*out); i++) {
		struct json_object *one = json_object_array_get_idx(*out, i);

		js_flag(one, "chosen", slug && strcmp(slug, js_str(one, "slug")) == 0);
	}
	return OK;
}

void events_category_problem(struct ctx *c, const char *word, const char *sent)
{
	PGresult *r;
	struct ctx probe = *c; /* keeps the errors recorded so far apart from a failing probe */

	ctx_forgive(&probe);
	if (db_query(&probe, Q_CATEGORY_PROBLEM, &r, word) == OK && db_get(r, 0, 0))
		(void)!fail_field(c, sent, "%s", db_get(r, 0, 0));
	c->sql_trips = probe.sql_trips;
}
