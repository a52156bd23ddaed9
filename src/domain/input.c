/* src/domain/input.c - checks an object against a table of fields, all problems at once */
#include "domain/input_priv.h"

#include "core/clock.h"

/* Is name one of the names in "a|b|c"? */
static bool listed(const char *words, const char *name)
{
	struct str rest = str_of(words);

	while (rest.p)
		if (str_is(str_cut(rest, '|', &rest), name))
			return true;
	return false;
}

static const struct input_field *field_of(const struct input_field *table, const char *sent)
{
	for (const struct input_field *f = table; f->name; f++)
		if (strcmp(f->name, sent) == 0 || (f->aliases && listed(f->aliases, sent)))
			return f;
	return NULL;
}

static const struct input_field *field_named(const struct input_field *table, const char *name)
{
	const struct input_field *f = field_of(table, name);

	return f && strcmp(f->name, name) == 0 ? f : NULL;
}

/* latitude+longitude and lat+lng stand for coordinates. Returns true when `sent` is one of them. */
static bool is_half(const struct input_field *table, const char *sent)
{
	return field_named(table, "coordinates") && listed("latitude|longitude|lat|lng", sent);
}

struct reading {
	struct ctx *c;
	const struct input_field *table;
	const struct input_mode *mode;
	struct json_object *values;
	struct json_object *names; /* canonical → name sent, for conflicts */
};

/* Keeps a checked value; two names for one thing must agree. */
static void keep(struct reading *r, const char *name, const char *sent, struct json_object *v)
{
	struct json_object *had, *first;

	if (json_object_object_get_ex(r->names, name, &first)) {
		json_object_object_get_ex(r->values, name, &had);
		if (!json_object_equal(had, v))
			(void)!fail_field(r->c, sent, "contradicts %s",
					  json_object_get_string(first));
		return;
	}
	js_put(r->names, name, sent);
	js_add(r->values, name, json_object_get(v));
}

/* Did nobody fill in this field of a form? */
static bool left_empty(const struct reading *r, struct json_object *v)
{
	return r->mode->form && json_object_is_type(v, json_type_string) &&
	       json_object_get_string_len(v) == 0;
}

static void read_member(struct reading *r, const char *sent, struct json_object *v)
{
	const struct input_field *f = field_of(r->table, sent);
	struct json_object *out;
	enum err before = r->c->err;
	struct detail **end = r->c->details_end;

	if (!f) {
		(void)!fail_field(r->c, sent, "is not known here");
		return;
	}
	if (left_empty(r, v) && !(f->flags & IN_NULLABLE))
		return;
	if (left_empty(r, v))
		v = NULL;
	out = input_value(&(struct check){ r->c, f, sent, v, r->mode });
	if (before == r->c->err && end == r->c->details_end)
		keep(r, f->name, sent, out);
}

/* Puts the two halves of a pair of coordinates together. */
static void read_halves(struct reading *r, struct json_object *in)
{
	static const char *const pairs[][2] = { { "latitude", "longitude" }, { "lat", "lng" } };
	const struct input_field *f = field_named(r->table, "coordinates");

	for (size_t i = 0; f && i < COUNT(pairs); i++) {
		struct json_object *la = NULL, *ln = NULL, *both, *out;
		bool has_la = json_object_object_get_ex(in, pairs[i][0], &la);
		bool has_ln = json_object_object_get_ex(in, pairs[i][1], &ln);
		bool no_la = !has_la || left_empty(r, la), no_ln = !has_ln || left_empty(r, ln);

		if (!has_la && !has_ln)
			continue;
		if (no_la != no_ln) {
			(void)!fail_field(r->c, pairs[i][no_la], "must come with %s",
					  pairs[i][!no_la]);
			continue;
		}
		if (no_la || (!la && !ln)) {
			keep(r, f->name, pairs[i][0], NULL);
			continue;
		}
		both = input_own(r->c, json_object_new_object());
		js_add(both, "lat", json_object_get(la));
		js_add(both, "lng", json_object_get(ln));
		out = input_value(&(struct check){ r->c, f, pairs[i][0], both, r->mode });
		if (out)
			keep(r, f->name, pairs[i][0], out);
	}
}

static void finish(struct reading *r, struct json_object *in)
{
	struct json_object *v, *media;

	for (const struct input_field *f = r->table; f->name; f++) {
		if (json_object_object_get_ex(r->values, f->name, &v))
			continue;
		if (json_object_object_get_ex(in, input_sent_name(r->table, in, f->name), &v) &&
		    !left_empty(r, v))
			continue; /* sent, but refused: already recorded */
		if ((f->flags & IN_REQUIRED) && !r->mode->partial)
			(void)!fail_field(r->c, f->name, "is required");
		else if (r->mode->whole)
			js_add(r->values, f->name, NULL);
	}
	/* media[0] stands for image_url where none is given */
	if (!r->mode->partial && field_named(r->table, "image_url") &&
	    (!json_object_object_get_ex(r->values, "image_url", &v) || !v) &&
	    json_object_object_get_ex(r->values, "media", &media) && media &&
	    json_object_array_length(media) > 0)
		js_add(r->values, "image_url",
				       json_object_get(json_object_array_get_idx(media, 0)));
}

enum err input_read(struct ctx *c, const struct input_field *table, struct json_object *in,
		    struct input_mode mode, struct input *out)
{
	struct reading r = { c, table, &mode, input_own(c, json_object_new_object()),
			     input_own(c, json_object_new_object()) };
	const char *zone = js_str(in, "timezone");

	if (zone && clock_zone_valid(zone))
		mode.zone = zone;
	mode.text |= mode.form;
	json_object_object_foreach(in, key, v)
	{
		if (!is_half(table, key) || field_named(table, key))
			read_member(&r, key, v);
	}
	read_halves(&r, in);
	finish(&r, in);
	out->values = r.values;
	return c->err;
}

bool input_needs_zone(const struct input_field *table, struct json_object *in)
{
	if (js_str(in, "timezone"))
		return false;
	json_object_object_foreach(in, key, v)
	{
		const struct input_field *f = field_of(table, key);
		int64_t us;

		if (f && (f->type == IN_TIME || f->type == IN_END_TIME) &&
		    json_object_is_type(v, json_type_string) &&
		    clock_parse(json_object_get_string(v), &us) == CLOCK_DAY)
			return true;
	}
	return false;
}

const char *input_sent_name(const struct input_field *table, struct json_object *in,
			    const char *canonical)
{
	json_object_object_foreach(in, key, v)
	{
		const struct input_field *f = field_of(table, key);

		(void)v;
		if (f && strcmp(f->name, canonical) == 0)
			return key;
	}
	return canonical;
}
