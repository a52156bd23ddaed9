/* tests/unit/test_request.c - a request out of its CGI variables, and reading its body */
#include "http/backend.h"
#include "t.h"

#include <stdlib.h>

static struct arena *a;
static struct config cfg;

/* A transport that hands out text, at most chunk bytes at a time, and then the end or a failure. */
struct source {
	const char *text;
	size_t left, chunk;
	bool fails;
	int reads;
};

static long source_read(struct http_backend *io, char *buf, size_t n)
{
	struct source *s = io->handle;

	s->reads++;
	if (s->left == 0 && s->fails)
		return -1;
	if (n > s->left)
		n = s->left;
	if (n > s->chunk)
		n = s->chunk;
	memcpy(buf, s->text, n);
	s->text += n;
	s->left -= n;
	return (long)n;
}

static struct http_backend io;
static struct http_request rq;

#define REQUEST(...) request((const char *[]){ __VA_ARGS__, NULL })
static const struct http_request *request(const char *const *envp)
{
	memset(&io, 0, sizeof(io));
	io.read = source_read;
	http_request_init(&rq, a, &cfg, &io, (char *const *)(uintptr_t)envp);
	return &rq;
}

static void splits_the_target(void)
{
	static const struct {
		const char *uri, *path, *query;
	} rows[] = {
		{ "/", "/", "" },
		{ "/events?x=1&y=?", "/events", "x=1&y=?" },
		{ "/a%20b/../c//d%2Fe?", "/a%20b/../c//d%2Fe", "" },
		{ "http://example.org/a?b", "/a", "b" },
		{ "HTTPS://example.org:8443", "/", "" },
		{ "http://example.org?x=/y", "/", "x=/y" },
		{ "//evil.example/x", "//evil.example/x", "" },
		{ "*", "*", "" },
		{ "ftp://x/y", "ftp://x/y", "" },
		{ "?x", "/", "x" },
		{ "/%zz%00", "/%zz%00", "" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		REQUEST(arena_printf(a, "REQUEST_URI=%s", rows[i].uri), "SCRIPT_NAME=/no",
			"PATH_INFO=/way", "QUERY_STRING=no");
		T_TRUE(str_is(rq.target, rows[i].uri));
		T_TRUE(str_is(rq.path, rows[i].path));
		T_TRUE(str_is(rq.query, rows[i].query));
	}
}

static void rebuilds_the_target(void)
{
	REQUEST("SCRIPT_NAME=/cgi", "PATH_INFO=/a b/\xc3\xa9?%", "QUERY_STRING=x=1%2B");
	T_TRUE(str_is(rq.path, "/cgi/a%20b/%C3%A9%3F%25"));
	T_TRUE(str_is(rq.query, "x=1%2B"));
	T_TRUE(str_is(rq.target, "/cgi/a%20b/%C3%A9%3F%25?x=1%2B"));
	REQUEST("GATEWAY_INTERFACE=CGI/1.1");
	T_TRUE(str_is(rq.path, "/"));
	T_TRUE(str_is(rq.query, ""));
}

static void knows_methods(void)
{
	static const struct {
		const char *env;
		enum method method;
		const char *name;
	} rows[] = {
		{ "REQUEST_METHOD=GET", M_GET, "GET" },
		{ "REQUEST_METHOD=HEAD", M_HEAD, "HEAD" },
		{ "REQUEST_METHOD=POST", M_POST, "POST" },
		{ "REQUEST_METHOD=PUT", M_PUT, "PUT" },
		{ "REQUEST_METHOD=PATCH", M_PATCH, "PATCH" },
		{ "REQUEST_METHOD=DELETE", M_DELETE, "DELETE" },
		{ "REQUEST_METHOD=OPTIONS", M_OPTIONS, "OPTIONS" },
		{ "REQUEST_METHOD=TRACE", M_OTHER, "OTHER" },
		{ "REQUEST_METHOD=get", M_OTHER, "OTHER" },
		{ "REQUEST_METHOD=", M_OTHER, "OTHER" },
		{ "NONE=", M_OTHER, "OTHER" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		REQUEST(rows[i].env, "HTTP_X_HTTP_METHOD_OVERRIDE=DELETE",
			"HTTP_X_METHOD_OVERRIDE=DELETE");
		T_EQ_INT(rq.method, rows[i].method);
		T_EQ_STR(method_name(rq.method), rows[i].name);
	}
}

static void finds_headers(void)
{
	REQUEST("HTTP_IF_NONE_MATCH=\"v1\"", "CONTENT_TYPE=text/plain", "CONTENT_LENGTH=",
		"HTTP_CONTENT_TYPE=no", "HTTP_AUTHORIZATION=Bearer x", "EMPTY=", "NOVALUE", "=x");
	T_EQ_STR(http_header(&rq, "If-None-Match"), "\"v1\"");
	T_EQ_STR(http_header(&rq, "if-none-match"), "\"v1\"");
	T_EQ_STR(http_header(&rq, "Content-Type"), "text/plain");
	T_EQ_STR(http_header(&rq, "Content-Length"), "");
	T_EQ_STR(http_header(&rq, "Authorization"), "Bearer x");
	T_EQ_STR(http_header(&rq, "Absent"), "");
	T_EQ_STR(http_header(&rq, ""), "");
	T_EQ_STR(http_env(&rq, "EMPTY"), "");
	T_EQ_STR(http_env(&rq, "NOVALUE"), "");
	T_EQ_STR(http_env(&rq, ""), "");
	T_EQ_STR(rq.content_type, "text/plain");
	REQUEST("REDIRECT_HTTP_AUTHORIZATION=Bearer y");
	T_EQ_STR(http_header(&rq, "Authorization"), "Bearer y");
	T_EQ_STR(rq.content_type, "");
}

static void never_shows_proxy(void)
{
	REQUEST("HTTP_PROXY=http://evil.example/", "HTTP_PROXY_AUTHORIZATION=x");
	T_EQ_STR(http_header(&rq, "Proxy"), "");
	T_EQ_STR(http_env(&rq, "HTTP_PROXY"), "");
	T_EQ_STR(http_header(&rq, "Proxy-Authorization"), "x");
}

static void merges_what_comes_twice(void)
{
	cfg.http_trusted_proxies = "10.0.0.1";
	REQUEST("HTTP_X_FORWARDED_FOR=6.6.6.6", "HTTP_X_FORWARDED_FOR=7.7.7.7",
		"HTTP_COOKIE=a=1", "HTTP_COOKIE=b=2", "REMOTE_ADDR=9.9.9.9",
		"REMOTE_ADDR=10.0.0.1", "HTTP_HOST=same", "HTTP_HOST=same",
		"CONTENT_LENGTH=3", "CONTENT_LENGTH=4");
	T_EQ_STR(http_header(&rq, "X-Forwarded-For"), "6.6.6.6, 7.7.7.7");
	T_EQ_STR(rq.remote, "7.7.7.7");
	T_EQ_STR(http_header(&rq, "Cookie"), "a=1; b=2");
	T_EQ_STR(http_header(&rq, "Host"), "same");
	T_EQ_INT(rq.content_length, -2);
	cfg.http_trusted_proxies = "";
}

static void indexes_many(void)
{
	const char *envp[2001] = { NULL };
	char name[32];

	for (int i = 0; i < 2000; i++)
		envp[i] = arena_printf(a, "HTTP_X_%d=%d", i, i);
	request(envp);
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "X-%d", i);
		T_EQ_INT(strtol(http_header(&rq, name), NULL, 10), i);
	}
	T_EQ_STR(http_header(&rq, "X-2000"), "");
}

