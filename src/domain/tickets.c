/* src/domain/tickets.c - the code of a ticket: what it says, and that we said it */
#include "domain/tickets.h"

#include "auth/actor.h"
#include "auth/keys.h"
#include "core/strbuf.h"
#include "db/db.h"

#include <ctype.h>
#include <sodium.h>
#include <stdlib.h>

#define SECRET_MIN 32
#define KEYS (KEYS_MAX + 1)
#define HOLDER_DIGITS 7
#define EVENT_DIGITS 6
enum { MS_CHARS = 9, HOLDER_CHARS = 6, EVENT_CHARS = 5,
       SAID_CHARS = MS_CHARS + HOLDER_CHARS + EVENT_CHARS, MAC_CHARS = TICKET_CHARS - SAID_CHARS };

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* ---- keys ---- */

static enum err add_key(struct ctx *c, struct token_key *keys, int *n, const char *option,
			const char *secret)
{
	if (strlen(secret) < SECRET_MIN)
		return fail(c, E_INVALID, "%s must be at least %d random bytes", option,
			    SECRET_MIN);
	keys[(*n)++] = (struct token_key){ .signing = str_of(secret) };
	return OK;
}

/* The first signs; all that can sign verify. */
static enum err load_keys(struct ctx *c, struct token_key keys[KEYS], int *n)
{
	const struct config *cfg = c->cfg;
	const struct keyring *ring;

	*n = 0;
	if (cfg->tickets_secret[0]) {
		TRY(add_key(c, keys, n, "tickets.secret", cfg->tickets_secret));
	} else {
		TRY(keys_load(c, &ring));
		for (int i = 0; i < ring->n; i++)
			if (ring->keys[i].signing.n)
				keys[(*n)++] = ring->keys[i];
	}
	if (cfg->tickets_secret_old[0])
		TRY(add_key(c, keys, n, "tickets.secret_old", cfg->tickets_secret_old));
	return OK;
}

enum err tickets_ready(struct ctx *c)
{
	struct token_key keys[KEYS];
	int n;

	return load_keys(c, keys, &n);
}

/* ---- characters ---- */

static void put(char *at, int chars, uint64_t value)
{
	while (chars-- > 0) {
		at[chars] = digits[value & 31];
		value >>= 5;
	}
}

static uint64_t get(const char *at, int chars)
{
	uint64_t value = 0;

	for (int i = 0; i < chars; i++)
		value = value << 5 | (uint64_t)(strchr(digits, at[i]) - digits);
	return value;
}

/* The signature of what the first characters of a code say, behind them. */
static void sign(const struct token_key *k, char code[TICKET_CHARS])
{
	static const char purpose[] = "ticket 1 ";
	char text[sizeof(purpose) - 1 + SAID_CHARS];
	unsigned char mac[KEYS_MAC_BYTES];

	memcpy(text, purpose, sizeof(purpose) - 1);
	memcpy(text + sizeof(purpose) - 1, code, SAID_CHARS);
	keys_mac(k, (struct str){ text, sizeof(text) }, mac);
	for (int half = 0; half < 2; half++) {
		uint64_t value = 0;

		for (int i = 0; i < 5; i++)
			value = value << 8 | mac[5 * half + i];
		put(code + SAID_CHARS + half * MAC_CHARS / 2, MAC_CHARS / 2, value);
	}
}

/* What people type and scanners read, as the characters of a code. */
static bool normalize(struct str text, char code[TICKET_CHARS])
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		char x = (char)toupper((unsigned char)text.p[i]);

		if (x == '-' || x == ' ')
			continue;
		x = x == 'O' ? '0' : x == 'I' || x == 'L' ? '1' : x;
		if (n == TICKET_CHARS || !x || !strchr(digits, x))
			return false;
		code[n++] = x;
	}
	return n == TICKET_CHARS;
}

static uint64_t tail(const char *id, size_t n)
{
	size_t len = strlen(id);

	return strtoull(id + (len > n ? len - n : 0), NULL, 16);
}

/* ---- codes ---- */

enum err tickets_code(struct ctx *c, const struct ticket *t, char out[TICKET_TEXT])
{
	struct token_key keys[KEYS];
	char code[TICKET_CHARS];
	int n;

	TRY(load_keys(c, keys, &n));
	put(code, MS_CHARS, (uint64_t)t->ms);
	put(code + MS_CHARS, HOLDER_CHARS, tail(t->holder, HOLDER_DIGITS));
	put(code + MS_CHARS + HOLDER_CHARS, EVENT_CHARS, tail(t->event, EVENT_DIGITS));
	sign(&keys[0], code);
	for (int i = 0; i < TICKET_CHARS; i++) {
		*out++ = code[i];
		if (i % 4 == 3 && i + 1 < TICKET_CHARS)
			*out++ = '-';
	}
	*out = '\0';
	return OK;
}

bool tickets_like(struct str text)
{
	char code[TICKET_CHARS];

	return normalize(text, code);
}

enum err tickets_read(struct ctx *c, struct str text, struct ticket *out, bool *genuine)
{
	char code[TICKET_CHARS], again[TICKET_CHARS];
	struct token_key keys[KEYS];
	int n;

	*genuine = false;
	*out = (struct ticket){ 0, "", "" };
	TRY(load_keys(c, keys, &n));
	if (!normalize(text, code))
		return OK;
	memcpy(again, code, SAID_CHARS);
	for (int i = 0; i < n && !*genuine; i++) {
		sign(&keys[i], again);
		*genuine = sodium_memcmp(again, code, TICKET_CHARS) == 0;
	}
	if (!*genuine)
		return OK;
	out->ms = (int64_t)get(code, MS_CHARS);
	out->holder = arena_printf(c->arena, "%0*llx", HOLDER_DIGITS,
				   (unsigned long long)get(code + MS_CHARS, HOLDER_CHARS));
	out->event = arena_printf(c->arena, "%0*llx", EVENT_DIGITS,
				  (unsigned long long)get(code + MS_CHARS + HOLDER_CHARS,
							  EVENT_CHARS));
	return OK;
}

const char *tickets_plain(struct arena *a, const char *code)
{
	struct strbuf b;

	strbuf_init(&b, a, TICKET_TEXT);
	for (; *code; code++)
		if (*code != '-')
			strbuf_addc(&b, *code);
	return strbuf_str(&b);
}

/* ---- one's own ---- */

enum err tickets_mine(struct ctx *c, const struct id *event, struct json_object **out)
{
	const char *user = c->actor->user.s;
	char *code = arena_alloc(c->arena, TICKET_TEXT);
	PGresult *r;

	TRY(db_query(c, Q_TICKET_GET, &r, event->s, user));
	if (PQntuples(r) == 0)
		return fail(c, E_NOTFOUND, "no ticket for this event");
	TRY(tickets_code(c, &(struct ticket){ db_get_long(r, 0, 1), user, event->s }, code));
	*out = js_own(c->arena, db_get(r, 0, 0));
	if (!*out)
		return fail(c, E_INTERNAL, "a ticket could not be read");
	js_put(*out, "code", code);
	return OK;
}
