/* src/web/route.c - finds the route of a request and leads it through everything routes share */
#include "web/route.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/strbuf.h"
#include "core/wake.h"
#include "web/guard.h"
#include "web/metrics.h"
#include "web/page.h"

#include <stdio.h>

/* ---- the table of tables ---- */

#define ROUTES_MAX 400

int route_count(void)
{
	static int count;
	int n = 0;

	if (count)
		return count;
	for (int t = 0; route_tables[t]; t++)
		for (const struct route *r = route_tables[t]; r->path; r++)
			n++;
	return count = n;
}

const struct route *route_at(int i)
{
	for (int t = 0; route_tables[t]; t++)
		for (const struct route *r = route_tables[t]; r->path; r++)
			if (i-- == 0)
				return r;
	return NULL;
}

int route_index(const struct route *of)
{
	int i = 0;

	for (int t = 0; route_tables[t]; t++)
		for (const struct route *r = route_tables[t]; r->path; r++, i++)
			if (r == of)
				return i;
	return -1;
}

const char *routes_problem(void)
{
	static char why[200];

	for (int i = 0; i < route_count(); i++) {
		const struct route *r = route_at(i);
		const char *what = NULL;

		if (i == ROUTES_MAX)
			what = "is one too many";
		else if (r->who == WHO_UNSET)
			what = "says not who may use it";
		else if (r->path[0] != '/' || !r->handler || !r->doc || !r->method)
			what = "is incomplete";
		else if (r->may && r->who != WHO_MEMBER)
			what = "asks for permissions of nobody";
		for (int j = 0; j < i; j++)
			if (route_at(j)->method == r->method &&
			    strcmp(route_at(j)->path, r->path) == 0)
				what = "stands twice";
		if (what) {
			snprintf(why, sizeof(why), "route %s %s %s", method_name(r->method),
				 r->path, what);
			return why;
		}
	}
	return NULL;
}

/* ---- matching ---- */

#define SEGMENTS_MAX 8
struct path {
	struct str raw[SEGMENTS_MAX];
	int n;
	bool slash; /* at the end: then it names something else */
};

/* Cuts the path; /api and /api/v1 in front mean nothing. False: too long to be ours. */
static bool cut_path(struct str s, struct path *p)
{
	*p = (struct path){ .n = 0 };
	if (s.n == 0 || s.p[0] != '/')
		return false;
	s = (struct str){ s.p + 1, s.n - 1 };
	while (s.p && s.n) {
		if (p->n == SEGMENTS_MAX)
			return false;
		p->raw[p->n++] = str_cut(s, '/', &s);
	}
	p->slash = s.p && p->n;
	int skip = p->n && str_is(p->raw[0], "api") ? 1 + (p->n > 1 && str_is(p->raw[1], "v1")) : 0;

	memmove(p->raw, p->raw + skip, sizeof(p->raw[0]) * (size_t)(p->n - skip));
	p->n -= skip;
	return p->n || !p->slash;
}

/* What a ':' segment stands for, without the constant end that it may have (":id.ics"); n is 0 when
 * it does not fit. */
static struct str value_of(struct str seg, struct str raw)
{
	const char *dot = memchr(seg.p, '.', seg.n);
	size_t n = dot ? (size_t)(seg.p + seg.n - dot) : 0;

	if (raw.n <= n || (n && memcmp(raw.p + raw.n - n, dot, n) != 0))
		return (struct str){ raw.p, 0 };
	return (struct str){ raw.p, raw.n - n };
}

/* The more of it is literal the higher; -1 when the pattern does not match. */
static int match(const char *pattern, const struct path *p)
{
	struct str rest = str_of(pattern + 1);
	int literal = 0;

	for (int i = 0; i < p->n; i++) {
		if (!rest.p || rest.n == 0)
			return -1;
		struct str seg = str_cut(rest, '/', &rest);

		if (seg.p[0] == ':' ? value_of(seg, p->raw[i]).n == 0 : !str_eq(seg, p->raw[i]))
			return -1;
		literal += seg.p[0] != ':' ? 2 : memchr(seg.p, '.', seg.n) != NULL;
	}
	if (p->n && p->slash != (rest.p != NULL))
		return -1;
	return rest.p && rest.n ? -1 : literal;
}

/* Spares most comparisons: the first byte of the first segment. */
static bool begins_alike(const char *pattern, const struct path *p)
{
	return pattern[1] == ':' || p->n == 0 || p->raw[0].n == 0 || pattern[1] == p->raw[0].p[0];
}

static int segments_of(const char *path)
{
	int n = 0;

	for (; *path; path++)
		n += path[0] == '/' && path[1];
	return n;
}

/* All routes in their order, with the number of their segments: it tells most of them from the
 * address of a request, which is compared with each. Made once; ended by NULL. */
