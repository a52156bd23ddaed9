/* tests/fuzz/fuzz_url.c - REQUEST_URI: cutting, percent-decoding, encoding again, form pairs */
#include "fuzz/fuzz.h"

/* What was decoded, encoded and decoded again is the same. */
static void encodes_back(struct ctx *c, struct str decoded)
{
	struct str again;

	MUST(str_utf8_count(decoded) >= 0 && !memchr(decoded.p ? decoded.p : "", '\0', decoded.n));
	MUST(http_decode(c->arena, http_encode(c->arena, decoded), true, &again) == OK);
	MUST(str_eq(decoded, again));
	MUST(http_decode(c->arena, http_encode_keep(c->arena, decoded, HTTP_PATH_CHARS), false,
			 &again) == OK);
	MUST(str_eq(decoded, again));
}

static void decode_all(struct ctx *c, struct str text)
{
	struct http_param *p;
	struct str decoded;
	int pairs = 0;

	for (int plus = 0; plus < 2; plus++)
		if (http_decode(c->arena, text, plus, &decoded) == OK)
			encodes_back(c, decoded);
	if (http_params(c->arena, text, &p) != OK)
		return;
	for (; p; p = p->next, pairs++) {
		encodes_back(c, p->name);
		encodes_back(c, p->value);
	}
	MUST(pairs <= 100);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ctx *c = fuzz_ctx();
	char *env[] = { arena_printf(c->arena, "REQUEST_URI=%s", fuzz_text(c, data, size)), NULL };
	struct http_backend io = { 0 };
	struct http_request rq;

	http_request_init(&rq, c->arena, c->cfg, &io, env);
	MUST(rq.path.n > 0 && rq.query.p && !memchr(rq.path.p, '?', rq.path.n));
	decode_all(c, rq.path);
	decode_all(c, rq.query);
	decode_all(c, fuzz_bytes(c, data, size));
	return 0;
}
