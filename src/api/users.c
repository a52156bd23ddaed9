/* src/api/users.c - JSON endpoints for profiles, one's own and others' */
#include "api/api.h"

#include "domain/people.h"

static enum err profile_show(struct req *rq)
{
	const char *json;

	TRY(people_profile(rq->ctx, &json));
	return reply_data(rq, 200, json);
}

static enum err profile_change(struct req *rq)
{
	bool merge = rq->route->method == M_PATCH;
	struct json_object *body;
	struct input in;
	const char *json;

	TRY(req_json(rq, false, &body));
	/* What it finds wrong is recorded; the next call finds the rest and refuses for both. */
	(void)!input_read(rq->ctx, people_profile_fields, body,
			  (struct input_mode){ .partial = merge, .whole = !merge }, &in);
	TRY(people_profile_update(rq->ctx, &in, merge, &json));
	rq->message = "Profile saved";
	return reply_data(rq, 200, json);
}

/* The person of the path, through one of the views of domain/people.h. */
static enum err reply_person(struct req *rq, enum err (*view)(struct ctx *, const struct id *,
							      const char **))
{
	const char *json;
	struct id id;

	TRY(req_path_id(rq, "id", "person", &id));
	TRY(view(rq->ctx, &id, &json));
	return reply_data(rq, 200, json);
}

static enum err user_show(struct req *rq)
{
	return reply_person(rq, people_short);
}

static enum err user_validate(struct req *rq)
{
	return reply_person(rq, people_validate);
}

static enum err user_profile(struct req *rq)
{
	return reply_person(rq, people_public);
}

static enum err users_batch(struct req *rq)
{
	struct json_object *body;
	struct input in;
	const char *json;

	TRY(req_json(rq, false, &body));
	TRY(input_read(rq->ctx, people_batch_fields, body, (struct input_mode){ .partial = false },
		       &in));
	TRY(people_batch(rq->ctx, &in, &json));
	return reply_data(rq, 200, json);
}

static enum err sessions_show(struct req *rq)
{
	const char *json;

	TRY(people_sessions(rq->ctx, &json));
	return reply_data(rq, 200, json);
}

static enum err session_end_one(struct req *rq)
{
	struct id id;

	TRY(req_path_id(rq, "session", "sign-in", &id));
	TRY(people_session_end(rq->ctx, &id));
	rq->message = "This sign-in has ended";
	return reply_data(rq, 200, "null");
}

static enum err sessions_end_all(struct req *rq)
{
	TRY(people_sessions_end(rq->ctx));
	rq->message = "Signed out everywhere";
	return reply_data(rq, 200, "null");
}

const struct route user_routes[] = {
	{ M_GET, "/users/profile", profile_show, WHO_MEMBER, 0, RL_BROWSE, C_NONE, 0, NULL, NULL,
	  "One's own profile" },
	{ M_PUT, "/users/profile", profile_change, WHO_MEMBER, 0, RL_WRITE, C_NONE, 0,
	  people_profile_fields, NULL, "Replace one's own profile" },
	{ M_PATCH, "/users/profile", profile_change, WHO_MEMBER, 0, RL_WRITE, C_NONE, 0,
	  people_profile_fields, NULL, "Change parts of one's own profile" },
	{ M_GET, "/users/me/sessions", sessions_show, WHO_MEMBER, 0, RL_BROWSE, C_NONE, 0, NULL,
	  NULL, "One's own sign-ins: since when, from where, with what" },
	{ M_DELETE, "/users/me/sessions", sessions_end_all, WHO_MEMBER, 0, RL_WRITE, C_NONE, 0,
	  NULL, NULL, "Sign out everywhere" },
	{ M_DELETE, "/users/me/sessions/:session", session_end_one, WHO_MEMBER, 0, RL_WRITE, C_NONE,
	  0, NULL, NULL, "End one of one's own sign-ins" },
	{ M_POST, "/users/batch", users_batch, WHO_MEMBER, 0, RL_BROWSE, C_NONE, 0,
	  people_batch_fields, NULL, "Short views of up to 100 people" },
	{ M_GET, "/users/:id", user_show, WHO_MEMBER, 0, RL_BROWSE, C_NONE, 0, NULL, NULL,
	  "Short view of somebody: id, name, username, avatar" },
	{ M_GET, "/users/:id/validate", user_validate, WHO_MEMBER, 0, RL_BROWSE, C_NONE, 0, NULL,
	  NULL, "Does somebody exist, and may they act?" },
	{ M_GET, "/users/:id/profile", user_profile, WHO_MEMBER, 0, RL_BROWSE, C_NONE, 0, NULL,
	  NULL, "What other services may know of somebody" },
	ROUTE_END
};
