/* tests/fuzz/fuzz_input.c - JSON bodies against field tables: two bytes choose table and mode */
#include "domain/events.h"
#include "domain/input.h"
#include "domain/list.h"
#include "domain/people.h"
#include "domain/rsvps.h"
#include "fuzz/fuzz.h"

static const struct input_field *const tables[] = {
	event_fields,	     event_cancel_fields,   rsvp_fields,
	register_fields,     people_register_fields, people_login_fields,
	people_refresh_fields, people_profile_fields, people_batch_fields,
};

/* Every value kept is one of the table; a normal form is its own normal form (money is text). */
static void reads_back(struct ctx *c, const struct input_field *table, struct input in,
		       struct input_mode mode)
{
	struct input again;

	json_object_object_foreach(in.values, key, v)
	{
		const struct input_field *f = table;

		(void)v;
		while (f->name && strcmp(f->name, key) != 0)
			f++;
		MUST(f->name);
	}
	if (mode.whole)
		return; /* holds null where that cannot be sent */
	mode.text = true;
	MUST(input_read(c, table, in.values, mode, &again) == OK);
	MUST(json_object_equal(in.values, again.values));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const zones[] = { NULL, "UTC", "Europe/Berlin", "America/St_Johns" };
	struct ctx *c = fuzz_ctx();
	const struct input_field *table;
	struct json_object *o;
	struct input in;

	if (size < 2)
		return 0;
	table = tables[data[0] % COUNT(tables)];
	struct input_mode mode = { .partial = data[1] & 1, .whole = data[1] & 2,
				   .zone = zones[data[1] >> 2 & 3] };

	if (js_parse(c, fuzz_bytes(c, data + 2, size - 2), &o) != OK ||
	    !json_object_is_type(o, json_type_object))
		return 0;
	(void)input_needs_zone(table, o);
	enum err e = input_read(c, table, o, mode, &in);

	MUST(e == OK || (e == E_INVALID && c->details && c->err == e));
	if (e == OK)
		reads_back(c, table, in, mode);
	return 0;
}
