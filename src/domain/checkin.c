/* src/domain/checkin.c - the door of an event: scans, taking them back, looking for people */
#include "domain/checkin.h"

#include "auth/actor.h"
#include "cache/cache.h"
#include "core/hash.h"
#include "core/strbuf.h"
#include "db/db.h"
#include "domain/tickets.h"

#define NONCE_MAX 64

const struct input_field checkin_fields[] = {
	{ "ticket", IN_LINE, 0, 1, 500, 0, NULL, NULL, "What the scanner read, or somebody typed" },
	{ "user_id", IN_ID, 0, 0, 0, 0, NULL, NULL, "In the place of ticket: whom one knows" },
	{ "nonce", IN_LINE, 0, 1, NONCE_MAX, 0, NULL, NULL,
	  "A new word for each scan: sent again, it is the same scan and the same answer" },
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};
const struct input_field checkin_query[] = {
	{ "q", IN_LINE, 0, 1, 100, 0, NULL, NULL,
	  "Who is looked for: the beginnings of words of a name, or an e-mail address" },
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};

/* The first four parameters of every statement about a door. */
#define WHO(c, d)                                                                                  \
	id_or_null(&(d)->event), id_or_null(&(c)->actor->user),                                    \
	    (c)->actor->permissions &MAY_ADMIN ? "true" : "false", (d)->gate

static const char *early(struct ctx *c)
{
	return arena_printf(c->arena, "%ld", c->cfg->checkin_opens_before);
}

static const char *nonce_or_new(struct ctx *c, const char *nonce)
{
	struct id id = id_new();

	return nonce ? nonce : arena_strdup(c->arena, id.s);
}

/* What is asked of the database, as JSON. */
static enum err ask_ticket(struct ctx *c, const char *text, const char **what)
{
	struct ticket t;
	char hex[33];
	bool genuine;

	TRY(tickets_read(c, str_of(text), &t, &genuine));
	hash128_hex(text, strlen(text), hex);
	*what = genuine ? arena_printf(c->arena, "{\"asked\":\"ticket %s\",\"ms\":%lld,"
				       "\"holder\":\"%s\",\"event\":\"%s\"}",
				       hex, (long long)t.ms, t.holder, t.event) :
			  arena_printf(c->arena, "{\"asked\":\"ticket %s\"}", hex);
	return OK;
}

static const char *ask_person(struct ctx *c, const char *user)
{
	return arena_printf(c->arena, "{\"asked\":\"user %s\",\"user_id\":\"%s\"}", user, user);
}

static const char *ask_scan(struct ctx *c, const char *scan)
{
	struct strbuf b;

	strbuf_init(&b, c->arena, 4096);
	strbuf_adds(&b, "{\"asked\":");
	strbuf_jsonz(&b, arena_printf(c->arena, "scan %s", scan));
	strbuf_adds(&b, ",\"scan\":");
	strbuf_jsonz(&b, scan);
	strbuf_addc(&b, '}');
	return strbuf_str(&b);
}

enum err checkin_scan(struct ctx *c, const struct door *d, const struct input *in,
		      const char **json)
{
	const char *ticket = js_str(in->values, "ticket"), *user = js_str(in->values, "user_id");
	const char *nonce = nonce_or_new(c, js_str(in->values, "nonce")), *what;
	struct effect e;

	if (!ticket == !user)
		return fail_field(c, ticket ? "user_id" : "ticket",
				  ticket ? "does not go with ticket" : "or user_id is required");
	if (ticket)
		TRY(ask_ticket(c, ticket, &what));
	else
		what = ask_person(c, user);
	TRY(db_effect(c, Q_CHECKIN_SCAN, NULL,
		      (const char *const[]){ WHO(c, d), nonce, what, early(c) }, 7, &e));
	cache_invalidate(c, e.keys);
	*json = e.body;
	return OK;
}

enum err checkin_many(struct ctx *c, const struct id *event, const char *batch, const char *people)
{
	bool admin = c->actor->permissions & MAY_ADMIN;
	struct effect e;

	TRY(db_effect(c, Q_CHECKIN_MANY, NULL,
		      (const char *const[]){ event->s, c->actor->user.s, admin ? "true" : "false",
					     batch, people, early(c) }, 6, &e));
	cache_invalidate(c, e.keys);
	return OK;
}

enum err checkin_batch(struct ctx *c, const struct id *event, const char *batch, const char **json)
{
	PGresult *r;

	TRY(db_query(c, Q_CHECKIN_BATCH, &r, event->s, batch));
	*json = db_get(r, 0, 0);
	return OK;
}

enum err checkin_undo(struct ctx *c, const struct door *d, const struct undo *u, const char **json)
{
	const char *what = u->scan ? ask_scan(c, u->scan) : ask_person(c, u->user);
	struct effect e;

	TRY(db_effect(c, Q_CHECKIN_UNDO, NULL,
		      (const char *const[]){ WHO(c, d), nonce_or_new(c, u->nonce), what }, 6, &e));
	cache_invalidate(c, e.keys);
	*json = e.body;
	return OK;
}

/* The last four characters of the code, by which a ticket in the hand is told from others. */
static enum err add_code_ends(struct ctx *c, struct json_object *o)
{
	struct json_object *found = NULL, *event = NULL, *ms;
	char code[TICKET_TEXT];

	json_object_object_get_ex(o, "found", &found);
	json_object_object_get_ex(o, "event", &event);
	for (size_t i = 0; found && i < json_object_array_length(found); i++) {
		struct json_object *one = json_object_array_get_idx(found, i);

		json_object_object_get_ex(one, "ms", &ms);
		TRY(tickets_code(c, &(struct ticket){ json_object_get_int64(ms),
						      js_str(one, "user_id"),
						      js_str(event, "id") }, code));
		json_object_object_del(one, "ms");
		json_object_object_del(one, "sort");
		js_put(one, "code_end", code + strlen(code) - 4);
	}
	return OK;
}

enum err checkin_look(struct ctx *c, const struct door *d, const struct look *l,
		      struct json_object **out)
{
	struct effect e;

	TRY(db_effect(c, Q_DOOR_LOOK, NULL,
		      (const char *const[]){ WHO(c, d), l->nonce, l->q, early(c) }, 7, &e));
	*out = js_own(c->arena, e.body);
	if (!*out)
		return fail(c, E_INTERNAL, "the door could not be read");
	return add_code_ends(c, *out);
}
