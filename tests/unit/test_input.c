/* tests/unit/test_input.c - bodies and queries against field tables */
#include "core/clock.h"
#include "domain/events.h"
#include "domain/list.h"
#include "t.h"

static struct arena *arena;
static struct ctx c;

static bool setup(void)
{
	arena = arena_new(32 << 20);
	return true;
}

static void teardown(void)
{
	arena_free(arena);
}

static void start(void)
{
	arena_reset(arena);
	memset(&c, 0, sizeof(c));
	ctx_begin(&c, arena);
}

static struct json_object *read_with(const struct input_field *table, const char *json,
				     struct input_mode mode)
{
	struct json_object *o;
	struct input in = { NULL };

	start();
	T_REQUIRE(js_parse(&c, str_of(json), &o) == OK);
	(void)!input_read(&c, table, o, mode, &in);
	return in.values;
}

static const char *read_event(const char *json, bool partial)
{
	struct json_object *v =
	    read_with(event_fields, json, (struct input_mode){ .partial = partial });

	return c.err == OK ? js_text(arena, v) : "refused";
}

/* "field reason; field reason" */
static const char *problems(void)
{
	char *s = arena_strdup(arena, "");

	for (struct detail *d = c.details; d; d = d->next)
		s = arena_printf(arena, "%s%s%s %s", s, *s ? "; " : "", d->field, d->reason);
	return s;
}

static void accepts_synonyms(void)
{
	static const char *const bodies[] = {
		"{\"title\":\"abc\",\"date\":\"2030-01-01T00:00:00Z\",\"capacity\":5}",
		"{\"title\":\"abc\",\"starts_at\":\"2030-01-01T01:00:00+01:00\",\"max_attendees\":"
		"5}",
	};
	static const char want[] = "{\"title\":\"abc\",\"start_date\":\"2030-01-01T00:00:00Z\","
				   "\"max_attendees\":5}";

	for (size_t i = 0; i < COUNT(bodies); i++)
		T_EQ_STR(read_event(bodies[i], false), want);
}

static void puts_halves_of_coordinates_together(void)
{
	T_EQ_STR(read_event("{\"latitude\":1.5,\"longitude\":-2}", true),
		 "{\"coordinates\":{\"lat\":1.5,\"lng\":-2}}");
	T_EQ_STR(read_event("{\"lat\":1,\"lng\":2}", true),
		 "{\"coordinates\":{\"lat\":1,\"lng\":2}}");
	read_event("{\"lat\":1}", true);
	T_EQ_STR(problems(), "lat must come with lng");
	read_event("{\"lat\":91,\"lng\":2}", true);
	T_EQ_STR(problems(), "lat.lat must be between -90 and 90");
}

static void refuses_contradictions(void)
{
	read_event("{\"date\":\"2030-01-01\",\"start_date\":\"2030-01-02\"}", true);
	T_EQ_STR(problems(), "start_date contradicts date");
	T_EQ_STR(read_event("{\"capacity\":5,\"max_attendees\":5}", true), "{\"max_attendees\":5}");
}

static void names_all_problems_at_once(void)
{
	read_event(
	    "{\"title\":\"ab\",\"capacity\":0,\"tags\":[\"a\",7],\"host_id\":1,\"price\":1.005,"
	    "\"timezone\":\"Mars/Base\",\"privacy\":\"secret\",\"url\":\"javascript:1\"}",
	    false);
	T_EQ_STR(problems(),
		 "title must have at least 3 characters; capacity must be between 1 and 100000; "
		 "tags[1] must be a string; host_id is not known here; "
		 "price must be 0 or more, with at most two decimals; "
		 "timezone must be an IANA time zone; "
		 "privacy must be one of public|private|friends_only; "
		 "url must be an http or https URL; start_date is required");
	T_EQ_INT(c.err, E_INVALID);
}

