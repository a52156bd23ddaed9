/* tests/service/relay_fixture.h - a broker in this process, the notifier as a child, a consumer */
#ifndef TESTS_RELAY_FIXTURE_H
#define TESTS_RELAY_FIXTURE_H

#include "relay_base.h"
#include "relay_process.h"
#include "relay_topic.h"

static bool setup(void)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	const char *dir = getenv("MARQUEE_SHM_DIR");
	char why[256];

	if (!getenv("MARQUEE_TEST_DSN") || !getenv("T_DSN_NOTIFIER"))
		return true;	/* every test says that it is skipped */
	rd_kafka_conf_set(conf, "log_level", "0", why, sizeof(why));
	host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	cluster = host ? rd_kafka_mock_cluster_new(host, 1) : NULL;
	snprintf(socket_path, sizeof(socket_path), "%.80s/n.sock", dir ? dir : "/tmp");
	snprintf(log_path, sizeof(log_path), "%.200s/notifier.log", dir ? dir : "/tmp");
	fixture_open(&c, getenv("MARQUEE_TEST_DSN"), "test_relay");
	return cluster != NULL;
}

static void teardown(void)
{
	if (!cluster)
		return;
	fixture_close(&c);
	rd_kafka_mock_cluster_destroy(cluster);
	rd_kafka_destroy(host);
}

/* A topic of its own, an outbox that is sent as far as it goes, no notifier. */
static void fresh(const char *topic)
{
	T_REQUIRE(rd_kafka_mock_topic_create(cluster, topic, PARTITIONS, 1) == 0);
	run_sql("DELETE FROM outbox_parked");
	run_sql("DELETE FROM heartbeats WHERE name = 'notifier'");
	run_sql("UPDATE relay SET snap = pg_current_snapshot(), next_snap = NULL, last_pos = 0");
}

#define FRESH(topic)                                                                               \
	do {                                                                                       \
		if (!cluster)                                                                      \
			T_SKIP("no database (tests/service/run sets one up)");                     \
		fresh(topic);                                                                      \
	} while (0)

#endif
