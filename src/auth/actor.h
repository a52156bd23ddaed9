/* src/auth/actor.h - who is asking, and the permissions that a role carries */
#ifndef AUTH_ACTOR_H
#define AUTH_ACTOR_H

#include "core/id.h"

#include <stdbool.h>
#include <stdint.h>

enum permission {
	MAY_EVENTS_READ = 1, MAY_EVENTS_CREATE = 2, MAY_EVENTS_UPDATE = 4, MAY_EVENTS_DELETE = 8,
	MAY_USERS_MANAGE = 16, MAY_ADMIN = 32, MAY_USERS_READ = 64, MAY_ANSWER = 128
};
/* What makes somebody staff. */
#define MAY_STAFF (MAY_USERS_MANAGE | MAY_ADMIN)
enum role { ROLE_ANONYMOUS, ROLE_USER, ROLE_ORGANIZER, ROLE_ADMIN, ROLE_SERVICE, ROLE_COUNT };
struct role_row {
	const char *name;
	unsigned permissions;
};
extern const struct role_row roles[ROLE_COUNT];
enum role role_parse(const char *name);	/* ROLE_COUNT when unknown */

/* The permissions that have names outside, as tokens list them. */
#define PERMISSION_NAMES 6
struct permission_row {
	const char *name;
	unsigned bit;
};
extern const struct permission_row permissions[PERMISSION_NAMES];

struct actor {
	struct id user;		/* none for anonymous */
	enum role role;
	unsigned permissions;
	const char *email;
	const char *jti, *session;	/* of the token; session = refresh family */
	uint32_t token_epoch;
	int64_t expires;		/* seconds since 1970 */
	struct id by;			/* the admin who looks at the site as this user, or none */
	bool lacks_second;		/* staff whose role counts for nothing until there is one */
};
extern const struct actor actor_anonymous;
/* Is it somebody else who looks at the site as this user? */
static inline bool actor_acted(const struct actor *a)
{
	return a->by.s[0] != '\0';
}
static inline bool actor_known(const struct actor *a)
{
	return a->user.s[0] != '\0';
}

#endif
