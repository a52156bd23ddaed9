/* src/web/place.h - where in HTML each value of a template stands, so that it is escaped for there
 *
 * In text and in quoted attributes {{x}} is escaped. In attributes that are addresses it may only
 * be http, https, mailto or relative, and what follows a constant beginning is percent-encoded. In
 * <script type="application/…json"> it becomes JSON. Anywhere else there is no safe way, so the
 * template is refused. {{{x}}} is for HTML that we made: its name ends in _html, it stands between
 * tags, and its value comes from place_html; any other value is escaped there as well. */
#ifndef WEB_PLACE_H
#define WEB_PLACE_H

#include "core/mustache.h"

/* Once after compiling. False: e says where and why. */
bool place_values(struct mustache *m, struct mustache_error *e);

/* HTML that was made of constant tags and escaped text. Whoever calls it answers for that: the lint
 * knows who may (tests/lint/calls.awk). A new reference; the caller's, for js_add. */
struct json_object *place_html(struct str html);

/* A value as an address of its own, and as a part of one; as JSON within HTML. */
void place_address(struct strbuf *out, struct json_object *v, struct str text);
void place_part(struct strbuf *out, struct json_object *v, struct str text);
void place_json(struct strbuf *out, struct json_object *v, struct str text);

#endif
