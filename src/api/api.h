/* src/api/api.h - the route tables of the JSON API, one per resource */
#ifndef API_API_H
#define API_API_H

#include "web/route.h"

extern const struct route auth_routes[], user_routes[], event_routes[], rsvp_routes[],
    system_routes[], password_routes[], checkin_routes[];

#endif
