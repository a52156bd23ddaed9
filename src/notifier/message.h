/* src/notifier/message.h - one row of the outbox as a Kafka message */
#ifndef NOTIFIER_MESSAGE_H
#define NOTIFIER_MESSAGE_H

#include "bus/producer.h"
#include "db/db.h"

/* Columns of RELAY_ROWS. */
enum outbox_column { OB_POS, OB_ID, OB_KEY, OB_TOPIC, OB_TYPE, OB_SEQ, OB_AGGREGATE_TYPE,
		     OB_AGGREGATE_ID, OB_PAYLOAD, OB_TRACEPARENT, OB_CACHE_KEYS, OB_CREATED_AT,
		     OB_HELD };

#define MESSAGE_HEADERS 14
/* Texts of m are those of the result. headers must live as long as m. */
void message_from_row(const struct config *cfg, const PGresult *r, int row,
		      struct bus_header headers[MESSAGE_HEADERS], struct bus_message *m);

#endif
