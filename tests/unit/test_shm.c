/* tests/unit/test_shm.c - what a host's processes share; locks that die with their holder */
#include "core/clock.h"
#include "core/log.h"
#include "core/shm.h"
#include "core/str.h"
#include "t.h"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define COHERENCE_BYTES 5246976

static char base[64], dir[96], nowhere[96];

static bool make_dir(void)
{
	snprintf(base, sizeof(base), "%s/t_shm_XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(base) || log_open("", LOG_ERROR_, "test") != OK)
		return false;
	snprintf(dir, sizeof(dir), "%s/marquee", base);
	snprintf(nowhere, sizeof(nowhere), "%s/no/such", base);
	return shm_attach(dir, "a b c", 3) == OK;
}

static void drop_dir(void)
{
	struct dirent *entry;
	char path[400];
	DIR *d = opendir(dir);

	while (d && (entry = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		unlink(path);
	}
	if (d)
		closedir(d);
	rmdir(dir);
	rmdir(base);
}

/* Runs fn in another process that attaches by itself; its exit status, or minus the signal. */
static int elsewhere(int (*fn)(void))
{
	int status = 0;
	pid_t child = fork();

	if (child == 0)
		_exit(shm_attach(dir, "a b c", 3) == OK ? fn() : 99);
	waitpid(child, &status, 0);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void a_new_start(void)
{
	T_REQUIRE(shm_attach(dir, "a b c", 3) == OK);
	T_TRUE(shm_shared());
}

/* ---- files ---- */

static void files_have_their_size_and_mode(void)
{
	struct dirent *entry;
	char path[400];
	struct stat st;
	unsigned metrics = 0;

	T_TRUE(stat(dir, &st) == 0 && (st.st_mode & 0777) == 0770);
	snprintf(path, sizeof(path), "%s/coherence.v1", dir);
	T_REQUIRE(stat(path, &st) == 0);
	T_EQ_INT(st.st_size, COHERENCE_BYTES);
	T_EQ_INT(st.st_mode & 0777, 0660);
	DIR *d = opendir(dir);
	T_REQUIRE(d != NULL);
	while ((entry = readdir(d)))
		metrics += strncmp(entry->d_name, "metrics.", 8) == 0;
	closedir(d);
	T_EQ_INT(metrics, 1);
}

static int add_five(void)
{
	shm_metric_add(1, 5);
	return (int)shm_metric_get(1);
}

static void metrics_are_shared_and_survive(void)
{
	a_new_start();
	shm_metric_set(1, 37);
	T_EQ_INT(elsewhere(add_five), 42);
	T_EQ_INT(shm_metric_get(1), 42);
	a_new_start();
	T_EQ_INT(shm_metric_get(1), 42);
	shm_metric_add(3, 1);	/* beyond the end: nothing */
	T_EQ_INT(shm_metric_get(3), 0);
	T_REQUIRE(shm_attach(dir, "another layout", 3) == OK);
	T_EQ_INT(shm_metric_get(1), 0);
	a_new_start();
}

static void a_foreign_file_is_not_touched(void)
{
	char other[96], path[120];
	struct stat st;

	snprintf(other, sizeof(other), "%s/foreign", base);
	snprintf(path, sizeof(path), "%s/coherence.v1", other);
	T_REQUIRE(mkdir(other, 0700) == 0);
	FILE *out = fopen(path, "we");
	T_REQUIRE(out != NULL);
	fputs("precious", out);
	fclose(out);
	T_EQ_INT(shm_attach(other, "x", 1), E_UNAVAIL);
	T_FALSE(shm_shared());
	T_TRUE(stat(path, &st) == 0 && st.st_size == 8);
	unlink(path);
	T_REQUIRE(symlink("/etc/passwd", path) == 0);
	T_EQ_INT(shm_attach(other, "x", 1), E_UNAVAIL);
	unlink(path);
	rmdir(other);
	a_new_start();
}

static void without_a_directory_memory_is_private(void)
{
	T_EQ_INT(shm_attach(nowhere, "x", 2), E_UNAVAIL);
	T_FALSE(shm_shared());
	shm_metric_add(1, 2);
	T_EQ_INT(shm_metric_get(1), 2);
	uint64_t g = shm_generation(7);
	shm_generation_bump(7);
	T_TRUE(shm_generation(7) != g);
	T_TRUE(shm_revoke(REVOKE_JTI, "x", 0, clock_now_us() / 1000000 + 60));
	T_EQ_INT(shm_revoked(REVOKE_JTI, "x"), 1);
	T_TRUE(shm_limit("k", 1, 1, 1000, 5, true).allowed);
	T_FALSE(shm_limit("k", 1, 1, 1000, 5, true).allowed);
	int slot = shm_hash_slot(1, 0);
	T_EQ_INT(slot, 0);
	T_EQ_INT(shm_hash_slot(1, 0), -1);
	shm_hash_slot_release(slot);
	a_new_start();
}

/* ---- generations, cache state ---- */

static int bump(void)
{
	shm_generation_bump(UINT64_C(0x123456789abcdef0));
	shm_cache_namespace_set(0, 77);
	shm_cache_debt_add(0);
	return 0;
}

static void bumps_and_the_cache_state_are_seen_elsewhere(void)
{
	a_new_start();
	uint64_t before = shm_generation(UINT64_C(0x123456789abcdef0));
	uint64_t other = shm_generation(1);
	T_EQ_INT(elsewhere(bump), 0);
	T_TRUE(shm_generation(UINT64_C(0x123456789abcdef0)) != before);
	T_TRUE(shm_generation(1) == other);
	T_EQ_INT(shm_cache_namespace(0), 77);
	T_TRUE(shm_cache_debt(0));
	(void)shm_cache_debt_paid(0, shm_cache_debt(0));
	T_FALSE(shm_cache_debt(0));
}

static void the_breaker_lets_one_try_per_pause(void)
{
	a_new_start();
	T_TRUE(shm_breaker_allows(SHM_BREAKER_CACHE, 1000));
	shm_breaker_trip(SHM_BREAKER_CACHE, 1000, 500);
	T_FALSE(shm_breaker_allows(SHM_BREAKER_CACHE, 1000));
	T_FALSE(shm_breaker_allows(SHM_BREAKER_CACHE, 1499));
	T_TRUE(shm_breaker_allows(SHM_BREAKER_CACHE, 1500));
	T_FALSE(shm_breaker_allows(SHM_BREAKER_CACHE, 1500));
	T_FALSE(shm_breaker_allows(SHM_BREAKER_CACHE, 1999));
	T_TRUE(shm_breaker_allows(SHM_BREAKER_CACHE, 2000)); /* the one before never came back */
	shm_breaker_ok(SHM_BREAKER_CACHE);
	T_TRUE(shm_breaker_allows(SHM_BREAKER_CACHE, 2001));
	T_TRUE(shm_breaker_allows(SHM_BREAKER_CACHE, 2001));
}

static int try_breaker(void)
{
	return shm_breaker_allows(SHM_BREAKER_CACHE, 9000);
}

static void the_one_try_is_one_for_the_host(void)
{
	a_new_start();
	shm_breaker_trip(SHM_BREAKER_CACHE, 8000, 1000);
	int allowed = elsewhere(try_breaker) + elsewhere(try_breaker) + try_breaker();
	T_EQ_INT(allowed, 1);
	T_TRUE(shm_breaker_allows(SHM_BREAKER_REPLICA, 8500)); /* each has its own */
	shm_breaker_ok(SHM_BREAKER_CACHE);
}

static void last_writes_are_remembered_for_a_minute(void)
{
	const int64_t t = INT64_C(4096) * 65536 * 3 + 5;
	const uint64_t lsn = UINT64_C(0x16B374D848);

	a_new_start();
	T_EQ_INT(shm_wrote_by("ada", t), 0);
	shm_wrote("ada", lsn, t);
	T_EQ_INT(shm_wrote_by("ada", t), lsn);
	T_EQ_INT(shm_wrote_by("ada", t + 60000), lsn);
	T_EQ_INT(shm_wrote_by("ada", t + 80000), 0);
	T_EQ_INT(shm_wrote_by("bob", t), 0);
	shm_wrote("ada", lsn + 1, t + 1000);	/* rounded up, never down */
	T_EQ_INT(shm_wrote_by("ada", t + 1000), lsn + 8);
	shm_wrote("ada", 800, t + 2000);	/* who was overtaken takes nothing back */
	T_EQ_INT(shm_wrote_by("ada", t + 2000), lsn + 8);
	shm_wrote("ada", 800, t + 90000);	/* another database, after a restore */
	T_EQ_INT(shm_wrote_by("ada", t + 90000), 800);
	shm_wrote("ada", UINT64_MAX - 7, t + 91000);
	T_TRUE(shm_wrote_by("ada", t + 91000) > lsn);
}

/* ---- revocations ---- */

static int64_t soon;

static int revoke_elsewhere(void)
{
	return !shm_revoke(REVOKE_USER, "alice", 7, soon) || !shm_revoke(REVOKE_JTI, "j1", 0, soon);
}

static void revocations_are_seen_elsewhere(void)
{
	a_new_start();
	soon = clock_now_us() / 1000000 + 3600;
	T_EQ_INT(shm_revoked(REVOKE_USER, "alice"), 0);
	T_EQ_INT(elsewhere(revoke_elsewhere), 0);
	T_EQ_INT(shm_revoked(REVOKE_USER, "alice"), 7);
	T_EQ_INT(shm_revoked(REVOKE_JTI, "j1"), 1);
	T_EQ_INT(shm_revoked(REVOKE_SESSION, "j1"), 0);
	T_EQ_INT(shm_revoked(REVOKE_JTI, "alice"), 0);
	T_TRUE(shm_revoke(REVOKE_USER, "alice", 5, soon));	/* came late: takes nothing back */
	T_EQ_INT(shm_revoked(REVOKE_USER, "alice"), 7);
	T_TRUE(shm_revoke(REVOKE_USER, "alice", 9, soon));
	T_EQ_INT(shm_revoked(REVOKE_USER, "alice"), 9);
	T_FALSE(shm_revocations_full());
}

/* A quarter of the table: at half of it an unlucky hash leaves one id without a place. */
#define QUARTER 4000

static void a_full_table_says_so_and_expired_entries_make_room(void)
{
	long now = clock_now_us() / 1000000;
	unsigned stored = 0, found = 0;
	char id[32];

	T_EQ_INT(shm_attach(nowhere, "x", 0), E_UNAVAIL);	/* a table of our own */
	for (int i = 0; i < 16000; i++) {
		snprintf(id, sizeof(id), "old%d", i);
		stored += shm_revoke(REVOKE_JTI, id, 0, now - 1000);
	}
	T_TRUE(stored > 15000);
	T_FALSE(shm_revocations_full());	/* what found no room has expired anyway */
	for (int i = 0; i < QUARTER; i++) {
		snprintf(id, sizeof(id), "new%d", i);
		stored = shm_revoke(REVOKE_JTI, id, 0, now + 3600);
		found += stored && shm_revoked(REVOKE_JTI, id) == 1;
	}
	T_EQ_INT(found, QUARTER);
	T_FALSE(shm_revocations_full());
	for (int i = 0; i < 30000; i++) {
		snprintf(id, sizeof(id), "more%d", i);
		(void)shm_revoke(REVOKE_SESSION, id, 0, now + 3600);
	}
	T_TRUE(shm_revocations_full());
	for (int i = 0; i < QUARTER; i++) {	/* nobody alive was pushed out */
		snprintf(id, sizeof(id), "new%d", i);
		found -= shm_revoked(REVOKE_JTI, id) == 1;
	}
	T_EQ_INT(found, 0);
	a_new_start();
}

static void one_process_polls_per_period(void)
{
	a_new_start();
	T_EQ_INT(shm_revocation_polled_at(), 0);
	T_TRUE(shm_revocation_poll_due(10000, 250));
	T_FALSE(shm_revocation_poll_due(10000, 250));
	T_FALSE(shm_revocation_poll_due(9999, 250));
	T_FALSE(shm_revocation_poll_due(10249, 250));
	T_TRUE(shm_revocation_poll_due(10250, 250));
	T_TRUE(shm_revocation_poll_due(5000, 250));	/* the clock was set back */
	shm_revocation_polled(5001);
	T_EQ_INT(shm_revocation_polled_at(), 5001);
}

/* ---- hash slots ---- */

static pid_t slot_holder(int *slot)
{
	int fds[2];

	*slot = -2;
	if (pipe(fds) != 0)
		return -1;
	pid_t child = fork();
	if (child == 0) {
		int mine = shm_hash_slot(2, 0);

		(void)!write(fds[1], &mine, sizeof(mine));
		for (;;)
			pause();
	}
	(void)!read(fds[0], slot, sizeof(*slot));
	close(fds[0]);
	close(fds[1]);
	return child;
}

static void end(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void a_killed_process_frees_its_slot(void)
{
	int first, second;

	a_new_start();
	pid_t one = slot_holder(&first), two = slot_holder(&second);
	T_TRUE(first >= 0 && second >= 0 && first != second);
	T_EQ_INT(shm_hash_slot(2, 20), -1);
	end(one);
	T_EQ_INT(shm_hash_slot(2, 1000), first);
	T_EQ_INT(shm_hash_slot(2, 0), -1);
	shm_hash_slot_release(first);
	shm_hash_slot_release(first);	/* twice, and what one never had: nothing */
	shm_hash_slot_release(second);
	T_EQ_INT(shm_hash_slot(2, 0), first);
	shm_hash_slot_release(first);
	end(two);
}

static int take_a_slot(void)
{
	return shm_hash_slot(1, 0) + 1;
}

static void a_forked_child_does_not_share_our_slot(void)
{
	int status = 0;

	a_new_start();
	T_EQ_INT(shm_hash_slot(1, 0), 0);
	pid_t child = fork();	/* without attaching anew */
	if (child == 0)
		_exit(take_a_slot());
	waitpid(child, &status, 0);
	T_EQ_INT(WEXITSTATUS(status), 0);
	T_EQ_INT(elsewhere(take_a_slot), 0);
	shm_hash_slot_release(0);
	T_EQ_INT(elsewhere(take_a_slot), 1);
	T_EQ_INT(shm_hash_slot(0, 0), -1);
	T_TRUE(shm_hash_slot(1000, 0) >= 0);
	a_new_start();
}

static int linger(void)
{
	pause();
	return 0;
}

/* The parent dies while its child lives on: the child must not keep the parent's slot. */
static int parent_of_a_lingerer(void)
{
	if (shm_hash_slot(1, 0) != 0)
		return 1;
	pid_t child = fork();
	if (child == 0)
		_exit(linger());
	/* The test ends the lingerer; its number travels in a metric cell. */
	shm_metric_set(2, (uint64_t)child);
	kill(getpid(), SIGKILL);
	return 2;
}

static void a_child_does_not_keep_a_dead_parents_slot(void)
{
	a_new_start();
	T_EQ_INT(elsewhere(parent_of_a_lingerer), -SIGKILL);
	T_EQ_INT(shm_hash_slot(1, 1000), 0);
	shm_hash_slot_release(0);
	kill((pid_t)shm_metric_get(2), SIGKILL);
}

T_SUITE_WITH("shm", make_dir, drop_dir, T(files_have_their_size_and_mode),
	     T(metrics_are_shared_and_survive), T(a_foreign_file_is_not_touched),
	     T(without_a_directory_memory_is_private),
	     T(bumps_and_the_cache_state_are_seen_elsewhere), T(the_breaker_lets_one_try_per_pause),
	     T(last_writes_are_remembered_for_a_minute),
	     T(the_one_try_is_one_for_the_host), T(revocations_are_seen_elsewhere),
	     T(a_full_table_says_so_and_expired_entries_make_room), T(one_process_polls_per_period),
	     T(a_killed_process_frees_its_slot), T(a_forked_child_does_not_share_our_slot),
	     T(a_child_does_not_keep_a_dead_parents_slot))
