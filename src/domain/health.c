/* src/domain/health.c - how the parts of a deployment fare */
#include "domain/health.h"

#include "cache/cache.h"
#include "core/json.h"
#include "core/strbuf.h"
#include "db/db.h"

#define HEARTBEAT_OLD_S 10

/* What /health says of each part; the worst of all wins. */
struct part {
	const char *name, *state, *error;
	bool vital;
};
enum { P_DATABASE, P_CACHE, P_KAFKA, P_NOTIFIER, P_OUTBOX, P_MAIL, P_REPLICA, N_PARTS };

/* Alarms of the outbox: more than so many is one. */
static const struct {
	const char *member;
	long most;
	const char *error;
} alarms[] = {
	{ "parked", 0, "messages are parked: marquee outbox list" },
	{ "unplaced", 0, "no partition for the day: marquee job run partitions" },
	{ "oldest_transaction_seconds", 600, "a transaction has been open for over ten minutes" },
};

static bool is_up(const struct part *p)
{
	return !p->state || strcmp(p->state, "up") == 0 || strcmp(p->state, "off") == 0;
}

static void ask_outbox(struct json_object *o, struct part *part)
{
	struct json_object *v;

	*part = (struct part){ "outbox", "up", NULL, false };
	for (size_t i = 0; i < COUNT(alarms); i++)
		if (json_object_object_get_ex(o, alarms[i].member, &v) &&
		    json_object_get_int64(v) > alarms[i].most)
			*part = (struct part){ "outbox", "alarm", alarms[i].error, false };
}

static void ask_mail(const char *state, struct part *part)
{
	if (state)
		*part = (struct part){ "mail", state,
				       strcmp(state, "late") == 0 ?
					       "mail waits too long: marquee mail list" :
					       "the mail server takes no mail: marquee mail list",
				       false };
}

/* kafka and mail are what the notifier last reported; an old report says nothing. */
static void ask_notifier(struct ctx *c, struct part *parts)
{
	PGresult *r;

	if (db_query0(c, Q_HEARTBEATS, &r) != OK)
		return;
	for (int i = 0; i < PQntuples(r); i++) {
		struct json_object *o = js_own(c->arena, db_get(r, i, 2));
		const char *kafka = o ? js_str(o, "kafka") : NULL;

		if (strcmp(db_get(r, i, 0), "notifier") != 0 ||
		    db_get_long(r, i, 1) > HEARTBEAT_OLD_S)
			continue;
		parts[P_NOTIFIER].state = "up";
		parts[P_NOTIFIER].error = NULL;
		if (kafka)
			parts[P_KAFKA] =
			    (struct part){ "kafka", kafka, "the brokers do not answer", false };
		ask_outbox(o, &parts[P_OUTBOX]);
		ask_mail(o ? js_str(o, "mail") : NULL, &parts[P_MAIL]);
	}
}

static const char *verdict(const struct part *parts)
{
	const char *worst = "ok";

	for (int i = 0; i < N_PARTS; i++) {
		if (is_up(&parts[i]))
			continue;
		if (parts[i].vital)
			return "unhealthy";
		worst = "degraded";
	}
	return worst;
}

static void put_parts(struct strbuf *b, const struct part *parts)
{
	strbuf_adds(b, ",\"dependencies\":{");
	for (int i = 0; i < N_PARTS && parts[i].state; i++)
		strbuf_printf(b, "%s\"%s\":\"%s\"", i ? "," : "", parts[i].name, parts[i].state);
	strbuf_adds(b, "},\"checks\":{");
	for (int i = 0; i < N_PARTS && parts[i].state; i++) {
		strbuf_printf(b, "%s\"%s\":{\"status\":\"%s\"", i ? "," : "", parts[i].name,
			      is_up(&parts[i]) ? "ok" : "failed");
		if (parts[i].error && !is_up(&parts[i])) {
			strbuf_adds(b, ",\"error\":");
			strbuf_jsonz(b, parts[i].error);
		}
		strbuf_addc(b, '}');
	}
	strbuf_addc(b, '}');
}

const char *health_json(struct ctx *c, bool totals, bool *serving)
{
	struct part parts[N_PARTS] = {
		[P_DATABASE] = { "database", "down", "no answer from PostgreSQL", true },
		[P_CACHE] = { "cache", cache_state(c), "memcached does not answer", false },
		[P_KAFKA] = { "kafka", "unknown", "the notifier has not reported", false },
		[P_NOTIFIER] = { "notifier", "down", "no heartbeat for 10 seconds", false },
		[P_OUTBOX] = { "outbox", "unknown", "the notifier has not reported", false },
		[P_MAIL] = { "mail", c->cfg->mail_smtp_url[0] ? "unknown" : "off",
			     "the notifier has not reported", false },
		/* the last, so that it can be left out */
		[P_REPLICA] = { "replica", db_replica_state(c), "lists come from the primary",
				false },
	};
	PGresult *r;
	struct strbuf b;

	*serving = db_alive(c);
	if (*serving) {
		parts[P_DATABASE].state = "up";
		ask_notifier(c, parts);
	}
	strbuf_init(&b, c->arena, 65536);
	strbuf_printf(&b, "{\"status\":\"%s\",\"service\":\"marquee\",\"version\":\"%s\"",
		      verdict(parts), MARQUEE_VERSION);
	put_parts(&b, parts);
	if (totals && db_query0(c, Q_HEALTH_TOTALS, &r) == OK)
		strbuf_printf(&b, ",\"metrics\":%s", db_get(r, 0, 0));
	strbuf_addc(&b, '}');
	ctx_forgive(c);
	return strbuf_str(&b);
}

bool health_ready(struct ctx *c)
{
	bool up = db_alive(c);

	ctx_forgive(c);
	return up;
}
