/* tests/unit/test_pass.c - passes to look at the site as somebody else: whose they are not */
#include "auth/pass.h"
#include "core/clock.h"
#include "t.h"

static struct config cfg = { .auth_jwt_alg = "HS256", .auth_jwt_secret_old = "",
			     .auth_jwt_secret = "pass-tests-only-0123456789abcdef",
			     .auth_jwt_private_key_file = "", .auth_jwt_public_key_files = "" };
static struct ctx c;
static struct actor boss, as;

static bool setup(void)
{
	c.cfg = &cfg;
	c.actor = &actor_anonymous;
	ctx_begin(&c, arena_new(1 << 20));
	boss = (struct actor){ .user = id_new(), .role = ROLE_ADMIN, .jti = "j", .session = "s",
			       .permissions = roles[ROLE_ADMIN].permissions };
	return true;
}

static void teardown(void)
{
	arena_free(c.arena);
}

/* A pass as the boss gets it. */
static const char *made(void)
{
	const char *pass = NULL;

	ctx_forgive(&c);
	T_EQ_INT(pass_make(&c, &as, &pass), OK);
	return pass;
}

static void begin(void)
{
	as = (struct actor){ .user = id_new(), .by = boss.user, .role = ROLE_USER, .jti = "p",
			     .session = "s", .email = "a b@example.org", .token_epoch = 3,
			     .expires = clock_now_us() / 1000000 + 60 };
}

static void refused(const char *pass, struct actor who)
{
	struct actor was = who;

	ctx_forgive(&c);
	T_EQ_INT(pass_open(&c, pass, &who), E_UNAUTH);
	T_EQ_STR(who.user.s, was.user.s);
	ctx_forgive(&c);
}

static void is_for_one_sign_in(void)
{
	struct actor other = boss;

	begin();
	refused(made(), actor_anonymous);
	other.session = "t";
	refused(made(), other);
	other.session = NULL;
	refused(made(), other);
	other = boss;
	other.user = id_new();
	refused(made(), other);
	other = boss;
	other.permissions = roles[ROLE_USER].permissions;
	refused(made(), other);
}

static void ends(void)
{
	begin();
	as.expires = clock_now_us() / 1000000;
	refused(made(), boss);
}

static void is_never_an_admins(void)
{
	begin();
	as.role = ROLE_ADMIN;
	refused(made(), boss);
}

static void is_ours(void)
{
	const char *pass;
	char *changed;

	begin();
	pass = made();
	changed = arena_strdup(c.arena, pass);
	changed[strlen(pass) / 2] ^= 1;
	refused(changed, boss);
	refused("", boss);
	refused("nonsense", boss);
}

T_SUITE_WITH("pass", setup, teardown, T(is_for_one_sign_in), T(ends), T(is_never_an_admins),
	     T(is_ours))
