/* tests/t.h - small macros over CUnit; a test program is a few functions and one T_SUITE:
 *
 *	static void adds(void) { T_EQ_INT(1 + 1, 2); }
 *	T_SUITE("numbers", T(adds), T(subtracts))
 *
 * `program NAME…` runs only the named tests, `program -l` lists them. The exit code is not 0 when
 * anything failed. The last line is `RESULT <program> passed=N failed=N skipped=N`. */
#ifndef TESTS_T_H
#define TESTS_T_H

#include <CUnit/CUnit.h>
#include <CUnit/TestDB.h>
#include <CUnit/TestRun.h>

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct t_test {
	const char *name;
	void (*fn)(void);
};

/* setup (may be NULL) runs once before the first test: false = everything fails. */
#define T(fn) { #fn, fn }
#define T_SUITE(suite, ...) T_SUITE_WITH(suite, NULL, NULL, __VA_ARGS__)
#define T_SUITE_WITH(suite, setup, teardown, ...)                                                  \
	static const struct t_test t_tests[] = { __VA_ARGS__ };                                    \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		return t_main(argc, argv, suite, setup, teardown, t_tests,                         \
			      sizeof(t_tests) / sizeof(t_tests[0]));                               \
	}

/* All go on after a failure, except T_REQUIRE, which ends the test. */
#define T_TRUE(x) t_check((x), __LINE__, __FILE__, "%s", #x)
#define T_FALSE(x) t_check(!(x), __LINE__, __FILE__, "not (%s)", #x)
#define T_NULL(x) t_check((x) == NULL, __LINE__, __FILE__, "%s is NULL", #x)
#define T_EQ_INT(got, want) t_eq_int((long long)(got), (long long)(want), #got, __LINE__, __FILE__)
#define T_EQ_STR(got, want) t_eq_str((got), (want), #got, __LINE__, __FILE__)
#define T_HAS(text, part) t_has((text), (part), #text, __LINE__, __FILE__)
#define T_FAIL(...) t_check(false, __LINE__, __FILE__, __VA_ARGS__)
#define T_REQUIRE(x)                                                                               \
	CU_assertImplementation((x) ? CU_TRUE : CU_FALSE, __LINE__, #x, __FILE__, "", CU_TRUE)
/* Ends the test function, visibly, as neither passed nor failed. */
#define T_SKIP(...)                                                                                \
	do {                                                                                       \
		t_skip(__VA_ARGS__);                                                               \
		return;                                                                            \
	} while (0)

#define T_UNUSED __attribute__((unused))

static const char *t_name;	/* of the test under way */
static bool t_skipped;

T_UNUSED __attribute__((format(printf, 4, 5)))
static bool t_check(bool ok, unsigned line, const char *file, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return CU_assertImplementation(ok ? CU_TRUE : CU_FALSE, line, text, file, "", CU_FALSE);
}

T_UNUSED
static bool t_eq_int(long long got, long long want, const char *what, unsigned line,
		     const char *file)
{
	return t_check(got == want, line, file, "%s is %lld, not %lld", what, got, want);
}

T_UNUSED
static bool t_eq_str(const char *got, const char *want, const char *what, unsigned line,
		     const char *file)
{
	bool ok = got && want ? strcmp(got, want) == 0 : got == want;

	return t_check(ok, line, file, "%s is \"%.200s\", not \"%.200s\"", what,
		       got ? got : "(null)", want ? want : "(null)");
}

T_UNUSED
static bool t_has(const char *text, const char *part, const char *what, unsigned line,
		  const char *file)
{
	return t_check(text && strstr(text, part), line, file, "%s has \"%.100s\": \"%.300s\"",
		       what, part, text ? text : "(null)");
}

T_UNUSED __attribute__((format(printf, 1, 2)))
static void t_skip(const char *fmt, ...)
{
	va_list ap;

	t_skipped = true;
	printf("SKIP %s: ", t_name);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

static bool t_wanted(int argc, char **argv, const char *name)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return argc < 2;
}

static bool t_names_known(int argc, char **argv, const struct t_test *tests, size_t n)
{
	for (int i = 1; i < argc; i++) {
		size_t j = 0;

		while (j < n && strcmp(argv[i], tests[j].name) != 0)
			j++;
		if (j == n) {
			fprintf(stderr, "%s: no test named %s\n", argv[0], argv[i]);
			return false;
		}
	}
	return true;
}

/* CUnit forgets its counters at each run, so the failures are gathered after every test. */
static bool t_run(CU_pSuite suite, CU_pTest test)
{
	t_name = test->pName;
	t_skipped = false;
	fflush(stdout);
	CU_ErrorCode rc = CU_run_test(suite, test);
	for (CU_pFailureRecord f = CU_get_failure_list(); f; f = f->pNext)
		printf("FAIL %s %s:%u: %s\n", t_name, f->strFileName ? f->strFileName : "?",
		       f->uiLineNumber, f->strCondition ? f->strCondition : "?");
	bool ok = rc == CUE_SUCCESS && CU_get_number_of_failures() == 0 &&
		  CU_get_number_of_suites_failed() == 0;
	if (ok && !t_skipped)
		printf("ok   %s\n", t_name);
	return ok;
}

static int t_main(int argc, char **argv, const char *name, bool (*setup)(void),
		  void (*teardown)(void), const struct t_test *tests, size_t n)
{
	const char *program = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	unsigned passed = 0, failed = 0, skipped = 0;

	for (size_t i = 0; argc == 2 && strcmp(argv[1], "-l") == 0 && i <= n; i++) {
		if (i == n)
			return 0;
		puts(tests[i].name);
	}
	if (!t_names_known(argc, argv, tests, n) || CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	CU_pSuite suite = CU_add_suite(name, NULL, NULL);
	bool ready = suite && (!setup || setup());
	if (!ready)
		printf("FAIL the set-up of %s\n", name);
	for (size_t i = 0; i < n; i++) {
		if (!t_wanted(argc, argv, tests[i].name))
			continue;
		CU_pTest test = ready ? CU_add_test(suite, tests[i].name, tests[i].fn) : NULL;
		bool ok = test && t_run(suite, test);
		failed += !ok;
		skipped += ok && t_skipped;
		passed += ok && !t_skipped;
	}
	if (ready && teardown)
		teardown();
	bool error = CU_get_error() != CUE_SUCCESS;
	CU_cleanup_registry();
	printf("RESULT %s passed=%u failed=%u skipped=%u\n", program, passed, failed, skipped);
	return failed || error || passed + skipped == 0;
}

#endif
