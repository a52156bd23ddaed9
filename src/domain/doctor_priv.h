/* src/domain/doctor_priv.h - inside of the doctor: what a check gets and how it answers */
#ifndef DOMAIN_DOCTOR_PRIV_H
#define DOMAIN_DOCTOR_PRIV_H

#include "core/json.h"
#include "domain/doctor.h"

struct doctor {
	struct ctx *c;
	const struct doctor_how *how;
	bool connected;
	struct json_object *beats;	/* see beats_get; NULL: not read */
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
