/* src/web/openapi.c - the OpenAPI 3.1 description, printed from the route and input tables */
#include "web/openapi.h"

#include "core/strbuf.h"
#include "domain/input.h"
#include "web/route.h"

#include <ctype.h>

/* JSON Schema of each input type; %M, %N and %I stand for min, max and item_max. */
static const struct {
	const char *type, *more;
} schemas[] = {
	[IN_TEXT] = { "string", ",\"minLength\":%M,\"maxLength\":%N" },
	[IN_LINE] = { "string", ",\"minLength\":%M,\"maxLength\":%N" },
	[IN_EMAIL] = { "string", ",\"format\":\"email\"" },
	[IN_PASSWORD] = { "string",
			  ",\"format\":\"password\",\"minLength\":8,\"maxLength\":128" },
	[IN_URL] = { "string", ",\"format\":\"uri\",\"maxLength\":%N" },
	[IN_ZONE] = { "string", ",\"examples\":[\"Europe/Berlin\"]" },
	[IN_CURRENCY] = { "string", ",\"pattern\":\"^[A-Z]{3}$\"" },
	[IN_DAY] = { "string", ",\"format\":\"date\"" },
	[IN_SECRET] = { "string", ",\"minLength\":%M,\"maxLength\":%N" },
	[IN_INT] = { "integer", ",\"minimum\":%M,\"maximum\":%N" },
	[IN_NUMBER] = { "number", ",\"minimum\":%M,\"maximum\":%N" },
	[IN_MONEY] = { "number", ",\"minimum\":0,\"exclusiveMaximum\":100000000" },
	[IN_BOOL] = { "boolean", "" },
	[IN_TIME] = { "string", ",\"anyOf\":[{\"format\":\"date-time\"},{\"format\":\"date\"}]" },
	[IN_END_TIME] = { "string",
			  ",\"anyOf\":[{\"format\":\"date-time\"},{\"format\":\"date\"}]" },
	[IN_WORD] = { "string", "" },
	[IN_TEXTS] = { "array", ",\"maxItems\":%N,\"items\":{\"type\":\"string\",\"minLength\":1,"
				"\"maxLength\":%I}" },
	[IN_URLS] = { "array", ",\"maxItems\":%N,\"items\":{\"type\":\"string\",\"format\":\"uri\","
			       "\"maxLength\":%I}" },
	[IN_COORDS] = { "object", ",\"required\":[\"lat\",\"lng\"],\"properties\":{"
				  "\"lat\":{\"type\":\"number\",\"minimum\":-90,"
				  "\"maximum\":90},\"lng\":{\"type\":\"number\","
				  "\"minimum\":-180,\"maximum\":180}}" },
	[IN_IDS] = { "array", ",\"maxItems\":%N,\"items\":{\"type\":\"string\",\"format\":"
			      "\"uuid\"}" },
	[IN_ID] = { "string", ",\"format\":\"uuid\"" },
	[IN_OBJECT] = { "object", "" },
};

static void put_words(struct strbuf *b, const struct input_field *f)
{
	struct str rest = str_of(f->words);

	strbuf_adds(b, ",\"enum\":[");
	for (int i = 0; rest.p; i++) {
		struct str w = str_cut(rest, '|', &rest);

		if (i)
			strbuf_addc(b, ',');
		strbuf_json(b, w.p, w.n);
	}
	strbuf_adds(b, f->flags & IN_NULLABLE ? ",null]" : "]");
}

