/* tests/service/test_producer.c - the Kafka producer against librdkafka's own mock brokers */
#include "bus/producer.h"
#include "core/clock.h"
#include "t.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#define PATIENCE_MS 120000
#define KEY_PARTITION 1	/* of "kafka-key", four partitions */

static rd_kafka_t *host;
static rd_kafka_mock_cluster_t *cluster;
static struct config cfg;
static struct producer *p;

struct seen {
	int n, by[3];
	long last;		/* opaque of the last one delivered */
	bool ordered;
};
static struct seen seen;

static void on_report(void *arg, void *opaque, enum delivery how, const char *reason)
{
	struct seen *s = arg;

	s->n++;
	s->by[how]++;
	if (how == DELIVERED) {
		s->ordered &= (long)opaque > s->last;
		s->last = (long)opaque;
		T_NULL(reason);
	} else {
		T_TRUE(reason != NULL);
	}
}

static bool setup(void)
{
	char why[256];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();

	rd_kafka_conf_set(conf, "log_level", "0", why, sizeof(why));
	host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	cluster = host ? rd_kafka_mock_cluster_new(host, 1) : NULL;
	if (!cluster || rd_kafka_mock_topic_create(cluster, "events", 4, 1) != 0)
		return false;
	cfg.kafka_brokers = rd_kafka_mock_cluster_bootstraps(cluster);
	cfg.kafka_linger = 1;
	return true;
}

static void teardown(void)
{
	rd_kafka_mock_cluster_destroy(cluster);
	rd_kafka_destroy(host);
}

static void begin(void)
{
	char why[256] = "";

	seen = (struct seen){ .ordered = true };
	p = producer_new(&cfg, on_report, &seen, why, sizeof(why));
	T_EQ_STR(why, "");
	T_REQUIRE(p != NULL);
}

static enum produced produce(const char *key, struct str value, long opaque)
{
	static const struct bus_header headers[] = {
		{ "id", "0190f7c2-0000-7000-8000-00000000000a" },
		{ "traceparent", NULL },
		{ "ce_type", "event.created" },
	};
	struct bus_message m = { .topic = "events", .key = key, .value = value,
				 .headers = headers, .n_headers = 3, .opaque = (void *)opaque };

	return producer_send(p, &m);
}

static bool wait_for(int reports)
{
	int64_t end = clock_mono_ms() + PATIENCE_MS;

	while (seen.n < reports && clock_mono_ms() < end)
		producer_poll(p, 50);
	return seen.n >= reports;
}

static bool wait_connected(bool want)
{
	int64_t end = clock_mono_ms() + PATIENCE_MS;

	while (producer_connected(p) != want && clock_mono_ms() < end)
		producer_poll(p, 50);
	return producer_connected(p) == want;
}

/* ---- what arrives ---- */

static void check_message(const rd_kafka_message_t *m)
{
	rd_kafka_headers_t *h;
	const void *v;
	size_t n;

	T_EQ_INT(m->len, 12);
	T_TRUE(m->payload && memcmp(m->payload, "{\"a\":\"b\\n\"}\n", 12) == 0);
	T_EQ_INT(rd_kafka_message_headers(m, &h), RD_KAFKA_RESP_ERR_NO_ERROR);
	T_EQ_INT(rd_kafka_header_cnt(h), 2);
	T_EQ_INT(rd_kafka_header_get_last(h, "ce_type", &v, &n), 0);
	T_TRUE(n == 13 && memcmp(v, "event.created", 13) == 0);
	/* By the Java clients' murmur2: where all others look for this key. */
	T_EQ_INT(m->partition, KEY_PARTITION);
}

/* Reads the topic until a message with that key comes. */
static void check_first_of(const char *key)
{
	char why[256];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new(4);
	rd_kafka_message_t *m = NULL;
	int64_t end = clock_mono_ms() + PATIENCE_MS;
	rd_kafka_t *rk;

	rd_kafka_conf_set(conf, "bootstrap.servers", cfg.kafka_brokers, why, sizeof(why));
	rd_kafka_conf_set(conf, "group.id", "test", why, sizeof(why));
	rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
	T_REQUIRE(rk != NULL);
	for (int i = 0; i < 4; i++)
		rd_kafka_topic_partition_list_add(parts, "events", i)->offset =
		    RD_KAFKA_OFFSET_BEGINNING;
	rd_kafka_assign(rk, parts);
	rd_kafka_topic_partition_list_destroy(parts);
	while (clock_mono_ms() < end) {
		m = rd_kafka_consumer_poll(rk, 100);
		if (m && !m->err && m->key_len == strlen(key) && !memcmp(m->key, key, m->key_len))
			break;
		if (m)
			rd_kafka_message_destroy(m);
		m = NULL;
	}
	T_TRUE(m != NULL);
	if (m) {
		check_message(m);
		rd_kafka_message_destroy(m);
	}
	rd_kafka_consumer_close(rk);
	rd_kafka_destroy(rk);
}

