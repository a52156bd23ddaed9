/* src/domain/second.c - the second factor of a sign-in */
#include "domain/second.h"

#include "auth/actor.h"
#include "auth/seal.h"
#include "auth/totp.h"
#include "core/clock.h"
#include "core/hash.h"
#include "core/id.h"
#include "core/strbuf.h"
#include "db/db.h"
#include "domain/people.h"

#include <ctype.h>

#define PURPOSE "second factor"
#define RECOVERY_CHARS 16 /* of base32: 80 bits */

const struct input_field second_fields[] = {
	{ "code", IN_LINE, IN_REQUIRED, 6, 40, 0, NULL, NULL,
	  "What the authenticator app shows, or a recovery code" },
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};

/* As it was shown or as people type it: without spaces and hyphens, lower case. */
static const char *plain(struct ctx *c, const char *code)
{
	char *out = arena_strdup(c->arena, code), *to = out;

	for (const char *p = code; *p; p++)
		if (isalnum((unsigned char)*p))
			*to++ = (char)tolower((unsigned char)*p);
	*to = '\0';
	return out;
}

static enum err wrong(struct ctx *c, const char *reason)
{
	enum err e = fail(c, E_UNAUTH, "the code of the second factor %s", reason);

	(void)!fail_field(c, "code", "%s", reason);
	return e;
}

enum err second_check(struct ctx *c, const struct second *s, const char *code)
{
	const char *secret = seal_open(c, PURPOSE, s->sealed), *typed = code ? plain(c, code) : "";
	char hash[SHA256_HEX];
	int64_t step = 0;
	PGresult *r;

	if (!*typed)
		return wrong(c, "is required");
	if (secret)
		step = totp_step(secret, typed, clock_now_us() / 1000000, s->last_step);
	sha256_hex(typed, strlen(typed), hash);
	if (!step && strlen(typed) != RECOVERY_CHARS)
		return wrong(c, "is not right");
	TRY(db_query(c, Q_SECOND_USE, &r, s->user, arena_printf(c->arena, "%lld", (long long)step),
		     step ? NULL : hash));
	return strcmp(db_get(r, 0, 0), "t") == 0 ? OK : wrong(c, "is not right");
}

static enum err load(struct ctx *c, PGresult **r, struct second *s)
{
	TRY(db_query(c, Q_SECOND_GET, r, c->actor->user.s));
	*s = (struct second){ .user = c->actor->user.s };
	if (PQntuples(*r) == 0)
		return OK;
	s->sealed = db_get(*r, 0, 0);
	s->last_step = db_get_long(*r, 0, 2);
	return OK;
}

/* Percent-encoded as RFC 3986 has it. */
static const char *encoded(struct ctx *c, const char *email)
{
	struct strbuf b;

	strbuf_init(&b, c->arena, 1024);
	for (; *email; email++)
		if (isalnum((unsigned char)*email) || strchr(".-_@", *email))
			strbuf_addc(&b, *email);
		else
			strbuf_printf(&b, "%%%02X", (unsigned char)*email);
	return strbuf_str(&b);
}

enum err second_state(struct ctx *c, struct json_object **out)
{
	const char *since, *secret;
	struct second s;
	PGresult *r;

	TRY(load(c, &r, &s));
	since = s.sealed ? db_get(r, 0, 1) : NULL;
	*out = js_object(c->arena);
	js_flag(*out, "on", since != NULL);
	if (since) {
		js_put(*out, "since", since);
		js_number(*out, "recovery_left", db_get_long(r, 0, 3));
		return OK;
	}
	secret = s.sealed ? seal_open(c, PURPOSE, s.sealed) : NULL;
	if (secret) {
		js_put(*out, "secret", secret);
		js_put(*out, "uri", totp_uri(c, secret, encoded(c, c->actor->email)));
	}
	return OK;
}

enum err people_second_on(struct ctx *c, const struct id *who, bool *on)
{
	PGresult *r;

	TRY(db_query(c, Q_SECOND_GET, &r, who->s));
	*on = PQntuples(r) && db_get(r, 0, 1);
	return OK;
}

enum err second_begin(struct ctx *c)
{
	const char *args[2] = { c->actor->user.s, NULL };
	struct effect e;

	TRY(seal(c, PURPOSE, totp_new(c), &args[1]));
	return db_effect(c, Q_SECOND_BEGIN, NULL, args, COUNT(args), &e);
}

/* Ten new recovery codes, and the array of their hashes as PostgreSQL reads it. */
static const char *recovery_new(struct ctx *c, const char *codes[SECOND_RECOVERY])
{
	const char *hashes = "{";

	for (int i = 0; i < SECOND_RECOVERY; i++) {
		const char *raw = plain(c, totp_new(c));
		char hash[SHA256_HEX];

		codes[i] = arena_printf(c->arena, "%.4s-%.4s-%.4s-%.4s", raw, raw + 4, raw + 8,
					raw + 12);
		sha256_hex(raw, RECOVERY_CHARS, hash);
		hashes = arena_printf(c->arena, "%s%s%s", hashes, i ? "," : "", hash);
	}
	return arena_printf(c->arena, "%s}", hashes);
}

enum err second_confirm(struct ctx *c, const char *code, const char *codes[SECOND_RECOVERY])
{
	const char *secret;
	struct second s;
	int64_t step;
	PGresult *r;

	TRY(load(c, &r, &s));
	if (!s.sealed || db_get(r, 0, 1))
		return fail(c, E_CONFLICT, "no second factor waits to be confirmed");
	secret = seal_open(c, PURPOSE, s.sealed);
	step = secret ? totp_step(secret, plain(c, code), clock_now_us() / 1000000, 0) : 0;
	if (!step)
		return fail_field(c, "code", "is not what the app shows now");
	TRY(db_query(c, Q_SECOND_CONFIRM, &r, c->actor->user.s,
		     arena_printf(c->arena, "%lld", (long long)step), recovery_new(c, codes)));
	return strcmp(db_get(r, 0, 0), "t") == 0 ?
		       OK : fail(c, E_CONFLICT, "a second factor is set up already");
}

enum err second_off(struct ctx *c, const char *code)
{
	struct second s;
	PGresult *r;

	TRY(load(c, &r, &s));
	if (!s.sealed || !db_get(r, 0, 1))
		return fail(c, E_CONFLICT, "no second factor is set up");
	TRY(second_check(c, &s, code));
	return db_query(c, Q_SECOND_OFF, NULL, c->actor->user.s);
}
