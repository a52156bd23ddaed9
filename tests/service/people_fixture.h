/* tests/service/people_fixture.h - people: signing up and in, and input for them */
#ifndef TESTS_PEOPLE_FIXTURE_H
#define TESTS_PEOPLE_FIXTURE_H

#include "auth/token.h"
#include "domain/people.h"
#include "service/people_host.h"

#define PASSWORD "long enough 4 tests"

T_UNUSED static const char *client = "192.0.2.7";	/* address that signs in */

/* An address nobody has used before. */
static const char *new_email(void)
{
	return arena_printf(c.arena, "t.%s@example.org", id_new().s);
}

/* JSON, with ' for ", through a table of fields. */
T_UNUSED static enum err read_fields(const struct input_field *fields, struct input_mode mode,
				     const char *json, struct input *in)
{
	char *text = arena_strdup(c.arena, json);

	for (char *p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	ctx_forgive(&c);
	return input_read(&c, fields, js_own(c.arena, text), mode, in);
}

T_UNUSED static struct input input_of(const struct input_field *fields, const char *json)
{
	struct input in = { NULL };

	if (read_fields(fields, (struct input_mode){ .partial = false }, json, &in) != OK)
		T_FAIL("input %s is refused: %s", json, c.details ? c.details->reason : "?");
	return in;
}

static enum err sign_up(const char *email, const char *password, struct session *s)
{
	const char *json = arena_printf(c.arena, "{'email':'%s','password':'%s','name':'Ada'}",
					email, password);
	struct input in;

	TRY(read_fields(people_register_fields, (struct input_mode){ .partial = false }, json,
			&in));
	return people_register(&c, &in, &(struct client){ "192.0.2.1", "192.0.2.1", "test" }, s);
}

T_UNUSED static enum err sign_in(const char *email, const char *password, struct session *s)
{
	struct input in = input_of(people_login_fields,
				   arena_printf(c.arena, "{'email':'%s','password':'%s'}", email,
						password));

	return people_login(&c, &in, &(struct client){ client, client, "test" }, s);
}

/* The actor of a token; anonymous when it does not verify. */
static struct actor actor_of(const char *token)
{
	struct actor a;

	ctx_forgive(&c);
	if (token_verify(&c, str_of(token), &a) != OK)
		T_FAIL("a token does not verify");
	return a;
}

/* Somebody new, signed in. */
static struct actor newcomer(struct session *s)
{
	T_REQUIRE(sign_up(new_email(), PASSWORD, s) == OK);
	return actor_of(s->token);
}

T_UNUSED static enum err refresh(const char *token, struct session *s)
{
	struct input in =
	    input_of(people_refresh_fields, arena_printf(c.arena, "{'refresh_token':'%s'}", token));

	return people_refresh(&c, &in, s);
}

T_UNUSED static enum err revoked(const struct actor *a)
{
	ctx_forgive(&c);
	return token_check_revoked(&c, a);
}

#endif
