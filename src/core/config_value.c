/* src/core/config_value.c - option values: text to number and back, ranges, words */
#include "core/config_priv.h"

#include <stdlib.h>

const struct cfg_unit cfg_msec_units[] = {
	{ "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 },
	{ NULL, 0 },
};
const struct cfg_unit cfg_size_units[] = {
	{ "GiB", 1L << 30 }, { "MiB", 1L << 20 }, { "KiB", 1L << 10 }, { "", 1 }, { NULL, 0 },
};

static const struct bool_word {
	const char *word;
	bool value;
} bool_words[] = {
	{ "on", true }, { "off", false }, { "true", true }, { "false", false },
	{ "yes", true }, { "no", false }, { "1", true }, { "0", false },
};

/* A number and one of the units; "0" needs none. */
static bool parse_unit(struct str s, const struct cfg_unit *units, long *out)
{
	size_t n = 0;
	long number;

	while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
		n++;
	if (!str_to_long((struct str){ s.p, n }, 0, __LONG_MAX__, &number))
		return false;
	struct str unit = str_trim((struct str){ s.p + n, s.n - n });
	if (number == 0 && unit.n == 0) {
		*out = 0;
		return true;
	}
	for (; units->name; units++)
		if (str_is(unit, units->name))
			return !__builtin_mul_overflow(number, units->factor, out);
	return false;
}

static bool set_bool(struct loader *l, const struct cfg_row *row, struct str v)
{
	for (size_t i = 0; i < COUNT(bool_words); i++)
		if (str_is(v, bool_words[i].word)) {
			*(bool *)((char *)l->cfg + row->at) = bool_words[i].value;
			return true;
		}
	return false;
}

static bool set_text(struct loader *l, const struct cfg_row *row, struct str v)
{
	if (row->type == CFG_WORD) {
		struct str rest = str_of(row->words), word = { NULL, 0 };

		while (rest.p && !str_eq(word, v))
			word = str_cut(rest, '|', &rest);
		if (!str_eq(word, v))
			return false;
	} else if (v.n > (size_t)row->max || v.n < (size_t)row->min) {
		return false;
	}
	*(const char **)((char *)l->cfg + row->at) = config_keep(v);
	return true;
}

static bool set_number(struct loader *l, const struct cfg_row *row, struct str v)
{
	long number;
	bool ok = row->type == CFG_INT ? str_to_long(v, row->min, row->max, &number)
		: parse_unit(v, row->type == CFG_MSEC ? cfg_msec_units : cfg_size_units, &number);

	if (!ok || number < row->min || number > row->max)
		return false;
	*(long *)((char *)l->cfg + row->at) = number;
	return true;
}

static const char *unit_text(long v, const struct cfg_unit *units, char *buf, size_t n)
{
	/* Zero gets the smallest unit, everything else the largest that divides it. */
	while (units[1].name && (v == 0 || v % units->factor != 0))
		units++;
	snprintf(buf, n, "%ld%s", v / units->factor, units->name);
	return buf;
}

static const char *number_text(enum cfg_type type, long v, char *buf, size_t n)
{
	if (type == CFG_MSEC)
		return unit_text(v, cfg_msec_units, buf, n);
	if (type == CFG_SIZE)
		return unit_text(v, cfg_size_units, buf, n);
	snprintf(buf, n, "%ld", v);
	return buf;
}

const char *config_accepts(const struct cfg_row *row, char *buf, size_t n)
{
	static const char *const what[] = {
		[CFG_INT] = "a number", [CFG_MSEC] = "a time", [CFG_SIZE] = "a size",
	};
	char lo[32], hi[32];

	if (row->type == CFG_BOOL) {
		snprintf(buf, n, "on or off");
	} else if (row->type == CFG_WORD) {
		snprintf(buf, n, "one of %s", row->words);
	} else if (row->type == CFG_STR) {
		snprintf(buf, n, "text of %ld to %ld bytes", row->min, row->max);
	} else {
		number_text(row->type, row->min, lo, sizeof(lo));
		number_text(row->type, row->max, hi, sizeof(hi));
		snprintf(buf, n, "%s from %s to %s", what[row->type], lo, hi);
	}
	return buf;
}

void config_set(struct loader *l, const struct cfg_row *row, struct str value, const char *where)
{
	static bool (*const setters[])(struct loader *, const struct cfg_row *, struct str) = {
		[CFG_STR] = set_text,	 [CFG_WORD] = set_text,	  [CFG_BOOL] = set_bool,
		[CFG_INT] = set_number,	 [CFG_MSEC] = set_number, [CFG_SIZE] = set_number,
	};
	char accepts[160];

	if (value.n > 0 && memchr(value.p, '\0', value.n)) {
		config_problem(l, where, "%s: the value contains a NUL byte", row->name);
		return;
	}
	if (setters[row->type](l, row, value))
		return;
	bool hide = row->flags & CFG_SECRET;
	config_problem(l, where, "%s: \"%.*s\" is not %s", row->name,
		       hide ? 8 : (int)(value.n < 200 ? value.n : 200), hide ? "(hidden)" : value.p,
		       config_accepts(row, accepts, sizeof(accepts)));
}

const char *config_value(const struct config *cfg, const struct cfg_row *row, char *buf, size_t n)
{
	const char *at = (const char *)cfg + row->at;

	if (row->type == CFG_BOOL)
		return *(const bool *)at ? "on" : "off";
	if (row->type != CFG_STR && row->type != CFG_WORD)
		return number_text(row->type, *(const long *)at, buf, n);
	const char *text = *(const char *const *)at;
	if (!text)
		return "";
	return (row->flags & CFG_SECRET) && text[0] ? "(hidden)" : text;
}
