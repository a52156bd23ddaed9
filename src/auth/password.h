/* src/auth/password.h - password hashes: Argon2id (RFC 9106) by libsodium, bcrypt accepted once */
#ifndef AUTH_PASSWORD_H
#define AUTH_PASSWORD_H

#include "core/ctx.h"

/* All wait for one of the host's hash slots: E_UNAVAIL after auth.hash_wait. */
enum err password_hash(struct ctx *c, const char *password, const char **out) MUST_CHECK;
/* hash NULL (unknown user) costs the same as a real one and is never right.
 * *rehash is set when the stored hash should be replaced. E_UNAUTH when wrong. */
enum err password_verify(struct ctx *c, const char *hash, const char *password, bool *rehash)
    MUST_CHECK;
/* Why a new password is refused, or NULL: length 8–128 characters, common ones. */
const char *password_refusal(const struct config *cfg, const char *password);


/* A well-formed hash that no known password matches: what unknown users are verified against. */
extern const char password_nobody[];
/* Lower case, sorted by strcmp; src/auth/password_common.c. */
extern const char *const password_common[];
extern const size_t password_common_count;

#endif
