/* src/http/header.c - the request's CGI variables, hashed once, and its headers among them */
#include "core/hash.h"
#include "http/backend.h"

struct http_var {
	struct str name;	/* p = NULL: free slot */
	const char *value;
};

static struct http_var *find_slot(const struct http_backend *io, struct str name)
{
	size_t i = hash64(name.p, name.n) & io->vars_mask;

	while (io->vars[i].name.p && !str_eq(io->vars[i].name, name))
		i = (i + 1) & io->vars_mask;
	return &io->vars[i];
}

static bool begins(struct str s, const char *with)
{
	size_t n = strlen(with);

	return s.n >= n && memcmp(s.p, with, n) == 0;
}

/* What a variable means that came as old and comes again as new. Two differing CONTENT_LENGTHs
 * become text that is no number, so that nobody believes either. */
static const char *merged(struct arena *a, struct str name, const char *old, const char *new)
{
	if (strcmp(old, new) == 0)
		return old;
	if (str_is(name, "HTTP_COOKIE"))
		return arena_printf(a, "%s; %s", old, new);
	if (begins(name, "HTTP_") || begins(name, "CONTENT_"))
		return arena_printf(a, "%s, %s", old, new);
	return new;
}

void http_vars_index(struct http_backend *io, struct arena *a, char *const *envp)
{
	size_t n = 0, size = 16;

	while (envp[n])
		n++;
	while (size < 2 * n)
		size *= 2;
	io->vars = arena_zalloc(a, size * sizeof(*io->vars));
	io->vars_mask = size - 1;
	for (size_t i = 0; i < n; i++) {
		struct str value, name = str_cut(str_of(envp[i]), '=', &value);
		struct http_var *var;

		if (!value.p || name.n == 0 || str_is(name, "HTTP_PROXY"))
			continue;
		var = find_slot(io, name);
		var->value = var->name.p ? merged(a, name, var->value, value.p) : value.p;
		var->name = name;
	}
}

static const char *lookup(const struct http_request *rq, struct str name)
{
	const struct http_var *var = find_slot(rq->io, name);

	return var->name.p ? var->value : "";
}

const char *http_env(const struct http_request *rq, const char *name)
{
	return lookup(rq, str_of(name));
}

/* Headers whose variable is not HTTP_ and their name; the first that is set counts. */
static const struct {
	const char *header, *var;
} special[] = {
	{ "CONTENT_TYPE",   "CONTENT_TYPE" },
	{ "CONTENT_LENGTH", "CONTENT_LENGTH" },
	{ "AUTHORIZATION",  "HTTP_AUTHORIZATION" },
	{ "AUTHORIZATION",  "REDIRECT_HTTP_AUTHORIZATION" }, /* Apache after a rewrite */
};

const char *http_header(const struct http_request *rq, const char *name)
{
	char var[5 + 64] = "HTTP_", *const bare = var + 5;
	const char *value = NULL;
	size_t n = strlen(name);

	if (n == 0 || n >= sizeof(var) - 5)
		return "";
	for (size_t i = 0; i < n; i++) {
		char c = name[i];

		bare[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c == '-' ? '_' : c;
	}
	bare[n] = '\0';
	for (size_t i = 0; i < COUNT(special); i++) {
		if (strcmp(bare, special[i].header) != 0)
			continue;
		value = http_env(rq, special[i].var);
		if (*value)
			return value;
	}
	return value ? value : lookup(rq, (struct str){ var, 5 + n });
}
