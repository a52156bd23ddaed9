/* src/notifier/sweep.c - while no broker takes the outbox its cache keys are still deleted */
#include "core/log.h"
#include "core/strbuf.h"
#include "notifier/notifier.h"

#include <stdlib.h>

#define SWEEP_MS 250
#define AT_ONCE 100	/* rows: the cache has a time budget for each call */
#define KEYS_MAX ((size_t)8 << 20)

void clean_keys(struct notifier *n, const PGresult *r, int rows, int column)
{
	for (int from = 0; from < rows; from += AT_ONCE) {
		struct ctx *c = notifier_ctx(n, n->keys);
		struct strbuf keys;

		strbuf_init(&keys, n->keys, KEYS_MAX);
		for (int i = from; i < rows && i < from + AT_ONCE; i++) {
			strbuf_addstr(&keys, db_get_str(r, i, column));
			strbuf_addc(&keys, '\n');
		}
		cache_invalidate(c, strbuf_str(&keys));
		arena_reset(n->keys);
	}
}

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
		clean_keys(n, r, PQntuples(r), 1);
	}
	arena_reset(n->scratch);
}
