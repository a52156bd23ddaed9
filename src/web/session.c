/* src/web/session.c - signing in on pages: cookies, and forms that only our own pages can send */
#include "web/session.h"

#include "auth/keys.h"
#include "auth/pass.h"
#include "auth/token.h"
#include "core/json.h"

#include <sodium.h>

#define ACCESS "marquee"
#define REFRESH "marquee_refresh"
#define AS "marquee_as"

static bool secure(const struct req *rq)
{
	return strncmp(rq->ctx->cfg->http_public_url, "https:", 6) == 0;
}

/* Behind TLS with the prefix that keeps neighbours from setting it (RFC 6265bis, 4.1.3.2). */
static const char *cookie_name(const struct req *rq, const char *name)
{
	return secure(rq) ? arena_printf(rq->ctx->arena, "__Host-%s", name) : name;
}

static void set_cookie(struct req *rq, const char *name, const char *value, long seconds)
{
	http_setf(rq->rs, "Set-Cookie", "%s=%s; Path=/; HttpOnly; SameSite=Lax; Max-Age=%ld%s",
		  cookie_name(rq, name), value, seconds, secure(rq) ? "; Secure" : "");
}

void session_as_begin(struct req *rq, const char *pass, long seconds)
{
	set_cookie(rq, AS, pass, seconds);
}

void session_as_end(struct req *rq)
{
	if (http_cookie(rq->http, cookie_name(rq, AS)).n)
		set_cookie(rq, AS, "", 0);
}

void session_end(struct req *rq)
{
	session_as_end(rq);
	set_cookie(rq, ACCESS, "", 0);
	set_cookie(rq, REFRESH, "", 0);
}

/* ---- who it is ---- */

/* OK: into rq->actor. E_UNAUTH: not with this token. */
static enum err by_token(struct req *rq, struct str token)
{
	enum err e = token_verify(rq->ctx, token, &rq->actor);

	if (e == OK)
		e = token_check_revoked(rq->ctx, &rq->actor);
	if (e != OK)
		rq->actor = actor_anonymous;
	return e;
}

enum err session_begin(struct req *rq, const struct session *s)
{
	long seconds = rq->ctx->cfg->auth_refresh_ttl / 1000;

	set_cookie(rq, ACCESS, s->token, seconds);
	set_cookie(rq, REFRESH, s->refresh_token, seconds);
	return by_token(rq, str_of(s->token));
}

static enum err renew(struct req *rq, struct str refresh)
{
	struct ctx *c = rq->ctx;
	struct input in = { js_object(c->arena) };
	struct session s;

	js_add(in.values, "refresh_token",
	       js_made(json_object_new_string_len(refresh.p, (int)refresh.n)));
	TRY(people_refresh(c, &in, &s));
	return session_begin(rq, &s);
}

enum err session_actor(struct req *rq)
{
	struct str access = http_cookie(rq->http, cookie_name(rq, ACCESS));
	struct str refresh = http_cookie(rq->http, cookie_name(rq, REFRESH));
	enum err e = access.n ? by_token(rq, access) : E_UNAUTH;

	if (e == E_UNAUTH && refresh.n) {
		ctx_forgive(rq->ctx);
		e = renew(rq, refresh);
	}
	if (e != E_UNAUTH)
		return e;
	ctx_forgive(rq->ctx);
	if (access.n || refresh.n)
		session_end(rq);	/* or each page would ask for them again */
	return OK;
}

enum err session_as(struct req *rq)
{
	struct str pass = http_cookie(rq->http, cookie_name(rq, AS));
	enum err e = OK;

	if (pass.n)
		e = pass_open(rq->ctx, arena_strndup(rq->ctx->arena, pass.p, pass.n), &rq->actor);
	if (e != E_UNAUTH)
		return e;
	ctx_forgive(rq->ctx);
	session_as_end(rq);
	return OK;
}

/* ---- forms ---- */

