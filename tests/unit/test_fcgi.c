/* tests/unit/test_fcgi.c - http_run from outside: FastCGI over a unix socket */
#include "unit/fcgi_app.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>

/* Milliseconds that libfcgi waits for the web server to close. */
#define LINGER "LIBFCGI_OS_CLOSE_POLL_TIMEOUT"
#define PATIENCE 10	/* seconds a client waits: less than the worker for a peer that hangs */

static char dir[] = "/tmp/t-fcgi-XXXXXX";
static struct sockaddr_un addr = { .sun_family = AF_UNIX };
static pid_t server;

/* What a failed test has left behind. */
static void server_kill(void)
{
	if (server > 0 && kill(server, SIGKILL) == 0)
		waitpid(server, NULL, 0);
	server = 0;
}

static void server_start(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	server_kill();
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/s", dir);
	unlink(addr.sun_path);
	T_REQUIRE(bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	T_REQUIRE(listen(fd, 64) == 0);
	T_REQUIRE(pipe(app_state.started) == 0);
	fflush(NULL);
	server = fork();
	T_REQUIRE(server >= 0);
	if (server == 0) {
		alarm(SERVER_LIFE);
		dup2(fd, 0);
		close(fd);
		close(app_state.started[0]);
		exit(run_app());
	}
	close(fd);
	close(app_state.started[1]);
}

/* Exit status of the child, -1 when a signal ended it. */
static int child_status(pid_t pid)
{
	int status;

	T_REQUIRE(waitpid(pid, &status, 0) == pid);
	if (pid == server)
		server = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int server_stop(int sig)
{
	kill(server, sig);
	close(app_state.started[0]);
	return child_status(server);
}

static void wait_started(void)
{
	char c;

	T_REQUIRE(read(app_state.started[0], &c, 1) == 1);
}

/* ---- the client: the FastCGI protocol by hand ---- */

enum { BEGIN_REQUEST = 1, END_REQUEST = 3, PARAMS = 4, STDIN = 5, STDOUT = 6 };

static int client(void)
{
	static const struct timeval patience = { .tv_sec = PATIENCE };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	T_REQUIRE(connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	return fd;
}

static void record(int fd, int type, const void *content, size_t n)
{
	unsigned char head[8] = { 1, (unsigned char)type, 0, 1, (unsigned char)(n >> 8),
				  (unsigned char)n, 0, 0 };

	T_REQUIRE(send(fd, head, 8, MSG_NOSIGNAL) == 8);
	if (n)
		T_REQUIRE(send(fd, content, n, MSG_NOSIGNAL) == (ssize_t)n);
}

static size_t add_pair(char *to, const char *pair)
{
	size_t name = strcspn(pair, "="), value = strlen(pair + name + 1);

	T_REQUIRE(name < 128 && value < 128);
	to[0] = (char)name;
	to[1] = (char)value;
	memcpy(to + 2, pair, name);
	memcpy(to + 2 + name, pair + name + 1, value);
	return 2 + name + value;
}

/* Sends everything before the body; length NULL = no CONTENT_LENGTH. */
static void send_head(int fd, const char *method, const char *uri, const char *length, bool keep)
{
	const char begin[8] = { 0, 1, (char)keep };
	char params[1024], line[160];
	size_t n = 0;

	record(fd, BEGIN_REQUEST, begin, sizeof(begin));
	snprintf(line, sizeof(line), "REQUEST_METHOD=%s", method);
	n += add_pair(params + n, line);
	snprintf(line, sizeof(line), "REQUEST_URI=%s", uri);
	n += add_pair(params + n, line);
	n += add_pair(params + n, "REMOTE_ADDR=192.0.2.7");
	n += add_pair(params + n, "HTTP_USER_AGENT=test");
	if (length) {
		snprintf(line, sizeof(line), "CONTENT_LENGTH=%s", length);
		n += add_pair(params + n, line);
	}
	record(fd, PARAMS, params, n);
	record(fd, PARAMS, NULL, 0);
}

struct reply {
	char text[BIG + 1000];
	size_t n;
	bool ended;	/* END_REQUEST came */
	const char *body;
};
static struct reply reply;

static bool take(int fd, void *to, size_t n)
{
	return recv(fd, to, n, MSG_WAITALL) == (ssize_t)n;
}

/* Reads records until the end of the request or of the connection. */
static const char *receive(int fd)
{
	unsigned char head[8];
	char skip[65536];

	reply.n = 0;
	reply.ended = false;
	while (!reply.ended && take(fd, head, sizeof(head))) {
		size_t n = (size_t)head[4] << 8 | head[5];

		T_REQUIRE(reply.n + n < sizeof(reply.text));
		T_REQUIRE(n == 0 || take(fd, head[1] == STDOUT ? reply.text + reply.n : skip, n));
		T_REQUIRE(head[6] == 0 || take(fd, skip, head[6]));
		if (head[1] == STDOUT)
			reply.n += n;
		reply.ended = head[1] == END_REQUEST;
	}
	reply.text[reply.n] = '\0';
	reply.body = strstr(reply.text, "\r\n\r\n");
	reply.body = reply.body ? reply.body + 4 : "(none)";
	return reply.text;
}

static bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static const char *exchange(const char *method, const char *uri, const char *length,
			    const char *body)
{
	int fd = client();

	send_head(fd, method, uri, length, false);
	if (*body)
		record(fd, STDIN, body, strlen(body));
	record(fd, STDIN, NULL, 0);
	receive(fd);
	close(fd);
	T_TRUE(reply.ended);
	return reply.text;
}

/* ---- FastCGI ---- */

static void answers_get(void)
{
	server_start();
	T_TRUE(starts(exchange("GET", "/a%20b?x=1", NULL, ""), "Status: 200 OK\r\n"));
	T_EQ_STR(reply.body, "GET|/a%20b|x=1|192.0.2.7|test|0|0|-");
	exchange("GET", "/", "", "");
	T_EQ_STR(reply.body, "GET|/||192.0.2.7|test|1|200|-");
	T_HAS(exchange("HEAD", "/", NULL, ""), "\r\nContent-Length: ");
	T_EQ_STR(reply.body, "");
	T_EQ_INT(server_stop(SIGTERM), 0);
}

static void reads_bodies(void)
{
	server_start();
	T_TRUE(starts(exchange("POST", "/body", "11", "hello=world"), "Status: 200 OK"));
	T_EQ_STR(reply.body, "hello=world");
	exchange("POST", "/body", NULL, "chunked");
	T_EQ_STR(reply.body, "chunked");
	exchange("POST", "/body", "0", "");
	T_EQ_STR(reply.body, "");
	exchange("POST", "/body", "3", "abcdef");
	T_EQ_STR(reply.body, "abc");
	T_EQ_INT(server_stop(SIGTERM), 0);
}

static void survives_lying_lengths(void)
{
	static const struct {
		const char *length, *status;
	} rows[] = {
		{ "100001", "Status: 413" },
		{ "9223372036854775807", "Status: 413" },
		{ "9223372036854775808", "Status: 400" },
		{ "99999999999999999999999999", "Status: 400" },
		{ "-1", "Status: 400" },
		{ "5x", "Status: 400" },
		{ "100000", "Status: 400" },	/* allowed, but it never comes */
	};

	server_start();
	for (size_t i = 0; i < COUNT(rows); i++)
		T_TRUE(starts(exchange("POST", "/body", rows[i].length, "short"), rows[i].status));
	T_TRUE(starts(exchange("POST", "/body", "5", "still"), "Status: 200"));
	T_EQ_INT(server_stop(SIGTERM), 0);
}

static void limits_bodies_without_length(void)
{
	int fd;

	server_start();
	fd = client();
	send_head(fd, "POST", "/body", NULL, false);
	record(fd, STDIN, big, 60000);
	record(fd, STDIN, big, 40001);
	record(fd, STDIN, NULL, 0);
	T_TRUE(starts(receive(fd), "Status: 413"));
	close(fd);
	T_EQ_INT(server_stop(SIGTERM), 0);
}

/* A web server may write all of the body before it reads: closed before that, it has no answer. */
static void takes_a_body_that_it_refuses(void)
{
	int fd;

	setenv(LINGER, "50", 1);
	server_start();
	fd = client();
	send_head(fd, "POST", "/body", "6000000", false);
	wait_started();
	usleep(100000);	/* longer than libfcgi lingers */
	for (int i = 0; i < 100; i++)
		record(fd, STDIN, big, 60000);
	record(fd, STDIN, NULL, 0);
	T_TRUE(starts(receive(fd), "Status: 413") && reply.ended);
	close(fd);
	T_EQ_INT(server_stop(SIGTERM), 0);
	unsetenv(LINGER);
}

/* connect() wakes the worker; on a busy machine the web server goes on later. */
static void waits_for_who_has_connected(void)
{
	int fd;

	server_start();
	fd = client();
	usleep(600000);
	send_head(fd, "GET", "/", NULL, false);
	record(fd, STDIN, NULL, 0);
	T_TRUE(starts(receive(fd), "Status: ") && reply.ended);
	close(fd);
	T_EQ_INT(server_stop(SIGTERM), 0);
}

static void sends_big_answers(void)
{
	server_start();
	T_TRUE(starts(exchange("GET", "/big", NULL, ""), "Status: 200 OK"));
	T_HAS(reply.text, "Content-Length: 300000\r\n");
	T_EQ_INT(reply.text + reply.n - reply.body, BIG);
	T_TRUE(memcmp(reply.body, big, BIG) == 0);
	T_EQ_INT(server_stop(SIGTERM), 0);
}

static void sends_what_comes_in_pieces(void)
{
	int gone;

	server_start();
	T_TRUE(starts(exchange("GET", "/stream", NULL, ""), "Status: 200 OK"));
	T_NULL(strstr(reply.text, "Content-Length"));
	T_EQ_INT(reply.text + reply.n - reply.body, BIG);
	T_TRUE(memcmp(reply.body, big, BIG) == 0);
	for (int i = 0; i < 3; i++) {	/* gone before it, or in the middle of it */
		gone = client();
		send_head(gone, "GET", "/stream", NULL, false);
		record(gone, STDIN, NULL, 0);
		if (i)
			T_TRUE(recv(gone, reply.text, 1000, MSG_WAITALL) > 0);
		close(gone);
	}
	T_TRUE(starts(exchange("GET", "/stream", NULL, ""), "Status: 200 OK"));
	T_EQ_INT(reply.text + reply.n - reply.body, BIG);
	T_EQ_INT(server_stop(SIGTERM), 0);
}

static void signal_in_a_body_finishes_the_request(void)
{
	int fd;

	server_start();
	fd = client();
	send_head(fd, "POST", "/body", "1000", false);
	record(fd, STDIN, big, 400);
	wait_started();
	kill(server, SIGTERM);
	record(fd, STDIN, big + 400, 600);
	record(fd, STDIN, NULL, 0);
	T_TRUE(starts(receive(fd), "Status: 200"));
	T_TRUE(reply.ended);
	T_EQ_INT(reply.text + reply.n - reply.body, 1000);
	T_TRUE(memcmp(reply.body, big, 1000) == 0);
	close(fd);
	close(app_state.started[0]);
	T_EQ_INT(child_status(server), 0);
}

static void signal_leaves_no_backlog(void)
{
	int busy, waiting[5];

	server_start();
	busy = client();
	send_head(busy, "POST", "/body", "4", false);
	wait_started();
	for (size_t i = 0; i < COUNT(waiting); i++) {
		waiting[i] = client();
		send_head(waiting[i], "GET", "/", NULL, false);
		record(waiting[i], STDIN, NULL, 0);
	}
	kill(server, SIGTERM);
	record(busy, STDIN, "done", 4);
	record(busy, STDIN, NULL, 0);
	T_TRUE(starts(receive(busy), "Status: 200"));
	close(busy);
	for (size_t i = 0; i < COUNT(waiting); i++) {
		T_TRUE(starts(receive(waiting[i]), "Status: 200"));
		T_TRUE(reply.ended);
		close(waiting[i]);
	}
	close(app_state.started[0]);
	T_EQ_INT(child_status(server), 0);
}

static void every_stop_signal_ends_an_idle_worker(void)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGUSR1 };

	for (size_t i = 0; i < COUNT(signals); i++) {
		server_start();
		exchange("GET", "/", NULL, "");	/* signals are taken care of from here on */
		T_EQ_INT(server_stop(signals[i]), 0);
	}
}

static void what_has_changed_is_taken_between_requests(void)
{
	pid_t before;

	server_start();
	exchange("GET", "/", NULL, "");
	before = server;
	for (int i = 1; i <= 2; i++) {
		kill(server, SIGHUP);
		exchange("GET", "/", NULL, "");	/* whoever came first: they take turns */
		T_HAS(exchange("GET", "/", NULL, ""),
		      i == 1 ? "X-Reloaded: 1\r\n" : "X-Reloaded: 2\r\n");
	}
	T_EQ_INT(server, before);
	T_EQ_INT(server_stop(SIGTERM), 0);
}

static void kept_connection_does_not_pin(void)
{
	char c;
	int kept;

	server_start();
	kept = client();
	send_head(kept, "GET", "/", NULL, true);
	record(kept, STDIN, NULL, 0);
	T_TRUE(starts(receive(kept), "Status: 200"));
	T_TRUE(reply.ended);
	T_TRUE(starts(exchange("GET", "/", NULL, ""), "Status: 200"));
	T_EQ_INT(recv(kept, &c, 1, 0), 0);	/* closed by the worker */
	close(kept);
	T_EQ_INT(server_stop(SIGTERM), 0);
}

/* Is the other end gone? Not, as long as somebody there may still read. */
static bool is_closed(int fd)
{
	return send(fd, "", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE;
}

static void does_not_wait_for_the_web_server_to_close(void)
{
	int fd;
	char c;

	setenv(LINGER, "9000", 1);
	server_start();
	fd = client();
	send_head(fd, "POST", "/body", "4", false);
	record(fd, STDIN, "done", 4);
	record(fd, STDIN, NULL, 0);
	T_TRUE(starts(receive(fd), "Status: 200"));
	T_EQ_INT(recv(fd, &c, 1, 0), 0);
	T_TRUE(is_closed(fd));
	close(fd);
	T_EQ_INT(server_stop(SIGTERM), 0);
	unsetenv(LINGER);
}

/* Some web servers send it only now, and would take a closed connection for a failed request. */
static void the_end_of_a_body_may_come_after_the_answer(void)
{
	int fd;
	char c;

	setenv(LINGER, "9000", 1);
	server_start();
	fd = client();
	send_head(fd, "GET", "/", NULL, false);
	T_TRUE(starts(receive(fd), "Status: 200"));
	T_TRUE(reply.ended);
	T_EQ_INT(recv(fd, &c, 1, 0), 0);
	record(fd, STDIN, NULL, 0);
	close(fd);
	T_TRUE(starts(exchange("GET", "/", NULL, ""), "Status: 200"));
	T_EQ_INT(server_stop(SIGTERM), 0);
	unsetenv(LINGER);
}

static void bad_peers_do_no_harm(void)
{
	int silent, gone;

	server_start();
	silent = client();
	gone = client();
	send_head(gone, "POST", "/body", "1000", false);
	record(gone, STDIN, "x", 1);
	close(gone);			/* in the middle of its body */
	gone = client();
	send_head(gone, "GET", "/big", NULL, false);
	record(gone, STDIN, NULL, 0);
	close(gone);			/* before its answer */
	gone = client();
	T_EQ_INT(send(gone, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL), 18);
	shutdown(gone, SHUT_WR);
	T_TRUE(starts(exchange("GET", "/", NULL, ""), "Status: 200"));
	close(gone);
	close(silent);
	T_EQ_INT(server_stop(SIGTERM), 0);
}

/* ---- */

static bool prepare(void)
{
	fill_big();
	return mkdtemp(dir) != NULL;
}

static void clean_up(void)
{
	server_kill();
	unlink(addr.sun_path);
	rmdir(dir);
}

T_SUITE_WITH("FastCGI", prepare, clean_up, T(answers_get), T(reads_bodies),
	     T(survives_lying_lengths), T(limits_bodies_without_length),
	     T(takes_a_body_that_it_refuses), T(waits_for_who_has_connected), T(sends_big_answers),
	     T(sends_what_comes_in_pieces),
	     T(signal_in_a_body_finishes_the_request), T(signal_leaves_no_backlog),
	     T(every_stop_signal_ends_an_idle_worker),
	     T(what_has_changed_is_taken_between_requests), T(kept_connection_does_not_pin),
	     T(does_not_wait_for_the_web_server_to_close),
	     T(the_end_of_a_body_may_come_after_the_answer),
	     T(bad_peers_do_no_harm))
