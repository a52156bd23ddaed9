/* src/domain/events.c - reading and changing events */
#include "domain/events.h"

#include "auth/actor.h"
#include "cache/cache.h"
#include "core/clock.h"
#include "core/hash.h"
#include "core/strbuf.h"
#include "domain/counts.h"
#include "domain/event_copy.h"
#include "domain/policy.h"

#include <limits.h>

const struct input_field event_fields[] = {
	{ "title", IN_LINE, IN_REQUIRED, 3, 255, 0, NULL, NULL, "What it is called" },
	{ "description", IN_TEXT, IN_NULLABLE, 0, 5000, 0, NULL, NULL, "Markdown" },
	{ "location", IN_LINE, IN_NULLABLE, 0, 500, 0, NULL, NULL, "Where, in words" },
	{ "url", IN_URL, IN_NULLABLE, 1, 2000, 0, NULL, NULL, "A page about it" },
	{ "coordinates", IN_COORDS, IN_NULLABLE, 0, 0, 0, NULL, NULL,
	  "Where, in degrees (WGS 84); also latitude+longitude or lat+lng" },
	{ "start_date", IN_TIME, IN_REQUIRED, 0, 0, 0, NULL, "date|starts_at",
	  "When it begins; a day means its midnight in the event's zone" },
	{ "end_date", IN_END_TIME, IN_NULLABLE, 0, 0, 0, NULL, "ends_at",
	  "When it ends; a day means its end" },
	{ "timezone", IN_ZONE, IN_NULLABLE, 0, 0, 0, NULL, NULL, "IANA zone, default UTC" },
	{ "privacy", IN_WORD, IN_NULLABLE, 0, 0, 0, "public|private|friends_only", NULL,
	  "Who may see it, default public" },
	{ "category", IN_LINE, IN_NULLABLE, 1, 100, 0, NULL, NULL, "Slug, name or alias" },
	{ "tags", IN_TEXTS, IN_NULLABLE, 0, 10, 50, NULL, NULL, "Up to 10 words of 50 characters" },
	{ "media", IN_URLS, IN_NULLABLE, 0, 10, 2000, NULL, NULL, "Up to 10 pictures" },
	{ "image_url", IN_URL, IN_NULLABLE, 1, 2000, 0, NULL, NULL, "Picture; default media[0]" },
	{ "is_virtual", IN_BOOL, IN_NULLABLE, 0, 0, 0, NULL, NULL, "Held online" },
	{ "virtual_link", IN_URL, IN_NULLABLE, 1, 2000, 0, NULL, NULL,
	  "Shown to those attending or hosting" },
	{ "price", IN_MONEY, IN_NULLABLE, 0, 0, 0, NULL, NULL, "0 or more, two decimals" },
	{ "currency", IN_CURRENCY, IN_NULLABLE, 0, 0, 0, NULL, NULL, "ISO 4217, default USD" },
	{ "max_attendees", IN_INT, IN_NULLABLE, 1, 100000, 0, NULL, "capacity",
	  "Seats; null = unlimited" },
	{ "waitlist_enabled", IN_BOOL, IN_NULLABLE, 0, 0, 0, NULL, NULL,
	  "Wait when it is full, default true" },
	{ "status", IN_WORD, IN_NULLABLE, 0, 0, 0, "draft|active", NULL, "Default active" },
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};
const struct input_field event_cancel_fields[] = {
	{ "reason", IN_TEXT, IN_NULLABLE, 0, 1000, 0, NULL, NULL, "Told to everybody affected" },
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};
const struct input_field event_duplicate_fields[] = {
	{ "start_date", IN_TIME, IN_NULLABLE, 0, 0, 0, NULL, "date|starts_at",
	  "When the copy begins; default the first week still to come" },
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};

/* ---- parts ---- */

static void cut_core(struct event_parts *p, struct str meta)
{
	struct str version = str_cut(meta, ' ', &meta);

	(void)str_to_long(version, 0, 2147483647, &p->version);
	p->privacy = str_cut(meta, ' ', &meta);
	p->status = str_cut(meta, ' ', &meta);
	p->host_id = str_cut(meta, ' ', &meta);
	p->has_link = str_is(str_cut(meta, ' ', &meta), "l");
	p->slug = str_cut(meta, ' ', &meta);
}

