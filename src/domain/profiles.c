/* src/domain/profiles.c - what people tell of themselves, and who may read it */
#include "domain/people.h"

#include "cache/cache.h"
#include "core/clock.h"
#include "core/strbuf.h"
#include "db/db.h"

#define FIELD_END                                                                                  \
	{                                                                                          \
		NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL                                        \
	}
#define USERNAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"
#define BATCH_MAX 100

const struct input_field people_profile_fields[] = {
	{ "name", IN_LINE, IN_REQUIRED, 1, 100, 0, NULL, NULL, "Name shown to others" },
	{ "username", IN_LINE, IN_NULLABLE, 3, 30, 0, NULL, NULL,
	  "Unique; letters, digits, _ . and -" },
	{ "bio", IN_TEXT, IN_NULLABLE, 0, 2000, 0, NULL, NULL, "A few words about oneself" },
	{ "avatar", IN_URL, IN_NULLABLE, 1, 500, 0, NULL, NULL, "Address of a picture" },
	{ "location", IN_LINE, IN_NULLABLE, 0, 500, 0, NULL, NULL, "Where one lives or works" },
	{ "coordinates", IN_COORDS, IN_NULLABLE, 0, 0, 0, NULL, NULL, "The same on the map" },
	{ "industry", IN_LINE, IN_NULLABLE, 0, 100, 0, NULL, NULL, "Line of work" },
	{ "interests", IN_TEXTS, IN_NULLABLE, 0, 20, 50, NULL, NULL, "Up to 20 words" },
	{ "birthday", IN_DAY, IN_NULLABLE, 0, 0, 0, NULL, NULL, "Day of birth" },
	{ "timezone", IN_ZONE, IN_NULLABLE, 0, 0, 0, NULL, NULL, "IANA time zone; null: UTC" },
	{ "locale", IN_LINE, IN_NULLABLE, 2, 35, 0, NULL, NULL, "Language tag; null: en" },
	{ "privacy", IN_OBJECT, IN_NULLABLE, 0, 2000, 0, NULL, NULL,
	  "Privacy switches, such as {\"show_email\": false}" },
	FIELD_END
};
const struct input_field people_batch_fields[] = { { "user_ids", IN_IDS, IN_REQUIRED, 0, BATCH_MAX,
						     0, NULL, NULL, "Up to 100 people" },
						   FIELD_END };

/* ---- one's own ---- */

static enum err one_json(struct ctx *c, enum query q, const char *id, const char **json)
{
	PGresult *r;

	TRY(db_query(c, q, &r, id));
	if (PQntuples(r) == 0)
		return fail(c, E_NOTFOUND, "no such person");
	*json = db_get(r, 0, 0);
	return OK;
}

enum err people_profile(struct ctx *c, const char **json)
{
	return one_json(c, Q_PROFILE_GET, c->actor->user.s, json);
}

/* What the table cannot say. */
static enum err check_profile(struct ctx *c, const struct input *in)
{
	const char *username = js_str(in->values, "username");
	const char *birthday = js_str(in->values, "birthday");
	int64_t us;

	if (username && strspn(username, USERNAME_CHARS) != strlen(username))
		(void)!fail_field(c, "username", "may hold only letters, digits, _ . and -");
	if (birthday && clock_parse(birthday, &us) == CLOCK_DAY && us > clock_now_us())
		(void)!fail_field(c, "birthday", "must not be in the future");
	return c->err;
}

enum err people_profile_update(struct ctx *c, const struct input *in, bool merge, const char **json)
{
	const char *const args[] = { c->actor->user.s, js_text(c->arena, in->values),
				     merge ? "true" : "false" };
	struct effect e;

	TRY(check_profile(c, in));
	TRY(db_effect(c, Q_PROFILE_UPDATE, NULL, args, COUNT(args), &e));
	cache_invalidate(c, e.keys);
	*json = e.body;
	return OK;
}

/* ---- others ---- */

/* id NULL: people in general. */
static enum err may_read(struct ctx *c, const struct id *id)
{
	bool self = id && actor_known(c->actor) && strcmp(id->s, c->actor->user.s) == 0;

	if (self || (c->actor->permissions & MAY_USERS_READ))
		return OK;
	return fail(c, E_DENIED, "only services, organizers and staff may ask for this");
}

enum err people_short(struct ctx *c, const struct id *id, const char **json)
{
	return one_json(c, Q_USER_SHORT, id->s, json);
}

enum err people_public(struct ctx *c, const struct id *id, const char **json)
{
	TRY(may_read(c, id));
	return one_json(c, Q_USER_PUBLIC, id->s, json);
}

enum err people_validate(struct ctx *c, const struct id *id, const char **json)
{
	TRY(may_read(c, id));
	return one_json(c, Q_USER_VALIDATE, id->s, json);
}

/* Ids that were checked, as a PostgreSQL array. */
static const char *id_array(struct ctx *c, struct json_object *ids)
{
	struct strbuf b;

	strbuf_init(&b, c->arena, BATCH_MAX * 64);
	strbuf_addc(&b, '{');
	for (size_t i = 0; i < json_object_array_length(ids); i++)
		strbuf_printf(&b, "%s%s", i ? "," : "",
			      json_object_get_string(json_object_array_get_idx(ids, i)));
	strbuf_addc(&b, '}');
	return strbuf_str(&b);
}

enum err people_batch(struct ctx *c, const struct input *in, const char **json)
{
	struct json_object *ids = NULL;

	TRY(may_read(c, NULL));
	if (!json_object_object_get_ex(in->values, "user_ids", &ids))
		return fail_field(c, "user_ids", "is required");
	return one_json(c, Q_USERS_BATCH, id_array(c, ids), json);
}
