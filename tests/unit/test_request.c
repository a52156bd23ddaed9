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
		CU_ASSERT(str_is(rq.target, rows[i].uri));
		CU_ASSERT(str_is(rq.path, rows[i].path));
		CU_ASSERT(str_is(rq.query, rows[i].query));
	}
}

static void rebuilds_the_target(void)
{
	REQUEST("SCRIPT_NAME=/cgi", "PATH_INFO=/a b/\xc3\xa9?%", "QUERY_STRING=x=1%2B");
	CU_ASSERT(str_is(rq.path, "/cgi/a%20b/%C3%A9%3F%25"));
	CU_ASSERT(str_is(rq.query, "x=1%2B"));
	CU_ASSERT(str_is(rq.target, "/cgi/a%20b/%C3%A9%3F%25?x=1%2B"));
	REQUEST("GATEWAY_INTERFACE=CGI/1.1");
	CU_ASSERT(str_is(rq.path, "/"));
	CU_ASSERT(str_is(rq.query, ""));
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
		CU_ASSERT_EQUAL(rq.method, rows[i].method);
		CU_ASSERT_STRING_EQUAL(method_name(rq.method), rows[i].name);
	}
}

static void finds_headers(void)
{
	REQUEST("HTTP_IF_NONE_MATCH=\"v1\"", "CONTENT_TYPE=text/plain", "CONTENT_LENGTH=",
		"HTTP_CONTENT_TYPE=no", "HTTP_AUTHORIZATION=Bearer x", "EMPTY=", "NOVALUE", "=x");
	CU_ASSERT_STRING_EQUAL(http_header(&rq, "If-None-Match"), "\"v1\"");
	CU_ASSERT_STRING_EQUAL(http_header(&rq, "if-none-match"), "\"v1\"");
	CU_ASSERT_STRING_EQUAL(http_header(&rq, "Content-Type"), "text/plain");
	CU_ASSERT_STRING_EQUAL(http_header(&rq, "Content-Length"), "");
	CU_ASSERT_STRING_EQUAL(http_header(&rq, "Authorization"), "Bearer x");
	CU_ASSERT_STRING_EQUAL(http_header(&rq, "Absent"), "");
	CU_ASSERT_STRING_EQUAL(http_header(&rq, ""), "");
	CU_ASSERT_STRING_EQUAL(http_env(&rq, "EMPTY"), "");
	CU_ASSERT_STRING_EQUAL(http_env(&rq, "NOVALUE"), "");
	CU_ASSERT_STRING_EQUAL(http_env(&rq, ""), "");
	CU_ASSERT_STRING_EQUAL(rq.content_type, "text/plain");
	REQUEST("REDIRECT_HTTP_AUTHORIZATION=Bearer y");
	CU_ASSERT_STRING_EQUAL(http_header(&rq, "Authorization"), "Bearer y");
	CU_ASSERT_STRING_EQUAL(rq.content_type, "");
}

static void never_shows_proxy(void)
{
	REQUEST("HTTP_PROXY=http://evil.example/", "HTTP_PROXY_AUTHORIZATION=x");
	CU_ASSERT_STRING_EQUAL(http_header(&rq, "Proxy"), "");
	CU_ASSERT_STRING_EQUAL(http_env(&rq, "HTTP_PROXY"), "");
	CU_ASSERT_STRING_EQUAL(http_header(&rq, "Proxy-Authorization"), "x");
}

static void merges_what_comes_twice(void)
{
	cfg.http_trusted_proxies = "10.0.0.1";
	REQUEST("HTTP_X_FORWARDED_FOR=6.6.6.6", "HTTP_X_FORWARDED_FOR=7.7.7.7",
		"HTTP_COOKIE=a=1", "HTTP_COOKIE=b=2", "REMOTE_ADDR=9.9.9.9",
		"REMOTE_ADDR=10.0.0.1", "HTTP_HOST=same", "HTTP_HOST=same",
		"CONTENT_LENGTH=3", "CONTENT_LENGTH=4");
	CU_ASSERT_STRING_EQUAL(http_header(&rq, "X-Forwarded-For"), "6.6.6.6, 7.7.7.7");
	CU_ASSERT_STRING_EQUAL(rq.remote, "7.7.7.7");
	CU_ASSERT_STRING_EQUAL(http_header(&rq, "Cookie"), "a=1; b=2");
	CU_ASSERT_STRING_EQUAL(http_header(&rq, "Host"), "same");
	CU_ASSERT_EQUAL(rq.content_length, -2);
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
		CU_ASSERT_EQUAL(atol(http_header(&rq, name)), i);
	}
	CU_ASSERT_STRING_EQUAL(http_header(&rq, "X-2000"), "");
}

