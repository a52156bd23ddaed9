/* src/core/shm.h - the two shared-memory files of a host, and locks that die with their holder.
 *
 * metrics.<layout hash>  counters and histograms: added to, never reset; a new binary with another
 *                        layout uses another file.
 * coherence.v1           what must agree between old and new binaries: cache generations, the
 *                        revocation table, the cache breaker and namespace, the rate limiter.
 * Both lie in shm.dir (tmpfs), are created under flock at full size and never truncated. */
#ifndef CORE_SHM_H
#define CORE_SHM_H

#include "core/config.h"
#include "core/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* ---- attaching ---- */
/* Maps both files, making them if needed. n_metrics is the number of 64-bit cells, layout names
 * them (any string; its hash becomes part of the file's name). E_UNAVAIL when the directory cannot
 * be used: everything below then works on private memory, and shm_shared() is false. */
enum err shm_attach(const char *dir, const char *layout, size_t n_metrics) MUST_CHECK;
bool shm_shared(void);

/* ---- metrics: plain cells; who owns which cell is decided in web/metrics ---- */
void shm_metric_add(size_t cell, uint64_t n);
uint64_t shm_metric_get(size_t cell);
void shm_metric_set(size_t cell, uint64_t v);	/* gauges */

/* ---- generations: a write bumps, a first-level cache compares ---- */
uint64_t shm_generation(uint64_t key_hash);
void shm_generation_bump(uint64_t key_hash);

/* ---- cache namespace ---- */
/* Each server of a ring has a slot of its own, below SHM_SLOTS; a single server has slot 0. */
#define SHM_SLOTS 32
/* 0 until somebody has read it from the database. */
uint64_t shm_cache_namespace(int slot);
void shm_cache_namespace_set(int slot, uint64_t ns);
/* Only if it still is `from`; false when somebody else was faster. */
bool shm_cache_namespace_move(int slot, uint64_t from, uint64_t to);
/* Debt: a delete could not be confirmed, so the slot's namespace must change before it is used. */
uint64_t shm_cache_debt(int slot);	/* how many; 0 = none */
void shm_cache_debt_add(int slot);
/* Everything owed up to `seen` is paid; false when more has come since: pay again. */
bool shm_cache_debt_paid(int slot, uint64_t seen);

/* ---- breakers: what has failed is left alone by the whole host for a while ---- */
enum { SHM_BREAKER_REPLICA, SHM_BREAKER_CACHE /* + slot */, SHM_BREAKERS = 1 + SHM_SLOTS };
/* May it be used now? When the pause is over exactly one caller per pause gets true (half open);
 * the others wait for its shm_breaker_ok. */
bool shm_breaker_allows(int which, int64_t now_ms);
void shm_breaker_trip(int which, int64_t now_ms, long pause_ms);
void shm_breaker_ok(int which);

/* ---- who has written up to where, for readers without a cookie ---- */
/* Remembers for a minute that who (an id) has changed something before position lsn. */
void shm_wrote(const char *who, uint64_t lsn, int64_t now_ms);
/* A position that is not before the last change of who on this host; 0 = none of late. Persons
 * share places in the table, so it may be somebody else's later one. */
uint64_t shm_wrote_by(const char *who, int64_t now_ms);

/* ---- revocations (mechanism: tokens) ---- */
enum revocation_kind { REVOKE_JTI = 1, REVOKE_SESSION = 2, REVOKE_USER = 3 };
/* epoch: tokens of that user with tv < epoch are dead (ignored for the other kinds).
 * expires: seconds since 1970 after which the entry may be overwritten. False: table full. */
bool shm_revoke(enum revocation_kind k, const char *id, uint32_t epoch, int64_t expires);
/* 0 = not revoked, else the epoch (at least 1). */
uint32_t shm_revoked(enum revocation_kind k, const char *id);
bool shm_revocations_full(void);	/* sticky until entries expire: ask the database instead */
/* The host's reader of revocations: true for one caller each period_ms (claimed by CAS). */
bool shm_revocation_poll_due(int64_t now_ms, long period_ms);
void shm_revocation_polled(int64_t now_ms);
int64_t shm_revocation_polled_at(void);	/* 0 = never */

/* ---- rate limits: GCRA (ITU-T I.371), one theoretical arrival time per key ---- */
struct limit_result {
	bool allowed;
	long remaining;		/* whole requests left now */
	long reset_s;		/* seconds until the full quota is back */
	long retry_s;		/* when refused: seconds until one is allowed */
};
/* Takes one of `limit` requests per window_ms (burst = limit) for key (already hashed with a random
 * per-file seed inside). take=false only looks. */
struct limit_result shm_limit(const void *key, size_t n, long limit, long window_ms,
			      int64_t now_ms, bool take);

/* ---- locks by byte range, released by the kernel when the holder dies ---- */
enum shm_lock {
	SHM_LOCK_TABLE,
	SHM_LOCK_HASH_FIRST,
	SHM_LOCK_HASH_LAST = SHM_LOCK_HASH_FIRST + 15
};
/* One of the first n password-hash slots, waiting up to wait_ms; its number, or -1. */
int shm_hash_slot(long n, long wait_ms);
void shm_hash_slot_release(int slot);

#endif
