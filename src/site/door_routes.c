/* src/site/door_routes.c - addresses of tickets, doors and the links of their staff */
#include "domain/checkin.h"
#include "site/site.h"

static const struct input_field door_query[] = {
	{ "q", IN_LINE, 0, 1, 100, 0, NULL, NULL, "Who is looked for" },
	{ "scan", IN_LINE, 0, 1, 64, 0, NULL, NULL, "The scan to tell about" },
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};

#define AT_DOOR (RF_PAGE | RF_CAMERA)
const struct route door_routes[] = {
	{ M_GET, "/e/:id/ticket", site_ticket, WHO_MEMBER, 0, RL_BROWSE, C_NONE, RF_PAGE, NULL,
	  NULL, "One's own ticket, to show or to print" },
	{ M_GET, "/e/:id/door", site_door, WHO_MEMBER, 0, RL_SCAN, C_NONE, AT_DOOR, NULL,
	  door_query, "The door, for those who host" },
	{ M_POST, "/e/:id/door", site_door_scan, WHO_MEMBER, 0, RL_SCAN, C_NONE, AT_DOOR,
	  checkin_fields, door_query, "One scan, or a name to look for" },
	{ M_POST, "/e/:id/door/undo", site_door_undo, WHO_MEMBER, 0, RL_SCAN, C_NONE, AT_DOOR,
	  checkin_fields, NULL, "Takes a check-in back" },
	{ M_GET, "/e/:id/gates", site_gates, WHO_MEMBER, 0, RL_BROWSE, C_NONE, RF_PAGE, NULL, NULL,
	  "Links for the staff of the door" },
	{ M_POST, "/e/:id/gates", site_gates_add, WHO_MEMBER, 0, RL_WRITE, C_NONE, RF_PAGE,
	  gate_fields, NULL, "Makes such a link" },
	{ M_POST, "/e/:id/gates/revoke", site_gates_revoke, WHO_MEMBER, 0, RL_WRITE, C_NONE,
	  RF_PAGE, gate_fields, NULL, "Ends such a link" },
	{ M_GET, "/door/:secret", site_gate_enter, WHO_ANY, 0, RL_SCAN, C_NONE,
	  RF_PAGE | RF_SECRET, NULL, NULL, "Where such a link leads" },
	{ M_GET, "/door", site_gate, WHO_ANY, 0, RL_SCAN, C_NONE, AT_DOOR, NULL, door_query,
	  "The door, through a link" },
	{ M_POST, "/door", site_gate_scan, WHO_ANY, 0, RL_SCAN, C_NONE, AT_DOOR, checkin_fields,
	  door_query, "One scan, or a name to look for" },
	{ M_POST, "/door/undo", site_gate_undo, WHO_ANY, 0, RL_SCAN, C_NONE, AT_DOOR,
	  checkin_fields, NULL, "Takes a check-in back" },
	ROUTE_END
};
