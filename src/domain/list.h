/* src/domain/list.h - lists of events: filters, sorts and pages as SQL fragments */
#ifndef DOMAIN_LIST_H
#define DOMAIN_LIST_H

#include "core/ctx.h"
#include "core/strbuf.h"
#include "domain/input.h"

extern const struct input_field list_fields[], agenda_fields[], embed_fields[];
extern const struct input_field my_fields[], page_fields[];

struct list {
	const char *items; /* JSON array */
	const char *pagination; /* JSON object */
};

/* All public lists; in: checked list_fields. */
enum err list_events(struct ctx *c, const struct input *in, struct list *out) MUST_CHECK;
/* The same for calendars that people subscribe to: up to LIST_FEED unless a limit was asked for,
 * and where no status was, events that were called off stay until a day after they would have
 * begun. */
#define LIST_FEED 500
enum err list_feed(struct ctx *c, const struct input *in, struct list *out) MUST_CHECK;
/* Up to LIST_FEED events that c->actor hosts or answered to, those that are cancelled too. */
enum err list_my_feed(struct ctx *c, struct list *out) MUST_CHECK;

/* c->actor's events; in: checked my_fields. */
enum err list_mine(struct ctx *c, const struct input *in, struct list *out) MUST_CHECK;
/* For the desk: all events for staff, for others those they host or help to, the latest first; in:
 * checked desk_fields (src/admin/events.c), which are find, host, status and list_fields. */
enum err list_desk(struct ctx *c, const struct input *in, struct list *out) MUST_CHECK;

/* Below an event; in: checked attendee_fields or page_fields. */
extern const struct input_field attendee_fields[];
struct event_parts;
enum err list_attendees(struct ctx *c, const struct event_parts *e, const struct input *in,
			struct list *out) MUST_CHECK;
enum err list_waiting(struct ctx *c, const struct event_parts *e, const struct input *in,
		      struct list *out) MUST_CHECK;

/* The attendees of that list as CSV (RFC 4180), so many at a time, without a line of names: adds to
 * out those that follow *at, which begins zeroed. Nothing is added when there are no more. */
struct csv_place {
	char key[64], id[40]; /* of the last one added */
};
enum err list_attendees_csv(struct ctx *c, const struct event_parts *e, const struct input *in,
			    struct csv_place *at, struct strbuf *out) MUST_CHECK;

/* Every statement list_events can assemble, for the test that prepares them all: number n, NULL
 * after the last. */
const char *list_statement(struct ctx *c, int n);

#endif
