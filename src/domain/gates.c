/* src/domain/gates.c - links for the staff of a door: 256 random bits, of which we keep the hash */
#include "auth/actor.h"
#include "auth/keys.h"
#include "core/hash.h"
#include "db/db.h"
#include "domain/checkin.h"

#include <sodium.h>

const struct input_field gate_fields[] = {
	{ "name", IN_LINE, IN_REQUIRED, 1, 100, 0, NULL, NULL, "Which door, or whose link" },
	{ "expires_at", IN_END_TIME, IN_NULLABLE, 0, 0, 0, NULL, NULL,
	  "Until when it works, a day means its end; default: twelve hours after the event" },
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};

static const char *admin(const struct ctx *c)
{
	return c->actor->permissions & MAY_ADMIN ? "true" : "false";
}

bool gate_hash(struct str secret, char hex[GATE_HASH])
{
	if (secret.n != GATE_SECRET_CHARS)
		return false;
	sha256_hex(secret.p, secret.n, hex);
	return true;
}

enum err gate_form_key(struct ctx *c, const char *hash, const char **out)
{
	unsigned char mac[KEYS_MAC_BYTES];
	char *hex = arena_alloc(c->arena, 2 * sizeof(mac) + 1);
	const struct keyring *keys;

	TRY(keys_load(c, &keys));
	keys_mac(&keys->keys[0], str_of(arena_printf(c->arena, "door form %s", hash)), mac);
	*out = sodium_bin2hex(hex, 2 * sizeof(mac) + 1, mac, sizeof(mac));
	return OK;
}

enum err gates_create(struct ctx *c, const struct id *event, const struct input *in,
		      const char **secret, const char **json)
{
	char *text = arena_alloc(c->arena, GATE_SECRET_CHARS + 1), hash[GATE_HASH];
	struct id id = id_new();
	struct effect e;

	id_secret(text, 32);
	if (!gate_hash(str_of(text), hash))
		return fail(c, E_INTERNAL, "no secret could be made");
	TRY(db_effect(c, Q_GATE_CREATE, NULL,
		      (const char *const[]){ event->s, c->actor->user.s, admin(c), id.s,
					     js_str(in->values, "name"), hash,
					     js_str(in->values, "expires_at") }, 7, &e));
	*secret = text;
	*json = e.body;
	return OK;
}

enum err gates_list(struct ctx *c, const struct id *event, const char **json)
{
	struct effect e;

	TRY(db_effect(c, Q_GATE_LIST, NULL,
		      (const char *const[]){ event->s, c->actor->user.s, admin(c) }, 3, &e));
	*json = e.body;
	return OK;
}

enum err gates_revoke(struct ctx *c, const struct id *event, struct str gate, const char **json)
{
	struct effect e;
	struct id id;

	if (!id_parse(gate, &id))
		id = (struct id){ "00000000-0000-0000-0000-000000000000" };
	TRY(db_effect(c, Q_GATE_REVOKE, NULL,
		      (const char *const[]){ event->s, c->actor->user.s, admin(c), id.s }, 4, &e));
	*json = e.body;
	return OK;
}
