/* src/core/mustache.c - a template's tokens become a tree */
#include "core/mustache_priv.h"

#define DEPTH_MAX 100

struct parse {
	struct arena *arena;
	struct token *t;	/* the next */
	int depth;
	struct mustache_error *e;
};

static bool wrong(struct parse *p, int line, const char *what)
{
	*p->e = (struct mustache_error){ line, what };
	return false;
}

/* "a.b" becomes a, b; "." nothing. */
static const char *const *path_of(struct arena *a, struct str name)
{
	size_t n = 1, i = 0;

	for (size_t k = 0; k < name.n; k++)
		n += name.p[k] == '.';
	const char **path = arena_zalloc(a, (n + 1) * sizeof(*path));

	while (!str_is(name, ".") && name.p) {
		struct str part = str_cut(name, '.', &name);

		path[i++] = arena_strndup(a, part.p, part.n);
	}
	return path;
}

/* Without the first cut characters of white space. */
static struct str without(struct str space, size_t cut)
{
	size_t n = cut < space.n ? cut : space.n;

	return (struct str){ space.p + n, space.n - n };
}

static struct str keep(struct arena *a, struct str s)
{
	return (struct str){ arena_strndup(a, s.p, s.n), s.n };
}

static bool closes(const struct token *t, const struct token *open)
{
	return t && t->kind == T_END && str_eq(t->text, open->text);
}

/* How the content of a block is indented: as its first line; as the tag when there is none. */
static struct str content_space(const struct token *open)
{
	const struct token *t = open->next;

	while (t && t->kind == T_NOTHING)
		t = t->next;
	return !open->alone || !t || closes(t, open) ? open->space : t->space;
}

static struct node *node_of(struct parse *p, const struct token *t, size_t cut)
{
	struct node *n = ARENA_NEW(p->arena, struct node);
	struct str text = t->text;

	n->kind = t->kind;
	n->first = t->first;
	n->line = t->line;
	if (t->kind == T_TEXT) {
		if (t->first)
			text = without(text, cut < t->space.n ? cut : t->space.n);
		n->text = keep(p->arena, text);
		return n;
	}
	n->name = arena_strndup(p->arena, text.p, text.n);
	n->path = path_of(p->arena, text);
	if (t->kind == T_BLOCK)
		n->indent = keep(p->arena, without(content_space(t), cut));
	else if (t->alone)
		n->indent = keep(p->arena, without(t->space, cut));
	return n;
}

static bool parse_body(struct parse *p, const struct token *open, size_t cut, struct node **out);

/* The end tag of a section, a parent or a block is taken with it. */
static bool parse_tag(struct parse *p, const struct token *t, size_t cut, struct node *n)
{
	if (t->kind == T_TEXT || t->kind == T_VAR || t->kind == T_RAW || t->kind == T_PARTIAL)
		return true;
	if (++p->depth > DEPTH_MAX)
		return wrong(p, t->line, "tags within tags too deep");
	if (t->kind == T_BLOCK)
		cut = content_space(t).n;
	if (!parse_body(p, t, cut, &n->body))
		return false;
	p->depth--;
	return true;
}

/* Up to the end tag of open, or of all when open is NULL. In a parent only blocks count. */
static bool parse_body(struct parse *p, const struct token *open, size_t cut, struct node **out)
{
	while (p->t) {
		const struct token *t = p->t;

		p->t = t->next;
		if (t->kind == T_NOTHING)
			continue;
		if (t->kind == T_END) {
			if (open && closes(t, open))
				return true;
			return wrong(p, t->line, open ? "another tag is to be closed first"
						      : "an end without a beginning");
		}
		struct node *n = node_of(p, t, cut);

		if (!parse_tag(p, t, cut, n))
			return false;
		if (open && open->kind == T_PARENT && t->kind != T_BLOCK)
			continue;
		*out = n;
		out = &n->next;
	}
	return !open || wrong(p, open->line, "a section that is not closed");
}

struct mustache *mustache_compile(struct arena *a, struct str source, struct mustache_error *e)
{
	struct mustache *m = ARENA_NEW(a, struct mustache);
	struct parse p = { .arena = a, .e = e };

	if (!mustache_scan(a, source, &p.t, e) || !parse_body(&p, NULL, 0, &m->nodes))
		return NULL;
	return m;
}
