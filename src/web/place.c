/* src/web/place.c - where in HTML each value of a template stands */
#include "web/place.h"

#include "core/json.h"
#include "core/mustache_priv.h"
#include "http/http.h"

#include <ctype.h>

enum html {
	TEXT, TAG, NAME, EQUALS, QUOTED, COMMENT, RAW	/* script and style */
};

struct state {
	enum html at;
	char quote;		/* of QUOTED */
	bool address;		/* its attribute is one */
	bool begun;		/* something stands in it already */
	bool json;		/* RAW: a script that is data */
	char tag[12], attribute[16]; /* lower case, cut */
};

struct walk {
	struct state s;
	struct mustache_error *e;
};

static bool wrong(struct walk *w, const struct node *n, const char *what)
{
	*w->e = (struct mustache_error){ n->line, what };
	return false;
}

static void add(char *word, size_t size, char c)
{
	size_t n = strlen(word);

	if (n + 1 < size) {
		word[n] = (char)tolower((unsigned char)c);
		word[n + 1] = '\0';
	}
}

static bool is_address(const char *attribute)
{
	static const char *const names[] = { "href", "src", "action", "formaction", "poster",
					     "cite", "data", "manifest", "ping", "background" };

	for (size_t i = 0; i < COUNT(names); i++)
		if (strcmp(names[i], attribute) == 0)
			return true;
	return false;
}

static bool is_raw(const char *tag)
{
	return strcmp(tag, "script") == 0 || strcmp(tag, "style") == 0;
}

/* A tag ends: what follows is text, or what its element holds. */
static void end_tag(struct state *s)
{
	s->at = is_raw(s->tag) ? RAW : TEXT;
	if (strcmp(s->tag, "script") != 0)
		s->json = false;
}

/* In a tag, not in a value. */
static void in_tag(struct state *s, char c)
{
	if (c == '>') {
		end_tag(s);
	} else if (c == '=') {
		s->at = EQUALS;
	} else if (isspace((unsigned char)c) || c == '/') {
		s->at = TAG;
	} else {
		if (s->at == TAG)
			s->attribute[0] = '\0';
		s->at = NAME;
		add(s->attribute, sizeof(s->attribute), c);
	}
}

static void begin_value(struct state *s, char c)
{
	s->at = QUOTED;
	s->quote = c;
	s->begun = false;
	s->address = is_address(s->attribute);
}

/* At <: what begins there; *i moves over it. */
static void begin_tag(struct state *s, struct str t, size_t *i)
{
	size_t k = *i + 1;

	if (t.n - *i >= 4 && memcmp(t.p + *i, "<!--", 4) == 0) {
		s->at = COMMENT;
		*i += 3;
		return;
	}
	/* Before a value it would make a tag of it. */
	if (k < t.n && !isalpha((unsigned char)t.p[k]) && t.p[k] != '/' && t.p[k] != '!')
		return;
	*s = (struct state){ .at = TAG };
	for (; k < t.n && !isspace((unsigned char)t.p[k]) && t.p[k] != '>'; k++)
		add(s->tag, sizeof(s->tag), t.p[k]);
	*i = k - 1;
}

static bool at_end_of_raw(const struct state *s, struct str t, size_t i)
{
	size_t n = strlen(s->tag);

	return t.n - i >= n + 2 && t.p[i] == '<' && t.p[i + 1] == '/' &&
	       strncasecmp(t.p + i + 2, s->tag, n) == 0;
}

static void step(struct state *s, struct str t, size_t *i)
{
	char c = t.p[*i];

	switch (s->at) {
	case TEXT:
		if (c == '<')
			begin_tag(s, t, i);
		break;
	case TAG:
	case NAME:
		in_tag(s, c);
		break;
	case EQUALS:
		if (c == '"' || c == '\'')
			begin_value(s, c);
		else if (!isspace((unsigned char)c))
			s->at = NAME;	/* constant, without quotes */
		break;
	case QUOTED:
		if (c == s->quote)
			s->at = TAG;
		else
			s->json |= strcmp(s->attribute, "type") == 0 && t.n - *i >= 5 &&
				   memcmp(t.p + *i, "json\"", 5) == 0;
		s->begun = true;
		break;
	case COMMENT:
		if (c == '>' && *i >= 2 && t.p[*i - 1] == '-' && t.p[*i - 2] == '-')
			s->at = TEXT;
		break;
	case RAW:
		if (at_end_of_raw(s, t, *i))
			begin_tag(s, t, i);
		break;
	}
}

static bool ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n >= m && strcmp(name + n - m, end) == 0;
}

/* Only what place_html has marked is HTML. */
static const char mark[] = "HTML";

static void place_made(struct strbuf *out, struct json_object *v, struct str text)
{
	if (v && json_object_get_userdata(v) == mark)
		strbuf_addstr(out, text);
	else
		mustache_escape(out, text);
}

struct json_object *place_html(struct str html)
{
	struct json_object *v = js_made(json_object_new_string_len(html.p, (int)html.n));

	json_object_set_userdata(v, (void *)mark, NULL);
	return v;
}

