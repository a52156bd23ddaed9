/* src/http/backend.h - what stands between a request and its transport (private to http/) */
#ifndef HTTP_BACKEND_H
#define HTTP_BACKEND_H

#include "http/http.h"

struct http_var;

/* A transport fills read, write and handle and zeroes the rest. */
struct http_backend {
	/* Like read(2): some bytes (n > 0 is asked for), 0 at the end, -1 when the peer failed. */
	long (*read)(struct http_backend *io, char *buf, size_t n);
	/* Sends the parts in order; false when the peer went away. */
	bool (*write)(struct http_backend *io, const struct str *parts, int n);
	void *handle;
	bool reading;		/* kept by the transport: read was called */
	bool overload;		/* goes into the request */

	struct http_var *vars;	/* the CGI variables, hashed; made by http_vars_index */
	size_t vars_mask;

	bool body_done;		/* the body was read once: every later call gets the same answer */
	enum err body_err;
	struct str body;
	int64_t body_start;	/* clock_mono_ms */
};

/* Indexes "NAME=value" strings, which must outlive the request. Of a name that comes twice with
 * different values a request header is joined into one list, as RFC 9110 section 5.2 allows; of
 * others the last one counts. HTTP_PROXY is left out (CVE-2016-5385). */
void http_vars_index(struct http_backend *io, struct arena *a, char *const *envp);

/* Reads everything but the body from envp. */
void http_request_init(struct http_request *rq, struct arena *a, const struct config *cfg,
		       struct http_backend *io, char *const *envp);

/* Takes what is left of an announced body and drops it, within two seconds: a web server that still
 * writes when we close loses the answer (mod_cgid, mod_fcgid). */
void http_discard_body(struct http_request *rq);

/* An answer without headers and body, status 500 until somebody sets it. */
void http_response_init(struct http_response *rs, struct arena *a);

/* Writes status, headers, Content-Length and, where the status and method have one, the body in
 * CGI form (RFC 3875 section 6). False when the peer went away. */
bool http_response_send(const struct http_response *rs, struct http_backend *io);

#endif
