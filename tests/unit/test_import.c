/* tests/unit/test_import.c - lines of an import: what becomes of them, and what is refused */
#include "cli/import_line.h"
#include "core/json.h"
#include "t.h"

#define NOW INT64_C(1700000000000000)	/* 2023-11-14 */

static struct ctx c;
static struct import_line line;

static void begin(void)
{
	if (!c.arena)
		c.arena = arena_new((size_t)16 << 20);
	arena_reset(c.arena);
	ctx_begin(&c, c.arena);
}

/* Apostrophes stand for quotation marks. */
static enum err read_shifted(const char *text, int years)
{
	char *copy;

	begin();
	copy = arena_strdup(c.arena, text);
	for (char *q = copy; (q = strchr(q, '\'')); q++)
		*q = '"';
	return import_line_read(&c, str_of(copy), years, NOW, &line);
}

static enum err read_line(const char *text)
{
	return read_shifted(text, 0);
}

static struct json_object *body(void)
{
	struct json_object *o = js_own(c.arena, line.body);

	T_REQUIRE(o != NULL);
	return o;
}

static void a_conference_becomes_an_event(void)
{
	struct json_object *o, *coordinates, *tags;

	T_REQUIRE(read_line("{'title': 'Rubyfuza', 'url': 'http://rubyfuza.org/Cape Town/x y',"
			    " 'start_date': '2030-02-07', 'end_date': '2030-02-09',"
			    " 'tags': ['ruby'], 'is_virtual': false, 'city': 'Cape Town',"
			    " 'country': 'South Africa', 'lat': -33.92584, 'lng': 18.42322,"
			    " 'locale': 'EN'}") == OK);
	o = body();
	T_EQ_STR(js_str(o, "title"), "Rubyfuza");
	T_EQ_STR(js_str(o, "url"), "http://rubyfuza.org/Cape%20Town/x%20y");
	T_EQ_STR(js_str(o, "location"), "Cape Town, South Africa");
	T_EQ_STR(js_str(o, "start_date"), "2030-02-07T00:00:00Z");
	/* the end of the last day */
	T_EQ_STR(js_str(o, "end_date"), "2030-02-10T00:00:00Z");
	T_NULL(js_str(o, "status"));
	T_FALSE(js_has(o, "city") || js_has(o, "country") || js_has(o, "locale"));
	T_TRUE(json_object_object_get_ex(o, "coordinates", &coordinates));
	T_EQ_STR(js_text(c.arena, coordinates), "{\"lat\":-33.92584,\"lng\":18.42322}");
	T_TRUE(json_object_object_get_ex(o, "tags", &tags));
	T_EQ_INT(json_object_array_length(tags), 1);
}

static void the_past_is_over(void)
{
	T_REQUIRE(read_line("{'title':'Old','start_date':'2013-02-07'}") == OK);
	T_EQ_STR(js_str(body(), "status"), "completed");
	T_REQUIRE(read_line("{'title':'Old','start_date':'2023-11-14'}") == OK);
	T_NULL(js_str(body(), "status"));	/* without an end it lasts a day */
	T_REQUIRE(read_shifted("{'title':'Old','start_date':'2013-02-07'}", 20) == OK);
	T_NULL(js_str(body(), "status"));
}

static void years_move(void)
{
	T_REQUIRE(read_shifted("{'title':'Leap','start_date':'2024-02-29',"
			       "'end_date':'2024-03-01T10:00:00+02:00'}", 1) == OK);
	T_EQ_STR(js_str(body(), "start_date"), "2025-02-28T00:00:00Z");
	T_EQ_STR(js_str(body(), "end_date"), "2025-03-01T08:00:00Z");
	T_REQUIRE(read_shifted("{'title':'Leap','start_date':'2024-02-29'}", 4) == OK);
	T_EQ_STR(js_str(body(), "start_date"), "2028-02-29T00:00:00Z");
	/* What is no day does not become one. */
	T_EQ_INT(read_shifted("{'title':'Leap','start_date':'2027-02-29'}", 1), E_INVALID);
}

static void the_key_is_who_it_is(void)
{
	static const char *const others[] = {
		"{'title':'Ab','start_date':'2030-01-01','url':'http://x.y','city':'Bonn'}",
		"{'title':'Abc','start_date':'2030-01-02','url':'http://x.y','city':'Bonn'}",
		"{'title':'Abc','start_date':'2030-01-01','url':'http://x.z','city':'Bonn'}",
		"{'title':'Abc','start_date':'2030-01-01','url':'http://x.y','city':'Köln'}",
		"{'title':'Abc','start_date':'2030-01-01','url':'http://x.y'}",
	};
	char first[SHA256_HEX];

	T_REQUIRE(read_line("{'title':'Abc','start_date':'2030-01-01','url':'http://x.y',"
			    "'city':'Bonn','tags':[]}") == OK);
	memcpy(first, line.key, sizeof(first));
	T_EQ_INT(strlen(first), 64);
	T_REQUIRE(read_shifted("{'url':'http://x.y','start_date':'2030-01-01','tags':['a'],"
			       "'city':'Bonn','title':'Abc','country':'Germany'}", 2) == OK);
	T_EQ_STR(line.key, first);
	for (size_t i = 0; i < COUNT(others); i++) {
		(void)!read_line(others[i]);
		T_FALSE(strcmp(line.key, first) == 0);
	}
}

static void place_names(void)
{
	T_REQUIRE(read_line("{'title':'Abc','start_date':'2030-01-01','country':'Peru'}") ==
		  OK);
	T_EQ_STR(js_str(body(), "location"), "Peru");
	T_REQUIRE(read_line("{'title':'Abc','start_date':'2030-01-01','city':'Lima',"
			    "'location':'Hall 1'}") == OK);
	T_EQ_STR(js_str(body(), "location"), "Hall 1");
	T_REQUIRE(read_line("{'title':'Abc','start_date':'2030-01-01'}") == OK);
	T_FALSE(js_has(body(), "location"));
}

static void problems_are_named(void)
{
	T_EQ_INT(read_line("{'title':'WE','start_date':'soon','colour':1}"), E_INVALID);
	T_REQUIRE(c.details && c.details->next && c.details->next->next);
	T_EQ_STR(c.details->field, "title");
	T_EQ_STR(c.details->next->field, "start_date");
	T_EQ_STR(c.details->next->next->field, "colour");
	T_EQ_INT(read_line("{'title':'Abc','start_date':'2030-01-02',"
			   "'end_date':'2030-01-01'}"), E_INVALID);
	T_EQ_STR(c.details->field, "end_date");
	T_EQ_INT(read_line("{'start_date':'2030-01-02'}"), E_INVALID);
	T_EQ_STR(c.details->field, "title");
	T_EQ_INT(read_line("{'title':'Abc','start_date':'2030-01-02','lat':1}"), E_INVALID);
	T_EQ_INT(read_line("[1]"), E_MALFORMED);
	T_EQ_INT(read_line("null"), E_MALFORMED);
	T_EQ_INT(read_line("{'title':"), E_MALFORMED);
	begin();
	T_EQ_INT(import_line_read(&c, STR("{'title':'x'}"), 0, NOW, &line), E_MALFORMED);
}

T_SUITE("import", T(a_conference_becomes_an_event), T(the_past_is_over), T(years_move),
	T(the_key_is_who_it_is), T(place_names), T(problems_are_named))
