/* tests/service/test_upgrade.c - a filled database of before 0007 comes to the schema of today:
 * nothing is lost, everything holds, and a repeat still gets the answer that was kept */
#include "auth/actor.h"
#include "db/migrate.h"
#include "db_fixture.h"
#include "domain/events.h"
#include "domain/rsvps.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "marquee_test_upgrade"
#define NEWEST "0006_relay.sql"	/* of the migrations that make the older schema */

static struct ctx superuser, c;
static char old[] = "/tmp/marquee-upgrade-XXXXXX", head[1000];

static struct id event_id(int n)
{
	struct id id;

	snprintf(id.s, sizeof(id.s), "00000000-0002-7000-8000-%012d", n);
	return id;
}

/* A folder as an older release had it; what its functions were does not matter to rows. */
static bool old_folder(void)
{
	char from[1300], to[400];
	DIR *d;
	bool ok = true;

	snprintf(head, sizeof(head), "%s/sql", getenv("T_SRCDIR") ? getenv("T_SRCDIR") : ".");
	if (!mkdtemp(old))
		return false;
	snprintf(to, sizeof(to), "%s/functions", old);
	ok &= mkdir(to, 0700) == 0;
	snprintf(to, sizeof(to), "%s/migrations", old);
	ok &= mkdir(to, 0700) == 0;
	snprintf(from, sizeof(from), "%s/migrations", head);
	d = opendir(from);
	for (struct dirent *e; d && (e = readdir(d)); ) {
		if (e->d_name[0] == '.' || strcmp(e->d_name, NEWEST) > 0)
			continue;
		snprintf(from, sizeof(from), "%s/migrations/%.200s", head, e->d_name);
		snprintf(to, sizeof(to), "%s/migrations/%.200s", old, e->d_name);
		ok &= symlink(from, to) == 0;
	}
	if (d)
		closedir(d);
	return ok && d;
}

static bool setup(void)
{
	const char *dsn = getenv("MARQUEE_TEST_DSN");
	char own[1024];

	if (!dsn)
		return true;
	fixture_open(&superuser, dsn, "test_upgrade");
	snprintf(own, sizeof(own), "%s dbname=" NAME, dsn);
	fixture_open(&c, own, "test_upgrade");
	c.actor = &actor_anonymous;
	return old_folder() &&
	       db_simple(&superuser, "DROP DATABASE IF EXISTS " NAME, NULL) == OK &&
	       db_simple(&superuser, "CREATE DATABASE " NAME, NULL) == OK;
}

static void teardown(void)
{
	char command[64];

	if (!getenv("MARQUEE_TEST_DSN"))
		return;
	fixture_close(&c);
	fixture_next(&superuser);
	snprintf(command, sizeof(command), "rm -rf %s", old);
	if (db_simple(&superuser, "DROP DATABASE " NAME, NULL) != OK || system(command) != 0)
		printf("the test database or %s stays behind\n", old);
	fixture_close(&superuser);
}

/* One story in order: each test stands on the ones before. */

static void an_older_database_is_filled(void)
{
	char *fill = fixture_file("tests/service/upgrade_fill.sql");

	NEED_DSN();
	T_REQUIRE(fill != NULL);
	T_EQ_INT(migrate_bootstrap(&c, head, stdout), OK);
	fixture_next(&c);
	T_EQ_INT(migrate_apply(&c, old, stdout), OK);
	fixture_next(&c);
	T_EQ_INT(db_simple(&c, fill, NULL), OK);
	free(fill);
	fixture_next(&c);
	T_EQ_INT(migrate_check(&c, head), E_UNAVAIL);
}

static void none(const char *question)
{
	PGresult *r;

	fixture_next(&c);
	T_REQUIRE(db_simple(&c, question, &r) == OK);
	for (int i = 0; i < PQntuples(r); i++)
		T_FAIL("%s: %s %s", question, db_get(r, i, 0),
		       PQnfields(r) > 2 ? db_get(r, i, 2) : "");
}

static void it_comes_to_the_head(void)
{
	NEED_DSN();
	fixture_next(&c);
	T_EQ_INT(migrate_apply(&c, head, stdout), OK);
	fixture_next(&c);
	T_EQ_INT(migrate_check(&c, head), OK);
	none("SELECT * FROM check_invariants()");
	T_TRUE(fixture_number(&c, "SELECT count(*) FROM check_docs()") > 0);
	T_EQ_INT(fixture_number(&c, "SELECT job_rebuild_docs('{}')"), 4);
	none("SELECT check_docs()");
	none("SELECT * FROM check_invariants()");
}

