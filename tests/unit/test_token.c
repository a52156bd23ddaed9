/* tests/unit/test_token.c - access tokens: what is issued verifies, and nothing else does */
#include "token_verdict.h"

/* ---- what is ours ---- */

static void issued_token_verifies(void)
{
	struct actor a = { .role = ROLE_ORGANIZER, .email = "ö\"@example.org", .session = SID,
			   .token_epoch = 7 }, b;
	const char *token = NULL;
	int64_t before = clock_now_us() / 1000000;

	next();
	T_TRUE(id_parse(STR(USER), &a.user));
	T_REQUIRE(token_issue(&c, &a, &token) == OK);
	T_TRUE(a.expires >= before + 900 && a.expires <= clock_now_us() / 1000000 + 900);
	T_REQUIRE(token_verify(&c, str_of(token), &b) == OK);
	T_EQ_STR(b.user.s, USER);
	T_EQ_INT(b.role, ROLE_ORGANIZER);
	T_EQ_INT(b.permissions,
		 MAY_EVENTS_READ | MAY_EVENTS_CREATE | MAY_USERS_READ | MAY_ANSWER);
	T_EQ_STR(b.email, "ö\"@example.org");
	T_EQ_STR(b.session, SID);
	T_EQ_STR(b.jti, a.jti);
	T_EQ_INT(b.token_epoch, 7);
	T_EQ_INT(b.expires, a.expires);
}

static void claims_of(const char *token, struct json_object **out)
{
	struct str rest, part;
	unsigned char *text;
	size_t n;

	str_cut(str_of(token), '.', &rest);
	part = str_cut(rest, '.', &rest);
	text = arena_zalloc(c.arena, part.n + 1);
	T_REQUIRE(sodium_base642bin(text, part.n, part.p, part.n, NULL, &n, NULL,
				    sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0);
	*out = js_own(c.arena, (const char *)text);
}

static void permissions_are_the_contracts_names(void)
{
	static const struct { enum role role; const char *list; } rows[] = {
		{ ROLE_USER, "[\"events:read\",\"events:create\"]" },
		{ ROLE_ORGANIZER, "[\"events:read\",\"events:create\"]" },
		{ ROLE_SERVICE, "[\"events:read\"]" },
		{ ROLE_ADMIN, "[\"events:read\",\"events:create\",\"events:update\","
			      "\"events:delete\",\"users:manage\",\"admin:access\"]" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct actor a = { .role = rows[i].role, .email = "a@b.c", .token_epoch = 1 };
		struct json_object *claims = NULL, *list = NULL;
		const char *token = NULL;

		next();
		T_TRUE(id_parse(STR(USER), &a.user));
		T_REQUIRE(token_issue(&c, &a, &token) == OK);
		claims_of(token, &claims);
		T_REQUIRE(json_object_object_get_ex(claims, "permissions", &list));
		T_EQ_STR(js_text(c.arena, list), rows[i].list);
		T_EQ_STR(js_str(claims, "role"), roles[rows[i].role].name);
		T_FALSE(js_has(claims, "sid"));
		T_EQ_INT(verify(token), OK);
	}
}

static void forged_in_our_way_is_accepted(void)
{
	next();
	accepted("the base of all cases below", good());
	accepted("typ before alg", forge("{\"typ\":\"JWT\",\"alg\":\"HS256\"}",
					 claims_with(NULL, NULL)));
	accepted("without sid", forge(HEADER, claims_with("sid", NULL)));
	accepted("nbf in the past", forge(HEADER, claims_with("nbf", in_seconds(-5))));
	accepted("nbf within the leeway", forge(HEADER, claims_with("nbf", in_seconds(30))));
	accepted("expired within the leeway", forge(HEADER, claims_with("exp", in_seconds(-30))));
	accepted("a claim of no meaning to us", forge(HEADER, claims_with("azp", "\"x\"")));
}

/* ---- what is not ---- */

static void headers(void)
{
	static const char *const bad[] = {
		"{\"alg\":\"none\",\"typ\":\"JWT\"}", "{\"alg\":\"None\",\"typ\":\"JWT\"}",
		"{\"alg\":\"nOnE\",\"typ\":\"JWT\"}", "{\"alg\":\"NONE\",\"typ\":\"JWT\"}",
		"{\"alg\":\"\",\"typ\":\"JWT\"}", "{\"alg\":null,\"typ\":\"JWT\"}",
		"{\"alg\":[\"HS256\"],\"typ\":\"JWT\"}", "{\"alg\":\"hs256\",\"typ\":\"JWT\"}",
		"{\"alg\":\"HS512\",\"typ\":\"JWT\"}", "{\"alg\":\"HS384\",\"typ\":\"JWT\"}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\"}", "{\"alg\":\"XX999\",\"typ\":\"JWT\"}",
		"{\"alg\":\"HS256\\u0000\",\"typ\":\"JWT\"}",
		"{\"typ\":\"JWT\"}", "{\"alg\":\"HS256\"}", "{}", "[]", "null", "\"HS256\"", "{",
		"{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", "{\"alg\":\"HS256\",\"typ\":\"jwt\"}",
		"{\"alg\":\"HS256\",\"typ\":\"refresh\"}", "{\"alg\":\"HS256\",\"typ\":1}",
		"{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"../../dev/null\"}",
		"{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"x' OR '1'='1\"}",
		"{\"alg\":\"HS256\",\"typ\":\"JWT\",\"jku\":\"https://evil.example/k\"}",
		"{\"alg\":\"HS256\",\"typ\":\"JWT\",\"x5u\":\"https://evil.example/c\"}",
		"{\"alg\":\"HS256\",\"typ\":\"JWT\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"}}",
		"{\"alg\":\"HS256\",\"typ\":\"JWT\",\"crit\":[\"exp\"],\"exp\":1}",
		"{\"alg\":\"HS256\",\"typ\":\"JWT\",\"crit\":[\"x\"]}",
		"{\"alg\":\"HS256\",\"typ\":\"JWT\",\"b64\":false}",
		"{\"alg\":\"none\",\"alg\":\"HS256\",\"typ\":\"JWT\"}",
		"{\"alg\":\"HS256\",\"alg\":\"none\",\"typ\":\"JWT\"}",
		"{\"alg\":\"HS256\",\"typ\":\"JWT\"} ,", "{'alg':'HS256','typ':'JWT'}",
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		next();
		refused(bad[i], forge(bad[i], claims_with(NULL, NULL)));
	}
}

