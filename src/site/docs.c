/* src/site/docs.c - the API for people: pages printed from the route and input tables, with
 * examples that run as they are shown */
#include "core/json.h"
#include "core/strbuf.h"
#include "site/site.h"
#include "web/openapi.h"

#include <ctype.h>

/* Pages, and the first words of the paths that each is about; the last takes all others. */
static const struct {
	const char *name, *words;
} groups[] = {
	{ "events", "events categories feeds" },
	{ "people", "users" },
	{ "access", "auth" },
	{ "service", NULL },
};

/* What a value may be; each # stands for one of its numbers: M for min, N for max, I for item_max.
 * Other languages know it under docs.rules. And one for examples. */
static const struct {
	const char *rule, *numbers, *sample;
} types[] = {
	[IN_TEXT] = { "text of # to # characters", "MN", "\"With biscuits.\"" },
	[IN_LINE] = { "a line of # to # characters", "MN", "\"Tea and compilers\"" },
	[IN_EMAIL] = { "an e-mail address", "", "\"ada@example.org\"" },
	[IN_PASSWORD] = { "8 to 128 characters", "", "\"correct horse 7\"" },
	[IN_URL] = { "an address (http, https)", "", "\"https://example.org/\"" },
	[IN_ZONE] = { "an IANA time zone", "", "\"Europe/Berlin\"" },
	[IN_CURRENCY] = { "an ISO 4217 code", "", "\"EUR\"" },
	[IN_DAY] = { "a day", "", "\"1990-12-31\"" },
	[IN_SECRET] = { "text of # to # characters", "MN", "\"correct horse 7\"" },
	[IN_INT] = { "a whole number, # to #", "MN", "10" },
	[IN_NUMBER] = { "a number, # to #", "MN", "10" },
	[IN_MONEY] = { "an amount of two decimals", "", "12.5" },
	[IN_BOOL] = { "true or false", "", "true" },
	[IN_TIME] = { "a time (RFC 3339) or a day", "", "\"2030-05-01T18:00:00+02:00\"" },
	[IN_END_TIME] = { "a time (RFC 3339) or a day", "", "\"2030-05-01T20:00:00+02:00\"" },
	[IN_WORD] = { "", "", NULL },
	[IN_TEXTS] = { "up to # texts of # characters", "NI", "[\"tea\"]" },
	[IN_URLS] = { "up to # addresses", "N", "[\"https://example.org/a.jpg\"]" },
	[IN_COORDS] = { "{\"lat\":…,\"lng\":…}", "", "{\"lat\":52.5,\"lng\":13.4}" },
	[IN_IDS] = { "up to # ids", "N", "[\"'$PERSON'\"]" },
	[IN_ID] = { "an id", "", "\"'$EVENT'\"" },
	[IN_OBJECT] = { "an object of up to # bytes", "N", "{}" },
};

/* What its texts are made with. */
struct docs {
	struct arena *arena;
	struct json_object *says;	/* of the reader's language */
};

static struct json_object *new_list(struct json_object *o, const char *name)
{
	struct json_object *list = js_made(json_object_new_array());

	js_add(o, name, list);
	return list;
}

static struct json_object *new_row(struct json_object *list)
{
	struct json_object *row = js_made(json_object_new_object());

	js_push(list, row);
	return row;
}

/* ---- which route on which page ---- */

static size_t group_of(const struct route *r)
{
	size_t n = strcspn(r->path + 1, "/."), i = 0;
	char word[32] = "";

	if (n < sizeof(word))
		memcpy(word, r->path + 1, n);
	while (groups[i].words && !str_listed(groups[i].words, word))
		i++;
	return i;
}

/* "get-events-id-rsvp" */
static const char *anchor_of(struct arena *a, const struct route *r)
{
	const char *text = arena_printf(a, "%s%s", method_name(r->method), r->path);
	struct strbuf b;

	strbuf_init(&b, a, 256);
	for (; *text; text++)
		if (isalnum((unsigned char)*text))
			strbuf_addc(&b, (char)tolower((unsigned char)*text));
		else if (b.len && b.p[b.len - 1] != '-')
			strbuf_addc(&b, '-');
	return strbuf_str(&b);
}

/* ---- one operation ---- */

