/* src/auth/seal.h - short texts that only this deployment can read: what others keep for us */
#ifndef AUTH_SEAL_H
#define AUTH_SEAL_H

#include "core/ctx.h"
#include "core/str.h"

/* Encrypts and signs text (XSalsa20-Poly1305: libsodium's secretbox) with a key made of the purpose
 * and the first key of the keyring: what was sealed for one purpose opens for no other. base64url,
 * in the arena. E_INVALID when there is no key. */
enum err seal(struct ctx *c, const char *purpose, const char *text, const char **out) MUST_CHECK;
/* The text, or NULL when it was not sealed here for that purpose with a key still known. */
const char *seal_open(struct ctx *c, const char *purpose, const char *sealed);

#endif
