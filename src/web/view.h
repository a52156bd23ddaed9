/* src/web/view.h - the templates of a folder, by their path below it without .mustache */
#ifndef WEB_VIEW_H
#define WEB_VIEW_H

#include "core/ctx.h"
#include "core/mustache.h"

struct views;

/* Compiles all of them; html: values are escaped for where they stand (place.h), else not at all.
 * NULL: why says which file, which line and what, also when a partial is missing. */
struct views *views_load(const char *folder, bool html, char *why, size_t n);
void views_free(struct views *v);

/* A whole file as text in the arena; p NULL: why says why not. */
struct str view_file(struct arena *a, const char *path, char *why, size_t n);

/* Adds the template of that name, which must exist. E_INTERNAL when it does not fit in out. */
enum err view_render(struct ctx *c, const struct views *v, const char *name,
		     struct json_object *data, struct strbuf *out) MUST_CHECK;

#endif
