/* src/admin/acts.c - publishing, calling off, copying and deleting an event: a page that asks, and
 * the deed */
#include "admin/admin.h"

#include "core/json.h"

#include <stdlib.h>

/* ---- the deeds ---- */

struct deed {
	struct req *rq;
	const struct desk_event *e;
	const struct input *in;
	const char *versions;
	const char *to; /* out: where to go then; the event's page unless set */
};

static enum err publish(struct deed *d)
{
	struct change how = { .id = &d->e->id, .versions = d->versions };
	struct event_parts p;
	struct effect e;

	return events_publish(d->rq->ctx, &how, &e, &p);
}

static enum err cancel(struct deed *d)
{
	struct change how = { .id = &d->e->id, .versions = d->versions };
	struct event_parts p;
	struct effect e;

	return events_cancel(d->rq->ctx, &how, js_str(d->in->values, "reason"), &e, &p);
}

static enum err duplicate(struct deed *d)
{
	struct id id = id_new();
	struct change how = { .id = &id, .of = &d->e->id };
	struct event_parts p;
	struct effect e;

	TRY(events_duplicate(d->rq->ctx, &how, js_str(d->in->values, "start_date"), &e, &p));
	d->to = arena_printf(d->rq->ctx->arena, "/admin/events/%s", id.s);
	return OK;
}

static enum err delete(struct deed *d)
{
	struct change how = { .id = &d->e->id, .versions = d->versions };
	struct effect e;

	d->to = "/admin/events";
	return events_delete(d->rq->ctx, &how, &e);
}

const struct input_field desk_no_fields[] = {
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};

static const struct act {
	const char *name; /* the last part of its address; texts are t.desk.<name> */
	const char *needs; /* see policy_may */
	const char *done; /* what the next page says */
	const struct input_field *fields;
	enum err (*run)(struct deed *d);
} acts[] = {
	{ "publish", "edit", "published", desk_no_fields, publish },
	{ "cancel", "edit", "cancelled", event_cancel_fields, cancel },
	{ "duplicate", "edit", "duplicated", event_duplicate_fields, duplicate },
	{ "delete", "delete", "deleted", desk_no_fields, delete },
};

/* Routes and rows are constant: each has its own. */
static const struct act *act_of(const struct req *rq)
{
	const char *name = strrchr(rq->route->path, '/') + 1;
	size_t i = 0;

	while (i < COUNT(acts) - 1 && strcmp(acts[i].name, name) != 0)
		i++;
	return &acts[i];
}

/* ---- the page ---- */

static enum err show(struct req *rq, int status, const struct desk_event *e,
		     struct json_object *sent)
{
	const struct act *act = act_of(rq);
	struct json_object *o = desk_data(rq, "events"), *words;
	const char *version = sent ? js_str(sent, "_version") : NULL;

	desk_add_event(rq, o, e);
	js_put(o, "version",
	       version ? version : arena_printf(rq->ctx->arena, "%ld", e->parts.version));
	js_put(o, "act", act->name);
	json_object_object_get_ex(o, "t", &words);
	json_object_object_get_ex(words, "desk", &words);
	json_object_object_get_ex(words, act->name, &words);
	js_add(o, "says", json_object_get(words));
	js_flag(o, "is_cancel", act->run == cancel);
	js_flag(o, "is_duplicate", act->run == duplicate);
	js_number(o, "going", desk_count(e->doc, "going"));
	js_number(o, "waiting", desk_count(e->doc, "waitlist"));
	form_add(rq, o, act->fields, sent);
	ctx_forgive(rq->ctx);
	return page_reply(rq, status, "admin/act", o);
}

enum err admin_act(struct req *rq)
{
	struct desk_event e;

	TRY(desk_event(rq, act_of(rq)->needs, &e));
	return show(rq, 200, &e, NULL);
}

enum err admin_act_do(struct req *rq)
{
	const struct act *act = act_of(rq);
	struct json_object *sent;
	struct desk_event e;
	struct input in;
	struct deed d = { .rq = rq, .e = &e, .in = &in };
	const char *version;
	enum err err;

	TRY(desk_event(rq, act->needs, &e));
	d.to = e.path;
	err = form_read(rq, act->fields, (struct input_mode){ .zone = e.zone }, &sent, &in);
	version = js_str(sent, "_version");
	if (err == OK) {
		d.versions = arena_printf(rq->ctx->arena, "{%ld}",
					  version ? strtol(version, NULL, 10) : 0);
		err = act->run(&d);
	}
	if (err == E_PRECOND)	/* it is shown as it is now, to be asked again */
		json_object_object_del(sent, "_version");
	if (err == E_INVALID || err == E_CLOSED || err == E_PRECOND || err == E_LIMIT)
		return show(rq, err_info(err)->http, &e, sent);
	TRY(err);
	return desk_done(rq, d.to, act->done);
}