static void none_without_signature(void)
{
	const char *claims, *token;

	next();
	claims = claims_with(NULL, NULL);
	token = base64("{\"alg\":\"none\",\"typ\":\"JWT\"}", 27);
	refused("alg none, no signature",
		arena_printf(c.arena, "%s.%s.", token, base64(claims, strlen(claims))));
	refused("alg none, two parts",
		arena_printf(c.arena, "%s.%s", token, base64(claims, strlen(claims))));
}

static void claims_must_be_ours(void)
{
	static const struct { const char *key, *raw; } bad[] = {
		{ "iss", NULL }, { "iss", "\"other\"" }, { "iss", "[\"marquee\"]" },
		{ "iss", "null" },
		{ "aud", NULL }, { "aud", "\"other\"" }, { "aud", "[\"api\",\"other\"]" },
		{ "iss", "\"marquee\\u0000\"" },
		{ "sub", NULL }, { "sub", "\"\"" }, { "sub", "\"1\"" }, { "sub", "7" },
		{ "sub", "\"01900000-0000-7000-8000-00000000000A\"" },
		{ "sub", "\"" USER " \"" },
		{ "jti", NULL }, { "jti", "\"\"" }, { "jti", "\"x' OR '1'='1\"" },
		{ "sid", "\"\"" }, { "sid", "1" }, { "sid", "null" },
		{ "role", NULL }, { "role", "\"root\"" }, { "role", "\"anonymous\"" },
		{ "role", "\"Admin\"" }, { "role", "[\"admin\"]" },
		{ "email", NULL }, { "email", "5" },
		{ "tv", NULL }, { "tv", "\"3\"" }, { "tv", "-1" }, { "tv", "4294967299" },
		{ "tv", "1.5" }, { "tv", "null" },
		{ "exp", NULL }, { "exp", "null" }, { "exp", "\"9999999999\"" },
		{ "exp", "9999999999.5" }, { "exp", "1e12" }, { "exp", "0" }, { "exp", "-1" },
		{ "exp", "9223372036854775807" }, { "exp", "18446744073709551616" },
		{ "exp", "true" },
		{ "iat", NULL }, { "iat", "\"now\"" },
		{ "nbf", "\"0\"" }, { "nbf", "null" }, { "nbf", "1e3" },
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		next();
		refused(arena_printf(c.arena, "%s = %s", bad[i].key,
				     bad[i].raw ? bad[i].raw : "(absent)"),
			forge(HEADER, claims_with(bad[i].key, bad[i].raw)));
	}
}

