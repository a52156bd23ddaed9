/* src/api/auth.c - JSON endpoints for signing up, in and out */
#include "api/api.h"

#include "core/strbuf.h"
#include "domain/people.h"
#include "web/guard.h"

static enum err read_body(struct req *rq, struct input *in)
{
	struct json_object *body;

	TRY(req_json(rq, false, &body));
	return input_read(rq->ctx, rq->route->body, body, (struct input_mode){ .partial = false },
			  in);
}

static enum err reply_session(struct req *rq, int status, const struct session *s)
{
	struct strbuf b;

	strbuf_init(&b, rq->ctx->arena, 1 << 20);
	strbuf_adds(&b, "{\"token\":");
	strbuf_jsonz(&b, s->token);
	strbuf_adds(&b, ",\"refresh_token\":");
	strbuf_jsonz(&b, s->refresh_token);
	strbuf_printf(&b, ",\"token_type\":\"Bearer\",\"expires_in\":%ld,\"user\":%s}",
		      s->expires_in, s->user);
	if (b.failed)
		return fail(rq->ctx, E_INTERNAL, "the profile is too large");
	/* also at the top level, where older clients look for it; it holds nothing to escape */
	envelope_extra(rq, arena_printf(rq->ctx->arena, "\"token\":\"%s\",", s->token));
	return reply_data(rq, status, strbuf_str(&b));
}

static enum err auth_register(struct req *rq)
{
	struct client from = guard_client(rq);
	struct session s;
	struct input in;

	TRY(read_body(rq, &in));
	TRY(people_register(rq->ctx, &in, &from, &s));
	rq->message = "Welcome";
	return reply_session(rq, 201, &s);
}

static enum err auth_login(struct req *rq)
{
	struct client from = guard_client(rq);
	struct session s;
	struct input in;

	TRY(read_body(rq, &in));
	TRY(people_login(rq->ctx, &in, &from, &s));
	rq->message = "Signed in";
	return reply_session(rq, 200, &s);
}

static enum err auth_refresh(struct req *rq)
{
	struct session s;
	struct input in;

	TRY(read_body(rq, &in));
	TRY(people_refresh(rq->ctx, &in, &s));
	rq->message = "Refreshed";
	return reply_session(rq, 200, &s);
}

static enum err auth_logout(struct req *rq)
{
	TRY(people_logout(rq->ctx));
	rq->message = "Signed out";
	return reply_data(rq, 200, "null");
}

const struct route auth_routes[] = {
	{ M_POST, "/auth/register", auth_register, WHO_ANY, 0, RL_LOGIN, C_NONE, 0,
	  people_register_fields, NULL, "Create an account and sign in" },
	{ M_POST, "/auth/login", auth_login, WHO_ANY, 0, RL_LOGIN, C_NONE, 0, people_login_fields,
	  NULL, "Sign in with e-mail address and password" },
	{ M_POST, "/auth/refresh", auth_refresh, WHO_ANY, 0, RL_WRITE, C_NONE, 0,
	  people_refresh_fields, NULL, "Exchange a refresh token for new tokens" },
	{ M_POST, "/auth/logout", auth_logout, WHO_MEMBER, 0, RL_WRITE, C_NONE, 0, NULL, NULL,
	  "End this sign-in and every token made in it" },
	ROUTE_END
};
