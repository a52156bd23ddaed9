/* src/cache/namespace.c - the epoch that prefixes all keys lives in PostgreSQL; a debt renews it */
#include "cache/cache.h"
#include "core/hash.h"
#include "core/log.h"
#include "core/shm.h"
#include "db/db.h"

static enum err read_namespace(struct ctx *c, enum query q, uint64_t *ns)
{
	struct str text;
	PGresult *r;

	TRY(db_run(c, q, NULL, 0, &r));
	text = db_get_str(r, 0, 0);
	*ns = hash64(text.p ? text.p : "", text.n);
	*ns += *ns == 0;
	return OK;
}

/* The order matters: nobody on this host uses the cache while the namespace is 0, and a debt made
 * while the epoch is being renewed stays owed. */
static enum err pay_debt(struct ctx *c)
{
	uint64_t ns;
	enum err e;

	shm_cache_namespace_set(0);
	shm_cache_debt_set(false);
	e = read_namespace(c, Q_CACHE_EPOCH_BUMP, &ns);
	if (e != OK) {
		shm_cache_debt_set(true);
		return e;
	}
	shm_cache_namespace_set(ns);
	log_pairs(LOG_INFO_, "cache: new epoch", (char *)NULL);
	return OK;
}

enum err cache_namespace_refresh(struct ctx *c)
{
	uint64_t before = shm_cache_namespace(), ns;

	if (shm_cache_debt())
		return pay_debt(c);
	TRY(read_namespace(c, Q_CACHE_NAMESPACE, &ns));
	/* Whoever has renewed it while we read knows better. */
	if (ns != before && !shm_cache_debt())
		(void)shm_cache_namespace_move(before, ns);
	return OK;
}
