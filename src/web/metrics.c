/* src/web/metrics.c - Prometheus metrics, summed over the pool in shared memory */
#include "web/metrics.h"

#include "cache/cache.h"
#include "cache/l1.h"
#include "core/shm.h"
#include "core/strbuf.h"

/* ---- tables ---- */

static const int statuses[] = { 200, 201, 202, 204, 304, 400, 401, 403, 404, 405,
				409, 412, 413, 415, 422, 428, 429, 500, 503, 0 /* any other */ };
enum { N_STATUS = COUNT(statuses) };

static const double buckets[] = {
	.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5
};
enum { N_BUCKET = COUNT(buckets), HIST = N_BUCKET + 2 /* sum in µs, count */ };

static const struct {
	const char *name, *labels, *help;
} counters[N_COUNTERS] = {
	[N_EVENTS_CREATED] = { "events_created_total", "", "Events created" },
	[N_EVENTS_RSVP] = { "events_rsvp_total", "", "Answers to events" },
	[N_REGISTRATIONS] = { "registrations_total", "", "Registrations, seated or waiting" },
	[N_REG_GOING] = { "event_registrations_total", "{status=\"going\"}",
			  "Registrations by outcome" },
	[N_REG_WAITLISTED] = { "event_registrations_total", "{status=\"waitlisted\"}", NULL },
	[N_REG_CANCELLED] = { "event_registrations_total", "{status=\"cancelled\"}", NULL },
	[N_CACHE_HITS] = { "cache_hits_total", "", "Parts found in memcached" },
	[N_CACHE_MISSES] = { "cache_misses_total", "", "Parts not found in memcached" },
	[N_LISTS_PRIMARY] = { "list_reads_total", "{from=\"primary\"}",
			      "Lists by where they were read, if there is a replica" },
	[N_LISTS_REPLICA] = { "list_reads_total", "{from=\"replica\"}", NULL },
	[N_CACHE_L1_HITS] = { "cache_l1_hits_total", "", "Events found in a worker's memory" },
};

/* ---- cells: counters, then requests by route and status, then histograms ---- */

static size_t routes(void)
{
	return (size_t)route_count() + 1; /* the last stands for paths that match nothing */
}
static size_t cell_request(size_t route, size_t status)
{
	return N_COUNTERS + route * N_STATUS + status;
}
static size_t cell_duration(size_t route)
{
	return cell_request(routes(), 0) + route * HIST;
}
static size_t cell_query(size_t q)
{
	return cell_duration(routes()) + q * HIST;
}

size_t metrics_cells(void)
{
	return cell_query(Q_COUNT);
}

const char *metrics_layout(struct arena *a)
{
	struct strbuf b;

	strbuf_init(&b, a, 1 << 16);
	for (int i = 0; i < route_count(); i++)
		strbuf_printf(&b, "%d%s;", route_at(i)->method, route_at(i)->path);
	for (int i = 0; i < Q_COUNT; i++)
		strbuf_printf(&b, "%s;", query_rows[i].name);
	strbuf_printf(&b, "%d %d %d", (int)N_COUNTERS, (int)N_STATUS, (int)HIST);
	return strbuf_str(&b);
}

static void observe(size_t base, int64_t us)
{
	size_t i = 0;

	while (i < N_BUCKET && (double)us > buckets[i] * 1e6)
		i++;
	if (i < N_BUCKET)
		shm_metric_add(base + i, 1);
	shm_metric_add(base + N_BUCKET, (uint64_t)us);
	shm_metric_add(base + N_BUCKET + 1, 1);
}

static void on_query(enum query q, int64_t us)
{
	observe(cell_query((size_t)q), us);
}

static void on_cache(enum cache_family family, bool hit)
{
	(void)family;
	shm_metric_add(hit ? N_CACHE_HITS : N_CACHE_MISSES, 1);
}

static void on_l1(void)
{
	shm_metric_add(N_CACHE_L1_HITS, 1);
}

