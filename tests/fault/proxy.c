/* tests/fault/proxy.c - stands between a program and its server (TCP, unix) and misbehaves
 *
 *	proxy LISTEN UPSTREAM CONTROL		addresses: /path or a.b.c.d:port
 *
 * CONTROL is a unix socket. One command a line, one line of answer; settings add up until "clear".
 * They concern what the server answers, except those of whole connections. The table at the end
 * lists them. Prints "ready" when it listens. Of unix sockets a reset looks like an end to a peer
 * whose own bytes have all been read. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define PAIRS_MAX 1024
#define CHUNK 16384
#define TICK_MS 10	/* in which bandwidth is measured out */
#define FIXED 3		/* descriptors before those of the pairs: listener, control, its peer */

static struct {
	long latency, jitter, bandwidth, slice, slice_ms, limit, slow_close;
	bool cut, silent, garbage;
} set = { .limit = -1 };

static struct {
	unsigned long long accepted, up, down;
} count;

/* One direction: at most one chunk is under way. */
struct half {
	int from, to;
	char data[CHUNK];
	size_t at, len;
	int64_t due;
	bool ended, shut;
	long long passed;
};

static struct pair {
	bool open;
	struct half up, down;
} pairs[PAIRS_MAX];

static const char *listen_at, *upstream;
static int listener = -1, control = -1, commander = -1;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- sockets ---- */

static socklen_t address(const char *text, struct sockaddr_storage *out)
{
	struct sockaddr_un *un = (struct sockaddr_un *)out;
	struct sockaddr_in *in = (struct sockaddr_in *)out;
	char host[64];
	int port;

	memset(out, 0, sizeof(*out));
	if (text[0] == '/') {
		un->sun_family = AF_UNIX;
		snprintf(un->sun_path, sizeof(un->sun_path), "%s", text);
		return sizeof(*un);
	}
	if (sscanf(text, "%63[^:]:%d", host, &port) != 2 ||
	    inet_pton(AF_INET, host, &in->sin_addr) != 1) {
		fprintf(stderr, "proxy: %s is neither /path nor a.b.c.d:port\n", text);
		exit(64);
	}
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)port);
	return sizeof(*in);
}

static int open_socket(const struct sockaddr_storage *a)
{
	int fd = socket(a->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	return fd;
}

static int start_listening(const char *at)
{
	struct sockaddr_storage a;
	socklen_t n = address(at, &a);
	int fd = open_socket(&a), yes = 1;

	if (a.ss_family == AF_UNIX)
		unlink(at);
	else
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, (struct sockaddr *)&a, n) != 0 || listen(fd, 1024) != 0)
		die(at);
	if (a.ss_family == AF_UNIX && chmod(at, 0666) != 0)
		die(at);
	return fd;
}

static void stop_listening(void)
{
	if (listener >= 0)
		close(listener);
	listener = -1;
	if (listen_at[0] == '/')
		unlink(listen_at);
}

static void pair_close(struct pair *p, bool reset)
{
	const struct linger hard = { .l_onoff = 1, .l_linger = 0 };

	if (reset)
		setsockopt(p->up.from, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(p->up.from);
	close(p->up.to);
	p->open = false;
}

static void close_all(bool reset)
{
	for (int i = 0; i < PAIRS_MAX; i++)
		if (pairs[i].open)
			pair_close(&pairs[i], reset);
}

static void take_client(void)
{
	struct sockaddr_storage a;
	socklen_t n = address(upstream, &a);
	int client = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), server, i = 0;

	if (client < 0)
		return;
	count.accepted++;
	while (i < PAIRS_MAX && pairs[i].open)
		i++;
	server = open_socket(&a);
	if (i == PAIRS_MAX ||
	    (connect(server, (struct sockaddr *)&a, n) != 0 && errno != EINPROGRESS)) {
		close(client);
		close(server);
		return;
	}
	pairs[i] = (struct pair){ .open = true };
	pairs[i].up.from = pairs[i].down.to = client;
	pairs[i].up.to = pairs[i].down.from = server;
}

/* ---- bytes ---- */

static bool wants_read(const struct half *h)
{
	return !set.silent && h->len == 0 && !h->ended;
}

static bool wants_write(const struct half *h, int64_t now)
{
	return !set.silent && h->len > 0 && now >= h->due;
}

