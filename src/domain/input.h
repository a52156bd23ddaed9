/* src/domain/input.h - input declared as tables: what a field is called, may hold, and means */
#ifndef DOMAIN_INPUT_H
#define DOMAIN_INPUT_H

#include "core/ctx.h"
#include "core/json.h"

enum input_type {
	IN_TEXT, /* min..max code points; control characters except \n and \t refused */
	IN_LINE, /* the same on one line */
	IN_EMAIL,
	IN_PASSWORD,
	IN_URL,
	IN_ZONE,
	IN_CURRENCY,
	IN_DAY,
	IN_SECRET,
	IN_INT, /* min..max */
	IN_NUMBER, /* min..max */
	IN_MONEY, /* >= 0, at most two decimals, < 10^8 */
	IN_BOOL,
	IN_TIME, /* RFC 3339, or a day; becomes UTC text */
	IN_END_TIME, /* the same; a day means its end */
	IN_WORD, /* one of words */
	IN_TEXTS, /* array of lines: at most max items, each 1..item_max */
	IN_URLS,
	IN_COORDS, /* {"lat":…,"lng":…} */
	IN_IDS, /* array of ids, at most max */
	IN_ID,
	IN_OBJECT /* any object, at most max bytes of text */
};
enum input_flag { IN_REQUIRED = 1, IN_NULLABLE = 2 };

struct input_field {
	const char *name; /* canonical; NULL ends the table */
	enum input_type type;
	unsigned flags;
	double min, max;
	int item_max;
	const char *words; /* IN_WORD: "a|b|c" */
	const char *aliases; /* "date|starts_at": other names for the same */
	const char *doc;
};

struct input {
	struct json_object *values; /* canonical names and normal forms; belongs to the arena */
};

/* Checks object in against the table. All problems are recorded at once, fields named as they were
 * sent; unknown members and conflicting synonyms are problems too. Missing required fields are,
 * unless partial. With whole, every absent field is set to null in values (PUT). zone is the IANA
 * zone for whole days when the input itself names none (NULL: UTC).
 * Grouped synonyms: latitude+longitude, lat+lng → coordinates; media[0] ↔ image_url. */
struct input_mode {
	bool partial, whole;
	bool text; /* values are query text: numbers, booleans and lists are read from it */
	/* And they are fields of a form: an empty one is null or, where that may not be, not there;
	 * lists have an item a line; times are those of clocks in the zone. */
	bool form;
	const char *zone;
};
enum err input_read(struct ctx *c, const struct input_field *table, struct json_object *in,
		    struct input_mode mode, struct input *out) MUST_CHECK;
/* True when some date in `in` is a bare day and `in` names no timezone. */
bool input_needs_zone(const struct input_field *table, struct json_object *in);
/* The name the client used for a canonical field, for errors found later. */
const char *input_sent_name(const struct input_field *table, struct json_object *in,
			    const char *canonical);

#endif
