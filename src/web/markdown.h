/* src/web/markdown.h - what people write as Markdown becomes HTML that is safe to show
 *
 * CommonMark with tables, strikethrough and bare addresses (md4c). There are no tags but ours: HTML
 * in it is text, headings begin at h2, pictures become links, so that no page asks another host for
 * anything. Links go to http, https and mailto only, and say that we do not vouch for them. */
#ifndef WEB_MARKDOWN_H
#define WEB_MARKDOWN_H

#include "core/strbuf.h"

#include <json-c/json.h>

/* Longer input, what would become longer than eight times that, and what is nested more than a
 * hundred deep, is shown as the text it is. */
#define MARKDOWN_MAX (64 << 10)

/* Adds the HTML of the text. */
void markdown_html(struct strbuf *out, struct str text);
/* The same as a value for {{{…_html}}}: a new reference. */
struct json_object *markdown_value(struct arena *a, const char *text);

#endif
