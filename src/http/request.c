/* src/http/request.c - a request made from its CGI variables */
#include "http/backend.h"
#include "http/proxy.h"

#include <limits.h>
#include <strings.h>

static const struct {
	const char *name;
	enum method method;
} methods[] = {
	{ "GET", M_GET },	{ "HEAD", M_HEAD },	{ "POST", M_POST },
	{ "PUT", M_PUT },	{ "PATCH", M_PATCH },	{ "DELETE", M_DELETE },
	{ "OPTIONS", M_OPTIONS },
};

const char *method_name(enum method m)
{
	for (size_t i = 0; i < COUNT(methods); i++)
		if (methods[i].method == m)
			return methods[i].name;
	return "OTHER";
}

static enum method method_parse(const char *name)
{
	for (size_t i = 0; i < COUNT(methods); i++)
		if (strcmp(methods[i].name, name) == 0)
			return methods[i].method;
	return M_OTHER;
}

/* Digits alone, RFC 9110 section 8.6: -1 when there is nothing, -2 when it is anything else. */
static int64_t length_parse(const char *s)
{
	long n;

	if (*s == '\0')
		return -1;
	if (strspn(s, "0123456789") != strlen(s))
		return -2;
	return str_to_long(str_of(s), 0, LONG_MAX, &n) ? n : -2;
}

/* For servers that give no REQUEST_URI: their decoded variables, encoded again. */
static struct str target_rebuild(const struct http_request *rq)
{
	const char *path = arena_printf(rq->arena, "%s%s", http_env(rq, "SCRIPT_NAME"),
					http_env(rq, "PATH_INFO"));
	struct str coded = http_encode_keep(rq->arena, str_of(path), HTTP_PATH_CHARS);
	const char *query = http_env(rq, "QUERY_STRING");

	if (coded.n == 0)
		coded = STR("/");
	return str_of(arena_printf(rq->arena, "%s%s%s", coded.p, *query ? "?" : "", query));
}

/* Bytes of "http://authority" before the path of an absolute-form target; 0 for other forms. */
static size_t authority_end(const char *target)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (size_t i = 0; i < COUNT(schemes); i++) {
		size_t n = strlen(schemes[i]);

		if (strncasecmp(target, schemes[i], n) == 0)
			return n + strcspn(target + n, "/?#");
	}
	return 0;
}

static void target_split(struct http_request *rq)
{
	const char *uri = http_env(rq, "REQUEST_URI");
	struct str rest;
	size_t skip;

	rq->target = *uri ? str_of(uri) : target_rebuild(rq);
	skip = authority_end(rq->target.p);
	rest = (struct str){ rq->target.p + skip, rq->target.n - skip };
	rq->path = str_cut(rest, '?', &rq->query);
	if (rq->path.n == 0)
		rq->path = STR("/");
	if (!rq->query.p)
		rq->query = STR("");
}

/* Did the client use TLS, as the web server or a trusted proxy's last word has it? */
static bool is_https(const struct http_request *rq)
{
	const char *https = http_env(rq, "HTTPS"), *proto, *comma;

	if (strcasecmp(https, "on") == 0 || strcmp(https, "1") == 0 ||
	    strcasecmp(http_env(rq, "REQUEST_SCHEME"), "https") == 0)
		return true;
	if (!proxy_trusted(rq->cfg->http_trusted_proxies, http_env(rq, "REMOTE_ADDR")))
		return false;
	proto = http_header(rq, "X-Forwarded-Proto");
	comma = strrchr(proto, ',');
	return str_is(str_trim(str_of(comma ? comma + 1 : proto)), "https");
}

void http_request_init(struct http_request *rq, struct arena *a, const struct config *cfg,
		       struct http_backend *io, char *const *envp)
{
	memset(rq, 0, sizeof(*rq));
	rq->arena = a;
	rq->cfg = cfg;
	rq->io = io;
	rq->overload = io->overload;
	http_vars_index(io, a, envp);
	rq->method = method_parse(http_env(rq, "REQUEST_METHOD"));
	target_split(rq);
	rq->remote = proxy_client(a, cfg->http_trusted_proxies, http_env(rq, "REMOTE_ADDR"),
				  http_header(rq, "X-Forwarded-For"));
	rq->https = is_https(rq);
	rq->content_type = http_env(rq, "CONTENT_TYPE");
	rq->content_length = length_parse(http_env(rq, "CONTENT_LENGTH"));
}
