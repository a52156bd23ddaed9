/* src/core/json_priv.h - shared by the json*.c files only */
#ifndef CORE_JSON_PRIV_H
#define CORE_JSON_PRIV_H

#include "core/json.h"

#define JS_SCAN_DEPTH 512
#define JS_BODY_DEPTH 32
/* An empty object takes 3 bytes of text and about 800 of json-c's: without this limit one body of
 * 1 MiB would take 280 MB. */
#define JS_BODY_VALUES 20000

/* js_scan that also tells how deep arrays and objects nest (0 = a scalar), and how many values
 * (those of members and elements included) there are. */
struct js_facts {
	unsigned depth;
	size_t values;
};
const char *js_scan_facts(struct str s, size_t *at, struct js_facts *facts);

/* The body policy on text that js_scan accepted, at most JS_BODY_DEPTH deep and with at most so
 * many values: every violation (up to 16) becomes a detail of c. OK or E_INVALID. */
enum err js_audit(struct ctx *c, const char *s, size_t values) MUST_CHECK;

/* The inside of a string without its escapes; raw itself where there are none. */
struct str js_decode(struct arena *arena, struct str raw);

/* The tree of text that js_scan accepted; NULL is the text null. Depth up to JS_SCAN_DEPTH. */
struct json_object *js_build(struct arena *a, const char *accepted);

#endif
