/* tests/service/test_people.c - signing up, in and out, refreshing, and revocation on two hosts */
#include "db/conn.h"
#include "people_fixture.h"

#include "auth/password.h"
#include "core/clock.h"
#include "core/hash.h"

#include <crypt.h>
#include <time.h>

static long count(const char *sql, const char *arg)
{
	ctx_forgive(&c);
	sql = arena_printf(c.arena, "SELECT count(*) FROM %s = '%s'", sql, arg);
	return fixture_number(&c, sql);
}

static void update_users(const char *set, const char *email)
{
	ctx_forgive(&c);
	T_REQUIRE(
	    db_simple(&c,
		      arena_printf(c.arena, "UPDATE users SET %s WHERE email = '%s'", set, email),
		      NULL) == OK);
}

#define PERIOD_MS 250	/* as in auth/revocation.c */

/* The last turn may have been less than a period ago. */
static void a_period_passes(void)
{
	const struct timespec pause = { .tv_nsec = (PERIOD_MS + 50) * 1000 * 1000 };

	nanosleep(&pause, NULL);
}

static void poll_now(void)
{
	a_period_passes();
	revocation_poll(&c);
}

/* The mark of a turn that no stall of this machine makes old. */
static int64_t polled_for_long(void)
{
	int64_t mark = clock_mono_ms() + 30000;

	shm_revocation_polled(mark);
	return mark;
}

static void sign_up_signs_in(void)
{
	const char *email;
	struct session s;
	struct actor a;
	char hash[SHA256_HEX];
	struct json_object *profile;

	NEED_PEOPLE();
	email = new_email();
	T_REQUIRE(sign_up(email, PASSWORD, &s) == OK);
	a = actor_of(s.token);
	T_EQ_STR(a.email, email);
	T_EQ_INT(a.role, ROLE_USER);
	T_EQ_INT(a.token_epoch, 1);
	T_EQ_INT(s.expires_in, 900);
	T_EQ_INT(revoked(&a), OK);
	profile = js_own(c.arena, s.user);
	T_EQ_STR(js_str(profile, "id"), a.user.s);
	T_EQ_STR(js_str(profile, "email"), email);
	T_FALSE(js_has(profile, "password_hash"));
	/* only hashes are stored */
	T_EQ_INT(strlen(s.refresh_token), 47);
	T_EQ_INT(count("refresh_tokens WHERE hash", s.refresh_token), 0);
	sha256_hex(s.refresh_token, strlen(s.refresh_token), hash);
	T_EQ_INT(count("refresh_tokens WHERE hash", hash), 1);
	T_EQ_INT(count("users WHERE password_hash LIKE '$argon2id$%' AND email", email), 1);
}

static void known_address_is_a_conflict(void)
{
	const char *email;
	struct session s;
	long before;

	NEED_PEOPLE();
	email = new_email();
	T_REQUIRE(sign_up(email, PASSWORD, &s) == OK);
	before = fixture_number(&c, "SELECT count(*) FROM refresh_families");
	T_EQ_INT(sign_up(email, PASSWORD, &s), E_CONFLICT);
	T_HAS(c.err_msg, "registered already");
	T_EQ_INT(sign_up(arena_printf(c.arena, "T%s", email + 1), PASSWORD, &s), E_CONFLICT);
	ctx_forgive(&c);
	T_EQ_INT(fixture_number(&c, "SELECT count(*) FROM refresh_families"), before);
	T_FALSE(conn_in_transaction(c.db));
}

static void bad_new_passwords(void)
{
	const char *email;
	struct session s;

	NEED_PEOPLE();
	email = new_email();
	T_EQ_INT(sign_up(email, "password123", &s), E_INVALID);
	T_REQUIRE(c.details != NULL);
	T_EQ_STR(c.details->field, "password");
	T_EQ_INT(sign_up(email, "short", &s), E_INVALID);
	T_EQ_INT(count("users WHERE email", email), 0);
	cfg.auth_refuse_common = false;
	T_EQ_INT(sign_up(email, "password123", &s), OK);
}

struct refusal {
	enum err e;
	const char *message;
	unsigned trips;
};

