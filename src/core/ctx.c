/* src/core/ctx.c - the error state of an operation */
#include "core/ctx.h"

void ctx_begin(struct ctx *c, struct arena *a)
{
	c->arena = a;
	c->request_id = "";
	c->traceparent = NULL;
	c->asker = c->asker_address = c->asker_as = NULL;
	c->sql_trips = 0;
	c->revocation_trips = 0;
	c->cache_trips = 0;
	c->cache_off = false;
	c->must_see = 0;
	c->wrote = 0;
	ctx_forgive(c);
}

void ctx_forgive(struct ctx *c)
{
	c->err = OK;
	c->err_msg = NULL;
	c->details = NULL;
	c->n_details = 0;
	c->details_end = &c->details;
	c->retry_after = 0;
}

enum err fail(struct ctx *c, enum err e, const char *fmt, ...)
{
	va_list ap;

	if (c->err != OK)
		return c->err;
	va_start(ap, fmt);
	c->err = e == OK ? E_INTERNAL : e;	/* failing with OK is a bug */
	c->err_msg = arena_vprintf(c->arena, fmt, ap);
	va_end(ap);
	return c->err;
}

enum err fail_field(struct ctx *c, const char *field, const char *fmt, ...)
{
	struct detail *d;
	va_list ap;

	if (c->n_details++ >= CTX_DETAILS_MAX)
		return E_INVALID; /* c->err says so already */
	d = ARENA_NEW(c->arena, struct detail);
	va_start(ap, fmt);
	d->field = arena_strdup(c->arena, field);
	d->reason = arena_vprintf(c->arena, fmt, ap);
	va_end(ap);
	/* A context that never saw ctx_begin (all zero) is good enough to fail in. */
	if (!c->details_end)
		c->details_end = &c->details;
	*c->details_end = d;
	c->details_end = &d->next;
	if (c->err == OK) {
		c->err = E_INVALID;
		c->err_msg = err_info(E_INVALID)->title;
	}
	return E_INVALID;
}