static bool place_raw(struct walk *w, struct node *n)
{
	n->escape = place_made;
	if (w->s.at != TEXT)
		return wrong(w, n, "{{{…}}} stands only between tags");
	return ends_in(n->name, "_html") ||
	       wrong(w, n, "{{{…}}} is for HTML that we made: its name ends in _html");
}

static bool place_value(struct walk *w, struct node *n)
{
	struct state *s = &w->s;

	if (n->kind == T_RAW)
		return place_raw(w, n);
	switch (s->at) {
	case TEXT:
		return true;
	case QUOTED:
		if (s->attribute[0] == 'o' && s->attribute[1] == 'n')
			return wrong(w, n, "no value is safe in an event handler");
		if (strcmp(s->attribute, "style") == 0 || strcmp(s->attribute, "srcset") == 0)
			return wrong(w, n, "no value is safe in this attribute");
		if (s->address)
			n->escape = s->begun ? place_part : place_address;
		s->begun = true;
		return true;
	case RAW:
		n->escape = place_json;
		return s->json || wrong(w, n, "no value is safe in a script or a style");
	case EQUALS:
		return wrong(w, n, "the value of an attribute needs quotes");
	case TAG:
	case NAME:
	case COMMENT:
		break;
	}
	return wrong(w, n, "no value is safe here");
}

static bool same(const struct state *a, const struct state *b)
{
	if (a->at == TAG || a->at == NAME)
		return b->at == TAG || b->at == NAME;
	return a->at == b->at && (a->at != QUOTED || (a->quote == b->quote &&
						      strcmp(a->attribute, b->attribute) == 0));
}

static bool walk_nodes(struct walk *w, struct node *n);

/* Whether it is rendered or not, what follows must stand at the same place. */
static bool walk_body(struct walk *w, struct node *n)
{
	struct state before = w->s;

	if (!walk_nodes(w, n->body))
		return false;
	if (!same(&before, &w->s))
		return wrong(w, n, "begins and ends at different places of the HTML");
	w->s.begun |= before.begun;
	return true;
}

/* What others put here, or what is put into others, begins and ends between tags. */
static bool walk_call(struct walk *w, struct node *n)
{
	if (w->s.at != TEXT)
		return wrong(w, n, "a partial or parent stands only between tags");
	for (struct node *b = n->body; b; b = b->next)
		if (!walk_body(w, b))
			return false;
	return true;
}

static bool walk_block(struct walk *w, struct node *n)
{
	if (w->s.at != TEXT && (w->s.at != QUOTED || w->s.address))
		return wrong(w, n, "a block stands only between tags or in an attribute");
	return walk_body(w, n);
}

static bool walk_node(struct walk *w, struct node *n)
{
	switch (n->kind) {
	case T_TEXT:
		for (size_t i = 0; i < n->text.n; i++)
			step(&w->s, n->text, &i);
		return true;
	case T_VAR:
	case T_RAW:
		return place_value(w, n);
	case T_SECTION:
	case T_INVERTED:
		return walk_body(w, n);
	case T_PARTIAL:
	case T_PARENT:
		return walk_call(w, n);
	case T_BLOCK:
		return walk_block(w, n);
	case T_END:
	case T_NOTHING:
		break;
	}
	return true;
}

static bool walk_nodes(struct walk *w, struct node *n)
{
	for (; n; n = n->next)
		if (!walk_node(w, n))
			return false;
	return true;
}

bool place_values(struct mustache *m, struct mustache_error *e)
{
	struct walk w = { .s = { .at = TEXT }, .e = e };

	if (!walk_nodes(&w, m->nodes))
		return false;
	if (w.s.at == TEXT)
		return true;
	*e = (struct mustache_error){ 1, "ends within a tag" };
	return false;
}

/* ---- escaping ---- */

static bool is_harmless(struct str scheme)
{
	static const char *const schemes[] = { "http", "https", "mailto", "tel" };

	for (size_t i = 0; i < COUNT(schemes); i++)
		if (scheme.n == strlen(schemes[i]) &&
		    strncasecmp(scheme.p, schemes[i], scheme.n) == 0)
			return true;
	return false;
}

void place_address(struct strbuf *out, struct json_object *v, struct str text)
{
	size_t n = 0;

	(void)v;
	/* Browsers take them out before they look for the scheme. */
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] <= ' ')
			goto harmful;
	while (n < text.n && !memchr(":/?#", text.p[n], 4))
		n++;
	if (n < text.n && text.p[n] == ':' && !is_harmless((struct str){ text.p, n }))
		goto harmful;
	mustache_escape(out, text);
	return;
harmful:
	strbuf_addc(out, '#');
}

void place_part(struct strbuf *out, struct json_object *v, struct str text)
{
	(void)v;
	strbuf_addstr(out, http_encode(out->arena, text));
}

void place_json(struct strbuf *out, struct json_object *v, struct str text)
{
	bool is_text = !v || json_object_is_type(v, json_type_string);
	const char *p = is_text ? json_object_to_json_string_ext(v, JSON_C_TO_STRING_NOSLASHESCAPE)
				: text.p;	/* is JSON already */

	for (;;) {
		size_t n = strcspn(p, "<>&'");

		strbuf_add(out, p, n);
		if (!p[n])
			return;
		strbuf_printf(out, "\\u%04x", (unsigned)p[n]);
		p += n + 1;
	}
}
