/* tests/unit/test_hash.c - known answers */
#include "core/hash.h"
#include "t.h"

static void sha256_known_answers(void)
{
	char hex[SHA256_HEX];

	/* FIPS 180-4 examples */
	sha256_hex("", 0, hex);
	T_EQ_STR(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	sha256_hex("abc", 3, hex);
	T_EQ_STR(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void xxh3_known_answers(void)
{
	char hex[33];

	/* of the empty input, from the reference implementation's sanity checks */
	T_TRUE(hash64("", 0) == UINT64_C(0x2D06800538D394C2));
	hash128_hex("", 0, hex);
	T_EQ_STR(hex, "99aa06d3014798d86001c324468d497f");
}

static void inputs_and_seeds_matter(void)
{
	T_TRUE(hash64("a", 1) != hash64("b", 1));
	T_TRUE(hash64_seeded("a", 1, 0) == hash64("a", 1));
	T_TRUE(hash64_seeded("a", 1, 1) != hash64("a", 1));
	T_TRUE(hash64("ab", 1) == hash64("ac", 1));
}

T_SUITE("hash", T(sha256_known_answers), T(xxh3_known_answers), T(inputs_and_seeds_matter))
