/* tests/unit/token_forge.h - tokens of any kind, rightly signed, for the tests of tokens */
#ifndef UNIT_TOKEN_FORGE_H
#define UNIT_TOKEN_FORGE_H

#include "auth/token.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/strbuf.h"
#include "t.h"

#include <sodium.h>

#define KEY "unit-tests-only-0123456789abcdef0123456789"
#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define USER "01900000-0000-7000-8000-000000000001"
#define JTI "01900000-0000-7000-8000-000000000002"
#define SID "01900000-0000-7000-8000-000000000003"

static struct config cfg = {
	.auth_jwt_alg = "HS256", .auth_jwt_secret = KEY, .auth_jwt_secret_old = "",
	.auth_jwt_private_key_file = "", .auth_jwt_public_key_files = "",
	.auth_jwt_issuer = "marquee", .auth_jwt_audience = "api",
	.auth_access_ttl = 15 * 60 * 1000,
};
static struct ctx c;

static T_UNUSED bool setup(void)
{
	c = (struct ctx){ .cfg = &cfg, .actor = &actor_anonymous };
	ctx_begin(&c, arena_new(8 << 20));
	return sodium_init() >= 0;
}

static T_UNUSED void teardown(void)
{
	arena_free(c.arena);
}

static T_UNUSED void next(void)
{
	arena_reset(c.arena);
	ctx_begin(&c, c.arena);
}

/* ---- a forge ---- */

static T_UNUSED const char *base64(const void *p, size_t n)
{
	size_t room = sodium_base64_encoded_len(n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	char *out = arena_alloc(c.arena, room);

	return sodium_bin2base64(out, room, p, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static T_UNUSED const char *mac(const char *text, const char *key)
{
	unsigned char sum[crypto_auth_hmacsha256_BYTES];
	crypto_auth_hmacsha256_state st;

	crypto_auth_hmacsha256_init(&st, (const unsigned char *)key, strlen(key));
	crypto_auth_hmacsha256_update(&st, (const unsigned char *)text, strlen(text));
	crypto_auth_hmacsha256_final(&st, sum);
	return base64(sum, sizeof(sum));
}

/* header.claims with a right signature */
static T_UNUSED const char *forge(const char *header, const char *claims)
{
	const char *head = arena_printf(c.arena, "%s.%s", base64(header, strlen(header)),
					base64(claims, strlen(claims)));

	return arena_printf(c.arena, "%s.%s", head, mac(head, KEY));
}

/* Good claims; the member key is replaced by raw JSON, added when it is new, left out for NULL. */
static T_UNUSED const char *claims_with(const char *key, const char *raw)
{
	long now = (long)(clock_now_us() / 1000000);
	const struct { const char *key, *raw; } members[] = {
		{ "iss", "\"marquee\"" }, { "aud", "\"api\"" }, { "sub", "\"" USER "\"" },
		{ "email", "\"ada@example.org\"" }, { "role", "\"user\"" },
		{ "jti", "\"" JTI "\"" }, { "sid", "\"" SID "\"" }, { "tv", "3" },
		{ "permissions", "[\"events:read\",\"events:create\"]" },
		{ "iat", arena_printf(c.arena, "%ld", now) },
		{ "exp", arena_printf(c.arena, "%ld", now + 900) },
	};
	struct strbuf b;
	bool found = false;

	strbuf_init(&b, c.arena, 1 << 16);
	for (size_t i = 0; i < COUNT(members); i++) {
		bool this = key && strcmp(members[i].key, key) == 0;

		found = found || this;
		if (this && !raw)
			continue;
		strbuf_printf(&b, "%s\"%s\":%s", b.len ? "," : "{", members[i].key,
			      this ? raw : members[i].raw);
	}
	if (key && !found && raw)
		strbuf_printf(&b, ",\"%s\":%s", key, raw);
	strbuf_addc(&b, '}');
	return strbuf_str(&b);
}

static T_UNUSED const char *good(void)
{
	return forge(HEADER, claims_with(NULL, NULL));
}

static T_UNUSED const char *in_seconds(long s)
{
	return arena_printf(c.arena, "%ld", (long)(clock_now_us() / 1000000) + s);
}

#endif
