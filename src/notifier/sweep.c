/* src/notifier/sweep.c - while no broker takes the outbox its cache keys are still deleted */
#include "core/log.h"
#include "notifier/notifier.h"

#include <stdlib.h>

#define SWEEP_MS 250

static void forget(struct notifier *n)
{
	free(n->swept);
	n->swept = NULL;
}

void sweep_step(struct notifier *n, int64_t now)
{
	struct ctx *c;
	PGresult *r;

	if (n->producer && producer_connected(n->producer)) {
		forget(n);	/* the relay does it, after each chunk */
		return;
	}
	if (n->stopping || now < n->sweep_at || n->cfg->cache_servers[0] == '\0')
		return;
	n->sweep_at = now + SWEEP_MS;
	c = notifier_ctx(n, n->scratch);
	if (db_query(c, Q_CACHE_KEYS_SINCE, &r, n->swept) == OK) {
		forget(n);
		n->swept = strdup(db_get(r, 0, 0));
		for (int i = 0; i < PQntuples(r); i++)
			if (db_get(r, i, 1))
				cache_invalidate(c, db_get(r, i, 1));
	}
	arena_reset(n->scratch);
}
