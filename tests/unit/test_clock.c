/* tests/unit/test_clock.c - RFC 3339 and days in time zones */
#include "core/clock.h"
#include "core/str.h"
#include "t.h"

#include <time.h>

static const char *round_trip(const char *in, char out[CLOCK_TEXT])
{
	int64_t us = 0;

	return clock_parse(in, &us) == CLOCK_INSTANT ? clock_format(us, out) : "bad";
}

static void instants_are_read(void)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "2026-05-01T18:00:00Z", "2026-05-01T18:00:00Z" },
		{ "2026-05-01t18:00:00z", "2026-05-01T18:00:00Z" },
		{ "2026-05-01T18:00:00.5Z", "2026-05-01T18:00:00.500Z" },
		{ "2026-05-01T18:00:00.123456789Z", "2026-05-01T18:00:00.123Z" },
		{ "2026-05-01T18:00:00.0000Z", "2026-05-01T18:00:00Z" },
		{ "2026-05-01T18:00:00+02:00", "2026-05-01T16:00:00Z" },
		{ "2026-05-01T00:30:00+14:00", "2026-04-30T10:30:00Z" },
		{ "2026-12-31T23:30:00-05:30", "2027-01-01T05:00:00Z" },
		{ "2024-02-29T00:00:00-00:00", "2024-02-29T00:00:00Z" },
		{ "1900-01-01T00:00:00Z", "1900-01-01T00:00:00Z" },
		{ "1969-12-31T23:59:59.250Z", "1969-12-31T23:59:59.250Z" },
		{ "9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z" },
		{ "2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z" },
		{ "2017-01-01T00:59:60+01:00", "2017-01-01T00:00:00Z" },
	};
	char out[CLOCK_TEXT];

	for (size_t i = 0; i < COUNT(cases); i++)
		T_EQ_STR(round_trip(cases[i].in, out), cases[i].out);
}

static void anything_else_is_refused(void)
{
	static const char *const bad[] = {
		"", "now", "2026", "2026-5-1", "2026-02-29", "1900-02-29", "2026-04-31",
		"2026-13-01", "2026-00-01", "2026-01-00", "1899-12-31", "02026-01-01",
		"2026-05-01T18:00:00", "2026-05-01T18:00Z", "2026-05-01 18:00:00Z",
		"2026-05-01T24:00:00Z", "2026-05-01T23:60:00Z", "2026-05-01T23:59:60Z",
		"2026-12-31T22:59:60Z", "2026-05-01T18:00:00.Z", "2026-05-01T18:00:00,5Z",
		"2026-05-01T18:00:00+2", "2026-05-01T18:00:00+24:00",
		"2026-05-01T18:00:00+02:60", "2026-05-01T18:00:00+0200", "2026-05-01T18:00:00Zx",
		"2026-05-01x", " 2026-05-01", "2026-05-01 ", "1900-01-01T00:00:00+01:00",
		"9999-12-31T23:59:59-01:00", "-2026-05-01",
	};
	int64_t us;

	for (size_t i = 0; i < COUNT(bad); i++)
		if (clock_parse(bad[i], &us) != CLOCK_BAD)
			T_FAIL("accepted: \"%s\"", bad[i]);
	T_EQ_INT(clock_parse(NULL, &us), CLOCK_BAD);
}

static void bare_dates_are_days(void)
{
	char out[CLOCK_TEXT];
	int64_t us;

	T_EQ_INT(clock_parse("2026-05-01", &us), CLOCK_DAY);
	T_EQ_STR(clock_format(us, out), "2026-05-01T00:00:00Z");
	T_EQ_INT(clock_parse("1900-01-01", &us), CLOCK_DAY);
	T_EQ_STR(clock_format(us, out), "1900-01-01T00:00:00Z");
}

static void format_survives_any_number(void)
{
	char out[CLOCK_TEXT];

	T_EQ_STR(clock_format(0, out), "1970-01-01T00:00:00Z");
	T_EQ_STR(clock_format(-1, out), "1969-12-31T23:59:59.999Z");
	T_TRUE(strlen(clock_format(INT64_MAX, out)) < CLOCK_TEXT);
	T_TRUE(strlen(clock_format(INT64_MIN, out)) < CLOCK_TEXT);
}

