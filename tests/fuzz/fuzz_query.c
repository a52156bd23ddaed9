/* tests/fuzz/fuzz_query.c - query strings of lists: one byte chooses the list; fields, filters,
 * cursors, up to the statement, for which there is no database */
#include "auth/actor.h"
#include "cache/cache.h"
#include "domain/list.h"
#include "domain/page.h"
#include "fuzz/fuzz.h"
#include "web/route.h"

#include <sodium.h>

static const struct actor member = {
	.user = { "01900000-0000-7000-8000-000000000001" }, .role = ROLE_USER,
	.email = "a@b.example",
};
static const struct actor admin = {
	.user = { "01900000-0000-7000-8000-000000000002" }, .role = ROLE_ADMIN,
	.permissions = MAY_ADMIN, .email = "a@b.example",
};

static const struct {
	const struct input_field *fields;
	enum err (*list)(struct ctx *, const struct input *, struct list *);
	const struct actor *actor;
} lists[] = {
	{ list_fields, list_events, &actor_anonymous }, { list_fields, list_events, &member },
	{ list_fields, list_events, &admin },		{ my_fields, list_mine, &member },
	{ attendee_fields, NULL, &member },		{ page_fields, NULL, &member },
};

/* The cursor that a page ends with is read back as the key and id that made it. */
static void cursor_comes_back(struct ctx *c, struct str key)
{
	static const char id[] = "01900000-0000-7000-8000-000000000003";
	const char *text = arena_strndup(c->arena, key.p, key.n);
	struct page p = { .page = 1, .limit = 20, .bound = text };
	struct json_object *o = js_own(c->arena, page_json(c, &p, text, id, 0));

	MUST(o && js_str(o, "next_cursor"));
	json_object_object_add(o, "cursor", json_object_new_string(js_str(o, "next_cursor")));
	json_object_object_del(o, "page");
	struct input in = { o };

	MUST(page_read(c, &in, text, &p) == OK);
	MUST(strcmp(p.key, text) == 0 && strcmp(p.id, id) == 0);
	MUST(page_read(c, &in, "another list", &p) == E_INVALID);
	ctx_forgive(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ctx *c = fuzz_ctx();
	struct http_backend io = { 0 };
	struct http_request http;
	struct list out;

	if (size < 1 || sodium_init() < 0)
		return 0;
	if (!c->db)
		c->db = db_new(c->cfg, "host=/nonexistent", "fuzz");
	struct str query = str_of(fuzz_text(c, data + 1, size - 1));
	char *env[] = { arena_printf(c->arena, "REQUEST_URI=/?%s", query.p), NULL };
	size_t which = data[0] % COUNT(lists);
	struct route route = { .method = M_GET, .path = "/", .query = lists[which].fields };
	struct req rq = { .ctx = c, .http = &http, .route = &route, .actor = *lists[which].actor };

	cursor_comes_back(c, query);
	c->actor = &rq.actor;
	http_request_init(&http, c->arena, c->cfg, &io, env);
	enum err e = req_query(&rq);

	MUST(e == OK || e == E_INVALID || e == E_MALFORMED);
	MUST(c->err == e);
	if (e == OK && lists[which].list) {
		e = lists[which].list(c, &rq.query, &out);
		MUST(e == E_UNAVAIL || e == E_INVALID);
	}
	return 0;
}
