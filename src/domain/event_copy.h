/* src/domain/event_copy.h - inside of domain/: the worker's own copies of events (cache/l1.h) */
#ifndef DOMAIN_EVENT_COPY_H
#define DOMAIN_EVENT_COPY_H

#include "cache/l1.h"
#include "domain/events.h"

/* Keeps core and stats of p and the facts in them for life_ms at most. */
void event_copy_put(struct ctx *c, struct event_parts *p, const struct l1_mark *mark,
		    int64_t life_ms);
/* Fills these members of p, whose id is set, from a copy that is still good. */
bool event_copy_get(struct ctx *c, struct event_parts *p);
/* Only the counts, however old. */
bool event_copy_counts(struct ctx *c, struct event_parts *p);

#endif
