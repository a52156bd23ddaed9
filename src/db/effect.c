/* src/db/effect.c - statements that change something and answer, idempotent by key if asked for */
#include "core/json.h"
#include "core/log.h"
#include "db/conn.h"

#include <stdlib.h>

enum { COL_STATUS, COL_CODE, COL_BODY, COL_DETAILS, COL_KEYS, COL_FINGERPRINT };

#define STATUS_AGAIN 599

static bool key_was_taken(const struct answer *a)
{
	const char *table;

	if (strcmp(a->sqlstate, "23505") != 0)
		return false;
	table = PQresultErrorField(a->res, PG_DIAG_TABLE_NAME);
	return table && strcmp(table, "idempotency_keys") == 0;
}

/* Rows of more than a day ago do not count as answers, but stand in the way of the INSERT until
 * the nightly job has been there. */
static enum err remove_expired(struct ctx *c, const struct idempotency *idem, struct answer *a)
{
	static const Oid types[] = { 2950, 25 };	/* uuid, text */
	const char *const args[] = { idem->actor, idem->key };
	struct stmt s = {
		.name = "idempotency_expired",
		.text = "DELETE FROM marquee.idempotency_keys WHERE actor = $1 AND key = $2"
			" AND created_at < now() - interval '24 hours'",
		.types = types,
		.args = args,
		.n = 2,
	};

	return conn_run(c, &s, a);
}

/* The wait that timed out was for another transaction's row of this key, not for an event. */
static bool waited_for_key(const struct answer *a)
{
	const char *where = a->res ? PQresultErrorField(a->res, PG_DIAG_CONTEXT) : NULL;

	return strcmp(a->sqlstate, "55P03") == 0 && where && strstr(where, "idempotency_keys");
}

static enum err run_keyed(struct ctx *c, const struct query_row *row,
			  const struct idempotency *idem, const char *const *args, struct answer *a)
{
	const char **all = arena_alloc(c->arena, sizeof(*all) * (size_t)(row->arity + 3));
	enum err e;

	if (row->arity)
		memcpy(all, args, sizeof(*all) * (size_t)row->arity);
	all[row->arity] = idem->actor;
	all[row->arity + 1] = idem->key;
	all[row->arity + 2] = idem->fingerprint;
	e = query_run(c, row, true, all, a);
	/* Another request has stored an answer since this one looked: nothing was changed here. */
	if (e == E_CONFLICT && key_was_taken(a) && !conn_in_transaction(c->db)) {
		e = remove_expired(c, idem, a);
		if (e == OK)
			e = query_run(c, row, true, all, a);
	}
	if (e == OK)
		return OK;
	if (waited_for_key(a) || key_was_taken(a))
		return fail(c, E_CONFLICT, "a request with this key is still running");
	return query_fail(c, row->name, a, e);
}

/* The refusal's details, [{"field","reason"}], as if fail_field had recorded them. */
static void add_details(struct ctx *c, const char *text)
{
	struct json_object *list = text ? js_own(c->arena, text) : NULL;
	size_t n = list && json_object_is_type(list, json_type_array) ?
		   json_object_array_length(list) : 0;
	struct detail **end = &c->details;

	while (*end)
		end = &(*end)->next;
	for (size_t i = 0; i < n; i++) {
		struct json_object *one = json_object_array_get_idx(list, i);
		struct detail *d = ARENA_NEW(c->arena, struct detail);
		const char *field = js_str(one, "field"), *reason = js_str(one, "reason");

		d->field = field ? field : "";
		d->reason = reason ? reason : "";
		*end = d;
		end = &d->next;
	}
	c->details_end = end;
}

static enum err refuse(struct ctx *c, const struct effect *x)
{
	enum err e = err_by_code(x->code ? x->code : "");

	if (e == OK)
		e = E_INTERNAL;
	if (c->err == OK)
		add_details(c, x->details);
	return fail(c, e, "%s", x->body ? x->body : err_info(e)->title);
}

static enum err read_answer(struct ctx *c, const struct query_row *row, const PGresult *res,
			    bool keyed, struct effect *x)
{
	if (PQntuples(res) != 1 || PQnfields(res) != (keyed ? COL_FINGERPRINT + 1 : COL_KEYS + 1)) {
		log_pairs(LOG_ERROR_, "effect gave no single answer", "query", row->name,
			  "request_id", c->request_id, (char *)NULL);
		return fail(c, E_INTERNAL, "the database could not do this");
	}
	x->status = (int)db_get_long(res, 0, COL_STATUS);
	x->code = db_get(res, 0, COL_CODE);
	x->body = db_get(res, 0, COL_BODY);
	x->details = db_get(res, 0, COL_DETAILS);
	x->keys = db_get(res, 0, COL_KEYS);
	return OK;
}

enum err effect_row_run(struct ctx *c, const struct query_row *row, const struct idempotency *idem,
			const char *const *args, struct effect *out)
{
	bool keyed = idem && idem->key;
	struct answer a;
	const char *stored = NULL;
	enum err e;

	*out = (struct effect){ .status = 0 };
	if (keyed) {
		TRY(run_keyed(c, row, idem, args, &a));
	} else {
		e = query_run(c, row, false, args, &a);
		if (e != OK)
			return query_fail(c, row->name, &a, e);
	}
	TRY(read_answer(c, row, a.res, keyed, out));
	if (keyed)
		stored = db_get(a.res, 0, COL_FINGERPRINT);
	out->replayed = stored != NULL;
	if (stored && strcmp(stored, idem->fingerprint) != 0) {
		*out = (struct effect){ .status = 0 };
		return fail_field(c, "Idempotency-Key", "was used with another request before");
	}
	if (out->status >= 200 && out->status < 300)
		return OK;
	return out->status == STATUS_AGAIN ? OK : refuse(c, out);
}

enum err db_effect(struct ctx *c, enum query q, const struct idempotency *idem,
		   const char *const *args, int n, struct effect *out)
{
	const struct query_row *row = &query_rows[q];

	if (row->kind != QUERY_EFFECT || n != row->arity) {
		log_pairs(LOG_ERROR_, "not an effect, or wrong number of arguments", "query",
			  row->name, "request_id", c->request_id, (char *)NULL);
		*out = (struct effect){ .status = 0 };
		return fail(c, E_INTERNAL, "the database could not do this");
	}
	return effect_row_run(c, row, idem, args, out);
}
