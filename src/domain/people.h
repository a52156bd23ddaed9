/* src/domain/people.h - accounts: signing up and in, refreshing, profiles */
#ifndef DOMAIN_PEOPLE_H
#define DOMAIN_PEOPLE_H

#include "auth/actor.h"
#include "core/ctx.h"
#include "core/json.h"
#include "domain/input.h"

extern const struct input_field people_register_fields[], people_login_fields[],
    people_code_fields[], people_refresh_fields[], people_profile_fields[], people_batch_fields[];

/* What a sign-in gives: all texts belong to the arena. */
struct session {
	const char *token; /* access token */
	const char *refresh_token;
	long expires_in; /* seconds */
	const char *user; /* own profile, JSON */
	const char *pending; /* set when only a code is missing: for people_login_code */
};

/* Where somebody signs in from. */
struct client {
	const char *counted; /* whom limits count: an address, or a network */
	const char *address;
	const char *agent; /* what the browser calls itself; ASCII */
};
/* in: the values of the field tables above. */
enum err people_register(struct ctx *c, const struct input *in, const struct client *from,
			 struct session *out) MUST_CHECK;
/* E_UNAUTH for a wrong pair, or, with the field code, where a second factor is set up; E_LIMIT. */
enum err people_login(struct ctx *c, const struct input *in, const struct client *from,
		      struct session *out) MUST_CHECK;
/* The second step, within five minutes: in holds people_code_fields. */
enum err people_login_code(struct ctx *c, const struct input *in, const struct client *from,
			   struct session *out) MUST_CHECK;
enum err people_refresh(struct ctx *c, const struct input *in, struct session *out) MUST_CHECK;
enum err people_logout(struct ctx *c) MUST_CHECK; /* ends the actor's sign-in */
/* Does this person sign in with a second factor? (second.c) */
enum err people_second_on(struct ctx *c, const struct id *who, bool *on) MUST_CHECK;
/* ---- one's own sign-ins (sessions.c) ---- */
/* JSON array, the last used first; current: is it the one that asks? */
enum err people_sessions(struct ctx *c, const char **json) MUST_CHECK;
enum err people_session_end(struct ctx *c, const struct id *id) MUST_CHECK; /* E_NOTFOUND */
enum err people_sessions_end(struct ctx *c) MUST_CHECK; /* all of them, this one too */

struct person {
	const char *email, *name, *password, *role;
};
/* Creates an account without a session (command line). E_CONFLICT for a known address. */
enum err people_create(struct ctx *c, const struct person *a, struct id *out) MUST_CHECK;
/* A token for somebody without their password (command line, development). E_NOTFOUND. */
enum err people_token(struct ctx *c, const char *email, const char **token) MUST_CHECK;
/* E_NOTFOUND, E_INVALID for an unknown role. The person's tokens become void. */
enum err people_set_role(struct ctx *c, const char *email, const char *role) MUST_CHECK;

/* ---- profiles (profiles.c): answers are JSON, in the arena ---- */
enum err people_profile(struct ctx *c, const char **json) MUST_CHECK; /* the actor's own */
/* merge: PATCH, else PUT. E_CONFLICT for a username that is taken. */
enum err people_profile_update(struct ctx *c, const struct input *in, bool merge,
			       const char **json) MUST_CHECK;
/* id, name, username, avatar; E_NOTFOUND. For every member. */
enum err people_short(struct ctx *c, const struct id *id, const char **json) MUST_CHECK;
/* For services, staff, organizers, and oneself; E_DENIED for others. */
enum err people_public(struct ctx *c, const struct id *id, const char **json) MUST_CHECK;
enum err people_validate(struct ctx *c, const struct id *id, const char **json) MUST_CHECK;
/* Short views in the order asked; unknown people are left out. E_DENIED as above. */
enum err people_batch(struct ctx *c, const struct input *in, const char **json) MUST_CHECK;

#endif
