/* tests/fuzz/fuzz_token.c - access tokens: '=' before header and claims (two lines of JSON) signs
 * them, so that what stands behind the signature is reached; other bytes are a token as they are */
#include "auth/token.h"
#include "core/json.h"
#include "fuzz/fuzz.h"

#include <sodium.h>

#define KEY "fuzz-targets-only-0123456789abcdef0123456789"

static const char *base64(struct ctx *c, const void *p, size_t n)
{
	size_t room = sodium_base64_encoded_len(n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	char *out = arena_alloc(c->arena, room);

	return sodium_bin2base64(out, room, p, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static const char *forge(struct ctx *c, struct str header, struct str claims)
{
	const char *text = arena_printf(c->arena, "%s.%s", base64(c, header.p, header.n),
					base64(c, claims.p, claims.n));
	unsigned char sum[crypto_auth_hmacsha256_BYTES];
	crypto_auth_hmacsha256_state st;

	crypto_auth_hmacsha256_init(&st, (const unsigned char *)KEY, strlen(KEY));
	crypto_auth_hmacsha256_update(&st, (const unsigned char *)text, strlen(text));
	crypto_auth_hmacsha256_final(&st, sum);
	return arena_printf(c->arena, "%s.%s", text, base64(c, sum, sizeof(sum)));
}

/* Whatever was let in names a person, a role with just its permissions, and this service. */
static void is_sound(struct ctx *c, const struct actor *a, struct str header, struct str claims)
{
	struct json_object *h, *o;

	MUST(actor_known(a) && a->email && a->jti);
	MUST(a->role > ROLE_ANONYMOUS && a->role < ROLE_COUNT);
	MUST(a->permissions == roles[a->role].permissions);
	MUST(js_parse(c, header, &h) == OK && js_parse(c, claims, &o) == OK);
	MUST(json_object_object_length(h) == 2 && strcmp(js_str(h, "alg"), "HS256") == 0 &&
	     strcmp(js_str(h, "typ"), "JWT") == 0);
	MUST(strcmp(js_str(o, "iss"), "marquee") == 0 && strcmp(js_str(o, "aud"), "api") == 0);
	MUST(strcmp(js_str(o, "sub"), a->user.s) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *cfg = fuzz_config();
	struct ctx *c = fuzz_ctx();
	struct str text = fuzz_bytes(c, data, size), header, claims;
	struct actor a;
	bool forged = size > 0 && data[0] == '=';

	cfg->auth_jwt_secret = KEY;
	cfg->auth_jwt_issuer = "marquee";
	cfg->auth_jwt_audience = "api";
	if (sodium_init() < 0)
		return 0;
	if (forged) {
		claims = (struct str){ text.p + 1, text.n - 1 };
		header = fuzz_line(&claims);
		text = str_of(forge(c, header, claims));
	}
	enum err e = token_verify(c, text, &a);

	MUST(e == OK || e == E_UNAUTH);
	if (e != OK)
		MUST(!actor_known(&a) && a.permissions == actor_anonymous.permissions);
	else if (forged)
		is_sound(c, &a, header, claims);
	return 0;
}
