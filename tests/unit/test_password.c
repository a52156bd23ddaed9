/* tests/unit/test_password.c - hashing, verifying, hashes of other systems, and refusals */
#include "auth/password.h"
#include "core/shm.h"
#include "core/str.h"
#include "t.h"

#include <crypt.h>
#include <sodium.h>

#define COST 19456

static struct config cfg = {
	.auth_hash_slots = 2, .auth_hash_wait = 0, .auth_refuse_common = true,
};
static struct ctx c;

static bool setup(void)
{
	c = (struct ctx){ .cfg = &cfg };
	ctx_begin(&c, arena_new(8 << 20));
	return sodium_init() >= 0;
}

static void teardown(void)
{
	arena_free(c.arena);
}

static enum err verify(const char *hash, const char *password, bool *rehash)
{
	ctx_forgive(&c);
	return password_verify(&c, hash, password, rehash);
}

static void hash_verifies(void)
{
	const char *hash = NULL, *again = NULL;
	bool rehash = true;

	T_REQUIRE(password_hash(&c, "correct horse", &hash) == OK);
	T_EQ_INT(strncmp(hash, "$argon2id$v=19$m=19456,t=2,p=1$", 31), 0);
	T_EQ_INT(verify(hash, "correct horse", &rehash), OK);
	T_FALSE(rehash);
	T_REQUIRE(password_hash(&c, "correct horse", &again) == OK);
	T_TRUE(strcmp(hash, again) != 0);	/* salted */
	T_EQ_INT(verify(hash, "correct horsf", &rehash), E_UNAUTH);
	T_EQ_INT(verify(hash, "correct horse ", &rehash), E_UNAUTH);
	T_EQ_INT(verify(hash, "", &rehash), E_UNAUTH);
	T_FALSE(rehash);
}

static void long_passwords_count_to_the_end(void)
{
	char a[129], b[129];
	const char *hash = NULL;
	bool rehash;

	memset(a, 'x', 128);
	a[128] = '\0';
	memcpy(b, a, sizeof(b));
	b[127] = 'y';
	T_REQUIRE(password_hash(&c, a, &hash) == OK);
	T_EQ_INT(verify(hash, a, &rehash), OK);
	T_EQ_INT(verify(hash, b, &rehash), E_UNAUTH);
}

static void nobody_looks_like_somebody(void)
{
	const char *hash = NULL, *message;
	bool rehash = true;

	/* 0: it is well formed and has today's parameters, so it costs the same */
	T_EQ_INT(crypto_pwhash_str_needs_rehash(password_nobody, 2, COST * 1024UL), 0);
	T_EQ_INT(verify(NULL, "anything", &rehash), E_UNAUTH);
	T_FALSE(rehash);
	message = c.err_msg;
	ctx_forgive(&c);
	T_REQUIRE(password_hash(&c, "something", &hash) == OK);
	T_EQ_INT(verify(hash, "anything", &rehash), E_UNAUTH);
	T_EQ_STR(c.err_msg, message);
}

static const char *crypted(const char *prefix, unsigned long cost, const char *password)
{
	struct crypt_data *data = arena_zalloc(c.arena, sizeof(*data));
	char *salt = arena_zalloc(c.arena, CRYPT_GENSALT_OUTPUT_SIZE);

	if (!crypt_gensalt_rn(prefix, cost, NULL, 0, salt, CRYPT_GENSALT_OUTPUT_SIZE))
		return NULL;
	return crypt_r(password, salt, data);
}

static void hashes_brought_over(void)
{
	static const struct { const char *prefix; unsigned long cost; } kinds[] = {
		{ "$2b$", 5 }, { "$2y$", 5 }, { "$2a$", 5 }, { "$y$", 1 },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const char *hash = crypted(kinds[i].prefix, kinds[i].cost, "brought over");
		bool rehash = false;

		T_REQUIRE(hash != NULL && hash[0] == '$');
		T_EQ_INT(verify(hash, "brought over", &rehash), OK);
		T_TRUE(rehash);
		T_EQ_INT(verify(hash, "brought ovfr", &rehash), E_UNAUTH);
		T_FALSE(rehash);
	}
}

/* the vector of crypt_blowfish */
static void known_bcrypt_hash(void)
{
	bool rehash = false;

	T_EQ_INT(verify("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U",
			&rehash), OK);
	T_TRUE(rehash);
}