static void delivers_bytes_headers_and_key(void)
{
	begin();
	T_EQ_INT(produce("kafka-key", STR("{\"a\":\"b\\n\"}\n"), 1), PRODUCED);
	T_EQ_INT(producer_pending(p), 1);
	T_TRUE(wait_for(1));
	T_EQ_INT(seen.by[DELIVERED], 1);
	T_EQ_INT(seen.last, 1);
	T_EQ_INT(producer_pending(p), 0);
	T_TRUE(producer_connected(p));
	producer_close(p, 1000);
	check_first_of("kafka-key");
}

static void keeps_order_over_an_outage(void)
{
	begin();
	for (long i = 1; i <= 100; i++)
		T_EQ_INT(produce("one", STR("x"), i), PRODUCED);
	T_TRUE(wait_for(100));
	rd_kafka_mock_broker_set_down(cluster, 1);
	T_TRUE(wait_connected(false));
	for (long i = 101; i <= 200; i++)
		T_EQ_INT(produce("one", STR("x"), i), PRODUCED);
	producer_poll(p, 300);
	T_EQ_INT(seen.n, 100);
	T_EQ_INT(producer_pending(p), 100);
	rd_kafka_mock_broker_set_up(cluster, 1);
	T_TRUE(wait_for(200));
	T_EQ_INT(seen.by[DELIVERED], 200);
	T_TRUE(seen.ordered);
	T_TRUE(wait_connected(true));
	T_TRUE(producer_flush(p, 1000));
	producer_close(p, 1000);
}

static void transient_errors_are_repeated(void)
{
	begin();
	rd_kafka_mock_push_request_errors(cluster, 0 /* Produce */, 3,
					  RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
					  RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
					  RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS);
	for (long i = 1; i <= 10; i++)
		T_EQ_INT(produce("two", STR("x"), i), PRODUCED);
	T_TRUE(wait_for(10));
	T_EQ_INT(seen.by[DELIVERED], 10);
	T_TRUE(seen.ordered);
	producer_close(p, 1000);
}

static void too_large_is_bad(void)
{
	size_t n = 2 << 20;
	char *big = calloc(1, n);

	begin();
	T_EQ_INT(produce("big", (struct str){ big, n }, 1), PRODUCE_BAD);
	rd_kafka_mock_push_request_errors(cluster, 0, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
	T_EQ_INT(produce("big", STR("x"), 2), PRODUCED);
	T_TRUE(wait_for(1));
	T_EQ_INT(seen.by[DELIVERY_BAD], 1);
	T_EQ_INT(seen.n, 1);
	T_FALSE(producer_fatal(p, big, n));
	producer_close(p, 1000);
	free(big);
}

static void full_queue_says_so(void)
{
	enum produced last = PRODUCED;
	long i = 0;

	begin();
	rd_kafka_mock_broker_set_down(cluster, 1);
	while (last == PRODUCED && i < 200000)
		last = produce("many", STR("x"), ++i);
	T_EQ_INT(last, PRODUCE_FULL);
	T_EQ_INT(producer_pending(p), i - 1);
	rd_kafka_mock_broker_set_up(cluster, 1);
	T_TRUE(wait_for((int)i - 1));
	T_EQ_INT(seen.by[DELIVERED], i - 1);
	T_EQ_INT(produce("many", STR("x"), i), PRODUCED);
	producer_close(p, PATIENCE_MS);
	T_EQ_INT(seen.by[DELIVERED], i);
	T_TRUE(seen.ordered);
}

static void close_reports_what_it_gives_up(void)
{
	begin();
	rd_kafka_mock_broker_set_down(cluster, 1);
	T_EQ_INT(produce("lost", STR("x"), 1), PRODUCED);
	T_FALSE(producer_flush(p, 100));
	producer_close(p, 100);
	T_EQ_INT(seen.n, 1);
	T_EQ_INT(seen.by[DELIVERY_LOST], 1);
	rd_kafka_mock_broker_set_up(cluster, 1);
}

static void refuses_a_bad_configuration(void)
{
	struct config bad = cfg;
	char why[256] = "";

	bad.kafka_linger = -5;
	T_NULL(producer_new(&bad, on_report, NULL, why, sizeof(why)));
	T_HAS(why, "-5");
}

T_SUITE_WITH("producer", setup, teardown, T(delivers_bytes_headers_and_key),
	     T(keeps_order_over_an_outage), T(transient_errors_are_repeated), T(too_large_is_bad),
	     T(full_queue_says_so), T(close_reports_what_it_gives_up),
	     T(refuses_a_bad_configuration))
