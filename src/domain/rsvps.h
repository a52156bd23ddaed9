/* src/domain/rsvps.h - answers to events: seats, the waiting list, and their lists */
#ifndef DOMAIN_RSVPS_H
#define DOMAIN_RSVPS_H

#include "core/id.h"
#include "db/db.h"
#include "domain/input.h"

extern const struct input_field rsvp_fields[], register_fields[];

/* c->actor's answer to an event: want = going interested maybe not_going; data = JSON text or NULL.
 * e->body is the answer document, e->status 201 or 200. Errors: E_NOTFOUND, E_FULL, E_CLOSED. */
enum err rsvps_set(struct ctx *c, const struct id *event, const char *want, const char *data,
		   const struct idempotency *idem, struct effect *e) MUST_CHECK;
/* Takes the answer back; E_NOTFOUND without one. */
enum err rsvps_cancel(struct ctx *c, const struct id *event, const struct idempotency *idem,
		      struct effect *e) MUST_CHECK;
/* Own answer with exact counts; E_NOTFOUND. */
enum err rsvps_get(struct ctx *c, const struct id *event, const char **json) MUST_CHECK;

/* Stored word of an answer document, for counting: going, waitlisted, cancelled … */
const char *rsvps_state_of(struct ctx *c, const char *json);

#endif
