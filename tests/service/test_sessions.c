/* tests/service/test_sessions.c - sign-ins seen and ended, the second factor, the audit log */
#include "people_fixture.h"

#include "domain/second.h"

#include <liboath/oath.h>
#include <time.h>

/* ---- seen and ended ---- */

static size_t sessions(const char **first)
{
	struct json_object *list;
	const char *json;

	ctx_forgive(&c);
	T_REQUIRE(people_sessions(&c, &json) == OK);
	list = js_own(c.arena, json);
	if (first && json_object_array_length(list))
		*first = json_object_to_json_string(json_object_array_get_idx(list, 0));
	return json_object_array_length(list);
}

static void sign_ins_are_listed_and_ended(void)
{
	struct session here, there, other;
	struct actor a, b, stranger;
	const char *email, *first;
	struct id id;

	NEED_PEOPLE();
	email = new_email();
	T_REQUIRE(sign_up(email, PASSWORD, &here) == OK);
	T_REQUIRE(sign_in(email, PASSWORD, &there) == OK);
	a = actor_of(here.token);
	b = actor_of(there.token);
	stranger = newcomer(&other);
	c.actor = &b;
	T_EQ_INT(sessions(&first), 2);
	T_HAS(first, "\"current\": true");
	T_HAS(first, client);
	T_REQUIRE(id_parse(str_of(a.session), &id));
	c.actor = &stranger;
	T_EQ_INT(people_session_end(&c, &id), E_NOTFOUND);
	T_EQ_INT(revoked(&a), OK);
	c.actor = &b;
	ctx_forgive(&c);
	T_EQ_INT(people_session_end(&c, &id), OK);
	T_EQ_INT(revoked(&a), E_UNAUTH);
	T_EQ_INT(revoked(&b), OK);
	T_EQ_INT(sessions(NULL), 1);
	T_EQ_INT(people_session_end(&c, &id), E_NOTFOUND);
	ctx_forgive(&c);
	T_EQ_INT(people_sessions_end(&c), OK);
	T_EQ_INT(revoked(&b), E_UNAUTH);
	T_EQ_INT(refresh(there.refresh_token, &other), E_UNAUTH);
	c.actor = &actor_anonymous;
}

/* ---- the second factor ---- */

/* What the app shows at that time. One step is allowed either way: the code of a moment ago and the
 * one after it hold for half a minute at least. */
static const char *code_at(const char *secret, time_t at)
{
	char *raw, code[7];
	size_t n;

	T_REQUIRE(oath_base32_decode(secret, strlen(secret), &raw, &n) == OATH_OK);
	T_REQUIRE(oath_totp_generate(raw, n, at, 30, 0, 6, code) == OATH_OK);
	free(raw);
	return arena_strdup(c.arena, code);
}

static enum err with_code(const char *email, const char *code, struct session *s)
{
	struct input in = input_of(people_login_fields,
				   arena_printf(c.arena,
						"{'email':'%s','password':'" PASSWORD
						"','code':'%s'}", email, code));

	return people_login(&c, &in, &(struct client){ client, client, "test" }, s);
}

static enum err second_step(const char *pending, const char *code, struct session *s)
{
	struct input in = input_of(people_code_fields,
				   arena_printf(c.arena, "{'pending':'%s','code':'%s'}", pending,
						code));

	return people_login_code(&c, &in, &(struct client){ client, client, "test" }, s);
}

/* As if no code had been used yet. */
static void forget_used_codes(const struct actor *a)
{
	T_REQUIRE(db_simple(&c, arena_printf(c.arena, "UPDATE second_factors SET last_step = 0"
					     " WHERE user_id = '%s'", a->user.s), NULL) == OK);
}

