/* src/notifier/job.c - the timed jobs: one step at a time on a session of its own, not waited for,
 * so that a long one does not hold up the outbox */
#include "core/log.h"
#include "notifier/notifier.h"

#define IDLE_MS 250
#define STEP_MAX_MS (10L * 60 * 1000)

void job_init(struct notifier *n)
{
	n->jobs = (struct async){ .cfg = *n->cfg, .name = "marquee-notifier jobs" };
	n->jobs.cfg.db_statement_timeout = STEP_MAX_MS;
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

void job_step(struct notifier *n, int64_t now)
{
	PGresult *r;

	if (!async_running(&n->jobs) && !n->stopping && now >= n->job_at) {
		n->job_at = now + IDLE_MS;
		(void)async_start(&n->jobs, Q_JOB_TICK, NULL, now);
	}
	if (!async_ended(&n->jobs, now, &r))
		return;
	if (report(r)) {
		n->job_at = now;
		relay_woken(n, now);
	}
	PQclear(r);
}