static void knows_https(void)
{
	CU_ASSERT(REQUEST("HTTPS=on")->https);
	CU_ASSERT(REQUEST("HTTPS=1")->https);
	CU_ASSERT(REQUEST("REQUEST_SCHEME=https")->https);
	CU_ASSERT_FALSE(REQUEST("HTTPS=off", "REQUEST_SCHEME=http")->https);
	CU_ASSERT_FALSE(REQUEST("REMOTE_ADDR=10.0.0.1", "HTTP_X_FORWARDED_PROTO=https")->https);
	cfg.http_trusted_proxies = "10.0.0.1";
	CU_ASSERT(REQUEST("REMOTE_ADDR=10.0.0.1", "HTTP_X_FORWARDED_PROTO=https")->https);
	CU_ASSERT(REQUEST("REMOTE_ADDR=10.0.0.1", "HTTP_X_FORWARDED_PROTO=http, https")->https);
	CU_ASSERT_FALSE(
	    REQUEST("REMOTE_ADDR=10.0.0.1", "HTTP_X_FORWARDED_PROTO=https,http")->https);
	CU_ASSERT_FALSE(REQUEST("REMOTE_ADDR=10.0.0.2", "HTTP_X_FORWARDED_PROTO=https")->https);
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
		CU_ASSERT_EQUAL(REQUEST(rows[i].env)->content_length, rows[i].length);
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

	CU_ASSERT_EQUAL_FATAL(body("10", &s, 10, &out), OK);
	CU_ASSERT(str_is(out, "0123456789"));
	CU_ASSERT_EQUAL(rq.body_read, 10);
	CU_ASSERT_EQUAL(s.reads, 4);	/* the end was not asked for */
	s = (struct source){ .text = "0123456789", .left = 10, .chunk = 99 };
	CU_ASSERT_EQUAL_FATAL(body("4", &s, 10, &out), OK);
	CU_ASSERT(str_is(out, "0123"));
	s = (struct source){ .text = "", .chunk = 1 };
	CU_ASSERT_EQUAL_FATAL(body("0", &s, 0, &out), OK);
	CU_ASSERT_EQUAL(out.n, 0);
	CU_ASSERT_EQUAL(s.reads, 0);
}

static void refuses_lies(void)
{
	struct source s = { .text = "0123456789", .left = 10, .chunk = 99 };
	struct str out;

	CU_ASSERT_EQUAL(body("11", &s, 1000, &out), E_MALFORMED);
	CU_ASSERT_EQUAL(body("1x", &s, 1000, &out), E_MALFORMED);
	CU_ASSERT_EQUAL(body("-1", &s, 1000, &out), E_MALFORMED);
	s = (struct source){ .text = "0123456789", .left = 10, .chunk = 99 };
	CU_ASSERT_EQUAL(body("1001", &s, 1000, &out), E_TOOBIG);
	CU_ASSERT_EQUAL(body("9223372036854775807", &s, 1000, &out), E_TOOBIG);
	CU_ASSERT_EQUAL(s.reads, 0);	/* decided without reading */
	s.fails = true;
	CU_ASSERT_EQUAL(body("20", &s, 1000, &out), E_MALFORMED);
	CU_ASSERT_EQUAL(rq.body_read, 10);
}

static void reads_to_the_end_without_length(void)
{
	size_t n = 100000;
	char *text = malloc(n);
	struct source s = { .text = text, .left = n, .chunk = 4097 };
	struct str out = { NULL, 0 };

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	for (size_t i = 0; i < n; i++)
		text[i] = (char)(i * 7 + i / 256);
	CU_ASSERT_EQUAL_FATAL(body("", &s, n, &out), OK);
	CU_ASSERT(str_eq(out, (struct str){ text, n }));
	s = (struct source){ .text = text, .left = n, .chunk = 4097 };
	CU_ASSERT_EQUAL(body("", &s, n - 1, &out), E_TOOBIG);
	s = (struct source){ .text = text, .left = 2, .chunk = 99 };
	CU_ASSERT_EQUAL(body("", &s, 1, &out), E_TOOBIG);
	s = (struct source){ .text = text, .left = 0, .chunk = 99 };
	CU_ASSERT_EQUAL(body("", &s, 0, &out), OK);
	CU_ASSERT_EQUAL(out.n, 0);
	s = (struct source){ .text = text, .left = 5, .chunk = 99, .fails = true };
	CU_ASSERT_EQUAL(body("", &s, 100, &out), E_MALFORMED);
	free(text);
}

static void reads_once(void)
{
	struct source s = { .text = "0123456789", .left = 10, .chunk = 99 };
	struct str first, second;

	CU_ASSERT_EQUAL_FATAL(body("", &s, 10, &first), OK);
	CU_ASSERT_EQUAL_FATAL(http_read_body(&rq, 10, &second), OK);
	CU_ASSERT_PTR_EQUAL(first.p, second.p);
	CU_ASSERT_EQUAL(http_read_body(&rq, 9, &second), E_TOOBIG);
}
