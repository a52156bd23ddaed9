/* tests/unit/test_token_keys.c - the keys of tokens: rotation, RS256, confusion of algorithms, what
 * cannot be used */
#include "auth/keys.h"
#include "token_verdict.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <unistd.h>

#define OLD_KEY "the-secret-of-yesterday-0123456789abcdef"

/* Two good pairs and one that is too short, as files. */
enum { NEW, OLD, WEAK, PAIRS };
static struct pair {
	EVP_PKEY *key;
	char private[80], public[80];
} pairs[PAIRS];
static char folder[] = "/tmp/marquee-keys.XXXXXX";

static struct config rs;

static bool write_pair(struct pair *p, int n)
{
	FILE *out;
	bool good;

	snprintf(p->private, sizeof(p->private), "%s/%d.pem", folder, n);
	snprintf(p->public, sizeof(p->public), "%s/%d.pub", folder, n);
	out = fopen(p->private, "we");
	good = out && PEM_write_PrivateKey(out, p->key, NULL, NULL, 0, NULL, NULL);
	if (!out || fclose(out) != 0)
		return false;
	out = fopen(p->public, "we");
	good = good && out && PEM_write_PUBKEY(out, p->key);
	return out && fclose(out) == 0 && good;
}

static bool keys_setup(void)
{
	if (!setup() || !mkdtemp(folder))
		return false;
	for (int i = 0; i < PAIRS; i++) {
		pairs[i].key = EVP_RSA_gen(i == WEAK ? 1024 : 2048);
		if (!pairs[i].key || !write_pair(&pairs[i], i))
			return false;
	}
	rs = cfg;
	rs.auth_jwt_alg = "RS256";
	rs.auth_jwt_private_key_file = pairs[NEW].private;
	return true;
}

static void keys_teardown(void)
{
	for (int i = 0; i < PAIRS; i++) {
		EVP_PKEY_free(pairs[i].key);
		unlink(pairs[i].private);
		unlink(pairs[i].public);
	}
	rmdir(folder);
	teardown();
}

static void use(const struct config *with)
{
	next();
	c.cfg = with;
}

static const char *issue(void)
{
	struct actor a = { .role = ROLE_USER, .email = "a@b.c", .token_epoch = 1 };
	const char *token = "";

	T_TRUE(id_parse(STR(USER), &a.user));
	T_EQ_INT(token_issue(&c, &a, &token), OK);
	return token;
}

static const char *kid_of(int pair)
{
	struct config with = rs;
	const struct keyring *ring;
	const char *kid;

	with.auth_jwt_private_key_file = pairs[pair].private;
	c.cfg = &with;
	T_REQUIRE(keys_load(&c, &ring) == OK);
	kid = arena_strdup(c.arena, ring->keys[0].kid);
	c.cfg = &rs;
	return kid;
}

static const char *rs_sign(const char *text, EVP_PKEY *key)
{
	unsigned char sum[512];
	size_t n = sizeof(sum);
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	T_REQUIRE(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) == 1 &&
		  EVP_DigestSign(md, sum, &n, (const unsigned char *)text, strlen(text)) == 1);
	EVP_MD_CTX_free(md);
	return base64(sum, n);
}

/* Good claims below any header, signed by a pair. */
static const char *rs_forge(const char *header, int pair)
{
	const char *claims = claims_with(NULL, NULL);
	const char *head = arena_printf(c.arena, "%s.%s", base64(header, strlen(header)),
					base64(claims, strlen(claims)));

	return arena_printf(c.arena, "%s.%s", head, rs_sign(head, pairs[pair].key));
}

static const char *rs_header(const char *kid)
{
	return arena_printf(c.arena, "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"%s\"}", kid);
}

static const char *file_text(const char *path)
{
	char *text = arena_zalloc(c.arena, 8192);
	FILE *in = fopen(path, "re");

	T_REQUIRE(in && fread(text, 1, 8191, in) > 0);
	fclose(in);
	return text;
}

/* ---- secrets ---- */

