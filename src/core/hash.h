/* src/core/hash.h - hashes: fast ones for tables and keys, SHA-256 for secrets and fingerprints */
#ifndef CORE_HASH_H
#define CORE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash64(const void *p, size_t n); /* XXH3, seed 0: not for hostile keys alone */
uint64_t hash64_seeded(const void *p, size_t n, uint64_t seed); /* tables with hostile keys */
void hash128_hex(const void *p, size_t n, char out[33]); /* XXH3-128, for derived cache keys */
#define SHA256_HEX 65
void sha256_hex(const void *p, size_t n, char out[SHA256_HEX]);

#endif