static struct refusal try(const char *email, const char *password)
{
	unsigned before = c.sql_trips;
	struct session s;
	enum err e = sign_in(email, password, &s);

	return (struct refusal){ e, c.err_msg, c.sql_trips - before };
}

static void refused_alike(const struct refusal *a, const struct refusal *b)
{
	T_EQ_INT(a->e, E_UNAUTH);
	T_EQ_INT(b->e, E_UNAUTH);
	T_EQ_STR(a->message, "wrong e-mail address or password");
	T_EQ_STR(b->message, a->message);
	T_EQ_INT(a->trips, b->trips);
	T_NULL(c.details);
}

static void sign_in_tells_nothing(void)
{
	const char *email;
	struct session s;
	struct actor a;

	NEED_PEOPLE();
	email = new_email();
	T_REQUIRE(sign_up(email, PASSWORD, &s) == OK);
	T_REQUIRE(sign_in(email, PASSWORD, &s) == OK);
	a = actor_of(s.token);
	T_EQ_STR(a.email, email);
	struct refusal wrong = try(email, PASSWORD "x");
	struct refusal unknown = try(new_email(), PASSWORD);
	refused_alike(&wrong, &unknown);
	update_users("is_active = false", email);
	struct refusal disabled = try(email, PASSWORD);
	refused_alike(&wrong, &disabled);
	T_EQ_INT(refresh(s.refresh_token, &s), E_UNAUTH);
	/* rows without a password never match */
	update_users("is_active = true, password_hash = NULL", email);
	struct refusal without = try(email, PASSWORD);
	refused_alike(&wrong, &without);
}

static void sign_in_is_limited(void)
{
	const char *email;
	struct session s;

	NEED_PEOPLE();
	email = new_email();
	T_REQUIRE(sign_up(email, PASSWORD, &s) == OK);
	client = arena_strdup(c.arena, id_new().s);	/* its quota is whole */
	cfg.limits_enabled = true;
	cfg.limits_login = 3;
	for (int i = 0; i < 3; i++)
		T_EQ_INT(try(email, "wrong password").e, E_UNAUTH);
	/* also with the right one, in whatever case the address is written */
	T_EQ_INT(try(email, PASSWORD).e, E_LIMIT);
	T_TRUE(c.retry_after > 0 && c.retry_after <= 1200);
	T_EQ_INT(try(arena_printf(c.arena, "T%s", email + 1), PASSWORD).e, E_LIMIT);
	/* nobody else is locked out */
	T_EQ_INT(try(new_email(), PASSWORD).e, E_UNAUTH);
	cfg.limits_enabled = false;
	T_EQ_INT(try(email, PASSWORD).e, OK);
	client = "192.0.2.7";
}

static void an_address_is_limited_over_all_accounts(void)
{
	NEED_PEOPLE();
	client = arena_strdup(c.arena, id_new().s);
	cfg.limits_enabled = true;
	cfg.limits_login = 1;
	for (int i = 0; i < 5; i++)
		T_EQ_INT(try(new_email(), PASSWORD).e, E_UNAUTH);
	T_EQ_INT(try(new_email(), PASSWORD).e, E_LIMIT);
	client = "192.0.2.7";
}

static void old_hashes_are_renewed(void)
{
	const char *email, *hash;
	struct crypt_data *data;
	struct session s;
	char salt[CRYPT_GENSALT_OUTPUT_SIZE];

	NEED_PEOPLE();
	email = new_email();
	T_REQUIRE(sign_up(email, PASSWORD, &s) == OK);
	data = arena_zalloc(c.arena, sizeof(*data));
	T_REQUIRE(crypt_gensalt_rn("$2b$", 5, NULL, 0, salt, sizeof(salt)) != NULL);
	hash = crypt_r("brought over", salt, data);
	update_users(arena_printf(c.arena, "password_hash = '%s'", hash), email);
	T_EQ_INT(sign_in(email, "not it at all", &s), E_UNAUTH);
	T_EQ_INT(count("users WHERE password_hash LIKE '$2b$%' AND email", email), 1);
	T_EQ_INT(sign_in(email, "brought over", &s), OK);
	T_EQ_INT(count("users WHERE password_hash LIKE '$argon2id$%' AND email", email), 1);
	T_EQ_INT(sign_in(email, "brought over", &s), OK);
}

