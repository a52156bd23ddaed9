/* src/domain/input_priv.h - shared by input.c (objects) and input_value.c (single values) */
#ifndef DOMAIN_INPUT_PRIV_H
#define DOMAIN_INPUT_PRIV_H

#include "domain/input.h"

/* One value to be checked against its field. */
struct check {
	struct ctx *c;
	const struct input_field *f;
	const char *sent; /* the name to complain under */
	struct json_object *v;
	const struct input_mode *mode;
};

/* Its normal form (owned by the arena). NULL: refused and recorded, or an allowed null. */
struct json_object *input_value(const struct check *k);

/* Makes o belong to the arena; returns it. */
struct json_object *input_own(struct ctx *c, struct json_object *o);

#endif
