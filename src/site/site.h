/* src/site/site.h - the pages that everybody may see */
#ifndef SITE_SITE_H
#define SITE_SITE_H

#include "web/page.h"

extern const struct route site_routes[];

/* ---- handlers, one file per page ---- */
enum err site_agenda(struct req *rq);
enum err site_event(struct req *rq);
enum err site_answer(struct req *rq);
enum err site_entry_form(struct req *rq);	/* /login and /signup */
enum err site_entry(struct req *rq);
enum err site_logout(struct req *rq);
enum err site_me(struct req *rq);
enum err site_sessions(struct req *rq);
enum err site_sessions_end(struct req *rq);

/* look.c: adds to an event, as the API has it, what templates show: when, day, hours, path,
 * address, and whether it is free, full, cancelled or over. */
void site_look(struct req *rq, struct json_object *event);

#endif
