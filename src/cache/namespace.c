/* src/cache/namespace.c - the epochs that prefix all keys live in PostgreSQL; a debt renews one */
#include "cache/wire.h"
#include "core/hash.h"
#include "core/log.h"
#include "core/shm.h"
#include "db/db.h"

#include <stdio.h>

/* While anything is owed nobody on this host uses that server. The new namespace is stored before
 * the debt is cancelled; a debt made meanwhile stays owed, so does all of it when we die here. */
static enum err renew(struct ctx *c, int slot)
{
	char number[12];

	snprintf(number, sizeof(number), "%d", slot);
	TRY(db_query(c, Q_CACHE_EPOCH_BUMP, NULL, number));
	log_pairs(LOG_INFO_, "cache: new epoch", "slot", number, (char *)NULL);
	return OK;
}

/* The slot's line of epochs, or nothing: then the base alone. */
static uint64_t namespace_of(struct ctx *c, int slot, struct str base, struct str epochs)
{
	struct str line, epoch;
	uint64_t ns;
	long number;

	while (slot && epochs.n) {
		line = str_cut(epochs, '\n', &epochs);
		if (str_to_long(str_cut(line, ' ', &epoch), 1, SHM_SLOTS - 1, &number) &&
		    number == slot)
			base = str_of(arena_printf(c->arena, "%.*s/%.*s", (int)base.n, base.p,
						   (int)line.n, line.p));
	}
	ns = hash64(base.p ? base.p : "", base.n);
	return ns + (ns == 0);
}

enum err cache_namespace_refresh(struct ctx *c)
{
	uint64_t before[SHM_SLOTS], owed[SHM_SLOTS];
	PGresult *r;

	for (int s = 0; s < SHM_SLOTS; s++) {
		before[s] = shm_cache_namespace(s);
		owed[s] = shm_cache_debt(s);
		if (owed[s])
			TRY(renew(c, s));
	}
	TRY(db_query0(c, Q_CACHE_NAMESPACE, &r));
	for (int s = 0; s < SHM_SLOTS; s++) {
		uint64_t ns = namespace_of(c, s, db_get_str(r, 0, 0), db_get_str(r, 0, 1));

		if (owed[s]) {
			shm_cache_namespace_set(s, ns);
			(void)shm_cache_debt_paid(s, owed[s]);
		} else if (ns != before[s] && !shm_cache_debt(s)) {
			/* Whoever has renewed it while we read knows better. */
			(void)shm_cache_namespace_move(s, before[s], ns);
		}
	}
	return OK;
}