/* False: the connection is broken. */
static bool half_read(struct half *h, bool answers, int64_t now)
{
	ssize_t n = read(h->from, h->data, sizeof(h->data));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	h->due = now;
	if (n == 0) {
		h->ended = true;
		h->due += answers ? set.slow_close : 0;
		return true;
	}
	h->at = 0;
	h->len = (size_t)n;
	if (answers)
		h->due += set.latency + (set.jitter > 0 ? random() % set.jitter : 0);
	for (ssize_t i = 0; answers && set.garbage && i < n; i++)
		h->data[i] = (char)random();
	return true;
}

/* How much may go now, and when the next may. */
static size_t portion(struct half *h, int64_t now)
{
	size_t n = h->len, most = n;

	if (set.bandwidth > 0)
		most = (size_t)set.bandwidth * 1024 * TICK_MS / 1000;
	if (set.slice > 0 && (size_t)set.slice < n)
		n = (size_t)set.slice;
	if (n > most)
		n = most > 0 ? most : 1;
	h->due = now + (set.slice > 0 ? set.slice_ms : 0) + (set.bandwidth > 0 ? TICK_MS : 0);
	return n;
}

static bool half_write(struct half *h, bool answers, int64_t now)
{
	size_t n = answers ? portion(h, now) : h->len;
	ssize_t done;

	if (answers && set.limit >= 0 && (long long)n > set.limit - h->passed)
		n = set.limit > h->passed ? (size_t)(set.limit - h->passed) : 0;
	if (n == 0)
		return false;	/* the limit is reached */
	done = send(h->to, h->data + h->at, n, MSG_NOSIGNAL);
	if (done < 0)
		return errno == EAGAIN || errno == EINTR;
	h->at += (size_t)done;
	h->len -= (size_t)done;
	h->passed += done;
	*(answers ? &count.down : &count.up) += (unsigned long long)done;
	return true;
}

/* Passes on an end when everything before it has been passed on. */
static void half_end(struct half *h, int64_t now)
{
	if (h->ended && !h->shut && h->len == 0 && now >= h->due && !set.silent) {
		shutdown(h->to, SHUT_WR);
		h->shut = true;
	}
}

static void pair_step(struct pair *p, int client, int server, int64_t now)
{
	bool well = true;

	if (wants_read(&p->up) && client & (POLLIN | POLLHUP | POLLERR))
		well = half_read(&p->up, false, now);
	if (well && wants_read(&p->down) && server & (POLLIN | POLLHUP | POLLERR))
		well = half_read(&p->down, true, now);
	if (well && wants_write(&p->up, now) && server & (POLLOUT | POLLERR))
		well = half_write(&p->up, false, now);
	if (well && wants_write(&p->down, now) && client & (POLLOUT | POLLERR))
		well = half_write(&p->down, true, now);
	half_end(&p->up, now);
	half_end(&p->down, now);
	if (!well || (p->up.shut && p->down.shut))
		pair_close(p, !well && set.cut);
}

/* ---- commands ---- */

static const char *do_clear(const long *v)
{
	(void)v;
	memset(&set, 0, sizeof(set));
	set.limit = -1;
	return "ok";
}

static const char *do_latency(const long *v)
{
	set.latency = v[0];
	set.jitter = v[1];
	return "ok";
}

static const char *do_bandwidth(const long *v)
{
	set.bandwidth = v[0];
	return "ok";
}

static const char *do_slicer(const long *v)
{
	set.slice = v[0];
	set.slice_ms = v[1];
	return "ok";
}

static const char *do_limit(const long *v)
{
	set.limit = v[0];
	set.cut = false;
	return "ok";
}

static const char *do_cut(const long *v)
{
	set.limit = v[0];
	set.cut = true;
	return "ok";
}

static const char *do_timeout(const long *v)
{
	(void)v;
	set.silent = true;
	return "ok";
}

static const char *do_garbage(const long *v)
{
	(void)v;
	set.garbage = true;
	return "ok";
}

static const char *do_slow_close(const long *v)
{
	set.slow_close = v[0];
	return "ok";
}

static const char *do_down(const long *v)
{
	(void)v;
	stop_listening();
	close_all(false);
	return "ok";
}

static const char *do_up(const long *v)
{
	(void)v;
	if (listener < 0)
		listener = start_listening(listen_at);
	return "ok";
}

