/* src/web/guard.c - what stands before a handler: who is asking, how often, from where */
#include "web/guard.h"

#include "auth/token.h"
#include "core/clock.h"
#include "core/shm.h"
#include "core/strbuf.h"
#include "web/page.h"
#include "web/session.h"

#include <arpa/inet.h>
#include <strings.h>

enum err guard_second(struct req *rq)
{
	struct actor *a = &rq->actor;
	bool on = true;

	if (rq->ctx->cfg->auth_staff_second_factor && (a->permissions & MAY_STAFF))
		TRY(people_second_on(rq->ctx, &a->user, &on));
	if (on)
		return OK;
	a->permissions = roles[ROLE_USER].permissions;
	a->lacks_second = true;
	return OK;
}

static enum err by_cookies(struct req *rq)
{
	TRY(session_actor(rq));
	TRY(guard_second(rq));
	return session_as(rq);
}

enum err guard_actor(struct req *rq)
{
	struct ctx *c = rq->ctx;
	struct str rest,
	    scheme = str_cut(str_of(http_header(rq->http, "Authorization")), ' ', &rest);

	rq->actor = actor_anonymous;
	c->actor = &rq->actor;
	bool cookies = (rq->route->flags & (RF_PAGE | RF_EMBED)) == RF_PAGE;

	if (scheme.n == 0)
		return cookies ? by_cookies(rq) : OK;
	if (scheme.n != 6 || strncasecmp(scheme.p, "Bearer", 6) != 0)
		return fail(c, E_UNAUTH, "the Authorization header must be: Bearer <token>");
	enum err e = token_verify(c, str_trim(rest), &rq->actor);

	if (e == OK)
		e = token_check_revoked(c, &rq->actor);
	if (e == OK)
		e = guard_second(rq);
	if (e != OK)
		rq->actor = actor_anonymous;
	return e;
}

/* ---- rates ---- */

static const struct {
	const char *name;
	size_t limit; /* offset of the hourly limit in struct config */
	bool anonymous_only;
} classes[RL_CLASSES] = {
	[RL_BROWSE] = { "browse", offsetof(struct config, limits_browse), true },
	[RL_CREATE] = { "create", offsetof(struct config, limits_create), false },
	[RL_REGISTER] = { "register", offsetof(struct config, limits_register), false },
	[RL_SEARCH] = { "search", offsetof(struct config, limits_search), false },
	[RL_LOGIN] = { "login", offsetof(struct config, limits_login), false },
	[RL_WRITE] = { "write", offsetof(struct config, limits_write), false },
	[RL_SCAN] = { "scan", offsetof(struct config, limits_scan), false },
};
#define WINDOW_MS (3600 * 1000L)
#define AGENT_MAX 300 /* as much of a browser's name as is kept */

/* Whoever has one IPv6 address has the whole /64 (RFC 6177). */
static const char *counted(const struct req *rq)
{
	struct in6_addr a;

	if (inet_pton(AF_INET6, rq->http->remote, &a) != 1)
		return rq->http->remote;
	return arena_printf(rq->ctx->arena, "%02x%02x:%02x%02x:%02x%02x:%02x%02x::/64",
			    a.s6_addr[0], a.s6_addr[1], a.s6_addr[2], a.s6_addr[3], a.s6_addr[4],
			    a.s6_addr[5], a.s6_addr[6], a.s6_addr[7]);
}

struct client guard_client(const struct req *rq)
{
	char *agent = arena_strdup(rq->ctx->arena, http_header(rq->http, "User-Agent"));

	if (strlen(agent) > AGENT_MAX)
		agent[AGENT_MAX] = '\0';
	for (char *p = agent; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return (struct client){ counted(rq), rq->http->remote, agent };
}

static struct limit_result take(struct req *rq, const char *name, const char *who, long limit)
{
	const char *key = arena_printf(rq->ctx->arena, "%s %s", name, who);
	long hosts = rq->ctx->cfg->limits_hosts;

	return shm_limit(key, strlen(key), limit / hosts > 0 ? limit / hosts : 1, WINDOW_MS,
			 clock_mono_ms(), true);
}

static enum err limited(struct req *rq, const char *name, long limit, struct limit_result l)
{
	http_setf(rq->rs, "RateLimit-Policy", "\"%s\";q=%ld;w=3600", name, limit);
	http_setf(rq->rs, "RateLimit", "\"%s\";r=%ld;t=%ld", name, l.remaining, l.reset_s);
	if (l.allowed)
		return OK;
	rq->ctx->retry_after = (int)l.retry_s;
	return fail(rq->ctx, E_LIMIT, "too many requests of class %s: wait %ld seconds", name,
		    l.retry_s);
}

enum err guard_rate(struct req *rq)
{
	const struct config *cfg = rq->ctx->cfg;
	enum rate_class rl = rq->route->rate;
	bool known = actor_known(&rq->actor);
	/* signing in is counted by address: a token at hand must not buy more tries */
	const char *who = known && rl != RL_LOGIN ? rq->actor.user.s : counted(rq);

	if (!cfg->limits_enabled || rl == RL_NONE)
		return OK;
	if (!(classes[rl].anonymous_only && known)) {
		long limit = *(const long *)((const char *)cfg + classes[rl].limit);

		TRY(limited(rq, classes[rl].name, limit, take(rq, classes[rl].name, who, limit)));
	}
	struct limit_result all = take(rq, "overall", counted(rq), cfg->limits_overall);

	return all.allowed ? OK : limited(rq, "overall", cfg->limits_overall, all);
}

/* ---- access ---- */

enum err guard_access(struct req *rq)
{
	const struct route *r = rq->route;

