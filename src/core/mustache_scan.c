/* src/core/mustache_scan.c - a template's text cut into tokens; which lines are tags alone */
#include "core/mustache_priv.h"

#include <ctype.h>

#define DELIMITER_MAX 16

struct scan {
	struct arena *arena;
	struct str rest;
	struct str open, close;
	int line;
	struct token **tail;
	struct mustache_error *e;
};

static bool wrong(struct scan *s, const char *what)
{
	*s->e = (struct mustache_error){ s->line, what };
	return false;
}

static struct str trim(struct str t)
{
	while (t.n && isspace((unsigned char)t.p[0])) {
		t.p++;
		t.n--;
	}
	while (t.n && isspace((unsigned char)t.p[t.n - 1]))
		t.n--;
	return t;
}

static struct str take(struct scan *s, size_t n)
{
	struct str t = { s->rest.p, n };

	for (size_t i = 0; i < n; i++)
		s->line += t.p[i] == '\n';
	s->rest.p += n;
	s->rest.n -= n;
	return t;
}

/* Where what begins in the rest; its length when it does not. */
static size_t find(const struct scan *s, struct str what)
{
	const char *at = memmem(s->rest.p, s->rest.n, what.p, what.n);

	return at ? (size_t)(at - s->rest.p) : s->rest.n;
}

static void add(struct scan *s, enum token_kind kind, struct str text, int line)
{
	struct token *t = ARENA_NEW(s->arena, struct token);

	*t = (struct token){ .kind = kind, .text = text, .line = line };
	*s->tail = t;
	s->tail = &t->next;
}

static void add_lines(struct scan *s, size_t n)
{
	while (n > 0) {
		const char *end = memchr(s->rest.p, '\n', n);
		size_t m = end ? (size_t)(end - s->rest.p) + 1 : n;
		int line = s->line;

		add(s, T_TEXT, take(s, m), line);
		n -= m;
	}
}

/* {{=<% %>=}} */
static bool set_delimiters(struct scan *s, struct str text)
{
	size_t n = 0;

	if (text.n < 2 || text.p[text.n - 1] != '=')
		return wrong(s, "new delimiters are written {{=<% %>=}}");
	text = trim((struct str){ text.p, text.n - 1 });
	while (n < text.n && !isspace((unsigned char)text.p[n]))
		n++;
	s->open = (struct str){ text.p, n };
	s->close = trim((struct str){ text.p + n, text.n - n });
	if (n == 0 || n > DELIMITER_MAX || s->close.n == 0 || s->close.n > DELIMITER_MAX ||
	    memchr(s->open.p, '=', n) || memchr(s->close.p, '=', s->close.n) ||
	    memchr(s->close.p, ' ', s->close.n))
		return wrong(s, "new delimiters are two words without =");
	return true;
}

static enum token_kind kind_of(char sigil)
{
	static const struct {
		char sigil;
		enum token_kind kind;
	} kinds[] = {
		{ '#', T_SECTION }, { '^', T_INVERTED }, { '/', T_END },   { '>', T_PARTIAL },
		{ '<', T_PARENT },  { '$', T_BLOCK },	 { '&', T_RAW },   { '{', T_RAW },
		{ '!', T_NOTHING }, { '=', T_NOTHING },
	};

	for (size_t i = 0; i < COUNT(kinds); i++)
		if (kinds[i].sigil == sigil)
			return kinds[i].kind;
	return T_VAR;
}

static bool is_name(struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		if (isspace((unsigned char)name.p[i]))
			return false;
	return name.n > 0;
}

/* Between the delimiters, of which the first is taken. */
static bool add_tag(struct scan *s)
{
	char sigil = s->rest.n ? s->rest.p[0] : '\0';
	struct str close = s->close;
	char triple[DELIMITER_MAX + 1];
	int line = s->line;
	size_t n;

	if (sigil == '{') {
		triple[0] = '}';
		memcpy(triple + 1, close.p, close.n);
		close = (struct str){ triple, close.n + 1 };
	}
	n = find(s, close);
	if (n == s->rest.n)
		return wrong(s, "a tag that is not closed");
	struct str text = trim(take(s, n));

	take(s, close.n);
	enum token_kind kind = text.n ? kind_of(sigil) : T_VAR;

	if (kind != T_VAR)
		text = (struct str){ text.p + 1, text.n - 1 };
	if (sigil == '=' && !set_delimiters(s, text))
		return false;
	if (kind == T_NOTHING)
		text = STR("");
	else
		text = trim(text);
	if (kind != T_NOTHING && !is_name(text)) {
		s->line = line;
		return wrong(s, "a tag needs one name");
	}
	add(s, kind, text, line);
	return true;
}

/* ---- lines ---- */

static bool blank(const struct token *t)
{
	return t->kind == T_TEXT && trim(t->text).n == 0;
}

static bool ends_line(const struct token *t)
{
	return t->kind == T_TEXT && t->text.n && t->text.p[t->text.n - 1] == '\n';
}

/* A block that begins and ends within its line is something to show. */
static bool shows(const struct token *t, const struct token *end)
{
	if (t->kind == T_TEXT)
		return !blank(t);
	if (t->kind != T_BLOCK)
		return t->kind == T_VAR || t->kind == T_RAW;
	for (const struct token *u = t->next; u != end; u = u->next)
		if (u->kind == T_END && str_eq(u->text, t->text))
			return true;
	return false;
}

static struct str leading(struct str s)
{
	size_t n = 0;

	while (n < s.n && (s.p[n] == ' ' || s.p[n] == '\t'))
		n++;
	return (struct str){ s.p, n };
}

/* One line, up to end: says of each token what its line is like. */
static void see_line(struct token *first, const struct token *end)
{
	struct str space = first->kind == T_TEXT ? leading(first->text) : (struct str){ "", 0 };
	bool tags = false, alone = true;

	for (struct token *t = first; t != end; t = t->next) {
		tags |= t->kind != T_TEXT;
		alone &= !shows(t, end);
	}
	alone &= tags;
	for (struct token *t = first; t != end; t = t->next) {
		t->space = space;
		t->alone = alone && t->kind != T_TEXT;
		if (alone && t->kind == T_TEXT)
			t->kind = T_NOTHING;
	}
	first->first = !alone;
}

static void see_lines(struct token *t)
{
	while (t) {
		struct token *first = t;

		while (t->next && !ends_line(t))
			t = t->next;
		t = t->next;
		see_line(first, t);
	}
}

bool mustache_scan(struct arena *a, struct str source, struct token **out, struct mustache_error *e)
{
	struct scan s = { .arena = a, .rest = source, .open = STR("{{"), .close = STR("}}"),
			  .line = 1, .tail = out, .e = e };

	*out = NULL;
	while (s.rest.n > 0) {
		size_t n = find(&s, s.open);
		bool tag = n < s.rest.n;

		add_lines(&s, n);
		if (!tag)
			break;
		take(&s, s.open.n);
		if (!add_tag(&s))
			return false;
	}
	see_lines(*out);
	return true;
}
