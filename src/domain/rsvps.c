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

/* Runs an effect whose last argument is `slow`; 599 means: once more, under the exclusive lock. */
static enum err decide(struct ctx *c, enum query q, const char **args, int n,
		       const struct idempotency *idem, struct effect *e)
{
	static const struct idempotency none;

	if (!idem)
		idem = &none;
	args[n - 1] = "false";
	TRY(db_effect(c, q, idem, args, n, e));
	if (e->status == 599) {
		args[n - 1] = "true";
		TRY(db_effect(c, q, idem, args, n, e));
	}
	if (e->status == 599)
		return fail(c, E_UNAVAIL, "the event is too busy, try again");
	cache_invalidate(c, e->keys);
	return OK;
}

enum err rsvps_set(struct ctx *c, const struct id *event, const char *want, const char *data,
		   const struct idempotency *idem, struct effect *e)
{
	struct id id = id_new();
	const char *args[] = { event->s, c->actor->user.s, id.s, want, data, NULL };

	return decide(c, Q_RSVP_SET, args, COUNT(args), idem, e);
}

enum err rsvps_cancel(struct ctx *c, const struct id *event, const struct idempotency *idem,
		      struct effect *e)
{
	const char *args[] = { event->s, c->actor->user.s, NULL };

	return decide(c, Q_RSVP_CANCEL, args, COUNT(args), idem, e);
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
