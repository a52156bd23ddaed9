/* src/core/clock.c - instants, their RFC 3339 text, and days in IANA time zones */
#include "core/clock.h"
#include "core/hash.h"
#include "core/str.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define US ((int64_t)1000000)
#define DAY_S ((int64_t)86400)
#define EARLIEST INT64_C(-2208988800)		/* 1900-01-01 */
#define AFTER_LATEST INT64_C(253402300800)	/* 10000-01-01 */
#define ZONES "/usr/share/zoneinfo"

int64_t clock_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * US + t.tv_nsec / 1000;
}

int64_t clock_mono_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_mono_ms(void)
{
	return clock_mono_us() / 1000;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

const char *clock_format(int64_t us, char out[CLOCK_TEXT])
{
	static _Thread_local time_t last = -1; /* most instants are now: its text is kept */
	static _Thread_local char text[CLOCK_TEXT];
	static _Thread_local size_t n;
	time_t s = (time_t)floor_div(us, US);
	int ms = (int)((us % US + US) % US / 1000);
	struct tm tm;

	/* No year of four digits: it never came out of clock_parse. */
	if (us < EARLIEST * US || us >= AFTER_LATEST * US) {
		s = 0;
		ms = 0;
	}
	if (s != last || n == 0) {
		gmtime_r(&s, &tm);
		n = strftime(text, sizeof(text), "%FT%T", &tm);
		last = s;
	}
	char *end = (char *)memcpy(out, text, n) + n;

	if (ms) {
		*end++ = '.';
		*end++ = (char)('0' + ms / 100);
		*end++ = (char)('0' + ms / 10 % 10);
		*end++ = (char)('0' + ms % 10);
	}
	memcpy(end, "Z", 2);
	return out;
}

/* Reads exactly n digits into *out and moves on. */
static bool digits(const char **s, int n, int *out)
{
	*out = 0;
	for (int i = 0; i < n; i++, (*s)++) {
		if (**s < '0' || **s > '9')
			return false;
		*out = *out * 10 + (**s - '0');
	}
	return true;
}

static bool skip(const char **s, char a, char b)
{
	if (**s != a && **s != b)
		return false;
	(*s)++;
	return true;
}

static bool parse_date(const char **s, struct tm *tm)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int y, m, d;

	if (!digits(s, 4, &y) || !skip(s, '-', '-') || !digits(s, 2, &m) || !skip(s, '-', '-') ||
	    !digits(s, 2, &d))
		return false;
	bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
	if (y < 1900 || m < 1 || m > 12 || d < 1 || d > lengths[m - 1] + (m == 2 && leap))
		return false;
	*tm = (struct tm){ .tm_year = y - 1900, .tm_mon = m - 1, .tm_mday = d };
	return true;
}

static bool parse_second(const char **s, struct tm *tm, int64_t *fraction_us)
{
	if (!digits(s, 2, &tm->tm_sec))
		return false;
	*fraction_us = 0;
	if (**s != '.')
		return true;
	(*s)++;
	int64_t unit = US / 10;
	const char *first = *s;
	for (; **s >= '0' && **s <= '9'; (*s)++, unit /= 10)
		*fraction_us += (**s - '0') * unit;
	return *s > first;
}

static bool parse_time(const char **s, struct tm *tm, int64_t *fraction_us)
{
	return digits(s, 2, &tm->tm_hour) && skip(s, ':', ':') && digits(s, 2, &tm->tm_min) &&
	       skip(s, ':', ':') && parse_second(s, tm, fraction_us) && tm->tm_hour <= 23 &&
	       tm->tm_min <= 59 && tm->tm_sec <= 60;
}

static bool parse_offset(const char **s, int64_t *seconds)
{
	int h, m, sign = **s == '-' ? -1 : 1;

	*seconds = 0;
	if (skip(s, 'Z', 'z'))
		return true;
	if (!skip(s, '+', '-') || !digits(s, 2, &h) || !skip(s, ':', ':') || !digits(s, 2, &m))
		return false;
	*seconds = sign * (h * 3600 + m * 60);
	return h <= 23 && m <= 59;
}

