/* tests/service/test_profiles.c - one's own profile, and what others may read of it */
#include "people_fixture.h"

#include "core/strbuf.h"

static enum err change(const char *json, bool merge, struct json_object **profile)
{
	struct input_mode mode = { .partial = merge, .whole = !merge };
	const char *text = NULL;
	struct input in;

	*profile = NULL;
	TRY(read_fields(people_profile_fields, mode, json, &in));
	TRY(people_profile_update(&c, &in, merge, &text));
	*profile = js_own(c.arena, text);
	return *profile ? OK : E_INTERNAL;
}

static enum err put(const char *json, struct json_object **profile)
{
	return change(json, false, profile);
}

static enum err patch(const char *json, struct json_object **profile)
{
	return change(json, true, profile);
}

static const char *member(struct json_object *o, const char *key)
{
	struct json_object *v;

	if (!json_object_object_get_ex(o, key, &v))
		return "(absent)";
	return js_text(c.arena, v);
}

static const char *new_name(void)
{
	struct id id = id_new();

	return arena_printf(c.arena, "ada_%s", id.s + 24);
}

static void put_replaces_and_patch_merges(void)
{
	struct json_object *p;
	struct session s;
	struct actor a;
	const char *name;

	NEED_PEOPLE();
	a = newcomer(&s);
	c.actor = &a;
	name = new_name();
	T_REQUIRE(put(arena_printf(c.arena, "{'name':'Ada L','username':'%s','bio':'x\\ny',"
				   "'avatar':'https://example.org/a.png','location':'London',"
				   "'coordinates':{'lat':51.5,'lng':-0.12},'industry':'maths',"
				   "'interests':['engines','poetry'],'birthday':'1915-12-10',"
				   "'timezone':'Europe/London','locale':'en-GB',"
				   "'privacy':{'email':false,'birthday':true}}", name), &p) == OK);
	T_EQ_STR(js_str(p, "name"), "Ada L");
	T_EQ_STR(js_str(p, "username"), name);
	T_EQ_STR(js_str(p, "bio"), "x\ny");
	T_EQ_STR(member(p, "coordinates"), "{\"lat\":51.5,\"lng\":-0.12}");
	T_EQ_STR(member(p, "interests"), "[\"engines\",\"poetry\"]");
	T_EQ_STR(js_str(p, "birthday"), "1915-12-10");
	T_EQ_STR(js_str(p, "timezone"), "Europe/London");
	T_EQ_STR(js_str(p, "email"), a.email);
	T_EQ_STR(js_str(p, "role"), "user");
	T_REQUIRE(patch("{'bio':null,'lat':1,'lng':2,'privacy':{'email':true,'birthday':null,"
			"'friends':false}}", &p) == OK);
	T_EQ_STR(member(p, "bio"), "null");
	T_EQ_STR(js_str(p, "location"), "London");
	T_EQ_STR(member(p, "coordinates"), "{\"lat\":1,\"lng\":2}");
	json_object_object_get_ex(p, "privacy", &p);
	T_EQ_STR(member(p, "email"), "true");
	T_EQ_STR(member(p, "friends"), "false");
	T_FALSE(js_has(p, "birthday"));
	T_REQUIRE(put("{'name':'Ada','privacy':{'x':true}}", &p) == OK);
	T_EQ_STR(member(p, "username"), "null");
	T_EQ_STR(member(p, "coordinates"), "null");
	T_EQ_STR(member(p, "interests"), "[]");
	T_EQ_STR(js_str(p, "timezone"), "UTC");
	T_EQ_STR(js_str(p, "locale"), "en");
	T_EQ_STR(member(p, "privacy"), "{\"x\":true}");
}

static void reading_back(void)
{
	struct json_object *p;
	struct session s;
	struct actor a;
	const char *json = NULL;

	NEED_PEOPLE();
	a = newcomer(&s);
	c.actor = &a;
	T_REQUIRE(people_profile(&c, &json) == OK);
	T_EQ_STR(json, s.user);
	T_REQUIRE(patch("{}", &p) == OK);	/* nothing changes nothing */
	T_REQUIRE(people_profile(&c, &json) == OK);
	T_EQ_STR(json, s.user);
}

