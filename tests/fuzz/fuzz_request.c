/* tests/fuzz/fuzz_request.c - whole requests: FastCGI/CGI variables, each ended by NUL, an empty
 * one, then the body; through everything that stands before handlers, and the answer as it is
 * sent */
#include "auth/token.h"
#include "cache/cache.h"
#include "core/json.h"
#include "domain/events.h"
#include "domain/list.h"
#include "fuzz/fuzz.h"
#include "web/metrics.h"
#include "web/route.h"

#include <arpa/inet.h>

#define VARS_MAX 200
#define ANSWER_MAX (8 << 20)

/* ---- routes that show what was understood; they stand in for the program's own ---- */

static enum err show(struct req *rq)
{
	const char *versions;
	struct id id;

	(void)id_parse(req_param(rq, "id"), &id);
	TRY(req_if_match(rq, &versions));
	MUST(!versions || strspn(versions, "{},0123456789") == strlen(versions));
	if (http_etag_matches(http_header(rq->http, "If-None-Match"), "v3.2.1", true))
		MUST(http_etag_matches(http_header(rq->http, "If-None-Match"), "v3.2.1", false));
	return reply_data(rq, 200, js_text(rq->ctx->arena, rq->query.values));
}

static enum err take(struct req *rq)
{
	struct json_object *o;
	struct input in;

	TRY(req_json(rq, true, &o));
	TRY(input_read(rq->ctx, event_fields, o, (struct input_mode){ .partial = true }, &in));
	return reply_data(rq, 201, js_text(rq->ctx->arena, in.values));
}

static const struct route routes[] = {
	{ M_GET, "/events/:id", show, WHO_ANY, 0, RL_BROWSE, C_DOC, 0, NULL, list_fields, "Show" },
	{ M_GET, "/events/my", show, WHO_MEMBER, 0, RL_BROWSE, C_PUBLIC, 0, NULL, page_fields,
	  "My" },
	{ M_POST, "/events", take, WHO_ANY, 0, RL_CREATE, C_NONE, RF_KEYED, event_fields, NULL,
	  "Take" },
	{ M_PUT, "/events/:id", take, WHO_ANY, 0, RL_LOGIN, C_NONE, RF_IF_MATCH, event_fields, NULL,
	  "Put" },
	{ M_GET, "/metrics", show, WHO_LOCAL, 0, RL_NONE, C_NONE, RF_BARE, NULL, NULL, "Local" },
	ROUTE_END
};
const struct route *const route_tables[] = { routes, NULL };

/* ---- the transport ---- */

struct peer {
	struct str body;	/* what is still to be read */
	char *answer;
	size_t n;
};

/* In pieces, whose size the body itself decides. */
static long peer_read(struct http_backend *io, char *buf, size_t n)
{
	struct peer *p = io->handle;
	size_t piece = p->body.n ? 1 + (unsigned char)p->body.p[0] % 64 : 0;

	piece = piece < n ? piece : n;
	piece = piece < p->body.n ? piece : p->body.n;
	memcpy(buf, p->body.p, piece);
	p->body = (struct str){ p->body.p + piece, p->body.n - piece };
	return (long)piece;
}

static bool peer_write(struct http_backend *io, const struct str *parts, int n)
{
	struct peer *p = io->handle;

	for (int i = 0; i < n; i++) {
		MUST(p->n + parts[i].n < ANSWER_MAX);
		memcpy(p->answer + p->n, parts[i].p, parts[i].n);
		p->n += parts[i].n;
	}
	p->answer[p->n] = '\0';
	return true;
}

/* Header lines end in CR LF and hold neither alone; the length is the body's; JSON is JSON. */
static void is_answer(const struct http_request *rq, const struct peer *p)
{
	const char *end = strstr(p->answer, "\r\n\r\n"), *length;
	size_t head = end ? (size_t)(end - p->answer) : 0, at;
	struct str body = { end + 4, p->n - head - 4 };
	bool bare = rq->method == M_HEAD || strncmp(p->answer, "Status: 204", 11) == 0;

	MUST(end && strncmp(p->answer, "Status: ", 8) == 0);
	for (size_t i = 0; i < head; i++)
		MUST((p->answer[i] != '\n' || p->answer[i - 1] == '\r') &&
		     (p->answer[i] != '\r' || p->answer[i + 1] == '\n'));
	length = memmem(p->answer, head, "\r\nContent-Length: ", 18);
	MUST(bare ? body.n == 0 : length && strtoul(length + 18, NULL, 10) == body.n);
	if (body.n)
		MUST(!js_scan(body, &at));
}

/* "NAME=value" strings up to the empty one; the rest is the body. */
static struct str variables(struct ctx *c, struct str in, char **env)
{
	int n = 0;

	while (in.p && in.n && n < VARS_MAX) {
		struct str var = str_cut(in, '\0', &in);

		if (var.n == 0)
			break;
		env[n++] = arena_strndup(c->arena, var.p, var.n);
	}
	env[n] = NULL;
	return in.p ? in : STR("");
}

static void set_up(struct ctx *c, struct config *cfg)
{
	cfg->http_trusted_proxies = "127.0.0.1 10.0.0.0/8 ::1";
	cfg->http_metrics_allow = "127.0.0.1 ::1";
	cfg->http_cors_origins = "https://good.example";
	cfg->http_server_timing = true;
	cfg->auth_jwt_secret = "fuzz-targets-only-0123456789abcdef0123456789";
	cfg->limits_enabled = false;
	c->db = db_new(cfg, "host=/nonexistent", "fuzz");
	c->cache = cache_new(cfg);
	metrics_start();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char answer[ANSWER_MAX], *env[VARS_MAX + 1];
	struct ctx *c = fuzz_ctx();
	struct peer peer = { .answer = answer };
	struct http_backend io = { .read = peer_read, .write = peer_write, .handle = &peer };
	struct http_request rq;
	struct http_response rs;
	struct in6_addr addr;

	if (!c->db)
		set_up(c, fuzz_config());
	peer.body = variables(c, fuzz_bytes(c, data, size), env);
	http_request_init(&rq, c->arena, c->cfg, &io, env);
	MUST(inet_pton(strchr(rq.remote, ':') ? AF_INET6 : AF_INET, rq.remote, &addr) == 1);
	MUST(rq.content_length >= -2 && rq.path.n > 0);
	http_response_init(&rs, c->arena);
	route_serve(c, &rq, &rs);
	MUST(rs.status != 500);
	MUST(http_response_send(&rs, &io));
	is_answer(&rq, &peer);
	route_sent(c, &rq, &rs);
	return 0;
}
