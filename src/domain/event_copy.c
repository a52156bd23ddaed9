/* src/domain/event_copy.c - an event in the worker's own memory: the texts of core and stats, and
 * what was read out of them, so that a hit parses nothing */
#include "domain/event_copy.h"

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

void event_copy_put(struct ctx *c, struct event_parts *p, const struct l1_mark *mark,
		    int64_t life_ms)
{
	size_t n = sizeof(struct copy);
	struct copy *copy;
	char *at;

	if (mark->ns == 0 || life_ms <= 0)
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
	l1_put(c, str_of(p->id.s), mark, life_ms, (struct str){ (char *)copy, n });
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
	return take(p, l1_get(c, str_of(p->id.s)));
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
