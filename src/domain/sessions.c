/* src/domain/sessions.c - somebody's sign-ins: seen, ended one by one or all at once */
#include "auth/token.h"
#include "core/id.h"
#include "core/json.h"
#include "db/db.h"
#include "domain/people.h"

static const char *ttl(struct ctx *c)
{
	return arena_printf(c->arena, "%ld", (long)revocation_ttl());
}

enum err people_sessions(struct ctx *c, const char **json)
{
	struct json_object *list;
	PGresult *r;

	TRY(db_query(c, Q_SESSIONS, &r, c->actor->user.s));
	list = js_own(c->arena, db_get(r, 0, 0));
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *one = json_object_array_get_idx(list, i);
		bool here = c->actor->session && strcmp(c->actor->session, js_str(one, "id")) == 0;

		js_flag(one, "current", here);
	}
	*json = json_object_to_json_string_ext(list, JSON_C_TO_STRING_PLAIN |
							     JSON_C_TO_STRING_NOSLASHESCAPE);
	return OK;
}

enum err people_session_end(struct ctx *c, const struct id *id)
{
	PGresult *r;

	TRY(db_query(c, Q_SESSION_END, &r, c->actor->user.s, id->s, ttl(c)));
	if (strcmp(db_get(r, 0, 0), "t") != 0)
		return fail(c, E_NOTFOUND, "no such sign-in");
	revocation_tell(REVOKE_SESSION, id->s, 1);
	return OK;
}

enum err people_sessions_end(struct ctx *c)
{
	PGresult *r;

	TRY(db_query(c, Q_USER_REVOKE, &r, c->actor->user.s, ttl(c)));
	revocation_tell(REVOKE_USER, c->actor->user.s, (uint32_t)db_get_long(r, 0, 0));
	return OK;
}
