/* tests/fuzz/fuzz_template.c - templates: the first line is the data, the rest a template that may
 * also call itself, as partial or parent "a" */
#include "core/json.h"
#include "core/mustache.h"
#include "fuzz/fuzz.h"

#define OUT_MAX 65536

static const struct mustache *itself(void *m, const char *name)
{
	return strcmp(name, "a") == 0 ? m : NULL;
}

/* What is in no template comes from the data, and there it was escaped. */
static void nothing_raw(struct str source, const char *out)
{
	if (memchr(source.p, '<', source.n) || memchr(source.p, '&', source.n) ||
	    memchr(source.p, '=', source.n) || memmem(source.p, source.n, "{{{", 3))
		return;
	MUST(strchr(out, '<') == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ctx *c = fuzz_ctx();
	struct str source = fuzz_bytes(c, data, size), line = fuzz_line(&source);
	struct json_object *values = js_own(c->arena, arena_strndup(c->arena, line.p, line.n));
	struct mustache_error e = { 0, NULL };
	struct mustache *m = mustache_compile(c->arena, source, &e);
	struct strbuf out;
	int lines = 1;

	for (size_t i = 0; i < source.n; i++)
		lines += source.p[i] == '\n';
	MUST(m || (e.what && e.line >= 1 && e.line <= lines));
	if (!m)
		return 0;
	strbuf_init(&out, c->arena, OUT_MAX);
	if (mustache_render(m, values, itself, m, &out)) {
		MUST(out.len <= OUT_MAX);
		nothing_raw(source, strbuf_str(&out));
	}
	return 0;
}
