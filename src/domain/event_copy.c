/* src/domain/event_copy.c - an event in the worker's own memory: the texts of core and stats, and
 * what was read out of them, so that a hit parses nothing; its slug; pages made of it */
#include "domain/event_copy.h"

#include "auth/actor.h"
#include "cache/cache.h"
#include "core/clock.h"
#include "core/strbuf.h"

static const size_t texts[] = {
	offsetof(struct event_parts, privacy),	 offsetof(struct event_parts, status),
	offsetof(struct event_parts, host_id),	 offsetof(struct event_parts, slug),
	offsetof(struct event_parts, stats_seq), offsetof(struct event_parts, core),
	offsetof(struct event_parts, stats),
};

struct copy {
	long version;
	bool has_link;
	size_t n[COUNT(texts)];
	char bytes[]; /* the texts, one after the other */
};

static struct str *text_of(struct event_parts *p, size_t i)
{
	return (struct str *)(void *)((char *)p + texts[i]);
}

static int64_t life_of(const struct event_parts *p)
{
	return p->mark.ns ? p->until_ms - clock_mono_ms() : 0;
}

void event_copy_put(struct ctx *c, struct event_parts *p)
{
	size_t n = sizeof(struct copy);
	struct copy *copy;
	char *at;

	if (life_of(p) <= 0)
		return;
	for (size_t i = 0; i < COUNT(texts); i++)
		n += text_of(p, i)->n;
	copy = arena_zalloc(c->arena, n);
	copy->version = p->version;
	copy->has_link = p->has_link;
	at = copy->bytes;
	for (size_t i = 0; i < COUNT(texts); i++) {
		const struct str *text = text_of(p, i);

		copy->n[i] = text->n;
		if (text->n)
			memcpy(at, text->p, text->n);
		at += text->n;
	}
	l1_put(c, str_of(p->id.s), &p->mark, life_of(p), (struct str){ (char *)copy, n });
}

static bool take(struct event_parts *p, struct str found)
{
	const struct copy *copy = (const void *)found.p;
	const char *at;

	if (!copy)
		return false;
	p->version = copy->version;
	p->has_link = copy->has_link;
	at = copy->bytes;
	for (size_t i = 0; i < COUNT(texts); i++) {
		*text_of(p, i) = (struct str){ at, copy->n[i] };
		at += copy->n[i];
	}
	return true;
}

bool event_copy_get(struct ctx *c, struct event_parts *p)
{
	return take(p, l1_get_with(c, str_of(p->id.s), &p->mark, &p->until_ms));
}

bool event_copy_counts(struct ctx *c, struct event_parts *p)
{
	struct event_parts old;

	if (!take(&old, l1_get_old(c, str_of(p->id.s))))
		return false;
	p->stats_seq = old.stats_seq;
	p->stats = old.stats;
	return true;
}

/* ---- slugs ---- */

struct l1_mark event_copy_mark(struct ctx *c, const struct id *id)
{
	return l1_mark(c, (const char *const[]){ cache_key(c, CK_EVENT, id->s, NULL),
						 cache_key(c, CK_EVENT_STATS, id->s, NULL) });
}

static struct str name_of_slug(struct ctx *c, const char *slug)
{
	return str_of(arena_printf(c->arena, "slug %s", slug));
}

void event_copy_slug(struct ctx *c, const char *slug, const struct id *id)
{
	struct l1_mark m = event_copy_mark(c, id);

	l1_put(c, name_of_slug(c, slug), &m, 1, str_of(id->s));
}

bool event_copy_by_slug(struct ctx *c, const char *slug, struct id *id)
{
	struct str found = l1_get_old(c, name_of_slug(c, slug));

	return found.p && id_parse(found, id);
}

/* ---- what is made of events ---- */

void events_made_keep(struct ctx *c, const struct event_parts *p, const char *name,
		      struct str made)
{
	struct strbuf b;

	if (actor_known(c->actor) || life_of(p) <= 0)
		return;
	strbuf_init(&b, c->arena, made.n + sizeof(p->id.s));
	strbuf_room(&b, made.n + sizeof(p->id.s));
	strbuf_adds(&b, p->id.s);
	strbuf_addstr(&b, made);
	l1_put(c, str_of(name), &p->mark, life_of(p), (struct str){ b.p, b.len });
}

struct str events_made(struct ctx *c, const char *name, struct id *id)
{
	struct str found = { NULL, 0 };
	const size_t n = sizeof(id->s) - 1;

	if (!actor_known(c->actor))
		found = l1_get(c, str_of(name));
	if (found.n < n || !id_parse((struct str){ found.p, n }, id))
		return (struct str){ NULL, 0 };
	return (struct str){ found.p + n, found.n - n };
}