	if (r->who == WHO_LOCAL && !str_listed(rq->ctx->cfg->http_metrics_allow, rq->http->remote))
		return fail(rq->ctx, E_NOTFOUND, "no such address");
	if (r->who == WHO_MEMBER && !actor_known(&rq->actor))
		return fail(rq->ctx, E_UNAUTH, "sign in first");
	if (actor_acted(&rq->actor) && (r->flags & RF_SELF))
		return fail(rq->ctx, E_DENIED, "only they themselves may do this");
	if (rq->actor.lacks_second && (r->flags & RF_DESK))
		rq->lead = "/me/second";
	if ((rq->actor.permissions & r->may) != r->may || rq->lead)
		return fail(rq->ctx, E_DENIED, "your role may not do this");
	return OK;
}

enum err guard_key(struct req *rq)
{
	const char *sent = http_header(rq->http, "Idempotency-Key");
	struct str key = str_of(sent);

	if (!*sent || !(rq->route->flags & RF_KEYED) || rq->http->method != M_POST ||
	    !actor_known(&rq->actor))
		return OK;
	if (key.n >= 2 && key.p[0] == '"' && key.p[key.n - 1] == '"')
		key = (struct str){ key.p + 1, key.n - 2 };
	bool good = key.n >= 1 && key.n <= 255;

	for (size_t i = 0; good && i < key.n; i++)
		good = key.p[i] > ' ' && key.p[i] < 0x7f;
	if (!good)
		return fail_field(rq->ctx, "Idempotency-Key",
				  "must be 1 to 255 visible ASCII characters");
	rq->idem.actor = rq->actor.user.s;
	rq->idem.key = arena_strndup(rq->ctx->arena, key.p, key.n);
	return OK;
}

/* ---- headers ---- */

static const struct {
	enum method m;
	const char *name;
} method_names[] = { { M_GET, "GET" },        { M_HEAD, "HEAD" },   { M_POST, "POST" },
		     { M_PUT, "PUT" },        { M_PATCH, "PATCH" }, { M_DELETE, "DELETE" },
		     { M_OPTIONS, "OPTIONS" } };

static const char *method_list(struct req *rq, unsigned methods)
{
	struct strbuf b;

	strbuf_init(&b, rq->ctx->arena, 256);
	for (size_t i = 0; i < COUNT(method_names); i++)
		if (methods & method_names[i].m)
			strbuf_printf(&b, "%s%s", b.len ? ", " : "", method_names[i].name);
	return strbuf_str(&b);
}

void guard_cors(struct req *rq, unsigned methods, bool preflight)
{
	const char *origin = http_header(rq->http, "Origin");

	if (methods)
		http_set(rq->rs, "Allow", method_list(rq, methods));
	if (!*rq->ctx->cfg->http_cors_origins)
		return;
	http_set(rq->rs, "Vary", "Origin");
	if (!*origin || strcmp(origin, "null") == 0 ||
	    !str_listed(rq->ctx->cfg->http_cors_origins, origin))
		return;
	http_set(rq->rs, "Access-Control-Allow-Origin", origin);
	http_set(rq->rs, "Access-Control-Expose-Headers",
		 "ETag, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id, "
		 "Idempotency-Replayed, Marquee-Lsn");
	if (!preflight)
		return;
	http_set(rq->rs, "Access-Control-Allow-Methods", method_list(rq, methods));
	http_set(rq->rs, "Access-Control-Allow-Headers",
		 "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, "
		 "Marquee-Lsn, X-Request-Id, traceparent");
	http_set(rq->rs, "Access-Control-Max-Age", "600");
}

/* Everything from here, pictures also from others; no script or style within the page. */
#define PAGE_POLICY                                                                                \
	"default-src 'self'; img-src 'self' https: data:; base-uri 'none'; form-action 'self'; "  \
	"object-src 'none'; frame-ancestors "

/* Only what is made for it may stand in a frame, and only where the operator says. */
static void frame_headers(struct req *rq)
{
	const char *where = rq->ctx->cfg->site_embed_in;

	if (rq->route && (rq->route->flags & RF_EMBED) && *where) {
		http_setf(rq->rs, "Content-Security-Policy", PAGE_POLICY "%s", where);
		return;
	}
	http_set(rq->rs, "X-Frame-Options", "DENY");
	http_set(rq->rs, "Content-Security-Policy",
		 page_wanted(rq) ? PAGE_POLICY "'none'" :
				   "default-src 'none'; frame-ancestors 'none'");
}

/* A 304 has what RFC 9110 section 15.4.5 lists: the answer that the client keeps has these. */
void guard_headers(struct req *rq)
{
	struct http_response *rs = rq->rs;

	http_set(rs, "X-Request-Id", rq->request_id);
	if (rs->status == 304)
		return;
	http_set(rs, "X-Content-Type-Options", "nosniff");
	frame_headers(rq);
	http_set(rs, "Permissions-Policy",
		 rq->route && (rq->route->flags & RF_CAMERA) ? "camera=(self)" : "camera=()");
	/* Without a referrer browsers hide the origin of our own forms, too (Fetch standard). */
	http_set(rs, "Referrer-Policy",
		 !page_wanted(rq) ? "no-referrer" :
		 rq->route && rq->route->flags & RF_SECRET ? "strict-origin" : "same-origin");
	if (strncmp(rq->ctx->cfg->http_public_url, "https:", 6) == 0)
		http_set(rs, "Strict-Transport-Security", "max-age=63072000; includeSubDomains");
}