static void two_secrets_while_one_takes_the_others_place(void)
{
	struct config before = cfg, after = cfg;
	const char *old;

	before.auth_jwt_secret = OLD_KEY;
	use(&before);
	old = issue();
	after.auth_jwt_secret_old = OLD_KEY;
	c.cfg = &after;
	accepted("of the old secret", old);
	accepted("of the new one", issue());
	c.cfg = &before;
	refused("the new secret where only the old one is", good());
	c.cfg = &cfg;
	refused("the old secret after its time", old);
	accepted("the new secret", good());
	after.auth_jwt_secret_old = "short";
	use(&after);
	T_EQ_INT(token_ready(&c), E_INVALID);
	T_HAS(c.err_msg, "auth.jwt_secret_old");
}

/* ---- RS256 ---- */

static void rs256_signs_and_verifies(void)
{
	const char *token;

	use(&rs);
	T_EQ_INT(token_ready(&c), OK);
	token = issue();
	accepted("issued", token);
	accepted("forged in our way", rs_forge(rs_header(kid_of(NEW)), NEW));
	refused("HS256 under the secret of the configuration", good());
	c.cfg = &cfg;
	refused("RS256 where secrets sign", token);
}

static void rs256_with_two_keys_valid(void)
{
	struct config before = rs, after = rs;
	const char *old, *fresh;

	before.auth_jwt_private_key_file = pairs[OLD].private;
	before.auth_jwt_public_key_files = pairs[NEW].public;
	use(&before);
	old = issue();
	after.auth_jwt_public_key_files = arena_printf(c.arena, " %s  %s ", pairs[OLD].public,
						       pairs[NEW].public);
	c.cfg = &after;
	fresh = issue();
	accepted("the old key", old);
	accepted("the new key", fresh);
	c.cfg = &before;
	accepted("the new key where it is only announced", fresh);
	c.cfg = &rs;
	refused("the old key after its time", old);
	c.cfg = &after;
	refused("the kid of one, the signature of the other",
		rs_forge(rs_header(kid_of(OLD)), NEW));
}

static void public_key_is_no_secret(void)
{
	const char *const files[] = { pairs[NEW].public, pairs[NEW].private };

	for (size_t i = 0; i < COUNT(files); i++) {
		const char *text, *kid, *heads[3];

		use(&rs);
		text = file_text(files[i]);
		kid = kid_of(NEW);
		heads[0] = HEADER;
		heads[1] = rs_header(kid);
		heads[2] = arena_printf(
		    c.arena, "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"%s\"}", kid);
		for (size_t h = 0; h < COUNT(heads); h++) {
			const char *head = arena_printf(
			    c.arena, "%s.%s", base64(heads[h], strlen(heads[h])),
			    base64(claims_with(NULL, NULL), strlen(claims_with(NULL, NULL))));

			refused(heads[h],
				arena_printf(c.arena, "%s.%s", head, mac(head, text)));
		}
	}
}

static void rs256_headers(void)
{
	static const char *const bad[] = {
		"{\"alg\":\"RS256\",\"typ\":\"JWT\"}",
		"{\"alg\":\"none\",\"typ\":\"JWT\",\"kid\":\"%s\"}",
		"{\"alg\":\"RS384\",\"typ\":\"JWT\",\"kid\":\"%s\"}",
		"{\"alg\":\"PS256\",\"typ\":\"JWT\",\"kid\":\"%s\"}",
		"{\"alg\":\"rs256\",\"typ\":\"JWT\",\"kid\":\"%s\"}",
		"{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"%s \"}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"%s\\u0000\"}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":[\"%s\"]}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":null}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"\"}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":0}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"../../../dev/null\"}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"../keys/1.pem\"}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"x' UNION SELECT 'x\"}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"x\",\"kid\":\"%s\"}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"%s\",\"jku\":\"https://e.example\"}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"%s\",\"x5u\":\"https://e.example\"}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"%s\",\"x5c\":[\"AA\"]}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"%s\",\"jwk\":{\"kty\":\"RSA\"}}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"%s\",\"crit\":[\"x\"]}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"jwk\":{\"kty\":\"RSA\"}}",
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		const char *at = strstr(bad[i], "%s"), *kid;

		use(&rs);
		kid = kid_of(NEW);
		refused(bad[i],
			rs_forge(at ? arena_printf(c.arena, "%.*s%s%s", (int)(at - bad[i]), bad[i],
						   kid, at + 2) : bad[i], NEW));
	}
	use(&rs);
	refused("another's key under our kid", rs_forge(rs_header(kid_of(NEW)), OLD));
	refused("a key of ours that is not configured", rs_forge(rs_header(kid_of(OLD)), OLD));
}

