/* src/domain/accounts.h - people as staff see them, and what was done to whom */
#ifndef DOMAIN_ACCOUNTS_H
#define DOMAIN_ACCOUNTS_H

#include "core/id.h"
#include "domain/input.h"
#include "domain/list.h"

extern const struct input_field account_list_fields[], account_fields[], audit_fields[];

/* in: checked account_list_fields. The newest first. */
enum err accounts_list(struct ctx *c, const struct input *in, struct list *out) MUST_CHECK;
/* A JSON object with the person's sign-ins; E_NOTFOUND. */
enum err accounts_get(struct ctx *c, const struct id *id, const char **json) MUST_CHECK;
/* in: checked account_fields. What changes ends all sign-ins of that person. E_CONFLICT for one's
 * own account. */
enum err accounts_set(struct ctx *c, const struct id *id, const struct input *in) MUST_CHECK;
/* Ends all sign-ins of that person. */
enum err accounts_sign_out(struct ctx *c, const struct id *id) MUST_CHECK;

/* in: checked audit_fields. The newest first. */
enum err audit_list(struct ctx *c, const struct input *in, struct list *out) MUST_CHECK;

#endif
