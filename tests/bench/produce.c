/* tests/bench/produce.c - a bare idempotent producer, the limit for the notifier
 *
 *   produce BROKERS TOPIC COUNT <LINES
 *
 * Sends COUNT messages, the lines of the input (key, value, then names and values of headers, all
 * separated by tabs) over and over, as fast as librdkafka takes them, and prints how many it got
 * reported as delivered per second. The connection is made before the clock starts. */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct line {
	char *key, *value;
	rd_kafka_headers_t *headers;
};

static struct line *lines;
static size_t n_lines;
static long delivered, failed;

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	(void)rk;
	(void)opaque;
	if (m->err)
		failed++;
	else
		delivered++;
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what, const char *why)
{
	fprintf(stderr, "produce: %s: %s\n", what, why);
	exit(1);
}

/* Cuts a line at its tabs; what is kept of it stays where it is. */
static struct line line_cut(char *text)
{
	struct line l = { strsep(&text, "\t"), strsep(&text, "\t"), rd_kafka_headers_new(16) };
	char *name;

	if (!l.value)
		die("no tab in the line", l.key);
	while ((name = strsep(&text, "\t")) && text)
		rd_kafka_header_add(l.headers, name, -1, strsep(&text, "\t"), -1);
	return l;
}

static void lines_read(void)
{
	char *text = NULL;
	size_t room = 0, most = 0;
	ssize_t n;

	while ((n = getline(&text, &room, stdin)) > 0) {
		if (text[n - 1] == '\n')
			text[n - 1] = '\0';
		if (n_lines == most) {
			most = most ? 2 * most : 1024;
			lines = realloc(lines, most * sizeof(*lines));
			if (!lines)
				die("lines", "out of memory");
		}
		lines[n_lines++] = line_cut(text);
		text = NULL;
		room = 0;
	}
	if (n_lines == 0)
		die("input", "no lines");
}

static rd_kafka_t *producer_make(const char *brokers)
{
	const char *const options[][2] = {
		{ "bootstrap.servers", brokers },     { "enable.idempotence", "true" },
		{ "acks", "all" },		      { "message.timeout.ms", "0" },
		{ "partitioner", "murmur2_random" },  { "compression.type", "lz4" },
		{ "linger.ms", "1" },		      { "queue.buffering.max.messages", "50000" },
	};
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_t *rk;
	char why[256];

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (rd_kafka_conf_set(conf, options[i][0], options[i][1], why, sizeof(why)))
			die(options[i][0], why);
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	if (!rk)
		die("producer", why);
	return rk;
}

static void produce(rd_kafka_t *rk, const char *topic, long count)
{
	for (long i = 0; i < count; i++) {
		const struct line *l = &lines[(size_t)i % n_lines];
		rd_kafka_headers_t *headers = rd_kafka_headers_copy(l->headers);
		rd_kafka_resp_err_t e;

		while ((e = rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic),
					      RD_KAFKA_V_KEY(l->key, strlen(l->key)),
					      RD_KAFKA_V_VALUE(l->value, strlen(l->value)),
					      RD_KAFKA_V_HEADERS(headers),
					      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
					      RD_KAFKA_V_END)) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
			rd_kafka_poll(rk, 10);
		if (e)
			die("producev", rd_kafka_err2str(e));
		rd_kafka_poll(rk, 0);
	}
	if (rd_kafka_flush(rk, 60000))
		die("flush", "not all was delivered within a minute");
}

int main(int argc, char **argv)
{
	rd_kafka_t *rk;
	double began;
	long count;

	if (argc != 4) {
		fputs("usage: produce BROKERS TOPIC COUNT <LINES\n", stderr);
		return 64;
	}
	count = strtol(argv[3], NULL, 10);
	lines_read();
	rk = producer_make(argv[1]);
	produce(rk, argv[2], 1);
	delivered = 0;
	began = now_s();
	produce(rk, argv[2], count);
	printf("%.0f\n", (double)delivered / (now_s() - began));
	rd_kafka_destroy(rk);
	return failed != 0;
}
