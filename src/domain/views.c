/* src/domain/views.c - view counts: kept in the process, written in batches (a killed worker loses
 * at most five seconds of them) */
#include "core/clock.h"
#include "core/log.h"
#include "core/strbuf.h"
#include "domain/events.h"

#define HELD_MAX 256
#define HELD_MS 5000

static struct {
	struct {
		struct id id;
		int n;
	} of[HELD_MAX];
	int count;
	int64_t oldest_ms;
} held;

void views_flush(struct ctx *c, bool now)
{
	struct strbuf ids, ns;
	PGresult *r;

	int64_t age = clock_mono_ms() - held.oldest_ms;

	if (held.count == 0 || (!now && age < (held.count == HELD_MAX ? HELD_MS / 10 : HELD_MS)))
		return;
	strbuf_init(&ids, c->arena, HELD_MAX * 40);
	strbuf_init(&ns, c->arena, HELD_MAX * 12);
	for (int i = 0; i < held.count; i++) {
		strbuf_printf(&ids, "%c%s", i ? ',' : '{', held.of[i].id.s);
		strbuf_printf(&ns, "%c%d", i ? ',' : '{', held.of[i].n);
	}
	strbuf_addc(&ids, '}');
	strbuf_addc(&ns, '}');
	held.oldest_ms = clock_mono_ms();
	if (db_query(c, Q_VIEWS_ADD, &r, strbuf_str(&ids), strbuf_str(&ns)) == OK)
		held.count = 0;
	else
		ctx_forgive(c);
}

void views_count(struct ctx *c, const struct id *id)
{
	(void)c;
	if (held.count == 0)
		held.oldest_ms = clock_mono_ms();
	for (int i = 0; i < held.count; i++)
		if (strcmp(held.of[i].id.s, id->s) == 0) {
			held.of[i].n++;
			return;
		}
	if (held.count == HELD_MAX)
		return; /* full and the database away: views are not worth waiting for */
	held.of[held.count].id = *id;
	held.of[held.count++].n = 1;
}
