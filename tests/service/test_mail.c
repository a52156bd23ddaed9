/* tests/service/test_mail.c - the queue of mails in the database: each message once, who is next,
 * what becomes of a row; tokens for forgotten passwords */
#include "core/hash.h"
#include "db_fixture.h"
#include "domain/resets.h"

#include <sodium.h>
#include <stdarg.h>

#define NEXT "SELECT coalesce(letter::json->>'kind' || ' ' ||" \
	     " split_part(letter::json->>'address', '@', 1), 'none')" \
	     " FROM mail_next(90, 'hash ' || gen_random_uuid(), 600)"

static struct ctx c, other;	/* two sessions */

static bool setup(void)
{
	const char *dsn = getenv("MARQUEE_TEST_DSN");

	if (!dsn)
		return true;
	fixture_open(&c, dsn, "test_mail");
	fixture_open(&other, dsn, "test_mail");
	return true;
}

static void teardown(void)
{
	if (!getenv("MARQUEE_TEST_DSN"))
		return;
	fixture_close(&other);
	fixture_close(&c);
}

/* The first field of the first row. */
static const char *ask(struct ctx *on, const char *sql)
{
	PGresult *r;

	fixture_next(on);
	if (db_simple(on, sql, &r) != OK) {
		T_FAIL("SQL failed: %.200s", sql);
		return "failed";
	}
	return PQntuples(r) > 0 && db_get(r, 0, 0) ? db_get(r, 0, 0) : "";
}

__attribute__((format(printf, 1, 2))) static const char *askf(const char *fmt, ...)
{
	char sql[2000];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sql, sizeof(sql), fmt, ap);
	va_end(ap);
	return ask(&c, sql);
}

static const char id_of[] = "00000000-0000-7000-8000-0000000000";

/* Nobody waits for mail; people 1 to 9, and an event of 1 with two seats. */
static void scene(void)
{
	static int events;

	ask(&c, "DELETE FROM mails; DELETE FROM password_resets;"
		" UPDATE mail_state SET snap = NULL, sent = 0, failed = 0");
	askf("INSERT INTO users (id, email, name) SELECT ('%s' || n)::uuid, 'p' || n ||"
	     " '@example.org', 'Person ' || n FROM generate_series(11, 19) n"
	     " ON CONFLICT DO NOTHING", id_of);
	askf("SELECT event_insert(('%s' || %d)::uuid, '%s11', '{\"title\":\"Tea\",\"start_date\":"
	     "\"2031-07-01T17:00:00Z\",\"timezone\":\"Europe/Berlin\",\"max_attendees\":2}')",
	     id_of, 20 + ++events, id_of);
	ask(&c, "CREATE OR REPLACE FUNCTION t_answer(who int, want text) RETURNS text"
		" LANGUAGE plpgsql AS $$ DECLARE"
		" e uuid := (SELECT max(id::text)::uuid FROM events);"
		" u uuid := ('00000000-0000-7000-8000-0000000000' || who)::uuid; a effect; BEGIN"
		" a := rsvp_set(e, u, uuid7(), want, NULL, false);"
		" IF a.status = 599 THEN a := rsvp_set(e, u, uuid7(), want, NULL, true); END IF;"
		" RETURN a.status; END $$");
	T_EQ_STR(ask(&c, "SELECT mail_derive()"), "0");	/* switched on */
}

#define SCENE()                                                                                    \
	do {                                                                                       \
		NEED_DSN();                                                                        \
		scene();                                                                           \
	} while (0)

#define ROWS(where) ask(&c, "SELECT count(*) FROM mails WHERE " where)

/* ---- rows ---- */

