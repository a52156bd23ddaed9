/* src/bus/producer.h - the one way into Kafka: an idempotent producer for the notifier.
 *
 * A message is done when its delivery report says so, never before. Reports are called from within
 * producer_send, producer_poll, producer_flush and producer_close only: one thread sees everything.
 * Keys keep their order within a partition also over broker outages: nothing times out here. */
#ifndef BUS_PRODUCER_H
#define BUS_PRODUCER_H

#include "core/config.h"
#include "core/str.h"

#include <stdint.h>

enum delivery {
	DELIVERED,	/* written by all in-sync replicas */
	DELIVERY_BAD,	/* this message will never be taken (too large, refused): park it */
	DELIVERY_LOST,	/* not stored, or nobody knows: send it again */
};
/* opaque is the message's own; reason is NULL when delivered and lives for the call only. */
typedef void producer_report(void *arg, void *opaque, enum delivery how, const char *reason);

struct bus_header {
	const char *name;
	const char *value;	/* NULL: the header is left out */
};

struct bus_message {
	const char *topic;
	const char *key;	/* decides the partition; never NULL */
	struct str value;	/* copied, as is all the rest */
	const struct bus_header *headers;
	int n_headers;
	int64_t time_ms;	/* since 1970; 0 = now */
	void *opaque;
};

struct producer;
/* Needs no broker to be there. NULL with a sentence in why when the configuration is refused.
 * Make it after the last fork. */
struct producer *producer_new(const struct config *cfg, producer_report *report, void *arg,
			      char *why, size_t n);

enum produced {
	PRODUCED,	/* taken; a report will follow */
	PRODUCE_FULL,	/* the queue is full: poll, then try again; no report follows */
	PRODUCE_BAD,	/* this message will never be taken; no report follows */
	PRODUCE_FATAL,	/* see producer_fatal; no report follows */
};
enum produced producer_send(struct producer *p, const struct bus_message *m);

/* Waits up to timeout_ms for reports and calls them; how many events there were. */
int producer_poll(struct producer *p, int timeout_ms);
/* Readable when producer_poll has something to do; -1 for no producer. */
int producer_socket(const struct producer *p);
/* Waits until everything taken is reported. False when timeout_ms was not enough. */
bool producer_flush(struct producer *p, int timeout_ms);
/* Messages taken and not reported. */
int producer_pending(const struct producer *p);

/* True after an error that no waiting heals (fenced, out of sequence): end the process; what was
 * not reported is sent by the next one. */
bool producer_fatal(const struct producer *p, char *reason, size_t n);
/* What is known of the brokers, for the heartbeat: at least one answers. Kept up to date by
 * producer_poll; false until the first contact. */
bool producer_connected(const struct producer *p);

/* Flushes for up to timeout_ms, gives up the rest (reported as DELIVERY_LOST) and frees p. */
void producer_close(struct producer *p, int timeout_ms);

#endif
