/* src/notifier/mail_letter.c - what a mail says: templates/mail with the texts of the reader's
 * language and the event's own time */
#include "core/clock.h"
#include "core/json.h"
#include "core/strbuf.h"
#include "domain/ical.h"
#include "domain/tickets.h"
#include "notifier/mail.h"
#include "web/view.h"
#include "web/words.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BODY_MAX ((size_t)256 << 10)
#define MINUTE_MS 60000

struct desk {
	const struct config *cfg;
	struct arena *arena;
	struct views *text, *html;
	const char *who, *from;	/* the sender */
};

/* ---- opening ---- */

static struct views *load(const struct desk *d, const char *kind, bool html, char *why, size_t n)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s/mail/%s", d->cfg->site_templates, kind);
	return views_load(folder, html, why, n);
}

bool desk_read(struct desk *d, char *why, size_t n)
{
	struct views *text = load(d, "text", false, why, n);
	struct views *html = text ? load(d, "html", true, why, n) : NULL;

	if (!html || !words_open(d->cfg->site_templates, why, n)) {
		views_free(text);
		views_free(html);
		return false;
	}
	views_free(d->text);
	views_free(d->html);
	d->text = text;
	d->html = html;
	return true;
}

struct desk *desk_open(const struct config *cfg, char *why, size_t n)
{
	struct arena *a = arena_new(1 << 20);
	struct desk *d = ARENA_NEW(a, struct desk);

	d->cfg = cfg;
	d->arena = a;
	if (!mail_person(a, cfg->mail_from, &d->who, &d->from))
		snprintf(why, n, "mail.from must be an address, or a name and <an address>");
	else if (desk_read(d, why, n))
		return d;
	desk_close(d);
	return NULL;
}

void desk_close(struct desk *d)
{
	if (!d)
		return;
	views_free(d->text);
	views_free(d->html);
	words_close();
	arena_free(d->arena);
}

/* ---- what templates use ---- */

static void put(struct json_object *o, const char *name, const char *value)
{
	js_add(o, name, value ? js_made(json_object_new_string(value)) : NULL);
}

/* "2031-07-01 19:00", already by the clocks of the event's zone. */
static const struct tm *read_time(const char *text, struct tm *tm)
{
	memset(tm, 0, sizeof(*tm));
	return text && strptime(text, "%Y-%m-%d %H:%M", tm) ? tm : NULL;
}

static void add_event(struct ctx *c, const struct words *w, struct json_object *e)
{
	struct tm from, to;

	if (!read_time(js_str(e, "starts"), &from))
		return;
	put(e, "when", words_when(c->arena, w, &from, read_time(js_str(e, "ends"), &to)));
	put(e, "where", json_object_get_boolean(js_get(e, "is_virtual")) ?
				js_str(w->t, "online") : js_str(e, "location"));
}

static bool differs(struct json_object *a, struct json_object *b, const char *name)
{
	const char *one = js_str(a, name), *other = js_str(b, name);

	return strcmp(one ? one : "", other ? other : "") != 0;
}

/* Of an event that has changed: what of when and where was otherwise. */
static void add_before(struct ctx *c, const struct words *w, struct json_object *o)
{
	struct json_object *e = js_get(o, "event"), *was = js_get(o, "was");

	if (!was)
		return;
	add_event(c, w, was);
	if (differs(e, was, "when") || differs(e, was, "timezone"))
		put(o, "was_when", arena_printf(c->arena, "%s (%s)", js_str(was, "when"),
						js_str(was, "timezone")));
	if (differs(e, was, "where"))
		put(o, "was_where", js_str(was, "where") ? js_str(was, "where") : "–");
}

/* The code of the ticket. A notifier without the workers' keys cannot make it, but the link leads
 * there. */
static void add_ticket(struct ctx *c, struct desk *d, struct json_object *o)
{
	struct json_object *t = js_get(o, "ticket");
	const char *slug = js_str(js_get(o, "event"), "slug");
	char code[TICKET_TEXT];

	if (!t)
		return;
	put(o, "ticket_link", arena_printf(c->arena, "%s/e/%s/ticket", d->cfg->http_public_url,
					   slug));
	if (tickets_code(c, &(struct ticket){ json_object_get_int64(js_get(t, "ms")),
					      js_str(t, "holder"), js_str(t, "event") },
			 code) == OK)
		put(o, "ticket_code", code);
	ctx_forgive(c);
}