static void on_list(bool replica)
{
	shm_metric_add(replica ? N_LISTS_REPLICA : N_LISTS_PRIMARY, 1);
}

void metrics_start(void)
{
	db_list_observer = on_list;
	db_observer = on_query;
	cache_observer = on_cache;
	l1_observer = on_l1;
}

void metric_count(enum counter n)
{
	shm_metric_add((size_t)n, 1);
}

uint64_t metric_value(enum counter n)
{
	return shm_metric_get((size_t)n);
}

void metric_answer(const char *status)
{
	static const struct {
		const char *status;
		enum counter n;
		bool registration;
	} answers[] = { { "going", N_REG_GOING, true },
			{ "waitlisted", N_REG_WAITLISTED, true },
			{ "not_going", N_REG_CANCELLED, false } };

	metric_count(N_EVENTS_RSVP);
	for (size_t i = 0; i < COUNT(answers); i++)
		if (strcmp(status, answers[i].status) == 0) {
			metric_count(answers[i].n);
			if (answers[i].registration)
				metric_count(N_REGISTRATIONS);
		}
}

void metric_request(const struct route *r, int status, int64_t us)
{
	size_t route = r ? (size_t)route_index(r) : routes() - 1, s = 0;

	while (s < N_STATUS - 1 && statuses[s] != status)
		s++;
	shm_metric_add(cell_request(route, s), 1);
	observe(cell_duration(route), us);
}

/* ---- text ---- */

