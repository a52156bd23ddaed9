/* tests/unit/fcgi_app.h - what answers in the tests of http_run: told by the path */
#ifndef TESTS_UNIT_FCGI_APP_H
#define TESTS_UNIT_FCGI_APP_H

#include "http/http.h"
#include "t.h"

#include <unistd.h>

#define SERVER_LIFE 30	/* seconds after which SIGALRM ends a server that hangs */
#define BODY_MAX 100000
#define BIG 300000

static struct {
	int served, idled, reloaded, last_status;
	int started[2];	/* a byte is written when a handler has begun */
} app_state;

static char big[BIG];

static void answer_body(struct http_request *rq, struct http_response *rs)
{
	struct str body;
	enum err e;

	if (write(app_state.started[1], "x", 1) != 1)
		abort();
	e = http_read_body(rq, BODY_MAX, &body);
	rs->status = e == OK ? 200 : e == E_TOOBIG ? 413 : 400;
	if (e == OK)
		http_body(rs, body);
}

static void answer_env(struct http_request *rq, struct http_response *rs)
{
	rs->status = 200;
	http_setf(rs, "X-Pid", "%d", (int)getpid());
	http_setf(rs, "X-Reloaded", "%d", app_state.reloaded);
	http_body(rs, str_of(arena_printf(
			  rq->arena, "%s|%.*s|%.*s|%s|%s|%d|%d|%s", method_name(rq->method),
			  (int)rq->path.n, rq->path.p, (int)rq->query.n, rq->query.p, rq->remote,
			  http_header(rq, "User-Agent"), app_state.served, app_state.last_status,
			  getenv("HTTP_PROXY") ? "proxy" : "-")));
}

static void answer_big(struct http_request *rq, struct http_response *rs)
{
	(void)rq;
	rs->status = 200;
	http_body(rs, (struct str){ big, BIG / 2 });
	http_body(rs, (struct str){ big + BIG / 2, BIG / 2 });
}

/* In pieces that fit no record. */
static bool next_piece(void *arg, struct str *piece)
{
	size_t *at = arg, n = BIG - *at < 9999 ? BIG - *at : 9999;

	*piece = (struct str){ big + *at, n };
	*at += n;
	return n > 0;
}

static void answer_stream(struct http_request *rq, struct http_response *rs)
{
	rs->status = 200;
	http_stream(rs, next_piece, ARENA_NEW(rq->arena, size_t));
}

static void serve(void *user, struct http_request *rq, struct http_response *rs)
{
	(void)user;
	if (str_is(rq->path, "/body"))
		answer_body(rq, rs);
	else if (str_is(rq->path, "/big"))
		answer_big(rq, rs);
	else if (str_is(rq->path, "/stream"))
		answer_stream(rq, rs);
	else
		answer_env(rq, rs);
}

static void after(void *user, struct http_request *rq, struct http_response *rs)
{
	(void)user;
	app_state.served++;
	/* The request is still whole here: an access log wants its headers. */
	app_state.last_status = *http_env(rq, "REQUEST_METHOD") ? rs->status : -1;
}

static void idle(void *user)
{
	(void)user;
	app_state.idled++;
}

static void reload(void *user)
{
	(void)user;
	app_state.reloaded++;
}

static int run_app(void)
{
	static const struct config cfg = { .http_body_limit = BODY_MAX };
	struct http_app app = { .cfg = &cfg, .serve = serve, .sent = after, .idle = idle,
				.reload = reload, .idle_ms = 50 };
	int rc = http_run(&app);

	return rc == 0 && app_state.served > 0 && app_state.idled == 0 ? 77 : rc;
}

static void fill_big(void)
{
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)('a' + i % 23);
}

#endif
