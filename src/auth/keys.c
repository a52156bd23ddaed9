/* src/auth/keys.c - the keys of access tokens, from the configuration and the files it names */
#include "auth/keys.h"

#include "core/hash.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#define SECRET_MIN 32 /* bytes */
#define RSA_MIN 2048  /* bits */
#define PEM_MAX 16384

static const struct algorithm algorithms[] = {
	{ "HS256", JWT_ALG_HS256, 2 },
	{ "RS256", JWT_ALG_RS256, 3 },
};

/* What a keyring was read from. Texts of a configuration live as long as the process, so that equal
 * pointers are equal texts. */
struct source {
	const char *alg, *secret, *old, *private_file, *public_files;
};

/* ---- secrets ---- */

static enum err add_secret(struct ctx *c, struct keyring *ring, const char *option,
			   const char *secret)
{
	struct str key = str_of(secret);

	if (key.n < SECRET_MIN)
		return fail(c, E_INVALID,
			    "%s (or its file in the environment) must be a secret of at least %d "
			    "random bytes to sign tokens with HS256",
			    option, SECRET_MIN);
	ring->keys[ring->n++].signing = key;
	return OK;
}

static enum err load_secrets(struct ctx *c, const struct source *from, struct keyring *ring)
{
	TRY(add_secret(c, ring, "auth.jwt_secret", from->secret));
	return from->old[0] ? add_secret(c, ring, "auth.jwt_secret_old", from->old) : OK;
}

/* ---- RSA ---- */

/* The whole file, ended by a NUL, in memory that lives as long as the keyring. */
static enum err read_pem(struct ctx *c, const char *path, char **out)
{
	FILE *in = fopen(path, "re");
	char *text;
	size_t n;

	if (!in)
		return fail(c, E_INVALID, "the key %s cannot be opened: %s", path, strerror(errno));
	text = calloc(1, PEM_MAX);
	n = text ? fread(text, 1, PEM_MAX - 1, in) : 0;
	fclose(in);
	*out = text;
	return n ? OK : fail(c, E_INVALID, "the key %s cannot be read", path);
}

/* A key with a passphrase is of no use to a program that nobody watches: no prompt. */
static int no_passphrase(char *buf, int size, int writing, void *user)
{
	(void)buf, (void)size, (void)writing, (void)user;
	return -1;
}

static EVP_PKEY *parse_pem(const char *text, bool private)
{
	BIO *bio = BIO_new_mem_buf(text, -1);
	EVP_PKEY *key = NULL;

	if (bio && private)
		key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	else if (bio)
		key = PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	return key;
}

/* The first 128 bits of SHA-256 over the public key in DER: anybody who has the key can tell it. */
static bool name_key(struct token_key *k)
{
	char hex[SHA256_HEX];
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(k->rsa, &der);

	if (n <= 0)
		return false;
	sha256_hex(der, (size_t)n, hex);
	OPENSSL_free(der);
	snprintf(k->kid, sizeof(k->kid), "%.*s", KEY_ID_CHARS, hex);
	return true;
}

static bool known(const struct keyring *ring, const struct token_key *k)
{
	for (int i = 0; i < ring->n; i++)
		if (strcmp(ring->keys[i].kid, k->kid) == 0)
			return true;
	return false;
}

static enum err take_rsa(struct ctx *c, struct token_key *k, const char *path, const char *half)
{
	if (!k->rsa || EVP_PKEY_get_base_id(k->rsa) != EVP_PKEY_RSA)
		return fail(c, E_INVALID,
			    "%s is not an RSA %s key in PEM form without a passphrase", path, half);
	if (EVP_PKEY_get_bits(k->rsa) < RSA_MIN)
		return fail(c, E_INVALID, "the RSA key %s has %d bits; %d is the least for RS256",
			    path, EVP_PKEY_get_bits(k->rsa), RSA_MIN);
	return name_key(k) ? OK : fail(c, E_INVALID, "%s: its key cannot be named", path);
}

