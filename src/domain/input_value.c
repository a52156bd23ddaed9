/* src/domain/input_value.c - checks one value against one field and brings it to its normal form */
#include "domain/input_priv.h"

#include "auth/password.h"
#include "core/clock.h"
#include "core/id.h"
#include "core/strbuf.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>

static void put_object(void *o)
{
	json_object_put(o);
}

struct json_object *input_own(struct ctx *c, struct json_object *o)
{
	arena_defer(c->arena, put_object, js_made(o));
	return o;
}

typedef struct json_object *checker(const struct check *k); /* NULL: refused and recorded */

static struct json_object *refuse(const struct check *k, const char *reason)
{
	(void)!fail_field(k->c, k->sent, "%s", reason);
	return NULL;
}

static struct json_object *own_string(const struct check *k, const char *s, size_t n)
{
	return input_own(k->c, json_object_new_string_len(s, (int)n));
}

/* The value as a string, or recorded. */
static bool as_text(const struct check *k, struct str *out)
{
	if (!json_object_is_type(k->v, json_type_string)) {
		refuse(k, "must be a string");
		return false;
	}
	*out =
	    (struct str){ json_object_get_string(k->v), (size_t)json_object_get_string_len(k->v) };
	return true;
}

static bool has_control(struct str s, bool lines)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char ch = (unsigned char)s.p[i];

		if (ch == 0x7f ||
		    (ch < 0x20 && !(lines && (ch == '\n' || ch == '\t' || ch == '\r'))))
			return true;
	}
	return false;
}

static bool blank(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!isspace((unsigned char)s.p[i]))
			return false;
	return true;
}

static bool length_ok(const struct check *k, struct str s, double min, double max)
{
	long n = str_utf8_count(s);
	const char *why = NULL;

	if (n < 0)
		why = "must be UTF-8";
	else if (n < min || (min > 0 && blank(s)))
		why = min <= 1 ? "must not be empty"
			       : arena_printf(k->c->arena, "must have at least %g characters", min);
	else if (n > max)
		why = arena_printf(k->c->arena, "must have at most %g characters", max);
	if (why)
		refuse(k, why);
	return !why;
}

static struct json_object *check_text(const struct check *k)
{
	struct str s;

	if (!as_text(k, &s) || !length_ok(k, s, k->f->min, k->f->max))
		return NULL;
	if (has_control(s, k->f->type == IN_TEXT))
		return refuse(k, "must not contain control characters");
	return k->v;
}

/* local@domain with a dot, no spaces or controls: the mail proves the rest. */
static struct json_object *check_email(const struct check *k)
{
	struct str s, domain;

	if (!as_text(k, &s))
		return NULL;
	s = str_trim(s);
	struct str local = str_cut(s, '@', &domain);
	bool good = s.n <= 254 && local.n >= 1 && local.n <= 64 && domain.n >= 3 &&
		    str_utf8_count(s) > 0 && !memchr(domain.p, '@', domain.n) &&
		    memchr(domain.p, '.', domain.n) && domain.p[0] != '.' &&
		    domain.p[domain.n - 1] != '.';

	for (size_t i = 0; good && i < s.n; i++)
		good = (unsigned char)s.p[i] > ' ' && s.p[i] != 0x7f &&
		       !strchr("<>()[],;:\\\"", s.p[i]);
	if (!good)
		return refuse(k, "must be an e-mail address");
	return own_string(k, s.p, s.n);
}

/* Passwords are bytes to us: only type and a sane size are checked here. */
static struct json_object *check_secret(const struct check *k)
{
	struct str s;

	if (!as_text(k, &s))
		return NULL;
	if (s.n == 0)
		return refuse(k, "must not be empty");
	return s.n <= 1024 ? k->v : refuse(k, "is too long");
}

static struct json_object *check_password(const struct check *k)
{
	struct str s;

	if (!as_text(k, &s))
		return NULL;
	const char *why = strlen(s.p) == s.n ? password_refusal(k->c->cfg, s.p) : "must be text";

