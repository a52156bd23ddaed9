/* src/api/password.c - JSON endpoints for forgotten passwords */
#include "api/api.h"

#include "domain/resets.h"
#include "web/guard.h"

static enum err read_body(struct req *rq, struct input *in)
{
	struct json_object *body;

	TRY(req_json(rq, false, &body));
	return input_read(rq->ctx, rq->route->body, body, (struct input_mode){ .partial = false },
			  in);
}

static enum err password_forgot(struct req *rq)
{
	struct input in;

	TRY(read_body(rq, &in));
	TRY(resets_ask(rq->ctx, &in, guard_client(rq).counted));
	rq->message = "If there is such an account, a mail is on its way";
	return reply_data(rq, 202, "null");
}

static enum err password_reset(struct req *rq)
{
	struct input in;

	TRY(read_body(rq, &in));
	TRY(resets_use(rq->ctx, &in));
	rq->message = "The password is changed; sign in with it";
	return reply_data(rq, 200, "null");
}

const struct route password_routes[] = {
	{ M_POST, "/auth/password/forgot", password_forgot, WHO_ANY, 0, RL_LOGIN, C_NONE, 0,
	  resets_forgot_fields, NULL, "Ask for a mail with which a new password can be chosen" },
	{ M_POST, "/auth/password/reset", password_reset, WHO_ANY, 0, RL_LOGIN, C_NONE, 0,
	  resets_use_fields, NULL, "Choose a new password; every sign-in ends" },
	ROUTE_END
};
