/* src/core/fault.c - points at which tests let this process die; only with --enable-faults */
#include "core/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"

static const char *const points[FAULT_COUNT] = {
	/* a statement is about to be sent; .NAME of the statement, or BEGIN and COMMIT */
	[FAULT_DB_BEFORE] = "db.before",
	/* it is sent, the server may be running it; .NAME */
	[FAULT_DB_SENT] = "db.sent",
	/* its answer is read: what it did is committed; .NAME */
	[FAULT_DB_DONE] = "db.done",
	/* the answer is made, no byte of it is sent */
	[FAULT_HTTP_REPLY] = "http.reply",
	/* a part of the body is written, another is not */
	[FAULT_HTTP_BODY] = "http.body",
	/* the producer has the messages, the notifier waits for the broker's word on some */
	[FAULT_RELAY_PRODUCED] = "relay.produced",
	/* the broker has all of a chunk; the cache is not cleaned, the relay row not moved */
	[FAULT_RELAY_ACKED] = "relay.acked",
};

struct order {
	char action[32];
	long nth, pid;
};

/* The file of the point, open and locked: -1 when it is not armed. It may have been renamed between
 * open and lock by the process that acts. */
static int open_armed(const char *path)
{
	struct stat mine, now;
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (flock(fd, LOCK_EX) == 0 && fstat(fd, &mine) == 0 && stat(path, &now) == 0 &&
	    mine.st_ino == now.st_ino)
		return fd;
	close(fd);
	return -1;
}

static bool read_order(int fd, struct order *o)
{
	char line[128];
	ssize_t n = pread(fd, line, sizeof(line) - 1, 0);

	*o = (struct order){ .nth = 1 };
	line[n > 0 ? n : 0] = '\0';
	return sscanf(line, "%31s %ld %ld", o->action, &o->nth, &o->pid) >= 1;
}

static void rewrite(int fd, const char *text)
{
	if (ftruncate(fd, 0) != 0 || pwrite(fd, text, strlen(text), 0) < 0)
		abort();
}

/* True for the one hit that shall act; others are counted. */
static bool take(const char *path, struct order *o)
{
	char text[128], acted[512];
	int fd = open_armed(path);
	bool mine;

	if (fd < 0)
		return false;
	mine = read_order(fd, o) && (o->pid == 0 || o->pid == (long)getpid());
	if (mine && --o->nth > 0) {
		snprintf(text, sizeof(text), "%s %ld %ld\n", o->action, o->nth, o->pid);
		rewrite(fd, text);
		mine = false;
	} else if (mine) {
		snprintf(text, sizeof(text), "%ld %s\n", (long)getpid(), o->action);
		rewrite(fd, text);
		snprintf(acted, sizeof(acted), "%s.acted", path);
		mine = rename(path, acted) == 0;
	}
	close(fd);
	return mine;
}

static void wait_ms(long ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	while (nanosleep(&t, &t) != 0 && errno == EINTR)
		continue;
}

static void act(const char *action)
{
	if (strcmp(action, "kill") == 0)
		kill(getpid(), SIGKILL);
	else if (strcmp(action, "stop") == 0)
		kill(getpid(), SIGSTOP);
	else if (strncmp(action, "sleep:", 6) == 0)
		wait_ms(strtol(action + 6, NULL, 10));
	else
		abort(); /* asked for, or a mistake in the test */
}

void fault_at(enum fault point, const char *what)
{
	static const char *folder;
	static bool looked;
	char path[400];
	struct order o;

	if (!looked)
		folder = getenv("MARQUEE_TEST_FAULTS");
	looked = true;
	if (!folder)
		return;
	snprintf(path, sizeof(path), "%s/%s%s%.*s", folder, points[point], what ? "." : "",
		 what ? (int)strspn(what, UPPER "0123456789abcdefghijklmnopqrstuvwxyz") : 0,
		 what ? what : "");
	if (take(path, &o))
		act(o.action);
}
