/* tests/unit/test_sqlstate.c - what each SQLSTATE means to a caller */
#include "db/conn.h"
#include "t.h"

static void longest_prefix_decides(void)
{
	T_EQ_INT(db_sqlstate_err("23514", true), E_INVALID);
	T_EQ_INT(db_sqlstate_err("23505", true), E_CONFLICT);
	T_EQ_INT(db_sqlstate_err("23503", true), E_CONFLICT);
	T_EQ_INT(db_sqlstate_err("22P02", true), E_INVALID);
	T_EQ_INT(db_sqlstate_err("22012", true), E_INTERNAL);
	T_EQ_INT(db_sqlstate_err("08P01", true), E_INTERNAL);
}

static void success_is_ok(void)
{
	T_EQ_INT(db_sqlstate_err("00000", true), OK);
}

static void loss_depends_on_what_was_sent(void)
{
	static const char *const lost[] = { "", "08006", "08003", "57P02", "40003" };

	for (size_t i = 0; i < COUNT(lost); i++) {
		T_EQ_INT(db_sqlstate_err(lost[i], false), E_UNAVAIL);
		T_EQ_INT(db_sqlstate_err(lost[i], true), E_UNCERTAIN);
	}
	T_EQ_INT(db_sqlstate_err(NULL, false), E_UNAVAIL);
	T_EQ_INT(db_sqlstate_err(NULL, true), E_UNCERTAIN);
}

/* The server says so itself: nothing was committed, also when the statement was sent. */
static void refusals_are_certain(void)
{
	static const char *const certain[] = { "57014", "55P03", "57P01", "57P03", "53300", "53100",
					       "25006", "28P01", "3D000" };

	for (size_t i = 0; i < COUNT(certain); i++)
		T_EQ_INT(db_sqlstate_err(certain[i], true), E_UNAVAIL);
}

static void concurrency_is_conflict(void)
{
	T_EQ_INT(db_sqlstate_err("40001", true), E_CONFLICT);
	T_EQ_INT(db_sqlstate_err("40P01", true), E_CONFLICT);
}

static void our_own_class(void)
{
	T_EQ_INT(db_sqlstate_err("MQ404", true), E_NOTFOUND);
	T_EQ_INT(db_sqlstate_err("MQ429", true), E_LIMIT);
	T_EQ_INT(db_sqlstate_err("MQ999", true), E_INTERNAL);
	T_TRUE(sqlstate_is_ours("MQ403"));
	T_FALSE(sqlstate_is_ours("MQ999"));
	T_FALSE(sqlstate_is_ours("23505"));
	T_FALSE(sqlstate_is_ours(""));
}

static void the_rest_is_our_fault(void)
{
	static const char *const bugs[] = { "42601", "42P01", "42883", "P0001", "XX000", "0A000" };

	for (size_t i = 0; i < COUNT(bugs); i++)
		T_EQ_INT(db_sqlstate_err(bugs[i], true), E_INTERNAL);
}

T_SUITE("sqlstate", T(longest_prefix_decides), T(success_is_ok), T(loss_depends_on_what_was_sent),
	T(refusals_are_certain), T(concurrency_is_conflict), T(our_own_class),
	T(the_rest_is_our_fault))
