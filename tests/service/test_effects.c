/* tests/service/test_effects.c - answers to events inside the idempotency wrapper: one effect and
 * one stored answer for a key, whatever way the answer takes */
#include "auth/actor.h"
#include "core/id.h"
#include "db_fixture.h"
#include "domain/rsvps.h"

static struct ctx c;
static struct id host, event;

static bool setup(void)
{
	if (!getenv("MARQUEE_TEST_DSN"))
		return true;
	fixture_open(&c, getenv("MARQUEE_TEST_DSN"), "test_effects");
	return true;
}

static void teardown(void)
{
	if (getenv("MARQUEE_TEST_DSN"))
		fixture_close(&c);
}

static struct id person(void)
{
	static const Oid types[] = { 2950, 25 };
	struct id id = id_new();

	fixture_next(&c);
	const char *args[] = { id.s, arena_printf(c.arena, "%s@example.org", id.s) };

	if (db_run_text(&c, "person", "INSERT INTO users (id, email, name) VALUES ($1, $2, 'Ada')",
			types, args, 2, NULL) != OK)
		T_FAIL("no person: %s", c.err_msg);
	return id;
}

static enum err create(const struct id *id, const char *seats, const char *quota,
		       const struct idempotency *idem, struct effect *e)
{
	fixture_next(&c);
	const char *body = arena_printf(c.arena,
					"{\"title\":\"With keys\",\"max_attendees\":%s,"
					"\"start_date\":\"2099-01-01T10:00:00Z\","
					"\"waitlist_enabled\":%s}",
					seats, strcmp(seats, "1") == 0 ? "false" : "true");
	const char *args[] = { id->s, host.s, body, quota };

	return db_effect(&c, Q_EVENT_CREATE, idem, args, COUNT(args), e);
}

/* The tests' event becomes a new one of a new host. With one seat nobody may wait. */
static void event_of(const char *seats)
{
	static const struct idempotency none;
	struct effect e;

	event = id_new();
	host = person();
	if (create(&event, seats, "0", &none, &e) != OK)
		T_FAIL("no event: %s", c.err_msg);
}

/* One call of the wrapped statement. */
static enum err answers(const struct id *user, const char *want, const char *key, bool slow,
			struct effect *e)
{
	struct idempotency idem = { user->s, key, "f" };
	struct id id = id_new();
	const char *args[] = { event.s, user->s, id.s, want, NULL, slow ? "true" : "false" };

	fixture_next(&c);
	return db_effect(&c, Q_RSVP_SET, &idem, args, COUNT(args), e);
}

static long number(const char *sql, const struct id *id)
{
	static const Oid types[] = { 2950 };
	const char *args[] = { id->s };
	PGresult *r;

	fixture_next(&c);
	if (db_run_text(&c, sql, sql, types, args, 1, &r) != OK)
		return -1;
	return db_get_long(r, 0, 0);
}

#define CHANGES "SELECT count(*) FROM rsvp_history WHERE event_id = $1"
#define MESSAGES                                                                                   \
	"SELECT count(*) FROM outbox WHERE aggregate_type = 'registration' AND key = $1::text"
#define GOING "SELECT sum(going) FROM seat_counters WHERE pool_id = $1"

static void one_effect_for_a_key(void)
{
	struct id user;
	struct effect e;

	NEED_DSN();
	event_of("5");
	user = person();
	T_EQ_INT(answers(&user, "going", "k", false, &e), OK);
	T_EQ_INT(e.status, 201);
	char *first = strdup(e.body);

	for (int i = 0; i < 3; i++) {
		T_EQ_INT(answers(&user, "going", "k", i == 2, &e), OK);
		T_TRUE(e.replayed);
		T_EQ_INT(e.status, 201);
		T_EQ_STR(e.body, first);
	}
	free(first);
	T_EQ_INT(number(CHANGES, &event), 1);
	T_EQ_INT(number(MESSAGES, &event), 1);
}

/* The stored answer stays what it was, although the state has moved on. */
static void a_late_repetition_changes_nothing(void)
{
	struct id user;
	struct effect e;

	NEED_DSN();
	event_of("5");
	user = person();
	T_EQ_INT(answers(&user, "going", "come", false, &e), OK);
	T_EQ_INT(answers(&user, "not_going", "leave", false, &e), OK);
	T_EQ_INT(answers(&user, "going", "come", false, &e), OK);
	T_TRUE(e.replayed);
	T_HAS(e.body, "\"state\":\"registered\"");
	T_EQ_INT(number(CHANGES, &event), 2);
	T_EQ_INT(number(GOING, &event), 0);
}

/* 599 is no answer: the slow call carries the same key, and its answer is the one that is kept. */
static void again_leaves_the_key_free(void)
{
	struct id first, second, third;
	struct effect e;

	NEED_DSN();
	event_of("2");
	first = person();
	second = person();
	third = person();
	T_EQ_INT(answers(&first, "going", "k", false, &e), OK);
	T_EQ_INT(answers(&second, "going", "k", false, &e), OK);
	T_EQ_INT(answers(&third, "going", "k", false, &e), OK);
	T_EQ_INT(e.status, 599);
	T_EQ_INT(number(CHANGES, &event), 2);
	T_EQ_INT(answers(&third, "going", "k", true, &e), OK);
	T_EQ_INT(e.status, 201);
	T_FALSE(e.replayed);
	T_HAS(e.body, "\"waitlist_position\":1");
	T_EQ_INT(answers(&third, "going", "k", false, &e), OK);
	T_TRUE(e.replayed);
	T_HAS(e.body, "\"waitlist_position\":1");
	T_EQ_INT(number(CHANGES, &event), 3);
}

