/* src/domain/ical.c - events as iCalendar */
#include "domain/ical.h"

#include "core/clock.h"
#include "core/json.h"

#include <stdio.h>
#include <time.h>

#define LINE_MAX_BYTES 75
#define HOUR_US (INT64_C(3600) * 1000000)

/* ---- lines ---- */

struct line {
	struct strbuf *out;
	size_t column;
};

/* One character, on a new line when it does not fit on this one. */
static void put(struct line *l, const char *p, size_t n)
{
	if (l->column + n > LINE_MAX_BYTES) {
		strbuf_adds(l->out, "\r\n ");
		l->column = 1;
	}
	strbuf_add(l->out, p, n);
	l->column += n;
}

static void put_all(struct line *l, const char *s)
{
	for (size_t n = strlen(s), len; n > 0; s += len, n -= len) {
		len = str_utf8_len(s, n);
		len = len ? len : 1;
		put(l, s, len);
	}
}

/* A TEXT: with its escapes, which may be folded apart like anything else. */
static void put_text(struct line *l, const char *s)
{
	for (size_t n = strlen(s), len; n > 0; s += len, n -= len) {
		len = str_utf8_len(s, n);
		len = len ? len : 1;
		if (*s == '\n')
			put(l, "\\n", 2);
		else if (strchr("\\;,", *s))
			put(l, (const char[]){ '\\', *s }, 2);
		else if ((unsigned char)*s >= ' ' || *s == '\t')
			put(l, s, len);
	}
}

void ical_line(struct strbuf *out, const char *name, const char *value)
{
	struct line l = { out, 0 };

	put_all(&l, name);
	put(&l, ":", 1);
	put_all(&l, value);
	strbuf_adds(out, "\r\n");
}

void ical_text(struct strbuf *out, const char *name, const char *value)
{
	struct line l = { out, 0 };

	if (!value || !*value)
		return;
	put_all(&l, name);
	put(&l, ":", 1);
	put_text(&l, value);
	strbuf_adds(out, "\r\n");
}

/* ---- times ---- */

struct span {
	const char *zone;	/* NULL: UTC */
	int64_t from, to;	/* to = from: it has no end */
	bool days;		/* whole ones, in the zone */
};

static int64_t instant(struct json_object *e, const char *name, int64_t otherwise)
{
	int64_t us;

	return clock_parse(js_str(e, name), &us) == CLOCK_INSTANT ? us : otherwise;
}

static bool at_midnight(const char *zone, int64_t us)
{
	struct tm tm;

	clock_local(zone, us, &tm);
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	return clock_zone_midnight(zone, (int64_t)timegm(&tm) * 1000000) == us;
}

static struct span span_of(struct json_object *e)
{
	const char *zone = js_str(e, "timezone");
	struct span s = { .zone = zone && strcmp(zone, "UTC") != 0 && clock_zone_valid(zone) ?
					  zone : NULL };

	s.from = instant(e, "start_date", 0);
	s.to = instant(e, "end_date", s.from);
	s.days = s.to > s.from && at_midnight(s.zone, s.from) && at_midnight(s.zone, s.to);
	return s;
}

static const char *stamp(struct arena *a, const struct tm *tm, const char *end)
{
	return arena_printf(a, "%04d%02d%02dT%02d%02d%02d%s", tm->tm_year + 1900, tm->tm_mon + 1,
			    tm->tm_mday, tm->tm_hour, tm->tm_min, tm->tm_sec, end);
}

static const char *utc_stamp(struct arena *a, int64_t us)
{
	struct tm tm;

	clock_local(NULL, us, &tm);
	return stamp(a, &tm, "Z");
}

/* Have clocks shown the same time shortly before? */
static bool shown_before(const char *zone, int64_t us)
{
	struct tm now, then;

	clock_local(zone, us, &now);
	clock_local(zone, us - 3 * HOUR_US, &then);
	int64_t back = ((int64_t)then.tm_gmtoff - now.tm_gmtoff) * 1000000;

	if (back <= 0)
		return false;
	clock_local(zone, us - back, &then);
	return timegm(&now) == timegm(&then);
}

static void add_time(struct strbuf *out, const char *name, const struct span *s, int64_t us)
{
	struct arena *a = out->arena;
	struct tm tm;

	clock_local(s->zone, us, &tm);
	if (s->days)
		ical_line(out, arena_printf(a, "%s;VALUE=DATE", name),
			  arena_printf(a, "%04d%02d%02d", tm.tm_year + 1900, tm.tm_mon + 1,
				       tm.tm_mday));
	else if (!s->zone || shown_before(s->zone, us))
		ical_line(out, name, utc_stamp(a, us));
	else
		ical_line(out, arena_printf(a, "%s;TZID=%s", name, s->zone), stamp(a, &tm, ""));
}