static void a_second_factor_is_asked_for(void)
{
	const char *email, *secret, *codes[SECOND_RECOVERY];
	struct json_object *state = NULL;
	struct session s;
	struct actor a;
	time_t at;

	NEED_PEOPLE();
	email = new_email();
	T_REQUIRE(sign_up(email, PASSWORD, &s) == OK);
	a = actor_of(s.token);
	c.actor = &a;
	T_REQUIRE(second_begin(&c) == OK && second_state(&c, &state) == OK);
	secret = js_str(state, "secret");
	T_REQUIRE(secret != NULL);
	T_HAS(js_str(state, "uri"), secret);
	T_EQ_INT(sign_in(email, PASSWORD, &s), OK);	/* it does not count yet */
	T_EQ_INT(second_confirm(&c, "000000", codes), E_INVALID);
	ctx_forgive(&c);
	at = time(NULL);
	T_REQUIRE(second_confirm(&c, code_at(secret, at), codes) == OK);
	T_EQ_INT(second_begin(&c), E_CONFLICT);
	T_EQ_INT(sign_in(email, PASSWORD, &s), E_UNAUTH);
	T_EQ_STR(c.details->field, "code");
	T_REQUIRE(s.pending != NULL && !s.token);
	T_EQ_INT(sign_in(email, "not the password", &s), E_UNAUTH);
	T_TRUE(!s.pending && !c.details);
	T_EQ_INT(with_code(email, code_at(secret, at), &s), E_UNAUTH);	/* used up */
	T_EQ_INT(with_code(email, code_at(secret, at + 30), &s), OK);
	T_EQ_INT(with_code(email, code_at(secret, at + 30), &s), E_UNAUTH);
	forget_used_codes(&a);
	T_EQ_INT(second_step(s.pending, code_at(secret, at + 30), &s), OK);
	T_EQ_INT(with_code(email, codes[3], &s), OK);
	T_EQ_INT(with_code(email, codes[3], &s), E_UNAUTH);
	T_EQ_INT(second_step("nonsense", codes[4], &s), E_UNAUTH);
	T_TRUE(!s.pending);
	ctx_forgive(&c);
	T_EQ_INT(second_off(&c, "aaaa-aaaa-aaaa-aaaa"), E_UNAUTH);
	ctx_forgive(&c);
	T_EQ_INT(second_off(&c, codes[5]), OK);
	T_EQ_INT(sign_in(email, PASSWORD, &s), OK);
	c.actor = &actor_anonymous;
}

/* ---- the audit log ---- */

static void changes_by_people_are_recorded(void)
{
	struct session s;
	struct actor a;
	const char *email;
	long before;

	NEED_PEOPLE();
	email = new_email();
	before = fixture_number(&c, "SELECT count(*) FROM audit_log");
	T_REQUIRE(sign_up(email, PASSWORD, &s) == OK);
	a = actor_of(s.token);
	T_EQ_INT(fixture_number(&c, arena_printf(c.arena, "SELECT count(*) FROM audit_log WHERE "
						 "action = 'user.signed_in' AND actor = '%s'",
						 a.user.s)), 1);
	c.asker = "01890000-0000-7000-8000-000000000001";
	c.asker_address = "192.0.2.9";
	c.request_id = "req_1";
	T_REQUIRE(people_set_role(&c, email, "organizer") == OK);
	T_EQ_INT(fixture_number(&c, arena_printf(c.arena,
		"SELECT count(*) FROM audit_log WHERE object = '%s' AND action = 'user.updated' "
		"AND actor = '01890000-0000-7000-8000-000000000001' AND address = '192.0.2.9' AND "
		"request_id = 'req_1' AND before = '{\"role\": \"user\"}' AND "
		"after = '{\"role\": \"organizer\"}'", a.user.s)), 1);
	c.asker = NULL;
	T_REQUIRE(people_set_role(&c, email, "user") == OK);	/* nobody asked */
	T_EQ_INT(fixture_number(&c, "SELECT count(*) FROM audit_log"), before + 2);
	/* Only ever added to, by whoever serves pages. */
	T_EQ_INT(fixture_number(&c, "SELECT count(*) FROM unnest(ARRAY['UPDATE', 'DELETE', "
				"'TRUNCATE']) p WHERE has_table_privilege('marquee_web', "
				"'marquee.audit_log', p)"), 0);
	T_EQ_INT(fixture_number(&c, "SELECT has_table_privilege('marquee_web', "
				"'marquee.audit_log', 'INSERT')::int"), 1);
}

T_SUITE_WITH("sign-ins", people_setup, people_teardown, T(sign_ins_are_listed_and_ended),
	     T(a_second_factor_is_asked_for),
	     T(changes_by_people_are_recorded))
