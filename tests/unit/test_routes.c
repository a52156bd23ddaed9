/* tests/unit/test_routes.c - the route tables, and what every request meets before a handler */
#include "auth/actor.h"
#include "cache/cache.h"
#include "core/json.h"
#include "core/shm.h"
#include "domain/policy.h"
#include "http/backend.h"
#include "t.h"
#include "web/openapi.h"
#include "web/route.h"

static struct arena *arena;
static struct config cfg;
static struct ctx c;
static struct http_request rq;
static struct http_response rs;

static bool setup(void)
{
	arena = arena_new(64 << 20);
	if (config_load(&cfg, "", NULL, stderr) != OK)
		return false;
	cfg.http_cors_origins = "https://good.example";
	cfg.limits_enabled = false;
	c.cfg = &cfg;
	c.db = db_new(&cfg, "host=/nonexistent", "test");
	c.cache = cache_new(&cfg);
	return true;
}

static void teardown(void)
{
	db_close(c.db);
	cache_free(c.cache);
	arena_free(arena);
}

/* Sends a request of the given variables (NULL-ended). */
static void ask(const char *method, const char *uri, const char *extra)
{
	static struct http_backend io;
	char *env[6] = { NULL };

	arena_reset(arena);
	memset(&io, 0, sizeof(io));
	env[0] = arena_printf(arena, "REQUEST_METHOD=%s", method);
	env[1] = arena_printf(arena, "REQUEST_URI=%s", uri);
	env[2] = arena_strdup(arena, "REMOTE_ADDR=192.0.2.1");
	env[3] = extra ? arena_strdup(arena, extra) : NULL;
	http_request_init(&rq, arena, &cfg, &io, env);
	http_response_init(&rs, arena);
	route_serve(&c, &rq, &rs);
}

static const char *header(const char *name)
{
	for (const struct http_header *h = rs.headers; h; h = h->next)
		if (strcmp(h->name, name) == 0)
			return h->value;
	return "";
}

static const char *body(void)
{
	char *out = arena_strdup(arena, "");

	for (int i = 0; i < rs.n_parts; i++)
		out = arena_printf(arena, "%s%.*s", out, (int)rs.parts[i].n, rs.parts[i].p);
	return out;
}

static void tables_are_sane(void)
{
	T_NULL(routes_problem());
	T_TRUE(route_count() > 20);
	for (int i = 0; i < route_count(); i++)
		T_EQ_INT(route_index(route_at(i)), i);
}

static void every_route_is_in_openapi(void)
{
	struct json_object *doc, *paths, *path, *op;

	arena_reset(arena);
	ctx_begin(&c, arena);
	T_REQUIRE(js_parse(&c, str_of(openapi_text(&c)), &doc) == OK);
	T_REQUIRE(json_object_object_get_ex(doc, "paths", &paths));
	for (int i = 0; i < route_count(); i++) {
		const char *name = openapi_path(arena, route_at(i)->path);
		const char *m = method_name(route_at(i)->method);
		char method[16] = { 0 };

		for (size_t k = 0; m[k] && k < sizeof(method) - 1; k++)
			method[k] = (char)(m[k] | 0x20);
		bool described = json_object_object_get_ex(paths, name, &path) &&
				 json_object_object_get_ex(path, method, &op);

		if (described == (bool)(route_at(i)->flags & RF_PAGE))
			T_FAIL("%s %s is %s", method, name, described ? "a page" : "missing");
	}
}

static void unknown_paths_are_404(void)
{
	static const char *const paths[] = {
		"/nothing",     "/events/",      "/api/v2/events",
		"//events",     "/events/x/y/z", "/EVENTS",
		"/events%2Fmy", "/api//health",  "/a/b/c/d/e/f/g/h/i/j"
	};

	for (size_t i = 0; i < COUNT(paths); i++) {
		ask("GET", paths[i], NULL);
		if (rs.status != 404)
			T_FAIL("%s is %d", paths[i], rs.status);
	}
	T_HAS(body(), "\"code\":\"NOT_FOUND\"");
}