/* Leap seconds end the last UTC day of a June or a December and nothing else. */
static bool leap_second_possible(int64_t t)
{
	time_t before = (time_t)(t - 1);
	struct tm tm;

	gmtime_r(&before, &tm);
	return tm.tm_hour == 23 && tm.tm_min == 59 && tm.tm_sec == 59 &&
	       ((tm.tm_mon == 5 && tm.tm_mday == 30) || (tm.tm_mon == 11 && tm.tm_mday == 31));
}

enum clock_kind clock_parse(const char *s, int64_t *us)
{
	int64_t fraction, offset;
	struct tm tm;

	if (!s || !parse_date(&s, &tm))
		return CLOCK_BAD;
	if (*s == '\0') {
		*us = (int64_t)timegm(&tm) * US;
		return CLOCK_DAY;
	}
	if (!skip(&s, 'T', 't') || !parse_time(&s, &tm, &fraction) || !parse_offset(&s, &offset) ||
	    *s != '\0')
		return CLOCK_BAD;
	bool leap = tm.tm_sec == 60;
	int64_t t = (int64_t)timegm(&tm) - offset;
	if (t < EARLIEST || t >= AFTER_LATEST || (leap && !leap_second_possible(t)))
		return CLOCK_BAD;
	*us = t * US + fraction;
	return CLOCK_INSTANT;
}

bool clock_parse_local(const char *s, int64_t *us)
{
	int64_t fraction = 0;
	struct tm tm;

	if (!s || !parse_date(&s, &tm) || !skip(&s, 'T', ' ') || !digits(&s, 2, &tm.tm_hour) ||
	    !skip(&s, ':', ':') || !digits(&s, 2, &tm.tm_min) || tm.tm_hour > 23 || tm.tm_min > 59)
		return false;
	if (*s == ':' && (s++, !parse_second(&s, &tm, &fraction) || tm.tm_sec > 59))
		return false;
	*us = (int64_t)timegm(&tm) * US + fraction;
	return *s == '\0';
}

static bool zone_name_plain(const char *zone)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789_+-/";
	size_t n = zone ? strlen(zone) : 0;

	if (n == 0 || n > 64 || strspn(zone, allowed) != n)
		return false;
	if (zone[0] == '/' || zone[n - 1] == '/' || strstr(zone, "//"))
		return false;
	/* Files that lie beside the database's names without being one of them. */
	return strncmp(zone, "posix/", 6) != 0 && strncmp(zone, "right/", 6) != 0 &&
	       strcmp(zone, "localtime") != 0 && strcmp(zone, "posixrules") != 0;
}

bool clock_zone_valid(const char *zone)
{
	char path[128], magic[4];
	struct stat st;

	if (!zone_name_plain(zone))
		return false;
	if (strcmp(zone, "UTC") == 0)
		return true;	/* also where the database is not installed */
	snprintf(path, sizeof(path), ZONES "/%s", zone);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	bool ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		  read(fd, magic, sizeof(magic)) == (ssize_t)sizeof(magic) &&
		  memcmp(magic, "TZif", 4) == 0;
	close(fd);
	return ok;
}

/* False: there is no such zone, or it is UTC. Nothing else here asks the library for local times:
 * the zone stays until another is wanted, and is looked up no more. */
static bool use_zone(const char *zone)
{
	static char used[80] = ":";

	if (zone && zone[0] && strcmp(zone, used + 1) == 0)
		return true;
	if (!clock_zone_valid(zone) || strcmp(zone, "UTC") == 0)
		return false;
	snprintf(used, sizeof(used), ":%s", zone);
	setenv("TZ", used, 1);
	tzset();
	return true;
}

/* What clocks of the zone in use show at t, as seconds that a clock in UTC would have. */
static int64_t local_seconds(int64_t t)
{
	time_t at = (time_t)t;
	struct tm tm;

	localtime_r(&at, &tm);
	return (int64_t)timegm(&tm);
}

/* Another zone costs the library a dozen system calls, and the events of a page lie in many: what
 * holds in a zone for six hours is kept. No clocks ever changed there and back within those. */
#define SPAN_S (6 * INT64_C(3600))
struct span {
	uint64_t key; /* of zone and time; 0: nothing is kept here */
	long offset;
	int summer;
	char name[8];
};

