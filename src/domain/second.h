/* src/domain/second.h - the second factor of a sign-in: an authenticator app, and recovery codes */
#ifndef DOMAIN_SECOND_H
#define DOMAIN_SECOND_H

#include "domain/input.h"

extern const struct input_field second_fields[]; /* code */

/* The actor's own: {"on":true, "since", "recovery_left"}; while a secret waits for its first code
 * {"on":false, "secret", "uri"}, the last for a QR code; {"on":false} without any. */
enum err second_state(struct ctx *c, struct json_object **out) MUST_CHECK;
/* A new secret that waits for its first code. E_CONFLICT when one counts already. */
enum err second_begin(struct ctx *c) MUST_CHECK;
/* The secret counts from now on; codes: the ten recovery codes, shown this once. */
#define SECOND_RECOVERY 10
enum err second_confirm(struct ctx *c, const char *code,
			const char *codes[SECOND_RECOVERY]) MUST_CHECK;
enum err second_off(struct ctx *c, const char *code) MUST_CHECK;

/* Uses up a code of that person, whose sealed secret and last step are given. E_UNAUTH, and the
 * field code, when it is missing, wrong or used. */
struct second {
	const char *user, *sealed;
	int64_t last_step;
};
enum err second_check(struct ctx *c, const struct second *s, const char *code) MUST_CHECK;

#endif
