/* tests/service/test_relay.c - the notifier as a process: nothing lost, nothing out of order, when
 * brokers, database and the notifier itself go away */
#include "relay_fixture.h"

#include "auth/actor.h"
#include "cache/cache.h"
#include "core/shm.h"

static bool has_header(const struct seen *s, const char *text)
{
	for (int i = 0; i < s->n_headers; i++)
		if (strcmp(s->header[i], text) == 0)
			return true;
	return false;
}

static void call(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", socket_path);
	T_EQ_INT(sendto(fd, "x", 1, 0, (struct sockaddr *)&at, sizeof(at)), 1);
	close(fd);
}

static void everything_arrives_in_order(void)
{
	struct child n;
	struct seen s;

	FRESH("order");
	n = START("kafka.topic_events=order", "notifier.batch=100");
	for (int i = 0; i < 10; i++)
		put(16, i * 20 + 1, i * 20 + 20);
	s = consume("order", 16, 200);
	T_EQ_INT(s.messages, 3200);
	T_EQ_INT(s.gaps + s.repeated, 0);
	T_TRUE(comes_to(WAITING, 0));
	T_EQ_INT(number("SELECT count(*) FROM relay WHERE next_snap IS NOT NULL OR last_pos > 0"),
		 0);
	T_EQ_INT(stop(&n, SIGTERM), 0);
}

static void headers_say_what_it_is(void)
{
	char id[64], at[80];
	struct child n;
	struct seen s;

	FRESH("headers");
	run_sql("BEGIN; SET LOCAL marquee.traceparent = '00-0af7651916cd43dd8448eb211c80319c-"
		"b7ad6b7169203331-01'; SELECT outbox_put('events', 'test.made', 'event', k, 1, k,"
		" '{\"n\":1}') FROM (SELECT '00000000-0000-7000-8000-000000000001'::uuid) t(k);"
		" COMMIT");
	fixture_next(&c);
	PGresult *r;
	T_REQUIRE(db_simple(&c, "SELECT id, iso(created_at) FROM outbox ORDER BY pos DESC LIMIT 1",
			    &r) == OK);
	snprintf(id, sizeof(id), "ce_id=%s", db_get(r, 0, 0));
	snprintf(at, sizeof(at), "ce_time=%s", db_get(r, 0, 1));
	n = START("kafka.topic_events=headers");
	s = consume("headers", 1, 1);
	T_EQ_INT(s.n_headers, 14);
	T_TRUE(has_header(&s, id));
	T_TRUE(has_header(&s, id + 3));
	T_TRUE(has_header(&s, at));
	T_TRUE(has_header(&s, "seq=1"));
	T_TRUE(has_header(&s, "type=test.made"));
	T_TRUE(has_header(&s, "aggregate_type=event"));
	T_TRUE(has_header(&s, "aggregate_id=00000000-0000-7000-8000-000000000001"));
	T_TRUE(has_header(&s, "ce_specversion=1.0"));
	T_TRUE(has_header(&s, "ce_source=/marquee"));
	T_TRUE(has_header(&s, "ce_subject=00000000-0000-7000-8000-000000000001"));
	T_TRUE(has_header(&s, "content-type=application/json"));
	T_TRUE(has_header(&s, "traceparent=00-0af7651916cd43dd8448eb211c80319c-"
			      "b7ad6b7169203331-01"));
	T_EQ_INT(stop(&n, SIGTERM), 0);
}

/* A session that waits in its transaction until everything else is done, which may take long. */
#define NO_HURRY "SET idle_in_transaction_session_timeout = 0; "

