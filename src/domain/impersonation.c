/* src/domain/impersonation.c - staff that looks at the site as somebody else sees it */
#include "domain/impersonation.h"

#include "auth/pass.h"
#include "auth/token.h"
#include "core/clock.h"
#include "core/json.h"
#include "db/db.h"

const struct input_field impersonation_fields[] = {
	{ "reason", IN_LINE, IN_REQUIRED, 3, 300, 0, NULL, NULL, "Why; the audit log keeps it" },
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};

enum err impersonation_begin(struct ctx *c, const struct id *user, const char *reason,
			     const char **pass)
{
	struct id id = id_new();
	struct actor as = { .user = *user, .by = c->actor->user, .jti = id.s,
			    .session = c->actor->session,
			    .expires = clock_now_us() / 1000000 + IMPERSONATION_S };
	const char *const args[] = { id.s, c->actor->user.s, user->s, reason,
				     arena_printf(c->arena, "%d", IMPERSONATION_S) };
	struct json_object *o;
	struct effect e;

	if (!as.session)
		return fail(c, E_CONFLICT, "sign in on the pages first");
	TRY(db_effect(c, Q_IMPERSONATION_BEGIN, NULL, args, COUNT(args), &e));
	o = js_own(c->arena, e.body);
	as.role = role_parse(js_str(o, "role"));
	as.email = js_str(o, "email");
	as.token_epoch = (uint32_t)json_object_get_int64(js_get(o, "epoch"));
	if (as.role == ROLE_COUNT || !as.email)
		return fail(c, E_INTERNAL, "the account could not be read");
	return pass_make(c, &as, pass);
}

enum err impersonation_end(struct ctx *c)
{
	TRY(db_query(c, Q_IMPERSONATION_END, NULL, c->actor->jti));
	revocation_tell(REVOKE_JTI, c->actor->jti, 1);
	return OK;
}
