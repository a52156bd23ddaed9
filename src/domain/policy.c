/* src/domain/policy.c - who may see and do what with an event, in two tables */
#include "domain/policy.h"

#include "auth/actor.h"
#include "core/strbuf.h"

enum relation_bit {
	R_HOST = 1,
	R_COHOST = 2,
	R_ATTENDING = 4,
	R_INVITED = 8,
	R_FRIEND = 16,
	R_NONE = 32,
	R_ALL = 63
};

static const struct {
	const char *word;
	unsigned bit;
} relations[] = { { "host", R_HOST },       { "cohost", R_COHOST }, { "attending", R_ATTENDING },
		  { "invited", R_INVITED }, { "friend", R_FRIEND }, { "none", R_NONE } };

static const struct {
	const char *privacy;
	unsigned seen_by;
} privacies[] = { { "public", R_ALL },
		  { "friends_only", R_ALL & ~(unsigned)R_NONE },
		  { "private", R_HOST | R_COHOST | R_ATTENDING | R_INVITED } };

static const char *const acts[] = { "edit", "invite", "checkin", "moderate", "delete" };

static unsigned relation_of(const struct event_parts *p)
{
	for (size_t i = 0; i < COUNT(relations); i++)
		if (str_is(p->relation, relations[i].word))
			return relations[i].bit;
	return R_NONE;
}

static bool is_admin(const struct ctx *c)
{
	return c->actor->permissions & MAY_ADMIN;
}

bool policy_sees_event(const struct ctx *c, const struct event_parts *p)
{
	unsigned who = relation_of(p);

	if (is_admin(c))
		return true;
	if (str_is(p->status, "draft"))
		return who & (R_HOST | R_COHOST);
	for (size_t i = 0; i < COUNT(privacies); i++)
		if (str_is(p->privacy, privacies[i].privacy))
			return who & privacies[i].seen_by;
	return false;
}

bool policy_may(const struct ctx *c, const struct event_parts *p, const char *act)
{
	struct str rest = p->cohost_may;

	if (is_admin(c) || relation_of(p) == R_HOST)
		return true;
	while (rest.p)
		if (str_is(str_cut(rest, ',', &rest), act))
			return true;
	return false;
}

const char *policy_permissions(struct ctx *c, const struct event_parts *p)
{
	struct strbuf b;

	strbuf_init(&b, c->arena, 256);
	strbuf_addc(&b, '[');
	for (size_t i = 0; i < COUNT(acts); i++)
		if (policy_may(c, p, acts[i]))
			strbuf_printf(&b, "%s\"%s\"", b.len > 1 ? "," : "", acts[i]);
	strbuf_addc(&b, ']');
	return strbuf_str(&b);
}

bool policy_sees_link(const struct ctx *c, const struct event_parts *p)
{
	return is_admin(c) || (relation_of(p) & (R_HOST | R_COHOST)) ||
	       str_is(p->my_state, "going");
}