/* A transaction that wrote first and commits last must not be passed over. */
static void late_commits_are_not_skipped(void)
{
	char naive[80];
	struct ctx slow;
	struct child n;
	struct seen s;
	long last;

	FRESH("late");
	fixture_open(&slow, getenv("MARQUEE_TEST_DSN"), "test_relay slow");
	n = START("kafka.topic_events=late");
	T_TRUE(comes_to(LOCKS, 4));
	T_REQUIRE(db_simple(&slow,
			    NO_HURRY
			    "BEGIN; SELECT outbox_put('events', 'test.made', 'event', k, 1, k,"
			    " '{\"n\":1}') FROM (SELECT '00000000-0000-7000-8000-000000000001'"
			    "::uuid) t(k)", NULL) == OK);
	for (int i = 1; i <= 20; i++)
		run_sql("SELECT outbox_put('events', 'test.made', 'event', k, 1, k, '{\"n\":1}')"
			" FROM (SELECT gen_random_uuid()) t(k)");
	T_TRUE(comes_to(WAITING, 0));	/* what can be seen is sent, and the batch is over */
	T_TRUE(comes_to("SELECT count(next_snap) FROM relay", 0));
	last = number("SELECT max(pos) FROM outbox");
	T_REQUIRE(db_simple(&slow, "COMMIT", NULL) == OK);
	/* Who remembers the last position misses it. */
	snprintf(naive, sizeof(naive), "SELECT count(*) FROM outbox WHERE pos > %ld", last);
	T_EQ_INT(number(naive), 0);
	fixture_close(&slow);
	s = consume("late", 1, 1);
	T_EQ_INT(s.gaps, 0);
	T_EQ_INT(stop(&n, SIGTERM), 0);
}

/* Pages that a statement looks at, by its plan. */
static long pages(const char *sql)
{
	char text[400];
	const char *at;
	PGresult *r;

	snprintf(text, sizeof(text), "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) %s", sql);
	fixture_next(&c);
	if (db_simple(&c, text, &r) != OK)
		return -1;
	at = strstr(db_get(r, 0, 0), "\"Shared Hit Blocks\": ");
	return at ? strtol(at + 21, NULL, 10) : -1;
}

/* It keeps all old versions of the row that is written after each chunk: found by its place the
 * row costs the same as ever, searched for (the control) more with each. And it is told. */
static void an_open_transaction_costs_nothing(void)
{
	char by_place[160];
	struct ctx slow;
	struct child n;
	PGresult *r;
	long before;

	FRESH("open");
	n = START("kafka.topic_events=open");
	T_TRUE(comes_to(LOCKS, 4));
	before = pages("UPDATE relay SET sent = sent WHERE shard = 0");
	fixture_open(&slow, getenv("MARQUEE_TEST_DSN"), "test_relay slow");
	T_REQUIRE(db_simple(&slow, NO_HURRY "BEGIN; SELECT pg_current_xact_id()", NULL) == OK);
	run_sql("DO $$ BEGIN FOR i IN 1..2000 LOOP"
		" UPDATE relay SET sent = sent WHERE shard = 0; COMMIT; END LOOP; END $$");
	fixture_next(&c);
	T_REQUIRE(db_simple(&c, "SELECT ctid FROM relay WHERE shard = 0", &r) == OK);
	snprintf(by_place, sizeof(by_place),
		 "UPDATE relay SET sent = sent WHERE ctid = '%s' AND shard = 0", db_get(r, 0, 0));
	T_TRUE(pages(by_place) <= 2 * before);
	T_TRUE(pages("UPDATE relay SET sent = sent WHERE shard = 0") > 2 * before);
	T_TRUE(comes_to("SELECT ((state->>'oldest_transaction_seconds')::int > 0)::int"
			" FROM heartbeats WHERE name = 'notifier'", 1));
	T_REQUIRE(db_simple(&slow, "ROLLBACK", NULL) == OK);
	fixture_close(&slow);
	T_EQ_INT(stop(&n, SIGTERM), 0);
}

static void rows_without_a_partition_are_told(void)
{
	struct child n;

	FRESH("unplaced");
	run_sql("INSERT INTO outbox (id, aggregate_type, aggregate_id, seq, key, shard, topic,"
		" type, payload, created_at) SELECT uuid7(), 'event', uuid7(), 1, 'k', 0, 'events',"
		" 'test.made', '{\"n\":1}', now() + interval '30 days'");
	n = START("kafka.topic_events=unplaced");
	T_TRUE(comes_to("SELECT (state->>'unplaced')::int FROM heartbeats"
			" WHERE name = 'notifier'", 1));
	T_TRUE(comes_to(WAITING, 0));
	T_EQ_INT(stop(&n, SIGTERM), 0);
	run_sql("DELETE FROM outbox_default");
}

