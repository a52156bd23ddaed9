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

/* While anything is owed nobody on this host uses the cache. A debt made while the epoch is being
 * renewed stays owed, and so does all of it when we die here. */
static enum err pay_debt(struct ctx *c, uint64_t owed)
{
	uint64_t ns;

	TRY(read_namespace(c, Q_CACHE_EPOCH_BUMP, &ns));
	shm_cache_namespace_set(ns);
	(void)shm_cache_debt_paid(owed);
	log_pairs(LOG_INFO_, "cache: new epoch", (char *)NULL);
	return OK;
}

enum err cache_namespace_refresh(struct ctx *c)
{
	uint64_t before = shm_cache_namespace(), owed = shm_cache_debt(), ns;

	if (owed)
		return pay_debt(c, owed);
	TRY(read_namespace(c, Q_CACHE_NAMESPACE, &ns));
	/* Whoever has renewed it while we read knows better. */
	if (ns != before && !shm_cache_debt())
		(void)shm_cache_namespace_move(before, ns);
	return OK;
}
