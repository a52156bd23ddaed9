/* src/domain/tickets.h - the code of a ticket: what it says, and that we said it
 *
 * 36 characters of Crockford's base32 (https://www.crockford.com/base32.html): the millisecond in
 * which the seat was taken (9), the end of the holder's id (6), the end of the event's id (5), and
 * 80 bits of HMAC-SHA-256 over these 20 characters (16). The database keeps nothing of it. Who
 * gives the seat back and takes another has another time, and so another code; the old one is
 * genuine still, but finds no seat. Where two took a seat of one event in the same millisecond,
 * their ids tell them apart. doc/checkin.md tells about the keys and their change. */
#ifndef DOMAIN_TICKETS_H
#define DOMAIN_TICKETS_H

#include "core/ctx.h"
#include "core/id.h"
#include "core/json.h"

#define TICKET_CHARS 36
#define TICKET_TEXT 45 /* in groups of four, with dashes between them, terminated */

struct ticket {
	int64_t ms;	  /* since 1970 */
	const char *holder, *event; /* the last 7 and 6 digits of their ids */
};

/* Says at the start whether there is a usable key. E_INVALID. */
enum err tickets_ready(struct ctx *c) MUST_CHECK;

/* The code, in groups; t->holder and t->event may be whole ids. E_INVALID: no usable key. */
enum err tickets_code(struct ctx *c, const struct ticket *t, char out[TICKET_TEXT]) MUST_CHECK;

/* Is text a code at all, be it ours or not? Dashes and blanks count for nothing, nor does case; O
 * is 0, I and L are 1. */
bool tickets_like(struct str text);
/* *genuine: text is a code, and one of our keys has signed it; then *out says which. */
enum err tickets_read(struct ctx *c, struct str text, struct ticket *out, bool *genuine) MUST_CHECK;

/* Own ticket of c->actor, as a document; with its code in groups. E_NOTFOUND. */
enum err tickets_mine(struct ctx *c, const struct id *event, struct json_object **out) MUST_CHECK;
/* A code without its dashes: capitals and digits, which QR codes keep in little space. */
const char *tickets_plain(struct arena *a, const char *code);

#endif
