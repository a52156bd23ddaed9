/* src/auth/totp.c - codes of authenticator apps, by liboath */
#include "auth/totp.h"

#include "core/hash.h"

#include <liboath/oath.h>
#include <sodium.h>
#include <stdlib.h>

#define SECRET_BYTES 20
#define STEP_S 30
#define DIGITS 6

const char *totp_new(struct ctx *c)
{
	unsigned char raw[SECRET_BYTES];
	const char *out;
	char *text = NULL;

	randombytes_buf(raw, sizeof(raw));
	if (oath_base32_encode((const char *)raw, sizeof(raw), &text, NULL) != OATH_OK)
		abort();	/* no memory */
	out = arena_strdup(c->arena, text);
	free(text);
	return out;
}

const char *totp_uri(struct ctx *c, const char *secret, const char *account)
{
	return arena_printf(c->arena, "otpauth://totp/Marquee:%s?secret=%s&issuer=Marquee", account,
			    secret);
}

int64_t totp_step(const char *secret, const char *code, int64_t now_s, int64_t after)
{
	char *raw = NULL, made[DIGITS + 1];
	int64_t now = now_s / STEP_S, found = 0;
	size_t n;

	if (strlen(code) != DIGITS ||
	    oath_base32_decode(secret, strlen(secret), &raw, &n) != OATH_OK)
		return 0;
	for (int64_t step = now - 1; step <= now + 1; step++)
		if (oath_totp_generate(raw, n, (time_t)(step * STEP_S), STEP_S, 0, DIGITS, made) ==
			    OATH_OK &&
		    sodium_memcmp(made, code, DIGITS) == 0 && step > after)
			found = step;
	free(raw);
	return found;
}
