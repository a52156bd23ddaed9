/* src/domain/people.c - accounts: signing up, in and out, refreshing, roles */
#include "domain/people.h"

#include "auth/password.h"
#include "auth/seal.h"
#include "auth/token.h"
#include "core/clock.h"
#include "core/hash.h"
#include "db/db.h"
#include "domain/second.h"

#include <limits.h>

#define FIELD_END                                                                                  \
	{                                                                                          \
		NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL                                        \
	}

#define PENDING_S 300 /* as long may the second step take */
#define REFRESH_PREFIX "mqr_"
#define REFRESH_BYTES 32
#define REFRESH_CHARS 43 /* of base64url */
#define SECRET_ROOM (4 * (REFRESH_BYTES + 2) / 3 + 1)

const struct input_field people_register_fields[] = {
	{ "email", IN_EMAIL, IN_REQUIRED, 0, 254, 0, NULL, NULL, "Address that signs in" },
	{ "password", IN_PASSWORD, IN_REQUIRED, 8, 128, 0, NULL, NULL,
	  "8 to 128 characters; common passwords are refused" },
	{ "name", IN_LINE, IN_REQUIRED, 1, 100, 0, NULL, NULL, "Name shown to others" },
	FIELD_END
};
/* A password of any length may be tried: the answer tells nothing about the rules for new ones. */
const struct input_field people_login_fields[] = {
	{ "email", IN_EMAIL, IN_REQUIRED, 0, 254, 0, NULL, NULL, "Address that signs in" },
	{ "password", IN_SECRET, IN_REQUIRED, 1, 1024, 0, NULL, NULL, "The password" },
	{ "code", IN_LINE, 0, 1, 40, 0, NULL, NULL,
	  "Of the second factor, where one is set up: from the app, or a recovery code" },
	FIELD_END
};
const struct input_field people_code_fields[] = {
	{ "pending", IN_SECRET, IN_REQUIRED, 1, 2000, 0, NULL, NULL, "What the first step gave" },
	{ "code", IN_LINE, IN_REQUIRED, 1, 40, 0, NULL, NULL,
	  "From the authenticator app, or a recovery code" },
	FIELD_END
};
const struct input_field people_refresh_fields[] = {
	{ "refresh_token", IN_SECRET, IN_REQUIRED, 1, 1024, 0, NULL, NULL,
	  "The newest refresh token of this sign-in; it is replaced" },
	FIELD_END
};

static const char *number(struct ctx *c, long n)
{
	return arena_printf(c->arena, "%ld", n);
}

static enum err wrong_refresh(struct ctx *c)
{
	return fail(c, E_UNAUTH, "the refresh token is not valid");
}

/* A new refresh token; only its hash is ever stored. */
static const char *refresh_new(struct ctx *c, char hash[SHA256_HEX])
{
	char secret[SECRET_ROOM];
	const char *token;

	id_secret(secret, REFRESH_BYTES);
	token = arena_printf(c->arena, REFRESH_PREFIX "%s", secret);
	sha256_hex(token, strlen(token), hash);
	return token;
}

/* An account as a sign-in sees it: what the columns email, role, epoch, profile hold. */
struct account {
	struct id id;
	const char *email, *role, *profile;
	uint32_t epoch;
};

static enum err issue(struct ctx *c, const struct account *who, const char *family,
		      const char **token)
{
	struct actor a = { .user = who->id,
			   .role = role_parse(who->role),
			   .email = who->email,
			   .session = family,
			   .token_epoch = who->epoch };

	return token_issue(c, &a, token);
}

static enum err answer(struct ctx *c, const struct account *who, const char *family,
		       struct session *out)
{
	out->user = who->profile;
	out->expires_in = c->cfg->auth_access_ttl / 1000;
	return issue(c, who, family, &out->token);
}

static void read_account(struct account *who, const PGresult *r, int col)
{
	who->email = db_get(r, 0, col);
	who->role = db_get(r, 0, col + 1);
	who->epoch = (uint32_t)db_get_long(r, 0, col + 2);
	who->profile = db_get(r, 0, col + 3);
}

static enum err open_session(struct ctx *c, const struct id *user, const char *new_hash,
			     const struct client *from, struct session *out)
{
	struct account who = { .id = *user };
	struct id family = id_new();
	char hash[SHA256_HEX];
	PGresult *r;

	out->refresh_token = refresh_new(c, hash);
	TRY(db_query(c, Q_SESSION_OPEN, &r, user->s, family.s, hash,
		     number(c, c->cfg->auth_refresh_ttl / 1000), new_hash, from->address,
		     from->agent));
	read_account(&who, r, 0);
	return answer(c, &who, arena_strdup(c->arena, family.s), out);
}

/* ---- signing up ---- */

struct newcomer {
	struct id id;
	const char *email, *name, *role, *hash;
	const struct client *from;
	struct session *session;
};

