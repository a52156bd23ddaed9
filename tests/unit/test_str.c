/* tests/unit/test_str.c - slices, UTF-8, numbers; the error table and the error state */
#include "core/ctx.h"
#include "core/str.h"
#include "t.h"

#include <limits.h>

static void utf8_is_counted_or_refused(void)
{
	static const struct {
		const char *text;
		long count;
	} cases[] = {
		{ "", 0 }, { "abc", 3 }, { "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x8E\x89", 3 },
		{ "\xF4\x8F\xBF\xBF", 1 }, { "\xED\x9F\xBF\xEE\x80\x80", 2 }, { "\xC0\x80", -1 },
		{ "\xC1\xBF", -1 }, { "\xE0\x9F\xBF", -1 }, { "\xED\xA0\x80", -1 },
		{ "\xF0\x8F\xBF\xBF", -1 }, { "\xF4\x90\x80\x80", -1 }, { "\xF5\x80\x80\x80", -1 },
		{ "\x80", -1 }, { "\xC3", -1 }, { "a\xE2\x82", -1 }, { "\xFF", -1 },
		{ "\xE2\x28\xA1", -1 },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		T_EQ_INT(str_utf8_count(str_of(cases[i].text)), cases[i].count);
	T_EQ_INT(str_utf8_count((struct str){ "a\0b", 3 }), 3);
}

static void cutting(void)
{
	struct str rest;

	T_TRUE(str_is(str_cut(STR("a=b=c"), '=', &rest), "a"));
	T_TRUE(str_is(rest, "b=c"));
	T_TRUE(str_is(str_cut(STR("a="), '=', &rest), "a"));
	T_TRUE(rest.p != NULL && rest.n == 0);
	T_TRUE(str_is(str_cut(STR("abc"), '=', &rest), "abc"));
	T_TRUE(rest.p == NULL && rest.n == 0);
	T_TRUE(str_cut((struct str){ NULL, 0 }, '=', &rest).n == 0 && rest.p == NULL);
	T_TRUE(str_is(str_trim(STR(" \t a b\t")), "a b"));
	T_EQ_INT(str_trim(STR(" \t ")).n, 0);
}

static void numbers(void)
{
	static const char *const bad[] = { "", "-", "+1", " 1", "1 ", "1x", "0x10", "--1", "1.0",
					   "9223372036854775808", "-9223372036854775809",
					   "99999999999999999999999" };
	long v = 42;

	for (size_t i = 0; i < COUNT(bad); i++)
		T_FALSE(str_to_long(str_of(bad[i]), LONG_MIN, LONG_MAX, &v));
	T_EQ_INT(v, 42);
	T_TRUE(str_to_long(STR("9223372036854775807"), LONG_MIN, LONG_MAX, &v) && v == LONG_MAX);
	T_TRUE(str_to_long(STR("-9223372036854775808"), LONG_MIN, LONG_MAX, &v) && v == LONG_MIN);
	T_TRUE(str_to_long(STR("-0"), 0, 0, &v) && v == 0);
	T_FALSE(str_to_long(STR("101"), 0, 100, &v));
	T_FALSE(str_to_long(STR("-1"), 0, 100, &v));
}

static void every_error_has_a_row(void)
{
	for (int e = OK; e < ERR_COUNT; e++) {
		const struct err_info *row = err_info((enum err)e);

		T_REQUIRE(row->code && row->title);
		T_TRUE(row->http >= 200 && row->http < 600);
		T_TRUE((row->exit == 0) == (e == OK));
		if (e != E_UNCERTAIN)	/* shares its word with E_UNAVAIL */
			T_EQ_INT(err_by_code(row->code), e);
	}
	T_TRUE(err_info((enum err)999) == err_info(E_INTERNAL));
	T_EQ_INT(err_by_code("NO_SUCH_WORD"), E_INTERNAL);
	T_EQ_INT(err_by_code(NULL), E_INTERNAL);
	T_EQ_INT(err_info(E_BELOW)->http, 409);
	T_EQ_INT(err_info(E_INVALID)->http, 422);
}

static void the_first_error_wins(void)
{
	struct arena *a = arena_new(1 << 20);
	struct ctx c = { .retry_after = 9, .sql_trips = 3, .cache_off = true };

	ctx_begin(&c, a);
	T_EQ_INT(c.err, OK);
	T_EQ_INT(c.retry_after + (int)c.sql_trips + c.cache_off, 0);
	T_EQ_INT(fail(&c, E_CONFLICT, "taken by %s", "bob"), E_CONFLICT);
	T_EQ_INT(fail(&c, E_INTERNAL, "later"), E_CONFLICT);
	T_EQ_STR(c.err_msg, "taken by bob");
	ctx_forgive(&c);
	T_EQ_INT(c.err, OK);
	T_NULL(c.err_msg);
	T_EQ_INT(fail(&c, OK, "a bug"), E_INTERNAL);
	arena_free(a);
}

static void all_bad_fields_are_kept(void)
{
	struct arena *a = arena_new(1 << 20);
	struct ctx c = { 0 };

	ctx_begin(&c, a);
	T_EQ_INT(fail_field(&c, "title", "is missing"), E_INVALID);
	T_EQ_INT(fail_field(&c, "lat", "must be at most %d", 90), E_INVALID);
	T_EQ_INT(c.err, E_INVALID);
	T_TRUE(c.err_msg != NULL);
	T_REQUIRE(c.details && c.details->next);
	T_EQ_STR(c.details->field, "title");
	T_EQ_STR(c.details->next->reason, "must be at most 90");
	T_NULL(c.details->next->next);
	arena_free(a);
}

T_SUITE("str", T(utf8_is_counted_or_refused), T(cutting), T(numbers), T(every_error_has_a_row),
	T(the_first_error_wins), T(all_bad_fields_are_kept))
