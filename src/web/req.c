/* src/web/req.c - what handlers ask of a request */
#include "core/hash.h"
#include "core/json.h"
#include "core/strbuf.h"
#include "domain/input.h"
#include "web/route.h"

#include <strings.h>

struct str req_param(const struct req *rq, const char *name)
{
	for (int i = 0; i < rq->n_params; i++)
		if (str_is(rq->params[i].name, name))
			return rq->params[i].value;
	return (struct str){ NULL, 0 };
}

enum err req_path_id(struct req *rq, const char *name, const char *what, struct id *out)
{
	if (id_parse(req_param(rq, name), out))
		return OK;
	return fail(rq->ctx, E_NOTFOUND, "no such %s", what);
}

static bool is_json_type(const char *type)
{
	struct str rest, media = str_trim(str_cut(str_of(type), ';', &rest));

	return (media.n == 16 && strncasecmp(media.p, "application/json", 16) == 0) ||
	       (media.n > 17 && strncasecmp(media.p, "application/", 12) == 0 &&
		strncasecmp(media.p + media.n - 5, "+json", 5) == 0);
}

/* Same method, address and bytes: the same request (draft-ietf-httpapi-idempotency-key-header). */
static void set_fingerprint(struct req *rq, struct str body)
{
	struct strbuf b;
	char *hex = arena_alloc(rq->ctx->arena, SHA256_HEX);

	strbuf_init(&b, rq->ctx->arena, 32 << 20);
	strbuf_printf(&b, "%s %.*s\n", method_name(rq->http->method), (int)rq->http->path.n,
		      rq->http->path.p);
	strbuf_addstr(&b, body);
	sha256_hex(b.p, b.len, hex);
	rq->idem.fingerprint = hex;
}

enum err req_body(struct req *rq, struct str *out)
{
	struct ctx *c = rq->ctx;
	enum err e = http_read_body(rq->http, (size_t)c->cfg->http_body_limit, out);

	if (e == E_TOOBIG)
		return fail(c, e, "the body is over %ld bytes", c->cfg->http_body_limit);
	if (e != OK)
		return fail(c, e, "the body is shorter than its announced length");
	return OK;
}

enum err req_json(struct req *rq, bool optional, struct json_object **out)
{
	struct ctx *c = rq->ctx;
	struct str body = { "", 0 };
	bool json = is_json_type(rq->http->content_type);

	if (!json && rq->http->content_length > 0) /* before a byte of it is read */
		return fail(c, E_MEDIA, "the body must be sent as application/json");
	TRY(req_body(rq, &body));
	set_fingerprint(rq, body);
	if (body.n == 0 && optional) {
		*out = js_object(c->arena);
		return OK;
	}
	if (!json)
		return fail(c, E_MEDIA, "the body must be sent as application/json");
	TRY(js_parse(c, body, out));
	if (!json_object_is_type(*out, json_type_object))
		return fail(c, E_INVALID, "the body must be a JSON object");
	return OK;
}

/* Versions out of a list of entity tags; weak ones count (RFC 9110 would not let them, but
 * compression in front makes every tag weak). */
enum err req_if_match(struct req *rq, const char **versions)
{
	struct str rest = str_of(http_header(rq->http, "If-Match")), number;
	struct strbuf b;

	*versions = NULL;
	if (rest.n == 0) {
		if (rq->ctx->cfg->http_require_if_match && (rq->route->flags & RF_IF_MATCH))
			return fail(rq->ctx, E_PRECOND_NEEDED,
				    "send If-Match with the ETag you have");
		return OK;
	}
	if (str_is(str_trim(rest), "*"))
		return OK;
	strbuf_init(&b, rq->ctx->arena, 4096);
	strbuf_addc(&b, '{');
	while (rest.p) {
		struct str tag = str_trim(str_cut(rest, ',', &rest));
		long v;

		if (tag.n > 2 && strncmp(tag.p, "W/", 2) == 0)
			tag = (struct str){ tag.p + 2, tag.n - 2 };
		if (tag.n < 3 || tag.p[0] != '"' || tag.p[1] != 'v')
			continue;
		number = str_cut((struct str){ tag.p + 2, tag.n - 3 }, '.', &tag);
		if (str_to_long(number, 1, 2147483647, &v))
			strbuf_printf(&b, "%s%ld", b.len > 1 ? "," : "", v);
	}
	strbuf_addc(&b, '}');
	*versions = strbuf_str(&b);
	return b.failed ? fail(rq->ctx, E_MALFORMED, "If-Match is too long") : OK;
}

static const struct input_field nothing[] = { { NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL } };

enum err req_no_body(struct req *rq)
{
	const unsigned writing = M_POST | M_PUT | M_PATCH | M_DELETE;
	struct json_object *sent;
	struct input in;

	if (rq->route->body || !(rq->route->method & writing) || rq->http->content_length == 0 ||
	    rq->http->content_length == -1)
		return OK;
	TRY(req_json(rq, true, &sent));
	return input_read(rq->ctx, nothing, sent, (struct input_mode){ 0 }, &in);
}

enum err req_query(struct req *rq)
{
	struct ctx *c = rq->ctx;
	struct json_object *o;
	struct http_param *p;
	bool page = rq->route->flags & RF_PAGE;

	if (!rq->route->query && rq->http->query.n == 0)
		return OK;
	if (http_params(c->arena, rq->http->query, &p) != OK)
		return fail(c, E_MALFORMED, "the query string cannot be decoded");
	o = js_object(c->arena);
	for (; p; p = p->next) {
		const char *name = arena_strndup(c->arena, p->name.p, p->name.n);
		struct json_object *v;

		if (strncmp(name, "utm_", 4) == 0 || (page && p->value.n == 0))
			continue;	/* forms send also what nobody filled in */
		if (js_has(o, name))
			(void)!fail_field(c, name, "stands twice");
		v = json_object_new_string_len(p->value.p, (int)p->value.n);
		js_add(o, name, js_made(v));
	}
	return input_read(c, rq->route->query ? rq->route->query : nothing, o,
			  (struct input_mode){ .text = true }, &rq->query);
}
