/* tests/service/test_notifier.c - the notifier where something else fails it: refusals by brokers,
 * statements that fail, another leader, jobs, its socket and its log */
#include "relay_fixture.h"

#include <stdarg.h>
#include <sys/stat.h>

#define PARKED "SELECT count(*) FROM outbox_parked"
#define PRODUCE 0 /* Kafka's number of that request */

/* Every test has a log of its own. */
static void own_log(const char *name)
{
	const char *dir = getenv("MARQUEE_SHM_DIR");

	snprintf(log_path, sizeof(log_path), "%.200s/%s.log", dir ? dir : "/tmp", name);
}

static bool log_has(const char *text)
{
	static char all[1 << 20];
	FILE *in = fopen(log_path, "re");
	size_t n = in ? fread(all, 1, sizeof(all) - 1, in) : 0;

	if (in)
		fclose(in);
	all[n] = '\0';
	return strstr(all, text) != NULL;
}

static bool log_comes_to(const char *text)
{
	int64_t end = clock_mono_ms() + PATIENCE_MS;

	while (!log_has(text)) {
		if (clock_mono_ms() > end)
			return false;
		nap(20);
	}
	return true;
}

__attribute__((format(printf, 1, 2))) static void sqlf(const char *fmt, ...)
{
	char sql[1000];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sql, sizeof(sql), fmt, ap);
	va_end(ap);
	run_sql(sql);
}

/* ---- brokers ---- */

static void what_brokers_refuse_is_parked(void)
{
	struct child n;

	FRESH("refused");
	own_log("refused");
	n = START("kafka.topic_events=refused", "notifier.max_attempts=1");
	T_TRUE(comes_to(BEAT("up"), 1));
	/* first with others, then by itself */
	rd_kafka_mock_push_request_errors(cluster, PRODUCE, 2, RD_KAFKA_RESP_ERR_INVALID_RECORD,
					  RD_KAFKA_RESP_ERR_INVALID_RECORD);
	put(1, 1, 1);
	T_TRUE(comes_to(PARKED, 1));
	T_TRUE(log_comes_to("\"refused\"") && log_comes_to("\"message parked\""));
	T_TRUE(comes_to(WAITING, 0)); /* until it moves on it parks what it knows of that key */
	run_sql("DELETE FROM outbox_parked");
	put(1, 2, 2);
	T_TRUE(comes_to(WAITING, 0));
	T_EQ_INT(number(PARKED), 0);
	T_EQ_INT(stop(&n, SIGTERM), 0);
}

