/* tests/service/relay_base.h - what the tests of the notifier share: broker, connection, waiting */
#ifndef TESTS_RELAY_BASE_H
#define TESTS_RELAY_BASE_H

#include "core/clock.h"
#include "db_fixture.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <time.h>

#define PATIENCE_MS 120000
#define PARTITIONS 4

static rd_kafka_t *host;
static rd_kafka_mock_cluster_t *cluster;
static struct ctx c;
static char socket_path[108], log_path[256];

static void nap(long ms)
{
	const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static void run_sql(const char *sql)
{
	fixture_next(&c);
	if (db_simple(&c, sql, NULL) != OK)
		T_FAIL("SQL failed: %.200s", sql);
}

static long number(const char *sql)
{
	fixture_next(&c);
	return fixture_number(&c, sql);
}

/* Until the number that sql gives is want. */
static bool comes_to(const char *sql, long want)
{
	int64_t end = clock_mono_ms() + PATIENCE_MS;

	while (number(sql) != want) {
		if (clock_mono_ms() > end)
			return false;
		nap(20);
	}
	return true;
}

#define WAITING "SELECT pending FROM outbox_backlog()"
#define BEAT(word) "SELECT count(*) FROM heartbeats WHERE name = 'notifier'"                       \
		   " AND at > now() - interval '3 seconds' AND state->>'kafka' = '" word "'"
/* 1 as soon as a chunk was read. */
#define READ_ONCE "SELECT count(*) FROM pg_stat_activity WHERE application_name ="                 \
		  " 'marquee-notifier relay' AND datname = current_database()"                     \
		  " AND query LIKE '%pg_visible_in_snapshot%'"
#define LOCKS "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 7001"       \
	      " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"

#endif
