/* src/admin/routes.c - all addresses of the desk */
#include "admin/admin.h"

#include "domain/accounts.h"
#include "domain/impersonation.h"
#include "domain/list.h"
#include "domain/operations.h"
#include "domain/page.h"

static const struct input_field attendees_query[] = {
	PAGE_ROWS,
	{ "status", IN_WORD, 0, 0, 0, 0,
	  "going|interested|maybe|not_going|waitlisted|attended|no_show", NULL,
	  "Default: who is coming" },
	{ "q", IN_LINE, 0, 1, 100, 0, NULL, NULL, "Part of a name" },
	{ "batch", IN_ID, 0, 0, 0, 0, NULL, NULL, "Who has just been checked in" },
	DONE_ROW,
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};
static const struct input_field waiting_query[] = {
	PAGE_ROWS,
	DONE_ROW,
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};

static const struct input_field categories_query[] = {
	{ "edit", IN_LINE, 0, 1, 40, 0, NULL, NULL, "The one to be changed" },
	DONE_ROW,
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};

#define DESK (RF_PAGE | RF_DESK)
/* A page that shows, and one that takes a form; may: on top of what handlers ask of the event. */
#define SHOW(path, handler, may, query, doc)                                                       \
	{ M_GET, path, handler, WHO_MEMBER, may, RL_BROWSE, C_NONE, DESK, NULL, query, doc }
#define TAKE(path, handler, may, body, doc)                                                        \
	{ M_POST, path, handler, WHO_MEMBER, may, RL_WRITE, C_NONE, DESK, body, NULL, doc }

const struct route admin_routes[] = {
	SHOW("/admin", admin_home, 0, NULL, "Where the desk begins"),
	SHOW("/admin/", admin_home, 0, NULL, "Where the desk begins"),
	SHOW("/admin/events", admin_events, 0, desk_fields, "Events, with filters"),
	SHOW("/admin/events/new", admin_event_new, MAY_EVENTS_CREATE, NULL,
	     "A form for a new event"),
	{ M_POST, "/admin/events/new", admin_event_create, WHO_MEMBER, MAY_EVENTS_CREATE, RL_CREATE,
	  C_NONE, DESK, event_fields, NULL, "Create an event" },
	SHOW("/admin/events/:id", admin_event_edit, 0, done_query, "The form of an event"),
	TAKE("/admin/events/:id", admin_event_save, 0, event_fields, "Look at changes, make them"),
	SHOW("/admin/events/:id/publish", admin_act, 0, NULL, "Asks whether to publish it"),
	TAKE("/admin/events/:id/publish", admin_act_do, 0, desk_no_fields, "Publish it"),
	SHOW("/admin/events/:id/cancel", admin_act, 0, NULL, "Asks whether to call it off"),
	TAKE("/admin/events/:id/cancel", admin_act_do, 0, event_cancel_fields, "Call it off"),
	SHOW("/admin/events/:id/duplicate", admin_act, MAY_EVENTS_CREATE, NULL,
	     "Asks when the copy is to be"),
	{ M_POST, "/admin/events/:id/duplicate", admin_act_do, WHO_MEMBER, MAY_EVENTS_CREATE,
	  RL_CREATE, C_NONE, DESK, event_duplicate_fields, NULL, "Copy it" },
	SHOW("/admin/events/:id/delete", admin_act, 0, NULL, "Asks whether to delete it"),
	TAKE("/admin/events/:id/delete", admin_act_do, 0, desk_no_fields, "Delete it"),
	SHOW("/admin/events/:id/attendees", admin_attendees, 0, attendees_query, "Who comes"),
	SHOW("/admin/events/:id/attendees.csv", admin_attendees_csv, 0, attendees_query,
	     "Who comes, as a file"),
	TAKE("/admin/events/:id/attendees", admin_attendees_cancel, 0, desk_withdraw_fields,
	     "Take registrations back"),
	TAKE("/admin/events/:id/checkin", admin_attendees_checkin, 0, desk_withdraw_fields,
	     "Check people in"),
	SHOW("/admin/events/:id/waiting", admin_waiting, 0, waiting_query, "Who waits"),
	TAKE("/admin/events/:id/waiting", admin_waiting_do, 0, desk_waiting_fields,
	     "Give a seat, or remove"),
	SHOW("/admin/categories", admin_categories, MAY_ADMIN, categories_query, "Categories"),
	TAKE("/admin/categories", admin_category_save, MAY_ADMIN, category_fields,
	     "Add or change a category"),
	SHOW("/admin/system", admin_system, MAY_ADMIN, done_query, "How all parts fare"),
	TAKE("/admin/system/doctor", admin_doctor, MAY_ADMIN, desk_no_fields, "Look at all parts"),
	TAKE("/admin/system/jobs", admin_job, MAY_ADMIN, desk_job_fields, "Run a job now"),
	TAKE("/admin/system/outbox", admin_parked, MAY_ADMIN, desk_parked_fields,
	     "Send a parked message after all, or give it up"),
	SHOW("/admin/people", admin_accounts, MAY_USERS_MANAGE, account_list_fields,
	     "Accounts, with filters"),
	SHOW("/admin/people/:account", admin_account, MAY_USERS_MANAGE, done_query, "One account"),
	TAKE("/admin/people/:account", admin_account_save, MAY_USERS_MANAGE, account_fields,
	     "Give a role, suspend"),
	TAKE("/admin/people/:account/sign-out", admin_account_sign_out, MAY_USERS_MANAGE,
	     desk_no_fields, "End all its sign-ins"),
	TAKE("/admin/people/:account/impersonate", admin_impersonate, MAY_STAFF,
	     impersonation_fields, "Look at the site as this person"),
	{ M_POST, "/impersonation/end", admin_impersonate_end, WHO_MEMBER, 0, RL_WRITE, C_NONE,
	  RF_PAGE, desk_no_fields, NULL, "Look no longer as somebody else" },
	SHOW("/admin/audit", admin_audit, MAY_ADMIN, audit_fields, "Who changed what"),
	ROUTE_END
};
