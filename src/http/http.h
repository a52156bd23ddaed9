/* src/http/http.h - one request and its response, the same for FastCGI and plain CGI */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "core/arena.h"
#include "core/config.h"
#include "core/str.h"

#include <stdint.h>

enum method { M_GET = 1, M_HEAD = 2, M_POST = 4, M_PUT = 8, M_PATCH = 16, M_DELETE = 32,
	      M_OPTIONS = 64, M_OTHER = 128 };
const char *method_name(enum method m);

struct http_param {	/* a decoded name=value of the query string or a form */
	struct http_param *next;
	struct str name, value;
};

struct http_request {
	struct arena *arena;
	const struct config *cfg;
	enum method method;
	struct str target;	/* REQUEST_URI as it came */
	struct str path;	/* its path, still encoded, query cut off, absolute-form reduced */
	struct str query;	/* without '?' */
	const char *remote;	/* client address after trusted proxies, IPv6 in canonical text;
				 * "0.0.0.0" when the web server names none */
	const char *content_type;	/* "" when absent */
	int64_t content_length;		/* -1 when absent, -2 when it is no number */
	bool https;
	bool overload;		/* too many wait: whoever can, shall refuse it */
	struct http_backend *io;
	size_t body_read;
};

struct http_header {
	struct http_header *next;
	const char *name, *value;
};
struct http_response {
	struct arena *arena;
	int status;
	struct http_header *headers, **headers_end;
	struct str parts[16];	/* the body is their concatenation: spliced, not copied */
	int n_parts;
	/* What follows the parts, see http_stream. */
	bool (*stream)(void *arg, struct str *piece);
	void *stream_arg;
	bool head;		/* send headers only, with the length the body would have */
};

/* Request header by its usual name ("If-None-Match"); "" when absent. */
const char *http_header(const struct http_request *rq, const char *name);
/* The request's CGI variable ("REQUEST_METHOD"); "" when absent. */
const char *http_env(const struct http_request *rq, const char *name);

/* Reads the whole body, at most max bytes: E_TOOBIG when longer (by length or by count),
 * E_MALFORMED when shorter than announced or the length is no number. */
enum err http_read_body(struct http_request *rq, size_t max, struct str *out) MUST_CHECK;

/* Decodes one path segment or query part (RFC 3986); plus = '+' means space. E_MALFORMED for bad
 * escapes, %00 and bytes that are not UTF-8. */
enum err http_decode(struct arena *a, struct str in, bool plus, struct str *out) MUST_CHECK;
/* application/x-www-form-urlencoded, in order; at most 100 pairs, else E_MALFORMED. */
enum err http_params(struct arena *a, struct str text, struct http_param **out) MUST_CHECK;
struct str http_encode(struct arena *a, struct str in);	/* for a path segment or query value */
/* The same, but the characters in keep stay: HTTP_PATH_CHARS for a whole path. */
struct str http_encode_keep(struct arena *a, struct str in, const char *keep);
#define HTTP_PATH_CHARS "/:@!$&'()*+,;="
/* Cookie by name, or p = NULL. */
struct str http_cookie(const struct http_request *rq, const char *name);

/* Adds a header; the only way. name and value are kept as they are: literals, or the request's.
 * Refuses (aborts the process: a bug) CR and LF, and the names Status and Content-Length, which
 * come from status and body. */
void http_set(struct http_response *rs, const char *name, const char *value);
void http_setf(struct http_response *rs, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);
void http_body(struct http_response *rs, struct str part);
/* The rest of the body comes from next, a piece at a time, once headers and parts are on their way:
 * for what is too large to be held. False: that was all. Such an answer names no length. */
void http_stream(struct http_response *rs, bool (*next)(void *arg, struct str *piece), void *arg);
size_t http_body_length(const struct http_response *rs);

/* Entity tags (RFC 9110 section 8.8.3): does the list in header match tag, which is
 * "v<version>.<x>.<y>" without quotes? weak compares all of it, else only up to the first '.'.
 * "*" matches. */
bool http_etag_matches(const char *header, const char *tag, bool weak);

/* Serves until told to stop (SIGTERM, SIGINT, SIGUSR1: the request under way is finished first;
 * SIGHUP calls reload between two requests) or,
 * without a listening socket on descriptor 0, exactly one CGI request. serve fills rs, whose status
 * is 500 until it is set; sent is called when all was written, with rq still whole; idle is called
 * before each wait and at least every idle_ms (not under CGI). The arena is reset between requests.
 * The signals stay blocked when it returns the exit status of the process. */
struct http_app {
	const struct config *cfg;
	void *user;
	void (*serve)(void *user, struct http_request *rq, struct http_response *rs);
	void (*sent)(void *user, struct http_request *rq, struct http_response *rs);
	void (*idle)(void *user);
	void (*reload)(void *user);
	long idle_ms;
};
int http_run(const struct http_app *app);

#endif
