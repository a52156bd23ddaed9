/* src/web/guard.h - what stands before a handler: who is asking, how often, from where */
#ifndef WEB_GUARD_H
#define WEB_GUARD_H

#include "domain/people.h"
#include "web/route.h"

/* The actor from the Authorization header; none = anonymous; a bad one E_UNAUTH. */
enum err guard_actor(struct req *rq) MUST_CHECK;
/* Where auth.staff_second_factor asks for it: staff without a second factor is no more than any
 * member (lacks_second). For guard_actor, and for who has just signed in. */
enum err guard_second(struct req *rq) MUST_CHECK;
/* Takes from the quotas of the route's class; sets the RateLimit headers. E_LIMIT. */
enum err guard_rate(struct req *rq) MUST_CHECK;
/* who and may of the route. E_UNAUTH, E_DENIED, E_NOTFOUND (WHO_LOCAL). */
enum err guard_access(struct req *rq) MUST_CHECK;
/* Idempotency-Key of keyed routes into rq->idem. E_INVALID. */
enum err guard_key(struct req *rq) MUST_CHECK;
/* CORS for listed origins (Fetch standard); headers also on errors. */
void guard_cors(struct req *rq, unsigned methods, bool preflight);
/* Headers that every answer carries. */
void guard_headers(struct req *rq);

/* lastwrite.c: what this reader wrote last, by header, cookie or as the host remembers it; and what
 * this request wrote, for the next one. Nothing without a replica. */
void lastwrite_read(struct req *rq);
void lastwrite_tell(struct req *rq);

/* Limits count an IPv4 address, or the /64 of an IPv6 address. */
struct client guard_client(const struct req *rq);

#endif