static void an_idle_outbox_is_not_written(void)
{
	static const char state[] = "SELECT hashtext(string_agg(concat(shard, snap, next_snap,"
				    " last_pos, updated_at, xmin), ' ' ORDER BY shard)) FROM relay";
	struct child n;
	long before;

	FRESH("idle");
	n = START("kafka.topic_events=idle", "notifier.poll_max=20ms");
	put(4, 1, 5);
	T_TRUE(comes_to(LOCKS, 4));
	T_TRUE(comes_to(WAITING, 0));
	before = number(state);
	/* fifty looks at least */
	nap(1200);
	T_EQ_INT(number(state), before);
	T_EQ_INT(stop(&n, SIGTERM), 0);
}

static void a_datagram_wakes_it(void)
{
	struct child n;
	struct seen s;

	FRESH("wake");
	/* Without the call the next look would be a minute away. */
	n = START("kafka.topic_events=wake", "notifier.poll_min=1m", "notifier.poll_max=1m");
	T_TRUE(comes_to(LOCKS, 4));
	T_TRUE(comes_to(BEAT("up"), 1));
	put(4, 1, 3);
	call();
	s = consume("wake", 4, 3);
	T_EQ_INT(s.messages, 12);
	T_EQ_INT(stop(&n, SIGTERM), 0);
	T_TRUE(access(socket_path, F_OK) != 0);
}

/* kill -9 in the middle, again and again: all arrive, first occurrences in order. */
static void killed_it_loses_nothing(void)
{
	struct seen s;

	FRESH("killed");
	for (int i = 0; i < 4; i++) {	/* each finds enough to send, whatever the last one did */
		long sent = number("SELECT sum(sent) FROM relay");
		struct child n;
		char more[80];

		put(16, i * 60 + 1, i * 60 + 60);
		n = START("kafka.topic_events=killed", "notifier.batch=50");
		snprintf(more, sizeof(more), "SELECT (sum(sent) > %ld)::int FROM relay", sent + 60);
		T_TRUE(comes_to(more, 1));
		T_EQ_INT(stop(&n, SIGKILL), -SIGKILL);
		T_TRUE(comes_to(LOCKS, 0));
	}
	put(16, 241, 250);
	struct child n = START("kafka.topic_events=killed");
	s = consume("killed", 16, 250);
	T_EQ_INT(s.gaps, 0);
	T_TRUE(comes_to(WAITING, 0));
	T_EQ_INT(stop(&n, SIGTERM), 0);
}

static void brokers_away_jobs_go_on(void)
{
	struct child n;
	struct seen s;

	FRESH("away");
	n = START("kafka.topic_events=away");
	T_TRUE(comes_to(BEAT("up"), 1));
	rd_kafka_mock_broker_set_down(cluster, -1);
	put(8, 1, 100);
	T_TRUE(comes_to(BEAT("down"), 1));
	T_EQ_INT(number(WAITING), 800);
	run_sql("UPDATE jobs SET run_at = now(), finished_at = NULL WHERE name = 'views'");
	T_TRUE(comes_to("SELECT count(finished_at) FROM jobs WHERE name = 'views'", 1));
	T_EQ_INT(number(WAITING), 800);
	rd_kafka_mock_broker_set_up(cluster, -1);
	s = consume("away", 8, 100);
	T_EQ_INT(s.gaps, 0);
	T_TRUE(comes_to(WAITING, 0));
	T_TRUE(comes_to(BEAT("up"), 1));
	T_EQ_INT(stop(&n, SIGTERM), 0);
}

/* ---- brokers in trouble ---- */

#define PRODUCE 0	/* the request of that number */