/* by: the name it is described under; a synonym only points to the canonical one. */
static void put_schema(struct strbuf *b, const struct input_field *f, struct str by)
{
	bool null = f->flags & IN_NULLABLE;

	strbuf_printf(b, null ? "{\"type\":[\"%s\",\"null\"]" : "{\"type\":\"%s\"",
		      schemas[f->type].type);
	for (const char *p = schemas[f->type].more; *p; p++) {
		if (p[0] != '%') {
			strbuf_addc(b, *p);
			continue;
		}
		p++;
		strbuf_printf(b, "%.9g", *p == 'M' ? f->min : *p == 'N' ? f->max : f->item_max);
	}
	if (f->type == IN_WORD)
		put_words(b, f);
	if (!str_is(by, f->name))
		strbuf_printf(b, ",\"deprecated\":true,\"description\":\"The same as %s\"}",
			      f->name);
	else {
		strbuf_adds(b, ",\"description\":");
		strbuf_jsonz(b, f->doc);
		strbuf_addc(b, '}');
	}
}

static void put_property(struct strbuf *b, const struct input_field *f, struct str by)
{
	strbuf_printf(b, "%s\"%.*s\":", b->p[b->len - 1] == '{' ? "" : ",", (int)by.n, by.p);
	put_schema(b, f, by);
}

/* The halves that coordinates may come in. */
static void put_halves(struct strbuf *b)
{
	static const char *const halves[] = { "latitude", "longitude", "lat", "lng" };

	for (size_t i = 0; i < COUNT(halves); i++)
		strbuf_printf(b,
			      ",\"%s\":{\"type\":[\"number\",\"null\"],\"minimum\":%d,"
			      "\"maximum\":%d,\"deprecated\":true,"
			      "\"description\":\"Half of coordinates\"}",
			      halves[i], i % 2 ? -180 : -90, i % 2 ? 180 : 90);
}

static void put_properties(struct strbuf *b, const struct input_field *table)
{
	strbuf_addc(b, '{');
	for (const struct input_field *f = table; f->name; f++) {
		struct str rest = str_of(f->aliases);

		put_property(b, f, str_of(f->name));
		while (rest.p)
			put_property(b, f, str_cut(rest, '|', &rest));
		if (f->type == IN_COORDS)
			put_halves(b);
	}
	strbuf_addc(b, '}');
}

static void put_body(struct strbuf *b, const struct route *r)
{
	bool first = true;

	strbuf_adds(b, ",\"requestBody\":{\"content\":{\"application/json\":{\"schema\":{"
		       "\"type\":\"object\",\"additionalProperties\":false,\"properties\":");
	put_properties(b, r->body);
	for (const struct input_field *f = r->body; f->name && r->method != M_PATCH; f++)
		if (f->flags & IN_REQUIRED) {
			strbuf_printf(b, "%s\"%s\"", first ? ",\"required\":[" : ",", f->name);
			first = false;
		}
	strbuf_adds(b, first ? "}}}}" : "]}}}}");
}

static void put_parameter(struct strbuf *b, const char *in, const char *name, bool required)
{
	strbuf_printf(b, "%s{\"name\":\"%s\",\"in\":\"%s\",\"required\":%s,\"schema\":",
		      b->p[b->len - 1] == '[' ? "" : ",", name, in, required ? "true" : "false");
}

static void put_parameters(struct strbuf *b, const struct route *r)
{
	struct str rest = str_of(r->path + 1), end;

	strbuf_adds(b, ",\"parameters\":[");
	while (rest.p) {
		struct str seg = str_cut(rest, '/', &rest);

		if (seg.n && seg.p[0] == ':') {
			seg = str_cut((struct str){ seg.p + 1, seg.n - 1 }, '.', &end);
			put_parameter(b, "path", arena_strndup(b->arena, seg.p, seg.n), true);
			strbuf_adds(b, "{\"type\":\"string\"}}");
		}
	}
	for (const struct input_field *f = r->query; f && f->name; f++) {
		struct str by = str_of(f->name), synonyms = str_of(f->aliases);

		for (; by.p; by = str_cut(synonyms, '|', &synonyms)) {
			put_parameter(b, "query", arena_strndup(b->arena, by.p, by.n), false);
			put_schema(b, f, by);
			strbuf_adds(b, ",\"style\":\"form\",\"explode\":false}");
		}
	}
	if (r->flags & RF_KEYED) {
		put_parameter(b, "header", "Idempotency-Key", false);
		strbuf_adds(b, "{\"type\":\"string\",\"maxLength\":255}}");
	}
	if (r->flags & RF_IF_MATCH) {
		put_parameter(b, "header", "If-Match", false);
		strbuf_adds(b, "{\"type\":\"string\"}}");
	}
	if (r->flags & RF_REPLICA) {
		put_parameter(b, "header", "Marquee-Lsn", false);
		strbuf_adds(b, "{\"$ref\":\"#/components/schemas/Lsn\"}}");
	}
	strbuf_addc(b, ']');
}

