/* src/web/metrics.h - Prometheus metrics (text format 0.0.4), summed over the pool */
#ifndef WEB_METRICS_H
#define WEB_METRICS_H

#include "web/route.h"

/* What is counted besides requests, statements and the cache; rows in metrics.c. */
enum counter {
	N_EVENTS_CREATED,
	N_EVENTS_RSVP,
	N_REGISTRATIONS,
	N_REG_GOING,
	N_REG_WAITLISTED,
	N_REG_CANCELLED,
	N_CACHE_HITS,
	N_CACHE_MISSES,
	N_LISTS_PRIMARY,
	N_LISTS_REPLICA,
	N_CACHE_L1_HITS,
	N_COUNTERS
};

/* Number of cells, and the text that names the layout: for shm_attach. */
size_t metrics_cells(void);
const char *metrics_layout(struct arena *a);
/* Connects the observers of db/ and cache/. After shm_attach. */
void metrics_start(void);

void metric_count(enum counter n);
uint64_t metric_value(enum counter n);
/* An answer to an event, by its status: going, waitlisted, not_going … */
void metric_answer(const char *status);
void metric_request(const struct route *r, int status, int64_t us);

/* The whole page; gauges from the database are left out while it is away. */
const char *metrics_text(struct ctx *c);

#endif
