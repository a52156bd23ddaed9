/* src/domain/list.c - lists of events, assembled from static fragments: parameters only, one
 * prepared statement per set of filters in use, so that every plan sees real conditions */
#include "domain/list.h"

#include "auth/actor.h"
#include "core/hash.h"
#include "core/strbuf.h"
#include "db/db.h"
#include "domain/counts.h"
#include "domain/events.h"
#include "domain/page.h"

/* clang-format off */
#define FILTER_ROWS \
	{ "q", IN_LINE, 0, 1, 200, 0, NULL, NULL, "Words of title and tags, all of them" }, \
	{ "category", IN_LINE, 0, 1, 100, 0, NULL, NULL, "Slug, name or alias" }, \
	{ "tags", IN_TEXTS, 0, 0, 10, 50, NULL, "tag", "Any of these, separated by commas" }, \
	{ "location", IN_LINE, 0, 1, 200, 0, NULL, NULL, "Words of the place; - is a space" }, \
	{ "from", IN_TIME, 0, 0, 0, 0, NULL, "date_from", \
	  "Begins at or after: a time, a day, today, +7d" }, \
	{ "to", IN_END_TIME, 0, 0, 0, 0, NULL, "date_to", "Begins before" }, \
	{ "price_min", IN_MONEY, 0, 0, 0, 0, NULL, NULL, "Costs at least" }, \
	{ "price_max", IN_MONEY, 0, 0, 0, 0, NULL, NULL, "Costs at most" }, \
	{ "is_virtual", IN_BOOL, 0, 0, 0, 0, NULL, NULL, "Held online, or not" }, \
	{ "status", IN_WORD, 0, 0, 0, 0, "draft|active|cancelled|completed", NULL, \
	  "Default active" }, \
	{ "host_id", IN_ID, 0, 0, 0, 0, NULL, NULL, "Hosted by" }
#define SORT_ROWS \
	{ "sort", IN_WORD, 0, 0, 0, 0, \
	  "start_date|-start_date|created_at|-created_at|popularity", NULL, \
	  "Default start_date" }, \
	{ "count", IN_WORD, 0, 0, 0, 0, "exact", NULL, "exact: the total, up to 10,000" }
#define FIELDS_END { NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL }

const struct input_field list_fields[] = {
	PAGE_ROWS,
	FILTER_ROWS,
	SORT_ROWS,
	FIELDS_END
};
/* The same for people, who may look at months, too. */
const struct input_field agenda_fields[] = {
	PAGE_ROWS,
	FILTER_ROWS,
	SORT_ROWS,
	{ "view", IN_WORD, 0, 0, 0, 0, "list|month", NULL, "A list of days, or a month's grid" },
	{ "month", IN_LINE, 0, 7, 7, 0, NULL, NULL, "The month to be shown: 2026-12" },
	FIELDS_END
};
const struct input_field embed_fields[] = {
	PAGE_ROWS,
	FILTER_ROWS,
	SORT_ROWS,
	{ "fragment", IN_BOOL, 0, 0, 0, 0, NULL, NULL, "1: without a page around it" },
	FIELDS_END
};
const struct input_field my_fields[] = {
	PAGE_ROWS,
	{ "role", IN_WORD, 0, 0, 0, 0, "hosting|attending|invited|past", NULL,
	  "Default: hosting and attending" },
	FIELDS_END
};
const struct input_field page_fields[] = { PAGE_ROWS, FIELDS_END };
/* clang-format on */

/* ---- fragments: %P stands for the next parameter, %V for one that few or many events may have, so
 * that the best plan depends on its value; everything else is constant ---- */

struct fragment {
	const char *name; /* of the input that brings it in; NULL: chosen by code */
	const char *sql;
	Oid type;
};
enum {
	T_TEXT = 25,
	T_UUID = 2950,
	T_TEXTS = 1009,
	T_TIME = 1184,
	T_NUMERIC = 1700,
	T_BOOL = 16,
	T_INT8 = 20,
	T_FLOAT8 = 701
};