static void each_message_is_mailed_once(void)
{
	SCENE();
	for (int who = 12; who <= 14; who++)
		askf("SELECT t_answer(%d, 'going')", who);
	askf("SELECT t_answer(15, 'maybe')");
	T_EQ_STR(ask(&c, "SELECT mail_derive()"), "3");
	T_EQ_STR(ask(&c, "SELECT mail_derive()"), "0");
	T_EQ_STR(ROWS("kind = 'registered'"), "2");
	T_EQ_STR(ROWS("kind = 'waitlisted'"), "1");
	ask(&c, "SELECT t_answer(12, 'not_going')");
	T_EQ_STR(ask(&c, "SELECT mail_derive()"), "1");
	T_EQ_STR(ROWS("kind = 'promoted' AND user_id::text LIKE '%14'"), "1");
	T_EQ_STR(ROWS("params ? 'event_id'"), "4");
}

/* What it was, what it is, and for whom. */
static void a_change_is_told_with_what_was(void)
{
	SCENE();
	for (int who = 12; who <= 14; who++)
		askf("SELECT t_answer(%d, 'going')", who);
	ask(&c, "SELECT mail_derive()");
	ask(&c, "DELETE FROM mails");
	ask(&c, "SELECT event_update(id, host_id, false, '{\"location\":\"Hall 3\","
		"\"start_date\":\"2031-07-02T17:00:00Z\"}', NULL)"
		" FROM events ORDER BY id DESC LIMIT 1");
	ask(&c, "SELECT job_tell_changed(arg) FROM jobs WHERE fn = 'job_tell_changed'");
	ask(&c, "DELETE FROM jobs WHERE fn = 'job_tell_changed'");
	T_EQ_STR(ask(&c, "SELECT mail_derive()"), "3");
	T_EQ_STR(ROWS("kind = 'event_changed' AND params ? 'was'"), "3");
	T_EQ_STR(ask(&c, "SELECT string_agg(concat_ws(' ', l->'event'->>'starts',"
			 " l->'was'->>'starts', l->'event'->>'location',"
			 " coalesce(l->'was'->>'location', '-'), l->>'ticket' IS NOT NULL,"
			 " l->'document'->>'location'), ' | ' ORDER BY l->>'name')"
			 " FROM (SELECT (mail_letter(m)).letter::json AS l FROM mails m) s"),
		 "2031-07-02 19:00 2031-07-01 19:00 Hall 3 - t Hall 3 | "
		 "2031-07-02 19:00 2031-07-01 19:00 Hall 3 - t Hall 3 | "
		 "2031-07-02 19:00 2031-07-01 19:00 Hall 3 - f Hall 3");
	ask(&c, "SELECT t_answer(13, 'not_going')");	/* and 14 moves up */
	T_EQ_STR(ask(&c, NEXT), "event_changed p12");
	T_EQ_STR(ask(&c, NEXT), "event_changed p14");
	T_EQ_STR(ask(&c, NEXT), "none");
}

static void looking_at_nothing_writes_nothing(void)
{
	SCENE();
	ask(&c, "SELECT t_answer(12, 'going')");
	ask(&c, "SELECT mail_derive()");
	char before[40];

	snprintf(before, sizeof(before), "%s",
		 ask(&c, "SELECT xmin::text || ctid FROM mail_state"));
	for (int i = 0; i < 3; i++)
		T_EQ_STR(ask(&c, "SELECT mail_derive()"), "0");
	T_EQ_STR(ask(&c, "SELECT xmin::text || ctid FROM mail_state"), before);
}

/* Whoever commits late has an earlier number than what was read before: it is not passed over. */
static void a_slow_transaction_is_not_lost(void)
{
	SCENE();
	ask(&other, "BEGIN");
	ask(&other, "SELECT t_answer(12, 'going')");
	ask(&c, "SELECT outbox_put('events', 'event.test', 'test', uuid7(), 1, uuid7(), '{}')");
	T_EQ_STR(ask(&c, "SELECT mail_derive()"), "0");
	ask(&other, "COMMIT");
	T_EQ_STR(ask(&c, "SELECT mail_derive()"), "1");
	T_EQ_STR(ask(&c, "SELECT mail_derive()"), "0");
	/* The control: by position it would have been. */
	T_EQ_STR(ask(&c, "SELECT (SELECT max(pos) FROM outbox WHERE type = 'event.test') >"
			 " (SELECT max(pos) FROM outbox WHERE type ="
			 " 'event.registration.created')"),
		 "t");
}

