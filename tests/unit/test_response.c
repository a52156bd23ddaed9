/* tests/unit/test_response.c - how an answer is written, and what must never be written */
#include "http/backend.h"
#include "t.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena *a;
static struct http_response rs;
static char sent[70000];
static size_t sent_n;

static bool capture(struct http_backend *io, const struct str *parts, int n)
{
	(void)io;
	for (int i = 0; i < n; i++) {
		T_REQUIRE(sent_n + parts[i].n < sizeof(sent));
		memcpy(sent + sent_n, parts[i].p, parts[i].n);
		sent_n += parts[i].n;
	}
	sent[sent_n] = '\0';
	return true;
}

static const char *written(void)
{
	struct http_backend io = { .write = capture };

	sent_n = 0;
	T_TRUE(http_response_send(&rs, &io));
	return sent;
}

static void begin(int status)
{
	http_response_init(&rs, a);
	rs.status = status;
}

static void writes_head_and_parts(void)
{
	begin(201);
	http_set(&rs, "Content-Type", "application/json");
	http_setf(&rs, "Location", "/events/%d", 7);
	http_set(&rs, "Set-Cookie", "a=1");
	http_set(&rs, "Set-Cookie", "b=2");
	http_body(&rs, STR("{\"a\":"));
	http_body(&rs, STR(""));
	http_body(&rs, STR("1}"));
	T_EQ_INT(http_body_length(&rs), 7);
	T_EQ_STR(written(), "Status: 201 Created\r\nContent-Type: application/json\r\n"
			    "Location: /events/7\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
			    "Content-Length: 7\r\n\r\n{\"a\":1}");
}

static void writes_no_body_where_there_is_none(void)
{
	begin(200);
	http_body(&rs, STR("four"));
	rs.head = true;
	T_EQ_STR(written(), "Status: 200 OK\r\nContent-Length: 4\r\n\r\n");
	begin(304);
	http_body(&rs, STR("four"));
	T_EQ_STR(written(), "Status: 304 Not Modified\r\n\r\n");
	begin(204);
	http_body(&rs, STR("four"));
	T_EQ_STR(written(), "Status: 204 No Content\r\n\r\n");
	begin(404);
	T_EQ_STR(written(), "Status: 404 Not Found\r\nContent-Length: 0\r\n\r\n");
}

static void forgotten_status_is_an_error(void)
{
	http_response_init(&rs, a);
	T_EQ_STR(written(), "Status: 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n");
	begin(299);
	T_EQ_STR(written(), "Status: 299 Unassigned\r\nContent-Length: 0\r\n\r\n");
}

static void too_many_headers_are_an_error(void)
{
	begin(200);
	for (int i = 0; i < 70; i++)
		http_setf(&rs, "X-Big", "%01000d", i);
	http_body(&rs, STR("body"));
	T_EQ_STR(written(), "Status: 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n");
}

/* ---- what comes a piece at a time ---- */

static struct {
	const char *text;
	size_t left, size;	/* of a piece */
	int calls;
} source;

static bool next_piece(void *arg, struct str *piece)
{
	size_t n = source.left < source.size ? source.left : source.size;

	T_TRUE(arg == &source);
	source.calls++;
	*piece = (struct str){ source.text, n };
	source.text += n;
	source.left -= n;
	return n > 0;
}

static void stream(const char *text, size_t n, size_t size)
{
	source.text = text;
	source.left = n;
	source.size = size;
	source.calls = 0;
	http_stream(&rs, next_piece, &source);
}

static void a_stream_follows_the_parts(void)
{
	static char much[60000];

	begin(200);
	http_body(&rs, STR("head\r\n"));
	stream("one two", 7, 3);
	T_EQ_STR(written(), "Status: 200 OK\r\n\r\nhead\r\none two");
	T_EQ_INT(source.calls, 4);
	for (size_t i = 0; i < sizeof(much); i++)
		much[i] = (char)('a' + i % 23);
	for (size_t size = 1; size < sizeof(much); size = size * 3 + 1) {
		begin(200);
		stream(much, sizeof(much), size);
		T_EQ_INT(strncmp(written(), "Status: 200 OK\r\n\r\n", 18), 0);
		T_EQ_INT(sent_n, 18 + sizeof(much));
		T_EQ_INT(memcmp(sent + 18, much, sizeof(much)), 0);
		T_EQ_INT(source.calls, (sizeof(much) + size - 1) / size + 1);
	}
	begin(200);
	stream("", 0, 1);
	T_EQ_STR(written(), "Status: 200 OK\r\n\r\n");
}

static void a_stream_is_not_begun_where_no_body_is(void)
{
	begin(200);
	rs.head = true;
	stream("never", 5, 2);
	T_EQ_STR(written(), "Status: 200 OK\r\n\r\n");
	T_EQ_INT(source.calls, 0);
	begin(304);
	stream("never", 5, 2);
	T_EQ_STR(written(), "Status: 304 Not Modified\r\n\r\n");
	T_EQ_INT(source.calls, 0);
}

static int writes_left;

static bool write_until_gone(struct http_backend *io, const struct str *parts, int n)
{
	(void)io, (void)parts, (void)n;
	return writes_left-- > 0;
}

/* Nothing more is made for who does not read it. */
static void a_stream_ends_when_its_reader_has_gone(void)
{
	struct http_backend io = { .write = write_until_gone };

	for (int taken = 0; taken < 4; taken++) {
		begin(200);
		stream("0123456789", 10, 1);
		writes_left = taken;
		T_FALSE(http_response_send(&rs, &io));
		T_EQ_INT(source.calls, taken);
	}
	begin(200);
	stream("0123456789", 10, 1);
	writes_left = 11;
	T_TRUE(http_response_send(&rs, &io));
}

static void set_crlf(void)   { http_setf(&rs, "X-A", "a\r\nX-B: %s", "b"); }
static void set_lf(void)     { http_set(&rs, "X-A", "a\nb"); }
static void set_name(void)   { http_set(&rs, "X-A: b", "c"); }
static void set_empty(void)  { http_set(&rs, "", "c"); }
static void set_length(void) { http_setf(&rs, "content-length", "%d", 5); }
static void set_status(void) { http_set(&rs, "Status", "200"); }
static void no_status(void)  { rs.status = 0; written(); }
static void seventeen(void)
{
	for (int i = 0; i < 17; i++)
		http_body(&rs, STR("x"));
}

/* Runs fn in a child; true when that aborted. */
static bool aborts(void (*fn)(void))
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		if (!freopen("/dev/null", "w", stderr))
			_exit(1);
		begin(200);
		fn();
		_exit(0);
	}
	T_REQUIRE(waitpid(pid, &status, 0) == pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void bugs_abort(void)
{
	T_TRUE(aborts(set_crlf));
	T_TRUE(aborts(set_lf));
	T_TRUE(aborts(set_name));
	T_TRUE(aborts(set_empty));
	T_TRUE(aborts(set_length));
	T_TRUE(aborts(set_status));
	T_TRUE(aborts(no_status));
	T_TRUE(aborts(seventeen));
}

static bool make_arena(void)
{
	a = arena_new((size_t)16 << 20);
	return true;
}

static void drop_arena(void)
{
	arena_free(a);
}

T_SUITE_WITH("responses", make_arena, drop_arena, T(writes_head_and_parts),
	     T(writes_no_body_where_there_is_none), T(forgotten_status_is_an_error),
	     T(too_many_headers_are_an_error), T(a_stream_follows_the_parts),
	     T(a_stream_is_not_begun_where_no_body_is), T(a_stream_ends_when_its_reader_has_gone),
	     T(bugs_abort))