static void rs256_changed_signature(void)
{
	const char *token;
	char *t;

	use(&rs);
	token = issue();
	for (size_t i = 0; i < strlen(token); i += 7) {
		t = arena_strdup(c.arena, token);
		t[i] = t[i] == 'A' ? 'B' : 'A';
		if (verify(t) != E_UNAUTH)
			T_FAIL("changed at %zu: accepted", i);
	}
	refused("no signature", arena_printf(c.arena, "%.*s.", (int)(strrchr(token, '.') - token),
					     token));
	refused("half a signature", arena_printf(c.arena, "%.*s", (int)strlen(token) - 100, token));
}

/* ---- what cannot be used ---- */

static void not_ready(const struct config *with, const char *word)
{
	use(with);
	T_EQ_INT(token_ready(&c), E_INVALID);
	T_HAS(c.err_msg ? c.err_msg : "", word);
	refused("anything then", good());
}

static void keys_that_cannot_be_used(void)
{
	struct config bad = rs;
	char path[120];
	FILE *out;

	bad.auth_jwt_private_key_file = "";
	not_ready(&bad, "auth.jwt_private_key_file");
	bad.auth_jwt_private_key_file = "/nowhere/key.pem";
	not_ready(&bad, "/nowhere/key.pem cannot be opened");
	bad.auth_jwt_private_key_file = folder;
	not_ready(&bad, "cannot be read");
	bad.auth_jwt_private_key_file = pairs[WEAK].private;
	not_ready(&bad, "1024 bits");
	bad.auth_jwt_private_key_file = pairs[NEW].public;
	not_ready(&bad, "is not an RSA private key");
	bad = rs;
	bad.auth_jwt_public_key_files = pairs[WEAK].public;
	not_ready(&bad, "1024 bits");
	bad.auth_jwt_public_key_files = pairs[OLD].private;
	not_ready(&bad, "is not an RSA public key");
	bad.auth_jwt_alg = "none";
	not_ready(&bad, "auth.jwt_alg");

	snprintf(path, sizeof(path), "%s/locked.pem", folder);
	out = fopen(path, "we");
	T_REQUIRE(out && PEM_write_PKCS8PrivateKey(out, pairs[NEW].key, EVP_aes_128_cbc(), "secret",
						   6, NULL, NULL));
	fclose(out);
	bad = rs;
	bad.auth_jwt_private_key_file = path;
	not_ready(&bad, "without a passphrase");
	unlink(path);
}

static void no_more_keys_than_there_is_room_for(void)
{
	struct config many = rs;
	const char *list = "";

	next();
	for (int i = 0; i < 3 * KEYS_MAX; i++) /* the same key again is no second key */
		list = arena_printf(c.arena, "%s %s", list, pairs[OLD].public);
	many.auth_jwt_public_key_files = list;
	c.cfg = &many;
	T_EQ_INT(token_ready(&c), OK);
}

T_SUITE_WITH("token keys", keys_setup, keys_teardown,
	     T(two_secrets_while_one_takes_the_others_place), T(rs256_signs_and_verifies),
	     T(rs256_with_two_keys_valid), T(public_key_is_no_secret), T(rs256_headers),
	     T(rs256_changed_signature), T(keys_that_cannot_be_used),
	     T(no_more_keys_than_there_is_room_for))
