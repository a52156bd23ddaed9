/* tests/unit/test_ical.c - iCalendar: folding, escapes, zones, times */
#include "core/clock.h"
#include "core/json.h"
#include "domain/ical.h"
#include "t.h"

static struct arena *arena;

static bool make(void)
{
	arena = arena_new(64 << 20);
	return true;
}

static void drop(void)
{
	arena_free(arena);
}

static const char *line_of(void (*write)(struct strbuf *, const char *, const char *),
			   const char *value)
{
	struct strbuf b;

	strbuf_init(&b, arena, 1 << 20);
	write(&b, "X", value);
	return strbuf_str(&b);
}

static void texts_are_escaped(void)
{
	static const struct {
		const char *text, *line;
	} cases[] = {
		{ "a;b,c\\d", "X:a\\;b\\,c\\\\d\r\n" },
		{ "one\ntwo\n", "X:one\\ntwo\\n\r\n" },
		{ "a:b \"c\"", "X:a:b \"c\"\r\n" },
		{ "tab\there", "X:tab\there\r\n" },
		{ "a\rb\x01" "c", "X:abc\r\n" },
		{ "", "" },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		T_EQ_STR(line_of(ical_text, cases[i].text), cases[i].line);
	T_EQ_STR(line_of(ical_text, NULL), "");
	T_EQ_STR(line_of(ical_line, "FREQ=A;B=1,2"), "X:FREQ=A;B=1,2\r\n");
}

/* The text again, and no line longer than 75 bytes or cut within a character. */
static void unfolded_is(const char *text, const char *folded)
{
	struct strbuf b;

	strbuf_init(&b, arena, 1 << 20);
	for (const char *p = folded; *p; ) {
		size_t n = (size_t)(strstr(p, "\r\n") - p);

		T_TRUE(n <= 75);
		T_TRUE(str_utf8_count((struct str){ p, n }) >= 0);
		strbuf_add(&b, p + (p > folded), n - (p > folded));
		p += n + 2;
		T_TRUE(!*p || *p == ' ');
	}
	T_EQ_STR(strbuf_str(&b), arena_printf(arena, "X:%s", text));
}

static void lines_are_folded_between_characters(void)
{
	static const char *const characters[] = { "a", "ä", "€", "😀" };
	struct strbuf b;

	for (size_t c = 0; c < COUNT(characters); c++)
		for (int before = 0; before < 8; before++) {
			strbuf_init(&b, arena, 65536);
			strbuf_add(&b, "1234567", (size_t)before % 8);
			for (int i = 0; i < 200; i++)
				strbuf_adds(&b, characters[c]);
			unfolded_is(strbuf_str(&b), line_of(ical_line, strbuf_str(&b)));
		}
	T_HAS(line_of(ical_line, arena_printf(arena, "%073d", 0)), "0\r\n");
	T_NULL(strstr(line_of(ical_line, arena_printf(arena, "%073d", 0)), "\r\n "));
	T_HAS(line_of(ical_line, arena_printf(arena, "%074d", 0)), "\r\n 0\r\n");
}

static int64_t at(const char *text)
{
	int64_t us = 0;

	T_EQ_INT(clock_parse(text, &us), CLOCK_INSTANT);
	return us;
}

static const char *zone_of(const char *zone, const char *first, const char *last)
{
	struct strbuf b;

	strbuf_init(&b, arena, 1 << 20);
	ical_zone(&b, zone, at(first), at(last));
	return strbuf_str(&b);
}

static void zones_have_all_changes_of_their_years(void)
{
	const char *berlin, *apia, *kolkata;

	if (!clock_zone_valid("Europe/Berlin"))
		T_SKIP("the time zone database is not installed");
	berlin = zone_of("Europe/Berlin", "2026-07-01T00:00:00Z", "2026-07-02T00:00:00Z");
	T_HAS(berlin, "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\n");
	T_HAS(berlin, "BEGIN:DAYLIGHT\r\nDTSTART:20250330T020000\r\nRDATE:20260329T020000\r\n"
		      "RDATE:20270328T020000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\n"
		      "TZNAME:CEST\r\nEND:DAYLIGHT\r\n");
	T_HAS(berlin, "BEGIN:STANDARD\r\nDTSTART:20251026T030000\r\nRDATE:20261025T030000\r\n"
		      "RDATE:20271031T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\n");
	kolkata = zone_of("Asia/Kolkata", "2026-07-01T00:00:00Z", "2026-07-02T00:00:00Z");
	T_HAS(kolkata, "BEGIN:STANDARD\r\nDTSTART:20250101T053000\r\nTZOFFSETFROM:+0530\r\n"
		       "TZOFFSETTO:+0530\r\nTZNAME:IST\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n");
	apia = zone_of("Pacific/Apia", "2011-12-01T00:00:00Z", "2011-12-02T00:00:00Z");
	T_HAS(apia, "DTSTART:20111230T000000\r\nTZOFFSETFROM:-1000\r\nTZOFFSETTO:+1400\r\n");
	T_HAS(zone_of("Australia/Lord_Howe", "2026-07-01T00:00:00Z", "2026-07-01T00:00:00Z"),
	      "TZOFFSETFROM:+1100\r\nTZOFFSETTO:+1030\r\n");
	T_HAS(zone_of("Africa/Monrovia", "1971-07-01T00:00:00Z", "1971-07-01T00:00:00Z"),
	      "TZOFFSETTO:-004430\r\n");
}

static const char *event_of(const char *members)
{
	static const struct ical_head head = { .site = "https://a.example", .name = "A" };
	struct strbuf b;

	strbuf_init(&b, arena, 1 << 20);
	ical_calendar(&b, &head, js_own(arena, arena_printf(arena, "[{\"id\":\"i\",\"slug\":\"s\","
		      "\"version\":3,\"title\":\"T\",\"created_at\":\"2026-01-01T00:00:00Z\","
		      "\"updated_at\":\"2026-01-02T03:04:05Z\"%s}]", members)));
	T_TRUE(!b.failed);
	return strbuf_str(&b);
}

static void times_of_events(void)
{
	static const struct {
		const char *zone, *from, *to, *line;
	} cases[] = {
		{ "UTC", "2026-07-01T17:00:00Z", "2026-07-01T18:00:00Z",
		  "\r\nDTSTART:20260701T170000Z\r\nDTEND:20260701T180000Z\r\n" },
		{ "Europe/Berlin", "2026-07-01T17:00:00Z", "2026-07-01T18:00:00Z",
		  "\r\nDTSTART;TZID=Europe/Berlin:20260701T190000\r\n" },
		{ "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z",
		  "\r\nDTSTART;TZID=Europe/Berlin:20261025T023000\r\nDTEND:20261025T013000Z\r\n" },
		{ "Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z",
		  "\r\nDTSTART;VALUE=DATE:20260329\r\nDTEND;VALUE=DATE:20260330\r\n" },
		{ "America/Sao_Paulo", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z",
		  "\r\nDTSTART;VALUE=DATE:20181104\r\nDTEND;VALUE=DATE:20181105\r\n" },
		{ "No/Where", "2026-07-01T17:00:00Z", "2026-07-01T18:00:00Z",
		  "\r\nDTSTART:20260701T170000Z\r\n" },
	};

	if (!clock_zone_valid("Europe/Berlin"))
		T_SKIP("the time zone database is not installed");
	for (size_t i = 0; i < COUNT(cases); i++)
		T_HAS(event_of(arena_printf(arena, ",\"timezone\":\"%s\",\"start_date\":\"%s\","
					    "\"end_date\":\"%s\"", cases[i].zone, cases[i].from,
					    cases[i].to)), cases[i].line);
	T_NULL(strstr(event_of(",\"start_date\":\"2026-07-01T17:00:00Z\""), "DTEND"));
}

static void whole_calendars(void)
{
	const char *text = event_of(",\"start_date\":\"2026-07-01T17:00:00Z\","
				    "\"status\":\"cancelled\",\"tags\":[\"a,b\",\"c\"],"
				    "\"privacy\":\"public\"");
	struct ical_head head = { .site = "", .method = "CANCEL", .refresh = "PT1H" };
	struct strbuf b;

	T_HAS(text, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n");
	T_HAS(text, "\r\nUID:i\r\nDTSTAMP:20260102T030405Z\r\n");
	T_HAS(text, "\r\nSEQUENCE:3\r\nSTATUS:CANCELLED\r\nCLASS:PUBLIC\r\nSUMMARY:T\r\n");
	T_HAS(text, "\r\nCATEGORIES:a\\,b,c\r\n");
	T_HAS(text, "\r\nURL:https://a.example/e/s\r\n");
	T_HAS(text, "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
	T_NULL(strstr(text, "METHOD"));
	T_NULL(strstr(text, "ORGANIZER"));
	strbuf_init(&b, arena, 65536);
	ical_calendar(&b, &head, js_own(arena, "[]"));
	T_HAS(strbuf_str(&b), "\r\nMETHOD:CANCEL\r\n");
	T_HAS(strbuf_str(&b), "\r\nREFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n");
	T_HAS(strbuf_str(&b), "BEGIN:VTIMEZONE\r\nTZID:UTC\r\n");
	strbuf_init(&b, arena, 100);
	ical_calendar(&b, &head, js_own(arena, "[]"));
	T_TRUE(b.failed);
}

T_SUITE_WITH("ical", make, drop, T(texts_are_escaped), T(lines_are_folded_between_characters),
	     T(zones_have_all_changes_of_their_years), T(times_of_events), T(whole_calendars))
