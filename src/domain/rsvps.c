/* src/domain/rsvps.c - answers to events */
#include "domain/rsvps.h"

#include "auth/actor.h"
#include "cache/cache.h"
#include "domain/counts.h"

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

/* Out of the lines of rsvp_text() in SQL: the document, with counts where they may be told. */
static const char *document(struct ctx *c, const char *lines, const char **status)
{
	struct str rest = str_of(lines), word = str_cut(rest, '\n', &rest);
	struct str doc = str_cut(rest, '\n', &rest);
	long n[N_COUNTS];
	struct strbuf b;

	*status = arena_strndup(c->arena, word.p, word.n);
	strbuf_init(&b, c->arena, 4096);
	strbuf_addstr(&b, doc);
	if (counts_read(rest, n)) {
		b.p[b.len - 1] = ',';
		counts_stats(&b, n);
		strbuf_addc(&b, '}');
	}
	return strbuf_str(&b);
}

enum err rsvps_set(struct ctx *c, const struct answer *a, struct outcome *out)
{
	struct effect e;

	TRY(decide(c, a, false, &e));
	if (e.status == 599)
		TRY(decide(c, a, true, &e));
	if (e.status == 599)
		return fail(c, E_UNAVAIL, "the event is too busy, try again");
	cache_invalidate(c, e.keys);
	*out = (struct outcome){ e.status, e.replayed, NULL, NULL };
	out->json = document(c, e.body, &out->status);
	return OK;
}

static const char *admin_flag(const struct ctx *c)
{
	return c->actor->permissions & MAY_ADMIN ? "true" : "false";
}

enum err rsvps_withdraw(struct ctx *c, const struct id *event, const char *people,
			const char *reason, long *n)
{
	struct json_object *o, *v;
	struct effect e;

	TRY(db_effect(c, Q_RSVPS_WITHDRAW, NULL,
		      (const char *const[]){ event->s, c->actor->user.s, admin_flag(c), people,
					     reason }, 5, &e));
	cache_invalidate(c, e.keys);
	o = js_own(c->arena, e.body);
	*n = json_object_object_get_ex(o, "cancelled", &v) ? (long)json_object_get_int64(v) : 0;
	return OK;
}

enum err rsvps_give_seat(struct ctx *c, const struct id *event, const struct id *who)
{
	struct effect e;

	TRY(db_effect(c, Q_WAITLIST_GIVE, NULL,
		      (const char *const[]){ event->s, c->actor->user.s, admin_flag(c), who->s }, 4,
		      &e));
	cache_invalidate(c, e.keys);
	return OK;
}

enum err rsvps_get(struct ctx *c, const struct id *event, const char **json)
{
	const char *status;
	PGresult *r;

	TRY(db_query(c, Q_RSVP_GET, &r, event->s, c->actor->user.s));
	if (PQntuples(r) == 0)
		return fail(c, E_NOTFOUND, "no registration for this event");
	*json = document(c, db_get(r, 0, 0), &status);
	return OK;
}