static void head(struct strbuf *b, const char *name, const char *type, const char *help)
{
	strbuf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_counters(struct strbuf *b)
{
	for (size_t i = 0; i < N_COUNTERS; i++) {
		if (counters[i].help)
			head(b, counters[i].name, "counter", counters[i].help);
		strbuf_printf(b, "%s%s %llu\n", counters[i].name, counters[i].labels,
			      (unsigned long long)shm_metric_get(i));
	}
}

static const char *route_labels(struct arena *a, size_t i)
{
	if (i == routes() - 1)
		return "method=\"other\",endpoint=\"none\"";
	return arena_printf(a, "method=\"%s\",endpoint=\"%s\"",
			    method_name(route_at((int)i)->method), route_at((int)i)->path);
}

static void put_requests(struct ctx *c, struct strbuf *b)
{
	head(b, "http_requests_total", "counter", "Requests by route and status");
	for (size_t r = 0; r < routes(); r++)
		for (size_t s = 0; s < N_STATUS; s++) {
			uint64_t n = shm_metric_get(cell_request(r, s));

			if (n)
				strbuf_printf(b, "http_requests_total{%s,status=\"%d\"} %llu\n",
					      route_labels(c->arena, r), statuses[s],
					      (unsigned long long)n);
		}
	head(b, "api_requests_total", "counter", "Requests by route");
	for (size_t r = 0; r < routes(); r++) {
		uint64_t n = shm_metric_get(cell_duration(r) + N_BUCKET + 1);

		if (n)
			strbuf_printf(b, "api_requests_total{%s} %llu\n", route_labels(c->arena, r),
				      (unsigned long long)n);
	}
}

static void put_histogram(struct strbuf *b, const char *name, const char *labels, size_t base)
{
	uint64_t sum = 0, count = shm_metric_get(base + N_BUCKET + 1);

	if (count == 0)
		return;
	for (size_t i = 0; i < N_BUCKET; i++) {
		sum += shm_metric_get(base + i);
		strbuf_printf(b, "%s_bucket{%s,le=\"%g\"} %llu\n", name, labels, buckets[i],
			      (unsigned long long)sum);
	}
	strbuf_printf(b, "%s_bucket{%s,le=\"+Inf\"} %llu\n%s_sum{%s} %.6f\n%s_count{%s} %llu\n",
		      name, labels, (unsigned long long)count, name, labels,
		      (double)shm_metric_get(base + N_BUCKET) / 1e6, name, labels,
		      (unsigned long long)count);
}

static void put_histograms(struct ctx *c, struct strbuf *b)
{
	head(b, "http_request_duration_seconds", "histogram",
	     "Time from request read to answer sent");
	for (size_t r = 0; r < routes(); r++)
		put_histogram(b, "http_request_duration_seconds", route_labels(c->arena, r),
			      cell_duration(r));
	head(b, "postgres_query_duration_seconds", "histogram", "Round trips to PostgreSQL");
	for (size_t q = 0; q < Q_COUNT; q++)
		put_histogram(b, "postgres_query_duration_seconds",
			      arena_printf(c->arena, "query=\"%s\"", query_rows[q].name),
			      cell_query(q));
}

static void number(struct strbuf *b, const char *type, const char *name, const char *help,
		   double v)
{
	head(b, name, type, help);
	strbuf_printf(b, "%s %.15g\n", name, v);
}

static void gauge(struct strbuf *b, const char *name, const char *help, double v)
{
	number(b, "gauge", name, help, v);
}

static const struct {
	const char *member, *name, *help;
} reported[] = {
	{ "pending", "outbox_pending", "Messages not sent yet" },
	{ "oldest_seconds", "outbox_oldest_seconds", "Age of the oldest of them" },
	{ "parked", "outbox_parked", "Messages that no broker takes and that wait for a person" },
	{ "unplaced", "outbox_unplaced", "Messages for whose day there was no partition" },
	{ "oldest_transaction_seconds", "database_oldest_transaction_seconds",
	  "Age of the transaction that keeps tables from being cleaned" },
	{ "violations", "invariant_violations", "What must hold and does not" },
	{ "mail_pending", "mail_pending", "Mails not sent yet" },
	{ "mail_oldest_seconds", "mail_oldest_seconds", "Age of the oldest of them" },
	{ "mail_parked", "mail_parked", "Mails that were refused and wait for a person" },
	{ "mail_sent", "mail_sent_total", "Mails that the mail server has taken" },
	{ "mail_failed", "mail_failed_total", "Tries to send a mail that failed" },
};

static bool is_total(const char *name)
{
	const char *end = strrchr(name, '_');

	return end && strcmp(end, "_total") == 0;
}

static void put_heartbeat(struct ctx *c, struct strbuf *b, const PGresult *r, int row)
{
	struct json_object *o = js_own(c->arena, db_get(r, row, 2)), *v;

	if (strcmp(db_get(r, row, 0), "notifier") == 0)
		gauge(b, "notifier_heartbeat", "Seconds since the notifier last reported",
		      (double)db_get_long(r, row, 1));
	for (size_t i = 0; i < COUNT(reported); i++)
		if (json_object_object_get_ex(o, reported[i].member, &v))
			number(b, is_total(reported[i].name) ? "counter" : "gauge",
			       reported[i].name, reported[i].help, json_object_get_double(v));
}

static void put_gauges(struct ctx *c, struct strbuf *b)
{
	PGresult *r;

	if (db_query0(c, Q_METRIC_GAUGES, &r) == OK) {
		gauge(b, "active_events", "Events that are active", (double)db_get_long(r, 0, 0));
		gauge(b, "upcoming_events", "Active events that have not begun",
		      (double)db_get_long(r, 0, 1));
	}
	if (db_query0(c, Q_HEARTBEATS, &r) == OK)
		for (int i = 0; i < PQntuples(r); i++)
			put_heartbeat(c, b, r, i);
	gauge(b, "database_up", "Could PostgreSQL be asked just now?", c->err == OK);
	ctx_forgive(c);
}

const char *metrics_text(struct ctx *c)
{
	struct strbuf b;

	strbuf_init(&b, c->arena, 8 << 20);
	put_counters(&b);
	put_requests(c, &b);
	put_histograms(c, &b);
	put_gauges(c, &b);
	return strbuf_str(&b);
}
