/* src/domain/rsvps.c - answers to events */
#include "domain/rsvps.h"

#include "auth/actor.h"
#include "cache/cache.h"

const struct input_field rsvp_fields[] = {
	{ "status", IN_WORD, IN_REQUIRED, 0, 0, 0, "going|interested|maybe|not_going", NULL,
	  "The answer" },
	{ "registration_data", IN_OBJECT, IN_NULLABLE, 0, 8192, 0, NULL, NULL,
	  "What the organiser asked for" },
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};
const struct input_field register_fields[] = {
	{ "registration_data", IN_OBJECT, IN_NULLABLE, 0, 8192, 0, NULL, NULL,
	  "What the organiser asked for" },
	{ "event_id", IN_ID, 0, 0, 0, 0, NULL, NULL, "The event, where the path does not name it" },
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};

/* Decides under the shared lock or, when SQL answers 599, once more under the exclusive one. */
static enum err decide(struct ctx *c, const struct answer *a, bool slow, struct effect *e)
{
	const char *user = c->actor->user.s, *slowly = slow ? "true" : "false";
	struct id id = id_new();

	if (!a->want)
		return db_effect(c, Q_RSVP_CANCEL, a->idem,
				 (const char *const[]){ a->event->s, user, slowly }, 3, e);
	return db_effect(c, Q_RSVP_SET, a->idem,
			 (const char *const[]){ a->event->s, user, id.s, a->want, a->data, slowly },
			 6, e);
}

enum err rsvps_set(struct ctx *c, const struct answer *a, struct effect *e)
{
	TRY(decide(c, a, false, e));
	if (e->status == 599)
		TRY(decide(c, a, true, e));
	if (e->status == 599)
		return fail(c, E_UNAVAIL, "the event is too busy, try again");
	cache_invalidate(c, e->keys);
	return OK;
}

enum err rsvps_get(struct ctx *c, const struct id *event, const char **json)
{
	PGresult *r;

	TRY(db_query(c, Q_RSVP_GET, &r, event->s, c->actor->user.s));
	if (PQntuples(r) == 0)
		return fail(c, E_NOTFOUND, "no registration for this event");
	*json = db_get(r, 0, 0);
	return OK;
}

const char *rsvps_state_of(struct ctx *c, const char *json)
{
	struct json_object *o = js_own(c->arena, json);
	const char *status = o ? js_str(o, "status") : NULL;

	return status ? status : "";
}