static void refresh_rotates(void)
{
	struct session first, second, third, sibling;
	struct actor a, b;

	NEED_PEOPLE();
	a = newcomer(&first);
	T_REQUIRE(refresh(first.refresh_token, &second) == OK);
	T_TRUE(strcmp(first.refresh_token, second.refresh_token) != 0);
	b = actor_of(second.token);
	T_EQ_STR(b.session, a.session);
	T_TRUE(strcmp(a.jti, b.jti) != 0);
	T_EQ_STR(second.user, first.user);
	/* two tabs, or an answer that was lost */
	T_REQUIRE(refresh(first.refresh_token, &sibling) == OK);
	T_REQUIRE(refresh(second.refresh_token, &third) == OK);
	T_EQ_INT(revoked(&a), OK);
	/* later it is theft: everybody is signed out */
	cfg.auth_refresh_grace = 0;
	T_EQ_INT(refresh(first.refresh_token, &second), E_UNAUTH);
	T_EQ_STR(c.err_msg, "the refresh token is not valid");
	T_EQ_INT(revoked(&a), E_UNAUTH);
	T_EQ_INT(revoked(&b), E_UNAUTH);
	cfg.auth_refresh_grace = 10000;
	T_EQ_INT(refresh(third.refresh_token, &second), E_UNAUTH);
	T_EQ_INT(refresh(sibling.refresh_token, &second), E_UNAUTH);
	T_EQ_STR(c.err_msg, "the refresh token is not valid");
}

