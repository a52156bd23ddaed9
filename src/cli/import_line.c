/* src/cli/import_line.c - one line of an import: JSON text to an event's checked fields */
#include "cli/import_line.h"

#include "core/clock.h"
#include "core/strbuf.h"
#include "domain/events.h"
#include "domain/input.h"

#include <stdio.h>

#define DAY_US (INT64_C(24) * 3600 * 1000000)

/* What makes a line the same as another: parted by a byte that no text here may hold. */
static void make_key(struct ctx *c, struct json_object *in, char key[SHA256_HEX])
{
	static const char *const names[] = { "title", "start_date", "url", "city" };
	struct strbuf b;

	strbuf_init(&b, c->arena, (size_t)1 << 22);
	for (size_t i = 0; i < COUNT(names); i++) {
		const char *v = js_str(in, names[i]);

		strbuf_adds(&b, v ? v : "");
		strbuf_addc(&b, '\x1f');
	}
	sha256_hex(strbuf_str(&b), b.len, key);
}

static void replace(struct json_object *in, const char *name, const char *text)
{
	json_object_object_add(in, name, json_object_new_string(text));
}

static void encode_spaces(struct ctx *c, struct json_object *in)
{
	const char *url = js_str(in, "url");
	struct strbuf b;

	if (!url || !strchr(url, ' '))
		return;
	strbuf_init(&b, c->arena, (size_t)1 << 22);
	for (; *url; url++)
		if (*url == ' ')
			strbuf_adds(&b, "%20");
		else
			strbuf_addc(&b, *url);
	replace(in, "url", strbuf_str(&b));
}

/* "Cape Town, South Africa"; a location of its own comes first. */
static void join_place(struct ctx *c, struct json_object *in)
{
	const char *city = js_str(in, "city"), *country = js_str(in, "country");
	bool both = city && *city && country && *country;

	if (!js_str(in, "location") && ((city && *city) || (country && *country)))
		replace(in, "location",
			arena_printf(c->arena, "%s%s%s", city ? city : "", both ? ", " : "",
				     country ? country : ""));
	json_object_object_del(in, "city");
	json_object_object_del(in, "country");
	json_object_object_del(in, "locale");
}

static bool leap(long y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

/* The same day in another year; 29 February becomes the 28th where there is none. */
static void shift(struct ctx *c, struct json_object *in, const char *name, int years)
{
	const char *text = js_str(in, name);
	int64_t us;
	long year;
	char *out;

	/* What is no date the field table refuses, with the right words. */
	if (!text || clock_parse(text, &us) == CLOCK_BAD ||
	    !str_to_long((struct str){ text, 4 }, 0, 9999, &year))
		return;
	year += years;
	if (year < 0 || year > 9999)
		return;
	out = arena_printf(c->arena, "%04ld%s", year, text + 4);
	if (strncmp(out + 4, "-02-29", 6) == 0 && !leap(year))
		out[9] = '8';
	replace(in, name, out);
}

static int64_t instant(struct json_object *values, const char *name)
{
	const char *text = js_str(values, name);
	int64_t us = 0;

	return text && clock_parse(text, &us) == CLOCK_INSTANT ? us : 0;
}

static enum err judge_dates(struct ctx *c, struct json_object *values, int64_t now_us)
{
	int64_t begin = instant(values, "start_date"), end = instant(values, "end_date");

	if (end != 0 && end <= begin)
		return fail_field(c, "end_date", "must lie after start_date");
	if (end == 0)
		end = begin + DAY_US;
	/* At once, and without a message that it has changed. */
	if (end <= now_us && !js_str(values, "status"))
		replace(values, "status", "completed");
	return OK;
}

enum err import_line_read(struct ctx *c, struct str text, int shift_years, int64_t now_us,
			  struct import_line *out)
{
	struct input_mode mode = { .zone = "UTC" };
	struct json_object *in;
	struct input read;

	TRY(js_parse(c, text, &in));
	if (!json_object_is_type(in, json_type_object))
		return fail(c, E_MALFORMED, "a line must be one JSON object");
	make_key(c, in, out->key);
	encode_spaces(c, in);
	join_place(c, in);
	if (shift_years != 0) {
		shift(c, in, "start_date", shift_years);
		shift(c, in, "end_date", shift_years);
	}
	TRY(input_read(c, event_fields, in, mode, &read));
	TRY(judge_dates(c, read.values, now_us));
	out->body = js_text(c->arena, read.values);
	return OK;
}
