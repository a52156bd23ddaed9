/* src/core/json_tree.c - json-c's objects for text that js_scan accepted
 *
 * json-c's own parser leaves members out, cuts strings short and takes values for null when an
 * allocation fails, all without a word, or dereferences NULL. Here what cannot be made aborts. */
#include "core/json_priv.h"

#include <stdlib.h>

struct build {
	struct arena *arena;
	const char *p;
};

static struct json_object *value(struct build *b);

struct json_object *js_made(struct json_object *o)
{
	if (!o)
		abort();
	return o;
}

void js_add(struct json_object *o, const char *key, struct json_object *v)
{
	if (json_object_object_add(o, key, v) != 0)
		abort();
}

void js_push(struct json_object *array, struct json_object *v)
{
	if (json_object_array_add(array, v) != 0)
		abort();
}

void js_put(struct json_object *o, const char *key, const char *text)
{
	js_add(o, key, text ? js_made(json_object_new_string(text)) : NULL);
}

void js_flag(struct json_object *o, const char *key, bool on)
{
	js_add(o, key, js_made(json_object_new_boolean(on)));
}

void js_number(struct json_object *o, const char *key, int64_t n)
{
	js_add(o, key, js_made(json_object_new_int64(n)));
}

static char next(struct build *b)
{
	b->p += strspn(b->p, " \t\r\n,:");
	return *b->p;
}

static struct str text(struct build *b)
{
	const char *first = ++b->p;

	while (*b->p != '"')
		b->p += *b->p == '\\' ? 2 : 1;
	return js_decode(b->arena, (struct str){ first, (size_t)(b->p++ - first) });
}

static struct json_object *string(struct build *b)
{
	struct str s = text(b);

	return js_made(json_object_new_string_len(s.p, (int)s.n));
}

static struct json_object *object(struct build *b)
{
	struct json_object *o = js_made(json_object_new_object());

	for (b->p++; next(b) != '}';) {
		struct str key = text(b);

		js_add(o, arena_strndup(b->arena, key.p, key.n), value(b));
	}
	b->p++;
	return o;
}

static struct json_object *array(struct build *b)
{
	struct json_object *o = js_made(json_object_new_array());

	for (b->p++; next(b) != ']';)
		js_push(o, value(b));
	b->p++;
	return o;
}

static struct json_object *number(struct build *b)
{
	struct str s = { b->p, strspn(b->p, "+-0123456789.eE") };
	long n;

	b->p += s.n;
	if (strspn(s.p, "-0123456789") == s.n && str_to_long(s, INT64_MIN, INT64_MAX, &n))
		return js_made(json_object_new_int64(n));
	/* the source goes along, so that it is printed digit for digit */
	return js_made(json_object_new_double_s(strtod(s.p, NULL),
						arena_strndup(b->arena, s.p, s.n)));
}

static struct json_object *literal(struct build *b)
{
	char c = *b->p;

	b->p += c == 'f' ? 5 : 4;
	return c == 'n' ? NULL : js_made(json_object_new_boolean(c == 't'));
}

static struct json_object *value(struct build *b)
{
	switch (next(b)) {
	case '{': return object(b);
	case '[': return array(b);
	case '"': return string(b);
	case 't': case 'f': case 'n': return literal(b);
	default: return number(b);
	}
}

struct json_object *js_build(struct arena *a, const char *accepted)
{
	struct build b = { a, accepted };

	return value(&b);
}
