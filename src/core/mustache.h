/* src/core/mustache.h - Mustache templates, compiled once and rendered often
 *
 * The language of https://mustache.github.io/mustache.5.html with inheritance ({{<parent}},
 * {{$block}}), without lambdas. Names are looked up in JSON. Falsey are null, false, "", 0, []
 * and what is not there. */
#ifndef CORE_MUSTACHE_H
#define CORE_MUSTACHE_H

#include "core/strbuf.h"

#include <json-c/json.h>

struct mustache;

struct mustache_error {
	int line;		/* 1 = first */
	const char *what;	/* in the arena that was given */
};

/* The template is the arena's and keeps no pointer into source. NULL: e tells where and why. */
struct mustache *mustache_compile(struct arena *a, struct str source, struct mustache_error *e);

/* A template by the name that a partial or parent tag has; NULL renders as nothing. */
typedef const struct mustache *mustache_find(void *arg, const char *name);

/* Adds m with what data has to out. {{x}} is escaped for HTML text and quoted attributes, {{{x}}}
 * is not. False: templates that call each other without end, or out is full. */
bool mustache_render(const struct mustache *m, struct json_object *data, mustache_find *find,
		     void *arg, struct strbuf *out);

/* & < > " ' become character references. */
void mustache_escape(struct strbuf *out, struct str s);
/* Adds a value, of which text is the text, for a place where that would not do. */
typedef void mustache_escaper(struct strbuf *out, struct json_object *v, struct str text);

#endif