static void one_notifier_at_a_time(void)
{
	SCENE();
	ask(&c, "SELECT t_answer(12, 'going')");
	ask(&other, "BEGIN");
	T_EQ_STR(ask(&other, "SELECT mail_derive()"), "1");
	T_EQ_STR(ask(&c, "SELECT mail_derive()"), "0");
	ask(&other, "ROLLBACK");	/* it has died */
	T_EQ_STR(ask(&c, "SELECT mail_derive()"), "1");
	T_EQ_STR(ROWS("true"), "1");
}

static void what_was_before_is_not_mailed(void)
{
	SCENE();
	ask(&c, "UPDATE mail_state SET snap = NULL");
	ask(&c, "SELECT t_answer(12, 'going')");
	T_EQ_STR(ask(&c, "SELECT mail_derive()"), "0");
	ask(&c, "SELECT t_answer(13, 'going')");
	T_EQ_STR(ask(&c, "SELECT mail_derive()"), "1");
}

/* Another cluster counts transactions anew. */
static void a_restored_database_goes_on(void)
{
	SCENE();
	ask(&c, "SELECT t_answer(12, 'going')");
	ask(&c, "SELECT outbox_restamp()");
	T_EQ_STR(ROWS("kind = 'registered'"), "1");
	T_EQ_STR(ask(&c, "SELECT mail_derive()"), "0");
	ask(&c, "SELECT t_answer(13, 'going')");
	T_EQ_STR(ask(&c, "SELECT mail_derive()"), "1");
}

/* ---- sending ---- */

static void who_waits_for_it_goes_first(void)
{
	SCENE();
	ask(&c, "SELECT t_answer(12, 'going')");
	ask(&c, "SELECT mail_derive()");
	ask(&c, "SELECT password_forgot('P13@example.org', '192.0.2.1', 0, true)");
	T_EQ_STR(ask(&c, NEXT), "password_reset p13");
	T_EQ_STR(ask(&c, NEXT), "registered p12");
	T_EQ_STR(ask(&c, NEXT), "none");	/* both are with somebody */
	ask(&c, "UPDATE mails SET send_after = now() WHERE kind = 'registered'");
	T_EQ_STR(ask(&c, NEXT), "registered p12");	/* who has died */
	T_EQ_STR(ROWS("tries = 2"), "1");
}

static void what_is_not_so_any_more_goes_nowhere(void)
{
	SCENE();
	for (int who = 12; who <= 15; who++)
		askf("SELECT t_answer(%d, 'going')", who);
	ask(&c, "SELECT mail_derive()");
	ask(&c, "SELECT t_answer(12, 'not_going')");	/* 14 has the seat */
	T_EQ_STR(ask(&c, NEXT), "registered p13");
	T_EQ_STR(ask(&c, NEXT), "waitlisted p15");
	T_EQ_STR(ask(&c, NEXT), "none");
	T_EQ_STR(ROWS("true"), "2");
	ask(&c, "SELECT mail_derive()");
	ask(&c, "UPDATE users SET is_active = false WHERE email = 'p14@example.org'");
	T_EQ_STR(ask(&c, NEXT), "none");
	ask(&c, "UPDATE users SET is_active = true");
}

static void the_letter_has_the_events_own_time(void)
{
	SCENE();
	ask(&c, "SELECT t_answer(12, 'going')");
	ask(&c, "SELECT mail_derive()");
	T_EQ_STR(ask(&c, "SELECT concat_ws(' | ', l->'event'->>'starts',"
			 " l->'event'->>'timezone', l->>'name')"
			 " FROM (SELECT (mail_letter(m)).letter::json AS l FROM mails m) s"),
		 "2031-07-01 19:00 | Europe/Berlin | Person 12");
	ask(&c, "UPDATE events SET timezone = 'Mars/Olympus'");
	T_EQ_STR(ask(&c, "SELECT concat_ws(' | ', l->'event'->>'starts', l->'event'->>'timezone')"
			 " FROM (SELECT (mail_letter(m)).letter::json AS l FROM mails m) s"),
		 "2031-07-01 17:00 | UTC");
	ask(&c, "UPDATE events SET timezone = 'UTC'");
}