static void put_operation(struct strbuf *b, const struct route *r)
{
	static const char wrote[] =
	    "\"headers\":{\"Marquee-Lsn\":{\"schema\":{\"$ref\":\"#/components/schemas/Lsn\"}}},";

	strbuf_adds(b, "{\"summary\":");
	strbuf_jsonz(b, r->doc);
	put_parameters(b, r);
	if (r->body)
		put_body(b, r);
	strbuf_adds(b, r->who == WHO_MEMBER ? ",\"security\":[{\"bearer\":[]}]" :
					      ",\"security\":[{},{\"bearer\":[]}]");
	strbuf_printf(b, ",\"responses\":{\"2XX\":{%s\"description\":",
		      r->method == M_GET ? "" : wrote);
	strbuf_adds(b, r->flags & RF_BARE ?
			       "\"Done\",\"content\":{\"*/*\":{}}}" :
			       "\"Done; the answer is in data\",\"content\":{\"application/json\":{"
			       "\"schema\":{\"$ref\":\"#/components/schemas/Answer\"}}}}");
	if (r->method == M_GET)
		strbuf_adds(b, ",\"304\":{\"description\":\"Not changed since If-None-Match\"}");
	strbuf_adds(b, ",\"4XX\":{\"$ref\":\"#/components/responses/Error\"},"
		       "\"503\":{\"$ref\":\"#/components/responses/Error\"}}}");
}

const char *openapi_path(struct arena *a, const char *path)
{
	struct strbuf b;

	strbuf_init(&b, a, 256);
	for (; *path; path++) {
		if (*path != ':') {
			strbuf_addc(&b, *path);
			continue;
		}
		size_t n = strcspn(path + 1, "/.");

		strbuf_addc(&b, '{');
		strbuf_add(&b, path + 1, n);
		strbuf_addc(&b, '}');
		path += n;
	}
	return strbuf_str(&b);
}

static bool first_of_path(int i)
{
	if (route_at(i)->flags & RF_PAGE)
		return false;
	for (int j = 0; j < i; j++)
		if (strcmp(route_at(j)->path, route_at(i)->path) == 0)
			return false;
	return true;
}

static void put_path(struct ctx *c, struct strbuf *b, int i)
{
	const char *path = route_at(i)->path;
	bool first = true;

	strbuf_printf(b, "%s\"%s\":{", i ? "," : "", openapi_path(c->arena, path));
	for (int j = i; j < route_count(); j++) {
		const struct route *r = route_at(j);
		struct strbuf name;

		if (strcmp(r->path, path) != 0)
			continue;
		strbuf_init(&name, c->arena, 16);
		for (const char *m = method_name(r->method); *m; m++)
			strbuf_addc(&name, (char)tolower((unsigned char)*m));
		strbuf_printf(b, "%s\"%s\":", first ? "" : ",", strbuf_str(&name));
		put_operation(b, r);
		first = false;
	}
	strbuf_addc(b, '}');
}