static void segments_may_have_an_end(void)
{
	static const struct {
		const char *path, *message;
	} cases[] = {
		{ "/feeds/x.ics", "no such calendar" }, { "/feeds/x.y.ics", "no such calendar" },
		{ "/feeds/x", "no such address" },      { "/feeds/.ics", "no such address" },
		{ "/feeds/x.ICS", "no such address" },  { "/feeds/x.ics/", "no such address" },
		{ "/sitemap/x.xml", "no such file" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		ask("GET", cases[i].path, NULL);
		T_EQ_INT(rs.status, 404);
		T_HAS(body(), cases[i].message);
	}
	T_EQ_STR(openapi_path(arena, "/events/:id.ics"), "/events/{id}.ics");
}

static const char *framed(const char *path)
{
	ask("GET", path, NULL);
	return arena_printf(arena, "%s %s", header("X-Frame-Options"),
			    strstr(header("Content-Security-Policy"), "frame-ancestors"));
}

static void frames_are_allowed_where_they_are_meant(void)
{
	T_EQ_STR(framed("/embed?nonsense=1"), "DENY frame-ancestors 'none'");
	cfg.site_embed_in = "https://a.example https://b.example";
	T_EQ_STR(framed("/embed?nonsense=1"),
		 " frame-ancestors https://a.example https://b.example");
	T_EQ_STR(framed("/login"), "DENY frame-ancestors 'none'");
	T_EQ_STR(framed("/docs"), "DENY frame-ancestors 'none'");
	T_EQ_STR(framed("/livez"), "DENY frame-ancestors 'none'");
	T_EQ_STR(framed("/nowhere"), "DENY frame-ancestors 'none'");
	cfg.site_embed_in = "";
}

static void prefixes_mean_nothing(void)
{
	static const char *const paths[] = { "/livez", "/api/livez", "/api/v1/livez" };

	for (size_t i = 0; i < COUNT(paths); i++) {
		ask("GET", paths[i], NULL);
		T_EQ_INT(rs.status, 200);
	}
}

static void wrong_methods_are_405(void)
{
	ask("DELETE", "/api/categories", NULL);
	T_EQ_INT(rs.status, 405);
	T_EQ_STR(header("Allow"), "GET, HEAD, OPTIONS");
	ask("TRACE", "/api/categories", NULL);
	T_EQ_INT(rs.status, 405);
	ask("OPTIONS", "/events", NULL);
	T_EQ_INT(rs.status, 204);
	T_EQ_STR(header("Allow"), "GET, HEAD, POST, OPTIONS");
}

static void head_has_no_body_to_send(void)
{
	ask("HEAD", "/livez", NULL);
	T_EQ_INT(rs.status, 200);
	T_TRUE(rs.head);
}

static void members_need_a_token(void)
{
	ask("POST", "/events", NULL);
	T_EQ_INT(rs.status, 401);
	T_EQ_STR(header("WWW-Authenticate"), "Bearer realm=\"marquee\"");
	ask("GET", "/livez", "HTTP_AUTHORIZATION=Bearer nonsense");
	T_EQ_INT(rs.status, 401);
	T_HAS(header("WWW-Authenticate"), "invalid_token");
	ask("GET", "/livez", "HTTP_AUTHORIZATION=Basic YTpi");
	T_EQ_INT(rs.status, 401);
}

static void local_pages_hide_from_others(void)
{
	ask("GET", "/metrics", NULL);
	T_EQ_INT(rs.status, 404);
}

static void unknown_queries_are_named(void)
{
	ask("GET", "/livez?foo=1&utm_source=x", NULL);
	T_EQ_INT(rs.status, 422);
	T_HAS(body(), "{\"field\":\"foo\",\"reason\":\"is not known here\"}");
	ask("GET", "/livez?utm_source=x", NULL);
	T_EQ_INT(rs.status, 200);
	ask("GET", "/events?limit=1&limit=2", NULL);
	T_HAS(body(), "stands twice");
	ask("GET", "/events?limit=%zz", NULL);
	T_EQ_INT(rs.status, 400);
}

static void problems_on_request(void)
{
	ask("GET", "/nothing", "HTTP_ACCEPT=application/problem+json");
	T_EQ_STR(header("Content-Type"), "application/problem+json");
	T_HAS(body(), "\"status\":404");
	T_HAS(body(), "\"code\":\"NOT_FOUND\"");
}

static void request_ids_are_kept_when_harmless(void)
{
	ask("GET", "/livez", "HTTP_X_REQUEST_ID=abc-1_2.Z");
	T_EQ_STR(header("X-Request-Id"), "abc-1_2.Z");
	ask("GET", "/livez", "HTTP_X_REQUEST_ID=a b");
	T_HAS(header("X-Request-Id"), "req_");
}

static void cors_for_listed_origins_only(void)
{
	ask("GET", "/livez", "HTTP_ORIGIN=https://good.example");
	T_EQ_STR(header("Access-Control-Allow-Origin"), "https://good.example");
	ask("GET", "/livez", "HTTP_ORIGIN=https://evil.example");
	T_EQ_STR(header("Access-Control-Allow-Origin"), "");
	T_EQ_STR(header("Vary"), "Origin");
	ask("GET", "/livez", "HTTP_ORIGIN=null");
	T_EQ_STR(header("Access-Control-Allow-Origin"), "");
}

static void too_large_is_413_unread(void)
{
	ask("POST", "/auth/login", "CONTENT_LENGTH=99999999");
	T_EQ_INT(rs.status, 413);
}

static void without_database_503(void)
{
	ask("GET", "/events", NULL);
	T_EQ_INT(rs.status, 503);
	T_TRUE(*header("Retry-After") != '\0');
	T_HAS(body(), "\"code\":\"UNAVAILABLE\"");
	ask("GET", "/health", NULL);
	T_EQ_INT(rs.status, 503);
	T_HAS(body(), "\"status\":\"unhealthy\"");
	ask("GET", "/livez", NULL);
	T_EQ_INT(rs.status, 200);
}

static void relations_see(void)
{
	static const struct {
		const char *privacy, *relation;
		bool sees;
	} rows[] = {
		{ "public", "none", true },         { "friends_only", "none", false },
		{ "friends_only", "friend", true }, { "friends_only", "attending", true },
		{ "private", "friend", false },     { "private", "invited", true },
		{ "private", "attending", true },   { "private", "cohost", true },
		{ "private", "host", true },        { "secret", "host", false },
	};
	struct event_parts p = { .status = STR("active"), .cohost_may = STR("-") };

	arena_reset(arena);
	ctx_begin(&c, arena);
	c.actor = &actor_anonymous;
	for (size_t i = 0; i < COUNT(rows); i++) {
		p.privacy = str_of(rows[i].privacy);
		p.relation = str_of(rows[i].relation);
		if (policy_sees_event(&c, &p) != rows[i].sees)
			T_FAIL("%s %s", rows[i].privacy, rows[i].relation);
	}
	p.relation = STR("cohost");
	p.cohost_may = STR("invite,checkin");
	T_EQ_STR(policy_permissions(&c, &p), "[\"invite\",\"checkin\"]");
	p.relation = STR("attending");
	p.cohost_may = STR("-");
	T_EQ_STR(policy_permissions(&c, &p), "[]");
}

T_SUITE_WITH("routes", setup, teardown, T(tables_are_sane), T(every_route_is_in_openapi),
	     T(unknown_paths_are_404), T(segments_may_have_an_end),
	     T(frames_are_allowed_where_they_are_meant), T(prefixes_mean_nothing),
	     T(wrong_methods_are_405),
	     T(head_has_no_body_to_send), T(members_need_a_token), T(local_pages_hide_from_others),
	     T(unknown_queries_are_named), T(problems_on_request),
	     T(request_ids_are_kept_when_harmless), T(cors_for_listed_origins_only),
	     T(too_large_is_413_unread), T(without_database_503), T(relations_see))
