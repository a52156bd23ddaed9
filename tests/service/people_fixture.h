/* tests/service/people_fixture.h - a connection, shared memory of a made-up host, and people */
#ifndef TESTS_PEOPLE_FIXTURE_H
#define TESTS_PEOPLE_FIXTURE_H

#include "auth/token.h"
#include "core/shm.h"
#include "domain/people.h"
#include "service/db_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#define PASSWORD "long enough 4 tests"
#define ADDRESS "192.0.2.7"

static struct ctx c;
static char hosts[2][64];	/* directories of shared memory: two hosts */

static const char *people_dsn(void)
{
	const char *web = getenv("T_DSN");

	return web ? web : getenv("MARQUEE_TEST_DSN");
}

#define NEED_PEOPLE()                                                                              \
	do {                                                                                       \
		if (!people_dsn())                                                                 \
			T_SKIP("MARQUEE_TEST_DSN is not set");                                     \
		c.actor = &actor_anonymous;                                                        \
		people_configure();                                                                \
		fixture_next(&c);                                                                  \
	} while (0)

static void people_configure(void)
{
	cfg.auth_jwt_secret = "service-tests-only-0123456789abcdef";
	cfg.auth_jwt_issuer = cfg.auth_jwt_audience = "marquee";
	cfg.auth_access_ttl = 15 * 60 * 1000;
	cfg.auth_refresh_ttl = 30L * 86400 * 1000;
	cfg.auth_refresh_grace = 10000;
	cfg.auth_hash_slots = 2;
	cfg.auth_hash_wait = 5000;
	cfg.auth_refuse_common = true;
	cfg.limits_enabled = false;
	cfg.limits_login = 20;
	cfg.db_statement_timeout = 5000;
}

static bool people_setup(void)
{
	if (!people_dsn())
		return true;
	people_configure();
	fixture_open(&c, people_dsn(), "test_people");
	c.actor = &actor_anonymous;
	for (int i = 0; i < 2; i++) {
		snprintf(hosts[i], sizeof(hosts[i]), "/tmp/marquee-people.XXXXXX");
		if (!mkdtemp(hosts[i]))
			return false;
	}
	return shm_attach(hosts[0], "test", 1) == OK;
}

static void remove_folder(const char *path)
{
	DIR *d = opendir(path);

	for (struct dirent *e; d && (e = readdir(d));)
		if (e->d_name[0] != '.')
			(void)!unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(path);
}

static void people_teardown(void)
{
	if (!people_dsn())
		return;
	for (int i = 0; i < 2; i++)
		remove_folder(hosts[i]);
	fixture_close(&c);
}

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

static struct input input_of(const struct input_field *fields, const char *json)
{
	struct input in = { NULL };

	if (read_fields(fields, (struct input_mode){ .partial = false }, json, &in) != OK)
		T_FAIL("input %s is refused: %s", json, c.details ? c.details->reason : "?");
	return in;
}

static enum err sign_up(const char *email, const char *password, struct session *s)
{
	struct input in = input_of(people_register_fields,
				   arena_printf(c.arena, "{'email':'%s','password':'%s',"
							 "'name':'Ada'}", email, password));

	return people_register(&c, &in, s);
}

T_UNUSED static enum err sign_in(const char *email, const char *password, struct session *s)
{
	struct input in = input_of(people_login_fields,
				   arena_printf(c.arena, "{'email':'%s','password':'%s'}", email,
						password));

	return people_login(&c, &in, ADDRESS, s);
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

#endif
