/* tests/service/relay_fixture.h - a broker in this process, the notifier as a child, a consumer */
#ifndef TESTS_RELAY_FIXTURE_H
#define TESTS_RELAY_FIXTURE_H

#include "core/clock.h"
#include "db_fixture.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 30000
#define PARTITIONS 4
#define KEYS_MAX 32
#define FLAGS_MAX 24

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
#define LOCKS "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 7001"       \
	      " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"

/* ---- the notifier ---- */

struct child {
	pid_t pid;
};

/* flags: values of --set, ended by NULL. */
static struct child start(const char *const *flags)
{
	const char *dir = getenv("T_BUILDDIR"), *args[FLAGS_MAX];
	char program[1024], brokers[300], wake[160], log[300];
	int n = 0;
	struct child child;

	snprintf(program, sizeof(program), "%s/marquee-notifier", dir ? dir : ".");
	snprintf(brokers, sizeof(brokers), "kafka.brokers=%s",
		 rd_kafka_mock_cluster_bootstraps(cluster));
	snprintf(wake, sizeof(wake), "notifier.socket=%s", socket_path);
	snprintf(log, sizeof(log), "log.file=%s", log_path);
	args[n++] = program;
	for (const char *own[] = { brokers, wake, log, "log.level=debug", NULL }, **a = own; *a; a++) {
		args[n++] = "--set";
		args[n++] = *a;
	}
	for (; *flags && n < FLAGS_MAX - 3; flags++) {
		args[n++] = "--set";
		args[n++] = *flags;
	}
	args[n] = NULL;
	child.pid = fork();
	if (child.pid == 0) {
		setenv("MARQUEE_DB_DSN", getenv("T_DSN_NOTIFIER"), 1);
		execv(program, (char *const *)args);
		_exit(127);
	}
	return child;
}

#define START(...) start((const char *const[]){ __VA_ARGS__, NULL })

/* The exit code, or minus the signal. */
static int ended(struct child *child)
{
	int status;

	if (waitpid(child->pid, &status, 0) != child->pid)
		return -999;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int stop(struct child *child, int sig)
{
	kill(child->pid, sig);
	return ended(child);
}

static void call(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", socket_path);
	T_EQ_INT(sendto(fd, "x", 1, 0, (struct sockaddr *)&at, sizeof(at)), 1);
	close(fd);
}

/* ---- messages ---- */

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
	if (seq == s->next[i] + 1)
		s->next[i] = seq;
	else if (seq <= s->next[i])
		s->repeated++;
	else
		s->gaps++;
}

/* Reads until each of keys has come to last. */
static struct seen consume(const char *topic, int keys, long last)
{
	int64_t end = clock_mono_ms() + PATIENCE_MS;
	rd_kafka_t *rk = consumer(topic);
	struct seen s = { .messages = 0 };
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

/* ---- around each test ---- */

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
	cfg.db_statement_timeout = 20000;
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
