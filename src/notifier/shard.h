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
	bool aside;		/* not to be sent: its key is held back */
	bool alone;		/* sent with nothing else under way: a refusal means this row */
};

enum shard_state {
	SHARD_IDLE,		/* no chunk */
	SHARD_READING,		/* its rows are being read */
	SHARD_SENDING,		/* rows from `sent` on are not yet with the producer */
	SHARD_REPORTS,		/* waiting for delivery reports */
	SHARD_DELIVERED,	/* the database has yet to be told */
	SHARD_ADVANCING		/* it is being told */
};

struct shard {
	int number;
	bool leads;
	/* the row of relay as we have read or written it */
	bool known;
	char *snap, *stored_next; /* "": none */
	long long stored;	/* last_pos */
	char at[24];		/* where the row stands */
	/* the batch: from snap to next; survives its chunks */
	bool batch;
	char *next;
	long long first;	/* no row from snap's end on comes before it */
	long long after;	/* where the next chunk begins */
	bool replays;		/* the last look found parked messages to be tried again */
	/* the chunk */
	enum shard_state state;
	bool replay;		/* of parked messages, not of a batch */
	struct arena *arena;
	PGresult *rows;
	struct slot *slots;
	int n, sent, unreported;
	bool last;		/* the batch ends with this chunk */
	bool again;		/* a report said that something has to be sent again */
	int bad;		/* first row that was refused, or -1 */
	int alone;		/* rows before this one go one by one, to find who is refused */
	char reason[160];
	int64_t pause_until;
};

void shard_keep(char **p, const char *v);	/* a copy of v takes the place of *p */
/* Begins to read the next chunk; false: not now. */
bool chunk_read(struct notifier *n, struct shard *s, int64_t now);
void chunk_rows(struct notifier *n, struct shard *s, PGresult *rows, int64_t now);
void chunk_send(struct notifier *n, struct shard *s, int64_t now);
void chunk_reported(struct notifier *n, struct shard *s, int64_t now);
bool chunk_advance(struct notifier *n, struct shard *s, int64_t now);
void chunk_advanced(struct notifier *n, struct shard *s, const PGresult *r, int64_t now);
/* Begins anew with what the database says. */
void chunk_drop(struct notifier *n, struct shard *s);
producer_report chunk_report;		/* one message of some chunk */

#endif