static void nothing_is_lost(void)
{
	static const struct {
		const char *sql;
		long want;
	} sums[] = {
		{ "SELECT count(*) FROM rsvps", 12 },
		{ "SELECT sum(views) FROM seat_counters", 1200 },
		{ "SELECT sum(shares) FROM seat_counters", 12 },
		{ "SELECT sum(waitlisted) FROM seat_counters", 2 },
		{ "SELECT sum(going) FROM seat_counters", 5 },
		{ "SELECT count(*) FROM event_scores", 5 },
		{ "SELECT sum(score) FROM event_scores", 7 },
		{ "SELECT pending FROM outbox_backlog()", 5 },
		{ "SELECT sum(tries) FROM outbox_parked WHERE replay_at IS NULL", 1 },
		{ "SELECT count(*) FROM idempotency_keys", 7 },
	};

	NEED_DSN();
	for (size_t i = 0; i < COUNT(sums); i++) {
		fixture_next(&c);
		t_eq_int(fixture_number(&c, sums[i].sql), sums[i].want, sums[i].sql, __LINE__,
			 __FILE__);
	}
}

static struct actor somebody(int n)
{
	struct actor a = { .role = ROLE_ORGANIZER };

	snprintf(a.user.s, sizeof(a.user.s), "00000000-0001-7000-8000-%012d", n);
	a.permissions = roles[ROLE_ORGANIZER].permissions;
	return a;
}

static void same_str(struct str got, const char *want)
{
	T_EQ_STR(arena_strndup(c.arena, got.p, got.n), want);
}

static void a_kept_event_is_given_again(void)
{
	struct id id = event_id(1);
	struct actor host = somebody(0);
	struct idempotency idem = { host.user.s, "event", "f" };
	struct change how = { .id = &id, .idem = &idem, .fields = event_fields };
	struct event_parts p;
	struct effect e;

	NEED_DSN();
	fixture_next(&c);
	c.actor = &host;
	T_REQUIRE(events_publish(&c, &how, &e, &p) == OK);
	T_TRUE(e.replayed);
	same_str(p.core, "{\"id\":\"e1\",\"title\":\"A\\nB\"}");
	same_str(p.stats, "\"stats\":{\"going\":2,\"interested\":1,\"maybe\":1,\"waitlist\":2,"
			  "\"views\":90,\"shares\":1,\"available\":0},\"current_attendees\":2");
	same_str(p.viewer, "\"my_rsvp\":null,\"friends_going\":[]");
	same_str(p.link, "\"https://example.org/\"");
	same_str(p.stats_seq, "12");
	same_str(p.relation, "host");
	T_EQ_INT(p.version, 1);
	idem.key = "unlimited";
	T_REQUIRE(events_publish(&c, &how, &e, &p) == OK);
	T_TRUE(e.replayed && e.status == 201);
	same_str(p.stats, "\"stats\":{\"going\":0,\"interested\":0,\"maybe\":0,\"waitlist\":0,"
			  "\"views\":0,\"shares\":0,\"available\":null},\"current_attendees\":0");
	idem.key = "deleted";
	T_REQUIRE(events_delete(&c, &how, &e) == OK);
	T_EQ_STR(e.body, "{\"id\":\"e5\",\"deleted\":true}");
	T_EQ_INT(fixture_number(&c, "SELECT count(*) FROM idempotency_keys"
				    " WHERE key = 'brought' AND body IS NULL"), 1);
}

/* What one of the people gets for an answer to event 1 under a key. */
static enum err answered(int n, const char *key, struct outcome *out)
{
	static struct actor who;
	struct id id = event_id(1);
	struct idempotency idem = { NULL, key, "f" };

	fixture_next(&c);
	who = somebody(n);
	c.actor = &who;
	idem.actor = who.user.s;
	return rsvps_set(&c, &(struct answer){ &id, "going", NULL, &idem }, out);
}

static void a_kept_registration_is_given_again(void)
{
	struct outcome o;

	NEED_DSN();
	T_REQUIRE(answered(1, "going", &o) == OK);
	T_TRUE(o.replayed && o.http == 201);
	T_EQ_STR(o.status, "going");
	T_EQ_STR(o.json,
		 "{\"registration_id\":\"r1\",\"status\":\"going\",\"state\":\"registered\","
		 "\"registered_at\":\"2026-01-01T00:00:00Z\",\"stats\":{\"going\":1,"
		 "\"interested\":0,\"maybe\":0,\"waitlist\":0,\"views\":0,\"shares\":0,"
		 "\"available\":1}}");
	T_REQUIRE(answered(3, "waits", &o) == OK);
	T_EQ_STR(o.status, "waitlisted");
	T_HAS(o.json, "\"waitlist_position\":1,");
	T_EQ_INT(answered(9, "refused", &o), E_CLOSED);
	T_EQ_STR(c.err_msg, "this event takes no answers");
}

static void life_goes_on(void)
{
	struct outcome o;

	NEED_DSN();
	T_REQUIRE(answered(8, "new", &o) == OK);
	T_FALSE(o.replayed);
	T_EQ_STR(o.status, "waitlisted");
	T_HAS(o.json, "\"waitlist_position\":3,");
	T_HAS(o.json, "\"waitlist\":3,\"views\":100,");
	none("SELECT * FROM check_invariants()");
}

T_SUITE_WITH("upgrade", setup, teardown, T(an_older_database_is_filled),
	     T(it_comes_to_the_head), T(nothing_is_lost), T(a_kept_event_is_given_again),
	     T(a_kept_registration_is_given_again), T(life_goes_on))
