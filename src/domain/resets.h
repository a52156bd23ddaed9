/* src/domain/resets.h - forgotten passwords: a token, sent by mail, allows to choose a new one
 *
 * A token is 256 random bits, good once and for auth.reset_ttl; only its hash is stored. Whoever
 * asks for one is told the same, in the same time, whether there is such an account or not: only
 * the notifier looks. */
#ifndef DOMAIN_RESETS_H
#define DOMAIN_RESETS_H

#include "core/hash.h"
#include "domain/input.h"

extern const struct input_field resets_forgot_fields[], resets_use_fields[];

/* address: of the client, for the limits. E_LIMIT. */
enum err resets_ask(struct ctx *c, const struct input *in, const char *address) MUST_CHECK;
/* The new password counts, and every sign-in ends. E_INVALID on "token" when that is none, was used
 * or has expired. */
enum err resets_use(struct ctx *c, const struct input *in) MUST_CHECK;

/* A new token, in the arena, and what is to be stored of it. */
const char *resets_token(struct arena *a, char hash[SHA256_HEX]);

#endif
