/* src/auth/token.c - access tokens: our own strict reading of form, header and claims around
 * libjwt's signature */
#include "auth/token.h"

#include "auth/keys.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/log.h"
#include "core/strbuf.h"

#include <sodium.h>
#include <stdlib.h>

#define TOKEN_MAX 4096
#define LEEWAY 60		/* seconds that clocks may differ by */

enum err token_ready(struct ctx *c)
{
	const struct keyring *ring;

	return keys_load(c, &ring);
}

static int64_t now_s(void)
{
	return clock_now_us() / 1000000;
}

/* ---- making ---- */

/* The claims that are not plain strings or numbers for libjwt, as JSON. */
static const char *permissions_json(struct ctx *c, enum role role)
{
	struct strbuf b;
	const char *comma = "";

	strbuf_init(&b, c->arena, TOKEN_MAX);
	strbuf_adds(&b, "{\"permissions\":[");
	for (int i = 0; i < PERMISSION_NAMES; i++) {
		if (!(roles[role].permissions & permissions[i].bit))
			continue;
		strbuf_printf(&b, "%s\"%s\"", comma, permissions[i].name);
		comma = ",";
	}
	strbuf_adds(&b, "]}");
	return strbuf_str(&b);
}

static bool put_claims(struct ctx *c, jwt_t *jwt, const struct actor *a, int64_t iat)
{
	const struct { const char *name, *value; } texts[] = {
		{ "iss", c->cfg->auth_jwt_issuer }, { "aud", c->cfg->auth_jwt_audience },
		{ "sub", a->user.s },		    { "email", a->email },
		{ "role", roles[a->role].name },    { "jti", a->jti },
		{ "sid", a->session },
	};
	const struct { const char *name; long value; } numbers[] = {
		{ "iat", (long)iat }, { "exp", (long)a->expires }, { "tv", (long)a->token_epoch },
	};

	for (size_t i = 0; i < COUNT(texts); i++)
		if (texts[i].value && jwt_add_grant(jwt, texts[i].name, texts[i].value) != 0)
			return false;
	for (size_t i = 0; i < COUNT(numbers); i++)
		if (jwt_add_grant_int(jwt, numbers[i].name, numbers[i].value) != 0)
			return false;
	return jwt_add_grants_json(jwt, permissions_json(c, a->role)) == 0;
}

static bool put_key(jwt_t *jwt, const struct keyring *ring)
{
	const struct token_key *k = &ring->keys[0];

	if (k->kid[0] && jwt_add_header(jwt, "kid", k->kid) != 0)
		return false;
	return jwt_set_alg(jwt, ring->how->alg, (const unsigned char *)k->signing.p,
			   (int)k->signing.n) == 0;
}

static void free_jwt(void *jwt)
{
	jwt_free(jwt);
}

enum err token_issue(struct ctx *c, struct actor *a, const char **out)
{
	const struct keyring *ring;
	struct id jti = id_new();
	int64_t iat = now_s();
	jwt_t *jwt;
	char *text;

	TRY(keys_load(c, &ring));
	if (!actor_known(a) || a->role == ROLE_ANONYMOUS || a->role >= ROLE_COUNT || !a->email)
		return fail(c, E_INTERNAL, "a token needs an account");
	a->jti = arena_strdup(c->arena, jti.s);
	a->expires = iat + c->cfg->auth_access_ttl / 1000;
	if (jwt_new(&jwt) != 0)
		return fail(c, E_INTERNAL, "the token could not be made");
	arena_defer(c->arena, free_jwt, jwt);
	if (!put_claims(c, jwt, a, iat) || !put_key(jwt, ring))
		return fail(c, E_INTERNAL, "the token could not be made");
	text = jwt_encode_str(jwt);
	if (!text)
		return fail(c, E_INTERNAL, "the token could not be made");
	arena_defer(c->arena, free, text);
	*out = text;
	return OK;
}

/* ---- reading ---- */

/* One verification under way. */
struct reading {
	struct ctx *c;
	struct json_object *claims;
	int64_t now;
};

/* Canonical base64url without padding (RFC 4648, section 3.5): libsodium refuses stray bits, other
 * alphabets, '=' and white space. */
