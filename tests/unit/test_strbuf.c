/* tests/unit/test_strbuf.c - growing strings with a maximum */
#include "core/strbuf.h"
#include "t.h"

static struct arena *arena;

static bool make_arena(void)
{
	arena = arena_new(16 << 20);
	return true;
}

static void drop_arena(void)
{
	arena_free(arena);
}

static void pieces_are_joined(void)
{
	struct strbuf b;

	strbuf_init(&b, arena, 1000);
	T_EQ_STR(strbuf_str(&b), "");
	strbuf_adds(&b, "a");
	strbuf_addc(&b, 'b');
	strbuf_add(&b, "cd", 2);
	strbuf_addstr(&b, STR("e"));
	strbuf_addstr(&b, (struct str){ NULL, 0 });
	strbuf_printf(&b, "%03d%s", 7, "!");
	T_EQ_STR(strbuf_str(&b), "abcde007!");
	T_EQ_INT(b.len, 9);
	T_FALSE(b.failed);
}

static void growth_keeps_the_text(void)
{
	struct strbuf b;

	strbuf_init(&b, arena, 1 << 20);
	for (int i = 0; i < 100000; i++)
		strbuf_addc(&b, (char)('a' + i % 26));
	T_EQ_INT(b.len, 100000);
	T_EQ_INT(b.p[99999], 'a' + 99999 % 26);
	T_EQ_INT(b.p[100000], '\0');
	T_FALSE(b.failed);
}

static void the_maximum_is_exact_and_sticky(void)
{
	struct strbuf b;

	strbuf_init(&b, arena, 5);
	strbuf_adds(&b, "12345");
	T_FALSE(b.failed);
	strbuf_add(&b, "", 0);
	T_FALSE(b.failed);
	strbuf_addc(&b, '6');
	T_TRUE(b.failed);
	T_EQ_STR(strbuf_str(&b), "12345");

	strbuf_init(&b, arena, 5);
	strbuf_adds(&b, "123");
	strbuf_printf(&b, "%d", 456);
	strbuf_adds(&b, "4");
	T_TRUE(b.failed);
	T_EQ_STR(strbuf_str(&b), "123");
}

static void json_strings(void)
{
	struct strbuf b;

	strbuf_init(&b, arena, 1000);
	strbuf_jsonz(&b, "a\"b\\c\n\r\t\b\f\x01\x1f\x7f/\xC3\xA4");
	T_EQ_STR(strbuf_str(&b),
		 "\"a\\\"b\\\\c\\n\\r\\t\\b\\f\\u0001\\u001f\x7f/\xC3\xA4\"");
	strbuf_init(&b, arena, 1000);
	strbuf_json(&b, "x\0y", 3);
	strbuf_jsonz(&b, "");
	strbuf_jsonz(&b, NULL);
	T_EQ_STR(strbuf_str(&b), "\"x\\u0000y\"\"\"null");
}

static void a_json_string_goes_in_whole_or_not(void)
{
	struct strbuf b;

	strbuf_init(&b, arena, 8);
	strbuf_adds(&b, "[");
	strbuf_jsonz(&b, "abcdefgh");
	T_TRUE(b.failed);
	T_EQ_STR(strbuf_str(&b), "[");
}

T_SUITE_WITH("strbuf", make_arena, drop_arena, T(pieces_are_joined), T(growth_keeps_the_text),
	     T(the_maximum_is_exact_and_sticky), T(json_strings),
	     T(a_json_string_goes_in_whole_or_not))
