/* src/auth/pass.h - what lets staff look at the site as somebody else for a while
 *
 * A pass is the sealed description of an actor, good only beside the sign-in of the admin it was
 * made for. It is no token: programs cannot use it. */
#ifndef AUTH_PASS_H
#define AUTH_PASS_H

#include "auth/actor.h"
#include "core/ctx.h"

/* as: user, role, email, token_epoch, expires; jti, by which it can be ended; by and session, the
 * admin's. The text belongs to the arena. */
enum err pass_make(struct ctx *c, const struct actor *as, const char **out) MUST_CHECK;

/* who: who has signed in; becomes whom the pass describes. E_UNAUTH: not theirs, over, ended. */
enum err pass_open(struct ctx *c, const char *pass, struct actor *who) MUST_CHECK;

#endif
