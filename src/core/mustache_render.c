/* src/core/mustache_render.c - a template's tree and data become text */
#include "core/mustache_priv.h"

#define DEPTH_MAX 200

struct scope {
	struct json_object *value;
	const struct scope *outer;
};

/* What the caller of a parent has put in place of its blocks. */
struct args {
	const struct node *blocks;
	const struct args *outer;
};

struct render {
	struct strbuf *out;
	mustache_find *find;
	void *arg;
	struct str indent;	/* of each line of the template under way */
	bool open;		/* something stands on the line already */
	int depth;
};

/* Where in the data and within which parents. */
struct place {
	const struct scope *scope;
	const struct args *args;
};

void mustache_escape(struct strbuf *out, struct str s)
{
	static const char *const refs[256] = {
		['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&#39;",
	};
	size_t from = 0;

	for (size_t i = 0; i < s.n; i++) {
		const char *ref = refs[(unsigned char)s.p[i]];

		if (!ref)
			continue;
		strbuf_add(out, s.p + from, i - from);
		strbuf_adds(out, ref);
		from = i + 1;
	}
	strbuf_add(out, s.p + from, s.n - from);
}

/* ---- data ---- */

/* Only the first part of a path is looked for in the outer scopes. */
static struct json_object *look_up(const struct scope *s, const char *const *path)
{
	struct json_object *v = NULL;

	if (!path[0])
		return s->value;
	while (s && !json_object_object_get_ex(s->value, path[0], &v))
		s = s->outer;
	for (int i = 1; v && path[i]; i++)
		if (!json_object_object_get_ex(v, path[i], &v))
			return NULL;
	return s ? v : NULL;
}

static bool truthy(struct json_object *v)
{
	switch (json_object_get_type(v)) {
	case json_type_null:
		return false;
	case json_type_array:
		return json_object_array_length(v) > 0;
	case json_type_object:
		return true;
	case json_type_string:
		return json_object_get_string_len(v) > 0;
	default:
		return json_object_get_boolean(v);
	}
}

static struct str text_of(struct json_object *v)
{
	if (!v)
		return (struct str){ "", 0 };
	if (json_object_is_type(v, json_type_string))
		return (struct str){ json_object_get_string(v),
				     (size_t)json_object_get_string_len(v) };
	return str_of(json_object_to_json_string_ext(v, JSON_C_TO_STRING_NOSLASHESCAPE));
}

/* ---- nodes ---- */

static bool render_nodes(struct render *r, const struct node *n, struct place at);

static void begin_line(struct render *r)
{
	if (r->open)
		return;
	strbuf_addstr(r->out, r->indent);
	r->open = true;
}

static void render_value(struct render *r, const struct node *n, const struct scope *scope)
{
	struct json_object *v = look_up(scope, n->path);
	struct str s = text_of(v);

	if (n->escape)
		n->escape(r->out, v, s);
	else if (n->kind == T_RAW)
		strbuf_addstr(r->out, s);
	else
		mustache_escape(r->out, s);
	r->open = true;
}

static bool render_section(struct render *r, const struct node *n, struct place at)
{
	struct json_object *v = look_up(at.scope, n->path);
	struct scope inner = { v, at.scope };

	if (truthy(v) != (n->kind == T_SECTION))
		return true;
	if (n->kind == T_INVERTED)
		return render_nodes(r, n->body, at);
	if (!json_object_is_type(v, json_type_array))
		return render_nodes(r, n->body, (struct place){ &inner, at.args });
	for (size_t i = 0; i < json_object_array_length(v); i++) {
		inner.value = json_object_array_get_idx(v, i);
		if (!render_nodes(r, n->body, (struct place){ &inner, at.args }))
			return false;
	}
	return true;
}

/* With as much more before each line as n has. */
static bool render_indented(struct render *r, const struct node *n, const struct node *body,
			    struct place at)
{
	struct str before = r->indent;
	bool good;

	if (n->indent.n) {
		char *both = arena_alloc(r->out->arena, before.n + n->indent.n);

		memcpy(both, before.p, before.n);
		memcpy(both + before.n, n->indent.p, n->indent.n);
		r->indent = (struct str){ both, before.n + n->indent.n };
	}
	good = render_nodes(r, body, at);
	r->indent = before;
	return good;
}

static bool render_partial(struct render *r, const struct node *n, struct place at)
{
	const struct mustache *m = r->find ? r->find(r->arg, n->name) : NULL;
	struct args args = { n->body, at.args };

	if (!m)
		return true;
	if (n->kind == T_PARENT)
		at.args = &args;
	return render_indented(r, n, m->nodes, at);
}

/* Whoever called first decides; what he put there sees his own callers only. */
static bool render_block(struct render *r, const struct node *n, struct place at)
{
	const struct node *body = n->body;
	const struct args *seen = at.args;

	for (const struct args *a = at.args; a; a = a->outer)
		for (const struct node *b = a->blocks; b; b = b->next)
			if (strcmp(b->name, n->name) == 0) {
				body = b->body;
				seen = a->outer;
			}
	return render_indented(r, n, body, (struct place){ at.scope, seen });
}

static bool render_node(struct render *r, const struct node *n, struct place at)
{
	if (n->first)
		begin_line(r);
	switch (n->kind) {
	case T_TEXT:
		strbuf_addstr(r->out, n->text);
		if (n->text.n)
			r->open = n->text.p[n->text.n - 1] != '\n';
		return true;
	case T_VAR:
	case T_RAW:
		render_value(r, n, at.scope);
		return true;
	case T_SECTION:
	case T_INVERTED:
		return render_section(r, n, at);
	case T_PARTIAL:
	case T_PARENT:
		return render_partial(r, n, at);
	case T_BLOCK:
		return render_block(r, n, at);
	case T_END:
	case T_NOTHING:
		break;
	}
	return true;
}

static bool render_nodes(struct render *r, const struct node *n, struct place at)
{
	bool good = ++r->depth < DEPTH_MAX && !r->out->failed;

	for (; good && n; n = n->next)
		good = render_node(r, n, at);
	r->depth--;
	return good;
}

bool mustache_render(const struct mustache *m, struct json_object *data, mustache_find *find,
		     void *arg, struct strbuf *out)
{
	struct render r = { .out = out, .find = find, .arg = arg, .indent = { "", 0 } };
	struct scope top = { data, NULL };

	return render_nodes(&r, m->nodes, (struct place){ &top, NULL }) && !out->failed;
}
