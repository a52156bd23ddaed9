/* tests/unit/test_mail_head.c - header fields of mails: encoded words, addresses, line breaks */
#include "core/strbuf.h"
#include "notifier/mail.h"
#include "t.h"

#include <sodium.h>

static struct arena *arena;

static bool make(void)
{
	arena = arena_new(1 << 20);
	return true;
}

static void drop(void)
{
	arena_free(arena);
}

static struct mail_head fresh(void)
{
	return (struct mail_head){ .arena = arena };
}

static void plain_text_stays(void)
{
	struct mail_head h = fresh();

	mail_head_text(&h, "Subject", "You are going: Tea & compilers (2030)");
	mail_head_add(&h, "Auto-Submitted", "auto-generated");
	T_EQ_STR(h.lines[0], "Subject: You are going: Tea & compilers (2030)");
	T_EQ_STR(h.lines[1], "Auto-Submitted: auto-generated");
	T_FALSE(h.bad);
}

/* What a reader makes of encoded words: their bytes, joined. */
static const char *decoded(const char *line)
{
	struct strbuf b;
	unsigned char bytes[64];
	size_t n;

	strbuf_init(&b, arena, 8192);
	for (const char *p = strstr(line, "=?UTF-8?B?"); p; p = strstr(p, "=?UTF-8?B?")) {
		const char *end = strstr(p += 10, "?=");

		T_REQUIRE(end && sodium_base642bin(bytes, sizeof(bytes), p, (size_t)(end - p), NULL,
						   &n, NULL, sodium_base64_VARIANT_ORIGINAL) == 0);
		T_TRUE(str_utf8_count((struct str){ (char *)bytes, n }) > 0); /* whole ones */
		strbuf_add(&b, bytes, n);
	}
	return strbuf_str(&b);
}

/* RFC 2047: lines of at most 76 characters, words of at most 75, each of whole characters. */
static void other_text_is_encoded(void)
{
	char crowd[4 * 255 + 1] = "";
	const char *const texts[] = {
		"Küche", "日本語のイベントがあります。",
		"とても長いタイトルです、折り返しが必要です。",
		"it says =?UTF-8?B?YQ==?= already", " begins with a blank", "ends with one ", crowd,
		"A title of more than sixty plain characters, to be folded somewhere",
	};

	for (int i = 0; i < 255; i++)
		memcpy(crowd + 4 * i, "😀", 5);
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct mail_head h = fresh();
		struct str line, rest;

		mail_head_text(&h, "Subject", texts[i]);
		T_EQ_STR(decoded(h.lines[0]), texts[i]);
		for (rest = str_of(h.lines[0]); rest.p;) {
			line = str_cut(rest, '\n', &rest);
			T_TRUE(line.n <= 77);	/* with its CR */
			T_TRUE(line.p == h.lines[0] || line.p[0] == ' ');
		}
		T_FALSE(h.bad);
	}
}

static void people_have_names(void)
{
	struct mail_head h = fresh();

	mail_head_person(&h, "To", "Ada O'Neill", "ada@example.org");
	mail_head_person(&h, "To", "Ada, \"the\" <first>", "ada@example.org");
	mail_head_person(&h, "To", NULL, "ada@example.org");
	T_EQ_STR(h.lines[0], "To: Ada O'Neill\r\n <ada@example.org>");
	T_EQ_STR(decoded(h.lines[1]), "Ada, \"the\" <first>");
	T_NULL(strchr(strchr(h.lines[1], '<') + 1, '<'));	/* the address's alone */
	T_EQ_STR(h.lines[2], "To: ada@example.org");
	T_FALSE(h.bad);
}

/* CR, LF and the like never reach a mail, encoded or not. */
static void line_breaks_are_refused(void)
{
	static const char *const evil[] = { "a\r\nBcc: b@example.org", "a\nb", "a\rb", "a\tb",
					    "ü\n.", "\x7f", "\x01" };

	for (size_t i = 0; i < COUNT(evil); i++) {
		struct mail_head one = fresh(), two = fresh(), three = fresh(), four = fresh();

		mail_head_add(&one, "X", evil[i]);
		mail_head_text(&two, "X", evil[i]);
		mail_head_person(&three, "X", evil[i], "a@example.org");
		mail_head_person(&four, "X", NULL, evil[i]);
		T_TRUE(one.bad && two.bad && three.bad && four.bad);
	}
}

static void too_much_is_refused(void)
{
	struct mail_head h = fresh();
	char *long_text = arena_zalloc(arena, 5001);

	memset(long_text, 'x', 5000);
	mail_head_text(&h, "X", long_text);
	T_TRUE(h.bad);
	h = fresh();
	for (int i = 0; i < HEAD_LINES; i++)
		mail_head_add(&h, "X", "y");
	T_FALSE(h.bad);
	mail_head_add(&h, "X", "y");
	T_TRUE(h.bad);
	T_EQ_INT(h.n, HEAD_LINES);
}

static void addresses(void)
{
	static const struct {
		const char *text, *who, *address;
	} good[] = {
		{ "a@example.org", NULL, "a@example.org" },
		{ " a@localhost ", NULL, "a@localhost" },
		{ "Marquee <no-reply@example.org>", "Marquee", "no-reply@example.org" },
		{ "<a@b>", NULL, "a@b" },
	};
	static const char *const bad[] = {
		"", "a", "@", "a@", "@b", "a@b@c", "a b@c", "a@b\r\nRCPT TO:<x@y>", "N <a@b",
		"N <>",
		"N <a@b> x", "a@b,c@d", "<<a@b>>", "N\r\nX: y <a@b>", "a@b>", "\"a\"@b",
	};
	const char *who, *address;

	for (size_t i = 0; i < COUNT(good); i++) {
		T_TRUE(mail_person(arena, good[i].text, &who, &address));
		T_EQ_STR(address, good[i].address);
		T_EQ_STR(who ? who : "-", good[i].who ? good[i].who : "-");
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		t_check(!mail_person(arena, bad[i], &who, &address), __LINE__, __FILE__, "%s",
			bad[i]);
}

T_SUITE_WITH("mail_head", make, drop, T(plain_text_stays), T(other_text_is_encoded),
	     T(people_have_names), T(line_breaks_are_refused), T(too_much_is_refused),
	     T(addresses))
