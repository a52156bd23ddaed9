/* src/domain/counts.h - what is counted of an event, out of the database's text for it */
#ifndef DOMAIN_COUNTS_H
#define DOMAIN_COUNTS_H

#include "core/strbuf.h"

enum {
	COUNT_SEQ, /* of changes */
	COUNT_GOING,
	COUNT_INTERESTED,
	COUNT_MAYBE,
	COUNT_WAITLISTED,
	COUNT_VIEWS,
	COUNT_SHARES,
	COUNT_FREE, /* seats; of an unlimited event about 10^9 and more */
	N_COUNTS
};

/* Adds up "{seq/going/…/free,…}", one group for each slot (slot_counts in SQL). False when it is
 * not of that form. */
bool counts_read(struct str text, long out[N_COUNTS]);
/* "stats":{…} */
void counts_stats(struct strbuf *b, const long n[N_COUNTS]);
/* The same and "current_attendees":n. */
void counts_members(struct strbuf *b, const long n[N_COUNTS]);

#endif
