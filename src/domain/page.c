/* src/domain/page.c - pages of lists: number and size, or a cursor bound to its list */
#include "domain/page.h"

#include "core/hash.h"
#include "core/id.h"
#include "core/strbuf.h"
#include "db/db.h"

#include <sodium.h>

#define TOTAL_MAX 10000

static long number(const struct input *in, const char *name, long def)
{
	struct json_object *v;

	if (!json_object_object_get_ex(in->values, name, &v) || !v)
		return def;
	return (long)json_object_get_int64(v);
}

/* A cursor is base64url of "<hash of bound>|<id>|<key>". */
static enum err read_cursor(struct ctx *c, const char *text, const char *bound, struct page *p)
{
	size_t n = strlen(text), len = 0;
	char *raw = arena_alloc(c->arena, n + 1);
	struct str hash, id, rest;
	struct id checked;

	if (sodium_base642bin((unsigned char *)raw, n, text, n, NULL, &len, NULL,
			      sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
		return fail_field(c, "cursor", "is not one of ours");
	raw[len] = '\0';
	hash = str_cut((struct str){ raw, len }, '|', &rest);
	id = str_cut(rest, '|', &rest);
	if (!rest.p || !id_parse(id, &checked))
		return fail_field(c, "cursor", "is not one of ours");
	if (!str_is(hash, arena_printf(c->arena, "%08llx",
				       (unsigned long long)hash64(bound, strlen(bound)) >> 32)))
		return fail_field(c, "cursor", "belongs to another list, filter or order");
	p->id = arena_strdup(c->arena, checked.s);
	p->key = arena_strndup(c->arena, rest.p, rest.n);
	return OK;
}

enum err page_read(struct ctx *c, const struct input *in, const char *bound, struct page *p)
{
	const char *cursor = js_str(in->values, "cursor");

	*p = (struct page){ .page = number(in, "page", 1),
			    .limit = number(in, "limit", 20),
			    .bound = bound };
	p->most = arena_printf(c->arena, "%ld", p->limit + 1);
	p->skip = arena_printf(c->arena, "%ld", (p->page - 1) * p->limit);
	if (!cursor)
		return OK;
	if (p->page != 1)
		return fail_field(c, "cursor", "does not go with page");
	p->page = 0;
	p->skip = "0";
	return read_cursor(c, cursor, bound, p);
}

static const char *make_cursor(struct ctx *c, const char *bound, const char *key, const char *id)
{
	const char *raw =
	    arena_printf(c->arena, "%08llx|%s|%s",
			 (unsigned long long)hash64(bound, strlen(bound)) >> 32, id, key);
	size_t n = strlen(raw),
	       room = sodium_base64_encoded_len(n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	char *out = arena_alloc(c->arena, room);

	return sodium_bin2base64(out, room, (const unsigned char *)raw, n,
				 sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

const char *page_json(struct ctx *c, const struct page *p, const char *key, const char *id,
		      long total)
{
	struct strbuf b;

	strbuf_init(&b, c->arena, 4096);
	if (p->page)
		strbuf_printf(&b, "{\"page\":%ld", p->page);
	else
		strbuf_adds(&b, "{\"page\":null");
	strbuf_printf(&b, ",\"limit\":%ld,\"has_more\":%s,\"next_cursor\":", p->limit,
		      key ? "true" : "false");
	strbuf_jsonz(&b, key ? make_cursor(c, p->bound, key, id) : NULL);
	if (total >= 0)
		strbuf_printf(&b, ",\"total\":%ld", total > TOTAL_MAX ? TOTAL_MAX : total);
	if (total > TOTAL_MAX)
		strbuf_adds(&b, ",\"total_is_minimum\":true");
	strbuf_addc(&b, '}');
	return strbuf_str(&b);
}

const char *page_items(struct ctx *c, const PGresult *r, int col, long limit)
{
	int n = PQntuples(r) > limit ? (int)limit : PQntuples(r);
	struct strbuf b;

	strbuf_init(&b, c->arena, 8 << 20);
	for (int i = 0; i < n; i++) {
		strbuf_addc(&b, i ? ',' : '[');
		strbuf_addstr(&b, db_get_str(r, i, col));
	}
	strbuf_adds(&b, n ? "]" : "[]");
	if (b.failed)
		(void)!fail(c, E_INTERNAL, "this page is too large: ask for fewer items");
	return strbuf_str(&b);
}

const char *page_like(struct ctx *c, const char *q)
{
	struct strbuf b;

	if (!q)
		return NULL;
	strbuf_init(&b, c->arena, 1024);
	for (; *q; q++) {
		if (strchr("%_\\", *q))
			strbuf_addc(&b, '\\');
		strbuf_addc(&b, *q);
	}
	return strbuf_str(&b);
}