static void what_brokers_lose_is_sent_again(void)
{
	struct child n;
	struct seen s;

	FRESH("lost");
	own_log("lost");
	n = START("kafka.topic_events=lost", "notifier.batch=10");
	T_TRUE(comes_to(BEAT("up"), 1));
	rd_kafka_mock_push_request_errors(cluster, PRODUCE, 1,
					  RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	put(4, 1, 20);
	s = consume("lost", 4, 20);
	T_EQ_INT(s.gaps, 0);
	T_TRUE(comes_to(WAITING, 0));
	T_EQ_INT(number(PARKED), 0);
	T_EQ_INT(stop(&n, SIGTERM), 0);
}

/* ---- the database ---- */

/* What was delivered counts only while nobody else has been there: it is looked at anew. */
static void another_leader_was_faster(void)
{
	struct child n;

	FRESH("moved");
	own_log("moved");
	n = START("kafka.topic_events=moved");
	put(4, 1, 1);
	T_TRUE(comes_to(WAITING, 0)); /* it knows now where it stands */
	run_sql("UPDATE relay SET snap = pg_current_snapshot(), next_snap = NULL, last_pos = 0");
	put(4, 2, 2);
	T_TRUE(log_comes_to("was moved by another leader"));
	T_TRUE(comes_to(WAITING, 0));
	T_EQ_INT(stop(&n, SIGTERM), 0);
}

/* Whatever statement fails, nothing is lost and it goes on when it can. */
static void statements_may_fail(void)
{
	static const struct {
		const char *said, *what, *name;
	} broken[] = {
		{ "RELAY_STATE", "TABLE relay RENAME TO", "relay" },
		{ "RELAY_LOOK", "TABLE outbox_parked RENAME TO", "outbox_parked" },
		{ "RELAY_ROWS", "TABLE outbox RENAME COLUMN traceparent TO", "traceparent" },
		{ "RELAY_ADVANCE", "TABLE relay RENAME COLUMN sent TO", "sent" },
		{ "HEARTBEAT_PUT", "TABLE heartbeats RENAME TO", "heartbeats" },
		{ "namespace could not be read", "FUNCTION cache_namespace() RENAME TO",
		  "cache_namespace" },
		{ "JOB_TICK", "FUNCTION job_tick() RENAME TO", "job_tick" },
	};
	struct child n;

	FRESH("broken");
	for (size_t i = 0; i < COUNT(broken); i++) {
		const char *what = broken[i].what, *at = strstr(what, broken[i].name);
		size_t name = strlen(broken[i].name);

		own_log(broken[i].name);
		put(2, 1, 1);
		/* before it starts: plans that stand would go on */
		sqlf("ALTER %s broken", what);
		n = START("kafka.topic_events=broken");
		T_TRUE(log_comes_to(broken[i].said));
		sqlf("ALTER %.*sbroken%s %s", (int)(at - what), what, at + name, broken[i].name);
		T_TRUE(comes_to(WAITING, 0));
		T_EQ_INT(stop(&n, SIGTERM), 0);
	}
}

/* ---- jobs ---- */

static void a_job_that_fails_is_told(void)
{
	struct child n;

	FRESH("job");
	own_log("job");
	n = START("kafka.brokers=");
	run_sql("CREATE FUNCTION job_broken(arg jsonb) RETURNS int LANGUAGE plpgsql AS"
		" $$ BEGIN RAISE 'planted'; END $$;"
		" UPDATE jobs SET fn = 'job_broken', run_at = now() WHERE name = 'views'");
	T_TRUE(log_comes_to("\"job failed\",\"job\":\"views\",\"detail\":\"planted\""));
	T_EQ_INT(number("SELECT failures FROM jobs WHERE name = 'views'"), 1);
	T_EQ_INT(stop(&n, SIGTERM), 0);
	run_sql("UPDATE jobs SET fn = 'job_views', failures = 0, last_error = NULL"
		" WHERE name = 'views'");
}

/* Its session ends under it, then the notifier is told to stop (twice) while it runs once more. */
static void a_long_job_does_not_hold_up_the_end(void)
{
	static const char running[] = "SELECT count(*) FROM pg_stat_activity WHERE application_name"
				      " = 'marquee-notifier jobs' AND state = 'active'";
	struct child n;

	FRESH("longjob");
	own_log("longjob");
	run_sql("CREATE FUNCTION job_long(arg jsonb) RETURNS int LANGUAGE sql AS"
		" $$ SELECT 0 FROM pg_sleep(120) $$;"
		" UPDATE jobs SET fn = 'job_long', run_at = '-infinity' WHERE name = 'views'");
	n = START("kafka.brokers=");
	T_TRUE(comes_to(running, 1));
	run_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
		" WHERE application_name = 'marquee-notifier jobs'");
	T_TRUE(log_comes_to("jobs\"")); /* said of its end */
	T_TRUE(comes_to(running, 1));
	kill(n.pid, SIGTERM);
	T_TRUE(log_comes_to("\"stopping\""));
	T_EQ_INT(stop(&n, SIGTERM), 0);
	T_TRUE(comes_to(running, 0));
	run_sql("UPDATE jobs SET fn = 'job_views', run_at = now() WHERE name = 'views'");
}

/* ---- its surroundings ---- */

static void a_socket_that_cannot_be_made(void)
{
	char file[200], too_long[108], flag[400];
	struct child n;
	FILE *out;

	FRESH("socket");
	snprintf(file, sizeof(file), "%.150s.file", socket_path);
	out = fopen(file, "we");
	T_REQUIRE(out != NULL);
	fclose(out);
	memset(too_long, 'x', sizeof(too_long) - 1);
	too_long[0] = '/';
	too_long[sizeof(too_long) - 1] = '\0';
	const char *const paths[] = { file, too_long, "/dev/null/n.sock" };

	for (size_t i = 0; i < COUNT(paths); i++) {
		snprintf(flag, sizeof(flag), "notifier.socket=%s", paths[i]);
		snprintf(log_path, sizeof(log_path), "%.150s.%zu.log", file, i);
		n = START("kafka.topic_events=socket", flag);
		T_TRUE(log_comes_to("cannot be woken, only polling"));
		put(1, 1, 1);
		T_TRUE(comes_to(WAITING, 0));
		T_EQ_INT(stop(&n, SIGTERM), 0);
	}
	T_EQ_INT(unlink(file), 0); /* it was left alone */
}

static void a_new_log_after_rotation(void)
{
	char away[300];
	struct child n;

	FRESH("rotate");
	own_log("rotate");
	n = START("kafka.brokers=");
	T_TRUE(log_comes_to("\"started\""));
	snprintf(away, sizeof(away), "%s.1", log_path);
	T_EQ_INT(rename(log_path, away), 0);
	kill(n.pid, SIGHUP);
	T_TRUE(log_comes_to("log reopened"));
	T_EQ_INT(stop(&n, SIGTERM), 0);
	T_TRUE(log_has("\"stopped\""));
	T_FALSE(log_has("\"started\""));
}

T_SUITE_WITH("notifier", setup, teardown, T(what_brokers_refuse_is_parked),
	     T(what_brokers_lose_is_sent_again),
	     T(another_leader_was_faster), T(statements_may_fail), T(a_job_that_fails_is_told),
	     T(a_long_job_does_not_hold_up_the_end), T(a_socket_that_cannot_be_made),
	     T(a_new_log_after_rotation))
