/* src/web/qr.h - QR codes as pictures */
#ifndef WEB_QR_H
#define WEB_QR_H

#include "core/ctx.h"

#include <json-c/json.h>

/* text as an SVG document in the arena, black on white, 15 % of it may be lost (level M). label is
 * its title for those who cannot see it. E_INTERNAL when text does not fit. */
enum err qr_svg(struct ctx *c, const char *text, const char *label, const char **svg) MUST_CHECK;
/* The same as a value for {{{…_html}}}: a new reference. */
enum err qr_value(struct ctx *c, const char *text, const char *label,
		  struct json_object **out) MUST_CHECK;

#endif