static enum err insert(struct ctx *c, const struct newcomer *n)
{
	const char *const args[] = { n->id.s, n->email, n->hash, n->name, n->role };
	struct effect e;

	/* No idempotency key: answers about secrets are not kept. */
	return db_effect(c, Q_USER_CREATE, NULL, args, COUNT(args), &e);
}

static enum err insert_and_open(struct ctx *c, void *arg)
{
	struct newcomer *n = arg;

	TRY(insert(c, n));
	return open_session(c, &n->id, NULL, n->from, n->session);
}

/* Hashes the password; all that is needed for the row. */
static enum err prepare(struct ctx *c, const struct input *in, struct newcomer *n)
{
	n->id = id_new();
	n->email = js_str(in->values, "email");
	n->name = js_str(in->values, "name");
	return password_hash(c, js_str(in->values, "password"), &n->hash);
}

enum err people_register(struct ctx *c, const struct input *in, const struct client *from,
			 struct session *out)
{
	struct newcomer n = { .role = roles[ROLE_USER].name, .from = from, .session = out };

	TRY(prepare(c, in, &n));
	/* Both or nothing: who sees an error may simply sign up again. */
	return db_transaction(c, insert_and_open, &n);
}

static bool role_given(const char *role)
{
	enum role r = role_parse(role);

	return r != ROLE_COUNT && r != ROLE_ANONYMOUS;
}

static enum err wrong_role(struct ctx *c)
{
	return fail_field(c, "role", "must be one of user, organizer, admin, service");
}

enum err people_create(struct ctx *c, const struct person *a, struct id *out)
{
	struct json_object *o = js_object(c->arena);
	struct newcomer n = { .role = a->role };
	struct input in;

	js_put(o, "email", a->email);
	js_put(o, "name", a->name);
	js_put(o, "password", a->password);
	if (!role_given(a->role))
		return wrong_role(c);
	TRY(input_read(c, people_register_fields, o, (struct input_mode){ .partial = false }, &in));
	TRY(prepare(c, &in, &n));
	TRY(insert(c, &n));
	*out = n.id;
	return OK;
}

/* ---- signing in ---- */

static enum err look_up(struct ctx *c, const char *email, const char *address, PGresult **r)
{
	long quota = c->cfg->limits_enabled ? c->cfg->limits_login : 0, wait;

	TRY(db_query(c, Q_LOGIN_LOOKUP, r, email, address, number(c, quota)));
	wait = db_get_long(*r, 0, 0);
	if (wait <= 0)
		return OK;
	if (c->err == OK)
		c->retry_after = (int)wait;
	return fail(c, E_LIMIT, "too many attempts to sign in, try again in %ld s", wait);
}

/* The new hash when the stored one is outdated; the sign-in does not depend on it. */
static const char *renewed(struct ctx *c, const char *password)
{
	const char *hash;

	if (password_hash(c, password, &hash) == OK)
		return hash;
	ctx_forgive(c);
	return NULL;
}

/* What LOGIN_LOOKUP found. */
struct found {
	struct id user;
	const char *email, *hash;
	struct second second;
};

static enum err read_found(struct ctx *c, const PGresult *r, struct found *f)
{
	if (!id_parse(db_get_str(r, 0, 1), &f->user))
		return fail(c, E_INTERNAL, "the account could not be read");
	f->hash = db_get(r, 0, 2);
	f->second = (struct second){ f->user.s, db_get(r, 0, 3), db_get_long(r, 0, 4) };
	return OK;
}

/* Void with the password that was right. */
static const char *print_of(const char *hash, char out[SHA256_HEX])
{
	sha256_hex(hash, strlen(hash), out);
	return out;
}

/* What stands for the right password while the code is typed. */
static enum err make_pending(struct ctx *c, const struct found *f, struct session *out)
{
	char print[SHA256_HEX];
	const char *text = arena_printf(c->arena, "%lld %s %s",
					(long long)(clock_now_us() / 1000000 + PENDING_S),
					print_of(f->hash, print), f->email);

	return seal(c, "sign-in", text, &out->pending);
}

static enum err check_code(struct ctx *c, const struct found *f, const char *code,
			   struct session *out)
{
	if (!f->second.sealed)
		return OK;
	TRY(make_pending(c, f, out));
	return second_check(c, &f->second, code);
}

enum err people_login(struct ctx *c, const struct input *in, const struct client *from,
		      struct session *out)
{
	const char *password = js_str(in->values, "password"), *new_hash = NULL;
	struct found f = { .email = js_str(in->values, "email") };
	PGresult *r;
	bool rehash;

	*out = (struct session){ .token = NULL };
	TRY(look_up(c, f.email, from->counted, &r));
	/* Nobody of that name: hash is NULL; answer and cost are those of a wrong password. */
	TRY(password_verify(c, db_get(r, 0, 2), password, &rehash));
	TRY(read_found(c, r, &f));
	TRY(check_code(c, &f, js_str(in->values, "code"), out));
	if (rehash)
		new_hash = renewed(c, password);
	return open_session(c, &f.user, new_hash, from, out);
}

