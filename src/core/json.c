/* src/core/json.c - strict parsing into json-c's trees, and compact text from them */
#include "core/json_priv.h"

#include "core/strbuf.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void put_object(void *o)
{
	json_object_put(o);
}

static struct json_object *tree(struct arena *a, const char *accepted)
{
	struct json_object *o = js_build(a, accepted);

	if (o)
		arena_defer(a, put_object, o);
	return o;
}

enum err js_parse(struct ctx *c, struct str s, struct json_object **out)
{
	struct js_facts facts;
	const char *text;
	size_t at;

	*out = NULL;
	if (s.n > INT32_MAX)
		return fail(c, E_TOOBIG, "The body is too large");
	const char *wrong = js_scan_facts(s, &at, &facts);
	if (wrong)
		return fail(c, E_MALFORMED, "Not valid JSON at byte %zu: %s", at, wrong);
	if (facts.depth > JS_BODY_DEPTH)
		return fail(c, E_INVALID, "The JSON is nested deeper than %d levels",
			    JS_BODY_DEPTH);
	if (facts.values > JS_BODY_VALUES)
		return fail(c, E_INVALID, "The JSON has more than %d values", JS_BODY_VALUES);
	text = arena_strndup(c->arena, s.p, s.n);
	TRY(js_audit(c, text, facts.values));
	*out = tree(c->arena, text);
	return OK;
}

struct json_object *js_object(struct arena *a)
{
	struct json_object *o = js_made(json_object_new_object());

	arena_defer(a, put_object, o);
	return o;
}

struct json_object *js_own(struct arena *a, const char *text)
{
	size_t at;

	if (!text || strlen(text) > INT32_MAX || js_scan(str_of(text), &at))
		return NULL;
	return tree(a, text);
}

struct json_object *js_get(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	if (json_object_is_type(o, json_type_object))
		json_object_object_get_ex(o, key, &v);
	return v;
}

const char *js_str(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, key, &v))
		return NULL;
	return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : NULL;
}

bool js_has(struct json_object *o, const char *key)
{
	return json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, key, NULL);
}

/* ---- writing ---- */

static void put_value(struct strbuf *b, struct json_object *o);

static void put_double(struct strbuf *b, struct json_object *o)
{
	/* A parsed number keeps its source text there, digit for digit. */
	const char *source = json_object_get_userdata(o);
	double d = json_object_get_double(o);
	char text[40];

	if (source) {
		strbuf_adds(b, source);
		return;
	}
	if (!isfinite(d)) {
		strbuf_adds(b, "null");
		return;
	}
	for (int precision = 15; precision <= 17; precision++) {
		snprintf(text, sizeof(text), "%.*g", precision, d);
		if (strtod(text, NULL) == d)
			break;
	}
	strbuf_adds(b, text);
}

static void put_int(struct strbuf *b, struct json_object *o)
{
	int64_t v = json_object_get_int64(o);

	if (v == INT64_MAX)	/* json-c also has unsigned ones, and stops here for them */
		strbuf_printf(b, "%llu", (unsigned long long)json_object_get_uint64(o));
	else
		strbuf_printf(b, "%lld", (long long)v);
}

static void put_members(struct strbuf *b, struct json_object *o)
{
	const char *comma = "";

	strbuf_addc(b, '{');
	json_object_object_foreach(o, key, value) {
		strbuf_adds(b, comma);
		strbuf_jsonz(b, key);
		strbuf_addc(b, ':');
		put_value(b, value);
		comma = ",";
	}
	strbuf_addc(b, '}');
}

static void put_elements(struct strbuf *b, struct json_object *o)
{
	strbuf_addc(b, '[');
	for (size_t i = 0, n = json_object_array_length(o); i < n; i++) {
		if (i > 0)
			strbuf_addc(b, ',');
		put_value(b, json_object_array_get_idx(o, i));
	}
	strbuf_addc(b, ']');
}

static void put_string(struct strbuf *b, struct json_object *o)
{
	strbuf_json(b, json_object_get_string(o), (size_t)json_object_get_string_len(o));
}

static void put_boolean(struct strbuf *b, struct json_object *o)
{
	strbuf_adds(b, json_object_get_boolean(o) ? "true" : "false");
}

static void put_null(struct strbuf *b, struct json_object *o)
{
	(void)o;
	strbuf_adds(b, "null");
}

static void put_value(struct strbuf *b, struct json_object *o)
{
	static void (*const put[])(struct strbuf *, struct json_object *) = {
		[json_type_null] = put_null,	 [json_type_boolean] = put_boolean,
		[json_type_double] = put_double, [json_type_int] = put_int,
		[json_type_object] = put_members, [json_type_array] = put_elements,
		[json_type_string] = put_string,
	};

	put[json_object_get_type(o)](b, o);
}

const char *js_text(struct arena *a, struct json_object *o)
{
	struct strbuf b;

	strbuf_init(&b, a, SIZE_MAX / 2);	/* the arena's cap is the limit */
	put_value(&b, o);
	return strbuf_str(&b);
}
