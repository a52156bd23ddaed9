/* src/domain/doctor.h - looks at every part of a deployment and says what to do about it */
#ifndef DOMAIN_DOCTOR_H
#define DOMAIN_DOCTOR_H

#include "core/ctx.h"

#include <stdbool.h>

enum verdict { V_OK, V_WARN, V_FAIL, V_COUNT };
extern const char *const verdict_words[V_COUNT];

/* What a check found; fix is left out when all is well. */
struct finding {
	enum verdict verdict;
	const char *what, *fix;
};

struct doctor_how {
	const char *sql_dir; /* what belongs in the database: migrations */
	bool patient; /* checks may take as long as a person at the command line waits */
	void (*tell)(void *arg, const char *check, const struct finding *f);
	void *arg;
};
/* Runs all checks, one after the other; what they find is told at once. Leaves no error in c. */
void doctor_run(struct ctx *c, const struct doctor_how *how);

/* Runs them in the time that a request may take, and keeps what they found as the heartbeat
 * "doctor": {host, checks [{name, verdict, what, fix}]}. */
enum err doctor_keep(struct ctx *c) MUST_CHECK;

#endif
