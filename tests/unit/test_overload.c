/* tests/unit/test_overload.c - when the pool refuses, and when no longer; how long a queue is */
#include "core/overload.h"
#include "http/queue.h"
#include "t.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int64_t now;

static long given(void *arg)
{
	return *(long *)arg;
}

/* One request each millisecond, for so long, while that many wait: how many were refused. */
static long refused(int64_t ms, long queue)
{
	long n = 0;

	for (int64_t end = now + ms; now < end; now++)
		n += overload_take(now, 50, given, &queue);
	return n;
}

/* Nothing happened for a while. */
static void anew(void)
{
	now += 1000000;
	refused(200, 0);
}

static void a_short_queue_may_stay(void)
{
	anew();
	T_EQ_INT(refused(10000, 40), 0);
}

static void slow_requests_are_no_crowd(void)
{
	anew();
	now += 10000; /* nothing was taken: the rate is low */
	T_EQ_INT(refused(10000, 16), 0);
}

static void a_burst_is_no_overload(void)
{
	anew();
	T_EQ_INT(refused(450, 500), 0);
	T_EQ_INT(refused(100, 10), 0);
	T_EQ_INT(refused(450, 500), 0);
}

static void a_queue_that_stays_is_refused(void)
{
	anew();
	T_EQ_INT(refused(450, 500), 0);
	T_TRUE(refused(200, 500) > 100);
	T_EQ_INT(refused(1000, 500), 1000);
	/* as soon as it is short, no more */
	T_TRUE(refused(100, 10) <= 10);
	T_EQ_INT(refused(100, 10), 0);
	/* but there is no patience left */
	T_TRUE(refused(100, 500) > 80);
	anew();
	T_EQ_INT(refused(450, 500), 0);
}

static void an_unknown_queue_is_none(void)
{
	anew();
	T_EQ_INT(refused(5000, -1), 0);
}

static int listening(struct sockaddr *at, socklen_t n)
{
	int fd = socket(at->sa_family, SOCK_STREAM, 0);

	T_REQUIRE(bind(fd, at, n) == 0 && listen(fd, 20) == 0 && getsockname(fd, at, &n) == 0);
	return fd;
}

static void counts_who_waits(struct sockaddr *at, socklen_t n)
{
	int fd = listening(at, n), peers[7];
	long length;

	T_EQ_INT(queue_length(fd), 0);
	for (int i = 0; i < 7; i++) {
		peers[i] = socket(at->sa_family, SOCK_STREAM, 0);
		T_REQUIRE(connect(peers[i], at, n) == 0);
	}
	length = queue_length(fd);
	/* The last words of a TCP handshake may still be under way. */
	for (int i = 0; i < 12000 && length >= 0 && length < 7; i++) {
		usleep(10000);
		length = queue_length(fd);
	}
	close(accept(fd, NULL, NULL));
	if (length >= 0) { /* a kernel without sock_diag for unix sockets says nothing */
		T_EQ_INT(length, 7);
		T_EQ_INT(queue_length(fd), 6);
	}
	for (int i = 0; i < 7; i++)
		close(peers[i]);
	close(fd);
}

static void a_queue_has_a_length(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "t_overload_%ld", (long)getpid());
	counts_who_waits((struct sockaddr *)&in, sizeof(in));
	counts_who_waits((struct sockaddr *)&un, sizeof(un));
	T_EQ_INT(queue_length(-1), -1);
}

T_SUITE("overload", T(a_short_queue_may_stay), T(slow_requests_are_no_crowd),
	T(a_burst_is_no_overload),
	T(a_queue_that_stays_is_refused), T(an_unknown_queue_is_none), T(a_queue_has_a_length))