static const struct fragment filters[] = {
	{ "q", " AND event_words(e.title, e.tags) @> words(%V)", T_TEXT },
	{ "category", " AND e.category_id = (SELECT category_id(%P))", T_TEXT },
	{ "tags", " AND e.tags && %V", T_TEXTS },
	{ "location", " AND e.location_words @> words(%V)", T_TEXT },
	{ "from", " AND e.start_date >= %P", T_TIME },
	{ "to", " AND e.start_date < %P", T_TIME },
	{ "price_min", " AND e.price >= %V", T_NUMERIC },
	{ "price_max", " AND e.price <= %V", T_NUMERIC },
	{ "is_virtual", " AND e.is_virtual = %P", T_BOOL },
	{ "host_id", " AND e.host_id = %P", T_UUID },
	{ NULL, NULL, 0 },
};
#define N_FILTERS (COUNT(filters) - 1)

/* At the desk, beside those. */
static const struct fragment desk_filters[] = {
	{ "find", " AND (event_words(e.title, e.tags) @> words(%V) OR e.slug = lower(%V))",
	  T_TEXT },
	{ "host", " AND e.host_id = (SELECT id FROM users WHERE email = %P::citext)", T_TEXT },
	{ "status", " AND e.status = %V", T_TEXT },
	{ NULL, NULL, 0 },
};

enum { SEEN_PUBLIC, SEEN_MEMBER, SEEN_ADMIN };
static const struct fragment seen[] = {
	[SEEN_PUBLIC] = { NULL, " AND e.privacy = 'public'", 0 },
	[SEEN_MEMBER] = { NULL,
			  " AND (e.privacy = 'public' OR relation_sees(e.privacy,"
			  " event_relation(e.id, %P, e.host_id)))",
			  T_UUID },
	[SEEN_ADMIN] = { NULL, "", 0 },
};

enum {
	ST_COMING,
	ST_SPAN,
	ST_DRAFT,
	ST_ACTIVE,
	ST_CANCELLED,
	ST_COMPLETED,
	ST_DRAFT_ALL,
	ST_CALLED_OFF
};
static const struct fragment statuses[] = {
	[ST_COMING] = { NULL, " AND e.status = 'active' AND e.ends_at > now()", 0 },
	[ST_SPAN] = { NULL, " AND e.status IN ('active', 'completed')", 0 },
	[ST_DRAFT] = { "draft", " AND e.status = 'draft' AND e.host_id = %P", T_UUID },
	[ST_ACTIVE] = { "active", " AND e.status = 'active'", 0 },
	[ST_CANCELLED] = { "cancelled", " AND e.status = 'cancelled'", 0 },
	[ST_COMPLETED] = { "completed", " AND e.status = 'completed'", 0 },
	[ST_DRAFT_ALL] = { NULL, " AND e.status = 'draft'", 0 },
	[ST_CALLED_OFF] = { NULL,
			    " AND e.status = 'cancelled'"
			    " AND e.start_date > now() - interval '1 day'",
			    0 },
};

static const struct {
	const char *name, *key, *dir, *cmp, *join;
	Oid type;
} sorts[] = {
	{ "start_date", "e.start_date", "", ">", "", T_TIME },
	{ "-start_date", "e.start_date", " DESC", "<", "", T_TIME },
	{ "created_at", "e.created_at", "", ">", "", T_TIME },
	{ "-created_at", "e.created_at", " DESC", "<", "", T_TIME },
	{ "popularity", "p.score", " DESC", "<", " JOIN event_scores p ON p.event_id = e.id",
	  T_FLOAT8 },
};

