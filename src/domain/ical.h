/* src/domain/ical.h - events as iCalendar (RFC 5545, RFC 7986): feeds now, mail when it wants to
 *
 * An event is the document that the API shows. Times are local with their VTIMEZONE; in UTC where
 * the zone is UTC, or where clocks show that time twice and it is the second (3.3.5 means the
 * first). Events of whole days in their zone are dates. There is no ORGANIZER: that would have to
 * be a mail address, and people's are nobody's business; CONTACT names the host. */
#ifndef DOMAIN_ICAL_H
#define DOMAIN_ICAL_H

#include "core/strbuf.h"

#include <json-c/json.h>
#include <stdint.h>

struct ical_head {
	const char *site;	/* public address without / at the end */
	const char *name;	/* of the calendar; NULL: it has none */
	const char *refresh;	/* how often to ask again ("PT1H"); NULL: nothing is said */
	const char *method;	/* iTIP method (RFC 5546), for mail; NULL: none */
};

/* A whole calendar with these events (an array). Fails as out does. */
void ical_calendar(struct strbuf *out, const struct ical_head *head, struct json_object *events);

/* ---- its parts, for tests ---- */
/* A content line, folded at 75 bytes, never within a character (3.1). */
void ical_line(struct strbuf *out, const char *name, const char *value);
/* The same of a TEXT (3.3.11); nothing when value is NULL or empty. */
void ical_text(struct strbuf *out, const char *name, const char *value);
/* A VTIMEZONE that holds from the year before the first instant to the year after the last. */
void ical_zone(struct strbuf *out, const char *zone, int64_t first_us, int64_t last_us);

#endif
