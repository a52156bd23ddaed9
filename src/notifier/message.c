/* src/notifier/message.c - an outbox row as a Kafka message: topic, key, headers (CloudEvents 1.0,
 * Kafka binding, binary mode), value as it is stored */
#include "notifier/message.h"

#include "core/id.h"

#include <endian.h>
#include <stdio.h>

static const struct {
	const char *word;	/* as the row says */
	size_t at;		/* the configured name */
} topics[] = {
	{ "events", offsetof(struct config, kafka_topic_events) },
	{ "notifications", offsetof(struct config, kafka_topic_notifications) },
};

enum text { ID, SEQ, AGGREGATE_TYPE, AGGREGATE_ID, TYPE, CREATED_AT, TRACEPARENT, REPLAYED, TEXTS,
	    FIXED };

static const struct {
	const char *name;
	enum text text;
	const char *fixed;
} headers_table[MESSAGE_HEADERS] = {
	{ "id", ID, NULL },
	{ "seq", SEQ, NULL },
	{ "aggregate_type", AGGREGATE_TYPE, NULL },
	{ "aggregate_id", AGGREGATE_ID, NULL },
	{ "type", TYPE, NULL },
	{ "created_at", CREATED_AT, NULL },
	{ "ce_specversion", FIXED, "1.0" },
	{ "ce_id", ID, NULL },
	{ "ce_source", FIXED, "/marquee" },
	{ "ce_type", TYPE, NULL },
	{ "ce_subject", AGGREGATE_ID, NULL },
	{ "ce_time", CREATED_AT, NULL },
	{ "content-type", FIXED, "application/json" },
	/* left out when there is none */
	{ "traceparent", TRACEPARENT, NULL },
	{ "replayed", REPLAYED, NULL },
};

#define EPOCH_2000_US (INT64_C(946684800) * 1000000) /* where PostgreSQL counts from */

static const char *topic_name(const struct config *cfg, const char *word)
{
	for (size_t i = 0; i < COUNT(topics); i++)
		if (strcmp(topics[i].word, word) == 0)
			return *(const char *const *)((const char *)cfg + topics[i].at);
	return word;
}

int64_t message_int(const PGresult *r, int row, enum outbox_column column)
{
	uint64_t v;

	memcpy(&v, PQgetvalue(r, row, column), sizeof(v));
	return (int64_t)be64toh(v);
}

bool message_bool(const PGresult *r, int row, enum outbox_column column)
{
	return PQgetvalue(r, row, column)[0] != 0;
}

static void id_text(const PGresult *r, int row, enum outbox_column column, char out[37])
{
	id_format((const unsigned char *)PQgetvalue(r, row, column), out);
}

void message_id(const PGresult *r, int row, char out[37])
{
	id_text(r, row, OB_ID, out);
}

void message_from_row(const struct config *cfg, const PGresult *r, int row, struct message *out)
{
	int64_t at_us = message_int(r, row, OB_CREATED_AT) + EPOCH_2000_US;
	const char *texts[TEXTS] = {
		[ID] = out->id,
		[SEQ] = out->seq,
		[AGGREGATE_TYPE] = db_get(r, row, OB_AGGREGATE_TYPE),
		[AGGREGATE_ID] = out->aggregate,
		[TYPE] = db_get(r, row, OB_TYPE),
		[CREATED_AT] = out->at,
		[TRACEPARENT] = db_get(r, row, OB_TRACEPARENT),
		[REPLAYED] = message_bool(r, row, OB_REPLAYED) ? "1" : NULL,
	};

	id_text(r, row, OB_ID, out->id);
	id_text(r, row, OB_AGGREGATE_ID, out->aggregate);
	snprintf(out->seq, sizeof(out->seq), "%lld", (long long)message_int(r, row, OB_SEQ));
	clock_format(at_us, out->at);
	for (size_t i = 0; i < MESSAGE_HEADERS; i++) {
		enum text text = headers_table[i].text;

		out->headers[i].name = headers_table[i].name;
		out->headers[i].value = text == FIXED ? headers_table[i].fixed : texts[text];
	}
	out->m = (struct bus_message){
		.topic = topic_name(cfg, db_get(r, row, OB_TOPIC)),
		.key = db_get(r, row, OB_KEY),
		.value = db_get_str(r, row, OB_PAYLOAD),
		.headers = out->headers,
		.n_headers = MESSAGE_HEADERS,
		.time_ms = at_us / 1000,
	};
}
