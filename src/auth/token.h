/* src/auth/token.h - access tokens: JWT (RFC 7519, RFC 8725), made and verified by libjwt behind
 * our own strict reading of header and claims */
#ifndef AUTH_TOKEN_H
#define AUTH_TOKEN_H

#include "auth/actor.h"
#include "core/ctx.h"
#include "core/shm.h"

/* OK when the configuration can sign and verify tokens; else E_INVALID, and a message that says
 * what to configure. Programs that make or read tokens refuse to start without it. */
enum err token_ready(struct ctx *c) MUST_CHECK;

/* A signed token for actor a (user, email, role, session, token_epoch are used); fills a->jti and
 * a->expires. session may be NULL: such a token is ended by its jti. The text belongs to the
 * arena. */
enum err token_issue(struct ctx *c, struct actor *a, const char **out) MUST_CHECK;

/* Verifies text: at most 4 KiB, three canonical base64url parts, header exactly {"alg","typ"} with
 * our algorithm, no duplicate claims, signature, exp, nbf, iat (60 s leeway), iss, aud, sub, jti,
 * role, tv. Does not look at revocation. E_UNAUTH otherwise; the reason is logged at debug only. */
enum err token_verify(struct ctx *c, struct str text, struct actor *out) MUST_CHECK;

/* Revoked? Shared memory when its reader is alive (heartbeat within 1 s), else one statement.
 * OK, E_UNAUTH, or E_UNAVAIL when neither can be asked. */
enum err token_check_revoked(struct ctx *c, const struct actor *a) MUST_CHECK;

/* Seconds for which a revocation must be kept: no token made now lives longer. */
long revocation_ttl(void);
/* Tells this host at once, after the commit; the others learn it from the database within a second.
 * epoch: of a user, 1 for the other kinds. */
void revocation_tell(enum revocation_kind kind, const char *id, uint32_t epoch);

/* Re-reads the last 30 s of revocations and the cache namespace when it is this process's turn.
 * Called between requests and on every idle wake-up (250 ms). Works in memory and an error state of
 * its own: nothing of c but its services is used. */
void revocation_poll(struct ctx *c);

#endif