/* Whose events: from the person's side, as an array, so that no plan begins with all events. */
static const struct fragment scopes[] = {
	{ "hosting",
	  " AND e.id = ANY (ARRAY(SELECT id FROM events WHERE host_id = %P"
	  " AND deleted_at IS NULL UNION ALL"
	  " SELECT event_id FROM event_hosts WHERE user_id = %P))",
	  T_UUID },
	{ "attending",
	  " AND e.id = ANY (ARRAY(SELECT event_id FROM rsvps WHERE user_id = %P AND state IN"
	  " ('going', 'held', 'waitlisted', 'interested', 'maybe')))"
	  " AND e.ends_at > now()",
	  T_UUID },
	{ "invited",
	  " AND e.id = ANY (ARRAY(SELECT event_id FROM invitations WHERE invitee_id = %P))"
	  " AND e.status <> 'draft' AND e.ends_at > now()",
	  T_UUID },
	{ "past",
	  " AND e.id = ANY (ARRAY(SELECT id FROM events WHERE host_id = %P"
	  " AND deleted_at IS NULL UNION ALL"
	  " SELECT event_id FROM event_hosts WHERE user_id = %P UNION ALL"
	  " SELECT event_id FROM rsvps WHERE user_id = %P AND state IN"
	  " ('going', 'held', 'interested', 'maybe'))) AND e.ends_at <= now()",
	  T_UUID },
	{ "",
	  " AND e.id = ANY (ARRAY(SELECT id FROM events WHERE host_id = %P"
	  " AND deleted_at IS NULL UNION ALL"
	  " SELECT event_id FROM event_hosts WHERE user_id = %P UNION ALL"
	  " SELECT event_id FROM rsvps WHERE user_id = %P AND state IN"
	  " ('going', 'held', 'waitlisted', 'interested', 'maybe')))"
	  " AND e.ends_at > now()",
	  T_UUID },
};

/* ---- building ---- */

#define ARGS_MAX 32
struct build {
	struct ctx *c;
	int sort; /* index into sorts */
	struct page page;
	const char *either, *or; /* of a feed: conditions without parameters */
	int skip_at; /* the parameter that page.skip is, once it is one */
	bool by_value;
	struct strbuf where;
	const char *args[ARGS_MAX];
	Oid types[ARGS_MAX];
	int n;
};

/* Adds text, turning each %P or %V into the next parameter with this value. */
static void add(struct build *b, const char *sql, Oid type, const char *value)
{
	for (const char *p = sql; *p; p++) {
		if (p[0] != '%' || (p[1] != 'P' && p[1] != 'V')) {
			strbuf_addc(&b->where, *p);
			continue;
		}
		b->by_value |= p[1] == 'V';
		b->args[b->n] = value;
		b->types[b->n] = type;
		strbuf_printf(&b->where, "$%d", ++b->n);
		p++;
	}
}

static const char *pg_array(struct ctx *c, struct json_object *a)
{
	struct strbuf b;

	strbuf_init(&b, c->arena, 65536);
	for (size_t i = 0; i < json_object_array_length(a); i++) {
		const char *s = json_object_get_string(json_object_array_get_idx(a, i));

		strbuf_addc(&b, i ? ',' : '{');
		strbuf_addc(&b, '"');
		for (; *s; s++) {
			if (*s == '"' || *s == '\\')
				strbuf_addc(&b, '\\');
			strbuf_addc(&b, *s);
		}
		strbuf_addc(&b, '"');
	}
	strbuf_adds(&b, b.len ? "}" : "{}");
	return strbuf_str(&b);
}

static const char *value_text(struct ctx *c, struct json_object *v)
{
	if (json_object_is_type(v, json_type_array))
		return pg_array(c, v);
	return json_object_get_string(v);
}

static void add_filters(struct build *b, const struct input *in, const struct fragment *f)
{
	struct json_object *v;

	for (; f->sql; f++)
		if (json_object_object_get_ex(in->values, f->name, &v) && v)
			add(b, f->sql, f->type, value_text(b->c, v));
}

static void add_seen(struct build *b)
{
	const struct actor *a = b->c->actor;
	int who = a->permissions & MAY_ADMIN ? SEEN_ADMIN
		  : actor_known(a)           ? SEEN_MEMBER
					     : SEEN_PUBLIC;

	add(b, seen[who].sql, seen[who].type, a->user.s);
}

/* The status of events where none was asked for. */
static int status_by_default(const struct input *in)
{
	return js_has(in->values, "from") || js_has(in->values, "to") ? ST_SPAN : ST_COMING;
}

