/* src/web/openapi.c - the OpenAPI 3.1 description, printed from the route and input tables */
#include "web/openapi.h"

#include "core/strbuf.h"
#include "domain/input.h"
#include "web/route.h"

#include <ctype.h>

/* JSON Schema of each input type; %M and %N stand for min and max. */
static const char *const schemas[] = {
	[IN_TEXT] = "\"type\":\"string\",\"minLength\":%M,\"maxLength\":%N",
	[IN_LINE] = "\"type\":\"string\",\"minLength\":%M,\"maxLength\":%N",
	[IN_EMAIL] = "\"type\":\"string\",\"format\":\"email\"",
	[IN_PASSWORD] =
	    "\"type\":\"string\",\"format\":\"password\",\"minLength\":8,\"maxLength\":128",
	[IN_URL] = "\"type\":\"string\",\"format\":\"uri\"",
	[IN_ZONE] = "\"type\":\"string\",\"examples\":[\"Europe/Berlin\"]",
	[IN_CURRENCY] = "\"type\":\"string\",\"pattern\":\"^[A-Z]{3}$\"",
	[IN_DAY] = "\"type\":\"string\",\"format\":\"date\"",
	[IN_SECRET] = "\"type\":\"string\"",
	[IN_INT] = "\"type\":\"integer\",\"minimum\":%M,\"maximum\":%N",
	[IN_NUMBER] = "\"type\":\"number\",\"minimum\":%M,\"maximum\":%N",
	[IN_MONEY] = "\"type\":\"number\",\"minimum\":0",
	[IN_BOOL] = "\"type\":\"boolean\"",
	[IN_TIME] = "\"type\":\"string\",\"format\":\"date-time\"",
	[IN_END_TIME] = "\"type\":\"string\",\"format\":\"date-time\"",
	[IN_WORD] = "\"type\":\"string\"",
	[IN_TEXTS] = "\"type\":\"array\",\"maxItems\":%N,\"items\":{\"type\":\"string\"}",
	[IN_URLS] =
	    "\"type\":\"array\",\"maxItems\":%N,\"items\":{\"type\":\"string\",\"format\":\"uri\"}",
	[IN_COORDS] = ("\"type\":\"object\",\"required\":[\"lat\",\"lng\"],\"properties\":{"
		       "\"lat\":{\"type\":\"number\",\"minimum\":-90,\"maximum\":90},"
		       "\"lng\":{\"type\":\"number\",\"minimum\":-180,\"maximum\":180}}"),
	[IN_IDS] = "\"type\":\"array\",\"maxItems\":%N,\"items\":{\"type\":\"string\",\"format\":"
		   "\"uuid\"}",
	[IN_ID] = "\"type\":\"string\",\"format\":\"uuid\"",
	[IN_OBJECT] = "\"type\":\"object\"",
};

static void put_words(struct strbuf *b, const char *words)
{
	struct str rest = str_of(words);

	strbuf_adds(b, ",\"enum\":[");
	for (int i = 0; rest.p; i++) {
		struct str w = str_cut(rest, '|', &rest);

		if (i)
			strbuf_addc(b, ',');
		strbuf_json(b, w.p, w.n);
	}
	strbuf_addc(b, ']');
}

static void put_schema(struct strbuf *b, const struct input_field *f)
{
	strbuf_addc(b, '{');
	for (const char *p = schemas[f->type]; *p; p++) {
		if (p[0] == '%' && (p[1] == 'M' || p[1] == 'N')) {
			strbuf_printf(b, "%.9g", p[1] == 'M' ? f->min : f->max);
			p++;
		} else {
			strbuf_addc(b, *p);
		}
	}
	if (f->type == IN_WORD)
		put_words(b, f->words);
	strbuf_adds(b, ",\"description\":");
	strbuf_jsonz(b, f->doc);
	strbuf_addc(b, '}');
}

