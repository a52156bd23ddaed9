/* src/cli/import_line.h - one line of an import: JSON text to an event's checked fields */
#ifndef CLI_IMPORT_LINE_H
#define CLI_IMPORT_LINE_H

#include "core/ctx.h"
#include "core/hash.h"
#include "core/str.h"

#include <stdint.h>

struct import_line {
	char key[SHA256_HEX];	/* the same line has the same key, whatever it is shifted by */
	const char *body;	/* canonical fields as JSON, in the arena */
};

/* Members of an event (domain/events.h), and those of conference lists: city and country become
 * the location, spaces in url are encoded, locale is dropped. Dates move by shift_years; what is
 * over at now_us is completed. E_MALFORMED, E_INVALID with details. */
enum err import_line_read(struct ctx *c, struct str text, int shift_years, int64_t now_us,
			  struct import_line *out) MUST_CHECK;

#endif
