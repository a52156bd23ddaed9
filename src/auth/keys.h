/* src/auth/keys.h - the keys that sign and verify access tokens, as the configuration names them */
#ifndef AUTH_KEYS_H
#define AUTH_KEYS_H

#include "core/ctx.h"
#include "core/str.h"

#include <jwt.h>
#include <stdbool.h>

/* One row per way to sign. A deployment uses exactly one of them (RFC 8725, 3.1): the header of a
 * token never chooses, it only has to agree. */
struct algorithm {
	const char *name; /* as auth.jwt_alg and the header have it */
	jwt_alg_t alg;
	int header_members; /* alg and typ; kid where a key is chosen by it */
};

#define KEY_ID_CHARS 32
#define KEYS_MAX 9 /* one signs, eight more may still verify */
struct token_key {
	char kid[KEY_ID_CHARS + 1]; /* RS256 only */
	struct str signing;	    /* the secret, or PEM; none: only verifies */
	struct evp_pkey_st *rsa;    /* RS256: parsed once */
};

/* The first key signs. All of it lives as long as the configuration it was read for. */
struct keyring {
	const struct algorithm *how;
	struct token_key keys[KEYS_MAX];
	int n;
};

/* The keyring of c->cfg, read from its files at the first call and after every change of the
 * configuration. E_INVALID, and what to correct, when a key is missing, cannot be read, or is too
 * weak: secrets under 32 bytes (RFC 7518, 3.2), RSA under 2048 bits (3.3). */
enum err keys_load(struct ctx *c, const struct keyring **out) MUST_CHECK;

/* HMAC with SHA-256 of text, by the secret or the text of the private key. */
#define KEYS_MAC_BYTES 32
void keys_mac(const struct token_key *k, struct str text, unsigned char out[KEYS_MAC_BYTES]);
/* The same as a signature (RFC 7518, 3.2), compared in constant time. keys_load gives no secret
 * that is empty. */
bool keys_mac_verify(const struct token_key *k, struct str signed_text, struct str signature);
/* RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518, 3.3). */
bool keys_rsa_verify(const struct token_key *k, struct str signed_text, struct str signature);

#endif
