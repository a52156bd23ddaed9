/* src/auth/actor.c - the roles and what each may do; the names of permissions */
#include "auth/actor.h"

#include <string.h>

#define MEMBER (MAY_EVENTS_READ | MAY_EVENTS_CREATE | MAY_ANSWER)
#define EVERYTHING                                                                                 \
	(MEMBER | MAY_EVENTS_UPDATE | MAY_EVENTS_DELETE | MAY_USERS_MANAGE | MAY_ADMIN |           \
	 MAY_USERS_READ)

/* Changing one's own event follows from hosting it, not from the role. */
const struct role_row roles[ROLE_COUNT] = {
	[ROLE_ANONYMOUS] = { "anonymous", 0 },
	[ROLE_USER] = { "user", MEMBER },
	[ROLE_ORGANIZER] = { "organizer", MEMBER | MAY_USERS_READ },
	[ROLE_ADMIN] = { "admin", EVERYTHING },
	[ROLE_SERVICE] = { "service", MAY_EVENTS_READ | MAY_USERS_READ },
};

/* MAY_USERS_READ and MAY_ANSWER have no names: they are ours alone. */
const struct permission_row permissions[PERMISSION_NAMES] = {
	{ "events:read", MAY_EVENTS_READ },	{ "events:create", MAY_EVENTS_CREATE },
	{ "events:update", MAY_EVENTS_UPDATE }, { "events:delete", MAY_EVENTS_DELETE },
	{ "users:manage", MAY_USERS_MANAGE },	{ "admin:access", MAY_ADMIN },
};

const struct actor actor_anonymous = { .role = ROLE_ANONYMOUS };

enum role role_parse(const char *name)
{
	int r = 0;

	while (r < ROLE_COUNT && (!name || strcmp(roles[r].name, name) != 0))
		r++;
	return (enum role)r;
}