static enum err wrong_pending(struct ctx *c)
{
	return fail(c, E_UNAUTH, "that took too long: sign in again");
}

enum err people_login_code(struct ctx *c, const struct input *in, const struct client *from,
			   struct session *out)
{
	const char *text = seal_open(c, "sign-in", js_str(in->values, "pending"));
	char print[SHA256_HEX];
	struct str until, was;
	struct found f;
	PGresult *r;
	long s;

	*out = (struct session){ .token = NULL };
	if (!text)
		return wrong_pending(c);
	until = str_cut(str_of(text), ' ', &was);
	was = str_cut(was, ' ', &(struct str){ 0 });
	f.email = text + until.n + 1 + was.n + 1;
	if (!str_to_long(until, 0, LONG_MAX, &s) || s < clock_now_us() / 1000000)
		return wrong_pending(c);
	TRY(look_up(c, f.email, from->counted, &r));
	if (!db_get(r, 0, 2) || !str_is(was, print_of(db_get(r, 0, 2), print)))
		return wrong_pending(c);
	TRY(read_found(c, r, &f));
	TRY(check_code(c, &f, js_str(in->values, "code"), out));
	return open_session(c, &f.user, NULL, from, out);
}

enum err people_refresh(struct ctx *c, const struct input *in, struct session *out)
{
	const char *sent = js_str(in->values, "refresh_token"), *outcome, *family;
	char hash[SHA256_HEX], new_hash[SHA256_HEX];
	struct account who;
	PGresult *r;

	if (strlen(sent) != strlen(REFRESH_PREFIX) + REFRESH_CHARS ||
	    strncmp(sent, REFRESH_PREFIX, strlen(REFRESH_PREFIX)) != 0)
		return wrong_refresh(c);
	sha256_hex(sent, strlen(sent), hash);
	out->refresh_token = refresh_new(c, new_hash);
	TRY(db_query(c, Q_SESSION_REFRESH, &r, hash, new_hash,
		     number(c, c->cfg->auth_refresh_grace), number(c, revocation_ttl())));
	outcome = db_get(r, 0, 0);
	family = db_get(r, 0, 1);
	if (strcmp(outcome, "stolen") == 0)
		revocation_tell(REVOKE_SESSION, family, 1);
	if (strcmp(outcome, "ok") != 0)
		return wrong_refresh(c);
	if (!id_parse(db_get_str(r, 0, 2), &who.id))
		return fail(c, E_INTERNAL, "the account could not be read");
	read_account(&who, r, 3);
	return answer(c, &who, family, out);
}

enum err people_logout(struct ctx *c)
{
	const struct actor *a = c->actor;
	const char *ttl = number(c, revocation_ttl());

	if (!actor_known(a) || !a->jti)
		return fail(c, E_UNAUTH, "nobody is signed in");
	if (a->session) {
		TRY(db_query(c, Q_SESSION_REVOKE, NULL, a->session, ttl));
		revocation_tell(REVOKE_SESSION, a->session, 1);
		return OK;
	}
	TRY(db_query(c, Q_TOKEN_REVOKE, NULL, a->jti, ttl));
	revocation_tell(REVOKE_JTI, a->jti, 1);
	return OK;
}

/* ---- for operators ---- */

static enum err by_email(struct ctx *c, const char *email, struct account *who)
{
	PGresult *r;

	TRY(db_query(c, Q_USER_BY_EMAIL, &r, email));
	if (PQntuples(r) == 0 || !id_parse(db_get_str(r, 0, 0), &who->id))
		return fail(c, E_NOTFOUND, "no account with this e-mail address");
	who->email = db_get(r, 0, 1);
	who->role = db_get(r, 0, 2);
	who->epoch = (uint32_t)db_get_long(r, 0, 3);
	return OK;
}

enum err people_token(struct ctx *c, const char *email, const char **token)
{
	struct account who = { .profile = NULL };

	TRY(by_email(c, email, &who));
	return issue(c, &who, NULL, token);
}

enum err people_set_role(struct ctx *c, const char *email, const char *role)
{
	struct account who;
	PGresult *r;

	if (!role_given(role))
		return wrong_role(c);
	TRY(db_query(c, Q_USER_SET_ROLE, &r, email, role, number(c, revocation_ttl())));
	if (!db_get(r, 0, 0))
		return fail(c, E_NOTFOUND, "no account with this e-mail address");
	/* A disabled account has no tokens that need telling about. */
	if (by_email(c, email, &who) != OK) {
		ctx_forgive(c);
		return OK;
	}
	revocation_tell(REVOKE_USER, who.id.s, who.epoch);
	return OK;
}