/* A refusal is an answer too: the same key hears it again when there is a seat by now. */
static void refusals_are_kept(void)
{
	struct id first, second;
	struct effect e;

	NEED_DSN();
	event_of("1");
	first = person();
	second = person();
	T_EQ_INT(answers(&first, "going", "k", false, &e), OK);
	T_EQ_INT(answers(&second, "going", "k", false, &e), E_FULL);
	T_EQ_INT(answers(&first, "not_going", "leave", false, &e), OK);
	T_EQ_INT(answers(&second, "going", "k", false, &e), E_FULL);
	T_TRUE(e.replayed);
	T_EQ_INT(answers(&second, "going", "another", false, &e), OK);
	T_EQ_INT(e.status, 201);
}

/* Over the quota nothing is kept: what is raised leaves no trace. */
static void limits_are_not_kept(void)
{
	struct id first = id_new(), second = id_new();
	struct effect e;

	NEED_DSN();
	host = person();
	struct idempotency one = { host.s, "one", "f" }, two = { host.s, "two", "f" };

	T_EQ_INT(create(&first, "5", "1", &one, &e), OK);
	T_EQ_INT(create(&second, "5", "1", &two, &e), E_LIMIT);
	T_TRUE(c.retry_after > 3500 && c.retry_after <= 3600);
	T_EQ_INT(number("SELECT count(*) FROM events WHERE id = $1", &second), 0);
	T_EQ_INT(create(&first, "5", "1", &one, &e), OK);
	T_TRUE(e.replayed);
	T_EQ_INT(create(&second, "5", "0", &two, &e), OK);
	T_EQ_INT(e.status, 201);
	T_FALSE(e.replayed);
}

/* From now on it is that person who asks. */
static void acts(const struct id *user, enum role role)
{
	static struct actor actor;

	fixture_next(&c);
	actor.user = *user;
	actor.role = role;
	actor.permissions = roles[role].permissions;
	c.actor = &actor;
}

/* 599 once more, also under the exclusive lock: that cannot be, and is still answered. */
static void an_event_that_stays_busy(void)
{
	struct answer going = { .event = &event, .want = "going" };
	struct outcome o;
	struct id user;

	NEED_DSN();
	event_of("5");
	user = person();
	acts(&user, ROLE_USER);
	T_REQUIRE(db_simple(&c,
			    "BEGIN; CREATE OR REPLACE FUNCTION rsvp_set(p_event uuid, p_user uuid,"
			    " p_id uuid, want text, p_data jsonb, slow boolean) RETURNS effect"
			    " LANGUAGE sql AS 'SELECT refuse(599, NULL, NULL)'", NULL) == OK);
	T_EQ_INT(rsvps_set(&c, &going, &o), E_UNAVAIL);
	fixture_next(&c);
	T_REQUIRE(db_simple(&c, "ROLLBACK", NULL) == OK);
	acts(&user, ROLE_USER);
	T_EQ_INT(rsvps_set(&c, &going, &o), OK);
	T_EQ_INT(number(CHANGES, &event), 1);
}

static void staff_do_what_hosts_do(void)
{
	struct id comes, waits, staff;
	struct effect e;
	long n = -1;

	NEED_DSN();
	event_of("2");
	comes = person();
	waits = person();
	staff = person();
	T_EQ_INT(answers(&host, "going", "k", true, &e), OK);
	T_EQ_INT(answers(&comes, "going", "k", true, &e), OK);
	T_EQ_INT(answers(&waits, "going", "k", true, &e), OK);
	char people[100];

	snprintf(people, sizeof(people), "{%s}", comes.s);
	acts(&staff, ROLE_USER);
	T_EQ_INT(rsvps_withdraw(&c, &event, people, NULL, &n), E_DENIED);
	acts(&staff, ROLE_USER);
	T_EQ_INT(rsvps_give_seat(&c, &event, &waits), E_DENIED);
	acts(&staff, ROLE_ADMIN);
	T_EQ_INT(rsvps_give_seat(&c, &event, &comes), E_CONFLICT);
	acts(&staff, ROLE_ADMIN);
	T_EQ_INT(rsvps_give_seat(&c, &event, &waits), OK);
	T_EQ_INT(number(GOING, &event), 3);
	acts(&staff, ROLE_ADMIN);
	T_EQ_INT(rsvps_withdraw(&c, &event, people, "rain", &n), OK);
	T_EQ_INT(n, 1);
	T_EQ_INT(number(GOING, &event), 2);
}

T_SUITE_WITH("effects", setup, teardown, T(one_effect_for_a_key),
	     T(a_late_repetition_changes_nothing), T(again_leaves_the_key_free),
	     T(refusals_are_kept), T(limits_are_not_kept), T(an_event_that_stays_busy),
	     T(staff_do_what_hosts_do))
