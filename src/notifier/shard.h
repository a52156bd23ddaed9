/* src/notifier/shard.h - one shard of the outbox and the chunk of it that is under way */
#ifndef NOTIFIER_SHARD_H
#define NOTIFIER_SHARD_H

#include "bus/producer.h"
#include "core/arena.h"
#include "db/db.h"

#define SHARDS 4	/* as sql/functions/outbox.sql counts them */

struct notifier;
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

enum err chunk_load(struct notifier *n, struct shard *s);
void chunk_send(struct notifier *n, struct shard *s, int64_t now);
void chunk_reported(struct notifier *n, struct shard *s, int64_t now);
void chunk_advance(struct notifier *n, struct shard *s, int64_t now);
void chunk_drop(struct shard *s);	/* begins anew with what the relay row says */
producer_report chunk_report;		/* one message of some chunk */

#endif
