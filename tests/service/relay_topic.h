/* tests/service/relay_topic.h - messages for the outbox, and a consumer that checks their order */
#ifndef TESTS_RELAY_TOPIC_H
#define TESTS_RELAY_TOPIC_H

#include "relay_base.h"

#define KEYS_MAX 32

/* In one transaction: messages from..to of each of keys. */
static void put(int keys, int from, int to)
{
	char sql[600];

	snprintf(sql, sizeof(sql),
		 "SELECT outbox_put('events', 'test.made', 'event', k, s, k, '{\"n\":' || s || '}')"
		 " FROM generate_series(%d, %d) s, generate_series(1, %d) i, LATERAL (SELECT"
		 " ('00000000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid) t(k)"
		 " ORDER BY s, i", from, to, keys);
	run_sql(sql);
}

/* What a consumer has seen of each key: the highest seq so far, and whether it came in steps of
 * one (repetitions of what was seen before are allowed). */
struct seen {
	long skip;		/* a message that no key has */
	long next[KEYS_MAX + 1];
	long messages, repeated, gaps;
	char header[16][80];	/* of the last message, "name=value" */
	int n_headers;
};

static rd_kafka_t *consumer(const char *topic)
{
	rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new(PARTITIONS);
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char why[256];
	rd_kafka_t *rk;

	rd_kafka_conf_set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(cluster), why,
			  sizeof(why));
	rd_kafka_conf_set(conf, "group.id", "test", why, sizeof(why));
	rd_kafka_conf_set(conf, "log_level", "0", why, sizeof(why));
	rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
	for (int i = 0; i < PARTITIONS; i++)
		rd_kafka_topic_partition_list_add(parts, topic, i)->offset =
			RD_KAFKA_OFFSET_BEGINNING;
	rd_kafka_assign(rk, parts);
	rd_kafka_topic_partition_list_destroy(parts);
	return rk;
}

static void note_headers(struct seen *s, const rd_kafka_message_t *m)
{
	rd_kafka_headers_t *h;
	const char *name;
	const void *v;
	size_t n;

	s->n_headers = 0;
	if (rd_kafka_message_headers(m, &h) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	while (s->n_headers < 16 &&
	       rd_kafka_header_get_all(h, (size_t)s->n_headers, &name, &v, &n) == 0) {
		snprintf(s->header[s->n_headers], sizeof(s->header[0]), "%s=%.*s", name, (int)n,
			 (const char *)v);
		s->n_headers++;
	}
}

static void note_message(struct seen *s, const rd_kafka_message_t *m)
{
	char key[40];
	long i, seq;

	snprintf(key, sizeof(key), "%.*s", (int)m->key_len, (const char *)m->key);
	i = strtol(key + 24, NULL, 16);
	seq = strtol((const char *)m->payload + 5, NULL, 10);
	s->messages++;
	note_headers(s, m);
	if (i < 1 || i > KEYS_MAX)
		return;
	if (seq == s->next[i] + 1 ||
	    (s->skip && seq == s->skip + 1 && s->next[i] + 2 == seq))
		s->next[i] = seq;
	else if (seq <= s->next[i])
		s->repeated++;
	else
		s->gaps++;
}

/* Reads until each of keys has come to last; message skip is missing everywhere (0: none). */
static struct seen consume_without(const char *topic, int keys, long last, long skip)
{
	int64_t end = clock_mono_ms() + PATIENCE_MS;
	rd_kafka_t *rk = consumer(topic);
	struct seen s = { .skip = skip };
	int complete = 0;

	while (complete < keys && clock_mono_ms() < end) {
		rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 100);

		if (m && !m->err)
			note_message(&s, m);
		if (m)
			rd_kafka_message_destroy(m);
		for (complete = 0; complete < keys && s.next[complete + 1] >= last;)
			complete++;
	}
	rd_kafka_consumer_close(rk);
	rd_kafka_destroy(rk);
	T_EQ_INT(complete, keys);
	return s;
}

static struct seen consume(const char *topic, int keys, long last)
{
	return consume_without(topic, keys, last, 0);
}

#endif
