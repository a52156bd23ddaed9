/* src/notifier/message.c - an outbox row as a Kafka message: topic, key, headers (CloudEvents 1.0,
 * Kafka binding, binary mode), value as it is stored */
#include "core/clock.h"
#include "notifier/message.h"

static const struct {
	const char *word;	/* as the row says */
	size_t at;		/* the configured name */
} topics[] = {
	{ "events", offsetof(struct config, kafka_topic_events) },
	{ "notifications", offsetof(struct config, kafka_topic_notifications) },
};

static const struct {
	const char *name;
	int column;		/* -1: the fixed value */
	const char *value;
} headers_table[MESSAGE_HEADERS] = {
	{ "id", OB_ID, NULL },
	{ "seq", OB_SEQ, NULL },
	{ "aggregate_type", OB_AGGREGATE_TYPE, NULL },
	{ "aggregate_id", OB_AGGREGATE_ID, NULL },
	{ "type", OB_TYPE, NULL },
	{ "created_at", OB_CREATED_AT, NULL },
	{ "ce_specversion", -1, "1.0" },
	{ "ce_id", OB_ID, NULL },
	{ "ce_source", -1, "/marquee" },
	{ "ce_type", OB_TYPE, NULL },
	{ "ce_subject", OB_AGGREGATE_ID, NULL },
	{ "ce_time", OB_CREATED_AT, NULL },
	{ "content-type", -1, "application/json" },
	{ "traceparent", OB_TRACEPARENT, NULL },	/* left out when there is none */
};

static const char *topic_name(const struct config *cfg, const char *word)
{
	for (size_t i = 0; i < COUNT(topics); i++)
		if (strcmp(topics[i].word, word) == 0)
			return *(const char *const *)((const char *)cfg + topics[i].at);
	return word;
}

void message_from_row(const struct config *cfg, const PGresult *r, int row,
		      struct bus_header headers[MESSAGE_HEADERS], struct bus_message *m)
{
	const char *at = db_get(r, row, OB_CREATED_AT);
	int64_t us = 0;

	for (size_t i = 0; i < MESSAGE_HEADERS; i++) {
		int column = headers_table[i].column;

		headers[i].name = headers_table[i].name;
		headers[i].value = column < 0 ? headers_table[i].value : db_get(r, row, column);
	}
	*m = (struct bus_message){
		.topic = topic_name(cfg, db_get(r, row, OB_TOPIC)),
		.key = db_get(r, row, OB_KEY),
		.value = db_get_str(r, row, OB_PAYLOAD),
		.headers = headers,
		.n_headers = MESSAGE_HEADERS,
	};
	if (at && clock_parse(at, &us) == CLOCK_INSTANT)
		m->time_ms = us / 1000;
}
