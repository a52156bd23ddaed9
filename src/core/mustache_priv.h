/* src/core/mustache_priv.h - what scanning, parsing and rendering of templates share */
#ifndef CORE_MUSTACHE_PRIV_H
#define CORE_MUSTACHE_PRIV_H

#include "core/mustache.h"

enum token_kind {
	T_TEXT,			/* up to and with one line break */
	T_VAR, T_RAW,		/* {{x}}, {{{x}}} or {{&x}} */
	T_SECTION, T_INVERTED, T_PARTIAL, T_PARENT, T_BLOCK,
	T_END,
	T_NOTHING		/* a comment, delimiters, what stands beside tags alone */
};

struct token {
	enum token_kind kind;
	struct str text;	/* or the name */
	int line;
	bool first;		/* its line begins with it and shows something */
	bool alone;		/* nothing but such tags on its line: the line is not shown */
	struct str space;	/* that its line begins with */
	struct token *next;
};

/* Tokens of the source, ended by NULL; false: *e says why not. */
bool mustache_scan(struct arena *a, struct str source, struct token **out,
		   struct mustache_error *e);

struct node {
	enum token_kind kind;
	struct str text;	/* T_TEXT */
	const char *name;	/* of the others, terminated */
	const char *const *path; /* its parts between dots, up to NULL; {{.}} has none */
	struct str indent;	/* of each line of a partial, parent or block */
	bool first;		/* the indentation of its line comes before it */
	struct node *body;	/* T_PARENT: blocks only */
	mustache_escaper *escape; /* T_VAR: other than mustache_escape */
	int line;
	struct node *next;
};

struct mustache {
	struct node *nodes;
};

#endif
