/* src/domain/page.h - pages of lists: number and size, or a cursor bound to its list */
#ifndef DOMAIN_PAGE_H
#define DOMAIN_PAGE_H

#include "core/ctx.h"
#include "domain/input.h"

#include <libpq-fe.h>

/* clang-format off */
#define PAGE_ROWS \
	{ "page", IN_INT, 0, 1, 10000, 0, NULL, NULL, "Number of the page, from 1" }, \
	{ "limit", IN_INT, 0, 1, 100, 0, NULL, "page_size|per_page", \
	  "Items a page, at most 100; default 20" }, \
	{ "cursor", IN_LINE, 0, 1, 400, 0, NULL, NULL, "next_cursor of the page before" }
/* clang-format on */

struct page {
	long page, limit;
	const char *bound; /* what a cursor of this list is bound to */
	const char *key, *id; /* last of the page before; NULL without a cursor */
	const char *skip, *most; /* OFFSET and LIMIT + 1, as parameters */
};

/* Reads the page part of in. bound names list, filters and sort: a cursor of another list is
 * refused. */
enum err page_read(struct ctx *c, const struct input *in, const char *bound,
		   struct page *p) MUST_CHECK;
/* The pagination object. key and id of the last item shown, NULL when this was the last page;
 * total < 0: unknown. */
const char *page_json(struct ctx *c, const struct page *p, const char *key, const char *id,
		      long total);
/* Column col of the first limit rows, documents all, as a JSON array; E_INTERNAL into c when that
 * is too much for one page. */
const char *page_items(struct ctx *c, const PGresult *r, int col, long limit);
/* LIKE's own characters in what people type stand for themselves; NULL stays NULL. */
const char *page_like(struct ctx *c, const char *q);

#endif
