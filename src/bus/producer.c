/* src/bus/producer.c - librdkafka's idempotent producer, set up to lose nothing silently */
#include "bus/producer.h"

#include "core/log.h"

#include <json-c/json.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <syslog.h>
#include <unistd.h>

struct producer {
	rd_kafka_t *rk;
	producer_report *report;
	void *arg;
	int bell;		/* rung when the library's queue is no longer empty */
	int pending;		/* the library's own count includes its log lines and the like */
	bool connected;
	bool fatal;
	char fatal_reason[256];
};

static const struct {
	const char *name, *value;
	bool optional;		/* depends on how the library was built */
} options[] = {
	{ "client.id", "marquee-notifier", false },
	{ "enable.idempotence", "true", false },
	{ "acks", "all", false },
	/* 0 = for ever: a time-out would drop a message that later ones of its key then pass. */
	{ "message.timeout.ms", "0", false },
	/* The default differs from the Java clients': same key, other partition. */
	{ "partitioner", "murmur2_random", false },
	{ "compression.type", "lz4", true },
	{ "queue.buffering.max.messages", "50000", false },
	{ "socket.keepalive.enable", "true", false },
	{ "reconnect.backoff.max.ms", "2000", false },
	{ "statistics.interval.ms", "2000", false },	/* brings the state of the brokers */
	{ "log.connection.close", "false", false },
	{ "log.queue", "true", false },	/* log lines come by producer_poll, not from threads */
};

/* ---- what the library tells us ---- */

static enum delivery how(const rd_kafka_message_t *m)
{
	switch (m->err) {
	case RD_KAFKA_RESP_ERR_NO_ERROR:
		return DELIVERED;
	case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
	case RD_KAFKA_RESP_ERR_INVALID_MSG:
	case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
	case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
	case RD_KAFKA_RESP_ERR_INVALID_RECORD:
	case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
	case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
		return DELIVERY_BAD;
	default:
		return DELIVERY_LOST;
	}
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	struct producer *p = opaque;
	const char *reason = m->err ? rd_kafka_err2str(m->err) : NULL;

	(void)rk;
	p->pending--;
	if (!m->err)
		p->connected = true;
	p->report(p->arg, m->_private, how(m), reason);
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
	struct producer *p = opaque;

	if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
		p->connected = false;
	if (code == RD_KAFKA_RESP_ERR__FATAL) {
		p->fatal = true;
		(void)rd_kafka_fatal_error(rk, p->fatal_reason, sizeof(p->fatal_reason));
		reason = p->fatal_reason;
	}
	log_pairs(p->fatal ? LOG_ERROR_ : LOG_WARN_, "kafka", "error",
		  rd_kafka_err2name((rd_kafka_resp_err_t)code), "detail", reason, (char *)NULL);
}

static bool any_broker_up(const char *text)
{
	struct json_object *stats = json_tokener_parse(text), *brokers, *state;
	bool up = false;

	if (json_object_object_get_ex(stats, "brokers", &brokers)) {
		json_object_object_foreach(brokers, name, broker) {
			(void)name;
			if (json_object_object_get_ex(broker, "state", &state))
				up |= strcmp(json_object_get_string(state), "UP") == 0;
		}
	}
	json_object_put(stats);
	return up;
}

/* Only ever good news: a connection closed for idleness is no outage; that is on_error's to say. */
static int on_stats(rd_kafka_t *rk, char *json, size_t n, void *opaque)
{
	struct producer *p = opaque;

	(void)rk;
	(void)n;
	if (!p->connected)
		p->connected = any_broker_up(json);
	return 0;
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	(void)rk;
	log_pairs(level <= LOG_ERR ? LOG_WARN_ : level <= LOG_NOTICE ? LOG_INFO_ : LOG_DEBUG_,
		  "kafka", "facility", facility, "detail", text, (char *)NULL);
}

/* ---- life ---- */

static bool set(rd_kafka_conf_t *conf, const char *name, const char *value, char *why, size_t n)
{
	return rd_kafka_conf_set(conf, name, value, why, n) == RD_KAFKA_CONF_OK;
}

static rd_kafka_conf_t *configure(const struct config *cfg, struct producer *p, char *why, size_t n)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char linger[24];

	snprintf(linger, sizeof(linger), "%ld", cfg->kafka_linger);
	for (size_t i = 0; i < COUNT(options); i++)
		if (!set(conf, options[i].name, options[i].value, why, n) && !options[i].optional)
			goto refused;
	if (!set(conf, "bootstrap.servers", cfg->kafka_brokers, why, n) ||
	    !set(conf, "linger.ms", linger, why, n))
		goto refused;
	rd_kafka_conf_set_opaque(conf, p);
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_stats_cb(conf, on_stats);
	rd_kafka_conf_set_log_cb(conf, on_log);
	return conf;