struct row {
	const struct route *route;
	int segments;
};

static const struct row *all_rows(void)
{
	static struct row rows[ROUTES_MAX + 1];
	int n = 0;

	if (rows[0].route)
		return rows;
	for (int t = 0; route_tables[t]; t++)
		for (const struct route *r = route_tables[t]; r->path && n < ROUTES_MAX; r++)
			rows[n++] = (struct row){ r, segments_of(r->path) };
	return rows;
}

/* The best route for path and method; *allowed collects the methods of all that match the path. */
static const struct route *find(const struct path *p, enum method m, unsigned *allowed)
{
	const struct route *best = NULL;
	int best_literal = -1;

	*allowed = 0;
	for (const struct row *row = all_rows(); row->route; row++) {
		const struct route *r = row->route;
		int literal;

		if (row->segments != p->n || !begins_alike(r->path, p))
			continue;
		literal = match(r->path, p);
		if (literal < 0)
			continue;
		*allowed |= r->method;
		if ((r->method == m || (m == M_HEAD && r->method == M_GET)) &&
		    literal > best_literal) {
			best = r;
			best_literal = literal;
		}
	}
	if (*allowed & M_GET)
		*allowed |= M_HEAD;
	if (*allowed)
		*allowed |= M_OPTIONS;
	return best;
}

static enum err take_params(struct req *rq, const struct path *p)
{
	struct str rest = str_of(rq->route->path + 1);

	for (int i = 0; i < p->n; i++) {
		struct str seg = str_cut(rest, '/', &rest);

		if (seg.p[0] != ':')
			continue;
		struct str raw = value_of(seg, p->raw[i]), end;

		seg = str_cut((struct str){ seg.p + 1, seg.n - 1 }, '.', &end);
		rq->params[rq->n_params].name = seg;
		if (http_decode(rq->ctx->arena, raw, false, &rq->params[rq->n_params].value) != OK)
			return fail(rq->ctx, E_NOTFOUND, "no such address");
		rq->n_params++;
	}
	return OK;
}

/* ---- the life of a request ---- */

