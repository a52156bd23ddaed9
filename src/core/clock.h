/* src/core/clock.h - time: instants in microseconds since 1970 UTC, RFC 3339 text, IANA zones */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int64_t clock_now_us(void);	/* CLOCK_REALTIME */
int64_t clock_mono_us(void);
int64_t clock_mono_ms(void);	/* CLOCK_MONOTONIC: for time-outs and ages only */

#define CLOCK_TEXT 32
/* "2026-05-01T18:00:00Z", with ".mmm" (milliseconds) when they are not zero.
 * Outside the years 1900..9999: 1970-01-01T00:00:00Z. */
const char *clock_format(int64_t us, char out[CLOCK_TEXT]);

enum clock_kind { CLOCK_BAD, CLOCK_INSTANT, CLOCK_DAY };
/* RFC 3339: a full date-time with zone (fraction and offset allowed) gives CLOCK_INSTANT and *us;
 * a bare date ("2026-05-01") gives CLOCK_DAY and its midnight in UTC; impossible days, leap-less
 * 60th seconds, years outside 1900..9999 and anything else CLOCK_BAD. */
enum clock_kind clock_parse(const char *s, int64_t *us);

/* What a form's field for date and time sends, "2026-05-01T18:00" or with seconds: the instant
 * at which a clock in UTC shows that. */
bool clock_parse_local(const char *s, int64_t *us);

/* True for a name of the installed IANA database ("Europe/Berlin", "UTC"); never a path trick. */
bool clock_zone_valid(const char *zone);

/* What clocks show there at that instant; UTC when there is no such zone. tm_zone is good until the
 * next call. Only in programs of one thread, as the next. */
struct tm;
void clock_local(const char *zone, int64_t us, struct tm *out);

/* A change of a zone's clocks: when, by how much, and what holds from then on. */
struct clock_change {
	int64_t at_us;
	long before, after;	/* seconds east of UTC */
	bool summer;		/* daylight saving time begins */
	char name[12];		/* of the time that begins: "CEST" */
};
/* Those in (from, to], at most max, in order. Of two within three days only the sum is seen. */
size_t clock_changes(const char *zone, int64_t from_us, int64_t to_us, struct clock_change *out,
		     size_t max);

/* The instant at which clocks there show what a clock in UTC shows at local_us: of a time that
 * comes twice the first, for one that is skipped the moment after the gap. */
int64_t clock_zone_instant(const char *zone, int64_t local_us);

/* The instant at which the day, given as its midnight in UTC, begins in that zone. */
int64_t clock_zone_midnight(const char *zone, int64_t day_us);

#endif