/* Out of the key that signs tokens: every host has it, and a new one makes old forms void. */
static enum err form_key(struct req *rq, const char **out)
{
	unsigned char mac[KEYS_MAC_BYTES];
	char *hex = arena_alloc(rq->ctx->arena, 2 * sizeof(mac) + 1);
	/* One made before a look as somebody else does nothing in that one's name. */
	const char *session = rq->actor.session && !actor_acted(&rq->actor) ? rq->actor.session
									   : rq->actor.jti;
	const struct keyring *keys;

	*out = "";
	if (!actor_known(&rq->actor))
		return OK;
	TRY(keys_load(rq->ctx, &keys));
	keys_mac(&keys->keys[0], str_of(arena_printf(rq->ctx->arena, "form %s", session)), mac);
	*out = sodium_bin2hex(hex, 2 * sizeof(mac) + 1, mac, sizeof(mac));
	return OK;
}

const char *session_form_key(struct req *rq)
{
	const char *key;

	if (form_key(rq, &key) == OK)
		return key;
	ctx_forgive(rq->ctx);
	return "";
}

/* By what the browser says, which scripts cannot change: one of both has to be there. */
static bool from_our_pages(const struct req *rq)
{
	const char *site = http_header(rq->http, "Sec-Fetch-Site");
	const char *origin = http_header(rq->http, "Origin"), *host = strstr(origin, "://");

	if (*site && strcmp(site, "same-origin") != 0)
		return false;
	if (*origin && secure(rq) && strncasecmp(origin, "https:", 6) != 0)
		return false;
	if (*origin)
		return host && strcasecmp(host + 3, http_header(rq->http, "Host")) == 0;
	return *site;
}

/* What may be sent more than once, boxes to be ticked, has a name that ends in []. */
static enum err add_pair(struct ctx *c, struct json_object *out, const struct http_param *p)
{
	bool many = p->name.n > 2 && memcmp(p->name.p + p->name.n - 2, "[]", 2) == 0;
	const char *name = arena_strndup(c->arena, p->name.p, p->name.n - (many ? 2 : 0));
	struct json_object *had, *v;

	v = js_made(json_object_new_string_len(p->value.p, (int)p->value.n));
	if (!json_object_object_get_ex(out, name, &had)) {
		if (many)
			js_push(had = js_made(json_object_new_array()), v);
		js_add(out, name, many ? had : v);
		return OK;
	}
	if (many && json_object_is_type(had, json_type_array)) {
		js_push(had, v);
		return OK;
	}
	json_object_put(v);
	return fail_field(c, name, "stands twice");
}

static enum err read_form(struct req *rq, struct json_object **out)
{
	static const char type[] = "application/x-www-form-urlencoded";
	struct ctx *c = rq->ctx;
	struct http_param *p;
	struct str body;

	if (strncasecmp(rq->http->content_type, type, sizeof(type) - 1) != 0)
		return fail(c, E_MEDIA, "a form must be sent as %s", type);
	TRY(req_body(rq, &body));
	if (http_params(c->arena, body, &p) != OK)
		return fail(c, E_MALFORMED, "the form cannot be read");
	*out = js_object(c->arena);
	for (; p; p = p->next)
		TRY(add_pair(c, *out, p));
	return OK;
}

enum err session_form(struct req *rq, struct json_object **out)
{
	const char *key, *sent;

	if (!from_our_pages(rq))
		return fail(rq->ctx, E_DENIED, "this form was not sent from a page of ours");
	TRY(read_form(rq, out));
	TRY(form_key(rq, &key));
	sent = js_str(*out, "key");
	if (*key && (!sent || strlen(sent) != strlen(key) ||
		     sodium_memcmp(sent, key, strlen(key)) != 0))
		return fail(rq->ctx, E_DENIED,
			    "this form belongs to another sign-in; load its page again");
	json_object_object_del(*out, "key");
	return OK;
}