static void add_status(struct build *b, const struct input *in)
{
	const char *word = js_str(in->values, "status");
	const struct actor *a = b->c->actor;
	int st = status_by_default(in);

	for (int i = 0; word && i < (int)COUNT(statuses); i++)
		if (statuses[i].name && strcmp(statuses[i].name, word) == 0)
			st = i;
	if (st == ST_DRAFT && (a->permissions & MAY_ADMIN))
		st = ST_DRAFT_ALL;
	add(b, statuses[st].sql, statuses[st].type, id_or_null(&a->user));
}

static int sort_of(const char *word)
{
	for (int i = 0; word && i < (int)COUNT(sorts); i++)
		if (strcmp(sorts[i].name, word) == 0)
			return i;
	return 0;
}

static void adds(struct strbuf *b, const char *const *parts)
{
	for (; *parts; parts++)
		strbuf_adds(b, *parts);
}

/* One of few numbers, and no OFFSET where there is none: were they parameters, PostgreSQL would
 * never keep a plan but make one for each request, at twice the cost of the page itself. */
static void add_span(struct build *b, struct strbuf *s, const char *skip)
{
	static const long sizes[] = { 21, 51, 101, LIST_FEED + 1 };
	size_t i = 0;

	while (i < COUNT(sizes) - 1 && sizes[i] <= b->page.limit)
		i++;
	strbuf_adds(s, " LIMIT ");
	strbuf_addn(s, sizes[i]);
	if (!b->page.skip || strcmp(b->page.skip, "0") == 0)
		return;
	if (!b->skip_at) {
		b->args[b->n] = b->page.skip;
		b->types[b->n] = T_INT8;
		b->skip_at = ++b->n;
	}
	strbuf_printf(s, "%s$%d", skip, b->skip_at);
}

/* Keys and ids of the events for which more is true, too. */
static void add_keys(struct build *b, struct strbuf *s, const char *more)
{
	const char *key = sorts[b->sort].key, *dir = sorts[b->sort].dir;

	adds(s, (const char *const[]){ "SELECT ", key, " AS k, e.id FROM events e",
				       sorts[b->sort].join, " WHERE e.deleted_at IS NULL",
				       strbuf_str(&b->where), more, " ORDER BY ", key, dir,
				       ", e.id", dir, NULL });
}

/* The whole statement. Inner: ids of the page; outer: their texts. Two kinds of events are read
 * from an index each, and merged. */
static const char *assemble(struct build *b)
{
	const char *dir = sorts[b->sort].dir;
	struct strbuf s;

	strbuf_init(&s, b->c->arena, 16384);
	strbuf_adds(&s, "SELECT x.k, x.id, t.doc, t.counts FROM (");
	if (b->or) {	/* each needs to give no more than all */
		strbuf_adds(&s, "SELECT u.k, u.id FROM ((");
		add_keys(b, &s, b->either);
		add_span(b, &s, " + ");
		strbuf_adds(&s, ") UNION ALL (");
		add_keys(b, &s, b->or);
		add_span(b, &s, " + ");
		adds(&s, (const char *const[]){ ")) u ORDER BY u.k", dir, ", u.id", dir, NULL });
	} else {
		add_keys(b, &s, "");
	}
	add_span(b, &s, " OFFSET ");
	adds(&s, (const char *const[]){ ") x JOIN event_texts t ON t.event_id = x.id ORDER BY x.k",
					dir, ", x.id", dir, NULL });
	return strbuf_str(&s);
}

/* Without a name it is planned anew each time, for its values: a plan for any tag walks through all
 * events to find one that hardly any has. */
static const char *statement_name(const struct build *b, const char *text)
{
	char hex[33];

	if (b->by_value)
		return NULL;
	hash128_hex(text, strlen(text), hex);
	return arena_printf(b->c->arena, "list_%s", hex);
}

static enum err count_all(struct build *b, long *total)
{
	struct strbuf s;
	PGresult *r;

	strbuf_init(&s, b->c->arena, 16384);
	adds(&s, (const char *const[]){
		     "SELECT count(*) FROM (SELECT FROM events e WHERE e.deleted_at IS NULL",
		     strbuf_str(&b->where), " LIMIT 10001) x", NULL });
	TRY(db_list(b->c, statement_name(b, strbuf_str(&s)), strbuf_str(&s), b->types,
			b->args, b->n, &r));
	*total = db_get_long(r, 0, 0);
	return OK;
}

