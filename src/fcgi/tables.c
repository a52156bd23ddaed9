/* src/fcgi/tables.c - all routes of the program */
#include "admin/admin.h"
#include "api/api.h"
#include "site/site.h"

const struct route *const route_tables[] = { system_routes, auth_routes, user_routes,
					     event_routes,  rsvp_routes, feed_routes,
					     sitemap_routes, site_routes, password_routes,
					     password_pages, admin_routes,
					     checkin_routes, door_routes, NULL };
