/* tests/fuzz/fuzz_json.c - the strict grammar, the body policy, and the text made of the tree */
#include "core/json.h"
#include "fuzz/fuzz.h"

/* What was accepted comes back the same from its own text. */
static void prints_back(struct ctx *c, struct json_object *o)
{
	const char *text = o ? js_text(c->arena, o) : "null";
	struct json_object *again = NULL;
	size_t at;

	MUST(!js_scan(str_of(text), &at));
	MUST(js_parse(c, str_of(text), &again) == OK);
	MUST(json_object_equal(o, again));
	MUST(!again || strcmp(js_text(c->arena, again), text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ctx *c = fuzz_ctx();
	struct str text = fuzz_bytes(c, data, size);
	struct json_object *o = NULL;
	size_t at = 0;
	const char *wrong = js_scan(text, &at);
	enum err e = js_parse(c, text, &o);

	MUST(at <= size);
	MUST(e == (wrong ? E_MALFORMED : e == OK ? OK : E_INVALID));
	MUST(e == OK || (c->err == e && c->err_msg));
	if (e == OK)
		prints_back(c, o);
	return 0;
}
