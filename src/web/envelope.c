/* src/web/envelope.c - answers: the envelope around data, lists and errors, or RFC 9457 problems */
#include "core/clock.h"
#include "core/hash.h"
#include "core/strbuf.h"
#include "web/page.h"

#define JSON_TYPE "application/json; charset=utf-8"

static const char *now_text(struct req *rq)
{
	char *out = arena_alloc(rq->ctx->arena, CLOCK_TEXT);

	return clock_format(clock_now_us(), out);
}

void envelope_extra(struct req *rq, const char *members)
{
	http_body(rq->rs, STR("{\"success\":true,"));
	http_body(rq->rs, str_of(members));
	http_body(rq->rs, STR("\"data\":"));
}

void envelope_open(struct req *rq, int status)
{
	rq->rs->status = status;
	http_set(rq->rs, "Content-Type", JSON_TYPE);
	if (rq->rs->n_parts == 0)
		http_body(rq->rs, STR("{\"success\":true,\"data\":"));
}

void envelope_close(struct req *rq)
{
	struct strbuf b;

	strbuf_init(&b, rq->ctx->arena, 1 << 20);
	strbuf_adds(&b, ",\"message\":");
	strbuf_jsonz(&b, rq->message ? rq->message : "OK");
	strbuf_adds(&b, ",\"timestamp\":\"");
	strbuf_adds(&b, now_text(rq));
	strbuf_adds(&b, "\",\"request_id\":\"");
	strbuf_adds(&b, rq->request_id);
	strbuf_adds(&b, "\"}");
	http_body(rq->rs, (struct str){ b.p, b.len });
}

enum err reply_data(struct req *rq, int status, const char *json)
{
	envelope_open(rq, status);
	http_body(rq->rs, str_of(json));
	envelope_close(rq);
	return OK;
}

enum err reply_list(struct req *rq, const char *array, const char *pagination)
{
	envelope_open(rq, 200);
	http_body(rq->rs, str_of(array));
	http_body(rq->rs, STR(",\"pagination\":"));
	http_body(rq->rs, str_of(pagination));
	envelope_close(rq);
	return OK;
}

enum err reply_bare(struct req *rq, int status, const char *type, struct str body)
{
	rq->rs->status = status;
	http_set(rq->rs, "Content-Type", type);
	http_body(rq->rs, body);
	return OK;
}

enum err reply_tagged(struct req *rq, int status, const char *type, struct str body)
{
	char hex[33];

	if (status != 200)
		return reply_bare(rq, status, type, body);
	hash128_hex(body.p, body.n, hex);
	http_setf(rq->rs, "ETag", "W/\"%s\"", hex);
	if (!http_etag_matches(http_header(rq->http, "If-None-Match"), hex, true))
		return reply_bare(rq, status, type, body);
	rq->rs->status = 304;
	return OK;
}

static void put_details(struct strbuf *b, const struct ctx *c)
{
	strbuf_addc(b, '[');
	for (const struct detail *d = c->details; d; d = d->next) {
		strbuf_adds(b, d == c->details ? "{\"field\":" : ",{\"field\":");
		strbuf_jsonz(b, d->field);
		strbuf_adds(b, ",\"reason\":");
		strbuf_jsonz(b, d->reason);
		strbuf_addc(b, '}');
	}
	strbuf_addc(b, ']');
}

static void put_problem(struct req *rq, struct strbuf *b, const struct err_info *e, const char *msg)
{
	strbuf_printf(b, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"detail\":",
		      e->title, e->http);
	strbuf_jsonz(b, msg);
	strbuf_printf(b, ",\"instance\":\"urn:marquee:%s\",\"code\":\"%s\",\"errors\":",
		      rq->request_id, e->code);
	put_details(b, rq->ctx);
	strbuf_addc(b, '}');
	http_set(rq->rs, "Content-Type", "application/problem+json");
}

static void put_error(struct req *rq, struct strbuf *b, const struct err_info *e, const char *msg)
{
	strbuf_printf(b, "{\"success\":false,\"error\":{\"code\":\"%s\",\"message\":", e->code);
	strbuf_jsonz(b, msg);
	if (rq->ctx->details) {
		strbuf_adds(b, ",\"details\":");
		put_details(b, rq->ctx);
	}
	strbuf_printf(b, "},\"timestamp\":\"%s\",\"request_id\":\"%s\"}", now_text(rq),
		      rq->request_id);
	http_set(rq->rs, "Content-Type", JSON_TYPE);
}

void reply_error(struct req *rq)
{
	struct ctx *c = rq->ctx;
	const struct err_info *e = err_info(c->err);
	const char *msg = c->err_msg && *c->err_msg ? c->err_msg : e->title;
	struct strbuf b;

	if (c->err == E_DENIED && rq->actor.lacks_second)
		(void)!fail_field(c, "second_factor",
				  "is required of staff: set one up at /me/second");
	rq->rs->n_parts = 0;
	rq->rs->status = e->http;
	strbuf_init(&b, c->arena, 1 << 20);
	if (page_wanted(rq))
		page_error(rq);
	else if (rq->problem)
		put_problem(rq, &b, e, msg);
	else
		put_error(rq, &b, e, msg);
	http_body(rq->rs, str_of(strbuf_str(&b)));
	if (e->http == 401)
		http_setf(rq->rs, "WWW-Authenticate", "Bearer realm=\"marquee\"%s",
			  *http_header(rq->http, "Authorization") ? ", error=\"invalid_token\""
								  : "");
	if (e->http == 503 || e->http == 429)
		http_setf(rq->rs, "Retry-After", "%d", c->retry_after > 0 ? c->retry_after : 1);
}
