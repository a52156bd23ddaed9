/* src/site/linked.c - an event as search engines read it: JSON-LD (schema.org/Event) */
#include "core/json.h"
#include "site/site.h"

static bool is_true(struct json_object *o, const char *name)
{
	return json_object_get_boolean(js_get(o, name));
}

/* Absent values are no members. */
static void put(struct json_object *o, const char *name, const char *value)
{
	if (value)
		js_add(o, name, js_made(json_object_new_string(value)));
}

static void copy(struct json_object *o, const char *name, struct json_object *v)
{
	if (v)
		js_add(o, name, json_object_get(v));
}

static struct json_object *thing(const char *type)
{
	struct json_object *o = js_made(json_object_new_object());

	put(o, "@type", type);
	return o;
}

static struct json_object *place_of(struct json_object *e)
{
	struct json_object *at = js_get(e, "coordinates"), *place, *geo;

	if (is_true(e, "is_virtual")) {
		place = thing("VirtualLocation");
		put(place, "url", js_str(e, "address"));
		return place;
	}
	place = thing("Place");
	put(place, "name", js_str(e, "location"));
	put(place, "address", js_str(e, "location"));
	if (at) {
		geo = thing("GeoCoordinates");
		copy(geo, "latitude", js_get(at, "lat"));
		copy(geo, "longitude", js_get(at, "lng"));
		js_add(place, "geo", geo);
	}
	return place;
}

static struct json_object *offer_of(struct json_object *e)
{
	struct json_object *o = thing("Offer");

	copy(o, "price", js_get(e, "price"));
	put(o, "priceCurrency", js_str(e, "currency"));
	put(o, "availability", is_true(e, "full") ? "https://schema.org/SoldOut"
						  : "https://schema.org/InStock");
	put(o, "validFrom", js_str(e, "created_at"));
	put(o, "url", js_str(e, "address"));
	return o;
}

struct json_object *site_linked_data(struct json_object *e)
{
	struct json_object *o = thing("Event"), *host = thing("Person");

	put(o, "@context", "https://schema.org");
	put(o, "name", js_str(e, "title"));
	put(o, "startDate", js_str(e, "start_date"));
	put(o, "endDate", js_str(e, "end_date"));
	put(o, "eventStatus", is_true(e, "cancelled") ? "https://schema.org/EventCancelled"
						      : "https://schema.org/EventScheduled");
	put(o, "eventAttendanceMode", is_true(e, "is_virtual") ?
						"https://schema.org/OnlineEventAttendanceMode" :
						"https://schema.org/OfflineEventAttendanceMode");
	js_add(o, "location", place_of(e));
	js_add(o, "offers", offer_of(e));
	put(host, "name", js_str(js_get(e, "host"), "name"));
	js_add(o, "organizer", host);
	put(o, "description", js_str(e, "description"));
	put(o, "image", js_str(e, "image_url"));
	put(o, "url", js_str(e, "address"));
	copy(o, "maximumAttendeeCapacity", js_get(e, "max_attendees"));
	return o;
}
