/* tests/fault/fakeclock.c - preloaded into programs: their wall clock is off, or stands still
 *
 * FAKECLOCK_FOR names the programs that are meant, separated by blanks (others are left alone),
 * FAKECLOCK_PLAN a file of two 64-bit numbers that a test may write to at any time: nanoseconds by
 * which the clock is ahead; unless 0, the instant at which it stands. The monotonic clock is the
 * real one.
 *
 * Not libfaketime: it does not know C11's waits, by which librdkafka would sleep for an hour on
 * account of a clock that nobody else has; and what it leaves in /dev/shm ends later processes of
 * the same number before they begin. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define NS INT64_C(1000000000)

static const struct plan {
	_Atomic int64_t ahead, stands;
} *plan;

static int meant(const char *programs)
{
	const char *me = program_invocation_short_name, *at = programs;
	size_t n = strlen(me);

	while (at && !(strncmp(at, me, n) == 0 && (at[n] == ' ' || at[n] == '\0'))) {
		at = strchr(at, ' ');
		at += at != NULL;
	}
	return at != NULL;
}

__attribute__((constructor)) static void attach(void)
{
	const char *programs = getenv("FAKECLOCK_FOR"), *path = getenv("FAKECLOCK_PLAN");
	void *p;
	int fd;

	if (!programs || !path || !meant(programs))
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		abort();
	p = mmap(NULL, sizeof(*plan), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		abort();
	plan = p;
}

static int64_t ns(const struct timespec *t)
{
	return t->tv_sec * NS + t->tv_nsec;
}

int clock_gettime(clockid_t which, struct timespec *t)
{
	int rc = (int)syscall(SYS_clock_gettime, which, t);

	if (rc == 0 && plan && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) {
		int64_t now = plan->stands ? plan->stands : ns(t) + plan->ahead;

		*t = (struct timespec){ now / NS, now % NS };
	}
	return rc;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec t;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &t);
	*tv = (struct timeval){ t.tv_sec, t.tv_nsec / 1000 };
	return 0;
}

time_t time(time_t *out)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	if (out)
		*out = t.tv_sec;
	return t.tv_sec;
}

int timespec_get(struct timespec *t, int base)
{
	return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, t) == 0 ? base : 0;
}

/* For as long as it is until then by the clock that the program sees. */
int cnd_timedwait(cnd_t *restrict cond, mtx_t *restrict mutex, const struct timespec *restrict at)
{
	struct timespec t;
	int64_t end = ns(at);
	int e;

	clock_gettime(CLOCK_REALTIME, &t);
	end -= ns(&t);
	clock_gettime(CLOCK_MONOTONIC, &t);
	end += ns(&t);
	t = (struct timespec){ end > 0 ? end / NS : 0, end > 0 ? end % NS : 0 };
	e = pthread_cond_clockwait((pthread_cond_t *)(void *)cond, (pthread_mutex_t *)(void *)mutex,
				   CLOCK_MONOTONIC, &t);
	return e == 0 ? thrd_success : e == ETIMEDOUT ? thrd_timedout : thrd_error;
}