static void put_body(struct strbuf *b, const struct route *r)
{
	bool first = true;

	strbuf_adds(b, ",\"requestBody\":{\"content\":{\"application/json\":{\"schema\":{"
		       "\"type\":\"object\",\"properties\":{");
	for (const struct input_field *f = r->body; f->name; f++) {
		strbuf_printf(b, "%s\"%s\":", f == r->body ? "" : ",", f->name);
		put_schema(b, f);
	}
	strbuf_adds(b, "}");
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
	struct str rest = str_of(r->path + 1);

	strbuf_adds(b, ",\"parameters\":[");
	while (rest.p) {
		struct str seg = str_cut(rest, '/', &rest);

		if (seg.n && seg.p[0] == ':') {
			put_parameter(b, "path", arena_strndup(b->arena, seg.p + 1, seg.n - 1),
				      true);
			strbuf_adds(b, "{\"type\":\"string\"}}");
		}
	}
	for (const struct input_field *f = r->query; f && f->name; f++) {
		put_parameter(b, "query", f->name, false);
		put_schema(b, f);
		strbuf_addc(b, '}');
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
	    ",\"headers\":{\"Marquee-Lsn\":{\"schema\":{\"$ref\":\"#/components/schemas/Lsn\"}}}";

	strbuf_adds(b, "{\"summary\":");
	strbuf_jsonz(b, r->doc);
	put_parameters(b, r);
	if (r->body)
		put_body(b, r);
	if (r->who == WHO_MEMBER)
		strbuf_adds(b, ",\"security\":[{\"bearer\":[]}]");
	strbuf_printf(b,
		      ",\"responses\":{\"2XX\":{\"description\":\"%s\"%s},"
		      "\"4XX\":{\"$ref\":\"#/components/responses/Error\"},"
		      "\"503\":{\"$ref\":\"#/components/responses/Error\"}}}",
		      r->flags & RF_BARE ? "Done" : "Done; the answer is in data",
		      r->method == M_GET ? "" : wrote);
}

/* "/events/:id" as "/events/{id}". */
static const char *template_path(struct arena *a, const char *path)
{
	struct strbuf b;

	strbuf_init(&b, a, 256);
	for (; *path; path++) {
		if (*path != ':') {
			strbuf_addc(&b, *path);
			continue;
		}
		size_t n = strcspn(path + 1, "/");

		strbuf_addc(&b, '{');
		strbuf_add(&b, path + 1, n);
		strbuf_addc(&b, '}');
		path += n;
	}
	return strbuf_str(&b);
}

static bool first_of_path(int i)
{
	for (int j = 0; j < i; j++)
		if (strcmp(route_at(j)->path, route_at(i)->path) == 0)
			return false;
	return true;
}

static void put_path(struct ctx *c, struct strbuf *b, int i)
{
	const char *path = route_at(i)->path;
	bool first = true;

	strbuf_printf(b, "%s\"%s\":{", i ? "," : "", template_path(c->arena, path));
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
	strbuf_adds(&b,
		    "},\"components\":{\"schemas\":{\"Lsn\":{\"type\":\"string\",\"pattern\":"
		    "\"^[0-9A-F]{1,8}/[0-9A-F]{1,8}$\"}},\"securitySchemes\":{"
		    "\"bearer\":{\"type\":\"http\","
		    "\"scheme\":\"bearer\",\"bearerFormat\":\"JWT\"}},\"responses\":{\"Error\":{"
		    "\"description\":\"Refused, and why\",\"content\":{\"application/json\":{"
		    "\"schema\":{\"type\":\"object\",\"required\":[\"success\",\"error\"],"
		    "\"properties\":{\"success\":{\"const\":false},\"error\":{\"type\":\"object\","
		    "\"required\":[\"code\",\"message\"],\"properties\":{\"code\":{\"type\":"
		    "\"string\"},\"message\":{\"type\":\"string\"},\"details\":{\"type\":"
		    "\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"field\":{"
		    "\"type\":\"string\"},\"reason\":{\"type\":\"string\"}}}}}},\"timestamp\":"
		    "{\"type\":\"string\"},\"request_id\":{\"type\":\"string\"}}}}}}}}}");
	return strbuf_str(&b);
}
