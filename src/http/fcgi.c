/* src/http/fcgi.c - http_run and its two transports: FastCGI through libfcgi, and plain CGI */
#include "core/clock.h"
#include "core/fault.h"
#include "core/log.h"
#include "core/overload.h"
#include "http/backend.h"
#include "http/queue.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sysexits.h>
#include <unistd.h>

#define LISTEN_FD 0
#define REQUEST_MEMORY ((size_t)64 << 20) /* beside four times the largest body */
#define PEER_SECONDS 20		/* longest wait for one read or write on a connection */
#define WRITE_AT_ONCE 32768	/* a fresh socket's buffer takes this without waiting */
#define DRAIN_MS 10000		/* longest service after the signal to stop */

/* ---- one request, any transport ---- */

static void serve_one(const struct http_app *app, struct arena *a, struct http_backend *io,
		      char *const *envp, void (*flush)(struct http_backend *))
{
	struct http_request rq;
	struct http_response rs;

	http_request_init(&rq, a, app->cfg, io, envp);
	http_response_init(&rs, a);
	rs.head = rq.method == M_HEAD;
	app->serve(app->user, &rq, &rs);
	FAULT(HTTP_REPLY);
	if (http_response_send(&rs, io) && flush)
		flush(io);
	if (app->sent)
		app->sent(app->user, &rq, &rs);
	http_discard_body(&rq);
	arena_reset(a);
}

static struct arena *request_arena(const struct http_app *app)
{
	return arena_new(REQUEST_MEMORY + 4 * (size_t)app->cfg->http_body_limit);
}

/* ---- FastCGI ---- */

/* What may make us wait for the peer is bounded: reading a body, and writing more than a socket
 * takes at once. Other requests are spared the two system calls. */
static void be_patient(const struct http_backend *io, int direction)
{
	static const struct timeval patience = { .tv_sec = PEER_SECONDS };

	setsockopt(((FCGX_Request *)io->handle)->ipcFd, SOL_SOCKET, direction, &patience,
		   sizeof(patience));
}

/* One stretch of what has arrived, as read(2) would give it: FCGX_GetStr waits for all of n. */
static long fcgi_read(struct http_backend *io, char *buf, size_t n)
{
	FCGX_Stream *in = ((FCGX_Request *)io->handle)->in;
	size_t ready;
	int c;

	if (!io->reading)
		be_patient(io, SO_RCVTIMEO);
	io->reading = true;
	c = FCGX_GetChar(in);
	if (c < 0)
		return FCGX_GetError(in) ? -1 : 0;
	buf[0] = (char)c;
	ready = (size_t)(in->stop - in->rdNext);
	if (ready > n - 1)
		ready = n - 1;
	return ready ? 1 + FCGX_GetStr(buf + 1, (int)ready, in) : 1;
}

static bool fcgi_write(struct http_backend *io, const struct str *parts, int n)
{
	FCGX_Stream *out = ((FCGX_Request *)io->handle)->out;
	size_t all = 0;

	for (int i = 0; i < n; i++)
		all += parts[i].n;
	if (all > WRITE_AT_ONCE)
		be_patient(io, SO_SNDTIMEO);
	for (int i = 0; i < n; i++) {
		if (i > 1)
			FAULT(HTTP_BODY);
		for (size_t at = 0, len; at < parts[i].n; at += len) {
			len = parts[i].n - at < INT_MAX ? parts[i].n - at : INT_MAX;
			if (FCGX_PutStr(parts[i].p + at, (int)len, out) < 0)
				return false;
		}
	}
	return true;
}

/* Sends the rest and the end of the request, but keeps its variables: FCGX_Finish_r frees them. */
static void fcgi_flush(struct http_backend *io)
{
	FCGX_Request *r = io->handle;

	FCGX_FClose(r->err);
	FCGX_FClose(r->out);
}

/* True when the answer is on its way and the web server has said all it had to say. Most send the
 * end of a body together with what is before it; who has not yet sent it is not waited for here. */
static bool nothing_to_come(const FCGX_Request *r)
{
	return r->out->isClosed && fcntl(r->ipcFd, F_SETFL, O_NONBLOCK) == 0 &&
	       FCGX_GetChar(r->in) < 0 && FCGX_GetError(r->in) == 0;
}