static double number_of(const struct input_field *f, char which)
{
	return which == 'M' ? f->min : which == 'N' ? f->max : f->item_max;
}

static const char *rule_of(const struct docs *d, const struct input_field *f)
{
	const char *rule = types[f->type].rule, *number = types[f->type].numbers;
	const char *known = js_str(js_get(d->says, "rules"), rule);
	struct strbuf b;

	strbuf_init(&b, d->arena, 1024);
	for (const char *p = known ? known : rule; *p; p++)
		if (*p == '#' && *number)
			strbuf_printf(&b, "%.9g", number_of(f, *number++));
		else
			strbuf_addc(&b, *p);
	for (const char *p = f->words; p && *p; p++)
		if (*p == '|')
			strbuf_adds(&b, ", ");
		else
			strbuf_addc(&b, *p);
	if (f->flags & IN_NULLABLE)
		strbuf_printf(&b, ", %s", js_str(d->says, "or_null"));
	return strbuf_str(&b);
}

static void add_fields(const struct docs *d, struct json_object *o, const char *name,
		       const struct input_field *fields)
{
	struct json_object *part, *list;

	if (!fields || !fields->name)
		return;
	part = js_made(json_object_new_object());
	js_add(o, name, part);
	list = new_list(part, "fields");
	for (const struct input_field *f = fields; f->name; f++) {
		struct json_object *row = new_row(list), *also;
		struct str rest = str_of(f->aliases);

		js_put(row, "name", f->name);
		js_put(row, "rule", rule_of(d, f));
		js_put(row, "doc", f->doc);
		js_flag(row, "required", f->flags & IN_REQUIRED);
		also = new_list(row, "aliases");
		while (rest.p) {
			struct str one = str_cut(rest, '|', &rest);

			js_push(also, js_made(json_object_new_string_len(one.p, (int)one.n)));
		}
	}
}

static const char *permissions_text(struct arena *a, unsigned may)
{
	struct strbuf b;

	strbuf_init(&b, a, 256);
	for (size_t i = 0; i < COUNT(permissions); i++)
		if (may & permissions[i].bit)
			strbuf_printf(&b, "%s%s", b.len ? ", " : "", permissions[i].name);
	return b.len ? strbuf_str(&b) : NULL;
}

/* ---- examples ---- */

/* What stands for a part of a path, by its name and what is before it; NULL: nothing we know. */
static const char *stand_in(struct str name, const char *path)
{
	if (str_is(name, "token"))
		return "$FEED";
	if (!str_is(name, "id"))
		return NULL;
	return strncmp(path, "/users/", 7) == 0 ? "$PERSON" : "$EVENT";
}

/* False: there is something in it that nobody can know. */
static bool add_path(struct strbuf *b, const struct route *r)
{
	struct str rest = str_of(r->path + 1);

	strbuf_adds(b, r->flags & RF_BARE ? "$URL" : "$URL/api");
	while (rest.p) {
		struct str part = str_cut(rest, '/', &rest), end = { NULL, 0 };
		const char *word;

		strbuf_addc(b, '/');
		if (!part.n || part.p[0] != ':') {
			strbuf_addstr(b, part);
			continue;
		}
		part = str_cut((struct str){ part.p + 1, part.n - 1 }, '.', &end);
		word = stand_in(part, r->path);
		if (!word)
			return false;
		strbuf_adds(b, word);
		if (end.p)
			strbuf_printf(b, ".%.*s", (int)end.n, end.p);
	}
	return true;
}

static void add_sample(struct strbuf *b, const struct input_field *f)
{
	struct str rest, first = str_cut(str_of(f->words ? f->words : ""), '|', &rest);

	strbuf_printf(b, "%s\"%s\":", b->p[b->len - 1] == '{' ? "" : ",", f->name);
	if (f->type == IN_WORD)
		strbuf_printf(b, "\"%.*s\"", (int)first.n, first.p);
	else
		strbuf_adds(b, types[f->type].sample);
}

/* What has to be in it; where nothing has to, its first member. */
static void add_body(struct strbuf *b, const struct route *r)
{
	bool whole = r->method != M_PATCH;
	int n = 0;

	strbuf_adds(b, " \\\n  -H 'Content-Type: application/json' \\\n  -d '{");
	for (const struct input_field *f = r->body; f->name; f++)
		if (whole && (f->flags & IN_REQUIRED)) {
			add_sample(b, f);
			n++;
		}
	if (!n && r->body->name)
		add_sample(b, r->body);
	strbuf_adds(b, "}'");
}

