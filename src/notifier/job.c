/* src/notifier/job.c - the timed jobs: one step at a time on a session of its own, not waited for,
 * so that a long one does not hold up the outbox */
#include "core/log.h"
#include "notifier/notifier.h"

#define IDLE_MS 250
#define STEP_MAX_MS (10L * 60 * 1000)

static void start(struct notifier *n, int64_t now)
{
	const struct query_row *q = &query_rows[Q_JOB_TICK];
	PGconn *conn;

	if (!n->job_db) {
		n->job_cfg = *n->cfg;
		n->job_cfg.db_statement_timeout = STEP_MAX_MS;
		n->job_db = db_new(&n->job_cfg, n->cfg->db_dsn, "marquee-notifier jobs");
	}
	n->job_at = now + IDLE_MS;
	conn = db_handle(n->job_db);
	n->job_running = conn && PQsendQueryParams(conn, q->text, 0, NULL, NULL, NULL, NULL, 0);
	n->job_conn = n->job_running ? conn : NULL;
}

/* True when the step did something: there may be more. */
static bool report(const PGresult *r)
{
	const char *name, *failed;

	if (PQresultStatus(r) != PGRES_TUPLES_OK || PQntuples(r) != 1) {
		log_pairs(LOG_WARN_, "jobs", "detail", PQresultErrorMessage(r), (char *)NULL);
		return false;
	}
	name = db_get(r, 0, 1);
	failed = db_get(r, 0, 2);
	if (failed)
		log_pairs(LOG_ERROR_, "job failed", "job", name, "detail", failed, (char *)NULL);
	else if (name)
		log_pairs(LOG_DEBUG_, "job", "job", name, (char *)NULL);
	return strcmp(db_get(r, 0, 0), "t") == 0;
}

static void finish(struct notifier *n, int64_t now)
{
	bool worked = false;
	PGresult *r;

	while ((r = PQgetResult(n->job_conn))) {
		worked |= report(r);
		PQclear(r);
	}
	n->job_running = false;
	n->job_conn = NULL;
	if (worked) {
		n->job_at = now;
		relay_woken(n, now);
	}
}

void job_step(struct notifier *n, int64_t now)
{
	if (!n->job_running && !n->stopping && now >= n->job_at)
		start(n, now);
	if (!n->job_running)
		return;
	(void)PQflush(n->job_conn);
	if (!PQconsumeInput(n->job_conn) || !PQisBusy(n->job_conn))
		finish(n, now);
}

int job_socket(const struct notifier *n)
{
	return n->job_running ? PQsocket(n->job_conn) : -1;
}

/* A step that still runs is taken back by the server, and done again later. */
void job_stop(struct notifier *n)
{
	PGcancel *cancel = n->job_running ? PQgetCancel(n->job_conn) : NULL;
	char why[256];

	if (cancel && !PQcancel(cancel, why, sizeof(why)))
		log_pairs(LOG_WARN_, "jobs", "detail", why, (char *)NULL);
	PQfreeCancel(cancel);
	n->job_running = false;
	db_close(n->job_db);
	n->job_db = NULL;
}
