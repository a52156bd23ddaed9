/* src/api/system.c - health, metrics, the API's description */
#include "api/api.h"
#include "domain/health.h"
#include "web/metrics.h"
#include "web/openapi.h"

#define JSON "application/json; charset=utf-8"

static enum err health(struct req *rq)
{
	bool serving;
	const char *json = health_json(rq->ctx, rq->actor.permissions & MAY_ADMIN, &serving);

	return reply_bare(rq, serving ? 200 : 503, JSON, str_of(json));
}

static enum err livez(struct req *rq)
{
	return reply_bare(rq, 200, JSON, STR("{\"status\":\"ok\"}"));
}

static enum err readyz(struct req *rq)
{
	if (health_ready(rq->ctx))
		return reply_bare(rq, 200, JSON, STR("{\"status\":\"ok\"}"));
	return reply_bare(
	    rq, 503, JSON,
	    STR("{\"status\":\"unhealthy\",\"error\":\"no answer from PostgreSQL\"}"));
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

const struct route system_routes[] = {
	{ M_GET, "/health", health, WHO_ANY, 0, RL_NONE, C_NONE, RF_BARE | RF_ALWAYS, NULL, NULL,
	  "State of every part; totals for staff" },
	{ M_GET, "/livez", livez, WHO_ANY, 0, RL_NONE, C_NONE, RF_BARE | RF_ALWAYS, NULL, NULL,
	  "Does the process answer?" },
	{ M_GET, "/readyz", readyz, WHO_ANY, 0, RL_NONE, C_NONE, RF_BARE | RF_ALWAYS, NULL, NULL,
	  "Can it serve, that is: does the database answer?" },
	{ M_GET, "/metrics", metrics, WHO_LOCAL, 0, RL_NONE, C_NONE, RF_BARE | RF_ALWAYS, NULL,
	  NULL, "Prometheus metrics of the whole pool" },
	{ M_GET, "/openapi.json", openapi, WHO_ANY, 0, RL_NONE, C_PUBLIC, RF_BARE, NULL, NULL,
	  "This description" },
	ROUTE_END
};