/* libfcgi ends a connection with care: it shuts down its side and waits until the web server has
 * closed the other, lest what is still to come meets a closed socket and takes the answer with it.
 * Where nothing is to come that is three system calls and a sleep for nothing: a detached
 * connection is just closed. */
static void fcgi_finish(FCGX_Request *r)
{
	if (nothing_to_come(r))
		FCGX_Detach(r);
	FCGX_Finish_r(r);
}

static long waiting(void *arg)
{
	(void)arg;
	return queue_length(LISTEN_FD);
}

static void fcgi_serve(const struct http_app *app, struct arena *a, FCGX_Request *r, bool refuse)
{
	static bool warned;
	struct http_backend io = { .read = fcgi_read, .write = fcgi_write, .handle = r };

	if (r->keepConnection && !warned) {
		log_msg(LOG_WARN_, "the web server wants to keep FastCGI connections; they are "
			"closed, or they would hold a worker each: switch that off there");
		warned = true;
	}
	r->keepConnection = 0;
	io.overload = refuse || (app->cfg->http_queue_wait > 0 &&
				 overload_take(clock_mono_ms(), app->cfg->http_queue_wait, waiting,
					       NULL));
	serve_one(app, a, &io, r->envp, fcgi_flush);
	fcgi_finish(r);
}

/* A descriptor that stands in for the one of a connection. */
static int spare = -1;

static void spare_take(void)
{
	if (spare < 0)
		spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Where descriptors ran out, whoever comes could not even be told so: for that the spare one is. */
static int fcgi_refuse(const struct http_app *app, struct arena *a, FCGX_Request *r)
{
	int rc;

	if (spare >= 0)
		close(spare);
	spare = -1;
	rc = FCGX_Accept_r(r);
	if (rc == 0)
		fcgi_serve(app, a, r, true);
	spare_take();
	return rc;
}

enum accepted { SERVED, NOTHING, BROKEN };

/* Takes one connection from the backlog, if there is one, and serves it. */
static enum accepted fcgi_accept(const struct http_app *app, struct arena *a, FCGX_Request *r)
{
	int rc = FCGX_Accept_r(r);

	if (rc == 0) {
		fcgi_serve(app, a, r, false);
		return SERVED;
	}
	switch (-rc) {
	case EAGAIN:		/* a sibling was faster, or the peer said nothing */
		return NOTHING;
	case EINTR: case ECONNABORTED: case EPROTO: case ECONNRESET: case ETIMEDOUT:
		return SERVED;
	case EMFILE: case ENFILE: case ENOBUFS: case ENOMEM:
		log_msg(LOG_ERROR_, "accept: %s", strerror(-rc));
		if (fcgi_refuse(app, a, r) != 0)
			usleep(100000);
		return SERVED;
	default:
		log_msg(LOG_ERROR_, "accept: %s", strerror(-rc));
		return BROKEN;
	}
}

/* True when one of them was to stop. */
static bool take_signals(const struct http_app *app, int signals)
{
	struct signalfd_siginfo info;
	bool stop = false;

	while (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo != SIGHUP)
			stop = true;
		else if (app->reload)
			app->reload(app->user);
	}
	return stop;
}

/* Until the signal: wait, serve, wait. After it: serve what is in the backlog already. The signals
 * stay blocked and are seen by epoll, which takes turns between the two: libfcgi must never meet
 * EINTR, where it would cut a body, and a worker that always finds work sees them too. */
static int fcgi_loop(const struct http_app *app, struct arena *a, int epoll, FCGX_Request *r)
{
	int wait_ms = app->idle_ms > 0 ? (int)app->idle_ms : -1;
	enum accepted last = NOTHING;
	struct epoll_event what;
	int64_t stop_at = 0;

	for (;;) {
		if (app->idle)
			app->idle(app->user);
		if (!stop_at && epoll_wait(epoll, &what, 1, wait_ms) <= 0)
			continue;
		if (!stop_at && what.data.fd != LISTEN_FD && take_signals(app, what.data.fd))
			stop_at = clock_mono_ms() + DRAIN_MS;
		last = fcgi_accept(app, a, r);
		if (last == BROKEN)
			return EX_OSERR;
		if (stop_at && (last == NOTHING || clock_mono_ms() > stop_at))
			return EX_OK;
	}
}

/* What a worker waits for: a connection or a signal. A connection wakes one of those that wait, and
 * always the same one while it keeps up, whose caches are warm; poll would wake them all. */