static void refused_field(const char *json, const char *field)
{
	struct json_object *p;
	enum err e = patch(json, &p);

	if (e != E_INVALID || !c.details || strcmp(c.details->field, field) != 0)
		T_FAIL("%s gives %s on %s", json, err_info(e)->code,
		       c.details ? c.details->field : "nothing");
}

static void bad_profiles(void)
{
	struct json_object *p;
	struct session s;
	struct actor a;
	const char *before = NULL, *after = NULL;

	NEED_PEOPLE();
	a = newcomer(&s);
	c.actor = &a;
	T_REQUIRE(people_profile(&c, &before) == OK);
	refused_field("{'name':null}", "name");
	refused_field("{'name':''}", "name");
	refused_field("{'username':'ab'}", "username");
	refused_field("{'username':'no spaces'}", "username");
	refused_field("{'username':'semi;colon'}", "username");
	refused_field("{'avatar':'javascript:alert(1)'}", "avatar");
	refused_field("{'coordinates':{'lat':91,'lng':0}}", "coordinates.lat");
	refused_field("{'interests':['']}", "interests[0]");
	refused_field("{'birthday':'2999-01-01'}", "birthday");
	refused_field("{'birthday':'1990-02-30'}", "birthday");
	refused_field("{'timezone':'Mars/Olympus'}", "timezone");
	refused_field("{'privacy':[]}", "privacy");
	/* what belongs to others: mass assignment */
	refused_field("{'role':'admin'}", "role");
	refused_field("{'id':'01900000-0000-7000-8000-000000000001'}", "id");
	refused_field("{'email':'x@example.org'}", "email");
	refused_field("{'password_hash':'x'}", "password_hash");
	refused_field("{'token_epoch':1}", "token_epoch");
	refused_field("{'is_active':true}", "is_active");
	T_EQ_INT(put("{'bio':'no name'}", &p), E_INVALID);
	ctx_forgive(&c);
	T_REQUIRE(people_profile(&c, &after) == OK);
	T_EQ_STR(after, before);
}

static void usernames_are_unique(void)
{
	struct json_object *p;
	struct session s, t;
	struct actor a, b;
	const char *name;

	NEED_PEOPLE();
	a = newcomer(&s);
	b = newcomer(&t);
	name = new_name();
	c.actor = &a;
	T_REQUIRE(patch(arena_printf(c.arena, "{'username':'%s'}", name), &p) == OK);
	T_EQ_INT(patch(arena_printf(c.arena, "{'username':'%s','bio':'same'}", name), &p), OK);
	c.actor = &b;
	T_EQ_INT(patch(arena_printf(c.arena, "{'username':'A%s'}", name + 1), &p), E_CONFLICT);
	T_REQUIRE(c.details != NULL);
	T_EQ_STR(c.details->field, "username");
}

/* ---- others ---- */

static void short_view_is_short(void)
{
	struct session s, t;
	struct actor a, b;
	struct json_object *o;
	const char *json = NULL;
	struct id none = id_new();

	NEED_PEOPLE();
	a = newcomer(&s);
	b = newcomer(&t);
	c.actor = &a;
	T_REQUIRE(people_short(&c, &b.user, &json) == OK);
	o = js_own(c.arena, json);
	T_EQ_INT(json_object_object_length(o), 4);
	T_EQ_STR(js_str(o, "id"), b.user.s);
	T_EQ_STR(js_str(o, "name"), "Ada");
	T_TRUE(js_has(o, "username") && js_has(o, "avatar"));
	T_EQ_INT(people_short(&c, &none, &json), E_NOTFOUND);
}

