/* src/domain/sitemap.c - the public events that are to come, in files of 10,000 */
#include "domain/sitemap.h"

#include "db/db.h"

enum err sitemap_files(struct ctx *c, const struct id **out, size_t *n)
{
	struct id *ids;
	PGresult *r;

	TRY(db_query0(c, Q_SITEMAP_FILES, &r));
	*n = (size_t)PQntuples(r);
	*out = ids = arena_zalloc(c->arena, (*n + 1) * sizeof(*ids));
	for (size_t i = 0; i < *n; i++)
		(void)id_parse(db_get_str(r, (int)i, 0), &ids[i]);
	return OK;
}

enum err sitemap_read(struct ctx *c, const struct id *first, struct sitemap_file *out)
{
	PGresult *r;

	TRY(db_query(c, Q_SITEMAP_FILE, &r, first->s));
	*out = (struct sitemap_file){ PQntuples(r), r };
	return OK;
}

const char *sitemap_slug(const struct sitemap_file *f, int i)
{
	return db_get(f->rows, i, 0);
}

const char *sitemap_changed(const struct sitemap_file *f, int i)
{
	return db_get(f->rows, i, 1);
}