static void reads_whole_days_in_their_zone(void)
{
	/* the clocks change on 2030-03-31 in Berlin */
	T_EQ_STR(read_event("{\"start_date\":\"2030-03-31\",\"end_date\":\"2030-03-31\","
			    "\"timezone\":\"Europe/Berlin\"}",
			    true),
		 "{\"start_date\":\"2030-03-30T23:00:00Z\",\"end_date\":\"2030-03-31T22:00:00Z\","
		 "\"timezone\":\"Europe/Berlin\"}");
	struct json_object *v =
	    read_with(event_fields, "{\"start_date\":\"2030-07-01\"}",
		      (struct input_mode){ .partial = true, .zone = "America/New_York" });
	T_EQ_STR(js_text(arena, v), "{\"start_date\":\"2030-07-01T04:00:00Z\"}");
}

static void knows_when_a_zone_is_needed(void)
{
	start();
	T_TRUE(input_needs_zone(event_fields, js_own(arena, "{\"date\":\"2030-01-01\"}")));
	T_FALSE(
	    input_needs_zone(event_fields, js_own(arena, "{\"date\":\"2030-01-01T00:00:00Z\"}")));
	T_FALSE(input_needs_zone(event_fields,
				 js_own(arena, "{\"date\":\"2030-01-01\",\"timezone\":\"UTC\"}")));
}

static void tells_null_from_absent(void)
{
	T_EQ_STR(read_event("{\"location\":null}", true), "{\"location\":null}");
	read_event("{\"title\":null}", true);
	T_EQ_STR(problems(), "title must not be null");
	struct json_object *v =
	    read_with(event_fields, "{\"title\":\"abc\",\"start_date\":\"2030-01-01T00:00:00Z\"}",
		      (struct input_mode){ .whole = true });
	T_TRUE(js_has(v, "location") && js_has(v, "max_attendees"));
}

static void reads_query_text(void)
{
	struct json_object *v =
	    read_with(list_fields,
		      "{\"page\":\"2\",\"per_page\":\"7\",\"is_virtual\":\"1\",\"tags\":\"a, b\","
		      "\"price_max\":\"9.5\"}",
		      (struct input_mode){ .text = true });

	T_EQ_STR(problems(), "");
	T_EQ_STR(js_text(arena, v),
		 "{\"page\":2,\"limit\":7,\"is_virtual\":true,\"tags\":[\"a\",\"b\"],"
		 "\"price_max\":\"9.50\"}");
	read_with(list_fields, "{\"limit\":\"101\",\"page\":\"x\",\"near\":\"1\"}",
		  (struct input_mode){ .text = true });
	T_EQ_STR(problems(), "limit must be between 1 and 100; page must be a whole number; "
			     "near is not known here");
}

