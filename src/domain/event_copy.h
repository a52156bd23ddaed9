/* src/domain/event_copy.h - inside of domain/: the worker's own copies of events (cache/l1.h) */
#ifndef DOMAIN_EVENT_COPY_H
#define DOMAIN_EVENT_COPY_H

#include "cache/l1.h"
#include "domain/events.h"

/* To be taken before the first look at anything of the event. */
struct l1_mark event_copy_mark(struct ctx *c, const struct id *id);
/* Keeps core and stats of p and the facts in them, as p->mark and p->until_ms say. */
void event_copy_put(struct ctx *c, struct event_parts *p);
/* Fills these members of p, whose id is set, from a copy that is still good. */
bool event_copy_get(struct ctx *c, struct event_parts *p);
/* Only the counts, however old. */
bool event_copy_counts(struct ctx *c, struct event_parts *p);

/* A slug never comes to mean another event: it is kept beside its event's copies, whatever its age.
 * When the event is gone, whoever looks for it by that id finds nothing. */
void event_copy_slug(struct ctx *c, const char *slug, const struct id *id);
bool event_copy_by_slug(struct ctx *c, const char *slug, struct id *id);

#endif
