/* src/site/site.h - the pages that everybody may see */
#ifndef SITE_SITE_H
#define SITE_SITE_H

#include "domain/events.h"
#include "web/page.h"

extern const struct route site_routes[], feed_routes[], sitemap_routes[], password_pages[];

/* ---- handlers, one file per page ---- */
enum err feed_atom(struct req *rq);
enum err site_agenda(struct req *rq);
/* month.c: adds weeks and days to the agenda's page. */
enum err site_month(struct req *rq, struct json_object *page) MUST_CHECK;
enum err site_event(struct req *rq);
enum err site_answer(struct req *rq);
enum err site_entry_form(struct req *rq);	/* /login and /signup */
enum err site_entry(struct req *rq);
enum err site_embed_event(struct req *rq);
enum err site_embed_list(struct req *rq);
enum err site_docs(struct req *rq);
enum err site_docs_group(struct req *rq);
enum err site_logout(struct req *rq);
/* me.c: page_data for one of the reader's own pages; here: its entry in the menu. */
struct json_object *site_me_page(struct req *rq, const char *here);
enum err site_me(struct req *rq);
enum err site_profile(struct req *rq);
enum err site_profile_save(struct req *rq);
enum err site_second(struct req *rq);
enum err site_second_begin(struct req *rq);
enum err site_second_confirm(struct req *rq);
enum err site_second_off(struct req *rq);
enum err site_sessions(struct req *rq);
enum err site_sessions_end(struct req *rq);

extern const struct route door_routes[];
/* What a cookie ends in behind TLS. */
const char *site_cookie_end(const struct req *rq);
enum err site_ticket(struct req *rq);
enum err site_door(struct req *rq);
enum err site_door_scan(struct req *rq);
enum err site_door_undo(struct req *rq);
enum err site_gate_enter(struct req *rq);
enum err site_gate(struct req *rq);
enum err site_gate_scan(struct req *rq);
enum err site_gate_undo(struct req *rq);
enum err site_gates(struct req *rq);
enum err site_gates_add(struct req *rq);
enum err site_gates_revoke(struct req *rq);

/* look.c: adds to an event, as the API has it, what templates show: when, day, hours, begins,
 * path, address, and whether it is free, full, cancelled or over. */
void site_look(struct req *rq, struct json_object *event);
/* An event as this reader sees it, with what site_look adds; fresh: exact counts. E_NOTFOUND. */
enum err site_event_data(struct req *rq, const struct id *id, bool fresh, struct event_parts *p,
			 struct json_object **out) MUST_CHECK;
/* JSON-LD of an event that site_look has seen. A new reference. */
struct json_object *site_linked_data(struct json_object *event);
/* What the site calls itself. */
const char *site_name(struct req *rq);

#endif