/* What answers look like, for all of them. */
#define TYPE(type) "{\"type\":\"" type "\"}"
#define OR_NULL(type) "{\"type\":[\"" type "\",\"null\"]}"
#define SCHEMA(name) "{\"$ref\":\"#/components/schemas/" name "\"}"
#define INSTANT "{\"type\":\"string\",\"format\":\"date-time\"}"
#define CLOSED(required)                                                                           \
	"{\"type\":\"object\",\"additionalProperties\":false,\"required\":[" required              \
	"],\"properties\":{"
#define OPEN(required) "{\"type\":\"object\",\"required\":[" required "],\"properties\":{"

static const char components[] =
    "\"components\":{\"securitySchemes\":{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\","
    "\"bearerFormat\":\"JWT\"}},\"schemas\":{"
    "\"Lsn\":{\"type\":\"string\",\"pattern\":\"^[0-9A-F]{1,8}/[0-9A-F]{1,8}$\"},"
    "\"Answer\":" CLOSED("\"success\",\"data\",\"timestamp\",\"request_id\"")
    "\"success\":{\"const\":true},\"data\":{},\"message\":" TYPE("string")
    ",\"timestamp\":" INSTANT ",\"request_id\":" TYPE("string") ",\"token\":" TYPE("string")
    ",\"pagination\":" SCHEMA("Pagination") "}},"
    "\"Pagination\":" OPEN("\"limit\",\"has_more\"") "\"page\":" OR_NULL("integer")
    ",\"limit\":" TYPE("integer") ",\"has_more\":" TYPE("boolean")
    ",\"next_cursor\":" OR_NULL("string") ",\"total\":" TYPE("integer")
    ",\"total_is_minimum\":" TYPE("boolean") "}},"
    "\"Details\":{\"type\":\"array\",\"items\":" OPEN("\"field\",\"reason\"")
    "\"field\":" TYPE("string") ",\"reason\":" TYPE("string") "}}},"
    "\"Error\":" CLOSED("\"success\",\"error\",\"timestamp\",\"request_id\"")
    "\"success\":{\"const\":false},\"error\":" OPEN("\"code\",\"message\"")
    "\"code\":" TYPE("string") ",\"message\":" TYPE("string")
    ",\"details\":" SCHEMA("Details") "}},\"timestamp\":{\"type\":[\"string\",\"null\"],"
    "\"format\":\"date-time\",\"description\":\"null when the web server itself refuses\"}"
    ",\"request_id\":" OR_NULL("string") "}},"
    "\"Problem\":" OPEN("\"type\",\"title\",\"status\",\"detail\",\"code\"")
    "\"type\":" TYPE("string") ",\"title\":" TYPE("string") ",\"status\":" TYPE("integer")
    ",\"detail\":" TYPE("string") ",\"instance\":" TYPE("string") ",\"code\":" TYPE("string")
    ",\"errors\":" SCHEMA("Details") "}}},"
    "\"responses\":{\"Error\":{\"description\":\"Refused, and why\",\"content\":{"
    "\"application/json\":{\"schema\":" SCHEMA("Error") "},"
    "\"application/problem+json\":{\"schema\":" SCHEMA("Problem") "}}}}}}";

const char *openapi_text(struct ctx *c)
{
	struct strbuf b;

	strbuf_init(&b, c->arena, 4 << 20);
	strbuf_adds(
	    &b,
	    "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"Marquee\",\"version\":\"" MARQUEE_VERSION
	    "\",\"description\":\"Events, registration with waiting lists, people. Every "
	    "path is also served under /api and /api/v1. A service that reads lists from "
	    "replicas answers changes with Marquee-Lsn and a cookie of the same meaning: send "
	    "either along, and the lists that follow show the change.\"},\"servers\":[{\"url\":");
	strbuf_jsonz(&b, c->cfg->http_public_url);
	strbuf_adds(&b, "}],\"paths\":{");
	for (int i = 0; i < route_count(); i++)
		if (first_of_path(i))
			put_path(c, &b, i);
	strbuf_adds(&b, "},");
	strbuf_adds(&b, components);
	return strbuf_str(&b);
}
