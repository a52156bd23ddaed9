/* src/core/json.h - strict JSON (RFC 8259): our grammar scan, then json-c's objects */
#ifndef CORE_JSON_H
#define CORE_JSON_H

#include "core/ctx.h"
#include "core/str.h"

#include <json-c/json.h>

/* The grammar alone, any depth up to 512, UTF-8 checked. NULL when s is JSON, else what is wrong;
 * *at is the byte offset. */
const char *js_scan(struct str s, size_t *at);

/* Parses a request body: grammar errors E_MALFORMED; then E_INVALID for duplicate keys (named),
 * \u0000 (named), lone surrogates, depth over 32, over 20,000 values, integers outside int64,
 * numbers that overflow a double. The text null gives OK and *out NULL. The tree belongs to the
 * arena. */
enum err js_parse(struct ctx *c, struct str s, struct json_object **out) MUST_CHECK;

/* What json-c makes, or does not for lack of memory: then these abort. js_add and js_push take v
 * over, which may be NULL for null. */
struct json_object *js_made(struct json_object *o);
void js_add(struct json_object *o, const char *key, struct json_object *v);
void js_push(struct json_object *array, struct json_object *v);
/* Members of plain types: a text (NULL for null), a switch, a whole number. */
void js_put(struct json_object *o, const char *key, const char *text);
void js_flag(struct json_object *o, const char *key, bool on);
void js_number(struct json_object *o, const char *key, int64_t n);

/* An empty object that belongs to the arena. */
struct json_object *js_object(struct arena *a);

/* Like js_parse for text we made ourselves; NULL when it does not parse. Belongs to the arena. */
struct json_object *js_own(struct arena *a, const char *s);

/* A member by name; NULL when absent, null, or o (which may be NULL) is no object. Stays o's. */
struct json_object *js_get(struct json_object *o, const char *key);
/* A string member by name; NULL when absent, null or of another type. */
const char *js_str(struct json_object *o, const char *key);
/* Is there such a member, be it null? (JSON merge patch tells null from absent.) */
bool js_has(struct json_object *o, const char *key);
/* Compact text in the arena, doubles in their shortest round-trip form. */
const char *js_text(struct arena *a, struct json_object *o);

#endif
