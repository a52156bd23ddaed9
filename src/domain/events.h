/* src/domain/events.h - what an event is, how it is read in three parts, and everything that
 * changes it */
#ifndef DOMAIN_EVENTS_H
#define DOMAIN_EVENTS_H

#include "cache/l1.h"
#include "core/id.h"
#include "db/db.h"
#include "domain/input.h"

extern const struct input_field event_fields[], event_cancel_fields[],
    event_duplicate_fields[];

/* One event as texts to splice, never as a tree. All belong to the arena. */
struct event_parts {
	struct id id;
	struct str core; /* {"id":…} */
	struct str stats; /* "stats":{…},"current_attendees":n */
	struct str viewer; /* "my_rsvp":…,"friends_going":[…]; empty for anonymous readers */
	struct str link; /* virtual_link as JSON, for those attending or hosting; else empty */
	/* facts out of the parts' first lines */
	long version;
	struct str privacy, status, host_id, slug, stats_seq;
	bool has_link;
	struct str relation; /* host cohost attending invited friend none; "none" for anonymous */
	struct str cohost_may; /* "edit,invite" or "-" */
	struct str my_state; /* stored state of the viewer's answer, or "-" */
	bool known_viewer;
	/* as long as what, and until when (clock_mono_ms), a copy of it is good; 0: none is */
	struct l1_mark mark;
	int64_t until_ms;
};

/* The id behind a path segment: an id, or a slug (one statement). What is unknown gets an id that
 * nothing has, and so the same treatment as what is hidden. */
enum err events_find(struct ctx *c, struct str id_or_slug, struct id *out) MUST_CHECK;

/* Reads an event for c->actor: one multi-get; leases fill what is missing. fresh = exact counts.
 * E_NOTFOUND also for what the actor may not see. */
enum err events_get(struct ctx *c, const struct id *id, bool fresh,
		    struct event_parts *out) MUST_CHECK;
/* What was made of an event for readers who are not signed in, all alike: a page. It is kept in the
 * worker, under that name, as long as the event's own copy would be (doc/documents.md); for who is
 * signed in nothing is kept. */
void events_made_keep(struct ctx *c, const struct event_parts *p, const char *name,
		      struct str made);
/* What is kept, and of which event; p NULL: nothing that is still good, or the reader is known. */
struct str events_made(struct ctx *c, const char *name, struct id *id);
/* The same facts without documents, from the database, for lists below an event. */
enum err events_access(struct ctx *c, const struct id *id, struct event_parts *out) MUST_CHECK;

/* Cuts the text that event_parts() in SQL makes. False when it is not of that form. */
bool event_parts_cut(struct ctx *c, struct event_parts *p, struct str text);
/* All of it as one object, which belongs to the arena. */
struct json_object *event_object(struct ctx *c, const struct event_parts *p);
/* "v<version>.<stats seq>.<viewer>" */
const char *event_tag(struct ctx *c, const struct event_parts *p);

/* Changes: in->values are checked fields. The answer's parts are in *out. versions: see
 * req_if_match. Cache keys are deleted before these return. */
struct change {
	const struct id *id;
	const struct idempotency *idem; /* NULL: not idempotent */
	const char *versions;
	struct json_object *sent; /* the body as sent: errors name its fields */
	const struct input_field *fields;
	const struct id *of; /* events_duplicate only */
};
enum err events_create(struct ctx *c, const struct change *how, const struct input *in,
		       struct effect *e, struct event_parts *out) MUST_CHECK;
enum err events_update(struct ctx *c, const struct change *how, const struct input *in,
		       struct event_parts *out) MUST_CHECK;
enum err events_publish(struct ctx *c, const struct change *how, struct effect *e,
			struct event_parts *out) MUST_CHECK;
enum err events_cancel(struct ctx *c, const struct change *how, const char *reason,
		       struct effect *e, struct event_parts *out) MUST_CHECK;
/* Of how->of, as how->id; start NULL: in the first week that is still to come. */
enum err events_duplicate(struct ctx *c, const struct change *how, const char *start,
			  struct effect *e, struct event_parts *out) MUST_CHECK;
enum err events_delete(struct ctx *c, const struct change *how, struct effect *e) MUST_CHECK;

/* The zone of an event, for whole days in an edit; UTC when there is no such event. */
enum err events_zone(struct ctx *c, const struct id *id, const char **zone) MUST_CHECK;

enum err events_categories(struct ctx *c, const char **json) MUST_CHECK;
/* The same as an array that belongs to the arena, each with chosen: is its slug that? */
enum err events_category_choices(struct ctx *c, const char *slug,
				 struct json_object **out) MUST_CHECK;
/* Adds the problem of an unknown category to those already recorded. */
void events_category_problem(struct ctx *c, const char *word, const char *sent);

/* Counts one view; views_flush writes them: when 256 are held, or (idle) every 5 s. */
void views_count(struct ctx *c, const struct id *id);
void views_flush(struct ctx *c, bool now);

#endif
