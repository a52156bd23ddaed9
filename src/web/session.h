/* src/web/session.h - signing in on pages: the API's tokens in two cookies, and forms that only our
 * own pages can send */
#ifndef WEB_SESSION_H
#define WEB_SESSION_H

#include "domain/people.h"
#include "web/route.h"

/* Whose sign-in the cookies hold, into rq->actor: the access token; when that is over, the refresh
 * token, which gives new ones. Anonymous when there is none or it has ended. E_UNAVAIL. */
enum err session_actor(struct req *rq) MUST_CHECK;

/* From here on rq->actor is who has signed in. */
enum err session_begin(struct req *rq, const struct session *s) MUST_CHECK;
void session_end(struct req *rq);

/* While an admin has signed in: a cookie that makes them somebody else for the site (auth/pass.h).
 * session_as, after session_actor, reads it, and takes it away when it is worth nothing. */
void session_as_begin(struct req *rq, const char *pass, long seconds);
enum err session_as(struct req *rq) MUST_CHECK;
void session_as_end(struct req *rq);

/* What every form of this sign-in carries as "key"; "" while nobody is signed in. */
const char *session_form_key(struct req *rq);

/* The form that was sent (application/x-www-form-urlencoded) as an object of texts, without its
 * key; what is named x[] is a list x. E_DENIED unless it comes from a page of ours: Sec-Fetch-Site
 * and Origin say so, and the key is that of the sign-in. With another key *out is set all the
 * same, to be shown and not to be acted on. */
enum err session_form(struct req *rq, struct json_object **out) MUST_CHECK;

#endif
