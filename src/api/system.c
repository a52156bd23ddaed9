/* src/api/system.c - health, metrics, the API's description, and a first page */
#include "api/api.h"
#include "auth/token.h"
#include "cache/cache.h"
#include "core/shm.h"
#include "core/strbuf.h"
#include "web/metrics.h"
#include "web/openapi.h"

#define JSON "application/json; charset=utf-8"
#define HEARTBEAT_OLD_S 10

/* What /health says of each part; the worst of all wins. */
struct part {
	const char *name, *state, *error;
	bool vital;
};
enum { P_DATABASE, P_CACHE, P_KAFKA, P_NOTIFIER, N_PARTS };

static bool is_up(const struct part *p)
{
	return strcmp(p->state, "up") == 0 || strcmp(p->state, "off") == 0;
}

/* kafka is what the notifier last reported; an old report says nothing. */
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
			parts[P_KAFKA] = (struct part){ "kafka", kafka, NULL, false };
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
	for (int i = 0; i < N_PARTS; i++)
		strbuf_printf(b, "%s\"%s\":\"%s\"", i ? "," : "", parts[i].name, parts[i].state);
	strbuf_adds(b, "},\"checks\":{");
	for (int i = 0; i < N_PARTS; i++) {
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

static enum err health(struct req *rq)
{
	struct ctx *c = rq->ctx;
	struct part parts[N_PARTS] = {
		[P_DATABASE] = { "database", "down", "no answer from PostgreSQL", true },
		[P_CACHE] = { "cache", cache_state(c), "memcached does not answer", false },
		[P_KAFKA] = { "kafka", "unknown", "the notifier has not reported", false },
		[P_NOTIFIER] = { "notifier", "down", "no heartbeat for 10 seconds", false },
	};
	PGresult *r;
	struct strbuf b;

	if (db_alive(c)) {
		parts[P_DATABASE].state = "up";
		ask_notifier(c, parts);
	}
	strbuf_init(&b, c->arena, 65536);
	strbuf_printf(&b, "{\"status\":\"%s\",\"service\":\"marquee\",\"version\":\"%s\"", verdict(parts),
		      MARQUEE_VERSION);
	put_parts(&b, parts);
	if ((rq->actor.permissions & MAY_ADMIN) && db_query0(c, Q_HEALTH_TOTALS, &r) == OK)
		strbuf_printf(&b, ",\"metrics\":%s", db_get(r, 0, 0));
	strbuf_addc(&b, '}');
	ctx_forgive(c);
	return reply_bare(rq, is_up(&parts[P_DATABASE]) ? 200 : 503, JSON, str_of(strbuf_str(&b)));
}

static enum err livez(struct req *rq)
{
	return reply_bare(rq, 200, JSON, STR("{\"status\":\"ok\"}"));
}

static enum err readyz(struct req *rq)
{
	if (!db_alive(rq->ctx)) {
		ctx_forgive(rq->ctx);
		return reply_bare(rq, 503, JSON, STR("{\"status\":\"unhealthy\",\"error\":\"no answer from PostgreSQL\"}"));
	}
	return reply_bare(rq, 200, JSON, STR("{\"status\":\"ok\"}"));
}

static enum err metrics(struct req *rq)
{
	return reply_bare(rq, 200, "text/plain; version=0.0.4; charset=utf-8",
			  str_of(metrics_text(rq->ctx)));
}

static enum err openapi(struct req *rq)
{
	return reply_bare(rq, 200, JSON, str_of(openapi_text(rq->ctx)));
}

static enum err front_page(struct req *rq)
{
	return reply_bare(rq, 200, "text/html; charset=utf-8",
			  STR("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
			      "<meta name=\"viewport\" content=\"width=device-width\">\n"
			      "<title>Marquee</title>\n<h1>Marquee</h1>\n"
			      "<p>An events platform. Its API lives under <code>/api</code>:\n<ul>\n"
			      "<li><a href=\"/api/events\">/api/events</a> coming events\n"
			      "<li><a href=\"/api/categories\">/api/categories</a> categories\n"
			      "<li><a href=\"/openapi.json\">/openapi.json</a> the whole API (OpenAPI "
			      "3.1)\n<li><a href=\"/health\">/health</a> how it fares\n</ul>\n"));
}

const struct route system_routes[] = {
	{ M_GET, "/", front_page, WHO_ANY, 0, RL_NONE, C_PUBLIC, RF_BARE, NULL, NULL,
	  "A page that names the API" },
	{ M_GET, "/health", health, WHO_ANY, 0, RL_NONE, C_NONE, RF_BARE, NULL, NULL,
	  "State of every part; totals for staff" },
	{ M_GET, "/livez", livez, WHO_ANY, 0, RL_NONE, C_NONE, RF_BARE, NULL, NULL,
	  "Does the process answer?" },
	{ M_GET, "/readyz", readyz, WHO_ANY, 0, RL_NONE, C_NONE, RF_BARE, NULL, NULL,
	  "Can it serve, that is: does the database answer?" },
	{ M_GET, "/metrics", metrics, WHO_LOCAL, 0, RL_NONE, C_NONE, RF_BARE, NULL, NULL,
	  "Prometheus metrics of the whole pool" },
	{ M_GET, "/openapi.json", openapi, WHO_ANY, 0, RL_NONE, C_PUBLIC, RF_BARE, NULL, NULL,
	  "This description" },
	ROUTE_END
};
