/* src/core/hash.c - XXH3 and SHA-256 behind our own names */
#include "core/hash.h"

#include <sodium.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hash64(const void *p, size_t n)
{
	return XXH3_64bits(p, n);
}

uint64_t hash64_seeded(const void *p, size_t n, uint64_t seed)
{
	return XXH3_64bits_withSeed(p, n, seed);
}

void hash128_hex(const void *p, size_t n, char out[33])
{
	XXH128_canonical_t c;

	XXH128_canonicalFromHash(&c, XXH3_128bits(p, n));
	sodium_bin2hex(out, 33, c.digest, sizeof(c.digest));
}

void sha256_hex(const void *p, size_t n, char out[SHA256_HEX])
{
	unsigned char digest[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(digest, p, n);
	sodium_bin2hex(out, SHA256_HEX, digest, sizeof(digest));
}
