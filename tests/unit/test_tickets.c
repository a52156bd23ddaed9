/* tests/unit/test_tickets.c - codes of tickets: what they say; nothing of them may be changed */
#include "auth/keys.h"
#include "domain/tickets.h"
#include "t.h"
#include "web/qr.h"

#define HOLDER "01890000-0000-7000-8000-0123456789ab"
#define EVENT "01890000-0000-7000-8000-fedcba987654"
#define MS 1795282868123LL

static struct ctx c;
static struct config cfg = { .auth_jwt_alg = "HS256", .auth_jwt_secret_old = "",
			     .auth_jwt_private_key_file = "", .auth_jwt_public_key_files = "" };
static const char secret[] = "tickets-tests-only-0123456789abcdef",
		  other[] = "another-secret-of-32-bytes-and-more";

static bool setup(void)
{
	c.cfg = &cfg;
	ctx_begin(&c, arena_new(64 << 20));
	return true;
}

static void teardown(void)
{
	arena_free(c.arena);
}

static void configure(const char *jwt, const char *ticket, const char *old)
{
	cfg.auth_jwt_secret = jwt;
	cfg.tickets_secret = ticket;
	cfg.tickets_secret_old = old;
	ctx_forgive(&c);
}

static const char *code(void)
{
	char *out = arena_alloc(c.arena, TICKET_TEXT);

	if (tickets_code(&c, &(struct ticket){ MS, HOLDER, EVENT }, out) != OK)
		T_FAIL("no code: %s", c.err_msg);
	return out;
}

static bool good(const char *text)
{
	struct ticket t;
	bool genuine = true;

	if (tickets_read(&c, str_of(text), &t, &genuine) != OK)
		T_FAIL("not read: %s", c.err_msg);
	return genuine;
}

static void say_when_and_whose(void)
{
	struct ticket t;
	const char *text;
	bool genuine;

	configure(secret, "", "");
	text = code();
	T_EQ_INT(strlen(text), 44);
	T_EQ_INT(strlen(tickets_plain(c.arena, text)), TICKET_CHARS);
	T_EQ_INT(tickets_read(&c, str_of(text), &t, &genuine), OK);
	T_REQUIRE(genuine);
	T_EQ_INT(t.ms, MS);
	T_EQ_STR(t.holder, "56789ab");
	T_EQ_STR(t.event, "987654");
}

static void are_read_as_people_type(void)
{
	char lower[TICKET_TEXT], *p;
	const char *text;

	configure(secret, "", "");
	text = code();
	for (p = lower; *text; text++)
		*p++ = *text == '-' ? ' ' : *text == '0' ? 'o' : *text == '1' ? 'l' :
		       *text >= 'A' ? (char)(*text + 32) : *text;
	*p = '\0';
	T_TRUE(good(lower));
	T_TRUE(good(tickets_plain(c.arena, code())));
	T_TRUE(tickets_like(str_of(lower)));
	T_FALSE(tickets_like(STR("Ada Lovelace")));
	T_FALSE(tickets_like(STR("")));
	T_FALSE(tickets_like(str_of(arena_printf(c.arena, "%s0", code()))));
	T_FALSE(good("U0000000-0000-0000-0000-000000000000"));
}

/* All 180 bits, one at a time; and each character by every other. */
static void no_bit_may_be_changed(void)
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	char text[TICKET_CHARS + 1];
	int refused = 0;

	configure(secret, "", "");
	memcpy(text, tickets_plain(c.arena, code()), sizeof(text));
	T_TRUE(good(text));
	for (int i = 0; i < TICKET_CHARS; i++) {
		char was = text[i];

		for (int d = 1; d < 32; d++) {
			text[i] = digits[(strchr(digits, was) - digits) ^ d];
			refused += !good(text);
		}
		text[i] = was;
	}
	T_EQ_INT(refused, TICKET_CHARS * 31);
	T_TRUE(good(text));
}

static void another_event_or_time_is_another_code(void)
{
	char one[TICKET_TEXT], two[TICKET_TEXT], three[TICKET_TEXT];

	configure(secret, "", "");
	T_EQ_INT(tickets_code(&c, &(struct ticket){ MS, HOLDER, EVENT }, one), OK);
	T_EQ_INT(tickets_code(&c, &(struct ticket){ MS + 1, HOLDER, EVENT }, two), OK);
	T_EQ_INT(tickets_code(&c, &(struct ticket){ MS, HOLDER, HOLDER }, three), OK);
	T_TRUE(strcmp(one, two) != 0 && strcmp(one, three) != 0 && strcmp(two, three) != 0);
	/* the signature of one under what another says */
	memcpy(two + 25, one + 25, sizeof(one) - 25);
	T_FALSE(good(two));
}

/* The secret of tokens changes; what is printed stays good as long as somebody names its key. */
static void keys_change(void)
{
	const char *printed, *fresh;

	configure(secret, "", "");
	printed = code();
	configure(other, "", "");
	T_FALSE(good(printed));
	configure(other, secret, "");
	T_TRUE(good(printed));
	T_EQ_STR(code(), printed);
	configure(other, other, secret);
	fresh = code();
	T_TRUE(strcmp(fresh, printed) != 0);
	T_TRUE(good(fresh) && good(printed));
	configure(other, other, "");
	T_TRUE(good(fresh) && !good(printed));
	configure(other, "too short", "");
	T_EQ_INT(tickets_ready(&c), E_INVALID);
	configure(other, other, "too short");
	T_EQ_INT(tickets_ready(&c), E_INVALID);
}

static void pictures_are_small_and_whole(void)
{
	const char *svg = "";

	configure(secret, "", "");
	T_EQ_INT(qr_svg(&c, tickets_plain(c.arena, code()), "A<b>&", &svg), OK);
	T_HAS(svg, "viewBox=\"0 0 33 33\"");
	T_HAS(svg, "<title>A&lt;b>&amp;</title>");
	T_TRUE(strlen(svg) < 8192);
	char *huge = arena_alloc(c.arena, 8001);

	memset(huge, 'x', 8000);
	huge[8000] = '\0';
	T_EQ_INT(qr_svg(&c, huge, "", &svg), E_INTERNAL);
}

T_SUITE_WITH("tickets", setup, teardown, T(say_when_and_whose), T(are_read_as_people_type),
	     T(no_bit_may_be_changed), T(another_event_or_time_is_another_code), T(keys_change),
	     T(pictures_are_small_and_whole))