refused:
	rd_kafka_conf_destroy(conf);
	return NULL;
}

/* The library rings only for the first of a queue: whoever is called serves all of it. */
static void hang_bell(struct producer *p)
{
	static const uint64_t one = 1;
	rd_kafka_queue_t *queue = rd_kafka_queue_get_main(p->rk);

	rd_kafka_queue_io_event_enable(queue, p->bell, &one, sizeof(one));
	rd_kafka_queue_destroy(queue);	/* our reference to it */
}

struct producer *producer_new(const struct config *cfg, producer_report *report, void *arg,
			      char *why, size_t n)
{
	struct producer *p = calloc(1, sizeof(*p));
	rd_kafka_conf_t *conf;

	if (!p)
		abort();
	p->report = report;
	p->arg = arg;
	p->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->bell < 0)
		abort();
	conf = configure(cfg, p, why, n);
	if (!conf)
		goto refused;
	p->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, n);
	if (p->rk) {
		why[0] = '\0';	/* it leaves words there also when it succeeds */
		rd_kafka_set_log_queue(p->rk, NULL);	/* the one that producer_poll serves */
		hang_bell(p);
		return p;
	}
	rd_kafka_conf_destroy(conf);	/* rd_kafka_new takes it only when it succeeds */
refused:
	close(p->bell);
	free(p);
	return NULL;
}

void producer_close(struct producer *p, int timeout_ms)
{
	if (!p)
		return;
	if (!producer_flush(p, timeout_ms)) {
		rd_kafka_purge(p->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
		(void)producer_flush(p, 1000);	/* serves the reports of what was purged */
	}
	rd_kafka_destroy(p->rk);
	close(p->bell);
	free(p);
}

/* ---- sending ---- */

static rd_kafka_headers_t *headers_of(const struct bus_message *m)
{
	rd_kafka_headers_t *list = rd_kafka_headers_new((size_t)m->n_headers);

	for (int i = 0; i < m->n_headers; i++)
		if (m->headers[i].value)
			rd_kafka_header_add(list, m->headers[i].name, -1, m->headers[i].value, -1);
	return list;
}

static enum produced refused(struct producer *p, rd_kafka_resp_err_t code)
{
	switch (code) {
	case RD_KAFKA_RESP_ERR__QUEUE_FULL:
		return PRODUCE_FULL;
	case RD_KAFKA_RESP_ERR__FATAL:
		p->fatal = true;
		(void)rd_kafka_fatal_error(p->rk, p->fatal_reason, sizeof(p->fatal_reason));
		return PRODUCE_FATAL;
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
	case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
		return PRODUCE_FULL;	/* not known now; a topic may yet be made */
	default:
		return PRODUCE_BAD;	/* too large, bad topic name */
	}
}

enum produced producer_send(struct producer *p, const struct bus_message *m)
{
	rd_kafka_headers_t *headers = headers_of(m);
	rd_kafka_vu_t v[] = {
		{ .vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = m->topic },
		{ .vtype = RD_KAFKA_VTYPE_KEY, .u.mem = { (void *)m->key, strlen(m->key) } },
		{ .vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = { (void *)m->value.p, m->value.n } },
		{ .vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers },
		{ .vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = m->time_ms },
		{ .vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY },
		{ .vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = m->opaque },
	};
	rd_kafka_error_t *error = rd_kafka_produceva(p->rk, v, COUNT(v));
	enum produced done = PRODUCED;

	if (error) {
		done = refused(p, rd_kafka_error_code(error));
		rd_kafka_headers_destroy(headers);	/* taken only when the message was */
		rd_kafka_error_destroy(error);
	} else {
		p->pending++;
	}
	return done;
}

int producer_poll(struct producer *p, int timeout_ms)
{
	uint64_t rings;

	(void)!read(p->bell, &rings, sizeof(rings));
	return rd_kafka_poll(p->rk, timeout_ms);
}

int producer_socket(const struct producer *p)
{
	return p ? p->bell : -1;
}

bool producer_flush(struct producer *p, int timeout_ms)
{
	return rd_kafka_flush(p->rk, timeout_ms) == RD_KAFKA_RESP_ERR_NO_ERROR;
}

int producer_pending(const struct producer *p)
{
	return p->pending;
}

bool producer_fatal(const struct producer *p, char *reason, size_t n)
{
	if (p->fatal && n)
		snprintf(reason, n, "%s", p->fatal_reason);
	return p->fatal;
}

bool producer_connected(const struct producer *p)
{
	return p->connected;
}