/* What is left of a row after each outcome: state, and seconds until it is tried again. In one
 * transaction: now() stands still meanwhile. */
static const char *after(const char *outcome, int tries, const char *age)
{
	return askf("DELETE FROM mails;"
		    "INSERT INTO mails (id, kind, address, tries, created_at) VALUES ('%s99',"
		    " 'test', 'a@example.org', %d, now() - interval '%s');"
		    "SELECT mail_done('%s99', '%s', 'because');"
		    "SELECT concat_ws(' ', CASE WHEN sent_at IS NOT NULL THEN 'sent'"
		    " WHEN parked_at IS NOT NULL THEN 'parked' ELSE 'waits' END,"
		    " CASE WHEN send_after < 'infinity' THEN"
		    " extract(epoch FROM send_after - now())::int END, last_error) FROM mails",
		    id_of, tries, age, id_of, outcome);
}

static void it_is_tried_again_for_three_days(void)
{
	SCENE();
	T_EQ_STR(after("sent", 1, "1 hour"), "sent 0");
	T_EQ_STR(after("refused", 1, "1 hour"), "parked because");
	T_EQ_STR(after("away", 1, "2 days"), "waits 0 because");
	T_EQ_STR(after("away", 1, "73 hours"), "parked because");
	T_EQ_STR(after("later", 1, "1 hour"), "waits 30 because");
	T_EQ_STR(after("later", 4, "1 hour"), "waits 240 because");
	T_EQ_STR(after("later", 500, "2 days"), "waits 7200 because");
	T_EQ_STR(after("later", 40, "73 hours"), "parked because");
	T_EQ_STR(ask(&c, "SELECT sent || ' ' || failed FROM mail_state"), "1 7");
}

static void old_rows_go(void)
{
	SCENE();
	ask(&c, "INSERT INTO mails (id, kind, address, send_after, sent_at, parked_at)"
		" SELECT uuid7(), 'test', 'a@b', CASE WHEN n > 8 THEN 'infinity' ELSE now() END,"
		" CASE WHEN n < 9 THEN now() - n * interval '1 day' END,"
		" CASE WHEN n > 8 THEN now() - n * interval '1 day' END"
		" FROM unnest('{6,8,9,29,31}'::int[]) n");
	ask(&c, "SELECT job_mails('{}')");
	T_EQ_STR(ROWS("true"), "3");
}

/* ---- forgotten passwords ---- */

static void a_reset_is_for_who_exists(void)
{
	SCENE();
	ask(&c, "SELECT password_forgot(a, '192.0.2.1', 0, true) FROM unnest('{nobody@example.org,"
		"p12@example.org}'::text[]) a");
	/* mail is off */
	ask(&c, "SELECT password_forgot('p13@example.org', '192.0.2.1', 0, false)");
	T_EQ_STR(ROWS("user_id IS NULL"), "2");	/* nobody has looked */
	T_EQ_STR(ask(&c, NEXT), "password_reset p12");
	T_EQ_STR(ask(&c, NEXT), "none");
	T_EQ_STR(ROWS("true"), "1");
	T_EQ_STR(ask(&c, "SELECT count(*) FROM password_resets WHERE hash LIKE 'hash %' AND"
			 " expires_at > now() + interval '9 minutes' AND"
			 " expires_at < now() + interval '11 minutes'"),
		 "1");
	ask(&c, "UPDATE mails SET send_after = now(), created_at = now() - interval '2 hours'");
	T_EQ_STR(ask(&c, NEXT), "none");	/* nobody waits for it any more */
	T_EQ_STR(ROWS("true"), "0");
}