static void flapping(const char *topic)
{
	(void)topic;
	for (int i = 0; i < 6; i++) {
		rd_kafka_mock_broker_set_down(cluster, -1);
		nap(300);
		rd_kafka_mock_broker_set_up(cluster, -1);
		nap(300);
	}
}

static void slow_answers(const char *topic)
{
	(void)topic;
	rd_kafka_mock_broker_set_rtt(cluster, -1, 2000);
	nap(2500);
	rd_kafka_mock_broker_set_rtt(cluster, -1, 0);
}

static void broken_lines(const char *topic)
{
	(void)topic;
	rd_kafka_mock_push_request_errors(
	    cluster, PRODUCE, 5, RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__TRANSPORT,
	    RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__TRANSPORT,
	    RD_KAFKA_RESP_ERR__TRANSPORT);
}

static void another_leads(const char *topic)
{
	(void)topic;
	rd_kafka_mock_push_request_errors(cluster, PRODUCE, 3,
					  RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
					  RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
					  RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
}

static void not_allowed(const char *topic)
{
	(void)topic;
	rd_kafka_mock_push_request_errors(cluster, PRODUCE, 2,
					  RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
					  RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
}

static void topic_unknown(const char *topic)
{
	rd_kafka_mock_topic_set_error(cluster, topic, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
	nap(2000);
	rd_kafka_mock_topic_set_error(cluster, topic, RD_KAFKA_RESP_ERR_NO_ERROR);
}

/* The mock broker checks no sequence numbers: after an error it may take a later message first, so
 * the order is only looked at where it is the line that fails. */
static const struct {
	const char *topic;
	void (*trouble)(const char *topic);
	bool ordered;
} troubles[] = {
	{ "flapping", flapping, true },	      { "slow", slow_answers, true },
	{ "broken", broken_lines, true },     { "moved", another_leads, false },
	{ "forbidden", not_allowed, false },  { "unknown", topic_unknown, true },
};

static void brokers_in_trouble_lose_nothing(void)
{
	for (size_t i = 0; i < COUNT(troubles); i++) {
		char topic[80];
		struct child n;
		struct seen s;

		FRESH(troubles[i].topic);
		snprintf(topic, sizeof(topic), "kafka.topic_events=%s", troubles[i].topic);
		n = START(topic, "notifier.batch=20");
		T_TRUE(comes_to(LOCKS, 4));
		put(8, 1, 20);
		troubles[i].trouble(troubles[i].topic);
		put(8, 21, 40);
		s = consume(troubles[i].topic, 8, 40);
		T_TRUE(s.messages >= 320);
		if (troubles[i].ordered)
			T_EQ_INT(s.gaps, 0);
		T_TRUE(comes_to(WAITING, 0));
		T_EQ_INT(number("SELECT count(*) FROM outbox_parked"), 0);
		T_EQ_INT(stop(&n, SIGTERM), 0);
	}
}

static void stopping_does_not_wait_for_ever(void)
{
	struct child n;
	struct seen s;

	FRESH("stopping");
	n = START("kafka.topic_events=stopping");
	T_TRUE(comes_to(BEAT("up"), 1));
	rd_kafka_mock_broker_set_down(cluster, -1);
	put(4, 1, 10);
	T_TRUE(comes_to(READ_ONCE, 1));
	T_EQ_INT(stop(&n, SIGTERM), 0);
	T_EQ_INT(number(WAITING), 40);
	rd_kafka_mock_broker_set_up(cluster, -1);
	n = START("kafka.topic_events=stopping");
	s = consume("stopping", 4, 10);
	T_EQ_INT(s.gaps, 0);
	T_EQ_INT(stop(&n, SIGTERM), 0);
}

static void the_second_takes_over(void)
{
	struct child a, b;
	struct seen s;

	FRESH("second");
	a = START("kafka.topic_events=second");
	T_TRUE(comes_to(LOCKS, 4));
	b = START("kafka.topic_events=second", "notifier.socket=");
	put(8, 1, 50);
	T_TRUE(comes_to(WAITING, 0));
	T_EQ_INT(stop(&a, SIGTERM), 0);
	T_TRUE(comes_to(LOCKS, 4));
	put(8, 51, 100);
	s = consume("second", 8, 100);
	T_EQ_INT(s.gaps + s.repeated, 0);
	T_EQ_INT(stop(&b, SIGTERM), 0);
}

static void a_lost_session_is_made_again(void)
{
	struct child n;
	struct seen s;

	FRESH("session");
	n = START("kafka.topic_events=session", "notifier.batch=20");
	T_TRUE(comes_to(LOCKS, 4));
	for (int i = 0; i < 5; i++) {
		put(8, i * 40 + 1, i * 40 + 40);
		run_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname ="
			" current_database() AND application_name LIKE 'marquee-notifier%'");
	}
	s = consume("session", 8, 200);
	T_EQ_INT(s.gaps, 0);
	T_TRUE(comes_to(WAITING, 0));
	T_TRUE(comes_to(LOCKS, 4));
	T_EQ_INT(stop(&n, SIGTERM), 0);
}

/* It never gets through, so it waits aside, with what follows in its key; others go on. */
static void poison_is_parked(void)
{
	struct child n;
	struct seen s;

	FRESH("poison");
	put(2, 1, 2);
	run_sql("SELECT outbox_put('events', 'test.made', 'event', k, 3, k, '{\"n\":3,\"x\":\"' ||"
		" repeat('x', 1200000) || '\"}') FROM"
		" (SELECT '00000000-0000-7000-8000-000000000001'::uuid) t(k)");
	put(2, 4, 5);
	put(1, 6, 6);
	n = START("kafka.topic_events=poison", "notifier.max_attempts=2");
	T_TRUE(comes_to(WAITING, 0));
	T_EQ_INT(number("SELECT count(*) FROM outbox_parked"), 4);
	T_EQ_INT(number("SELECT count(DISTINCT key) FROM outbox_parked"), 1);
	s = consume("poison", 1, 2);
	T_EQ_INT(s.next[1], 2);
	s = consume("poison", 2, 2);
	T_TRUE(comes_to("SELECT (state->>'parked')::int FROM heartbeats"
			" WHERE name = 'notifier'", 4));
	T_EQ_INT(number("SELECT count(DISTINCT reason) FROM outbox_parked"), 2);
	/* Given up, the rest of its key goes: in order, marked; what is new then goes as ever. */
	run_sql("DELETE FROM outbox_parked WHERE length(payload) > 1000000");
	run_sql("UPDATE outbox_parked SET replay_at = now()");
	T_TRUE(comes_to("SELECT count(*) FROM outbox_parked", 0));
	s = consume_without("poison", 1, 6, 3);
	T_EQ_INT(s.gaps + s.repeated, 0);
	T_TRUE(has_header(&s, "replayed=1"));
	put(1, 7, 7);
	s = consume_without("poison", 1, 7, 3);
	T_EQ_INT(s.gaps + s.repeated, 0);
	T_FALSE(has_header(&s, "replayed=1"));
	T_EQ_INT(stop(&n, SIGTERM), 0);
}

/* Whoever is refused together with others goes by himself before he is parked. */
static void the_innocent_are_not_parked(void)
{
	struct child n;
	struct seen s;

	FRESH("innocent");
	n = START("kafka.topic_events=innocent", "notifier.max_attempts=1");
	T_TRUE(comes_to(BEAT("up"), 1));
	rd_kafka_mock_push_request_errors(cluster, 0, 2, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
					  RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
	/* So many that each shard has messages for more than one partition, hence several
	 * requests: who met both errors would rightly be parked. */
	put(16, 1, 5);
	s = consume("innocent", 16, 5);
	T_TRUE(comes_to(WAITING, 0));
	T_EQ_INT(number("SELECT count(*) FROM outbox_parked"), 0);
	T_TRUE(s.messages >= 80);
	T_EQ_INT(stop(&n, SIGTERM), 0);
}

/* ---- the cache ---- */

static struct cache *cache_begin(struct ctx *k)
{
	static struct config own;

	if (config_load(&own, "", NULL, stderr) != OK || own.cache_servers[0] == '\0')
		return NULL;
	own.cache_timeout = 60000;	/* a busy machine is no outage */
	T_EQ_INT(shm_attach(own.shm_dir, "test", 0), OK);
	*k = c;
	k->cfg = &own;
	k->actor = &actor_anonymous;
	k->cache = cache_new(&own);
	T_EQ_INT(cache_namespace_refresh(k), OK);
	return k->cache;
}

static bool cached(struct ctx *k, const char *key)
{
	struct cache_item item = { .family = CK_EVENT, .key = key };

	ctx_begin(k, c.arena);
	cache_get(k, &item, 1);
	return item.value.p != NULL;
}

static void fill(struct ctx *k, const char *key)
{
	struct cache_item item = { .family = CK_EVENT, .key = key };

	ctx_begin(k, c.arena);
	cache_get(k, &item, 1);
	cache_lease(k, &item);
	T_REQUIRE(item.lease);
	cache_fill(k, &item, STR("old"));
	T_TRUE(cached(k, key));
}

static void check_cache_key_goes(const char *topic, const char *brokers)
{
	const char *key = "event:00000000-0000-7000-8000-0000000000cc";
	int64_t end = clock_mono_ms() + PATIENCE_MS;
	char flag[64];
	struct child n;
	struct ctx k;

	FRESH(topic);
	if (!cache_begin(&k))
		T_SKIP("no memcached");
	snprintf(flag, sizeof(flag), "kafka.topic_events=%s", topic);
	n = brokers ? START(flag, brokers) : START(flag);
	T_TRUE(comes_to(brokers ? BEAT("off") : BEAT("up"), 1));
	fill(&k, key);
	run_sql("SELECT outbox_put('events', 'test.made', 'event', k, 1, k, '{\"n\":1}',"
		" 'event:' || k) FROM (SELECT '00000000-0000-7000-8000-0000000000cc'::uuid) t(k)");
	while (cached(&k, key) && clock_mono_ms() < end)
		nap(20);
	T_FALSE(cached(&k, key));
	T_TRUE(comes_to(WAITING, brokers ? 1 : 0));
	T_EQ_INT(stop(&n, SIGTERM), 0);
	cache_free(k.cache);
}

static void cache_keys_go_after_delivery(void)
{
	check_cache_key_goes("keys", NULL);
}

static void cache_keys_go_without_brokers(void)
{
	check_cache_key_goes("nobroker", "kafka.brokers=");
}

static void without_a_database_to_name_it_refuses(void)
{
	struct child n;

	FRESH("refuse");
	n = START("db.dsn=");
	T_EQ_INT(ended(&n), 78);
}

static void without_the_database_it_waits(void)
{
	struct child n;

	FRESH("nowhere");
	n = START("db.dsn=host=/nonexistent dbname=none", "db.connect_timeout=200ms");
	for (int i = 0; i < 1000 && access(socket_path, F_OK) != 0; i++)
		nap(20);
	nap(300);
	T_EQ_INT(waitpid(n.pid, NULL, WNOHANG), 0);
	T_EQ_INT(stop(&n, SIGTERM), 0);
}

T_SUITE_WITH("relay", setup, teardown, T(everything_arrives_in_order), T(headers_say_what_it_is),
	     T(late_commits_are_not_skipped), T(an_open_transaction_costs_nothing),
	     T(rows_without_a_partition_are_told), T(an_idle_outbox_is_not_written),
	     T(a_datagram_wakes_it), T(killed_it_loses_nothing), T(brokers_away_jobs_go_on),
	     T(brokers_in_trouble_lose_nothing),
	     T(stopping_does_not_wait_for_ever), T(the_second_takes_over),
	     T(a_lost_session_is_made_again), T(poison_is_parked),
	     T(the_innocent_are_not_parked), T(cache_keys_go_after_delivery),
	     T(cache_keys_go_without_brokers), T(without_a_database_to_name_it_refuses),
	     T(without_the_database_it_waits))
