/* src/domain/sitemap.h - the public events that are to come, in files of 10,000 */
#ifndef DOMAIN_SITEMAP_H
#define DOMAIN_SITEMAP_H

#include "core/ctx.h"
#include "core/id.h"

struct sitemap_file {
	int n;
	const void *rows;	/* of the database; the arena's */
};

/* The first event of each file; n is 0 when there is nothing to come. */
enum err sitemap_files(struct ctx *c, const struct id **out, size_t *n) MUST_CHECK;
/* The file that begins with that event; n is 0 unless it is public and active. */
enum err sitemap_read(struct ctx *c, const struct id *first, struct sitemap_file *out) MUST_CHECK;
const char *sitemap_slug(const struct sitemap_file *f, int i);
const char *sitemap_changed(const struct sitemap_file *f, int i);

#endif