static void refresh_tokens_that_are_none(void)
{
	struct session s, out;
	unsigned trips;

	NEED_PEOPLE();
	(void)newcomer(&s);
	trips = c.sql_trips;
	T_EQ_INT(refresh(s.token, &out), E_UNAUTH);
	T_EQ_INT(refresh(s.refresh_token + 4, &out), E_UNAUTH);
	T_EQ_INT(refresh("mqr_", &out), E_UNAUTH);
	T_EQ_INT(refresh("mqr_ OR true --", &out), E_UNAUTH);
	T_EQ_INT(c.sql_trips, trips);
	T_EQ_INT(refresh("mqr_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &out), E_UNAUTH);
	T_EQ_INT(refresh(s.refresh_token, &out), OK);
}

static void sign_in_ends_after_its_time(void)
{
	struct session s, out;
	const char *sql;
	struct actor a;

	NEED_PEOPLE();
	a = newcomer(&s);
	sql = arena_printf(
	    c.arena, "UPDATE refresh_families SET expires_at = now() WHERE id = '%s'", a.session);
	T_REQUIRE(db_simple(&c, sql, NULL) == OK);
	T_EQ_INT(refresh(s.refresh_token, &out), E_UNAUTH);
}

static void logout_ends_one_sign_in(void)
{
	struct session here, there, out;
	struct actor a, b;

	NEED_PEOPLE();
	a = newcomer(&here);
	T_REQUIRE(sign_in(a.email, PASSWORD, &there) == OK);
	b = actor_of(there.token);
	c.actor = &a;
	T_REQUIRE(people_logout(&c) == OK);
	T_EQ_INT(revoked(&a), E_UNAUTH);
	T_EQ_INT(revoked(&b), OK);
	T_EQ_INT(refresh(here.refresh_token, &out), E_UNAUTH);
	T_EQ_INT(refresh(there.refresh_token, &out), OK);
	ctx_forgive(&c);
	T_EQ_INT(people_logout(&c), OK); /* twice is no error */
	c.actor = &actor_anonymous;
	T_EQ_INT(people_logout(&c), E_UNAUTH);
}

static void token_without_sign_in(void)
{
	const char *one = NULL, *two = NULL;
	struct session s;
	struct actor a, b;

	NEED_PEOPLE();
	a = newcomer(&s);
	T_REQUIRE(people_token(&c, a.email, &one) == OK);
	T_REQUIRE(people_token(&c, a.email, &two) == OK);
	a = actor_of(one);
	b = actor_of(two);
	T_NULL(a.session);
	c.actor = &a;
	T_REQUIRE(people_logout(&c) == OK);
	T_EQ_INT(revoked(&a), E_UNAUTH);
	T_EQ_INT(revoked(&b), OK);
	ctx_forgive(&c);
	T_EQ_INT(people_token(&c, new_email(), &one), E_NOTFOUND);
}

static void role_change_voids_tokens(void)
{
	struct session s, out;
	struct actor a, b;

	NEED_PEOPLE();
	a = newcomer(&s);
	T_REQUIRE(people_set_role(&c, a.email, "organizer") == OK);
	T_EQ_INT(revoked(&a), E_UNAUTH);
	T_EQ_INT(refresh(s.refresh_token, &out), E_UNAUTH);
	T_REQUIRE(sign_in(a.email, PASSWORD, &s) == OK);
	b = actor_of(s.token);
	T_EQ_INT(b.role, ROLE_ORGANIZER);
	T_EQ_INT(b.token_epoch, 2);
	T_EQ_INT(revoked(&b), OK);
	T_EQ_INT(people_set_role(&c, a.email, "root"), E_INVALID);
	T_EQ_STR(c.details->field, "role");
	ctx_forgive(&c);
	T_EQ_INT(people_set_role(&c, a.email, "anonymous"), E_INVALID);
	ctx_forgive(&c);
	T_EQ_INT(people_set_role(&c, new_email(), "admin"), E_NOTFOUND);
	T_EQ_INT(revoked(&b), OK);
}

static void operators_create_accounts(void)
{
	const char *email;
	struct session s;
	struct actor a;
	struct id id;

	NEED_PEOPLE();
	email = new_email();
	T_REQUIRE(people_create(&c, &(struct person){ email, "Grace", PASSWORD, "admin" }, &id) ==
		  OK);
	T_REQUIRE(sign_in(email, PASSWORD, &s) == OK);
	a = actor_of(s.token);
	T_EQ_STR(a.user.s, id.s);
	T_EQ_INT(a.role, ROLE_ADMIN);
	T_EQ_INT(people_create(&c, &(struct person){ email, "Grace", PASSWORD, "user" }, &id),
		 E_CONFLICT);
	ctx_forgive(&c);
	T_EQ_INT(people_create(&c, &(struct person){ "no address", "", PASSWORD, "user" }, &id),
		 E_INVALID);
	ctx_forgive(&c);
	T_EQ_INT(people_create(&c, &(struct person){ new_email(), "X", PASSWORD, "boss" }, &id),
		 E_INVALID);
	ctx_forgive(&c);
	T_EQ_INT(people_create(&c, &(struct person){ new_email(), "X", NULL, "user" }, &id),
		 E_INVALID);
}

/* ---- revocation across hosts ---- */

static void other_hosts_learn_by_polling(void)
{
	struct session s, t, u, v;
	struct actor a, b, d, live;
	const char *token = NULL;
	unsigned trips;

	NEED_PEOPLE();
	a = newcomer(&s);
	b = newcomer(&t);
	live = newcomer(&u);
	T_REQUIRE(people_token(&c, live.email, &token) == OK);
	d = actor_of(token);
	/* three kinds, on the first host */
	c.actor = &a;
	T_REQUIRE(people_logout(&c) == OK);
	c.actor = &d;
	T_REQUIRE(people_logout(&c) == OK);
	T_REQUIRE(people_set_role(&c, b.email, "organizer") == OK);
	T_REQUIRE(sign_in(b.email, PASSWORD, &v) == OK);
	/* the second host has polled nothing yet: it asks the database */
	T_REQUIRE(shm_attach(hosts[1], "test", 1) == OK);
	T_EQ_INT(shm_revocation_polled_at(), 0);
	trips = c.sql_trips;
	T_EQ_INT(revoked(&a), E_UNAUTH);
	T_EQ_INT(revoked(&live), OK);
	T_EQ_INT(c.sql_trips, trips + 2);
	T_EQ_INT(shm_revoked(REVOKE_SESSION, a.session), 0);
	/* then it knows, without a round trip */
	poll_now();
	T_TRUE(shm_revocation_polled_at() != 0);
	polled_for_long();
	trips = c.sql_trips;
	T_EQ_INT(revoked(&a), E_UNAUTH);
	T_EQ_INT(revoked(&b), E_UNAUTH);
	T_EQ_INT(revoked(&d), E_UNAUTH);
	T_EQ_INT(revoked(&live), OK);
	b = actor_of(v.token);
	T_EQ_INT(revoked(&b), OK);
	T_EQ_INT(c.sql_trips, trips);
	T_REQUIRE(shm_attach(hosts[0], "test", 1) == OK);
}

static void polling_takes_turns_and_keeps_the_context(void)
{
	struct arena *arena;
	int64_t polled;

	NEED_PEOPLE();
	poll_now();
	polled = shm_revocation_polled_at();
	a_period_passes();
	T_TRUE(shm_revocation_poll_due(clock_mono_ms(), PERIOD_MS)); /* somebody else's turn */
	revocation_poll(&c);
	T_EQ_INT(shm_revocation_polled_at(), polled);
	(void)!fail(&c, E_CONFLICT, "an error under way");
	arena = c.arena;
	poll_now();
	T_TRUE(shm_revocation_polled_at() > polled);
	T_EQ_INT(c.err, E_CONFLICT);
	T_EQ_STR(c.err_msg, "an error under way");
	T_TRUE(c.arena == arena);
}

static void fails_closed(void)
{
	struct db *good = c.db, *bad;
	struct session s, t;
	struct actor a, gone;
	int64_t polled;

	NEED_PEOPLE();
	a = newcomer(&s);
	gone = newcomer(&t);
	c.actor = &gone;
	T_REQUIRE(people_logout(&c) == OK);
	poll_now();
	bad = db_new(&cfg, "host=/nonexistent dbname=none", "test_people");
	c.db = bad;
	polled = polled_for_long();
	T_EQ_INT(revoked(&a), OK); /* the reader is alive */
	poll_now();
	T_EQ_INT(shm_revocation_polled_at(), polled); /* no mark without an answer */
	shm_revocation_polled(clock_mono_ms() - 1500);
	T_EQ_INT(revoked(&a), E_UNAVAIL);
	T_EQ_INT(revoked(&gone), E_UNAUTH); /* this much is certain */
	c.db = good;
	T_EQ_INT(revoked(&a), OK);
	db_close(bad);
}

static void private_memory_is_not_believed(void)
{
	struct session s;
	struct actor a;
	unsigned trips;

	NEED_PEOPLE();
	a = newcomer(&s);
	T_EQ_INT(shm_attach("/proc/none", "test", 1), E_UNAVAIL);
	poll_now();
	trips = c.sql_trips;
	T_EQ_INT(revoked(&a), OK);
	T_EQ_INT(c.sql_trips, trips + 1);
	T_REQUIRE(shm_attach(hosts[0], "test", 1) == OK);
}

static void disabled_account_is_found_by_the_database(void)
{
	struct session s;
	struct actor a;

	NEED_PEOPLE();
	a = newcomer(&s);
	update_users("is_active = false", a.email);
	shm_revocation_polled(0);
	T_EQ_INT(revoked(&a), E_UNAUTH);
}

T_SUITE_WITH("people", people_setup, people_teardown, T(sign_up_signs_in),
	     T(known_address_is_a_conflict), T(bad_new_passwords), T(sign_in_tells_nothing),
	     T(sign_in_is_limited), T(an_address_is_limited_over_all_accounts),
	     T(old_hashes_are_renewed), T(refresh_rotates), T(refresh_tokens_that_are_none),
	     T(sign_in_ends_after_its_time), T(logout_ends_one_sign_in),
	     T(token_without_sign_in), T(role_change_voids_tokens),
	     T(operators_create_accounts), T(other_hosts_learn_by_polling),
	     T(polling_takes_turns_and_keeps_the_context), T(fails_closed),
	     T(private_memory_is_not_believed), T(disabled_account_is_found_by_the_database))
