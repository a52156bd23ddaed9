/* tests/service/people_host.h - a connection, and the shared memory of two made-up hosts */
#ifndef TESTS_PEOPLE_HOST_H
#define TESTS_PEOPLE_HOST_H

#include "auth/actor.h"
#include "core/shm.h"
#include "service/db_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

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
	cfg.auth_jwt_alg = "HS256";
	cfg.auth_jwt_secret_old = "";
	cfg.auth_jwt_secret = "service-tests-only-0123456789abcdef";
	cfg.auth_jwt_issuer = cfg.auth_jwt_audience = "marquee";
	cfg.auth_access_ttl = 15 * 60 * 1000;
	cfg.auth_refresh_ttl = 30L * 86400 * 1000;
	cfg.auth_refresh_grace = 10000;
	cfg.auth_hash_slots = 2;
	cfg.auth_hash_wait = 60000;
	cfg.auth_refuse_common = true;
	cfg.limits_enabled = false;
	cfg.limits_login = 20;
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

#endif