static void times_have_60_seconds_of_leeway(void)
{
	next();
	refused("expired for 61 s", forge(HEADER, claims_with("exp", in_seconds(-61))));
	refused("expired for a day", forge(HEADER, claims_with("exp", in_seconds(-86400))));
	refused("not yet valid", forge(HEADER, claims_with("nbf", in_seconds(300))));
	refused("issued in the future", forge(HEADER, claims_with("iat", in_seconds(300))));
}

static void duplicate_claims(void)
{
	static const char *const twice[] = { "sub", "exp", "role", "iss", "aud", "tv" };

	for (size_t i = 0; i < COUNT(twice); i++) {
		const char *claims;

		next();
		claims = claims_with(NULL, NULL);
		refused(twice[i], forge(HEADER, arena_printf(c.arena, "{\"%s\":\"x\",%s", twice[i],
							     claims + 1)));
		refused(twice[i],
			forge(HEADER, arena_printf(c.arena, "%.*s,\"%s\":\"admin\"}",
						   (int)strlen(claims) - 1, claims, twice[i])));
	}
	next();
	refused("role, once in escapes",
		forge(HEADER, arena_printf(c.arena, "{\"r\\u006fle\":\"admin\",%s",
					   claims_with(NULL, NULL) + 1)));
}

static void claims_must_be_an_object(void)
{
	static const char *const bad[] = { "",	"[]",	"null", "7",
					   "{", "{}x", "\xff", "{\"sub\":}" };

	for (size_t i = 0; i < COUNT(bad); i++) {
		next();
		refused(bad[i], forge(HEADER, bad[i]));
	}
}

static void changed_token(void)
{
	char *t, *other;
	size_t n;

	next();
	n = strlen(good());
	/* each single character counts */
	for (size_t i = 0; i < n; i++) {
		t = arena_strdup(c.arena, good());
		t[i] = t[i] == 'A' ? 'B' : 'A';
		if (verify(t) != E_UNAUTH)
			T_FAIL("changed at %zu: accepted", i);
		next();
	}
	/* another's claims under this signature */
	t = arena_strdup(c.arena, good());
	other = arena_strdup(c.arena, forge(HEADER, claims_with("role", "\"admin\"")));
	*strrchr(other, '.') = '\0';
	refused("changed payload", arena_printf(c.arena, "%s%s", other, strrchr(t, '.')));
	t = arena_printf(c.arena, "%.*s", (int)(strrchr(t, '.') - t), t);
	refused("other key",
		arena_printf(c.arena, "%s.%s", t, mac(t, "another secret, which is long enough")));
	refused("empty key", arena_printf(c.arena, "%s.%s", t, mac(t, "")));
}

/* Signed as it stands, but with / for _ in its claims. */
static const char *in_standard_alphabet(void)
{
	const char *head = base64(HEADER, strlen(HEADER));
	char *claims = arena_strdup(c.arena, claims_with("azp", "\"??????\""));

	claims = arena_strdup(c.arena, base64(claims, strlen(claims)));
	T_REQUIRE(strchr(claims, '_') != NULL);
	*strchr(claims, '_') = '/';
	head = arena_printf(c.arena, "%s.%s", head, claims);
	return arena_printf(c.arena, "%s.%s", head, mac(head, KEY));
}