static void only_some_may_ask_for_more(void)
{
	static const struct { enum role role; enum err others; } rows[] = {
		{ ROLE_USER, E_DENIED }, { ROLE_ORGANIZER, OK }, { ROLE_ADMIN, OK },
		{ ROLE_SERVICE, OK },
	};
	struct session s, t;
	struct actor a, b;
	const char *json = NULL;

	NEED_PEOPLE();
	a = newcomer(&s);
	b = newcomer(&t);
	c.actor = &a;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct input in = input_of(people_batch_fields, "{'user_ids':[]}");

		a.permissions = roles[rows[i].role].permissions;
		T_EQ_INT(people_public(&c, &b.user, &json), rows[i].others);
		ctx_forgive(&c);
		T_EQ_INT(people_validate(&c, &b.user, &json), rows[i].others);
		ctx_forgive(&c);
		T_EQ_INT(people_batch(&c, &in, &json), rows[i].others);
		ctx_forgive(&c);
		T_EQ_INT(people_public(&c, &a.user, &json), OK);
		T_EQ_INT(people_validate(&c, &a.user, &json), OK);
	}
	T_FALSE(strstr(json, "@") != NULL);
	c.actor = &actor_anonymous;
	T_EQ_INT(people_public(&c, &a.user, &json), E_DENIED);
}

static void validation_answers_for_nobody_too(void)
{
	struct session s;
	struct actor a;
	const char *json = NULL;
	struct id none = id_new();

	NEED_PEOPLE();
	a = newcomer(&s);
	a.permissions = roles[ROLE_SERVICE].permissions;
	c.actor = &a;
	T_REQUIRE(people_validate(&c, &none, &json) == OK);
	T_EQ_STR(js_text(c.arena, js_own(c.arena, json)),
		 "{\"exists\":false,\"is_active\":false,\"name\":null}");
	T_REQUIRE(people_validate(&c, &a.user, &json) == OK);
	T_EQ_STR(js_text(c.arena, js_own(c.arena, json)),
		 "{\"exists\":true,\"is_active\":true,\"name\":\"Ada\"}");
	T_EQ_INT(people_public(&c, &none, &json), E_NOTFOUND);
}

static void batch_keeps_the_order(void)
{
	struct session s;
	struct actor a, b, d;
	struct json_object *list;
	struct id none = id_new();
	struct input in;
	const char *json = NULL;

	NEED_PEOPLE();
	a = newcomer(&s);
	b = newcomer(&s);
	d = newcomer(&s);
	a.permissions = roles[ROLE_SERVICE].permissions;
	c.actor = &a;
	in = input_of(people_batch_fields,
		      arena_printf(c.arena, "{'user_ids':['%s','%s','%s','%s']}", d.user.s, none.s,
				   a.user.s, b.user.s));
	T_REQUIRE(people_batch(&c, &in, &json) == OK);
	list = js_own(c.arena, json);
	T_REQUIRE(list && json_object_array_length(list) == 3);
	T_EQ_STR(js_str(json_object_array_get_idx(list, 0), "id"), d.user.s);
	T_EQ_STR(js_str(json_object_array_get_idx(list, 1), "id"), a.user.s);
	T_EQ_STR(js_str(json_object_array_get_idx(list, 2), "id"), b.user.s);
}

static void batch_has_a_limit(void)
{
	struct strbuf b;
	struct input in;

	NEED_PEOPLE();
	strbuf_init(&b, c.arena, 1 << 16);
	for (int i = 0; i < 101; i++)
		strbuf_printf(&b, "%s'%s'", i ? "," : "{'user_ids':[", id_new().s);
	strbuf_adds(&b, "]}");
	T_EQ_INT(read_fields(people_batch_fields, (struct input_mode){ .partial = false },
			     strbuf_str(&b), &in), E_INVALID);
	T_EQ_STR(c.details->field, "user_ids");
	T_EQ_INT(read_fields(people_batch_fields, (struct input_mode){ .partial = false },
			     "{'user_ids':['}; DROP TABLE users;--']}", &in), E_INVALID);
}

T_SUITE_WITH("profiles", people_setup, people_teardown, T(put_replaces_and_patch_merges),
	     T(reading_back), T(bad_profiles), T(usernames_are_unique), T(short_view_is_short),
	     T(only_some_may_ask_for_more), T(validation_answers_for_nobody_too),
	     T(batch_keeps_the_order), T(batch_has_a_limit))
