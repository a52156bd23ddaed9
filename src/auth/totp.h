/* src/auth/totp.h - codes of authenticator apps (RFC 6238: SHA-1, six digits, 30 seconds) by
 * liboath */
#ifndef AUTH_TOTP_H
#define AUTH_TOTP_H

#include "core/ctx.h"

#include <stdint.h>

/* A new secret of 160 bits in base32, as apps take it. */
const char *totp_new(struct ctx *c);
/* What apps read from a QR code: otpauth://totp/…; account percent-encoded. */
const char *totp_uri(struct ctx *c, const char *secret, const char *account);
/* The time step whose code this is: of now, the one before and the one after, and later than
 * `after`, so that none counts twice; 0: of none of them. */
int64_t totp_step(const char *secret, const char *code, int64_t now_s, int64_t after);

#endif
