/* tests/fuzz/fuzz_ticket.c - what scanners read and people type: only what our key has signed is a
 * ticket. '=' before 20 characters signs them, so that what stands behind it is reached. */
#include "auth/keys.h"
#include "domain/tickets.h"
#include "fuzz/fuzz.h"

#include <stdlib.h>

#define SECRET "fuzz-targets-only-0123456789abcdef0123456789"

/* Digits of Crockford's base32 as a number. */
static unsigned long long number(struct str s, size_t from, size_t n)
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	unsigned long long value = 0;

	for (size_t i = from; i < from + n && i < s.n; i++) {
		const char *at = s.p[i] ? strchr(digits, s.p[i]) : NULL;

		value = value << 5 | (unsigned long long)(at ? at - digits : 0);
	}
	return value;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ctx *c = fuzz_ctx();
	struct config *cfg = fuzz_config();
	struct str text = fuzz_bytes(c, data, size);
	char code[TICKET_TEXT];
	struct ticket t;
	bool genuine;

	cfg->auth_jwt_secret = cfg->tickets_secret = SECRET;
	if (size > 0 && data[0] == '=') {
		struct ticket said = { (int64_t)number(text, 1, 9),
				       arena_printf(c->arena, "%07llx", number(text, 10, 5)),
				       arena_printf(c->arena, "%06llx", number(text, 15, 4)) };

		MUST(tickets_code(c, &said, code) == OK);
		MUST(tickets_read(c, str_of(code), &t, &genuine) == OK && genuine);
		MUST(t.ms == said.ms && strcmp(t.holder, said.holder) == 0 &&
		     strcmp(t.event, said.event) == 0);
		return 0;
	}
	MUST(tickets_read(c, text, &t, &genuine) == OK);
	MUST(!genuine || tickets_like(text));
	if (!genuine)
		return 0;
	MUST(tickets_code(c, &t, code) == OK);
	MUST(tickets_read(c, str_of(code), &t, &genuine) == OK && genuine);
	return 0;
}