static void knows_https(void)
{
	T_TRUE(REQUEST("HTTPS=on")->https);
	T_TRUE(REQUEST("HTTPS=1")->https);
	T_TRUE(REQUEST("REQUEST_SCHEME=https")->https);
	T_FALSE(REQUEST("HTTPS=off", "REQUEST_SCHEME=http")->https);
	T_FALSE(REQUEST("REMOTE_ADDR=10.0.0.1", "HTTP_X_FORWARDED_PROTO=https")->https);
	cfg.http_trusted_proxies = "10.0.0.1";
	T_TRUE(REQUEST("REMOTE_ADDR=10.0.0.1", "HTTP_X_FORWARDED_PROTO=https")->https);
	T_TRUE(REQUEST("REMOTE_ADDR=10.0.0.1", "HTTP_X_FORWARDED_PROTO=http, https")->https);
	T_FALSE(REQUEST("REMOTE_ADDR=10.0.0.1", "HTTP_X_FORWARDED_PROTO=https,http")->https);
	T_FALSE(REQUEST("REMOTE_ADDR=10.0.0.2", "HTTP_X_FORWARDED_PROTO=https")->https);
	cfg.http_trusted_proxies = "";
}

static void parses_lengths(void)
{
	static const struct {
		const char *env;
		int64_t length;
	} rows[] = {
		{ "CONTENT_LENGTH=0", 0 },
		{ "CONTENT_LENGTH=17", 17 },
		{ "CONTENT_LENGTH=007", 7 },
		{ "CONTENT_LENGTH=9223372036854775807", INT64_MAX },
		{ "CONTENT_LENGTH=", -1 },
		{ "NONE=", -1 },
		{ "CONTENT_LENGTH=9223372036854775808", -2 },
		{ "CONTENT_LENGTH=99999999999999999999999", -2 },
		{ "CONTENT_LENGTH=-5", -2 },
		{ "CONTENT_LENGTH=+5", -2 },
		{ "CONTENT_LENGTH= 5", -2 },
		{ "CONTENT_LENGTH=5 ", -2 },
		{ "CONTENT_LENGTH=5,5", -2 },
		{ "CONTENT_LENGTH=0x10", -2 },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		T_EQ_INT(REQUEST(rows[i].env)->content_length, rows[i].length);
}

/* Reads with the announced length ("" = none) from a source of text. */
static enum err body(const char *length, struct source *s, size_t max, struct str *out)
{
	REQUEST(arena_printf(a, "CONTENT_LENGTH=%s", length));
	io.handle = s;
	return http_read_body(&rq, max, out);
}

static void reads_announced_bodies(void)
{
	struct source s = { .text = "0123456789", .left = 10, .chunk = 3 };
	struct str out = { NULL, 0 };

	T_REQUIRE(body("10", &s, 10, &out) == OK);
	T_TRUE(str_is(out, "0123456789"));
	T_EQ_INT(rq.body_read, 10);
	T_EQ_INT(s.reads, 4);	/* the end was not asked for */
	s = (struct source){ .text = "0123456789", .left = 10, .chunk = 99 };
	T_REQUIRE(body("4", &s, 10, &out) == OK);
	T_TRUE(str_is(out, "0123"));
	s = (struct source){ .text = "", .chunk = 1 };
	T_REQUIRE(body("0", &s, 0, &out) == OK);
	T_EQ_INT(out.n, 0);
	T_EQ_INT(s.reads, 0);
}

static void refuses_lies(void)
{
	struct source s = { .text = "0123456789", .left = 10, .chunk = 99 };
	struct str out;

	T_EQ_INT(body("11", &s, 1000, &out), E_MALFORMED);
	T_EQ_INT(body("1x", &s, 1000, &out), E_MALFORMED);
	T_EQ_INT(body("-1", &s, 1000, &out), E_MALFORMED);
	s = (struct source){ .text = "0123456789", .left = 10, .chunk = 99 };
	T_EQ_INT(body("1001", &s, 1000, &out), E_TOOBIG);
	T_EQ_INT(body("9223372036854775807", &s, 1000, &out), E_TOOBIG);
	T_EQ_INT(s.reads, 0);	/* decided without reading */
	s.fails = true;
	T_EQ_INT(body("20", &s, 1000, &out), E_MALFORMED);
	T_EQ_INT(rq.body_read, 10);
}

static void reads_to_the_end_without_length(void)
{
	size_t n = 100000;
	char *text = malloc(n);
	struct source s = { .text = text, .left = n, .chunk = 4097 };
	struct str out = { NULL, 0 };

	T_REQUIRE(text != NULL);
	for (size_t i = 0; i < n; i++)
		text[i] = (char)(i * 7 + i / 256);
	T_REQUIRE(body("", &s, n, &out) == OK);
	T_TRUE(str_eq(out, (struct str){ text, n }));
	s = (struct source){ .text = text, .left = n, .chunk = 4097 };
	T_EQ_INT(body("", &s, n - 1, &out), E_TOOBIG);
	s = (struct source){ .text = text, .left = 2, .chunk = 99 };
	T_EQ_INT(body("", &s, 1, &out), E_TOOBIG);
	s = (struct source){ .text = text, .left = 0, .chunk = 99 };
	T_EQ_INT(body("", &s, 0, &out), OK);
	T_EQ_INT(out.n, 0);
	s = (struct source){ .text = text, .left = 5, .chunk = 99, .fails = true };
	T_EQ_INT(body("", &s, 100, &out), E_MALFORMED);
	free(text);
}

static void reads_once(void)
{
	struct source s = { .text = "0123456789", .left = 10, .chunk = 99 };
	struct str first, second;

	T_REQUIRE(body("", &s, 10, &first) == OK);
	T_REQUIRE(http_read_body(&rq, 10, &second) == OK);
	T_TRUE(first.p == second.p);
	T_EQ_INT(http_read_body(&rq, 9, &second), E_TOOBIG);
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

T_SUITE_WITH("requests", make_arena, drop_arena, T(splits_the_target), T(rebuilds_the_target),
	     T(knows_methods), T(finds_headers), T(never_shows_proxy), T(merges_what_comes_twice),
	     T(indexes_many), T(knows_https), T(parses_lengths), T(reads_announced_bodies),
	     T(refuses_lies), T(reads_to_the_end_without_length), T(reads_once))
