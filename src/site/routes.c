/* src/site/routes.c - all addresses of the site */
#include "domain/list.h"
#include "domain/people.h"
#include "domain/rsvps.h"
#include "domain/second.h"
#include "site/site.h"

static const struct input_field login_query[] = {
	{ "next", IN_TEXT, 0, 0, 1000, 0, NULL, NULL, "Where to go then" },
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};
static const struct input_field session_end_fields[] = {
	{ "id", IN_ID, 0, 0, 0, 0, NULL, NULL, "Which; none: all of them" },
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};
static const struct input_field no_fields[] = {
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};

static const struct input_field fragment_fields[] = {
	{ "fragment", IN_BOOL, 0, 0, 0, 0, NULL, NULL, "1: without a page around it" },
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};

const struct route site_routes[] = {
	{ M_GET, "/", site_agenda, WHO_ANY, 0, RL_BROWSE, C_DOC, RF_PAGE | RF_REPLICA, NULL,
	  agenda_fields, "What comes, with filters" },
	{ M_GET, "/e/:id", site_event, WHO_ANY, 0, RL_BROWSE, C_DOC, RF_PAGE, NULL, NULL,
	  "One event" },
	{ M_POST, "/e/:id/answer", site_answer, WHO_MEMBER, MAY_ANSWER, RL_REGISTER, C_NONE,
	  RF_PAGE, rsvp_fields, NULL, "Say whether one comes" },
	{ M_GET, "/signup", site_entry_form, WHO_ANY, 0, RL_NONE, C_NONE, RF_PAGE, NULL,
	  login_query, "A form to sign up" },
	{ M_POST, "/signup", site_entry, WHO_ANY, 0, RL_LOGIN, C_NONE, RF_PAGE,
	  people_register_fields, NULL, "Sign up" },
	{ M_GET, "/login", site_entry_form, WHO_ANY, 0, RL_NONE, C_NONE, RF_PAGE, NULL, login_query,
	  "A form to sign in" },
	{ M_POST, "/login", site_entry, WHO_ANY, 0, RL_LOGIN, C_NONE, RF_PAGE, people_login_fields,
	  NULL, "Sign in" },
	{ M_POST, "/logout", site_logout, WHO_MEMBER, 0, RL_WRITE, C_NONE, RF_PAGE, no_fields, NULL,
	  "Sign out" },
	{ M_GET, "/me", site_me, WHO_MEMBER, 0, RL_BROWSE, C_NONE, RF_PAGE, NULL, NULL,
	  "The reader's own events" },
	{ M_GET, "/me/profile", site_profile, WHO_MEMBER, 0, RL_BROWSE, C_NONE, RF_PAGE, NULL,
	  NULL, "The reader's own profile, as a form" },
	{ M_POST, "/me/profile", site_profile_save, WHO_MEMBER, 0, RL_WRITE, C_NONE, RF_PAGE,
	  people_profile_fields, NULL, "Change it" },
	{ M_GET, "/me/second", site_second, WHO_MEMBER, 0, RL_BROWSE, C_NONE, RF_PAGE | RF_SELF,
	  NULL, NULL, "The reader's second factor" },
	{ M_POST, "/me/second/begin", site_second_begin, WHO_MEMBER, 0, RL_WRITE, C_NONE,
	  RF_PAGE | RF_SELF, no_fields, NULL, "Make a new secret" },
	{ M_POST, "/me/second/confirm", site_second_confirm, WHO_MEMBER, 0, RL_LOGIN, C_NONE,
	  RF_PAGE | RF_SELF, second_fields, NULL, "Use it from now on" },
	{ M_POST, "/me/second/off", site_second_off, WHO_MEMBER, 0, RL_LOGIN, C_NONE,
	  RF_PAGE | RF_SELF, second_fields, NULL, "Use none any more" },
	{ M_GET, "/me/sessions", site_sessions, WHO_MEMBER, 0, RL_BROWSE, C_NONE, RF_PAGE, NULL,
	  NULL, "Where the reader is signed in" },
	{ M_POST, "/me/sessions/end", site_sessions_end, WHO_MEMBER, 0, RL_WRITE, C_NONE,
	  RF_PAGE | RF_SELF, session_end_fields, NULL, "End one sign-in, or all" },
	{ M_GET, "/docs", site_docs, WHO_ANY, 0, RL_BROWSE, C_DOC, RF_PAGE, NULL, NULL,
	  "The API for people: contents, how to begin, errors" },
	{ M_GET, "/docs/:group", site_docs_group, WHO_ANY, 0, RL_BROWSE, C_DOC, RF_PAGE, NULL, NULL,
	  "A part of it, with examples" },
	{ M_GET, "/embed", site_embed_list, WHO_ANY, 0, RL_BROWSE, C_SHARED,
	  RF_PAGE | RF_EMBED | RF_REPLICA, NULL, embed_fields,
	  "The next events, within other sites" },
	{ M_GET, "/e/:id/embed", site_embed_event, WHO_ANY, 0, RL_BROWSE, C_SHARED,
	  RF_PAGE | RF_EMBED, NULL, fragment_fields, "One event, within other sites" },
	ROUTE_END
};
