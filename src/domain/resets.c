/* src/domain/resets.c - forgotten passwords: a token, sent by mail, allows to choose a new one */
#include "domain/resets.h"

#include "auth/password.h"
#include "auth/token.h"
#include "core/id.h"
#include "db/db.h"

#define PREFIX "mqp_"
#define BYTES 32
#define CHARS 43 /* of base64url */
#define ROOM (4 * (BYTES + 2) / 3 + 1)

#define FIELD_END                                                                                  \
	{                                                                                          \
		NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL                                        \
	}

const struct input_field resets_forgot_fields[] = {
	{ "email", IN_EMAIL, IN_REQUIRED, 0, 254, 0, NULL, NULL, "Address that signs in" },
	FIELD_END
};
const struct input_field resets_use_fields[] = {
	{ "token", IN_SECRET, IN_REQUIRED, 1, 1024, 0, NULL, NULL, "As the mail has it" },
	{ "password", IN_PASSWORD, IN_REQUIRED, 8, 128, 0, NULL, NULL,
	  "8 to 128 characters; common passwords are refused" },
	FIELD_END
};

const char *resets_token(struct arena *a, char hash[SHA256_HEX])
{
	char secret[ROOM];
	const char *token;

	id_secret(secret, BYTES);
	token = arena_printf(a, PREFIX "%s", secret);
	sha256_hex(token, strlen(token), hash);
	return token;
}

enum err resets_ask(struct ctx *c, const struct input *in, const char *address)
{
	long quota = c->cfg->limits_enabled ? c->cfg->limits_login : 0, wait;
	const char *mail = c->cfg->mail_smtp_url[0] ? "true" : "false";
	PGresult *r;

	TRY(db_query(c, Q_PASSWORD_FORGOT, &r, js_str(in->values, "email"), address,
		     arena_printf(c->arena, "%ld", quota), mail));
	wait = db_get_long(r, 0, 0);
	if (wait <= 0)
		return OK;
	c->retry_after = (int)wait;
	return fail(c, E_LIMIT, "too many mails were asked for, try again in %ld s", wait);
}

static enum err wrong_token(struct ctx *c)
{
	return fail_field(c, "token", "is not valid, was used, or has expired: ask for a new one");
}

/* Passwords are hashed for tokens only that are good: hashing is dear. */
static enum err known(struct ctx *c, const char *token, char hash[SHA256_HEX])
{
	PGresult *r;

	if (strlen(token) != strlen(PREFIX) + CHARS || strncmp(token, PREFIX, strlen(PREFIX)) != 0)
		return wrong_token(c);
	sha256_hex(token, strlen(token), hash);
	TRY(db_query(c, Q_RESET_KNOWN, &r, hash));
	return strcmp(db_get(r, 0, 0), "t") == 0 ? OK : wrong_token(c);
}

enum err resets_use(struct ctx *c, const struct input *in)
{
	const char *new_hash, *ttl = arena_printf(c->arena, "%ld", revocation_ttl());
	char hash[SHA256_HEX];
	PGresult *r;

	TRY(known(c, js_str(in->values, "token"), hash));
	TRY(password_hash(c, js_str(in->values, "password"), &new_hash));
	TRY(db_query(c, Q_PASSWORD_RESET, &r, hash, new_hash, ttl));
	if (PQntuples(r) == 0)
		return wrong_token(c);
	revocation_tell(REVOKE_USER, db_get(r, 0, 0), (uint32_t)db_get_long(r, 0, 1));
	return OK;
}
