/* src/http/response.c - an answer: status, headers, body parts, and how they are written */
#include "core/log.h"
#include "core/strbuf.h"
#include "http/backend.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define HEAD_MAX 65536

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 206, "Partial Content" },
	{ 207, "Multi-Status" },
	{ 301, "Moved Permanently" },
	{ 302, "Found" },
	{ 303, "See Other" },
	{ 304, "Not Modified" },
	{ 307, "Temporary Redirect" },
	{ 308, "Permanent Redirect" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 411, "Length Required" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 416, "Range Not Satisfiable" },
	{ 421, "Misdirected Request" },
	{ 422, "Unprocessable Content" },
	{ 423, "Locked" },
	{ 424, "Failed Dependency" },
	{ 428, "Precondition Required" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 451, "Unavailable For Legal Reasons" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 507, "Insufficient Storage" },
};

static const char *reason_of(int status)
{
	for (size_t i = 0; i < COUNT(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Unassigned";
}

/* A handler's bug that must not reach the client; the supervisor starts another worker. */
static void __attribute__((noreturn)) bug(const char *what, const char *name)
{
	log_msg(LOG_ERROR_, "%s: %s", what, name);
	abort();
}

static bool is_token(const char *s)
{
	static const bool tchar[256] = { /* RFC 9110 section 5.6.2 */
		['0' ... '9'] = true, ['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['!'] = true,
		['#'] = true, ['$'] = true, ['%'] = true, ['&'] = true, ['\''] = true, ['*'] = true,
		['+'] = true, ['-'] = true, ['.'] = true, ['^'] = true, ['_'] = true, ['`'] = true,
		['|'] = true, ['~'] = true,
	};
	const char *start = s;

	while (tchar[(unsigned char)*s])
		s++;
	return *s == '\0' && s > start;
}

void http_response_init(struct http_response *rs, struct arena *a)
{
	memset(rs, 0, sizeof(*rs));
	rs->arena = a;
	rs->status = 500;
	rs->headers_end = &rs->headers;
}

void http_set(struct http_response *rs, const char *name, const char *value)
{
	struct http_header *h = ARENA_NEW(rs->arena, struct http_header);

	if (!is_token(name) || !strcasecmp(name, "Status") || !strcasecmp(name, "Content-Length"))
		bug("header that may not be set", name);
	if (strpbrk(value, "\r\n"))
		bug("line break in the value of header", name);
	*h = (struct http_header){ .name = name, .value = value };
	*rs->headers_end = h;
	rs->headers_end = &h->next;
}

void http_setf(struct http_response *rs, const char *name, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	http_set(rs, name, arena_vprintf(rs->arena, fmt, ap));
	va_end(ap);
}

void http_body(struct http_response *rs, struct str part)
{
	if (part.n == 0)
		return;
	if ((size_t)rs->n_parts == COUNT(rs->parts))
		bug("too many parts", "body");
	rs->parts[rs->n_parts++] = part;
}

void http_stream(struct http_response *rs, bool (*next)(void *arg, struct str *piece), void *arg)
{
	rs->stream = next;
	rs->stream_arg = arg;
}

size_t http_body_length(const struct http_response *rs)
{
	size_t n = 0;

	for (int i = 0; i < rs->n_parts; i++)
		n += rs->parts[i].n;
	return n;
}

/* False when the headers are too many: what a client sent may have gone into one of them. */
static bool head_text(const struct http_response *rs, bool may_have_body, struct str *out)
{
	struct strbuf b;

	strbuf_init(&b, rs->arena, HEAD_MAX);
	strbuf_adds(&b, "Status: ");
	strbuf_addn(&b, rs->status);
	strbuf_addc(&b, ' ');
	strbuf_adds(&b, reason_of(rs->status));
	strbuf_adds(&b, "\r\n");
	for (const struct http_header *h = rs->headers; h; h = h->next) {
		strbuf_adds(&b, h->name);
		strbuf_add(&b, ": ", 2);
		strbuf_adds(&b, h->value);
		strbuf_add(&b, "\r\n", 2);
	}
	if (may_have_body && !rs->stream) {
		strbuf_adds(&b, "Content-Length: ");
		strbuf_addn(&b, (long)http_body_length(rs));
		strbuf_adds(&b, "\r\n");
	}
	strbuf_add(&b, "\r\n", 2);
	*out = (struct str){ b.p, b.len };
	return !b.failed;
}

static bool send_stream(const struct http_response *rs, struct http_backend *io)
{
	struct str piece;

	while (rs->stream(rs->stream_arg, &piece))
		if (!io->write(io, &piece, 1))
			return false;
	return true;
}

bool http_response_send(const struct http_response *rs, struct http_backend *io)
{
	bool may_have_body = rs->status != 204 && rs->status != 304;
	struct str all[1 + COUNT(rs->parts)];
	int n = 1;

	if (rs->status < 200 || rs->status > 599)
		bug("no final status", reason_of(rs->status));
	if (!head_text(rs, may_have_body, &all[0])) {
		log_msg(LOG_ERROR_, "headers of more than %d bytes are not sent", HEAD_MAX);
		all[0] = STR("Status: 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n");
		return io->write(io, all, 1);
	}
	if (may_have_body && !rs->head)
		for (int i = 0; i < rs->n_parts; i++)
			all[n++] = rs->parts[i];
	if (!io->write(io, all, n))
		return false;
	return !may_have_body || rs->head || !rs->stream || send_stream(rs, io);
}
