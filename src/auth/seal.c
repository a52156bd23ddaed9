/* src/auth/seal.c - short texts that only this deployment can read */
#include "auth/seal.h"

#include "auth/keys.h"

#include <sodium.h>

#define B64 sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define OVERHEAD (crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES)

_Static_assert(KEYS_MAC_BYTES == crypto_secretbox_KEYBYTES, "a MAC is a key");

static void key_for(struct ctx *c, const struct token_key *k, const char *purpose,
		    unsigned char out[KEYS_MAC_BYTES])
{
	keys_mac(k, str_of(arena_printf(c->arena, "seal %s", purpose)), out);
}

enum err seal(struct ctx *c, const char *purpose, const char *text, const char **out)
{
	size_t n = strlen(text), room = sodium_base64_encoded_len(OVERHEAD + n, B64);
	unsigned char key[KEYS_MAC_BYTES], *box = arena_alloc(c->arena, OVERHEAD + n);
	const struct keyring *ring;

	TRY(keys_load(c, &ring));
	key_for(c, &ring->keys[0], purpose, key);
	randombytes_buf(box, crypto_secretbox_NONCEBYTES);
	crypto_secretbox_easy(box + crypto_secretbox_NONCEBYTES, (const unsigned char *)text, n,
			      box, key);
	sodium_memzero(key, sizeof(key));
	*out = sodium_bin2base64(arena_alloc(c->arena, room), room, box, OVERHEAD + n, B64);
	return OK;
}

const char *seal_open(struct ctx *c, const char *purpose, const char *sealed)
{
	size_t n = strlen(sealed), got;
	unsigned char key[KEYS_MAC_BYTES], *box = arena_alloc(c->arena, n + 1);
	const struct keyring *ring;
	char *text;

	if (sodium_base642bin(box, n, sealed, n, NULL, &got, NULL, B64) != 0 || got < OVERHEAD ||
	    keys_load(c, &ring) != OK)
		return NULL;
	text = arena_alloc(c->arena, got - OVERHEAD + 1);
	text[got - OVERHEAD] = '\0';
	for (int i = 0; i < ring->n; i++) {
		if (!ring->keys[i].signing.n)
			continue;
		key_for(c, &ring->keys[i], purpose, key);
		if (crypto_secretbox_open_easy((unsigned char *)text,
					       box + crypto_secretbox_NONCEBYTES,
					       got - crypto_secretbox_NONCEBYTES, box, key) == 0)
			return text;
	}
	return NULL;
}