static void other_forms(void)
{
	const char *t, *claims, *padded;
	char *last;

	next();
	t = good();
	refused("empty", "");
	refused("dots", "..");
	refused("empty signature", arena_printf(c.arena, "%.*s.", (int)(strrchr(t, '.') - t), t));
	refused("no signature", arena_printf(c.arena, "%.*s", (int)(strrchr(t, '.') - t), t));
	refused("four parts", arena_printf(c.arena, "%s.AAAA", t));
	refused("trailing dot", arena_printf(c.arena, "%s.", t));
	refused("trailing space", arena_printf(c.arena, "%s ", t));
	refused("trailing newline", arena_printf(c.arena, "%s\n", t));
	refused("trailing characters", arena_printf(c.arena, "%sAAAA", t));
	refused("leading space", arena_printf(c.arena, " %s", t));
	refused("padding", arena_printf(c.arena, "%s=", t));
	/* 32 bytes are 43 characters whose last has two bits to spare */
	last = arena_strdup(c.arena, t);
	last[strlen(last) - 1]++;
	refused("stray bits in the signature", last);
	padded = base64(HEADER "  ", strlen(HEADER) + 1);
	last = arena_strdup(c.arena, padded);
	last[strlen(last) - 1]++;
	claims = claims_with(NULL, NULL);
	padded = arena_printf(c.arena, "%s.%s", last, base64(claims, strlen(claims)));
	refused("stray bits in the header",
		arena_printf(c.arena, "%s.%s", padded, mac(padded, KEY)));
	refused("standard alphabet", in_standard_alphabet());
	refused("a refresh token", "mqr_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
}

static void bytes_after_a_nul(void)
{
	struct actor a;
	const char *t;
	char *with;
	size_t n;

	next();
	t = good();
	n = strlen(t);
	with = arena_zalloc(c.arena, n + 8);
	memcpy(with, t, n);
	T_EQ_INT(token_verify(&c, (struct str){ with, n }, &a), OK);
	T_EQ_INT(token_verify(&c, (struct str){ with, n + 3 }, &a), E_UNAUTH);
}

static void long_token(void)
{
	char *fill;

	next();
	fill = arena_zalloc(c.arena, 7001);
	fill[0] = '"';
	memset(fill + 1, 'x', 6998);
	fill[6999] = '"';
	refused("9 KB", forge(HEADER, claims_with("azp", fill)));
	fill[1000] = '"';
	fill[1001] = '\0';
	accepted("2 KB", forge(HEADER, claims_with("azp", fill)));
}

static void weak_key_is_refused(void)
{
	struct config weak = cfg;
	struct actor a = { .role = ROLE_USER, .email = "a@b.c", .token_epoch = 1 };
	const char *out = NULL, *token;

	next();
	token = good();
	T_EQ_INT(token_ready(&c), OK);
	T_TRUE(id_parse(STR(USER), &a.user));
	weak.auth_jwt_secret = "only 31 bytes, which is too few";
	c.cfg = &weak;
	T_EQ_INT(token_ready(&c), E_INVALID);
	T_HAS(c.err_msg, "auth.jwt_secret");
	ctx_forgive(&c);
	T_EQ_INT(token_issue(&c, &a, &out), E_INVALID);
	T_NULL(out);
	weak.auth_jwt_secret = "";
	ctx_forgive(&c);
	refused("any token without a key", token);
	refused("alg none without a key",
		"eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.e30.");
	c.cfg = &cfg;
}

static void anonymous_gets_none(void)
{
	struct actor a = actor_anonymous;
	const char *out = NULL;

	next();
	T_EQ_INT(token_issue(&c, &a, &out), E_INTERNAL);
	T_NULL(out);
}

static void roles_and_names(void)
{
	T_EQ_INT(role_parse("service"), ROLE_SERVICE);
	T_EQ_INT(role_parse("SERVICE"), ROLE_COUNT);
	T_EQ_INT(role_parse(""), ROLE_COUNT);
	T_EQ_INT(role_parse(NULL), ROLE_COUNT);
	T_EQ_INT(roles[ROLE_ANONYMOUS].permissions, 0);
	T_FALSE(roles[ROLE_USER].permissions & (MAY_ADMIN | MAY_USERS_READ | MAY_EVENTS_UPDATE));
	T_FALSE(roles[ROLE_SERVICE].permissions & (MAY_EVENTS_CREATE | MAY_ANSWER));
}

T_SUITE_WITH("tokens", setup, teardown, T(issued_token_verifies),
	     T(permissions_are_the_contracts_names), T(forged_in_our_way_is_accepted), T(headers),
	     T(none_without_signature), T(claims_must_be_ours), T(times_have_60_seconds_of_leeway),
	     T(duplicate_claims), T(claims_must_be_an_object), T(changed_token), T(other_forms),
	     T(bytes_after_a_nul), T(long_token), T(weak_key_is_refused), T(anonymous_gets_none),
	     T(roles_and_names))
