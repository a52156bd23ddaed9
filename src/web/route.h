/* src/web/route.h - routes as tables, and what every request gets before and after its handler */
#ifndef WEB_ROUTE_H
#define WEB_ROUTE_H

#include "auth/actor.h"
#include "core/ctx.h"
#include "db/db.h"
#include "domain/input.h"
#include "http/http.h"

enum who {
	WHO_UNSET, /* refused at start-up */
	WHO_ANY, /* anonymous too; a bad token is still 401 */
	WHO_MEMBER, /* any valid token */
	WHO_LOCAL /* addresses of http.metrics_allow only */
};
enum rate_class {
	RL_NONE, RL_BROWSE, RL_CREATE, RL_REGISTER, RL_SEARCH, RL_LOGIN, RL_WRITE, RL_SCAN,
	RL_CLASSES
};
enum cache_class {
	C_NONE, C_DOC, C_PUBLIC, /* no-store | private, revalidate | shared 60 s */
	C_SHARED /* C_DOC for those who are signed in, C_PUBLIC for everybody else */
};
enum route_flag {
	RF_BARE = 1, /* answers outside the envelope: no /api alias, not in lists */
	RF_KEYED = 2, /* takes an Idempotency-Key */
	RF_IF_MATCH = 4, /* http.require_if_match applies */
	RF_REPLICA = 8, /* may be read from a replica: takes Marquee-Lsn */
	RF_ALWAYS = 16, /* answered in an overload, too */
	RF_PAGE = 32, /* HTML for people, and so are its errors; not in the API's description */
	RF_SECRET = 64, /* the address holds one: the log names the route, referrers the host */
	RF_EMBED = 128, /* other sites may show it in a frame (site.embed_in) */
	RF_CAMERA = 256, /* the page may use the reader's camera */
	RF_SELF = 512, /* not for staff that looks at the site as somebody else */
	RF_DESK = 1024 /* staff needs its second factor, where auth.staff_second_factor says so */
};

struct req;
struct route {
	enum method method;
	const char *path; /* "/events/:id/rsvp"; ':' matches anything; ":id.ics" with that end */
	enum err (*handler)(struct req *);
	enum who who;
	unsigned may; /* enum permission bits, all needed */
	enum rate_class rate;
	enum cache_class cache;
	unsigned flags; /* enum route_flag */
	const struct input_field *body; /* for OpenAPI; handlers read it themselves */
	const struct input_field *query;
	const char *doc; /* one sentence */
};
#define ROUTE_END { 0, NULL, NULL, WHO_UNSET, 0, RL_NONE, C_NONE, 0, NULL, NULL, NULL }

/* One request on its way through a handler. */
struct req {
	struct ctx *ctx;
	struct http_request *http;
	struct http_response *rs;
	const struct route *route;
	struct {
		struct str name, value; /* decoded */
	} params[4];
	int n_params;
	struct input query; /* checked against route->query */
	struct actor actor;
	struct idempotency idem; /* key NULL when none was sent */
	const char *message; /* for the envelope; NULL = a default */
	const char *lead; /* where readers of pages are led in the place of an error; or NULL */
	bool problem; /* the client asked for application/problem+json */
	int64_t began_us;
	char request_id[72];
};

/* All routes of the program: the fronts' tables, ended by NULL (src/fcgi/routes.c, cli). */
extern const struct route *const route_tables[];
int route_count(void);
const struct route *route_at(int i); /* i < route_count() */
int route_index(const struct route *r);
/* Checks every row (who set, patterns sane, no duplicates); a message, or NULL when all is well. */
const char *routes_problem(void);

/* The whole life of a request: fills rs for any input. c carries the services. */
void route_serve(struct ctx *c, struct http_request *rq, struct http_response *rs);
/* After the response was sent: access log and metrics. */
void route_sent(struct ctx *c, struct http_request *rq, struct http_response *rs);

/* ---- for handlers ---- */
struct str req_param(const struct req *rq, const char *name);
/* The path parameter as an id; E_NOTFOUND "no such <what>" when it is none. */
enum err req_path_id(struct req *rq, const char *name, const char *what, struct id *out) MUST_CHECK;
enum err req_body(struct req *rq, struct str *out) MUST_CHECK; /* whole; E_TOOBIG, E_MALFORMED */
/* Body as a JSON object; empty body gives an empty object when optional. Enforces content type,
 * size, grammar. E_MEDIA, E_TOOBIG, E_MALFORMED, E_INVALID. Also makes idem.fingerprint. */
enum err req_json(struct req *rq, bool optional, struct json_object **out) MUST_CHECK;
/* Refuses by name whatever is sent to a writing route that takes no body. Done for every route
 * before its handler. */
enum err req_no_body(struct req *rq) MUST_CHECK;
/* If-Match as a PostgreSQL int array text of versions ("{3,4}"), NULL when absent or "*". 428 when
 * it is required and absent. */
enum err req_if_match(struct req *rq, const char **versions) MUST_CHECK;
/* The query string against the route's table (none: nothing is known); utm_* is ignored. Done for
 * every route before its handler. */
enum err req_query(struct req *rq) MUST_CHECK;

/* ---- replies: all return OK ---- */
enum err reply_data(struct req *rq, int status, const char *json); /* envelope around data */
enum err reply_list(struct req *rq, const char *array, const char *pagination);
enum err reply_bare(struct req *rq, int status, const char *type, struct str body);
/* 200 with a tag that is the body's hash, or 304 to who has it; other statuses have none. */
enum err reply_tagged(struct req *rq, int status, const char *type, struct str body);
/* Opens the envelope for splicing parts: … "data": <parts> … ; used by reply_event. */
void envelope_open(struct req *rq, int status);
void envelope_close(struct req *rq);
/* Extra members at the top level of the envelope (`"token":"…",`), before envelope_open. */
void envelope_extra(struct req *rq, const char *members);
/* Answers from the request's recorded error. */
void reply_error(struct req *rq);

#endif