/* The event for the reader's calendar, where it takes the place of what is there of it. */
static enum err add_calendar(struct ctx *c, struct desk *d, struct json_object *o,
			     const char **out)
{
	struct ical_head head = { .site = d->cfg->http_public_url };
	struct json_object *document = js_get(o, "document"), *list;
	struct strbuf b;

	*out = NULL;
	if (!document)
		return OK;
	list = js_made(json_object_new_array());
	js_add(o, "documents", list);	/* and so it belongs to the arena */
	js_push(list, json_object_get(document));
	strbuf_init(&b, c->arena, BODY_MAX);
	ical_calendar(&b, &head, list);
	if (b.failed)
		return fail(c, E_INVALID, "the event is too large for a mail");
	*out = strbuf_str(&b);
	return OK;
}

static void add_link(struct ctx *c, struct desk *d, struct json_object *o, const char *token)
{
	const char *site = d->cfg->http_public_url;
	struct json_object *e = js_get(o, "event");

	put(o, "site", site);
	if (e) {
		put(o, "link", arena_printf(c->arena, "%s/e/%s", site, js_str(e, "slug")));
	} else if (strcmp(js_str(o, "kind"), "password_reset") == 0) {
		put(o, "link", arena_printf(c->arena, "%s/reset?token=%s", site, token));
		put(o, "minutes",
		    arena_printf(c->arena, "%ld", d->cfg->auth_reset_ttl / MINUTE_MS));
	}
}

/* False: there are no texts for mails of this kind. */
static bool add_words_of_kind(struct ctx *c, struct json_object *o)
{
	const struct words *w = words_of(str_of(js_str(o, "locale")));
	struct json_object *e = js_get(o, "event"), *says;
	const char *subject;

	w = w ? w : words_default();
	says = js_get(js_get(w->t, "mail"), js_str(o, "kind"));
	subject = js_str(says, "subject");
	if (!subject)
		return false;
	if (e) {
		add_event(c, w, e);
		add_before(c, w, o);
		subject = arena_printf(c->arena, "%s: %s", subject, js_str(e, "title"));
	}
	put(o, "subject", subject);
	put(o, "lang", w->lang);
	js_add(o, "t", json_object_get(w->t));
	js_add(o, "says", json_object_get(says));
	return true;
}

/* ---- writing ---- */

static const char *with_crlf(struct arena *a, struct str text)
{
	struct strbuf b;

	strbuf_init(&b, a, 2 * BODY_MAX);
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\n')
			strbuf_addc(&b, '\r');
		strbuf_addc(&b, text.p[i]);
	}
	return strbuf_str(&b);
}

static enum err render(struct ctx *c, const struct views *v, struct json_object *o,
		       const char **out)
{
	struct strbuf b;

	strbuf_init(&b, c->arena, BODY_MAX);
	TRY(view_render(c, v, "letter", o, &b));
	*out = with_crlf(c->arena, (struct str){ b.p, b.len });
	return OK;
}

/* RFC 5322, 3.3; names of days and months are English whatever the reader's language. */
static const char *date(struct arena *a)
{
	time_t now = (time_t)(clock_now_us() / 1000000);
	char *text = arena_alloc(a, 40);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(text, 40, "%a, %d %b %Y %H:%M:%S +0000", &tm);
	return text;
}

static void add_head(const struct desk *d, const char *id, struct json_object *o,
		     struct letter *l)
{
	struct mail_head *h = &l->head;

	mail_head_person(h, "From", d->who, d->from);
	mail_head_person(h, "To", js_str(o, "name"), l->to);
	mail_head_text(h, "Subject", js_str(o, "subject"));
	mail_head_add(h, "Date", date(h->arena));
	mail_head_add(h, "Message-ID", arena_printf(h->arena, "<%s%s>", id, strchr(d->from, '@')));
	mail_head_add(h, "Auto-Submitted", "auto-generated");
	mail_head_add(h, "Content-Language", js_str(o, "lang"));
	mail_head_add(h, "Content-Type", l->calendar ? "multipart/mixed" : "multipart/alternative");
}

enum err desk_write(struct ctx *c, struct desk *d, const struct post *p, struct letter *out)
{
	struct json_object *o = js_own(c->arena, p->json);
	const char *who, *to = o ? js_str(o, "address") : NULL;

	*out = (struct letter){ .from = d->from, .head = { .arena = c->arena } };
	if (!to || !mail_person(c->arena, to, &who, &out->to) || who)
		return fail(c, E_INVALID, "this is no address to send mail to");
	if (!add_words_of_kind(c, o))
		return fail(c, E_INVALID, "there are no texts for this kind of mail");
	add_link(c, d, o, p->token);
	add_ticket(c, d, o);
	TRY(add_calendar(c, d, o, &out->calendar));
	add_head(d, p->id, o, out);
	if (out->head.bad)
		return fail(c, E_INVALID, "a line break or the like stands where a name or a title "
					  "should");
	TRY(render(c, d->text, o, &out->text));
	return render(c, d->html, o, &out->html);
}
