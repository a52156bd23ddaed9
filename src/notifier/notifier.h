/* src/notifier/notifier.h - the notifier: one thread that sends the outbox and runs the timed jobs.
 *
 * Nothing here is the only copy of anything: what was not advanced in the table relay is sent again
 * by the next leader, and a job's step is one transaction. */
#ifndef NOTIFIER_NOTIFIER_H
#define NOTIFIER_NOTIFIER_H

#include "bus/producer.h"
#include "cache/cache.h"
#include "core/ctx.h"
#include "db/db.h"
#include "notifier/async.h"
#include "notifier/mail.h"
#include "notifier/shard.h"
#include "notifier/wake.h"

struct notifier {
	const struct config *cfg;
	struct ctx c;
	struct arena *scratch;
	struct arena *keys;	/* clean_keys */
	struct db *db;		/* locks, and what has to be answered at once: one session */
	int backend;		/* its process id when the locks were taken; 0: none */
	struct producer *producer; /* NULL: no brokers configured */
	struct shard shards[SHARDS];
	struct async relay_db;	/* reads chunks and writes what was delivered */
	struct shard *asked;	/* whose statement runs there */
	int turn;
	int64_t lock_at, look_at, looked_at;
	long pause;		/* between looks, adapts */
	unsigned long long sent;
	/* jobs */
	struct async jobs;
	int64_t job_at;
	/* heartbeat */
	int64_t greet_by, beat_at, backlog_at, namespace_at;
	long long pending, parked, transaction_s, unplaced;
	double oldest_s;
	char host[256];
	bool settings_told;
	struct {
		long long pending, parked, sent, failed;
		double oldest_s;
	} mails;
	/* cache keys while nothing is sent */
	char *swept;
	int64_t sweep_at;
	struct cache *cache;
	struct mail *mail;	/* NULL: off */
	struct wake wake;
	int signals;
	bool stopping;
	int64_t stop_by;
};

/* ---- main.c ---- */
/* A fresh error state whose memory is a; all statements of n go through n->c. */
struct ctx *notifier_ctx(struct notifier *n, struct arena *a);

/* ---- lead.c: which shards are ours ---- */
/* True while the session that holds the locks lives; takes what is free once a second. */
bool lead_step(struct notifier *n, int64_t now);
void lead_lost(struct notifier *n);

/* ---- relay.c: from the outbox to the broker ---- */
void relay_init(struct notifier *n);
bool relay_open(struct notifier *n);		/* makes the producer; false: refused */
void relay_step(struct notifier *n, int64_t now);
int64_t relay_due(const struct notifier *n); /* when to come again at the latest */
/* A datagram, or a job that did something: look soon. */
void relay_woken(struct notifier *n, int64_t now);
void relay_close(struct notifier *n);

/* ---- job.c, beat.c, sweep.c ---- */
void job_init(struct notifier *n);
void job_step(struct notifier *n, int64_t now);
void beat_step(struct notifier *n, int64_t now);
/* Before the first delete: on a host without workers nobody else reads it, and a delete without it
 * would be a debt. */
void beat_namespace(struct notifier *n, int64_t now);
const char *beat_kafka(const struct notifier *n);
/* Deletes the cache keys of new rows while they cannot be sent. */
void sweep_step(struct notifier *n, int64_t now);
/* Deletes the cache keys in this column of the first rows. */
void clean_keys(struct notifier *n, const PGresult *r, int rows, int column);

#endif
