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

#define SHARDS 4	/* as sql/functions/outbox.sql counts them */

struct shard;

/* One row of a chunk on its way. */
struct slot {
	struct shard *shard;
	bool done;		/* delivered */
};

enum shard_state {
	SHARD_IDLE,		/* no chunk */
	SHARD_SENDING,		/* rows from `sent` on are not yet with the producer */
	SHARD_REPORTS,		/* waiting for delivery reports */
	SHARD_DELIVERED		/* the relay row has yet to be told */
};

struct shard {
	int number;
	bool leads;
	bool waiting;		/* the last look found something to send */
	/* the batch: from one snapshot to the next; survives its chunks */
	bool batch;
	struct arena *batch_arena;
	const char *old, *next;
	long long stored;	/* last_pos in the relay row */
	long long after;	/* where the next chunk begins */
	/* the chunk */
	enum shard_state state;
	struct arena *arena;
	PGresult *rows;
	struct slot *slots;
	int n;			/* rows of the chunk; fewer when one had to be parked */
	int sent, unreported;
	bool last;		/* the batch ends with this chunk */
	bool again;		/* a report said that something has to be sent again */
	int bad;		/* row that no broker takes, or -1 */
	char reason[160];
	int attempts;
	int64_t pause_until;
};

struct wake {
	int fd;
	char path[108];
	unsigned long long inode;
};

struct notifier {
	const struct config *cfg;
	struct config job_cfg;	/* a copy with time enough for long jobs */
	struct ctx c;
	struct arena *scratch;
	struct db *db;		/* locks and everything of the relay: one session */
	int backend;		/* its process id when the locks were taken; 0: none */
	struct producer *producer; /* NULL: no brokers configured */
	struct shard shards[SHARDS];
	int64_t lock_at, look_at, looked_at;
	long pause;		/* between looks, adapts */
	unsigned long long sent;
	/* jobs */
	struct db *job_db;
	PGconn *job_conn;	/* while a step runs */
	bool job_running;
	int64_t job_at;
	/* heartbeat */
	int64_t beat_at, backlog_at, namespace_at;
	long long pending, parked;
	double oldest_s;
	char host[256];
	bool retention_set;
	/* cache keys while nothing is sent */
	char *swept;
	int64_t sweep_at;
	struct cache *cache;
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
bool relay_in_flight(const struct notifier *n);
/* A datagram, or a job that did something: look soon. */
void relay_woken(struct notifier *n, int64_t now);
void relay_close(struct notifier *n);
producer_report relay_report;

/* ---- chunk.c: one chunk of one shard ---- */
enum err chunk_load(struct notifier *n, struct shard *s);
void chunk_send(struct notifier *n, struct shard *s, int64_t now);
void chunk_reported(struct notifier *n, struct shard *s, int64_t now);
void chunk_advance(struct notifier *n, struct shard *s, int64_t now);
void chunk_drop(struct shard *s);

/* ---- message.c: one row as a Kafka message ---- */
struct bus_message;
#define MESSAGE_HEADERS 14
enum outbox_column { OB_POS, OB_ID, OB_KEY, OB_TOPIC, OB_TYPE, OB_SEQ, OB_AGGREGATE_TYPE,
		     OB_AGGREGATE_ID, OB_PAYLOAD, OB_TRACEPARENT, OB_CACHE_KEYS, OB_CREATED_AT,
		     OB_HELD };
/* Texts of m are those of the result. headers must live as long as m. */
void message_from_row(const struct config *cfg, const PGresult *r, int row,
		      struct bus_header headers[MESSAGE_HEADERS], struct bus_message *m);

/* ---- job.c, beat.c, sweep.c, wake.c ---- */
void job_step(struct notifier *n, int64_t now);
int job_socket(const struct notifier *n);	/* readable when a step has ended; -1 */
void job_stop(struct notifier *n);
void beat_step(struct notifier *n, int64_t now);
const char *beat_kafka(const struct notifier *n);
/* Deletes the cache keys of new rows while they cannot be sent. */
void sweep_step(struct notifier *n, int64_t now);
bool wake_open(struct wake *w, const char *path);
bool wake_drain(struct wake *w);	/* true: somebody called */
void wake_close(struct wake *w);

#endif
