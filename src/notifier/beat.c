/* src/notifier/beat.c - the heartbeat that /health, /metrics and `marquee doctor` read, and what
 * else has to be done once in a while */
#include "core/clock.h"
#include "core/log.h"
#include "core/shm.h"
#include "core/strbuf.h"
#include "notifier/notifier.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BEAT_MS 700
#define SECOND_MS 1000
#define GREETING_MS 2000	/* a new notifier says nothing of brokers it has not met yet */
#define BACKLOG_SHARE 20	/* counting a long backlog may take 1/20 of the time */

const char *beat_kafka(const struct notifier *n)
{
	if (!n->producer)
		return "off";
	return producer_connected(n->producer) ? "up" : "down";
}

static void count_backlog(struct notifier *n, int64_t now)
{
	struct ctx *c = notifier_ctx(n, n->scratch);
	int64_t took;
	PGresult *r;

	if (db_query0(c, Q_OUTBOX_BACKLOG, &r) == OK) {
		n->pending = db_get_long(r, 0, 0);
		n->oldest_s = strtod(db_get(r, 0, 1), NULL);
	}
	if (db_query0(c, Q_OUTBOX_ALARMS, &r) == OK) {
		n->parked = db_get_long(r, 0, 0);
		n->transaction_s = db_get_long(r, 0, 1);
		n->unplaced = db_get_long(r, 0, 2);
	}
	if (n->mail && db_query0(c, Q_MAIL_QUEUE, &r) == OK) {
		n->mails.pending = db_get_long(r, 0, 0);
		n->mails.oldest_s = strtod(db_get(r, 0, 1), NULL);
		n->mails.parked = db_get_long(r, 0, 2);
		n->mails.sent = db_get_long(r, 0, 3);
		n->mails.failed = db_get_long(r, 0, 4);
	}
	took = clock_mono_ms() - now;
	n->backlog_at = now + (took * BACKLOG_SHARE > SECOND_MS ? took * BACKLOG_SHARE : SECOND_MS);
}

static const char *state_text(struct notifier *n)
{
	struct strbuf b;
	bool any = false;

	strbuf_init(&b, n->scratch, 4096);
	strbuf_printf(&b, "{\"kafka\":\"%s\",\"leads\":[", beat_kafka(n));
	for (int i = 0; i < SHARDS; i++) {
		if (!n->shards[i].leads)
			continue;
		strbuf_printf(&b, "%s%d", any ? "," : "", i);
		any = true;
	}
	strbuf_printf(&b, "],\"pending\":%lld,\"oldest_seconds\":%.3f,\"parked\":%lld,", n->pending,
		      n->oldest_s, n->parked);
	strbuf_printf(&b, "\"oldest_transaction_seconds\":%lld,\"unplaced\":%lld,",
		      n->transaction_s, n->unplaced);
	strbuf_printf(&b, "\"mail\":\"%s\",", mail_word(n));
	if (n->mail)
		strbuf_printf(&b, "\"mail_pending\":%lld,\"mail_oldest_seconds\":%.3f,"
			      "\"mail_parked\":%lld,\"mail_sent\":%lld,\"mail_failed\":%lld,",
			      n->mails.pending, n->mails.oldest_s, n->mails.parked, n->mails.sent,
			      n->mails.failed);
	strbuf_printf(&b, "\"sent\":%llu,\"pid\":%ld,\"host\":", n->sent, (long)getpid());
	strbuf_jsonz(&b, n->host);
	strbuf_adds(&b, ",\"cache_servers\":");
	strbuf_jsonz(&b, n->cfg->cache_servers);
	strbuf_adds(&b, ",\"version\":");
	strbuf_jsonz(&b, MARQUEE_VERSION);
	strbuf_adds(&b, "}");
	return strbuf_str(&b);
}

void beat_namespace(struct notifier *n, int64_t now)
{
	if (now < n->namespace_at || n->cfg->cache_servers[0] == '\0')
		return;
	n->namespace_at = now + SECOND_MS;
	if (cache_namespace_refresh(notifier_ctx(n, n->scratch)) != OK)
		log_msg(LOG_WARN_, "the cache's namespace could not be read");
	arena_reset(n->scratch);
}

/* What functions in the database have to know of the configuration. */
static void tell_settings(struct notifier *n)
{
	struct ctx *c = notifier_ctx(n, n->scratch);
	char seconds[24];

	snprintf(seconds, sizeof(seconds), "%ld", n->cfg->outbox_retention / SECOND_MS);
	if (db_query(c, Q_OUTBOX_RETENTION, NULL, seconds) == OK &&
	    (n->mail || db_query0(c, Q_MAIL_OFF, NULL) == OK))
		n->settings_told = true;
}

void beat_step(struct notifier *n, int64_t now)
{
	bool speaks = !n->producer || n->shards[0].leads;

	if (!n->greet_by)
		n->greet_by = now + GREETING_MS;
	if (n->producer && !producer_connected(n->producer) && now < n->greet_by)
		speaks = false;
	if (speaks && now >= n->beat_at) {
		n->beat_at = now + BEAT_MS;
		if (now >= n->backlog_at)
			count_backlog(n, now);
		if (!n->settings_told)
			tell_settings(n);
		/* A beat that does not arrive is what others are to see. */
		(void)!db_query(notifier_ctx(n, n->scratch), Q_HEARTBEAT_PUT, NULL, "notifier",
				state_text(n));
	}
	arena_reset(n->scratch);
}