static bool decode_part(struct ctx *c, struct str part, struct str *out)
{
	unsigned char *bytes = arena_alloc(c->arena, part.n + 1);
	size_t n;

	if (part.n == 0 || sodium_base642bin(bytes, part.n, part.p, part.n, NULL, &n, NULL,
					     sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
		return false;
	*out = (struct str){ (const char *)bytes, n };
	return true;
}

/* A JSON object without duplicate members, or NULL. What is wrong with it is nobody's business, so
 * the errors go to a context of their own. */
static struct json_object *decode_object(struct ctx *c, struct str part)
{
	struct ctx quiet = *c;
	struct json_object *o;
	struct str text;

	ctx_forgive(&quiet);
	if (!decode_part(c, part, &text) || js_parse(&quiet, text, &o) != OK)
		return NULL;
	return json_object_is_type(o, json_type_object) ? o : NULL;
}

/* js_str, but a text with a NUL inside is none. */
static const char *text_of(struct json_object *o, const char *key)
{
	const char *s = js_str(o, key);
	struct json_object *v;

	if (!s || !json_object_object_get_ex(o, key, &v))
		return NULL;
	return strlen(s) == (size_t)json_object_get_string_len(v) ? s : NULL;
}

static bool text_is(struct json_object *o, const char *key, const char *want)
{
	const char *s = text_of(o, key);

	return s && strcmp(s, want) == 0;
}

static bool number_of(struct json_object *o, const char *key, int64_t *out)
{
	struct json_object *v;

	if (!json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, json_type_int))
		return false;
	*out = json_object_get_int64(v);
	return *out >= 0 && *out <= INT64_MAX - LEEWAY;
}

/* ids of ours are canonical: another spelling of the same is another's work */
static bool id_of(struct json_object *o, const char *key, struct id *out)
{
	const char *s = text_of(o, key);

	return s && id_parse(str_of(s), out) && strcmp(s, out->s) == 0;
}

/* No header member but those we write: no jku, x5u, jwk, crit. kid is compared with the names of
 * our keys and used for nothing else; *key is NULL where any may have signed. */
static const char *check_header(struct ctx *c, struct str part, const struct keyring *ring,
				const struct token_key **key)
{
	struct json_object *o = decode_object(c, part);

	*key = NULL;
	if (!o)
		return "header is not JSON";
	if (!text_is(o, "alg", ring->how->name))
		return "other algorithm";
	if (!text_is(o, "typ", "JWT"))
		return "other type";
	for (int i = 0; i < ring->n && ring->keys[i].kid[0]; i++)
		if (text_is(o, "kid", ring->keys[i].kid))
			*key = &ring->keys[i];
	if (!*key && ring->keys[0].kid[0])
		return "unknown key";
	return json_object_object_length(o) == ring->how->header_members ?
		       NULL : "unknown header member";
}

static const char *check_times(const struct reading *r, struct actor *out)
{
	int64_t iat, nbf;

	if (!number_of(r->claims, "exp", &out->expires))
		return "no exp";
	if (r->now >= out->expires + LEEWAY)
		return "expired";
	if (!number_of(r->claims, "iat", &iat) || iat > r->now + LEEWAY)
		return "no iat, or in the future";
	if (js_has(r->claims, "nbf") &&
	    (!number_of(r->claims, "nbf", &nbf) || nbf > r->now + LEEWAY))
		return "not valid yet";
	return NULL;
}

static const char *check_person(const struct reading *r, struct actor *out)
{
	struct id session, jti;
	int64_t epoch;

	if (!id_of(r->claims, "sub", &out->user))
		return "no sub";
	out->role = role_parse(text_of(r->claims, "role"));
	if (out->role == ROLE_COUNT || out->role == ROLE_ANONYMOUS)
		return "no role";
	out->permissions = roles[out->role].permissions;
	out->email = text_of(r->claims, "email");
	if (!out->email)
		return "no email";
	if (!id_of(r->claims, "jti", &jti))
		return "no jti";
	out->jti = arena_strdup(r->c->arena, jti.s);
	if (js_has(r->claims, "sid") && !id_of(r->claims, "sid", &session))
		return "bad sid";
	out->session = js_has(r->claims, "sid") ? arena_strdup(r->c->arena, session.s) : NULL;
	if (!number_of(r->claims, "tv", &epoch) || epoch > INT32_MAX)
		return "no tv";
	out->token_epoch = (uint32_t)epoch;
	return NULL;
}

/* A token cut at its dots; the signature decoded. */
struct parts {
	struct str header, claims, signature;
};

static bool cut(struct ctx *c, struct str text, struct parts *p)
{
	struct str signature;

	p->header = str_cut(text, '.', &p->claims);
	p->claims = str_cut(p->claims, '.', &signature);
	return signature.p && decode_part(c, signature, &p->signature);
}

/* By the key that the header names; else, among secrets, by any. libjwt only makes tokens: it would
 * parse an RSA key anew for every one, and read for itself what we have read, with 250 allocations,
 * each of which, when it fails, calls a good token bad. */
static const char *check_signature(const struct parts *p, const struct keyring *ring,
				   const struct token_key *key)
{
	struct str head = { p->header.p, (size_t)(p->claims.p + p->claims.n - p->header.p) };

	if (key)
		return keys_rsa_verify(key, head, p->signature) ? NULL : "bad signature";
	for (int i = 0; i < ring->n; i++)
		if (keys_mac_verify(&ring->keys[i], head, p->signature))
			return NULL;
	return "bad signature";
}

/* Why text is no token of ours, or NULL. */
static const char *check(struct ctx *c, struct str text, struct actor *out)
{
	struct reading r = { c, NULL, now_s() };
	const struct keyring *ring;
	const struct token_key *key;
	struct parts p;
	const char *why;

	if (text.n == 0 || text.n > TOKEN_MAX)
		return "empty or too long";
	if (keys_load(c, &ring) != OK) {
		ctx_forgive(c);
		return "no key is configured";
	}
	if (!cut(c, text, &p))
		return "not three parts in base64url";
	why = check_header(c, p.header, ring, &key);
	if (why)
		return why;
	r.claims = decode_object(c, p.claims);
	if (!r.claims)
		return "claims are not JSON";
	why = check_signature(&p, ring, key);
	if (why)
		return why;
	if (!text_is(r.claims, "iss", c->cfg->auth_jwt_issuer))
		return "other issuer";
	if (!text_is(r.claims, "aud", c->cfg->auth_jwt_audience))
		return "other audience";
	why = check_times(&r, out);
	return why ? why : check_person(&r, out);
}

enum err token_verify(struct ctx *c, struct str text, struct actor *out)
{
	struct actor a = actor_anonymous;
	const char *why = check(c, text, &a);

	*out = actor_anonymous;
	if (why) {
		log_pairs(LOG_DEBUG_, "token refused", "request_id", c->request_id, "reason", why,
			  (char *)NULL);
		return fail(c, E_UNAUTH, "the access token is not valid");
	}
	*out = a;
	return OK;
}
