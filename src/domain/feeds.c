/* src/domain/feeds.c - calendars of one's own, by a token that can be made void */
#include "domain/feeds.h"

#include "auth/actor.h"
#include "core/hash.h"
#include "db/db.h"

#define TOKEN_PREFIX "mqf_"
#define TOKEN_BYTES 32
#define TOKEN_CHARS (sizeof(TOKEN_PREFIX) - 1 + 43)	/* with its base64url */

enum err feeds_open(struct ctx *c, const char **token)
{
	char secret[4 * (TOKEN_BYTES + 2) / 3 + 1], hash[SHA256_HEX];

	id_secret(secret, TOKEN_BYTES);
	*token = arena_printf(c->arena, TOKEN_PREFIX "%s", secret);
	sha256_hex(*token, strlen(*token), hash);
	return db_query(c, Q_FEED_OPEN, NULL, c->actor->user.s, hash);
}

enum err feeds_close(struct ctx *c)
{
	return db_query(c, Q_FEED_CLOSE, NULL, c->actor->user.s);
}

enum err feeds_owner(struct ctx *c, struct str token, struct id *user)
{
	char hash[SHA256_HEX];
	PGresult *r = NULL;

	if (token.n != TOKEN_CHARS)
		return fail(c, E_NOTFOUND, "no such calendar");
	sha256_hex(token.p, token.n, hash);
	TRY(db_query(c, Q_FEED_OWNER, &r, hash));
	if (PQntuples(r) == 0 || !id_parse(db_get_str(r, 0, 0), user))
		return fail(c, E_NOTFOUND, "no such calendar");
	return OK;
}
