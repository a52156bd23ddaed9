/* tests/fuzz/fuzz_cookie.c - a Cookie header (second line) asked for a name (first line) */
#include "fuzz/fuzz.h"

/* The same by another way: the first trimmed piece between semicolons that begins with "name=". */
static struct str slow_cookie(const char *header, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = header, *end; *p; p = *end ? end + 1 : end) {
		end = strchrnul(p, ';');
		struct str pair = str_trim((struct str){ p, (size_t)(end - p) });

		if (pair.n > n && memcmp(pair.p, name, n) == 0 && pair.p[n] == '=')
			return (struct str){ pair.p + n + 1, pair.n - n - 1 };
	}
	return (struct str){ NULL, 0 };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ctx *c = fuzz_ctx();
	struct str rest = str_of(fuzz_text(c, data, size)), line = fuzz_line(&rest);
	const char *name = arena_strndup(c->arena, line.p, line.n);
	char *env[] = { arena_printf(c->arena, "HTTP_COOKIE=%s", rest.p), NULL };
	struct http_backend io = { 0 };
	struct http_request rq;
	struct str got, want;

	if (strchr(name, '='))
		return 0; /* no name of a cookie */
	http_request_init(&rq, c->arena, c->cfg, &io, env);
	got = http_cookie(&rq, name);
	want = slow_cookie(http_header(&rq, "cookie"), name);
	MUST(got.p == want.p && got.n == want.n);
	MUST(!got.n || !memchr(got.p, ';', got.n));
	return 0;
}
