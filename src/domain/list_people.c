/* src/domain/list_people.c - who comes to an event, and who waits for a seat */
#include "auth/actor.h"
#include "core/csv.h"
#include "core/strbuf.h"
#include "db/db.h"
#include "domain/events.h"
#include "domain/list.h"
#include "domain/page.h"
#include "domain/policy.h"

#include <stdio.h>

const struct input_field attendee_fields[] = {
	PAGE_ROWS,
	{ "status", IN_WORD, 0, 0, 0, 0,
	  "going|interested|maybe|not_going|waitlisted|attended|no_show", NULL,
	  "Default: those holding seats; waitlisted for hosts only" },
	{ "checked_in", IN_BOOL, 0, 0, 0, 0, NULL, NULL,
	  "Of those holding seats the ones who are in (in the order of their coming), or are not" },
	{ "q", IN_LINE, 0, 1, 100, 0, NULL, NULL, "Part of a name" },
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};

/* How those who hold seats fared at the door, when that is asked for; NULL: it is not. */
static enum err fared(struct ctx *c, const struct input *in, const char **out)
{
	static const char *const states[] = { "attended", "no_show" };
	const char *status = js_str(in->values, "status");
	struct json_object *came;

	*out = NULL;
	for (size_t i = 0; status && i < COUNT(states); i++)
		if (strcmp(states[i], status) == 0)
			*out = states[i];
	if (!json_object_object_get_ex(in->values, "checked_in", &came))
		return OK;
	if (status)
		return fail_field(c, "checked_in", "does not go with status");
	*out = json_object_get_boolean(came) ? "attended" : "absent";
	return OK;
}

enum err list_attendees(struct ctx *c, const struct event_parts *e, const struct input *in,
			struct list *out)
{
	const char *status = js_str(in->values, "status");
	bool host = policy_may(c, e, "checkin");
	const char *q = page_like(c, js_str(in->values, "q")), *door, *bound;
	struct page p;
	PGresult *r;

	TRY(fared(c, in, &door));
	bound = arena_printf(c->arena, "attendees %s %s %s", e->id.s,
			     door ? door : status ? status : "", js_str(in->values, "q"));
	TRY(page_read(c, in, bound, &p));
	if (status && strcmp(status, "waitlisted") == 0 && !host)
		return fail(c, E_DENIED, "only its hosts see who waits");
	TRY(db_query(c, door ? Q_DOOR_LIST : Q_ATTENDEES, &r, e->id.s, door ? door : status, q,
		     host ? "true" : "false", p.key, p.id, p.most, p.skip));
	bool more = PQntuples(r) > p.limit;
	int last = (int)p.limit - 1;

	out->items = page_items(c, r, 2, p.limit);
	out->pagination = page_json(c, &p, more ? db_get(r, last, 0) : NULL,
				    more ? db_get(r, last, 1) : NULL, -1);
	return c->err;
}

#define CSV_ROWS "1000"

static void csv_row(struct strbuf *out, struct json_object *o)
{
	static const char *const of_user[] = { "name", "username", "email" };
	static const char *const own[] = { "status", "state", "registered_at" };
	struct json_object *user = NULL;

	json_object_object_get_ex(o, "user", &user);
	for (size_t i = 0; i < COUNT(of_user); i++)
		csv_add(out, i == 0, str_of(js_str(user, of_user[i])));
	for (size_t i = 0; i < COUNT(own); i++)
		csv_add(out, false, str_of(js_str(o, own[i])));
	csv_end(out);
}

enum err list_attendees_csv(struct ctx *c, const struct event_parts *e, const struct input *in,
			    struct csv_place *at, struct strbuf *out)
{
	const char *email = policy_may(c, e, "checkin") ? "true" : "false", *door;
	PGresult *r;
	int n;

	TRY(fared(c, in, &door));
	TRY(db_query(c, door ? Q_DOOR_LIST : Q_ATTENDEES, &r, e->id.s,
		     door ? door : js_str(in->values, "status"),
		     page_like(c, js_str(in->values, "q")), email, *at->key ? at->key : NULL,
		     *at->id ? at->id : NULL, CSV_ROWS, "0"));
	n = PQntuples(r);
	for (int i = 0; i < n; i++)
		csv_row(out, js_own(c->arena, db_get(r, i, 2)));
	if (n) {
		snprintf(at->key, sizeof(at->key), "%s", db_get(r, n - 1, 0));
		snprintf(at->id, sizeof(at->id), "%s", db_get(r, n - 1, 1));
	}
	return out->failed ? fail(c, E_INTERNAL, "these rows are too large") : OK;
}

enum err list_waiting(struct ctx *c, const struct event_parts *e, const struct input *in,
		      struct list *out)
{
	const char *bound = arena_printf(c->arena, "waitlist %s", e->id.s);
	const char *only = policy_may(c, e, "checkin") ? NULL : c->actor->user.s;
	struct page p;
	PGresult *r;

	TRY(page_read(c, in, bound, &p));
	TRY(db_query(c, Q_WAITLIST, &r, e->id.s, only, p.key ? p.key : "0", p.most, p.skip));
	bool more = PQntuples(r) > p.limit;

	out->items = page_items(c, r, 1, p.limit);
	out->pagination =
	    page_json(c, &p, more ? db_get(r, (int)p.limit - 1, 0) : NULL, e->id.s, -1);
	return c->err;
}