static void drop_key(struct token_key *k)
{
	EVP_PKEY_free(k->rsa);
	if (k->rsa)
		free((char *)(uintptr_t)k->signing.p);
	*k = (struct token_key){ .rsa = NULL };
}

static enum err add_rsa(struct ctx *c, struct keyring *ring, const char *path, bool private)
{
	struct token_key *k = &ring->keys[ring->n];
	char *text = NULL;
	enum err e = read_pem(c, path, &text);

	if (e == OK) {
		k->rsa = parse_pem(text, private);
		e = take_rsa(c, k, path, private ? "private" : "public");
	}
	if (e == OK && private)
		k->signing = str_of(text);
	else
		free(text);
	if (e != OK || known(ring, k))
		drop_key(k);
	else
		ring->n++;
	return e;
}

static enum err load_rsa(struct ctx *c, const struct source *from, struct keyring *ring)
{
	struct str rest = str_of(from->public_files);

	if (!from->private_file[0])
		return fail(c, E_INVALID,
			    "auth.jwt_private_key_file must name the RSA key that signs tokens "
			    "with RS256");
	TRY(add_rsa(c, ring, from->private_file, true));
	while (rest.p) {
		struct str path = str_cut(rest, ' ', &rest);

		if (path.n == 0)
			continue;
		if (ring->n == KEYS_MAX)
			return fail(c, E_INVALID,
				    "auth.jwt_public_key_files names more than %d keys",
				    KEYS_MAX - 1);
		TRY(add_rsa(c, ring, arena_strndup(c->arena, path.p, path.n), false));
	}
	return OK;
}

void keys_mac(const struct token_key *k, struct str text, unsigned char out[KEYS_MAC_BYTES])
{
	crypto_auth_hmacsha256_state st;

	crypto_auth_hmacsha256_init(&st, (const unsigned char *)k->signing.p, k->signing.n);
	crypto_auth_hmacsha256_update(&st, (const unsigned char *)text.p, text.n);
	crypto_auth_hmacsha256_final(&st, out);
}

bool keys_mac_verify(const struct token_key *k, struct str signed_text, struct str signature)
{
	unsigned char mac[KEYS_MAC_BYTES];

	keys_mac(k, signed_text, mac);
	return signature.n == sizeof(mac) && sodium_memcmp(mac, signature.p, sizeof(mac)) == 0;
}

bool keys_rsa_verify(const struct token_key *k, struct str signed_text, struct str signature)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool good = md && EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, k->rsa) == 1 &&
		    EVP_DigestVerify(md, (const unsigned char *)signature.p, signature.n,
				     (const unsigned char *)signed_text.p, signed_text.n) == 1;

	EVP_MD_CTX_free(md);
	return good;
}

/* ---- the keyring ---- */

static enum err load(struct ctx *c, const struct source *from, struct keyring *ring)
{
	for (size_t i = 0; i < COUNT(algorithms); i++) {
		if (strcmp(algorithms[i].name, from->alg) != 0)
			continue;
		ring->how = &algorithms[i];
		return algorithms[i].alg == JWT_ALG_RS256 ? load_rsa(c, from, ring) :
							    load_secrets(c, from, ring);
	}
	return fail(c, E_INVALID, "auth.jwt_alg: no such way to sign");
}

enum err keys_load(struct ctx *c, const struct keyring **out)
{
	static struct keyring ring;
	static struct source read_from;
	const struct config *cfg = c->cfg;
	const struct source now = { cfg->auth_jwt_alg, cfg->auth_jwt_secret,
				    cfg->auth_jwt_secret_old, cfg->auth_jwt_private_key_file,
				    cfg->auth_jwt_public_key_files };

	if (ring.n == 0 || memcmp(&now, &read_from, sizeof(now)) != 0) {
		for (int i = 0; i < ring.n; i++)
			drop_key(&ring.keys[i]);
		ring.n = 0;
		enum err e = load(c, &now, &ring);

		if (e != OK) {
			while (ring.n > 0)
				drop_key(&ring.keys[--ring.n]);
			return e;
		}
		read_from = now;
	}
	*out = &ring;
	return OK;
}