static void cut_viewer(struct event_parts *p, struct str meta)
{
	p->known_viewer = meta.n > 0;
	p->relation = str_cut(meta, ' ', &meta);
	p->cohost_may = str_cut(meta, ' ', &meta);
	p->my_state = str_cut(meta, ' ', &meta);
	if (!p->known_viewer)
		p->relation = STR("none");
}

/* The counts as members to splice, and the number that changes with them. */
static bool take_counts(struct ctx *c, struct event_parts *p, struct str text)
{
	long n[N_COUNTS];
	struct strbuf b;

	if (!counts_read(text, n))
		return false;
	strbuf_init(&b, c->arena, 1024);
	counts_members(&b, n);
	p->stats = (struct str){ b.p, b.len };
	p->stats_seq = str_of(arena_printf(c->arena, "%ld", n[COUNT_SEQ]));
	return true;
}

/* What the database gives of an event, in columns or in lines. */
struct texts {
	struct str meta, core, counts, viewer;
};

static bool take_texts(struct ctx *c, struct event_parts *p, struct texts t)
{
	cut_core(p, t.meta);
	p->core = t.core;
	cut_viewer(p, str_cut(t.viewer, '\n', &t.viewer));
	p->viewer = str_cut(t.viewer, '\n', &p->link);
	return p->core.n > 2 && take_counts(c, p, t.counts);
}

bool event_parts_cut(struct ctx *c, struct event_parts *p, struct str text)
{
	struct texts t;

	t.meta = str_cut(text, '\n', &text);
	t.core = str_cut(text, '\n', &text);
	t.counts = str_cut(text, '\n', &t.viewer);
	return take_texts(c, p, t);
}

struct json_object *event_object(struct ctx *c, const struct event_parts *p)
{
	struct strbuf b;

	strbuf_init(&b, c->arena, 1 << 20);
	strbuf_add(&b, p->core.p, p->core.n - 1);
	strbuf_addc(&b, ',');
	strbuf_addstr(&b, p->stats);
	strbuf_adds(&b, p->known_viewer ? "," : "");
	strbuf_addstr(&b, p->viewer);
	strbuf_adds(&b, p->link.n ? ",\"virtual_link\":" : "");
	strbuf_addstr(&b, p->link);
	strbuf_addc(&b, '}');
	return js_own(c->arena, strbuf_str(&b));
}

const char *event_tag(struct ctx *c, const struct event_parts *p)
{
	unsigned long long viewer = p->viewer.n ? hash64(p->viewer.p, p->viewer.n) >> 32 : 0;

	struct strbuf b;

	strbuf_init(&b, c->arena, 256);
	strbuf_addc(&b, 'v');
	strbuf_addn(&b, p->version);
	strbuf_addc(&b, '.');
	strbuf_addstr(&b, p->stats_seq);
	strbuf_adds(&b, ".");
	if (viewer)
		strbuf_printf(&b, "%llx", viewer);
	else
		strbuf_addc(&b, '0');
	return strbuf_str(&b);
}

enum err events_find(struct ctx *c, struct str s, struct id *out)
{
	const char *slug;
	PGresult *r;

	if (id_parse(s, out))
		return OK;
	*out = (struct id){ "00000000-0000-0000-0000-000000000000" };
	if (s.n < 12 || s.n > 80 || !memchr(s.p, '-', s.n))
		return OK;
	slug = arena_strndup(c->arena, s.p, s.n);
	if (event_copy_by_slug(c, slug, out))
		return OK;
	TRY(db_query(c, Q_EVENT_BY_SLUG, &r, slug));
	if (PQntuples(r) > 0 && id_parse(db_get_str(r, 0, 0), out))
		event_copy_slug(c, slug, out);
	return OK;
}

/* ---- reading through the cache ---- */

enum { CORE, STATS, VIEWER, N_ITEMS };

#define STATS_MS 1000 /* counts are shown for so long after they were read */

struct fetch {
	struct event_parts *p;
	struct cache_item items[N_ITEMS];
	int from, n; /* the items wanted: without a viewer only two, with a copy only the third */
	const char *user; /* NULL for anonymous */
	int64_t counted_ms; /* by the wall clock, which hosts share: when the counts were read */
};

