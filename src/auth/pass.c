/* src/auth/pass.c - what lets staff look at the site as somebody else for a while */
#include "auth/pass.h"

#include "auth/seal.h"
#include "auth/token.h"
#include "core/clock.h"

#define PURPOSE "impersonation"

enum err pass_make(struct ctx *c, const struct actor *as, const char **out)
{
	const char *text = arena_printf(c->arena, "%lld %s %s %s %s %u %s %s",
					(long long)as->expires, as->by.s, as->session, as->jti,
					as->user.s, (unsigned)as->token_epoch,
					roles[as->role].name, as->email);

	return seal(c, PURPOSE, text, out);
}

static bool read_pass(struct ctx *c, const char *text, struct actor *a)
{
	struct str word[7], rest = str_of(text);
	long expires, epoch;

	for (size_t i = 0; i < COUNT(word); i++)
		word[i] = str_cut(rest, ' ', &rest);
	if (!str_to_long(word[0], 0, INT64_MAX, &expires) || !id_parse(word[1], &a->by) ||
	    !id_parse(word[4], &a->user) || !str_to_long(word[5], 0, INT32_MAX, &epoch) || !rest.n)
		return false;
	a->expires = expires;
	a->session = arena_strndup(c->arena, word[2].p, word[2].n);
	a->jti = arena_strndup(c->arena, word[3].p, word[3].n);
	a->token_epoch = (uint32_t)epoch;
	a->role = role_parse(arena_strndup(c->arena, word[6].p, word[6].n));
	a->email = arena_strndup(c->arena, rest.p, rest.n);
	if (a->role == ROLE_COUNT)
		return false;
	a->permissions = roles[a->role].permissions;
	return true;
}

enum err pass_open(struct ctx *c, const char *pass, struct actor *who)
{
	const char *text = seal_open(c, PURPOSE, pass);
	struct actor a = actor_anonymous;

	if (!text || !read_pass(c, text, &a) || a.expires <= clock_now_us() / 1000000)
		return fail(c, E_UNAUTH, "this look at the site is over");
	if (!(who->permissions & MAY_ADMIN) || strcmp(a.by.s, who->user.s) != 0 || !who->session ||
	    strcmp(a.session, who->session) != 0 || (a.permissions & MAY_ADMIN))
		return fail(c, E_UNAUTH, "this look at the site is not yours");
	TRY(token_check_revoked(c, &a));
	*who = a;
	return OK;
}
