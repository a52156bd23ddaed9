/* src/auth/password.c - password hashes: made and verified in the host's few hash slots */
#include "auth/password.h"

#include "core/shm.h"
#include "core/str.h"

#include <crypt.h>
#include <ctype.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

/* OWASP's second choice for Argon2id: 19 MiB, 2 passes, 1 lane. */
#define PASSES 2
#define MEMORY_KIB 19456
#define TEXT(x) TEXT_(x)
#define TEXT_(x) #x

#define MIN_CHARS 8
#define MAX_CHARS 128
#define COMMON_MAX 64

/* What is verified for people who do not exist: the parameters of a real hash, and random salt and
 * digest, whose password nobody knows. */
const char password_nobody[crypto_pwhash_STRBYTES] =
    "$argon2id$v=19$m=" TEXT(MEMORY_KIB) ",t=" TEXT(PASSES) ",p=1"
    "$bJ0fSUV2HhWVQ2zA0n6fLg"
    "$q8mR1oYwT5e0mXcV7kJpD3uNfG2hZsLbA9iWxQtEyKc";

static const char no_memory_text[] = "there is no memory to hash a password, try again";

static enum err take_slot(struct ctx *c, int *slot)
{
	*slot = shm_hash_slot(c->cfg->auth_hash_slots, c->cfg->auth_hash_wait);
	if (*slot >= 0)
		return OK;
	if (c->err == OK)
		c->retry_after = 1;
	return fail(c, E_UNAVAIL, "too many people are signing in at this moment, try again");
}

static enum err prepare(struct ctx *c)
{
	return sodium_init() < 0 ? fail(c, E_INTERNAL, "no source of random numbers") : OK;
}

enum err password_hash(struct ctx *c, const char *password, const char **out)
{
	char *hash = arena_alloc(c->arena, crypto_pwhash_STRBYTES);
	int slot, rc;

	TRY(prepare(c));
	TRY(take_slot(c, &slot));
	rc = crypto_pwhash_str_alg(hash, password, strlen(password), PASSES, MEMORY_KIB * 1024UL,
				   crypto_pwhash_ALG_ARGON2ID13);
	shm_hash_slot_release(slot);
	if (rc != 0)
		return fail(c, E_UNAVAIL, "%s", no_memory_text);
	*out = hash;
	return OK;
}

/* ---- verifying: one row per kind of stored hash ---- */

struct argon2 {
	unsigned long kib;
	unsigned long long passes;
	unsigned char salt[crypto_pwhash_SALTBYTES], digest[32];
};

static bool decode(const char *text, unsigned char *out, size_t want)
{
	const int variant = sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
	size_t n;

	return sodium_base642bin(out, want, text, strlen(text), NULL, &n, NULL, variant) == 0 &&
	       n == want;
}

/* The form in which libsodium writes hashes (RFC 9106 allows more lanes, other lengths). */
static bool argon2_parse(const char *hash, struct argon2 *a)
{
	char salt[23], digest[44];
	int end = 0;

	return sscanf(hash, "$argon2id$v=19$m=%6lu,t=%3llu,p=1$%22[^$]$%43[^$]%n", &a->kib,
		      &a->passes, salt, digest, &end) == 4 && hash[end] == '\0' &&
	       decode(salt, a->salt, sizeof(a->salt)) &&
	       decode(digest, a->digest, sizeof(a->digest));
}

/* crypto_pwhash_str_verify gives lack of memory out as a wrong password (its errno is EINVAL for
 * both), crypto_pwhash does not. Only hashes of other programs still go the former way, until
 * their owner's next sign-in renews them. */
static bool argon2_matches(struct ctx *c, const char *hash, const char *password)
{
	unsigned char made[sizeof(((struct argon2 *)0)->digest)];
	struct argon2 a;

	(void)c;
	if (!argon2_parse(hash, &a))
		return crypto_pwhash_str_verify(hash, password, strlen(password)) == 0;
	return crypto_pwhash(made, sizeof(made), password, strlen(password), a.salt, a.passes,
			     a.kib * 1024, crypto_pwhash_ALG_ARGON2ID13) == 0 &&
	       sodium_memcmp(made, a.digest, sizeof(made)) == 0;
}

/* crypt(5): hashes brought over from other systems. */
static bool crypt_matches(struct ctx *c, const char *hash, const char *password)
{
	struct crypt_data *data = ARENA_NEW(c->arena, struct crypt_data);
	const char *made = crypt_r(password, hash, data);
	bool same;

	same = made && made[0] != '*' && strlen(made) == strlen(hash) &&
	       sodium_memcmp(made, hash, strlen(hash)) == 0;
	sodium_memzero(data, sizeof(*data));
	return same;
}

static const struct scheme {
	const char *prefix;
	bool (*matches)(struct ctx *, const char *hash, const char *password);
} schemes[] = {
	{ "$argon2", argon2_matches },
	{ "$2", crypt_matches },	/* bcrypt */
	{ "$y$", crypt_matches },	/* yescrypt */
};

static bool matches(struct ctx *c, const char *hash, const char *password)
{
	for (size_t i = 0; i < COUNT(schemes); i++)
		if (strncmp(hash, schemes[i].prefix, strlen(schemes[i].prefix)) == 0)
			return schemes[i].matches(c, hash, password);
	/* Unknown kinds cost what the others do, and are never right. */
	(void)!argon2_matches(c, password_nobody, password);
	return false;
}

enum err password_verify(struct ctx *c, const char *hash, const char *password, bool *rehash)
{
	bool right, no_memory;
	int slot;

	*rehash = false;
	TRY(prepare(c));
	TRY(take_slot(c, &slot));
	errno = 0;
	right = matches(c, hash ? hash : password_nobody, password) && hash;
	no_memory = !right && errno == ENOMEM;
	shm_hash_slot_release(slot);
	if (no_memory)
		return fail(c, E_UNAVAIL, "%s", no_memory_text);
	if (!right)
		return fail(c, E_UNAUTH, "wrong e-mail address or password");
	/* not 0 also for hashes of another kind */
	*rehash = crypto_pwhash_str_needs_rehash(hash, PASSES, MEMORY_KIB * 1024UL) != 0;
	return OK;
}

/* ---- choosing ---- */

static int compare(const void *a, const void *b)
{
	return strcmp(a, *(const char *const *)b);
}

static bool is_common(const char *password)
{
	size_t n = strlen(password);
	char lower[COMMON_MAX];

	if (n >= sizeof(lower))
		return false;
	for (size_t i = 0; i <= n; i++)
		lower[i] = (char)tolower((unsigned char)password[i]);
	return bsearch(lower, password_common, password_common_count, sizeof(*password_common),
		       compare) != NULL;
}

const char *password_refusal(const struct config *cfg, const char *password)
{
	long n = str_utf8_count(str_of(password));

	if (n < 0)
		return "must be UTF-8";
	if (n < MIN_CHARS)
		return "must have at least " TEXT(MIN_CHARS) " characters";
	if (n > MAX_CHARS)
		return "must have at most " TEXT(MAX_CHARS) " characters";
	if (cfg->auth_refuse_common && is_common(password))
		return "is one of the passwords that everybody tries first";
	return NULL;
}