/* ---- zones ---- */

#define CHANGES_MAX 400
#define ZONE_YEARS 40	/* longer spans than that are told for their first years */

static const char *offset_text(struct arena *a, long s)
{
	long n = s < 0 ? -s : s;
	const char *text = arena_printf(a, "%c%02ld%02ld", s < 0 ? '-' : '+', n / 3600,
					n / 60 % 60);

	return n % 60 ? arena_printf(a, "%s%02ld", text, n % 60) : text;
}

/* The local time at which it happens, by the clocks before it (3.6.5). */
static const char *change_stamp(struct arena *a, const struct clock_change *c)
{
	struct tm tm;

	clock_local(NULL, c->at_us + (int64_t)c->before * 1000000, &tm);
	return stamp(a, &tm, "");
}

static bool same_change(const struct clock_change *x, const struct clock_change *y)
{
	return x->before == y->before && x->after == y->after && x->summer == y->summer &&
	       strcmp(x->name, y->name) == 0;
}

/* One observance: the first of these changes, and all later ones like it. */
static void add_observance(struct strbuf *out, const struct clock_change *c, size_t n)
{
	const char *kind = c->summer ? "DAYLIGHT" : "STANDARD";
	struct arena *a = out->arena;

	ical_line(out, "BEGIN", kind);
	ical_line(out, "DTSTART", change_stamp(a, c));
	for (size_t i = 1; i < n; i++)
		if (same_change(c, &c[i]))
			ical_line(out, "RDATE", change_stamp(a, &c[i]));
	ical_line(out, "TZOFFSETFROM", offset_text(a, c->before));
	ical_line(out, "TZOFFSETTO", offset_text(a, c->after));
	ical_text(out, "TZNAME", c->name);
	ical_line(out, "END", kind);
}

/* The first of January of that year and so many more, in UTC. */
static int64_t year_begins(int64_t us, int more)
{
	struct tm tm;

	clock_local(NULL, us, &tm);
	struct tm day = { .tm_year = tm.tm_year + more, .tm_mday = 1 };

	return (int64_t)timegm(&day) * 1000000;
}

void ical_zone(struct strbuf *out, const char *zone, int64_t first_us, int64_t last_us)
{
	struct clock_change *c = arena_zalloc(out->arena, (CHANGES_MAX + 1) * sizeof(*c));
	int64_t from = year_begins(first_us, -1), to = year_begins(last_us, 2);
	int64_t most = year_begins(first_us, ZONE_YEARS);
	struct tm tm;
	size_t n;

	clock_local(zone, from, &tm);
	c[0].at_us = from;
	c[0].before = c[0].after = tm.tm_gmtoff;
	snprintf(c[0].name, sizeof(c[0].name), "%s", tm.tm_zone);
	n = 1 + clock_changes(zone, from, to < most ? to : most, c + 1, CHANGES_MAX);
	ical_line(out, "BEGIN", "VTIMEZONE");
	ical_line(out, "TZID", zone);
	for (size_t i = 0; i < n; i++) {
		size_t told = 0;

		while (told < i && !same_change(&c[told], &c[i]))
			told++;
		if (told == i)
			add_observance(out, &c[i], n - i);
	}
	ical_line(out, "END", "VTIMEZONE");
}

struct use {
	const char *zone;
	int64_t from, to;
};

static void add_zones(struct strbuf *out, struct json_object *events)
{
	size_t n = json_object_array_length(events), used = 0, k;
	struct use *uses = arena_zalloc(out->arena, (n + 1) * sizeof(*uses));

	for (size_t i = 0; i < n; i++) {
		struct span s = span_of(json_object_array_get_idx(events, i));

		if (!s.zone || s.days)
			continue;
		for (k = 0; k < used && strcmp(uses[k].zone, s.zone) != 0; k++)
			;
		if (k == used)
			uses[used++] = (struct use){ s.zone, s.from, s.to };
		uses[k].from = s.from < uses[k].from ? s.from : uses[k].from;
		uses[k].to = s.to > uses[k].to ? s.to : uses[k].to;
	}
	for (k = 0; k < used; k++)
		ical_zone(out, uses[k].zone, uses[k].from, uses[k].to);
}

/* ---- events ---- */