static int fcgi_waiter(int signals)
{
	struct epoll_event connection = { .events = EPOLLIN | EPOLLEXCLUSIVE,
					  .data.fd = LISTEN_FD };
	struct epoll_event signal = { .events = EPOLLIN, .data.fd = signals };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	if (epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, LISTEN_FD, &connection) == 0 &&
	    epoll_ctl(epoll, EPOLL_CTL_ADD, signals, &signal) == 0)
		return epoll;
	if (epoll >= 0)
		close(epoll);
	return -1;
}

/* libfcgi waits 2 s for a peer that does not close, which is nothing but waiting. As long it waits
 * for the first byte of one that has connected, and rightly: connect() has woken us, and on a busy
 * machine the web server goes on later; hung up on, it would tell its client that we are broken. */
static bool fcgi_prepare(FCGX_Request *r)
{
	setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "250", 0);
	spare_take();
	/* Siblings share the socket: who loses the race for a connection must not wait. */
	return fcntl(LISTEN_FD, F_SETFL, fcntl(LISTEN_FD, F_GETFL) | O_NONBLOCK) == 0 &&
	       FCGX_Init() == 0 && FCGX_InitRequest(r, LISTEN_FD, FCGI_FAIL_ACCEPT_ON_INTR) == 0;
}

static int run_fastcgi(const struct http_app *app)
{
	static const int taken[] = { SIGTERM, SIGINT, SIGUSR1, SIGHUP };
	struct arena *a = request_arena(app);
	int signals = -1, epoll = -1, rc = EX_OSERR;
	sigset_t set;
	FCGX_Request r;

	sigemptyset(&set);
	for (size_t i = 0; i < COUNT(taken); i++)
		sigaddset(&set, taken[i]);
	sigprocmask(SIG_BLOCK, &set, NULL); /* for good: nor shall they cut the last flush */
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals >= 0)
		epoll = fcgi_waiter(signals);
	if (epoll < 0 || !fcgi_prepare(&r)) {
		log_msg(LOG_ERROR_, "FastCGI: %s", strerror(errno));
		goto out;
	}
	signal(SIGPIPE, SIG_IGN); /* after FCGX_Init, which puts its own in place */
	rc = fcgi_loop(app, a, epoll, &r);
	FCGX_Free(&r, 1);
out:
	if (rc != EX_OK)
		sleep(1); /* a supervisor must not spin */
	if (epoll >= 0)
		close(epoll);
	if (signals >= 0)
		close(signals);
	arena_free(a);
	return rc;
}

/* ---- CGI (RFC 3875) ---- */

static long cgi_read(struct http_backend *io, char *buf, size_t n)
{
	ssize_t got;

	(void)io;
	do
		got = read(STDIN_FILENO, buf, n);
	while (got < 0 && errno == EINTR);
	return got;
}

static bool cgi_write(struct http_backend *io, const struct str *parts, int n)
{
	struct iovec v[32];
	int first = 0;

	(void)io;
	for (int i = 0; i < n; i++)
		v[i] = (struct iovec){ .iov_base = (void *)(uintptr_t)parts[i].p,
				       .iov_len = parts[i].n };
	while (first < n) {
		ssize_t sent = writev(STDOUT_FILENO, v + first, n - first);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return false;
		for (; first < n && (size_t)sent >= v[first].iov_len; first++)
			sent -= (ssize_t)v[first].iov_len;
		if (first < n) {
			v[first].iov_base = (char *)v[first].iov_base + sent;
			v[first].iov_len -= (size_t)sent;
		}
	}
	return true;
}

static int run_cgi(const struct http_app *app)
{
	struct http_backend io = { .read = cgi_read, .write = cgi_write };
	struct arena *a = request_arena(app);

	signal(SIGPIPE, SIG_IGN);
	unsetenv("HTTP_PROXY"); /* a client's "Proxy:" header, which libraries would believe */
	serve_one(app, a, &io, environ, NULL);
	arena_free(a);
	return EX_OK;
}

int http_run(const struct http_app *app)
{
	int listening = 0;
	socklen_t n = sizeof(listening);

	if (getsockopt(LISTEN_FD, SOL_SOCKET, SO_ACCEPTCONN, &listening, &n) == 0 && listening)
		return run_fastcgi(app);
	return run_cgi(app);
}