	return why ? refuse(k, why) : k->v;
}

static struct json_object *check_url(const struct check *k)
{
	struct str s;

	if (!as_text(k, &s) || !length_ok(k, s, 1, k->f->max ? k->f->max : 2000))
		return NULL;
	bool good = strncmp(s.p, "http://", 7) == 0 || strncmp(s.p, "https://", 8) == 0;

	good = good && strchr(s.p, ':')[3] != '\0' && strchr(s.p, ':')[3] != '/';
	for (size_t i = 0; good && i < s.n; i++)
		good = s.p[i] > ' ' && s.p[i] < 0x7f && !strchr("<>\"\\^`{|}", s.p[i]);
	return good ? k->v : refuse(k, "must be an http or https URL");
}

static struct json_object *check_zone(const struct check *k)
{
	struct str s;

	if (!as_text(k, &s))
		return NULL;
	return clock_zone_valid(s.p) ? k->v : refuse(k, "must be an IANA time zone");
}

static struct json_object *check_currency(const struct check *k)
{
	struct str s;

	if (!as_text(k, &s))
		return NULL;
	if (s.n != 3 || !isupper((unsigned char)s.p[0]) || !isupper((unsigned char)s.p[1]) ||
	    !isupper((unsigned char)s.p[2]))
		return refuse(k, "must be an ISO 4217 code such as USD");
	return k->v;
}

/* A number, also from query text. */
static bool as_number(const struct check *k, double *out)
{
	if (json_object_is_type(k->v, json_type_int) ||
	    json_object_is_type(k->v, json_type_double)) {
		*out = json_object_get_double(k->v);
		return isfinite(*out);
	}
	if (!k->mode->text || !json_object_is_type(k->v, json_type_string))
		return false;
	const char *s = json_object_get_string(k->v);
	size_t n = strlen(s);
	char *end;

	if (n == 0 || n > 30 || strspn(s, "0123456789.-") != n)
		return false;
	*out = strtod(s, &end);
	return *end == '\0' && isfinite(*out);
}

static struct json_object *check_number(const struct check *k)
{
	bool whole = k->f->type == IN_INT;
	double d;

	if (!as_number(k, &d) || (whole && json_object_is_type(k->v, json_type_double)) ||
	    (whole && d != floor(d)))
		return refuse(k, whole ? "must be a whole number" : "must be a number");
	if (d < k->f->min || d > k->f->max)
		return refuse(k, arena_printf(k->c->arena, "must be between %.9g and %.9g",
					      k->f->min, k->f->max));
	return input_own(k->c,
			 whole ? json_object_new_int64((int64_t)d) : json_object_new_double(d));
}

static struct json_object *check_money(const struct check *k)
{
	double d;

	if (!as_number(k, &d))
		return refuse(k, "must be a number");
	double cents = d * 100;

	if (d < 0 || d >= 1e8 || fabs(cents - round(cents)) > 1e-6)
		return refuse(k, "must be 0 or more, with at most two decimals");
	return own_string(k, arena_printf(k->c->arena, "%.2f", d),
			  strlen(arena_printf(k->c->arena, "%.2f", d)));
}

static struct json_object *check_bool(const struct check *k)
{
	if (json_object_is_type(k->v, json_type_boolean))
		return k->v;
	const char *s = k->mode->text ? json_object_get_string(k->v) : "";

	if (strcmp(s, "true") == 0 || strcmp(s, "1") == 0)
		return input_own(k->c, json_object_new_boolean(true));
	if (strcmp(s, "false") == 0 || strcmp(s, "0") == 0)
		return input_own(k->c, json_object_new_boolean(false));
	return refuse(k, "must be true or false");
}

#define DAY_US (24LL * 3600 * 1000000)
/* What instants have a text: in a zone ahead of UTC a day of 1900 begins in 1899. */
#define FIRST_YEAR_US (-2208988800LL * 1000000) /* 1900-01-01 */
#define LAST_YEAR_US (253370764800LL * 1000000) /* 9999-01-01: ends of days must fit, too */