static int64_t wall_ms(void)
{
	return clock_now_us() / 1000;
}

static struct str two_lines(struct ctx *c, struct str a, struct str b)
{
	return str_of(arena_printf(c->arena, "%.*s\n%.*s", (int)a.n, a.p, (int)b.n, b.p));
}

/* "seq when", then the members. */
static struct str stats_text(struct ctx *c, const struct fetch *f)
{
	const struct event_parts *p = f->p;

	return str_of(arena_printf(c->arena, "%.*s %lld\n%.*s", (int)p->stats_seq.n,
				   p->stats_seq.p, (long long)f->counted_ms, (int)p->stats.n,
				   p->stats.p));
}

/* Takes what the cache gave into the parts. False: that is not what we put there. */
static bool take_items(struct fetch *f)
{
	struct str body[N_ITEMS] = { { NULL, 0 } };
	struct str meta[N_ITEMS] = { { NULL, 0 } };
	long when = 0;

	for (int i = f->from; i < f->n; i++)
		meta[i] = str_cut(f->items[i].value, '\n', &body[i]);
	cut_viewer(f->p, meta[VIEWER]);
	f->p->viewer = body[VIEWER];
	if (f->from == VIEWER)
		return true;
	cut_core(f->p, meta[CORE]);
	f->p->core = body[CORE];
	f->p->stats_seq = str_cut(meta[STATS], ' ', &meta[STATS]);
	(void)str_to_long(meta[STATS], 0, LONG_MAX, &when);
	f->counted_ms = when;
	f->p->stats = body[STATS];
	return f->p->core.n > 2 && f->p->stats.n > 2;
}

/* ---- from the database ---- */

/* What the cache keeps of one part. */
static struct str item_text(struct ctx *c, const struct fetch *f, int item, const struct texts *t)
{
	struct str rest;

	switch (item) {
	case CORE:
		return two_lines(c, t->meta, t->core);
	case STATS:
		return stats_text(c, f);
	default:
		return two_lines(c, str_cut(t->viewer, '\n', &rest), f->p->viewer);
	}
}

/* Only the counts ran out: one small statement. */
static enum err load_stats(struct ctx *c, struct fetch *f)
{
	struct cache_item *item = &f->items[STATS];
	PGresult *r;

	f->counted_ms = wall_ms();
	TRY(db_query(c, Q_EVENT_STATS, &r, f->p->id.s));
	if (PQntuples(r) == 0)
		return fail(c, E_NOTFOUND, "no such event");
	if (!take_counts(c, f->p, db_get_str(r, 0, 0)))
		return fail(c, E_INTERNAL, "the counts of an event could not be read");
	item->value = stats_text(c, f);
	if (item->lease)
		cache_fill(c, item, item->value);
	return OK;
}

/* The database is away: its last counts are better than no event. The rest is what memcached holds,
 * so that nothing is shown which somebody has changed since. */
static bool old_counts(struct ctx *c, struct fetch *f)
{
	if (!event_copy_counts(c, f->p))
		return false;
	ctx_forgive(c);
	f->counted_ms = 0;
	f->items[STATS].value = stats_text(c, f);
	cache_release(c, &f->items[STATS]);
	return true;
}

/* What cannot be filled must not make others wait: that would also tell absent from hidden. */
static enum err give_up(struct ctx *c, struct fetch *f, enum err e)
{
	for (int i = f->from; i < f->n; i++)
		cache_release(c, &f->items[i]);
	return e;
}

static enum err load_all(struct ctx *c, struct fetch *f)
{
	struct event_parts *p = f->p;
	PGresult *r;

	f->counted_ms = wall_ms();
	if (f->user)
		TRY(db_query(c, Q_EVENTS_GET_FOR, &r, p->id.s, f->user));
	else
		TRY(db_query(c, Q_EVENTS_GET, &r, p->id.s));
	if (PQntuples(r) == 0)
		return fail(c, E_NOTFOUND, "no such event");
	const struct texts t = { db_get_str(r, 0, 0), db_get_str(r, 0, 1), db_get_str(r, 0, 2),
				 f->user ? db_get_str(r, 0, 3) : (struct str){ NULL, 0 } };

