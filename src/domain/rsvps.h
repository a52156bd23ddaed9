/* src/domain/rsvps.h - answers to events: seats, the waiting list, and their lists */
#ifndef DOMAIN_RSVPS_H
#define DOMAIN_RSVPS_H

#include "core/id.h"
#include "db/db.h"
#include "domain/input.h"

extern const struct input_field rsvp_fields[], register_fields[];

/* What c->actor answers to an event. */
struct answer {
	const struct id *event;
	const char *want; /* going interested maybe not_going; NULL = take the answer back */
	const char *data; /* registration_data as JSON text, or NULL */
	const struct idempotency *idem;
};
/* What came of it; the texts belong to the arena. */
struct outcome {
	int http; /* 201, 200 */
	bool replayed;
	const char *json, *status; /* the document; going, waitlisted, not_going … */
};
/* E_NOTFOUND (also: nothing to take back), E_FULL, E_CLOSED. */
enum err rsvps_set(struct ctx *c, const struct answer *a, struct outcome *out) MUST_CHECK;
/* For hosts and staff: takes the answers of these people (a PostgreSQL array) back; how many had
 * one. reason may be NULL. E_NOTFOUND, E_DENIED, E_CLOSED. */
enum err rsvps_withdraw(struct ctx *c, const struct id *event, const char *people,
			const char *reason, long *n) MUST_CHECK;
/* One more seat, for this person, who waits. E_NOTFOUND, E_DENIED, E_CLOSED, E_CONFLICT. */
enum err rsvps_give_seat(struct ctx *c, const struct id *event, const struct id *who) MUST_CHECK;
/* Own answer with exact counts; E_NOTFOUND. */
enum err rsvps_get(struct ctx *c, const struct id *event, const char **json) MUST_CHECK;

#endif
