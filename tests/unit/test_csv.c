/* tests/unit/test_csv.c - comma-separated values: read back as they were, and never as a formula */
#include "core/csv.h"
#include "t.h"

static struct arena *arena;

static bool make(void)
{
	arena = arena_new(16 << 20);
	return true;
}

static void drop(void)
{
	arena_free(arena);
}

static const char *line(const char *const *values, size_t n)
{
	struct strbuf b;

	strbuf_init(&b, arena, 1 << 20);
	for (size_t i = 0; i < n; i++)
		csv_add(&b, i == 0, str_of(values[i]));
	csv_end(&b);
	return strbuf_str(&b);
}

#define LINE(...)                                                                                  \
	line((const char *const[]){ __VA_ARGS__ },                                                 \
	     sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

static void values_are_quoted_where_they_must(void)
{
	T_EQ_STR(LINE("a", "b c", ""), "a,b c,\r\n");
	T_EQ_STR(LINE("", ""), ",\r\n");
	T_EQ_STR(LINE("a,b", "c\"d", "e\nf", "g\rh"), "\"a,b\",\"c\"\"d\",\"e\nf\",\"g\rh\"\r\n");
	T_EQ_STR(LINE("\"", "\"\""), "\"\"\"\",\"\"\"\"\"\"\r\n");
	T_EQ_STR(LINE("Zoë 🎉"), "Zoë 🎉\r\n");
	/* Programs of countries with a decimal comma cut at semicolons, others at tabs. */
	T_EQ_STR(LINE("a;b", "c\td"), "\"a;b\",\"c\td\"\r\n");
}

static void no_value_is_a_formula(void)
{
	static const char *const bad[] = { "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1",
					   "=cmd|' /C calc'!A0", "=HYPERLINK(\"http://x\")",
					   "=", "-", "+", "@", "-5" };

	for (size_t i = 0; i < COUNT(bad); i++) {
		const char *got = LINE(bad[i]);

		T_EQ_STR(arena_strndup(arena, got + (*got == '"'), 1), "'");
	}
	T_EQ_STR(LINE("a=1", "1+1", "a@b.example", "5-6"), "a=1,1+1,a@b.example,5-6\r\n");
	/* Cut at any other sign than a comma, the rest would be one. */
	T_EQ_STR(LINE("a;=1+1", "a\t=1"), "\"a;=1+1\",\"a\t=1\"\r\n");
	T_EQ_STR(LINE("a", "=1"), "a,'=1\r\n");
}

/* Reads one value of a line as RFC 4180 has it, and goes behind its comma. */
static const char *read_value(const char **at)
{
	struct strbuf b;
	const char *p = *at;
	bool quoted = *p == '"';

	strbuf_init(&b, arena, 1 << 20);
	for (p += quoted; *p; p++) {
		if (quoted ? *p == '"' && p[1] != '"' : *p == ',' || *p == '\r')
			break;
		p += quoted && *p == '"';
		strbuf_addc(&b, *p);
	}
	p += quoted;
	T_TRUE(*p == ',' || strcmp(p, "\r\n") == 0);
	*at = p + (*p == ',');
	return strbuf_str(&b);
}

static unsigned chance = 7;

static unsigned pick(unsigned n)
{
	chance = chance * 1103515245 + 12345;
	return chance / 65536 % n;
}

static void whatever_is_written_is_read_back(void)
{
	static const char signs[] = "ab,;\"\"\r\n\t=+-@' ";
	char values[3][12];

	for (int round = 0; round < 20000; round++) {
		for (size_t i = 0; i < COUNT(values); i++) {
			size_t n = pick(sizeof(values[i]));

			for (size_t k = 0; k < n; k++)
				values[i][k] = signs[pick(sizeof(signs) - 1)];
			values[i][n] = '\0';
		}
		const char *text = LINE(values[0], values[1], values[2]), *at = text;

		for (size_t i = 0; i < COUNT(values); i++) {
			const char *got = read_value(&at), *first = values[i];

			T_FALSE(*got && strchr("=+-@\t\r\n", *got));
			T_EQ_STR(got + (*first && strchr("=+-@\t\r\n", *first)), first);
		}
		T_EQ_STR(at, "\r\n");
		arena_reset(arena);
	}
}

/* What does not fit makes the whole fail: half a line is none. */
static void too_much_is_told(void)
{
	struct strbuf b;

	strbuf_init(&b, arena, 16);
	csv_add(&b, true, STR("0123456789"));
	T_FALSE(b.failed);
	csv_add(&b, false, STR("a,b,c,d,e"));
	csv_end(&b);
	T_TRUE(b.failed);
}

T_SUITE_WITH("csv", make, drop, T(values_are_quoted_where_they_must), T(no_value_is_a_formula),
	     T(whatever_is_written_is_read_back), T(too_much_is_told))