static void weaker_argon2_is_renewed(void)
{
	char hash[crypto_pwhash_STRBYTES];
	bool rehash = false;

	T_REQUIRE(crypto_pwhash_str_alg(hash, "old", 3, 1, 8192 * 1024UL,
					crypto_pwhash_ALG_ARGON2ID13) == 0);
	T_EQ_INT(verify(hash, "old", &rehash), OK);
	T_TRUE(rehash);
	T_EQ_INT(verify(hash, "odd", &rehash), E_UNAUTH);
	T_FALSE(rehash);
}

/* the vectors of the reference implementation: another salt, more lanes */
static void argon2_of_other_programs(void)
{
	static const char *const kinds[] = {
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$"
		"nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$"
		"bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
	};

	for (size_t i = 0; i < COUNT(kinds); i++) {
		bool rehash = false;

		T_EQ_INT(verify(kinds[i], "password", &rehash), OK);
		T_TRUE(rehash);
		T_EQ_INT(verify(kinds[i], "passwore", &rehash), E_UNAUTH);
	}
}

static void hashes_of_no_kind(void)
{
	static const char *const bad[] = {
		"", "x", "$", "*0", "secret", "$argon2", "$argon2id$v=19$m=19456,t=2,p=1$", "$2b$",
		"$2b$05$", "$y$", "$1$abcdefgh$x", "ab", "5f4dcc3b5aa765d61d8327deb882cf99",
		"$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe",
	};
	bool rehash;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (verify(bad[i], "secret", &rehash) != E_UNAUTH)
			T_FAIL("\"%s\" matches", bad[i]);
		T_EQ_INT(verify(bad[i], bad[i], &rehash), E_UNAUTH);
		T_FALSE(rehash);
	}
}

static void slots_are_few(void)
{
	int a = shm_hash_slot(2, 0), b = shm_hash_slot(2, 0);
	const char *hash = NULL;
	bool rehash;

	T_REQUIRE(a >= 0 && b >= 0);
	ctx_forgive(&c);
	T_EQ_INT(password_hash(&c, "whatever it is", &hash), E_UNAVAIL);
	T_EQ_INT(c.retry_after, 1);
	T_NULL(hash);
	T_EQ_INT(verify(NULL, "whatever it is", &rehash), E_UNAVAIL);
	shm_hash_slot_release(a);
	ctx_forgive(&c);
	T_EQ_INT(password_hash(&c, "whatever it is", &hash), OK);
	T_EQ_INT(password_hash(&c, "whatever it is", &hash), OK);	/* it was given back */
	shm_hash_slot_release(b);
}

static void lengths(void)
{
	char text[520];

	T_HAS(password_refusal(&cfg, ""), "at least 8");
	T_HAS(password_refusal(&cfg, "1x2y3z4"), "at least 8");
	T_NULL(password_refusal(&cfg, "1x2y3z4w"));
	/* characters, not bytes */
	T_HAS(password_refusal(&cfg, "ööööööö"), "at least 8");
	T_NULL(password_refusal(&cfg, "öööööööö"));
	memset(text, 'a', sizeof(text));
	text[128] = '\0';
	T_NULL(password_refusal(&cfg, text));
	text[128] = 'a';
	text[129] = '\0';
	T_HAS(password_refusal(&cfg, text), "at most 128");
	for (size_t i = 0; i < 128; i++)
		memcpy(text + 4 * i, "\xf0\x9f\x98\x80", 4);
	text[512] = '\0';
	T_NULL(password_refusal(&cfg, text));
	T_HAS(password_refusal(&cfg, "\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8"), "UTF-8");
}

static void common_ones(void)
{
	struct config lax = cfg;

	lax.auth_refuse_common = false;
	for (size_t i = 0; i < password_common_count; i++) {
		if (i && strcmp(password_common[i - 1], password_common[i]) >= 0)
			T_FAIL("%s is not in order", password_common[i]);
		T_TRUE(strlen(password_common[i]) >= 8);
		if (!password_refusal(&cfg, password_common[i]))
			T_FAIL("%s is not refused", password_common[i]);
		T_NULL(password_refusal(&lax, password_common[i]));
	}
	T_TRUE(password_common_count >= 200);
	T_HAS(password_refusal(&cfg, "PassWord123"), "everybody");
	T_HAS(password_refusal(&cfg, "QWERTYUIOP"), "everybody");
	T_NULL(password_refusal(&cfg, "password123 but longer"));
	T_HAS(password_refusal(&lax, "short"), "at least 8");
}

T_SUITE_WITH("passwords", setup, teardown, T(hash_verifies), T(long_passwords_count_to_the_end),
	     T(nobody_looks_like_somebody), T(hashes_brought_over), T(known_bcrypt_hash),
	     T(weaker_argon2_is_renewed), T(argon2_of_other_programs), T(hashes_of_no_kind),
	     T(slots_are_few), T(lengths), T(common_ones))
