/* tests/fuzz/fuzz_token.c - access tokens, by secret and by RSA key. '=' or '~' before header and
 * claims (two lines of JSON) signs them that way, so that what stands behind the signature is
 * reached; other bytes are a token as they are. The word KID stands for our key's name. */
#include "auth/keys.h"
#include "auth/token.h"
#include "core/json.h"
#include "fuzz/fuzz.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/mman.h>

#define SECRET "fuzz-targets-only-0123456789abcdef0123456789"

static struct config by_secret, by_rsa;
static EVP_PKEY *pair;

/* An RSA key of this run, in a file that exists in memory only. */
static void set_up(struct ctx *c)
{
	static char path[40];
	int fd = memfd_create("key", 0);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");

	pair = EVP_RSA_gen(2048);
	if (sodium_init() < 0 || !pair || !out ||
	    !PEM_write_PrivateKey(out, pair, NULL, NULL, 0, NULL, NULL) || fflush(out) != 0)
		exit(2);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	by_secret = *c->cfg;
	by_secret.auth_jwt_issuer = "marquee";
	by_secret.auth_jwt_audience = "api";
	by_secret.auth_jwt_secret = SECRET;
	by_rsa = by_secret;
	by_rsa.auth_jwt_alg = "RS256";
	by_rsa.auth_jwt_private_key_file = path;
}

static const char *base64(struct ctx *c, const void *p, size_t n)
{
	size_t room = sodium_base64_encoded_len(n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	char *out = arena_alloc(c->arena, room);

	return sodium_bin2base64(out, room, p, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static const char *sign(struct ctx *c, const char *text)
{
	unsigned char sum[512];
	size_t n = crypto_auth_hmacsha256_BYTES;
	crypto_auth_hmacsha256_state st;
	EVP_MD_CTX *md;

	if (c->cfg == &by_secret) {
		crypto_auth_hmacsha256_init(&st, (const unsigned char *)SECRET, strlen(SECRET));
		crypto_auth_hmacsha256_update(&st, (const unsigned char *)text, strlen(text));
		crypto_auth_hmacsha256_final(&st, sum);
		return base64(c, sum, n);
	}
	n = sizeof(sum);
	md = EVP_MD_CTX_new();
	MUST(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, pair) == 1 &&
	     EVP_DigestSign(md, sum, &n, (const unsigned char *)text, strlen(text)) == 1);
	EVP_MD_CTX_free(md);
	return base64(c, sum, n);
}

/* header with the first KID replaced */
static struct str named(struct ctx *c, struct str header, const char *kid)
{
	const char *at = memmem(header.p, header.n, "KID", 3);
	int before = at ? (int)(at - header.p) : 0;

	if (!at)
		return header;
	return str_of(arena_printf(c->arena, "%.*s%s%.*s", before, header.p, kid,
				   (int)header.n - before - 3, at + 3));
}

/* Whatever was let in names a person, a role with just its permissions, and this service. */
static void is_sound(struct ctx *c, const struct actor *a, struct str header, struct str claims)
{
	struct json_object *h, *o;

	MUST(actor_known(a) && a->email && a->jti);
	MUST(a->role > ROLE_ANONYMOUS && a->role < ROLE_COUNT);
	MUST(a->permissions == roles[a->role].permissions);
	MUST(js_parse(c, header, &h) == OK && js_parse(c, claims, &o) == OK);
	MUST(json_object_object_length(h) == (c->cfg == &by_secret ? 2 : 3));
	MUST(strcmp(js_str(h, "alg"), c->cfg->auth_jwt_alg) == 0);
	MUST(strcmp(js_str(h, "typ"), "JWT") == 0);
	MUST(strcmp(js_str(o, "iss"), "marquee") == 0 && strcmp(js_str(o, "aud"), "api") == 0);
	MUST(strcmp(js_str(o, "sub"), a->user.s) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ctx *c = fuzz_ctx();
	struct str text = fuzz_bytes(c, data, size), header, claims;
	bool forged = size > 0 && (data[0] == '=' || data[0] == '~');
	const struct keyring *ring;
	struct actor a;

	if (!pair)
		set_up(c);
	c->cfg = size > 0 && data[0] == '~' ? &by_rsa : &by_secret;
	MUST(keys_load(c, &ring) == OK);
	if (forged) {
		claims = (struct str){ text.p + 1, text.n - 1 };
		header = named(c, fuzz_line(&claims), ring->keys[0].kid);
		const char *signed_part =
		    arena_printf(c->arena, "%s.%s", base64(c, header.p, header.n),
				 base64(c, claims.p, claims.n));
		text = str_of(arena_printf(c->arena, "%s.%s", signed_part, sign(c, signed_part)));
	}
	enum err e = token_verify(c, text, &a);

	MUST(e == OK || e == E_UNAUTH);
	MUST(e == OK || (!actor_known(&a) && a.permissions == actor_anonymous.permissions));
	if (e == OK && forged)
		is_sound(c, &a, header, claims);
	return 0;
}
