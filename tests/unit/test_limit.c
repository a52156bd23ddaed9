/* tests/unit/test_limit.c - GCRA: exact bursts, steady rate, many keys, many processes */
#include "core/log.h"
#include "core/shm.h"
#include "core/str.h"
#include "t.h"

#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>

#define HOUR 3600000L
#define T0 INT64_C(1790000000000)

static char base[64];

static bool make_dir(void)
{
	snprintf(base, sizeof(base), "%s/t_limit_XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	return mkdtemp(base) && log_open("", LOG_ERROR_, "test") == OK &&
	       shm_attach(base, "x", 1) == OK;
}

static void drop_dir(void)
{
	struct dirent *entry;
	char path[400];
	DIR *d = opendir(base);

	while (d && (entry = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", base, entry->d_name);
		unlink(path);
	}
	if (d)
		closedir(d);
	rmdir(base);
}

static struct limit_result take(const char *key, long limit, int64_t now)
{
	return shm_limit(key, strlen(key), limit, HOUR, now, true);
}

static struct limit_result look(const char *key, long limit, int64_t now)
{
	return shm_limit(key, strlen(key), limit, HOUR, now, false);
}

static void bursts_are_exact_for_any_limit(void)
{
	static const long limits[] = { 1, 2, 3, 7, 10, 20, 50, 97, 100, 200, 300, 9999, 100000 };

	for (size_t i = 0; i < COUNT(limits); i++) {
		char key[32];
		long allowed = 0;

		snprintf(key, sizeof(key), "burst%zu", i);
		for (long n = 0; n < limits[i] + 5; n++)
			allowed += take(key, limits[i], T0).allowed;
		T_EQ_INT(allowed, limits[i]);
	}
}

static void the_numbers_count_down(void)
{
	T_EQ_INT(look("count", 3, T0).remaining, 3);
	T_EQ_INT(look("count", 3, T0).reset_s, 0);
	struct limit_result r = take("count", 3, T0);
	T_TRUE(r.allowed);
	T_EQ_INT(r.remaining, 2);
	T_EQ_INT(r.reset_s, 1200);
	T_EQ_INT(r.retry_s, 0);
	T_EQ_INT(take("count", 3, T0).remaining, 1);
	T_EQ_INT(take("count", 3, T0).remaining, 0);
	r = take("count", 3, T0);
	T_FALSE(r.allowed);
	T_EQ_INT(r.remaining, 0);
	T_EQ_INT(r.reset_s, 3600);
	T_EQ_INT(r.retry_s, 1200);
}

static void the_steady_rate_comes_back(void)
{
	for (int i = 0; i < 10; i++)
		T_TRUE(take("steady", 10, T0).allowed);
	T_FALSE(take("steady", 10, T0 + 359999).allowed);
	T_TRUE(take("steady", 10, T0 + 360000).allowed);
	T_FALSE(take("steady", 10, T0 + 360000).allowed);
	/* Unused quota does not pile up beyond the limit. */
	long allowed = 0;
	for (int i = 0; i < 30; i++)
		allowed += take("steady", 10, T0 + 100 * HOUR).allowed;
	T_EQ_INT(allowed, 10);
}

static void looking_takes_nothing(void)
{
	for (int i = 0; i < 100; i++)
		T_TRUE(look("look", 2, T0).allowed);
	T_EQ_INT(take("look", 2, T0).remaining, 1);
	T_EQ_INT(look("look", 2, T0).remaining, 1);
	T_TRUE(take("look", 2, T0).allowed);
	T_FALSE(look("look", 2, T0).allowed);
}

static void keys_are_apart(void)
{
	char key[32];
	unsigned allowed = 0;

	for (int i = 0; i < 20000; i++) {
		snprintf(key, sizeof(key), "key%d", i);
		allowed += take(key, 1, T0).allowed;
	}
	/* Two keys in 2^36 share a place: none here, save for bad luck once in a hundred runs. */
	T_TRUE(allowed >= 19998);
	unsigned refused = 0;
	for (int i = 0; i < 20000; i++) {
		snprintf(key, sizeof(key), "key%d", i);
		refused += !take(key, 1, T0).allowed;
	}
	T_TRUE(refused >= 19998);
	T_TRUE(take((const char[]){ "a" }, 1, T0).allowed);
	T_TRUE(shm_limit("a\0b", 3, 1, HOUR, T0, true).allowed);
}

/* More active keys than places: limits get weaker, but every call still answers. */
static void an_overfull_table_evicts_who_uses_least(void)
{
	char key[32];

	for (int i = 0; i < 5; i++)
		take("heavy", 5, T0);
	for (int i = 0; i < 300000; i++) {
		snprintf(key, sizeof(key), "light%d", i);
		shm_limit(key, strlen(key), 1000, HOUR, T0, true);
	}
	T_FALSE(take("heavy", 5, T0).allowed);
}

static void odd_arguments(void)
{
	T_TRUE(take("zero", 0, T0).allowed);	/* as if it were 1 */
	T_FALSE(take("zero", 0, T0).allowed);
	T_TRUE(shm_limit("w", 1, 5, 0, T0, true).allowed);
	T_TRUE(shm_limit("", 0, 5, HOUR, 0, true).allowed);
	T_EQ_INT(shm_limit("fast", 4, 1000000000, HOUR, T0, true).allowed, true);
}

static void changes_of_limit_and_clock(void)
{
	for (int i = 0; i < 100; i++)
		take("change", 100, T0);
	T_FALSE(take("change", 10, T0).allowed);
	T_TRUE(take("change", 1000, T0 + 3600).allowed);
	/* The clock goes back by a day: waiting takes at most one window, not a day. */
	take("back", 1, T0);
	struct limit_result r = take("back", 1, T0 - 24 * HOUR);
	T_FALSE(r.allowed);
	T_TRUE(r.retry_s <= 3600);
	T_TRUE(take("back", 1, T0 - 23 * HOUR).allowed);
}

#define PROCESSES 4
#define SINGLES 200

static const long shared_limits[] = { 1, 5, 1000, 200000 };

struct tally {
	long got[COUNT(shared_limits)], singles;
};

static struct tally hammer(void)
{
	struct tally t = { 0 };
	char key[32];

	for (size_t i = 0; i < COUNT(shared_limits); i++) {
		snprintf(key, sizeof(key), "shared%zu", i);
		for (long n = 0; n < shared_limits[i] + 100; n++)
			t.got[i] += take(key, shared_limits[i], T0).allowed;
	}
	for (int i = 0; i < SINGLES; i++) {	/* who enters a new key first? */
		snprintf(key, sizeof(key), "single%d", i);
		t.singles += take(key, 1, T0).allowed;
	}
	return t;
}

/* Four processes hammer at the same keys at one frozen moment; each key admits just its limit. */
static void processes_share_every_limit_exactly(void)
{
	struct tally sum = { 0 }, t;
	int results[2], go[2];
	char start;

	T_REQUIRE(pipe(results) == 0 && pipe(go) == 0);
	for (int p = 0; p < PROCESSES; p++) {
		if (fork() != 0)
			continue;
		close(go[1]);
		(void)!read(go[0], &start, 1);	/* all begin when the parent closes its end */
		t = hammer();
		(void)!write(results[1], &t, sizeof(t));
		_exit(0);
	}
	close(go[0]);
	close(go[1]);
	for (int p = 0; p < PROCESSES; p++)
		wait(NULL);
	for (int p = 0; p < PROCESSES; p++) {
		T_REQUIRE(read(results[0], &t, sizeof(t)) == (ssize_t)sizeof(t));
		for (size_t i = 0; i < COUNT(shared_limits); i++)
			sum.got[i] += t.got[i];
		sum.singles += t.singles;
	}
	close(results[0]);
	close(results[1]);
	for (size_t i = 0; i < COUNT(shared_limits); i++)
		T_EQ_INT(sum.got[i], shared_limits[i]);
	T_EQ_INT(sum.singles, SINGLES);
}

T_SUITE_WITH("limit", make_dir, drop_dir, T(bursts_are_exact_for_any_limit),
	     T(the_numbers_count_down), T(the_steady_rate_comes_back), T(looking_takes_nothing),
	     T(keys_are_apart), T(odd_arguments), T(changes_of_limit_and_clock),
	     T(processes_share_every_limit_exactly), T(an_overfull_table_evicts_who_uses_least))