#define COUNTS_BYTES 200 /* about as much as they take */

/* {core…,"stats":…,"current_attendees":n}, joined. */
static const char *items_json(struct ctx *c, const PGresult *r, long limit)
{
	int n = PQntuples(r) > limit ? (int)limit : PQntuples(r);
	long counts[N_COUNTS];
	struct strbuf b;
	size_t room = 2;

	strbuf_init(&b, c->arena, 32 << 20);
	for (int i = 0; i < n; i++)
		room += db_get_str(r, i, 2).n + COUNTS_BYTES;
	strbuf_room(&b, room);
	strbuf_addc(&b, '[');
	for (int i = 0; i < n; i++) {
		struct str doc = db_get_str(r, i, 2);

		if (i)
			strbuf_addc(&b, ',');
		strbuf_add(&b, doc.p, doc.n - 1);
		strbuf_addc(&b, ',');
		b.failed |= !counts_read(db_get_str(r, i, 3), counts);
		counts_members(&b, counts);
		strbuf_addc(&b, '}');
	}
	strbuf_addc(&b, ']');
	if (b.failed)
		(void)!fail(c, E_INTERNAL, "this page is too large: ask for fewer items");
	return strbuf_str(&b);
}

static void add_cursor(struct build *b)
{
	adds(&b->where, (const char *const[]){ " AND (", sorts[b->sort].key, ", e.id) ",
					       sorts[b->sort].cmp, " (", NULL });
	add(b, "%P", sorts[b->sort].type, b->page.key);
	add(b, ", %P)", T_UUID, b->page.id);
}

static enum err run(struct build *b, long total, struct list *out)
{
	struct page *p = &b->page;
	const char *text;
	PGresult *r;

	if (p->key)
		add_cursor(b);
	text = assemble(b);
	TRY(db_list(b->c, statement_name(b, text), text, b->types, b->args, b->n, &r));
	bool more = PQntuples(r) > p->limit;
	int last = (int)p->limit - 1;

	out->items = items_json(b->c, r, p->limit);
	if (b->c->err != OK)
		return b->c->err;
	out->pagination = page_json(b->c, p, more ? db_get(r, last, 0) : NULL,
				    more ? db_get(r, last, 1) : NULL, total);
	return OK;
}

/* What a cursor is bound to: everything but the page itself. */
static const char *bound_of(struct ctx *c, const char *list, const struct input *in)
{
	struct json_object *copy = NULL;

	if (json_object_deep_copy(in->values, &copy, NULL) != 0)
		return list;
	json_object_object_del(copy, "cursor");
	json_object_object_del(copy, "page");
	json_object_object_del(copy, "limit");
	json_object_object_del(copy, "count");
	json_object_object_del(copy, "done");
	const char *text = arena_printf(c->arena, "%s %s", list, js_text(c->arena, copy));

	json_object_put(copy);
	return text;
}

/* Nothing there, or no such category? */
static enum err check_category(struct ctx *c, const struct input *in, const struct list *found)
{
	const char *category = js_str(in->values, "category");

	if (category && strcmp(found->items, "[]") == 0)
		events_category_problem(c, category, "category");
	return c->err;
}

enum err list_events(struct ctx *c, const struct input *in, struct list *out)
{
	struct build b = { .c = c, .sort = sort_of(js_str(in->values, "sort")) };
	long total = -1;

	TRY(page_read(c, in, bound_of(c, "events", in), &b.page));
	strbuf_init(&b.where, c->arena, 8192);
	add_seen(&b);
	add_status(&b, in);
	add_filters(&b, in, filters);
	if (js_str(in->values, "count"))
		TRY(count_all(&b, &total));
	TRY(run(&b, total, out));
	return check_category(c, in, out);
}

static void take_all(struct page *p, const struct input *in)
{
	if (!js_has(in->values, "limit"))
		p->limit = LIST_FEED;
}

