/* src/domain/input_priv.h - shared by input.c (objects) and input_value.c (single values) */
#ifndef DOMAIN_INPUT_PRIV_H
#define DOMAIN_INPUT_PRIV_H

#include "domain/input.h"

/* One value against its field: *out is its normal form (owned by the arena), or a problem is
 * recorded under the name sent. */
void input_value(struct ctx *c, const struct input_field *f, const char *sent,
		 struct json_object *v, const struct input_mode *mode, struct json_object **out);

/* Makes o belong to the arena; returns it. */
struct json_object *input_own(struct ctx *c, struct json_object *o);

#endif
