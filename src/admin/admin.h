/* src/admin/admin.h - the staff desk: one file per page */
#ifndef ADMIN_ADMIN_H
#define ADMIN_ADMIN_H

#include "domain/events.h"
#include "web/form.h"
#include "web/page.h"

extern const struct route admin_routes[];

/* ---- handlers, one file per page ---- */
enum err admin_home(struct req *rq);
enum err admin_events(struct req *rq);
enum err admin_event_new(struct req *rq);
enum err admin_event_create(struct req *rq);
enum err admin_event_edit(struct req *rq);
enum err admin_event_save(struct req *rq);
enum err admin_act(struct req *rq); /* asks whether to: publish, cancel, duplicate, delete */
enum err admin_act_do(struct req *rq);
enum err admin_attendees(struct req *rq);
enum err admin_attendees_csv(struct req *rq);
enum err admin_attendees_cancel(struct req *rq);
enum err admin_attendees_checkin(struct req *rq);
enum err admin_waiting(struct req *rq);
enum err admin_waiting_do(struct req *rq);
enum err admin_system(struct req *rq);
enum err admin_doctor(struct req *rq);
enum err admin_job(struct req *rq);
enum err admin_parked(struct req *rq);
enum err admin_categories(struct req *rq);
enum err admin_category_save(struct req *rq);
enum err admin_accounts(struct req *rq);
enum err admin_account(struct req *rq);
enum err admin_account_save(struct req *rq);
enum err admin_account_sign_out(struct req *rq);
enum err admin_impersonate(struct req *rq);
enum err admin_impersonate_end(struct req *rq);
enum err admin_audit(struct req *rq);

/* ---- what they share (desk.c) ---- */

/* page_data with the menu, in which that page stands out; and what was done last (?done=…). */
struct json_object *desk_data(struct req *rq, const char *page);

/* An event that somebody works on. */
struct desk_event {
	struct id id;
	struct event_parts parts;
	struct json_object *doc; /* event_object() */
	const char *zone, *path; /* "/admin/events/<id>" */
};
/* The event of the address, exactly as it is now; E_NOTFOUND for who may not see it, E_DENIED for
 * who may not do that with it. */
enum err desk_event(struct req *rq, const char *act, struct desk_event *out) MUST_CHECK;
/* Adds it to the page as templates show it: event {…, when, path, status_word, may_…}. */
void desk_add_event(struct req *rq, struct json_object *o, const struct desk_event *e);
/* What lists and pages show of an event beyond its document. */
void desk_look(struct req *rq, struct json_object *o, struct json_object *event);
/* The address of the next page of a list: the same query with its cursor; nothing on the last. */
void desk_add_next(struct req *rq, struct json_object *o, const char *pagination);
/* 303 there, with what was done for its page to say. */
enum err desk_done(struct req *rq, const char *path, const char *done) MUST_CHECK;

/* How the parts of the deployment fare, for partials/health; beats: see beats_get. */
void desk_add_health(struct req *rq, struct json_object *o, struct json_object *beats);

/* A text of the page's language: t.desk.<group>.<name>, or the name. */
const char *desk_word(struct json_object *o, const char *group, const char *name);
/* Tables of forms, beside those of events. */
extern const struct input_field desk_no_fields[], desk_withdraw_fields[], desk_waiting_fields[],
    desk_job_fields[], desk_parked_fields[];
/* The query's field for pages that say what was done. */
extern const struct input_field done_query[], desk_fields[];
#define DONE_ROW { "done", IN_LINE, 0, 0, 40, 0, NULL, NULL, "What has just been done" }

/* A number out of stats. */
long desk_count(struct json_object *event, const char *name);

#endif