/* now, today, tomorrow, +7d, -12h, +2w (query text only). */
static bool relative_time(const char *s, int64_t *us)
{
	static const struct {
		const char *word;
		int64_t ahead;
	} words[] = { { "today", 0 }, { "tomorrow", DAY_US }, { "yesterday", -DAY_US } };
	static const struct {
		char unit;
		int64_t us;
	} units[] = { { 'h', DAY_US / 24 }, { 'd', DAY_US }, { 'w', 7 * DAY_US } };
	int64_t now = clock_now_us(), midnight = now - now % DAY_US;
	struct str text = str_of(s);
	long n;

	for (size_t i = 0; i < COUNT(words); i++)
		if (strcmp(s, words[i].word) == 0) {
			*us = midnight + words[i].ahead;
			return true;
		}
	*us = now;
	if (strcmp(s, "now") == 0)
		return true;
	/* '+' means space in a query string: accept what people type */
	if (text.n < 3 || !strchr("+- ", text.p[0]) ||
	    !str_to_long((struct str){ text.p + 1, text.n - 2 }, 0, 3660, &n))
		return false;
	for (size_t i = 0; i < COUNT(units); i++)
		if (text.p[text.n - 1] == units[i].unit) {
			*us = now + (text.p[0] == '-' ? -n : n) * units[i].us;
			return true;
		}
	return false;
}

static struct json_object *check_time(const struct check *k)
{
	struct str s;
	int64_t us = 0;
	char out[CLOCK_TEXT];

	if (!as_text(k, &s))
		return NULL;
	const char *zone = k->mode->zone ? k->mode->zone : "UTC";
	enum clock_kind kind = clock_parse(s.p, &us);

	if (kind == CLOCK_DAY) {
		if (k->f->type == IN_END_TIME)
			us += DAY_US;
		us = clock_zone_midnight(zone, us);
	} else if (k->mode->form && clock_parse_local(s.p, &us)) {
		us = clock_zone_instant(zone, us);
	} else if (kind == CLOCK_BAD && !(k->mode->text && relative_time(s.p, &us))) {
		return refuse(k, k->mode->form ? "must be a date and a time" :
			      "must be a time with zone such as 2030-05-01T18:00:00Z, or a day");
	}
	if (us < FIRST_YEAR_US)
		return refuse(k, "must not lie before the year 1900");
	if (us >= LAST_YEAR_US)
		return refuse(k, "must lie before the year 9999");
	clock_format(us, out);
	return own_string(k, out, strlen(out));
}

static struct json_object *check_day(const struct check *k)
{
	struct str s;
	int64_t us;

	if (!as_text(k, &s))
		return NULL;
	if (clock_parse(s.p, &us) != CLOCK_DAY)
		return refuse(k, "must be a day such as 1990-12-31");
	return k->v;
}

static struct json_object *check_word(const struct check *k)
{
	struct str s, rest = str_of(k->f->words);

	if (!as_text(k, &s))
		return NULL;
	while (rest.p) {
		struct str word = str_cut(rest, '|', &rest);

		if (str_eq(word, s))
			return k->v;
	}
	return refuse(k, arena_printf(k->c->arena, "must be one of %s", k->f->words));
}

/* The array to check; in a query, the text cut at commas, in a form at the ends of lines. */
static struct json_object *as_array(const struct check *k)
{
	if (json_object_is_type(k->v, json_type_array))
		return k->v;
	if (!k->mode->text || !json_object_is_type(k->v, json_type_string)) {
		refuse(k, "must be an array");
		return NULL;
	}
	struct json_object *a = input_own(k->c, json_object_new_array());
	struct str rest = str_of(json_object_get_string(k->v));

	while (rest.p) {
		struct str item = str_trim(str_cut(rest, k->mode->form ? '\n' : ',', &rest));

		if (item.n)
			js_push(a, js_made(json_object_new_string_len(item.p, (int)item.n)));
	}
	return a;
}

