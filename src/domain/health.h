/* src/domain/health.h - how the parts of a deployment fare */
#ifndef DOMAIN_HEALTH_H
#define DOMAIN_HEALTH_H

#include "core/ctx.h"

#include <stdbool.h>

/* {"status","service","version","dependencies","checks"[,"metrics"]}; totals only when asked for.
 * *serving is false when the database does not answer. Records no error. */
const char *health_json(struct ctx *c, bool totals, bool *serving);
/* Does the database answer? Records no error. */
bool health_ready(struct ctx *c);

#endif