static void asking_is_limited_by_client_and_by_address(void)
{
	SCENE();
	ask(&c, "DELETE FROM rate_limits");
	T_EQ_STR(ask(&c, "SELECT array_agg(password_forgot('x' || n || '@example.org',"
			 " '192.0.2.1', 3, true) > 0 ORDER BY n) FROM generate_series(1, 4) n"),
		 "{f,f,f,t}");
	T_EQ_STR(ask(&c, "SELECT array_agg(password_forgot('ONE@example.org',"
			 " '192.0.2.' || n, 3, true) > 0 ORDER BY n) FROM generate_series(2, 5) n"),
		 "{f,f,f,t}");
	T_EQ_STR(ask(&c, "SELECT password_forgot('one@example.org', '192.0.2.9', 3, true) > 0"),
		 "t");
	T_EQ_STR(ROWS("true"), "6");
}

/* Each bit of it falls both ways, and only its hash is for the table. */
static void a_token_is_256_random_bits(void)
{
	enum { TOKENS = 64, BYTES = 32 };
	char hash[SHA256_HEX], again[SHA256_HEX];
	int ones[8 * BYTES] = { 0 };
	unsigned char bytes[BYTES];
	size_t n;

	SCENE();
	for (int i = 0; i < TOKENS; i++) {
		const char *token = resets_token(c.arena, hash);

		sha256_hex(token, strlen(token), again);
		T_EQ_STR(hash, again);
		T_REQUIRE(strncmp(token, "mqp_", 4) == 0 &&
			  sodium_base642bin(bytes, BYTES, token + 4, strlen(token + 4), NULL, &n,
					    NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0);
		T_EQ_INT(n, BYTES);
		for (int b = 0; b < 8 * BYTES; b++)
			ones[b] += bytes[b / 8] >> b % 8 & 1;
	}
	for (int b = 0; b < 8 * BYTES; b++)
		T_TRUE(ones[b] > 0 && ones[b] < TOKENS);
}

static void a_token_works_once_and_ends_all(void)
{
	SCENE();
	ask(&c, "DELETE FROM revocations");
	askf("INSERT INTO password_resets (hash, user_id, expires_at) VALUES"
	     " ('good', '%s12', now() + interval '1 minute'),"
	     " ('second', '%s12', now() + interval '1 minute'),"
	     " ('late', '%s12', now() - interval '1 second')", id_of, id_of, id_of);
	T_EQ_STR(ask(&c, "SELECT count(*) FROM password_reset('late', 'new', 900)"), "0");
	T_EQ_STR(ask(&c, "SELECT count(*) FROM password_reset('none', 'new', 900)"), "0");
	T_EQ_STR(ask(&c, "SELECT count(*) FROM password_reset('good', 'new', 900)"), "1");
	T_EQ_STR(ask(&c, "SELECT count(*) FROM password_reset('good', 'newer', 900)"), "0");
	T_EQ_STR(ask(&c, "SELECT count(*) FROM password_reset('second', 'newer', 900)"), "0");
	T_EQ_STR(ask(&c, "SELECT password_hash FROM users WHERE email = 'p12@example.org'"), "new");
	T_EQ_STR(ask(&c, "SELECT count(*) FROM revocations WHERE kind = 'user'"), "1");
}

T_SUITE_WITH("mail", setup, teardown, T(each_message_is_mailed_once),
	     T(a_change_is_told_with_what_was),
	     T(looking_at_nothing_writes_nothing), T(a_slow_transaction_is_not_lost),
	     T(one_notifier_at_a_time), T(what_was_before_is_not_mailed),
	     T(a_restored_database_goes_on), T(who_waits_for_it_goes_first),
	     T(what_is_not_so_any_more_goes_nowhere), T(the_letter_has_the_events_own_time),
	     T(it_is_tried_again_for_three_days), T(old_rows_go), T(a_reset_is_for_who_exists),
	     T(asking_is_limited_by_client_and_by_address), T(a_token_is_256_random_bits),
	     T(a_token_works_once_and_ends_all))