	if (!take_texts(c, p, t))
		return fail(c, E_INTERNAL, "an event could not be read");
	for (int i = f->from; i < f->n; i++)
		if (f->items[i].lease)
			cache_fill(c, &f->items[i], item_text(c, f, i, &t));
	return OK;
}

static enum err load_link(struct ctx *c, struct event_parts *p)
{
	PGresult *r;

	TRY(db_query(c, Q_EVENT_LINK, &r, p->id.s));
	p->link = db_get_str(r, 0, 0);
	return OK;
}

/* Fills p from memcached, leases and the database, in that order. */
static enum err fetch_parts(struct ctx *c, struct fetch *f)
{
	bool in_vain = false;
	int missing = 0;

	cache_get(c, f->items + f->from, f->n - f->from);
	for (int i = f->from; i < f->n; i++) {
		/* who has waited in vain for one part does not wait for another */
		if (!f->items[i].value.p && !in_vain)
			cache_lease(c, &f->items[i]);
		if (f->items[i].value.p)
			continue;
		missing |= 1 << i;
		in_vain |= !f->items[i].lease;
	}
	if (missing & ~(1 << STATS)) {
		enum err e = load_all(c, f);

		return e == OK ? OK : give_up(c, f, e);
	}
	if (missing) {
		enum err e = load_stats(c, f);

		if (e != OK && !(e == E_UNAVAIL && old_counts(c, f)))
			return give_up(c, f, e);
	}
	if (!take_items(f))
		return load_all(c, f);
	if (f->p->has_link && policy_sees_link(c, f->p))
		return load_link(c, f->p);
	return OK;
}

/* The worker's own copy spares the first two items; without one, what is fetched is kept as one. */
static enum err fetch_cached(struct ctx *c, struct fetch *f)
{
	struct event_parts *p = f->p;
	const char *const id = p->id.s;

	if (event_copy_get(c, p)) {
		f->from = VIEWER;
	} else {
		f->items[CORE].family = CK_EVENT;
		f->items[CORE].key = cache_key(c, CK_EVENT, id, NULL);
		f->items[STATS].family = CK_EVENT_STATS;
		f->items[STATS].key = cache_key(c, CK_EVENT_STATS, id, NULL);
		p->mark = event_copy_mark(c, &p->id);
	}
	if (f->user) {
		f->items[VIEWER].family = CK_VIEWER;
		f->items[VIEWER].key = cache_key(c, CK_VIEWER, f->user, id);
	} else if (f->from == VIEWER) {
		cut_viewer(p, (struct str){ NULL, 0 });
		return OK;
	}
	TRY(fetch_parts(c, f));
	if (f->from == VIEWER)
		return OK;
	int64_t age = wall_ms() - f->counted_ms;

	/* Counts out of the future come from a host whose clock is ahead: their age is unknown. */
	if (age >= 0)
		p->until_ms = clock_mono_ms() + STATS_MS - age;
	event_copy_put(c, p);
	return OK;
}

enum err events_get(struct ctx *c, const struct id *id, bool fresh, struct event_parts *p)
{
	const char *user = id_or_null(&c->actor->user);
	struct fetch f = { .p = p, .n = user ? 3 : 2, .user = user };

	memset(p, 0, sizeof(*p));
	p->id = *id;
	if (fresh)
		TRY(load_all(c, &f));
	else
		TRY(fetch_cached(c, &f));
	if (!policy_sees_event(c, p))
		return fail(c, E_NOTFOUND, "no such event");
	if (!policy_sees_link(c, p))
		p->link = (struct str){ NULL, 0 };
	return OK;
}

enum err events_access(struct ctx *c, const struct id *id, struct event_parts *p)
{
	PGresult *r;

	memset(p, 0, sizeof(*p));
	p->id = *id;
	TRY(db_query(c, Q_EVENT_ACCESS, &r, id->s, id_or_null(&c->actor->user)));
	if (PQntuples(r) == 0)
		return fail(c, E_NOTFOUND, "no such event");
	cut_core(p, db_get_str(r, 0, 0));
	cut_viewer(p, db_get_str(r, 0, 1));
	if (!policy_sees_event(c, p))
		return fail(c, E_NOTFOUND, "no such event");
	return OK;
}
