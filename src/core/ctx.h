/* src/core/ctx.h - what travels with every operation: memory, services, actor, first error */
#ifndef CORE_CTX_H
#define CORE_CTX_H

#include "core/arena.h"
#include "core/config.h"
#include "core/err.h"

#include <stdint.h>

struct db;
struct cache;
struct actor;

struct detail {
	struct detail *next;
	const char *field;	/* as the client named it */
	const char *reason;
};

struct ctx {
	struct arena *arena;
	const struct config *cfg;
	struct db *db;
	struct db *replica;		/* lists may be read from it; NULL: there is none */
	struct cache *cache;
	const struct actor *actor;	/* never NULL; the anonymous one has no id */
	const char *request_id;		/* "req_..." or "" */
	/* For the audit log: an id or "", from where, and as whom they look at the site ("":
	 * themselves); all NULL: nobody asked, as for timed jobs. */
	const char *asker, *asker_address, *asker_as;
	const char *traceparent;	/* W3C trace context or NULL */

	enum err err;			/* the first error of this operation */
	const char *err_msg;
	struct detail *details, **details_end;
	int n_details;			/* kept: CTX_DETAILS_MAX at most */
	int retry_after;		/* seconds, for E_LIMIT and E_UNAVAIL */

	unsigned sql_trips;		/* round trips so far; counted by db/ and cache/ */
	unsigned revocation_trips;	/* those of sql_trips that asked whether a token is void */
	unsigned cache_trips;
	/* Positions in PostgreSQL's log (read-your-writes); 0 = none. Kept only with a replica. */
	uint64_t must_see;		/* what this reader wrote last: lists have to show it */
	uint64_t wrote;			/* behind the last change that this operation made */
	bool cache_off;			/* a time-out was met: leave the cache alone from here on */
};

/* Empties the error state, the counters, request_id and traceparent (they lived in the old arena)
 * and sets the arena; services and actor stay. */
void ctx_begin(struct ctx *c, struct arena *a);

/* Records e with a message for people, unless an error is recorded already. Returns the first. */
enum err fail(struct ctx *c, enum err e, const char *fmt, ...) PRINTF_LIKE(3, 4);

#define CTX_DETAILS_MAX 100
/* Records one bad field; the first hundred are kept, in order. The error becomes E_INVALID, which
 * is returned. */
enum err fail_field(struct ctx *c, const char *field, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Forgets the error, for callers that carry on another way. */
void ctx_forgive(struct ctx *c);

#endif