/* NULL: not to be kept. */
static const struct span *span_of(const char *zone, int64_t t)
{
	static struct span spans[512];
	const int64_t n = floor_div(t, SPAN_S);
	const uint64_t key = hash64_seeded(zone, strlen(zone), (uint64_t)n) | 1;
	struct span *s = &spans[key / 2 % COUNT(spans)];
	time_t first = (time_t)(n * SPAN_S), last = first + SPAN_S - 1;
	struct tm a, b;

	if (s->key == key)
		return s;
	if (!use_zone(zone))
		return NULL;
	localtime_r(&first, &a);
	localtime_r(&last, &b);
	if (a.tm_gmtoff != b.tm_gmtoff || a.tm_isdst != b.tm_isdst ||
	    strcmp(a.tm_zone, b.tm_zone) != 0 || strlen(a.tm_zone) >= sizeof(s->name))
		return NULL;
	*s = (struct span){ .key = key, .offset = a.tm_gmtoff, .summer = a.tm_isdst };
	memcpy(s->name, a.tm_zone, strlen(a.tm_zone));
	return s;
}

void clock_local(const char *zone, int64_t us, struct tm *out)
{
	time_t at = (time_t)floor_div(us, US);
	const struct span *s = zone && strcmp(zone, "UTC") != 0 ? span_of(zone, at) : NULL;

	if (s) {
		at += s->offset;
		gmtime_r(&at, out);
		out->tm_gmtoff = s->offset;
		out->tm_isdst = s->summer;
		out->tm_zone = s->name;
	} else if (use_zone(zone)) {
		localtime_r(&at, out);
	} else {
		gmtime_r(&at, out);
	}
}

static bool same_clocks(time_t a, time_t b)
{
	struct tm x, y;

	localtime_r(&a, &x);
	localtime_r(&b, &y);
	return x.tm_gmtoff == y.tm_gmtoff && x.tm_isdst == y.tm_isdst;
}

static void describe_change(int64_t before, int64_t at, struct clock_change *out)
{
	time_t t = (time_t)before, u = (time_t)at;
	struct tm old, new;

	localtime_r(&t, &old);
	localtime_r(&u, &new);
	*out = (struct clock_change){ .at_us = at * US, .before = old.tm_gmtoff,
				      .after = new.tm_gmtoff,
				      .summer = new.tm_isdst > 0 && new.tm_gmtoff > old.tm_gmtoff };
	snprintf(out->name, sizeof(out->name), "%s", new.tm_zone);
}

size_t clock_changes(const char *zone, int64_t from_us, int64_t to_us, struct clock_change *out,
		     size_t max)
{
	const int64_t step = 3 * DAY_S, end = floor_div(to_us, US);
	size_t n = 0;

	if (!use_zone(zone))
		return 0;
	for (int64_t t = floor_div(from_us, US); t < end && n < max; ) {
		int64_t lo = t, hi = t + step < end ? t + step : end;

		t = hi;
		if (same_clocks((time_t)lo, (time_t)hi))
			continue;
		while (hi - lo > 1) {
			int64_t mid = lo + (hi - lo) / 2;

			if (same_clocks((time_t)lo, (time_t)mid))
				lo = mid;
			else
				hi = mid;
		}
		describe_change(lo, hi, &out[n++]);
	}
	return n;
}

/* Offsets stay within 16 h of UTC, so what is looked for lies within 16 h of the same time in UTC.
 * With the offset from before a change it is found unless the change comes first; with the one from
 * after it, unless the change comes later; with neither, clocks have skipped it. */
int64_t clock_zone_instant(const char *zone, int64_t local_us)
{
	const int64_t wanted = floor_div(local_us, US), around = 16 * 3600;
	int64_t early, late;

	if (!use_zone(zone))
		return local_us;
	early = wanted - (local_seconds(wanted - around) - (wanted - around));
	if (local_seconds(early) == wanted)
		return early * US + (local_us - wanted * US);
	late = wanted - (local_seconds(wanted + around) - (wanted + around));
	if (local_seconds(late) == wanted)
		return late * US + (local_us - wanted * US);
	for (int64_t lo = late, hi = early; lo < hi; ) {
		int64_t mid = lo + (hi - lo) / 2;

		if (local_seconds(mid) >= wanted)
			early = hi = mid;
		else
			lo = mid + 1;
	}
	return early * US;
}

int64_t clock_zone_midnight(const char *zone, int64_t day_us)
{
	return clock_zone_instant(zone, floor_div(day_us, US * DAY_S) * DAY_S * US);
}
