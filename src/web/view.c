/* src/web/view.c - the templates of a folder */
#include "web/view.h"

#include "core/mustache_priv.h"
#include "web/place.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define ALL_MAX ((size_t)16 << 20)
#define FILE_MAX (256 << 10)
#define SUFFIX ".mustache"

struct view {
	const char *name, *path;
	struct mustache *m;
};

struct views {
	struct arena *arena;
	struct view *rows;	/* by name */
	size_t n;
};

struct load {
	struct views *v;
	const char *folder;
	bool html;
	char *why;
	size_t n;
};

static bool wrong(const struct load *l, const struct view *v, struct mustache_error e)
{
	snprintf(l->why, l->n, "%s:%d: %s", v->path, e.line, e.what);
	return false;
}

struct str view_file(struct arena *a, const char *path, char *why, size_t n)
{
	FILE *in = fopen(path, "re");
	struct str text = { NULL, 0 };
	struct stat st;

	if (!in || fstat(fileno(in), &st) != 0) {
		snprintf(why, n, "%s: cannot be read", path);
	} else if (st.st_size > FILE_MAX) {
		snprintf(why, n, "%s: too large", path);
	} else {
		char *room = arena_zalloc(a, (size_t)st.st_size + 1);

		text = (struct str){ room, fread(room, 1, (size_t)st.st_size, in) };
	}
	if (in)
		fclose(in);
	return text;
}

/* In texts that are no HTML nothing is escaped. */
static void leave_values(struct node *n)
{
	for (; n; n = n->next) {
		if (n->kind == T_VAR)
			n->kind = T_RAW;
		leave_values(n->body);
	}
}

static bool load_one(const struct load *l, struct view *v)
{
	struct mustache_error e;
	struct str text;

	text = view_file(l->v->arena, v->path, l->why, l->n);
	if (!text.p)
		return false;
	v->m = mustache_compile(l->v->arena, text, &e);
	if (!v->m || (l->html && !place_values(v->m, &e)))
		return wrong(l, v, e);
	if (!l->html)
		leave_values(v->m->nodes);
	return true;
}

static int by_name(const void *name, const void *row)
{
	return strcmp(name, ((const struct view *)row)->name);
}

static const struct mustache *find(void *arg, const char *name)
{
	const struct views *v = arg;
	const struct view *row = bsearch(name, v->rows, v->n, sizeof(*v->rows), by_name);

	return row ? row->m : NULL;
}

/* Every partial and parent is there. */
static bool check_calls(const struct load *l, const struct view *v, const struct node *n)
{
	for (; n; n = n->next) {
		bool call = n->kind == T_PARTIAL || n->kind == T_PARENT;

		if (call && !find(l->v, n->name))
			return wrong(l, v, (struct mustache_error){ n->line, "no such partial" });
		if (!check_calls(l, v, n->body))
			return false;
	}
	return true;
}

static int by_names(const void *a, const void *b)
{
	return by_name(((const struct view *)a)->name, b);
}

static bool load_all(struct load *l, const glob_t *files)
{
	struct views *v = l->v;
	size_t skip = strlen(l->folder) + 1;

	v->rows = arena_zalloc(v->arena, (files->gl_pathc + 1) * sizeof(*v->rows));
	v->n = files->gl_pathc;
	for (size_t i = 0; i < v->n; i++) {
		const char *path = arena_strdup(v->arena, files->gl_pathv[i]);

		v->rows[i].path = path;
		v->rows[i].name = arena_strndup(v->arena, path + skip,
						strlen(path + skip) - strlen(SUFFIX));
		if (!load_one(l, &v->rows[i]))
			return false;
	}
	qsort(v->rows, v->n, sizeof(*v->rows), by_names);
	for (size_t i = 0; i < v->n; i++)
		if (!check_calls(l, &v->rows[i], v->rows[i].m->nodes))
			return false;
	return true;
}

struct views *views_load(const char *folder, bool html, char *why, size_t n)
{
	struct arena *a = arena_new(ALL_MAX);
	struct views *v = ARENA_NEW(a, struct views);
	struct load l = { v, folder, html, why, n };
	glob_t files = { 0 };

	v->arena = a;
	glob(arena_printf(a, "%s/*" SUFFIX, folder), 0, NULL, &files);
	glob(arena_printf(a, "%s/*/*" SUFFIX, folder), GLOB_APPEND, NULL, &files);
	if (!files.gl_pathc)
		snprintf(why, n, "%s: no templates", folder);
	else if (load_all(&l, &files))
		why = NULL;
	globfree(&files);
	if (!why)
		return v;
	arena_free(a);
	return NULL;
}

void views_free(struct views *v)
{
	if (v)
		arena_free(v->arena);
}

enum err view_render(struct ctx *c, const struct views *v, const char *name,
		     struct json_object *data, struct strbuf *out)
{
	const struct mustache *m = v ? find((void *)v, name) : NULL;

	if (!m || !mustache_render(m, data, find, (void *)v, out))
		return fail(c, E_INTERNAL, "the page %s cannot be shown", name);
	return OK;
}