/* Whatever its zone, a time is kept as what was meant or refused: never as another one. */
static void times_at_the_ends(void)
{
	static const struct {
		const char *body, *got;
	} rows[] = {
		{ "{\"start_date\":\"1900-01-01\"}", "{\"start_date\":\"1900-01-01T00:00:00Z\"}" },
		{ "{\"start_date\":\"1900-01-01\",\"timezone\":\"Europe/Berlin\"}", "refused" },
		{ "{\"start_date\":\"1900-01-01T00:00:00+02:00\"}", "refused" },
		{ "{\"start_date\":\"9998-12-31T23:59:59Z\"}",
		  "{\"start_date\":\"9998-12-31T23:59:59Z\"}" },
		{ "{\"start_date\":\"9998-12-31T23:59:59-01:00\"}", "refused" },
		{ "{\"end_date\":\"9998-12-31\"}", "refused" },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		T_EQ_STR(read_event(rows[i].body, true), rows[i].got);
}

/* As a browser sends them: everything there is, as text. */
static const char *read_form(const char *json)
{
	struct json_object *v = read_with(event_fields, json, (struct input_mode){ .form = true });

	return c.err == OK ? js_text(arena, v) : problems();
}

static void reads_forms(void)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "{\"title\":\"abc\",\"start_date\":\"2030-07-01T19:00\",\"timezone\":"
		  "\"Europe/Berlin\",\"end_date\":\"\",\"max_attendees\":\"\"}",
		  "{\"title\":\"abc\",\"start_date\":\"2030-07-01T17:00:00Z\",\"timezone\":"
		  "\"Europe/Berlin\",\"end_date\":null,\"max_attendees\":null}" },
		{ "{\"title\":\"\",\"start_date\":\"\"}",
		  "title is required; start_date is required" },
		{ "{\"title\":\"abc\",\"start_date\":\"soon\"}",
		  "start_date must be a date and a time" },
		{ "{\"title\":\"abc\",\"start_date\":\"2030-07-01\",\"tags\":\"a, b\\n\\n c \","
		  "\"price\":\"7.5\",\"is_virtual\":\"true\",\"lat\":\"\",\"lng\":\"\"}",
		  "{\"title\":\"abc\",\"start_date\":\"2030-07-01T00:00:00Z\",\"tags\":"
		  "[\"a, b\",\"c\"],\"price\":\"7.50\",\"is_virtual\":true,\"coordinates\":null}" },
		{ "{\"title\":\"abc\",\"start_date\":\"2030-07-01\",\"lat\":\"1\",\"lng\":\"\"}",
		  "lat must come with lng" },
		{ "{\"title\":\"abc\",\"start_date\":\"2030-07-01\",\"lat\":\"\",\"lng\":\"1\"}",
		  "lng must come with lat" },
		{ "{\"title\":\"abc\",\"start_date\":\"2030-07-01\",\"lat\":\"95\",\"lng\":\"1\"}",
		  "lat must be between -90 and 90" },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		T_EQ_STR(read_form(cases[i].in), cases[i].out);
	read_with(event_fields, "{\"title\":\"\",\"start_date\":\"2030-07-01T19:00\"}",
		  (struct input_mode){ .text = true });
	T_EQ_STR(problems(), "title must have at least 3 characters; "
			     "start_date must be a time with zone such as 2030-05-01T18:00:00Z,"
			     " or a day");
}

static void reads_relative_times(void)
{
	static const struct {
		const char *text;
		int64_t ahead_s;
	} rows[] = { { "now", 0 }, { "+7d", 7 * 86400 }, { " 2h", 7200 }, { "-1w", -7 * 86400 } };

	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t us, now = clock_now_us() / 1000000;
		char json[64];

		snprintf(json, sizeof(json), "{\"from\":\"%s\"}", rows[i].text);
		struct json_object *v =
		    read_with(list_fields, json, (struct input_mode){ .text = true });

		T_EQ_STR(problems(), "");
		T_EQ_INT(clock_parse(js_str(v, "from"), &us), CLOCK_INSTANT);
		T_TRUE(llabs(us / 1000000 - now - rows[i].ahead_s) < 5);
	}
	read_event("{\"start_date\":\"+7d\"}", true);
	T_HAS(problems(), "start_date must be a time");
}

static void refuses_bad_text(void)
{
	static const char *const bad[] = {
		"{\"title\":\"a\\u0007bc\"}",  "{\"title\":\"abc\\nd\"}",
		"{\"title\":\"   \"}",         "{\"currency\":\"usd\"}",
		"{\"is_virtual\":\"true\"}",   "{\"capacity\":1.5}",
		"{\"capacity\":\"5\"}",        "{\"tags\":\"a\"}",
		"{\"media\":[\"ftp://x/y\"]}", "{\"end_date\":\"2030-02-30\"}",
		"{\"coordinates\":[1,2]}",     "{\"status\":\"cancelled\"}",
	};

	for (size_t i = 0; i < COUNT(bad); i++)
		if (strcmp(read_event(bad[i], true), "refused") != 0)
			T_FAIL("accepted %s", bad[i]);
	T_EQ_STR(read_event("{\"description\":\"two\\nlines\\tand a tab\"}", true),
		 "{\"description\":\"two\\nlines\\tand a tab\"}");
}

T_SUITE_WITH("input", setup, teardown, T(accepts_synonyms), T(puts_halves_of_coordinates_together),
	     T(refuses_contradictions), T(names_all_problems_at_once),
	     T(reads_whole_days_in_their_zone), T(knows_when_a_zone_is_needed),
	     T(tells_null_from_absent), T(reads_query_text), T(times_at_the_ends),
	     T(reads_relative_times), T(reads_forms), T(refuses_bad_text))
