/* src/domain/accounts.c - people as staff see them, and what was done to whom */
#include "domain/accounts.h"

#include "auth/token.h"
#include "core/json.h"
#include "db/db.h"
#include "domain/page.h"

#define ROLES "user|organizer|admin|service"
#define FIELD_END { NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL }

const struct input_field account_list_fields[] = {
	PAGE_ROWS,
	{ "q", IN_LINE, 0, 3, 100, 0, NULL, NULL, "Part of a name or an address" },
	{ "role", IN_WORD, 0, 0, 0, 0, ROLES, NULL, "Only these" },
	{ "active", IN_BOOL, 0, 0, 0, 0, NULL, NULL, "false: those suspended" },
	FIELD_END,
};
const struct input_field account_fields[] = {
	{ "role", IN_WORD, 0, 0, 0, 0, ROLES, NULL, "The new role" },
	{ "active", IN_BOOL, 0, 0, 0, 0, NULL, NULL, "false: suspended" },
	FIELD_END,
};
const struct input_field audit_fields[] = {
	PAGE_ROWS,
	{ "object", IN_ID, 0, 0, 0, 0, NULL, NULL, "What was changed" },
	{ "actor", IN_ID, 0, 0, 0, 0, NULL, NULL, "Who changed it" },
	FIELD_END,
};

/* "true", "false", or NULL when it is not given. */
static const char *flag(const struct input *in, const char *name)
{
	struct json_object *v;

	if (!json_object_object_get_ex(in->values, name, &v))
		return NULL;
	return json_object_get_boolean(v) ? "true" : "false";
}

enum err accounts_list(struct ctx *c, const struct input *in, struct list *out)
{
	const char *q = js_str(in->values, "q"), *role = js_str(in->values, "role"),
		   *active = flag(in, "active");
	const char *bound = arena_printf(c->arena, "accounts %s %s %s", q ? q : "",
					 role ? role : "", active ? active : "");
	struct page p;
	PGresult *r;

	TRY(page_read(c, in, bound, &p));
	TRY(db_query(c, Q_ACCOUNTS, &r, page_like(c, q),
		     role ? arena_printf(c->arena, "{%s}", role) :
			    "{user,organizer,admin,service}",
		     active ? arena_printf(c->arena, "{%s}", active) : "{true,false}", p.key, p.id,
		     p.most, p.skip));
	bool more = PQntuples(r) > p.limit;
	int last = (int)p.limit - 1;

	out->items = page_items(c, r, 2, p.limit);
	out->pagination = page_json(c, &p, more ? db_get(r, last, 0) : NULL,
				    more ? db_get(r, last, 1) : NULL, -1);
	return c->err;
}

enum err accounts_get(struct ctx *c, const struct id *id, const char **json)
{
	PGresult *r;

	TRY(db_query(c, Q_ACCOUNT, &r, id->s));
	*json = db_get(r, 0, 0);
	return *json ? OK : fail(c, E_NOTFOUND, "no such account");
}

static const char *ttl(struct ctx *c)
{
	return arena_printf(c->arena, "%ld", revocation_ttl());
}

enum err accounts_set(struct ctx *c, const struct id *id, const struct input *in)
{
	const char *const args[] = { id->s, c->actor->user.s, js_str(in->values, "role"),
				     flag(in, "active"), ttl(c) };
	struct effect e;
	long epoch;

	TRY(db_effect(c, Q_ACCOUNT_SET, NULL, args, COUNT(args), &e));
	if (e.body && str_to_long(str_of(e.body), 1, INT32_MAX, &epoch))
		revocation_tell(REVOKE_USER, id->s, (uint32_t)epoch);
	return OK;
}

enum err accounts_sign_out(struct ctx *c, const struct id *id)
{
	PGresult *r;

	TRY(db_query(c, Q_USER_REVOKE, &r, id->s, ttl(c)));
	if (!db_get(r, 0, 0))
		return fail(c, E_NOTFOUND, "no such account");
	revocation_tell(REVOKE_USER, id->s, (uint32_t)db_get_long(r, 0, 0));
	return OK;
}

enum err audit_list(struct ctx *c, const struct input *in, struct list *out)
{
	const char *object = js_str(in->values, "object"), *actor = js_str(in->values, "actor");
	const char *bound = arena_printf(c->arena, "audit %s %s", object ? object : "",
					 actor ? actor : "");
	struct page p;
	PGresult *r;

	TRY(page_read(c, in, bound, &p));
	TRY(db_query(c, Q_AUDIT_PAGE, &r, object, actor, p.key, p.most, p.skip));
	bool more = PQntuples(r) > p.limit;

	out->items = page_items(c, r, 1, p.limit);
	out->pagination = page_json(c, &p, more ? db_get(r, (int)p.limit - 1, 0) : NULL,
				    "00000000-0000-0000-0000-000000000000", -1);
	return c->err;
}