static const char *status_of(struct json_object *e)
{
	static const char *const words[][2] = {
		{ "draft", "TENTATIVE" }, { "active", "CONFIRMED" }, { "completed", "CONFIRMED" },
		{ "cancelled", "CANCELLED" },
	};

	for (size_t i = 0; i < COUNT(words); i++)
		if (js_str(e, "status") && strcmp(js_str(e, "status"), words[i][0]) == 0)
			return words[i][1];
	return words[0][1];
}

static void add_categories(struct strbuf *out, struct json_object *e)
{
	const char *category = js_str(e, "category");
	struct line l = { out, 0 };
	struct json_object *tags;
	size_t n = 0;

	if (json_object_object_get_ex(e, "tags", &tags) &&
	    json_object_is_type(tags, json_type_array))
		n = json_object_array_length(tags);
	if (!category && !n)
		return;
	put_all(&l, "CATEGORIES:");
	put_text(&l, category ? category : "");
	for (size_t i = 0; i < n; i++) {
		if (i || category)
			put(&l, ",", 1);
		put_text(&l, json_object_get_string(json_object_array_get_idx(tags, i)));
	}
	strbuf_adds(out, "\r\n");
}

static void add_geo(struct strbuf *out, struct json_object *e)
{
	struct json_object *at, *lat, *lng;

	if (!json_object_object_get_ex(e, "coordinates", &at) || !at ||
	    !json_object_object_get_ex(at, "lat", &lat) ||
	    !json_object_object_get_ex(at, "lng", &lng))
		return;
	ical_line(out, "GEO", arena_printf(out->arena, "%.6f;%.6f", json_object_get_double(lat),
					   json_object_get_double(lng)));
}

static void add_event(struct strbuf *out, const struct ical_head *head, struct json_object *e)
{
	const char *privacy = js_str(e, "privacy");
	struct json_object *host = NULL, *version;
	struct arena *a = out->arena;
	struct span s = span_of(e);

	json_object_object_get_ex(e, "version", &version);
	json_object_object_get_ex(e, "host", &host);
	ical_line(out, "BEGIN", "VEVENT");
	ical_line(out, "UID", js_str(e, "id"));
	/* Without a METHOD it says when the event was last changed (3.8.7.2). */
	ical_line(out, "DTSTAMP", utc_stamp(a, instant(e, "updated_at", 0)));
	ical_line(out, "LAST-MODIFIED", utc_stamp(a, instant(e, "updated_at", 0)));
	ical_line(out, "CREATED", utc_stamp(a, instant(e, "created_at", 0)));
	ical_line(out, "SEQUENCE", arena_printf(a, "%d", json_object_get_int(version)));
	ical_line(out, "STATUS", status_of(e));
	ical_line(out, "CLASS", privacy && strcmp(privacy, "public") == 0 ? "PUBLIC" : "PRIVATE");
	ical_text(out, "SUMMARY", js_str(e, "title"));
	add_time(out, "DTSTART", &s, s.from);
	if (s.to > s.from)
		add_time(out, "DTEND", &s, s.to);
	ical_text(out, "LOCATION", js_str(e, "location"));
	add_geo(out, e);
	ical_line(out, "URL", arena_printf(a, "%s/e/%s", head->site, js_str(e, "slug")));
	add_categories(out, e);
	ical_text(out, "CONTACT", js_str(host, "name"));
	ical_text(out, "COMMENT", js_str(e, "cancel_reason"));
	ical_text(out, "DESCRIPTION", js_str(e, "description"));
	ical_line(out, "END", "VEVENT");
}

void ical_calendar(struct strbuf *out, const struct ical_head *head, struct json_object *events)
{
	size_t n = json_object_array_length(events);

	ical_line(out, "BEGIN", "VCALENDAR");
	ical_line(out, "VERSION", "2.0");
	ical_line(out, "PRODID", "-//Marquee//" MARQUEE_VERSION "//EN");
	ical_line(out, "CALSCALE", "GREGORIAN");
	if (head->method)
		ical_line(out, "METHOD", head->method);
	ical_text(out, "NAME", head->name);
	ical_text(out, "X-WR-CALNAME", head->name);
	if (head->refresh) {
		ical_line(out, "REFRESH-INTERVAL;VALUE=DURATION", head->refresh);
		ical_line(out, "X-PUBLISHED-TTL", head->refresh);
	}
	add_zones(out, events);
	if (!n)		/* a calendar has to have something in it (3.6) */
		ical_zone(out, "UTC", 0, 0);
	for (size_t i = 0; i < n; i++)
		add_event(out, head, json_object_array_get_idx(events, i));
	ical_line(out, "END", "VCALENDAR");
}
