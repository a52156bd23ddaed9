/* tests/unit/token_verdict.h - what token_verify says to a text, as an assertion */
#ifndef UNIT_TOKEN_VERDICT_H
#define UNIT_TOKEN_VERDICT_H

#include "token_forge.h"

static T_UNUSED enum err verify(const char *token)
{
	struct actor a;
	enum err e;

	ctx_forgive(&c);
	e = token_verify(&c, str_of(token), &a);
	if (e != OK)
		T_FALSE(actor_known(&a) || a.permissions);
	return e;
}

static T_UNUSED void refused(const char *what, const char *token)
{
	enum err e = verify(token);

	if (e != E_UNAUTH)
		T_FAIL("%s gives %s, not UNAUTHORIZED", what, err_info(e)->code);
	/* why is nobody's business */
	T_EQ_STR(c.err_msg, "the access token is not valid");
	T_NULL(c.details);
}

static T_UNUSED void accepted(const char *what, const char *token)
{
	enum err e = verify(token);

	if (e != OK)
		T_FAIL("%s gives %s", what, err_info(e)->code);
}

#endif
