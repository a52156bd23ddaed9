/* src/domain/feeds.h - calendars of one's own, for programs that cannot sign in: by an address that
 * only their owner knows, and can make void */
#ifndef DOMAIN_FEEDS_H
#define DOMAIN_FEEDS_H

#include "core/ctx.h"
#include "core/id.h"

/* Gives c->actor a new token (256 bits; only its hash is kept); an older one is void. */
enum err feeds_open(struct ctx *c, const char **token) MUST_CHECK;
/* From now on c->actor has none. */
enum err feeds_close(struct ctx *c) MUST_CHECK;
/* Whose token it is; E_NOTFOUND. */
enum err feeds_owner(struct ctx *c, struct str token, struct id *user) MUST_CHECK;

#endif