static struct json_object *check_array(const struct check *k)
{
	static const enum input_type item_types[] = {
		[IN_TEXTS] = IN_LINE, [IN_URLS] = IN_URL, [IN_IDS] = IN_ID
	};
	struct json_object *in = as_array(k);
	struct json_object *out;

	if (!in)
		return NULL;
	size_t n = json_object_array_length(in);

	if ((double)n > k->f->max)
		return refuse(k,
			      arena_printf(k->c->arena, "must have at most %g items", k->f->max));
	out = input_own(k->c, json_object_new_array());
	for (size_t i = 0; i < n; i++) {
		struct input_field item = { .name = k->f->name,
					    .type = item_types[k->f->type],
					    .min = 1,
					    .max = k->f->item_max };
		const char *sent = arena_printf(k->c->arena, "%s[%zu]", k->sent, i);
		struct json_object *v = input_value(&(struct check){
		    k->c, &item, sent, json_object_array_get_idx(in, i), k->mode });

		if (v)
			js_push(out, json_object_get(v));
	}
	return out;
}

static struct json_object *check_coords(const struct check *k)
{
	static const struct input_field lat = {
		.name = "lat", .type = IN_NUMBER, .min = -90, .max = 90
	};
	static const struct input_field lng = {
		.name = "lng", .type = IN_NUMBER, .min = -180, .max = 180
	};
	struct json_object *la, *ln, *out, *va, *vn;

	if (!json_object_is_type(k->v, json_type_object) || json_object_object_length(k->v) != 2 ||
	    !json_object_object_get_ex(k->v, "lat", &la) ||
	    !json_object_object_get_ex(k->v, "lng", &ln))
		return refuse(k, "must be {\"lat\": number, \"lng\": number}");
	const char *of = k->mode->form ? "" : arena_printf(k->c->arena, "%s.", k->sent);

	va = input_value(&(struct check){ k->c, &lat, arena_printf(k->c->arena, "%slat", of), la,
					  k->mode });
	vn = input_value(&(struct check){ k->c, &lng, arena_printf(k->c->arena, "%slng", of), ln,
					  k->mode });
	if (!va || !vn)
		return NULL;
	out = input_own(k->c, json_object_new_object());
	js_add(out, "lat", json_object_get(va));
	js_add(out, "lng", json_object_get(vn));
	return out;
}

static struct json_object *check_id(const struct check *k)
{
	struct str s;
	struct id id;

	if (!as_text(k, &s))
		return NULL;
	return id_parse(s, &id) ? own_string(k, id.s, 36) : refuse(k, "must be an id");
}

static struct json_object *check_object(const struct check *k)
{
	if (!json_object_is_type(k->v, json_type_object))
		return refuse(k, "must be an object");
	if ((double)strlen(js_text(k->c->arena, k->v)) > k->f->max)
		return refuse(k, arena_printf(k->c->arena, "must be at most %g bytes", k->f->max));
	return k->v;
}

static checker *const checkers[] = {
	[IN_TEXT] = check_text,         [IN_LINE] = check_text,     [IN_EMAIL] = check_email,
	[IN_PASSWORD] = check_password,   [IN_URL] = check_url,       [IN_ZONE] = check_zone,
	[IN_CURRENCY] = check_currency, [IN_DAY] = check_day,       [IN_SECRET] = check_secret,
	[IN_INT] = check_number,        [IN_NUMBER] = check_number, [IN_MONEY] = check_money,
	[IN_BOOL] = check_bool,         [IN_TIME] = check_time,     [IN_END_TIME] = check_time,
	[IN_WORD] = check_word,         [IN_TEXTS] = check_array,   [IN_URLS] = check_array,
	[IN_COORDS] = check_coords,     [IN_IDS] = check_array,     [IN_ID] = check_id,
	[IN_OBJECT] = check_object,
};

struct json_object *input_value(const struct check *k)
{
	if (k->v)
		return checkers[k->f->type](k);
	if (!(k->f->flags & IN_NULLABLE))
		refuse(k, "must not be null");
	return NULL;
}
