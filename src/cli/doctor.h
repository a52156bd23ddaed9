/* src/cli/doctor.h - inside of marquee doctor: what a check gets and what it answers */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "core/ctx.h"

#include <json-c/json.h>
#include <stdbool.h>

enum verdict { V_OK, V_WARN, V_FAIL };

/* What a check found; fix is left out when all is well. */
struct finding {
	enum verdict verdict;
	const char *what, *fix;
};

struct doctor {
	struct ctx *c;
	const char *sql_dir;
	bool connected;
	struct json_object *beat;	/* the notifier's last state, or NULL */
	long beat_age;
};

struct finding found(enum verdict v, const char *what, const char *fix);
struct finding good(const char *what);
/* An error of ctx as a finding; the next check begins without it. */
struct finding failed(struct doctor *d, const char *fix);

/* ---- doctor_hosts.c: what goes wrong with more than one machine ---- */
struct finding check_replica(struct doctor *d);
struct finding check_failover(struct doctor *d);
struct finding check_session(struct doctor *d);
struct finding check_hosts(struct doctor *d);
struct finding check_ring(struct doctor *d);

#endif
