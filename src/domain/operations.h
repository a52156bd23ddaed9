/* src/domain/operations.h - what staff sees of the machinery: figures, jobs, parked messages,
 * categories */
#ifndef DOMAIN_OPERATIONS_H
#define DOMAIN_OPERATIONS_H

#include "core/ctx.h"
#include "domain/input.h"

/* Lists of objects, whose members are texts; they belong to the arena. */

/* [{kind day | category | total, key, n}], as job figures last counted. */
enum err figures_get(struct ctx *c, struct json_object **out) MUST_CHECK;
/* [{id, title, max_attendees, going}], the most popular of the coming events. */
enum err figures_top(struct ctx *c, struct json_object **out) MUST_CHECK;

/* [{name, every, run_at, finished_at, took, failures, last_error, note}] */
enum err jobs_list(struct ctx *c, struct json_object **out) MUST_CHECK;
/* Makes it run at once; E_NOTFOUND. */
enum err jobs_run(struct ctx *c, const char *name) MUST_CHECK;

/* [{pos, key, seq, type, bytes, tries, replay_at, reason}] */
enum err parked_list(struct ctx *c, struct json_object **out) MUST_CHECK;
/* Sends this message and all of its key after all, or gives it up. E_NOTFOUND. */
enum err parked_settle(struct ctx *c, const char *pos, bool replay) MUST_CHECK;

/* Of the database that c is connected to. */
const char *server_version(struct ctx *c);
/* What the parts that report last said, by name: {notifier: {…, age}, …}; age in seconds. */
enum err beats_get(struct ctx *c, struct json_object **out) MUST_CHECK;

extern const struct input_field category_fields[];
/* in: checked category_fields. fresh: a new one; else what slug names is changed. E_NOTFOUND,
 * E_INVALID. */
enum err category_save(struct ctx *c, const struct input *in, bool fresh) MUST_CHECK;

#endif