static void zone_names(void)
{
	static const char *const bad[] = {
		"", "Europe/Atlantis", "../../etc/passwd", "/etc/localtime", "Europe/../UTC",
		"Europe", "Europe/", "Europe//Berlin", "right/Europe/Berlin",
		"posix/Europe/Berlin", "localtime", "posixrules", "Europe/Berlin ",
		":Europe/Berlin", "zone.tab", "tzdata.zi", "EST5EDT4,M3.2.0,M11.1.0",
		"europe/berlin\n",
	};

	T_TRUE(clock_zone_valid("UTC"));
	T_FALSE(clock_zone_valid(NULL));
	for (size_t i = 0; i < COUNT(bad); i++)
		if (clock_zone_valid(bad[i]))
			T_FAIL("accepted: \"%s\"", bad[i]);
	if (!clock_zone_valid("Europe/Berlin"))
		T_SKIP("the time zone database is not installed");
	T_TRUE(clock_zone_valid("America/Argentina/Buenos_Aires"));
	T_TRUE(clock_zone_valid("America/Port-au-Prince"));
	T_TRUE(clock_zone_valid("Etc/GMT+5"));
}

static void midnights(void)
{
	static const struct {
		const char *zone, *day, *begins;
	} cases[] = {
		{ "UTC", "2026-05-01", "2026-05-01T00:00:00Z" },
		{ "Europe/Berlin", "2026-05-01", "2026-04-30T22:00:00Z" },
		{ "Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z" },
		{ "Europe/Berlin", "2026-10-26", "2026-10-25T23:00:00Z" },
		{ "America/New_York", "2026-07-04", "2026-07-04T04:00:00Z" },
		{ "Asia/Kolkata", "2026-01-01", "2025-12-31T18:30:00Z" },
		{ "Pacific/Kiritimati", "2026-01-01", "2025-12-31T10:00:00Z" },
		{ "Pacific/Pago_Pago", "2026-01-01", "2026-01-01T11:00:00Z" },
		/* 00:00 does not exist: the day begins at 01:00 local time */
		{ "America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z" },
		/* 00:00 comes twice: the first one */
		{ "America/Havana", "2020-11-01", "2020-11-01T04:00:00Z" },
		/* a day that was left out altogether begins where the next one does */
		{ "Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z" },
		{ "Europe/Berlin", "1960-06-01", "1960-05-31T23:00:00Z" },
	};
	char out[CLOCK_TEXT];
	int64_t day;

	if (!clock_zone_valid("Europe/Berlin"))
		T_SKIP("the time zone database is not installed");
	for (size_t i = 0; i < COUNT(cases); i++) {
		T_EQ_INT(clock_parse(cases[i].day, &day), CLOCK_DAY);
		T_EQ_STR(clock_format(clock_zone_midnight(cases[i].zone, day), out),
			 cases[i].begins);
	}
}

static void local_times(void)
{
	static const struct {
		const char *zone, *local, *at;
	} cases[] = {
		{ "UTC", "2026-05-01T18:00", "2026-05-01T18:00:00Z" },
		{ "UTC", "2026-05-01 18:00:30.250", "2026-05-01T18:00:30.250Z" },
		{ "No/Where", "2026-05-01T18:00", "2026-05-01T18:00:00Z" },
		/* the day on which clocks go forward: before, in the gap, after */
		{ "Europe/Berlin", "2026-03-29T01:59", "2026-03-29T00:59:00Z" },
		{ "Europe/Berlin", "2026-03-29T02:00", "2026-03-29T01:00:00Z" },
		{ "Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:00:00Z" },
		{ "Europe/Berlin", "2026-03-29T03:00", "2026-03-29T01:00:00Z" },
		{ "Europe/Berlin", "2026-03-29T12:00:07.5", "2026-03-29T10:00:07.500Z" },
		/* and back: before, what comes twice, after */
		{ "Europe/Berlin", "2026-10-25T01:59", "2026-10-24T23:59:00Z" },
		{ "Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30:00Z" },
		{ "Europe/Berlin", "2026-10-25T03:00", "2026-10-25T02:00:00Z" },
		{ "America/New_York", "2026-03-08T01:30", "2026-03-08T06:30:00Z" },
		{ "America/New_York", "2026-03-08T02:30", "2026-03-08T07:00:00Z" },
		{ "America/New_York", "2026-03-08T03:30", "2026-03-08T07:30:00Z" },
		{ "America/New_York", "2026-11-01T01:30", "2026-11-01T05:30:00Z" },
		{ "America/New_York", "2026-11-01T02:00", "2026-11-01T07:00:00Z" },
		/* by half an hour */
		{ "Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30:00Z" },
		{ "Australia/Lord_Howe", "2026-10-04T02:30", "2026-10-03T15:30:00Z" },
		{ "Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45:00Z" },
		{ "Australia/Lord_Howe", "2026-04-05T02:00", "2026-04-04T15:30:00Z" },
		{ "America/Sao_Paulo", "2018-11-04T00:30", "2018-11-04T03:00:00Z" },
		{ "America/Sao_Paulo", "2018-02-17T23:30", "2018-02-18T01:30:00Z" },
		{ "Pacific/Apia", "2011-12-30T19:00", "2011-12-30T10:00:00Z" },
		{ "Pacific/Kiritimati", "2026-01-01T00:00", "2025-12-31T10:00:00Z" },
	};
	static const char *const bad[] = {
		"", "2026-05-01", "2026-05-01T18", "2026-05-01T18:00Z", "2026-05-01T24:00",
		"2026-05-01T18:60", "2026-05-01T18:00:60", "2026-05-01T18:00:",
		"2026-05-01T18:00.5", "2026-02-29T10:00", "1899-12-31T10:00",
	};
	char out[CLOCK_TEXT];
	int64_t us;

	for (size_t i = 0; i < COUNT(bad); i++)
		if (clock_parse_local(bad[i], &us))
			T_FAIL("accepted: \"%s\"", bad[i]);
	T_FALSE(clock_parse_local(NULL, &us));
	if (!clock_zone_valid("Europe/Berlin"))
		T_SKIP("the time zone database is not installed");
	for (size_t i = 0; i < COUNT(cases); i++) {
		T_TRUE(clock_parse_local(cases[i].local, &us));
		T_EQ_STR(clock_format(clock_zone_instant(cases[i].zone, us), out), cases[i].at);
	}
}