enum err list_feed(struct ctx *c, const struct input *in, struct list *out)
{
	struct build b = { .c = c, .sort = sort_of(js_str(in->values, "sort")) };

	TRY(page_read(c, in, bound_of(c, "feed", in), &b.page));
	take_all(&b.page, in);
	strbuf_init(&b.where, c->arena, 8192);
	add_seen(&b);
	if (js_has(in->values, "status")) {
		add_status(&b, in);
	} else {
		b.either = statuses[status_by_default(in)].sql;
		b.or = statuses[ST_CALLED_OFF].sql;
	}
	add_filters(&b, in, filters);
	TRY(run(&b, -1, out));
	return check_category(c, in, out);
}

static void add_scope(struct build *b, const char *role)
{
	for (size_t i = 0; i < COUNT(scopes); i++)
		if (strcmp(scopes[i].name, role) == 0)
			add(b, scopes[i].sql, scopes[i].type, b->c->actor->user.s);
}

enum err list_my_feed(struct ctx *c, struct list *out)
{
	struct build b = { .c = c, .page = { .limit = LIST_FEED, .bound = "my" } };

	strbuf_init(&b.where, c->arena, 8192);
	add_scope(&b, "");
	return run(&b, -1, out);
}

enum err list_mine(struct ctx *c, const struct input *in, struct list *out)
{
	const char *role = js_str(in->values, "role");
	bool past = role && strcmp(role, "past") == 0;
	struct build b = { .c = c, .sort = past ? sort_of("-start_date") : 0 };

	TRY(page_read(c, in, bound_of(c, "my", in), &b.page));
	strbuf_init(&b.where, c->arena, 8192);
	add_scope(&b, role ? role : "");
	return run(&b, -1, out);
}

enum err list_desk(struct ctx *c, const struct input *in, struct list *out)
{
	struct build b = { .c = c, .sort = sort_of("-start_date") };

	TRY(page_read(c, in, bound_of(c, "desk", in), &b.page));
	strbuf_init(&b.where, c->arena, 8192);
	if (!(c->actor->permissions & MAY_ADMIN))
		add(&b, scopes[0].sql, scopes[0].type, c->actor->user.s);
	add_filters(&b, in, filters);
	add_filters(&b, in, desk_filters);
	return run(&b, -1, out);
}

/* Numbering: cursor, then sort, then the set of filters, for what members see; then every reader
 * and status, then every scope, then the feed of every reader in every order. */
const char *list_statement(struct ctx *c, int n)
{
	const int sets = 1 << N_FILTERS, plain = sets * (int)COUNT(sorts) * 2;
	const int mixed = (int)(COUNT(seen) * COUNT(statuses));
	struct build b = { .c = c };

	strbuf_init(&b.where, c->arena, 8192);
	if (n < plain) {
		b.sort = n / 2 % (int)COUNT(sorts);
		add(&b, seen[SEEN_MEMBER].sql, T_UUID, NULL);
		add(&b, statuses[ST_COMING].sql, 0, NULL);
		for (size_t i = 0; i < N_FILTERS; i++)
			if (n / 2 / (int)COUNT(sorts) & 1 << i)
				add(&b, filters[i].sql, filters[i].type, NULL);
		if (n % 2)
			add_cursor(&b);
		else
			b.page.skip = "20";
	} else if ((n -= plain) < mixed) {
		add(&b, seen[n / (int)COUNT(statuses)].sql, T_UUID, NULL);
		add(&b, statuses[n % (int)COUNT(statuses)].sql, T_UUID, NULL);
	} else if ((n -= mixed) < (int)COUNT(scopes)) {
		add(&b, scopes[n].sql, T_UUID, NULL);
	} else if ((n -= (int)COUNT(scopes)) < (int)(COUNT(seen) * COUNT(sorts))) {
		add(&b, seen[n / (int)COUNT(sorts)].sql, T_UUID, NULL);
		b.sort = n % (int)COUNT(sorts);
		b.either = statuses[ST_COMING].sql;
		b.or = statuses[ST_CALLED_OFF].sql;
	} else {
		return NULL;
	}
	return assemble(&b);
}
