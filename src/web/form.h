/* src/web/form.h - forms of pages: reading them, showing them filled in, messages beside fields
 *
 * A form is a table of input fields. Its template calls partials/form for the key and
 * partials/field for each field; labels, hints and the words of choices stand in the texts under
 * fields, hints and words. Names that begin with _ are the page's own and in no table. */
#ifndef WEB_FORM_H
#define WEB_FORM_H

#include "web/page.h"

/* The form that was sent: *sent has the texts as typed (for form_add), in the checked values.
 * E_DENIED: see session_form. E_INVALID also for a form that comes back after a new sign-in: it is
 * to be shown again, nothing is done by itself. mode.form is understood. */
enum err form_read(struct req *rq, const struct input_field *table, struct input_mode mode,
		   struct json_object **sent, struct input *in) MUST_CHECK;

/* Values as the API has them (of a document, or checked) as texts for fields; times by the clocks
 * of that zone. */
struct json_object *form_texts(struct req *rq, const struct input_field *table,
			       struct json_object *values, const char *zone);

/* Adds to the page f.<name> of each field for partials/field, with its text out of texts (NULL:
 * empty) and the recorded message; and the recorded error as page_add_errors does. */
void form_add(struct req *rq, struct json_object *o, const struct input_field *table,
	      struct json_object *texts);

/* One more choice for a field that form_add has made: it becomes a list to choose from. */
void form_choice(struct json_object *o, const char *field, const char *value, const char *label);

/* Every text of the form as a hidden field, for a page in between: hidden [{name, value}]. */
void form_hide(struct json_object *o, struct json_object *sent);

/* ---- what a lost sign-in keeps ---- */

/* The answer to who has to sign in first: the page for that, with where to go on; a form that
 * form_read would read is kept in it. */
enum err form_ask_to_sign_in(struct req *rq) MUST_CHECK;
/* After signing in: a page from which what was kept goes back into its form. */
enum err form_give_back(struct req *rq, const char *kept, const char *path) MUST_CHECK;

#endif