static void what_clocks_show(void)
{
	static const struct {
		const char *zone, *at;
		int hour, minute, day;
	} cases[] = {
		{ "Europe/Berlin", "2026-03-29T00:59:00Z", 1, 59, 29 },
		{ "Europe/Berlin", "2026-03-29T01:00:00Z", 3, 0, 29 },
		{ "UTC", "2026-03-29T01:00:00Z", 1, 0, 29 },
		{ "America/New_York", "2026-11-01T05:30:00Z", 1, 30, 1 },
		{ "America/New_York", "2026-11-01T06:30:00Z", 1, 30, 1 },
		{ "Asia/Kolkata", "2026-05-01T20:00:00Z", 1, 30, 2 },
		{ "No/Where", "2026-05-01T20:00:00Z", 20, 0, 1 },
		{ "", "2026-05-01T20:00:00Z", 20, 0, 1 },
		{ NULL, "2026-05-01T20:00:00Z", 20, 0, 1 },
		{ "Europe/Berlin", "1960-01-01T00:00:00Z", 1, 0, 1 },
	};
	struct tm tm;
	int64_t us;

	for (size_t i = 0; i < COUNT(cases); i++) {
		T_EQ_INT(clock_parse(cases[i].at, &us), CLOCK_INSTANT);
		clock_local(cases[i].zone, us, &tm);
		T_EQ_INT(tm.tm_hour, cases[i].hour);
		T_EQ_INT(tm.tm_min, cases[i].minute);
		T_EQ_INT(tm.tm_mday, cases[i].day);
	}
}

static bool same_time(const struct tm *a, const struct tm *b)
{
	return a->tm_mday == b->tm_mday && a->tm_hour == b->tm_hour && a->tm_min == b->tm_min &&
	       a->tm_sec == b->tm_sec && a->tm_gmtoff == b->tm_gmtoff &&
	       a->tm_isdst == b->tm_isdst && strcmp(a->tm_zone, b->tm_zone) == 0;
}

/* Every half hour or so of two years, now and then with another zone in between: as the library has
 * it, whether it is kept by then or not. */
static void what_is_kept_of_zones_is_right(void)
{
	static const char *const zones[] = { "Europe/Berlin",	    "America/New_York",
					     "Australia/Lord_Howe", "Africa/Casablanca",
					     "Asia/Kathmandu",	    "America/Sao_Paulo" };
	long wrong = 0, seen = 0;
	struct tm want, got;

	if (!clock_zone_valid("Europe/Berlin"))
		T_SKIP("the time zone database is not installed");
	for (size_t i = 0; i < COUNT(zones); i++) {
		for (time_t t = 1735689600; t < 1735689600 + 2 * 365 * 86400; t += 1799) {
			/* chooses the zone */
			(void)clock_zone_instant(zones[i], (int64_t)t * 1000000);
			localtime_r(&t, &want);
			if (++seen % 50 == 0)
				clock_local("Pacific/Apia", (int64_t)t * 1000000, &got);
			clock_local(zones[i], (int64_t)t * 1000000, &got);
			wrong += !same_time(&want, &got);
		}
	}
	T_EQ_INT(wrong, 0);
	T_TRUE(seen > 200000);
}

static void monotonic_moves_on(void)
{
	int64_t a = clock_mono_ms(), b = clock_mono_ms();

	T_TRUE(b >= a);
	T_TRUE(clock_now_us() > INT64_C(1577836800000000));
}

T_SUITE("clock", T(instants_are_read), T(anything_else_is_refused), T(bare_dates_are_days),
	T(format_survives_any_number), T(zone_names), T(midnights), T(local_times),
	T(what_clocks_show), T(what_is_kept_of_zones_is_right), T(monotonic_moves_on))
