/* src/site/feeds.c - events for calendar programs: one, any list of them, and one's own */
#include "domain/feeds.h"

#include "core/json.h"
#include "core/strbuf.h"
#include "domain/events.h"
#include "domain/ical.h"
#include "domain/list.h"
#include "site/site.h"

#define ICS "text/calendar; charset=utf-8"
#define ICS_MAX ((size_t)32 << 20)

/* events: an array of documents. name NULL: no calendar to be subscribed to. */
static enum err reply_calendar(struct req *rq, const char *name, const char *file,
			       struct json_object *events)
{
	struct ical_head head = { .site = rq->ctx->cfg->http_public_url,
				  .name = name,
				  .refresh = name ? "PT1H" : NULL };
	struct strbuf b;

	strbuf_init(&b, rq->ctx->arena, ICS_MAX);
	ical_calendar(&b, &head, events);
	if (b.failed)
		return fail(rq->ctx, E_INTERNAL, "this calendar is too large: ask for less");
	http_setf(rq->rs, "Content-Disposition", "inline; filename=\"%s.ics\"", file);
	return reply_tagged(rq, 200, ICS, (struct str){ b.p, b.len });
}

static enum err feed_event(struct req *rq)
{
	struct arena *a = rq->ctx->arena;
	struct event_parts p;
	struct id id;

	TRY(events_find(rq->ctx, req_param(rq, "id"), &id));
	TRY(events_get(rq->ctx, &id, false, &p));
	return reply_calendar(rq, NULL, arena_strndup(a, p.slug.p, p.slug.n),
			      js_own(a, arena_printf(a, "[%.*s]", (int)p.core.n, p.core.p)));
}

static enum err feed_events(struct req *rq)
{
	struct list l;

	TRY(list_feed(rq->ctx, &rq->query, &l));
	return reply_calendar(rq, site_name(rq), "events", js_own(rq->ctx->arena, l.items));
}

/* Whoever has the address reads as its owner does, but does nothing else. */
static enum err feed_mine(struct req *rq)
{
	struct id user;
	struct list l;

	TRY(feeds_owner(rq->ctx, req_param(rq, "token"), &user));
	rq->actor = (struct actor){ .user = user, .role = ROLE_ANONYMOUS };
	TRY(list_my_feed(rq->ctx, &l));
	return reply_calendar(rq, site_name(rq), "my-events", js_own(rq->ctx->arena, l.items));
}

static enum err feed_open(struct req *rq)
{
	struct arena *a = rq->ctx->arena;
	const char *token;

	TRY(feeds_open(rq->ctx, &token));
	rq->message = "keep this address to yourself; it is told only once";
	return reply_data(rq, 201, arena_printf(a, "{\"url\":\"%s/feeds/%s.ics\"}",
						rq->ctx->cfg->http_public_url, token));
}

static enum err feed_close(struct req *rq)
{
	TRY(feeds_close(rq->ctx));
	rq->message = "the calendar's address is void";
	return reply_data(rq, 200, "{\"revoked\":true}");
}

const struct route feed_routes[] = {
	{ M_GET, "/events.ics", feed_events, WHO_ANY, 0, RL_BROWSE, C_SHARED,
	  RF_BARE | RF_REPLICA, NULL, list_fields,
	  "The list of events as iCalendar (RFC 5545), up to 500; those called off stay, "
	  "cancelled, until a day after they would have begun" },
	{ M_GET, "/events.atom", feed_atom, WHO_ANY, 0, RL_BROWSE, C_SHARED,
	  RF_BARE | RF_REPLICA, NULL, list_fields,
	  "The list of events as an Atom feed (RFC 4287), the newest first; pages by rel=next" },
	{ M_GET, "/events/:id.ics", feed_event, WHO_ANY, 0, RL_BROWSE, C_DOC, RF_BARE, NULL, NULL,
	  "One event as iCalendar, by id or slug" },
	{ M_GET, "/feeds/:token.ics", feed_mine, WHO_ANY, 0, RL_BROWSE, C_DOC, RF_BARE | RF_SECRET,
	  NULL, NULL, "What the owner of the address hosts and attends, as iCalendar" },
	{ M_POST, "/users/me/feed", feed_open, WHO_MEMBER, 0, RL_WRITE, C_NONE, 0, NULL, NULL,
	  "Makes an address for one's own calendar; an older one is void" },
	{ M_DELETE, "/users/me/feed", feed_close, WHO_MEMBER, 0, RL_WRITE, C_NONE, 0, NULL, NULL,
	  "Makes the address of one's own calendar void" },
	ROUTE_END
};
