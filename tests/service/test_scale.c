/* tests/service/test_scale.c - what the first page of a list, the next one, and one event read when
 * there are a thousand events and when there are very many: at most half as much again, and for
 * words that many have no more than it takes to meet a page of them
 *
 * T_FULL=1: 200,000 events instead of 20,000. */
#include "admin/admin.h"
#include "auth/actor.h"
#include "core/json.h"
#include "domain/list.h"
#include "plans_look.h"

#define FEW 1000
#define RUNS 8		/* the server makes up its mind after five */
#define SETTLED 2	/* of them the last */

static struct actor admin = { .role = ROLE_ADMIN };
static char slug[100];

/* ---- what is asked ---- */

struct probe {
	const char *name;
	enum err (*run)(const struct probe *p);
	const char *query; /* as JSON; $slug in it: of some event */
	bool next; /* the page that the first one's cursor leads to */
	long most; /* not in proportion: however many there are; 0: in proportion */
};

static enum err list(const struct probe *p, const struct input *in, struct list *out)
{
	bool desk = strncmp(p->name, "desk", 4) == 0;

	c.actor = desk ? &admin : &actor_anonymous;
	return desk ? list_desk(&c, in, out) : list_events(&c, in, out);
}

static enum err run_list(const struct probe *p)
{
	bool desk = strncmp(p->name, "desk", 4) == 0;
	const char *word = strstr(p->query, "$slug");
	const char *query = p->query;
	struct list out = { "", "" };
	struct input in;

	if (word)
		query = arena_printf(c.arena, "%.*s%s%s", (int)(word - p->query), p->query, slug,
				     word + strlen("$slug"));
	TRY(input_read(&c, desk ? desk_fields : list_fields, js_own(c.arena, query),
		       (struct input_mode){ .text = true }, &in));
	TRY(list(p, &in, &out));
	T_EQ_INT(strcmp(out.items, "[]") == 0, strstr(p->query, "absent") != NULL);
	if (!p->next)
		return OK;
	js_add(in.values, "cursor", js_made(json_object_new_string(
		       js_str(js_own(c.arena, out.pagination), "next_cursor"))));
	plans_begin();
	return list(p, &in, &out);
}

static enum err run_event(const struct probe *p)
{
	struct event_parts parts;
	struct id id;

	(void)p;
	c.actor = &actor_anonymous;
	TRY(events_find(&c, str_of(slug), &id));
	return events_get(&c, &id, true, &parts);
}

#define WALK 1500	/* one event in twelve has the word: it is looked up, or 250 are passed */
static const struct probe probes[] = {
	{ "desk", run_list, "{}", false, 0 },
	{ "desk, next page", run_list, "{}", true, 0 },
	{ "desk, a word of many", run_list, "{\"find\":\"workshop\"}", false, WALK },
	{ "desk, a word of none", run_list, "{\"find\":\"absent\"}", false, 50 },
	{ "desk, a slug", run_list, "{\"find\":\"$slug\"}", false, 0 },
	{ "desk, by category", run_list, "{\"category\":\"tech\"}", false, 0 },
	{ "desk, by status", run_list, "{\"status\":\"active\"}", false, 0 },
	{ "desk, from a day on", run_list, "{\"from\":\"+7d\"}", false, 0 },
	{ "agenda", run_list, "{}", false, 0 },
	{ "agenda, next page", run_list, "{}", true, 0 },
	{ "agenda, a word of many", run_list, "{\"q\":\"workshop\"}", false, WALK },
	{ "agenda, a word of none", run_list, "{\"q\":\"absent\"}", false, 50 },
	{ "agenda, by category", run_list, "{\"category\":\"tech\"}", false, 0 },
	{ "one event", run_event, NULL, false, 0 },
};

/* ---- looking ---- */

/* Buffers of the dearest statement once the server has settled; -1: it fails. */
static long buffers_of(const struct probe *p)
{
	long least = -1;

	for (int i = 0; i < RUNS; i++) {
		fixture_next(&c);
		plans_begin();
		if (p->run(p) != OK || seen.plans == 0)
			return -1;
		if (i >= RUNS - SETTLED && (least < 0 || seen.buffers < least))
			least = seen.buffers;
	}
	return least;
}

/* Events up to that number, each answered twice or so; the first time with people. */
static bool fill(int have, int want)
{
	const char *text = arena_printf(c.arena, "BEGIN; SELECT demo_begin(); %s"
		"SELECT demo_events(7, %d, %d, 1000), demo_plan(7, %d, 1000, 2 * %d),"
		" demo_answers(7, %d, %d, 1000), demo_docs(7, %d, %d); SELECT demo_finish();"
		" COMMIT",
		have ? "" : "SELECT demo_users(7, 1, 1000, NULL), demo_friends(7, 1000); ",
		have + 1, want, want, want, have + 1, want, have + 1, want);

	return db_simple(&c, text, NULL) == OK && db_simple(&c, "VACUUM ANALYZE", NULL) == OK;
}

static void reads_little_more_of_many(void)
{
	const int many = getenv("T_FULL") ? 200000 : 20000;
	long few[COUNT(probes)];
	PGresult *r;

	NEED_DSN();
	T_REQUIRE(fill(0, FEW));
	T_REQUIRE(db_simple(&c, "SELECT slug FROM events WHERE privacy = 'public' AND status ="
			    " 'active' ORDER BY id LIMIT 1", &r) == OK && PQntuples(r) == 1);
	snprintf(slug, sizeof(slug), "%s", db_get(r, 0, 0));
	T_REQUIRE(plans_watch() == OK);
	for (size_t i = 0; i < COUNT(probes); i++)
		few[i] = buffers_of(&probes[i]);
	fixture_next(&c);
	T_REQUIRE(db_simple(&c, "RESET auto_explain.log_min_duration", NULL) == OK);
	T_REQUIRE(fill(FEW, many));
	T_REQUIRE(plans_watch() == OK);
	for (size_t i = 0; i < COUNT(probes); i++) {
		long now = buffers_of(&probes[i]);

		printf("%s: %ld buffers at %d, %ld at %d\n", probes[i].name, few[i], FEW, now,
		       many);
		long most = probes[i].most ? probes[i].most : few[i] * 3 / 2;

		t_check(few[i] > 0 && now > 0 && now <= most, __LINE__, __FILE__,
			"%s: %ld buffers, at most %ld (%s)", probes[i].name, now, most,
			c.err_msg ? c.err_msg : "too much");
	}
}

static bool setup(void)
{
	if (!getenv("MARQUEE_TEST_DSN"))
		return true;
	cfg.db_statement_timeout = 3600000;	/* filling, beside other things */
	fixture_open(&c, getenv("MARQUEE_TEST_DSN"), "test_scale");
	c.actor = &actor_anonymous;
	admin.permissions = roles[ROLE_ADMIN].permissions;
	return true;
}

static void teardown(void)
{
	if (getenv("MARQUEE_TEST_DSN"))
		fixture_close(&c);
}

T_SUITE_WITH("scale", setup, teardown, T(reads_little_more_of_many))