static const char *do_reset(const long *v)
{
	(void)v;
	close_all(true);
	return "ok";
}

static const char *do_stat(const long *v)
{
	static char text[120];
	int open = 0;

	(void)v;
	for (int i = 0; i < PAIRS_MAX; i++)
		open += pairs[i].open;
	snprintf(text, sizeof(text), "%llu %d %llu %llu", count.accepted, open, count.up,
		 count.down);
	return text;
}

static const struct {
	const char *name;
	const char *(*run)(const long *v);
} commands[] = {
	{ "clear", do_clear },		/* nothing is wrong any more */
	{ "latency", do_latency },	/* MS [JITTER]: every piece comes later */
	{ "bandwidth", do_bandwidth },	/* KIB a second */
	{ "slicer", do_slicer },	/* BYTES MS: pieces of that size, that far apart */
	{ "limit", do_limit },		/* BYTES of a connection, then its end */
	{ "cut", do_cut },		/* BYTES of a connection, then a reset */
	{ "timeout", do_timeout },	/* connections are taken and stay silent */
	{ "garbage", do_garbage },	/* other bytes, as many */
	{ "slow_close", do_slow_close }, /* MS: ends come later */
	{ "down", do_down },		/* nobody listens, connections end */
	{ "up", do_up },
	{ "reset", do_reset },		/* of all connections that are open now */
	{ "stat", do_stat },		/* connections taken, open, bytes up, bytes down */
};

static const char *run_command(const char *line)
{
	char name[32];
	long v[2] = { 0, 0 };

	if (sscanf(line, "%31s %ld %ld", name, &v[0], &v[1]) < 1)
		return "empty";
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, name) == 0)
			return commands[i].run(v);
	return "no such command";
}

/* One command a connection. */
static void take_command(void)
{
	char line[200];
	ssize_t n = read(commander, line, sizeof(line) - 1);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0) {
		line[n] = '\0';
		dprintf(commander, "%s\n", run_command(line));
	}
	close(commander);
	commander = -1;
}

/* ---- the loop ---- */

/* Ends are seen by reading: what is not asked for anything is left out, or poll would spin. */
static void watch(struct pollfd *p, int fd, bool in, bool out)
{
	p->events = (short)((in ? POLLIN : 0) | (out ? POLLOUT : 0));
	p->fd = p->events ? fd : -1;
	p->revents = 0;
}

static int until_due(const struct half *h, int64_t now, int most)
{
	if (set.silent || h->shut || (h->len == 0 && !h->ended) || h->due <= now)
		return most;
	return h->due - now < most ? (int)(h->due - now) : most;
}

static void once(void)
{
	static struct pollfd fds[FIXED + 2 * PAIRS_MAX];
	int64_t now = now_ms();
	int wait = 1000, used = 0;

	watch(&fds[0], listener, listener >= 0, false);
	watch(&fds[1], control, commander < 0, false);
	watch(&fds[2], commander, commander >= 0, false);
	for (int i = 0; i < PAIRS_MAX; i++) {
		struct pollfd *f = &fds[FIXED + 2 * i];
		struct pair *p = &pairs[i];

		watch(f, p->up.from, p->open && wants_read(&p->up),
		      p->open && wants_write(&p->down, now));
		watch(f + 1, p->up.to, p->open && wants_read(&p->down),
		      p->open && wants_write(&p->up, now));
		if (!p->open)
			continue;
		used = i + 1;
		wait = until_due(&p->up, now, until_due(&p->down, now, wait));
	}
	if (poll(fds, (nfds_t)(FIXED + 2 * used), wait) < 0 && errno != EINTR)
		die("poll");
	now = now_ms();
	for (int i = 0; i < used; i++)
		if (pairs[i].open)
			pair_step(&pairs[i], fds[FIXED + 2 * i].revents,
				  fds[FIXED + 2 * i + 1].revents, now);
	if (fds[0].revents)
		take_client();
	if (fds[2].revents)
		take_command();
	if (fds[1].revents && commander < 0)
		commander = accept4(control, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: proxy LISTEN UPSTREAM CONTROL\n");
		return 64;
	}
	signal(SIGPIPE, SIG_IGN);
	listen_at = argv[1];
	upstream = argv[2];
	listener = start_listening(listen_at);
	control = start_listening(argv[3]);
	puts("ready");
	fflush(stdout);
	for (;;)
		once();
}
