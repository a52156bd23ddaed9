/* src/notifier/message.h - one row of the outbox as a Kafka message */
#ifndef NOTIFIER_MESSAGE_H
#define NOTIFIER_MESSAGE_H

#include "bus/producer.h"
#include "core/clock.h"
#include "db/db.h"

/* Columns of RELAY_ROWS and RELAY_REPLAYS, which come in binary form. */
enum outbox_column { OB_POS, OB_ID, OB_KEY, OB_TOPIC, OB_TYPE, OB_SEQ, OB_AGGREGATE_TYPE,
		     OB_AGGREGATE_ID, OB_PAYLOAD, OB_TRACEPARENT, OB_CACHE_KEYS, OB_CREATED_AT,
		     OB_HELD, OB_REPLAYED };

int64_t message_int(const PGresult *r, int row, enum outbox_column column);
bool message_bool(const PGresult *r, int row, enum outbox_column column);
void message_id(const PGresult *r, int row, char out[37]);

#define MESSAGE_HEADERS 15
struct message {
	struct bus_message m;
	struct bus_header headers[MESSAGE_HEADERS];
	char id[37], aggregate[37], seq[24], at[CLOCK_TEXT];
};
/* Texts are those of the result or of out. */
void message_from_row(const struct config *cfg, const PGresult *r, int row, struct message *out);

#endif
