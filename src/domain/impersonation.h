/* src/domain/impersonation.h - staff that looks at the site as somebody else sees it */
#ifndef DOMAIN_IMPERSONATION_H
#define DOMAIN_IMPERSONATION_H

#include "core/id.h"
#include "domain/input.h"

#define IMPERSONATION_S (30 * 60) /* the longest that one look lasts */

extern const struct input_field impersonation_fields[]; /* reason */

/* For c->actor, an admin: what pass_open takes, for as long as this sign-in lasts, half an hour at
 * most. The audit log is told the reason, when it begins and when it ends, by itself if need be.
 * E_NOTFOUND; E_DENIED for other admins; E_CONFLICT for who is suspended, or without a sign-in. */
enum err impersonation_begin(struct ctx *c, const struct id *user, const char *reason,
			     const char **pass) MUST_CHECK;
/* c->actor looks no longer: the pass is worth nothing from now on. */
enum err impersonation_end(struct ctx *c) MUST_CHECK;

#endif