/* X-Request-Id if it is harmless, else one of our own. */
static void name_request(struct req *rq)
{
	static const char good[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	const char *sent = http_header(rq->http, "X-Request-Id");
	size_t n = strlen(sent);

	if (n >= 1 && n <= 64 && strspn(sent, good) == n)
		memcpy(rq->request_id, sent, n + 1);
	else
		stpcpy(stpcpy(rq->request_id, "req_"), id_new().s);
	rq->ctx->request_id = rq->request_id;
}

/* W3C trace context, version 00 only; anything else is as if it were not there. */
static void take_trace(struct req *rq)
{
	const char *t = http_header(rq->http, "traceparent");

	rq->ctx->traceparent = NULL;
	if (strlen(t) == 55 && strspn(t, "0123456789abcdef-") == 55 && strncmp(t, "00-", 3) == 0 &&
	    t[35] == '-' && t[52] == '-')
		rq->ctx->traceparent = t;
}

static enum err refuse_unmatched(struct req *rq, unsigned allowed)
{
	if (!allowed)
		return fail(rq->ctx, E_NOTFOUND, "no such address");
	return fail(rq->ctx, E_METHOD, "%s is not possible here", method_name(rq->http->method));
}

static enum err walk(struct req *rq)
{
	struct http_request *http = rq->http;
	struct path path;
	unsigned allowed = 0;

	if (cut_path(http->path, &path))
		rq->route = find(&path, http->method, &allowed);
	bool preflight = allowed && http->method == M_OPTIONS;

	guard_cors(rq, preflight || !rq->route ? allowed : 0, preflight);
	if (preflight) {
		rq->rs->status = 204;
		return OK;
	}
	if (!rq->route)
		return refuse_unmatched(rq, allowed);
	if (http->overload && !(rq->route->flags & RF_ALWAYS))
		return fail(rq->ctx, E_UNAVAIL, "too many requests at once, try again");
	TRY(take_params(rq, &path));
	if (http->content_length > rq->ctx->cfg->http_body_limit)
		return fail(rq->ctx, E_TOOBIG, "the body is over %ld bytes",
			    rq->ctx->cfg->http_body_limit);
	TRY(guard_actor(rq));
	lastwrite_read(rq);
	TRY(guard_rate(rq));
	TRY(guard_access(rq));
	rq->ctx->asker = actor_acted(&rq->actor) ? rq->actor.by.s : rq->actor.user.s;
	rq->ctx->asker_as = actor_acted(&rq->actor) ? rq->actor.user.s : "";
	rq->ctx->asker_address = http->remote;
	TRY(guard_key(rq));
	TRY(req_query(rq));
	TRY(req_no_body(rq));
	return rq->route->handler(rq);
}

static const char *const cache_words[] = {
	[C_NONE] = "no-store",
	[C_DOC] = "private, no-cache",
	[C_PUBLIC] = "public, max-age=60",
};

/* With limits on, an answer carries the reader's own quota: no shared cache may keep it. */
static enum cache_class cacheable(const struct req *rq)
{
	enum cache_class cache = rq->route->cache;

	if (cache == C_SHARED)
		cache = actor_known(&rq->actor) ? C_DOC : C_PUBLIC;
	if (cache == C_PUBLIC && rq->ctx->cfg->limits_enabled)
		return C_DOC;
	return cache;
}

/* Whether revocations had to be asked for is chance: told apart from what the request needs. */
static void tell_trips(struct req *rq)
{
	struct ctx *c = rq->ctx;

	if (c->revocation_trips)
		http_setf(rq->rs, "Server-Timing", "sql;desc=%u, cache;desc=%u, revoked;desc=%u",
			  c->sql_trips, c->cache_trips, c->revocation_trips);
	else
		http_setf(rq->rs, "Server-Timing", "sql;desc=%u, cache;desc=%u",
			  c->sql_trips, c->cache_trips);
}

static void finish(struct req *rq)
{
	struct ctx *c = rq->ctx;

	guard_headers(rq);
	lastwrite_tell(rq);
	if (rq->rs->status >= 400)	/* also a form that is shown again, filled in */
		http_set(rq->rs, "Cache-Control", cache_words[C_NONE]);
	else if (rq->route)
		http_set(rq->rs, "Cache-Control", cache_words[cacheable(rq)]);
	if (rq->route && (rq->route->cache == C_DOC || rq->route->cache == C_SHARED))
		http_set(rq->rs, "Vary", page_wanted(rq) ? "Accept-Language, Authorization, Cookie"
							 : "Authorization, Cookie");
	if (c->cfg->http_server_timing)
		tell_trips(rq);
	rq->rs->head = rq->http->method == M_HEAD;
}

/* The request under way: between serve and sent it is kept for the log. */
static struct req current;

void route_serve(struct ctx *c, struct http_request *http, struct http_response *rs)
{
	struct req *rq = &current;

	ctx_begin(c, http->arena);
	memset(rq, 0, sizeof(*rq));
	rq->ctx = c;
	rq->http = http;
	rq->rs = rs;
	rq->actor = actor_anonymous;
	c->actor = &rq->actor;
	rq->began_us = clock_mono_us();
	rq->problem = strstr(http_header(http, "Accept"), "application/problem+json");
	name_request(rq);
	take_trace(rq);
	if (walk(rq) != OK)
		reply_error(rq);
	finish(rq);
	if (http->method & (M_POST | M_PUT | M_PATCH | M_DELETE) && rs->status < 400)
		wake_notifier(c->cfg);
}

/* printf would be a tenth of a cached GET. */
static void member(struct strbuf *b, const char *before, const char *value)
{
	strbuf_adds(b, before);
	strbuf_adds(b, value);
}

static void number(struct strbuf *b, const char *before, long value)
{
	strbuf_adds(b, before);
	strbuf_addn(b, value);
}

void route_sent(struct ctx *c, struct http_request *http, struct http_response *rs)
{
	struct req *rq = &current;
	int64_t us = clock_mono_us() - rq->began_us;
	struct strbuf b;

	metric_request(rq->route, rs->status, us);
	if (!log_enabled(LOG_INFO_))
		return;
	strbuf_init(&b, c->arena, 16384);
	member(&b, "\"request_id\":\"", rq->request_id);
	member(&b, "\",\"method\":\"", method_name(http->method));
	strbuf_adds(&b, "\",\"path\":");
	if (rq->route && (rq->route->flags & RF_SECRET))
		strbuf_jsonz(&b, rq->route->path);
	else
		strbuf_json(&b, http->path.p, str_utf8_count(http->path) < 0 ? 0 : http->path.n);
	number(&b, ",\"status\":", rs->status);
	number(&b, ",\"ms\":", us / 1000);
	number(&b, ".", us / 100 % 10);
	number(&b, ",\"bytes\":", (long)http_body_length(rs));
	member(&b, ",\"remote\":\"", http->remote);
	strbuf_addc(&b, '"');
	if (actor_known(&rq->actor))
		strbuf_printf(&b, ",\"user_id\":\"%s\"", rq->actor.user.s);
	if (actor_acted(&rq->actor))
		strbuf_printf(&b, ",\"by\":\"%s\"", rq->actor.by.s);
	if (c->traceparent)
		strbuf_printf(&b, ",\"trace_id\":\"%.32s\"", c->traceparent + 3);
	if (c->err != OK)
		strbuf_printf(&b, ",\"code\":\"%s\"", err_info(c->err)->code);
	log_buffered(LOG_INFO_, "request", strbuf_str(&b));
}
