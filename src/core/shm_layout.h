/* src/core/shm_layout.h - the layout of the coherence file; for shm*.c and limit.c only.
 *
 * FROZEN: old and new binaries share this file while they replace each other. Whoever must change
 * it gives the file another name (coherence.v2) and keeps both alive for one release. */
#ifndef CORE_SHM_LAYOUT_H
#define CORE_SHM_LAYOUT_H

#include "core/shm.h"

#include <stddef.h>

#define COHERENCE_MAGIC UINT64_C(0x4D5251434F480001)	/* "MRQCOH", version 1 */
#define GENERATIONS 65536
#define REVOCATIONS 16384
#define LIMIT_SETS 65536
#define LIMIT_WAYS 8
#define WRITERS 256

/* 0 0 0 = never used. Readers look without a lock; writers hold SHM_LOCK_TABLE. */
struct revocation {
	_Atomic uint64_t tag[2];	/* of kind and id */
	_Atomic uint64_t value;		/* epoch << 32 | expiry in seconds; 0 = being written */
	uint64_t unused;
};

struct coherence {
	_Atomic uint64_t magic;		/* written last by whoever makes the file */
	uint64_t seed;			/* random, for tags of revocations and limits */
	_Atomic uint64_t cache_namespace;
	_Atomic uint64_t cache_debt;
	_Atomic int64_t was_breaker[2];	/* of binaries older than `breakers` */
	_Atomic int64_t poll_claimed, poll_done;
	_Atomic int64_t full_until;	/* some revocation found no room; it expires then */
	struct breaker {
		_Atomic int64_t until;	/* 0 = closed: it may be used */
		_Atomic int64_t pause;
	} breakers[SHM_BREAKERS];
	_Atomic uint64_t wrote[WRITERS];
	struct overload {		/* overload.c */
		_Atomic uint64_t taken;
		_Atomic int64_t looked_at, over_since, refused_at, refusing;
		_Atomic int64_t rate, rate_at;	/* requests a second, as of then */
		_Atomic uint64_t rate_taken;
	} overload;
	struct slot {		/* of a server of the cache's ring; slot 0 stands above */
		_Atomic uint64_t ns, debt;
	} slots[SHM_SLOTS - 1];
	uint64_t unused[111];
	_Atomic uint64_t generations[GENERATIONS];
	struct revocation revocations[REVOCATIONS];
	/* tag in the upper 20 bits (never 0), theoretical arrival time in the lower 44: one word,
	 * so that one compare-and-swap changes both. A set is one cache line. */
	_Atomic uint64_t limits[LIMIT_SETS][LIMIT_WAYS];
};

_Static_assert(sizeof(_Atomic uint64_t) == 8 && ATOMIC_LLONG_LOCK_FREE == 2, "lock-free 64 bits");
_Static_assert(sizeof(struct revocation) == 32, "frozen");
_Static_assert(offsetof(struct coherence, full_until) == 64, "frozen");
_Static_assert(offsetof(struct coherence, wrote) == 600, "frozen");
_Static_assert(offsetof(struct coherence, generations) == 4096, "frozen");
_Static_assert(offsetof(struct coherence, revocations) == 528384, "frozen");
_Static_assert(offsetof(struct coherence, limits) == 1052672, "frozen");
_Static_assert(sizeof(struct coherence) == 5246976, "frozen");

/* The shared tables, or private ones when nothing is attached; never NULL. */
struct coherence *shm_coherence(void);

/* ---- byte-range locks of the coherence file (shm_lock.c) ---- */
#define SHM_LOCK_LIMITS 65536	/* + set number: who puts a new key into that set */

/* Opens a descriptor of its own for the locks, on the file that is open as `file`. */
bool shm_lock_open(int file);
void shm_lock_close(void);
/* Waits for the lock. On private memory there is nobody to wait for. */
void shm_lock(int64_t byte);
void shm_unlock(int64_t byte);

#endif
