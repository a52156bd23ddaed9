/* src/domain/policy.h - who may see and do what with an event */
#ifndef DOMAIN_POLICY_H
#define DOMAIN_POLICY_H

#include "domain/events.h"

/* May c->actor see the event? Same table as relation_sees() in SQL; drafts only by their hosts. */
bool policy_sees_event(const struct ctx *c, const struct event_parts *p);
/* May c->actor do that ("edit", "invite", "checkin", "moderate", "delete")? */
bool policy_may(const struct ctx *c, const struct event_parts *p, const char *act);
/* All it may do, as a JSON array. */
const char *policy_permissions(struct ctx *c, const struct event_parts *p);
bool policy_sees_link(const struct ctx *c, const struct event_parts *p);

#endif