static const char *example_of(struct arena *a, const struct route *r)
{
	struct strbuf b;

	strbuf_init(&b, a, 4096);
	strbuf_adds(&b, "curl -s");
	if (r->method != M_GET)
		strbuf_printf(&b, " -X %s", method_name(r->method));
	strbuf_adds(&b, " \"");
	if (!add_path(&b, r))
		return NULL;
	strbuf_addc(&b, '"');
	/* The event of the examples is not public. */
	if (r->who == WHO_MEMBER || strstr(r->path, "/:id"))
		strbuf_adds(&b, " \\\n  -H \"Authorization: Bearer $TOKEN\"");
	if (r->body)
		add_body(&b, r);
	else if (r->method == M_POST)
		strbuf_adds(&b, " -d ''");
	return strbuf_str(&b);
}

static void add_operation(const struct docs *d, struct json_object *list, const struct route *r)
{
	struct json_object *o = new_row(list);
	struct arena *a = d->arena;

	js_put(o, "method", method_name(r->method));
	js_put(o, "path", openapi_path(a, r->path));
	js_put(o, "anchor", anchor_of(a, r));
	js_put(o, "doc", r->doc);
	js_flag(o, "member", r->who == WHO_MEMBER);
	js_flag(o, "local", r->who == WHO_LOCAL);
	js_put(o, "may", permissions_text(a, r->may));
	js_flag(o, "keyed", r->flags & RF_KEYED);
	js_flag(o, "if_match", r->flags & RF_IF_MATCH);
	js_flag(o, "bare", r->flags & RF_BARE);
	js_flag(o, "reads", r->method == M_GET);
	add_fields(d, o, "query", r->query);
	add_fields(d, o, "body", r->body);
	js_put(o, "example", example_of(a, r));
}

static struct json_object *operations_of(const struct docs *d, size_t group)
{
	struct json_object *list = js_made(json_object_new_array());

	for (int i = 0; i < route_count(); i++)
		if (!(route_at(i)->flags & RF_PAGE) && group_of(route_at(i)) == group)
			add_operation(d, list, route_at(i));
	return list;
}

/* ---- pages ---- */

static struct docs docs_of(struct req *rq, struct json_object *page)
{
	return (struct docs){ rq->ctx->arena, js_get(js_get(page, "t"), "docs") };
}

static const char *title_of(const struct docs *d, size_t group)
{
	return js_str(js_get(d->says, "groups"), groups[group].name);
}

static void add_errors(struct req *rq, struct json_object *o)
{
	struct json_object *list = new_list(o, "errors");

	for (int e = OK + 1; e < ERR_COUNT; e++) {
		struct json_object *row = new_row(list);

		js_put(row, "code", err_info((enum err)e)->code);
		js_put(row, "title", page_reason(rq, err_info((enum err)e)->title));
		js_number(row, "status", err_info((enum err)e)->http);
	}
}

enum err site_docs(struct req *rq)
{
	struct json_object *o = page_data(rq), *list = new_list(o, "groups");
	struct docs d = docs_of(rq, o);

	for (size_t i = 0; i < COUNT(groups); i++) {
		struct json_object *g = new_row(list);

		js_put(g, "name", groups[i].name);
		js_put(g, "title", title_of(&d, i));
		js_add(g, "operations", operations_of(&d, i));
	}
	js_put(o, "url", rq->ctx->cfg->http_public_url);
	add_errors(rq, o);
	return page_reply(rq, 200, "site/docs", o);
}

enum err site_docs_group(struct req *rq)
{
	struct json_object *o = page_data(rq);
	struct docs d = docs_of(rq, o);

	for (size_t i = 0; i < COUNT(groups); i++) {
		if (!str_is(req_param(rq, "group"), groups[i].name))
			continue;
		js_put(o, "title", title_of(&d, i));
		js_add(o, "operations", operations_of(&d, i));
		return page_reply(rq, 200, "site/docs_group", o);
	}
	return fail(rq->ctx, E_NOTFOUND, "no such page");
}
