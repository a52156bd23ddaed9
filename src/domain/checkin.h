/* src/domain/checkin.h - the door of an event: scans, taking them back, looking for people, and the
 * links that its staff work with */
#ifndef DOMAIN_CHECKIN_H
#define DOMAIN_CHECKIN_H

#include "core/id.h"
#include "domain/input.h"

extern const struct input_field checkin_fields[], checkin_query[], gate_fields[];

/* Who is at which door. */
struct door {
	struct id event;	/* of a host; none: that of the link */
	const char *gate;	/* SHA-256 of a link's secret in hex; NULL: c->actor hosts */
};

/* One scan. in: checked checkin_fields; without a nonce it gets one. json: status ok or refused,
 * and the reason: ok, already, not_registered, waitlisted, cancelled, too_early, wrong_event,
 * invalid, event_cancelled. E_NOTFOUND, E_DENIED: not their event; E_UNAUTH: no valid link.
 * E_INVALID. */
enum err checkin_scan(struct ctx *c, const struct door *d, const struct input *in,
		      const char **json) MUST_CHECK;
/* Scans of many people, by a host: a PostgreSQL array of ids that were checked; batch: an id of its
 * own, sent again nobody is scanned twice. And what they came to: a JSON array of what
 * checkin_scan says of each. */
enum err checkin_many(struct ctx *c, const struct id *event, const char *batch,
		      const char *people) MUST_CHECK;
enum err checkin_batch(struct ctx *c, const struct id *event, const char *batch,
		       const char **json) MUST_CHECK;

/* Takes the check-in of a person back (hosts only), or what a scan did (by its nonce); the other is
 * NULL. json: reason undone or not_checked_in. */
struct undo {
	const char *user, *scan, *nonce;	/* nonce NULL: a new one */
};
enum err checkin_undo(struct ctx *c, const struct door *d, const struct undo *u,
		      const char **json) MUST_CHECK;

/* The event, its counts, the last scans; with q people of that name (found, each with code_end, the
 * last four characters of the ticket), with nonce what that scan came to (outcome). */
struct look {
	const char *q, *nonce;
};
enum err checkin_look(struct ctx *c, const struct door *d, const struct look *l,
		      struct json_object **out) MUST_CHECK;

/* ---- gates.c: links for the staff; by hosts and admins. Answers are JSON ---- */
#define GATE_SECRET_CHARS 43	/* 256 bits in base64url */
#define GATE_HASH 65
/* False: that is no secret of a link. */
bool gate_hash(struct str secret, char hex[GATE_HASH]);
/* in: checked gate_fields. secret and json belong to the arena; the secret is told nowhere else. */
enum err gates_create(struct ctx *c, const struct id *event, const struct input *in,
		      const char **secret, const char **json) MUST_CHECK;
/* What a form carries that is sent through the link of that hash. */
enum err gate_form_key(struct ctx *c, const char *hash, const char **out) MUST_CHECK;
enum err gates_list(struct ctx *c, const struct id *event, const char **json) MUST_CHECK;
enum err gates_revoke(struct ctx *c, const struct id *event, struct str gate,
		      const char **json) MUST_CHECK;

#endif
