/* tests/unit/test_form.c - forms of pages: read as they were sent, shown as they were typed */
#include "core/json.h"
#include "http/backend.h"
#include "t.h"
#include "web/form.h"
#include "web/session.h"

static struct arena *arena;
static struct config cfg;
static struct ctx c;
static struct http_backend io;
static struct http_request http;
static struct http_response rs;
static struct req rq;
static struct {
	const char *text;
	size_t left;
} body;

static const struct input_field fields[] = {
	{ "title", IN_LINE, IN_REQUIRED, 3, 20, 0, NULL, NULL, "A title" },
	{ "about", IN_TEXT, IN_NULLABLE, 0, 50, 0, NULL, NULL, "Lines" },
	{ "start_date", IN_TIME, IN_NULLABLE, 0, 0, 0, NULL, NULL, "When" },
	{ "price", IN_MONEY, IN_NULLABLE, 0, 0, 0, NULL, NULL, "How much" },
	{ "open", IN_BOOL, IN_NULLABLE, 0, 0, 0, NULL, NULL, "Is it" },
	{ "kind", IN_WORD, IN_NULLABLE, 0, 0, 0, "public|private", NULL, "Which" },
	{ "tags", IN_TEXTS, IN_NULLABLE, 0, 3, 10, NULL, NULL, "Some" },
	{ "coordinates", IN_COORDS, IN_NULLABLE, 0, 0, 0, NULL, NULL, "Where" },
	{ "ids", IN_IDS, 0, 0, 100, 0, NULL, NULL, "Whose" },
	{ NULL, IN_TEXT, 0, 0, 0, 0, NULL, NULL, NULL },
};
static const struct route page = { M_POST, "/x", NULL, WHO_ANY, 0, RL_NONE, C_NONE, RF_PAGE,
				   fields, NULL, "A page" };

static bool setup(void)
{
	static const char *const flags[] = {
		"auth.jwt_secret=0123456789abcdef0123456789abcdef", NULL
	};
	char why[256];

	arena = arena_new(64 << 20);
	if (config_load(&cfg, "", flags, stderr) != OK || !page_open(&cfg, why, sizeof(why)))
		return false;
	c.cfg = &cfg;
	return true;
}

static void teardown(void)
{
	page_close();
	arena_free(arena);
}

static long read_body(struct http_backend *b, char *buf, size_t n)
{
	(void)b;
	n = n < body.left ? n : body.left;
	memcpy(buf, body.text, n);
	body.text += n;
	body.left -= n;
	return (long)n;
}

#define TYPE "CONTENT_TYPE=application/x-www-form-urlencoded"
#define OURS "HTTP_SEC_FETCH_SITE=same-origin"

/* What was sent, and what a browser says of where from; more may be NULL. */
static void sent_from(const char *where, const char *more, const char *text)
{
	const char *env[8] = { "REQUEST_METHOD=POST", "REQUEST_URI=/x?a=b", TYPE,
			       "HTTP_HOST=site.example", where };

	arena_reset(arena);
	env[5] = arena_printf(arena, "CONTENT_LENGTH=%zu", strlen(text));
	env[6] = more;
	memset(&io, 0, sizeof(io));
	memset(&rq, 0, sizeof(rq));
	io.read = read_body;
	body.text = text;
	body.left = strlen(text);
	ctx_begin(&c, arena);
	http_request_init(&http, arena, &cfg, &io, (char *const *)(uintptr_t)env);
	http_response_init(&rs, arena);
	rq = (struct req){ .ctx = &c, .http = &http, .rs = &rs, .route = &page,
			   .actor = actor_anonymous };
	c.actor = &rq.actor;
}

static void sign_in(const char *session)
{
	rq.actor = (struct actor){ .user = { "018f0000-0000-7000-8000-000000000001" },
				   .role = ROLE_USER, .email = "ada@example.org",
				   .session = session };
}

static struct json_object *typed;
static struct input in;

static enum err read_form(void)
{
	return form_read(&rq, fields, (struct input_mode){ .zone = "Europe/Berlin" }, &typed, &in);
}

static const char *values(void)
{
	return js_text(arena, in.values);
}

/* ---- reading ---- */

static void a_form_becomes_values(void)
{
	sent_from(OURS, NULL, "title=Tea+%26+more&about=one%0D%0Atwo%0Dthree%0A&"
			      "start_date=2031-07-01T19:00&price=12.50&open=true&kind=private&"
			      "tags=a%0D%0Ab&lat=52.5&lng=13.4&_step=look");
	T_EQ_INT(read_form(), OK);
	T_EQ_STR(js_str(in.values, "title"), "Tea & more");
	T_EQ_STR(js_str(in.values, "start_date"), "2031-07-01T17:00:00Z");
	T_EQ_STR(js_text(arena, js_get(in.values, "tags")), "[\"a\",\"b\"]");
	T_EQ_STR(js_text(arena, js_get(in.values, "coordinates")), "{\"lat\":52.5,\"lng\":13.4}");
	T_TRUE(json_object_get_boolean(js_get(in.values, "open")));
	T_FALSE(js_has(in.values, "_step"));	/* the page's own */
	T_EQ_STR(js_str(typed, "_step"), "look");
	/* Browsers write line ends as CR LF; a CR of its own was typed. */
	T_EQ_STR(js_str(typed, "about"), "one\ntwo\rthree\n");
}

static void boxes_become_lists(void)
{
	sent_from(OURS, NULL, "title=Tea&ids[]=018f0000-0000-7000-8000-000000000001&"
			      "ids%5B%5D=018f0000-0000-7000-8000-000000000002");
	T_EQ_INT(read_form(), OK);
	T_EQ_INT(json_object_array_length(js_get(in.values, "ids")), 2);
	sent_from(OURS, NULL, "title=Tea&title=Coffee");
	T_EQ_INT(read_form(), E_INVALID);
	T_EQ_STR(c.details->field, "title");
	T_EQ_STR(c.details->reason, "stands twice");
	sent_from(OURS, NULL, "ids=a&ids[]=b");
	T_EQ_INT(read_form(), E_INVALID);
}

static void what_is_empty_is_not_there(void)
{
	sent_from(OURS, NULL, "title=Tea&about=&start_date=&price=&open=&tags=&lat=&lng=");
	T_EQ_INT(read_form(), OK);
	T_TRUE(js_has(in.values, "start_date") && !js_get(in.values, "start_date"));
	T_TRUE(js_has(in.values, "about") && !js_get(in.values, "about"));
	sent_from(OURS, NULL, "title=&about=x");
	T_EQ_INT(read_form(), E_INVALID);
	T_EQ_STR(c.details->field, "title");
	T_EQ_STR(c.details->reason, "is required");
	T_EQ_STR(js_str(typed, "about"), "x");
}

static void limits_are_kept(void)
{
	char much[1500];
	size_t n = 0;

	for (int i = 0; i < 101; i++)
		n += (size_t)snprintf(much + n, sizeof(much) - n, "&n%d=x", i);
	sent_from(OURS, NULL, much);
	T_EQ_INT(read_form(), E_MALFORMED);
	sent_from(OURS, NULL, "title=%ff");
	T_EQ_INT(read_form(), E_MALFORMED);
	sent_from(OURS, NULL, "title=a%00b");
	T_EQ_INT(read_form(), E_MALFORMED);
	sent_from(OURS, NULL, "title=Tea&secret_column=1");
	T_EQ_INT(read_form(), E_INVALID);
	T_EQ_STR(c.details->reason, "is not known here");
	sent_from(OURS, NULL, "title=Tea");
	http.content_type = "application/json";
	T_EQ_INT(read_form(), E_MEDIA);
	sent_from(OURS, NULL, "title=Tea");
	http.content_length = cfg.http_body_limit + 1;
	T_EQ_INT(read_form(), E_TOOBIG);
	sent_from(OURS, NULL, "title=Tea");
	http.content_length = 100;
	T_EQ_INT(read_form(), E_MALFORMED);
}

static void only_our_own_pages_send_forms(void)
{
	static const struct {
		const char *where, *more;
		enum err e;
	} rows[] = {
		{ OURS, NULL, OK },
		{ OURS, "HTTP_ORIGIN=http://site.example", OK },
		{ "X=", "HTTP_ORIGIN=http://site.example", OK },
		{ "X=", "HTTP_ORIGIN=http://SITE.example", OK },
		{ "X=", NULL, E_DENIED },
		{ OURS, "HTTP_ORIGIN=http://evil.example", E_DENIED },
		{ OURS, "HTTP_ORIGIN=null", E_DENIED },
		{ "X=", "HTTP_ORIGIN=http://site.example.evil.example", E_DENIED },
		{ "X=", "HTTP_ORIGIN=http://evil.example/site.example", E_DENIED },
		{ "X=", "HTTP_ORIGIN=site.example", E_DENIED },
		{ "HTTP_SEC_FETCH_SITE=cross-site", "HTTP_ORIGIN=http://site.example", E_DENIED },
		{ "HTTP_SEC_FETCH_SITE=same-site", "HTTP_ORIGIN=http://site.example", E_DENIED },
		{ "HTTP_SEC_FETCH_SITE=none", NULL, E_DENIED },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		sent_from(rows[i].where, rows[i].more, "title=Tea&_again=1");
		enum err e = read_form();

		/* A form that comes back is shown again, but only one of ours. */
		T_EQ_INT(e, rows[i].e == OK ? E_INVALID : rows[i].e);
		sent_from(rows[i].where, rows[i].more, "title=Tea");
		T_EQ_INT(read_form(), rows[i].e);
	}
}

static const char *form_with(const char *text, const char *key)
{
	static char form[200];

	snprintf(form, sizeof(form), "%s%s", text, key);
	return form;
}

static void each_sign_in_has_its_own_key(void)
{
	char key[65];

	sent_from(OURS, NULL, "");
	sign_in("one");
	snprintf(key, sizeof(key), "%s", session_form_key(&rq));
	sign_in("two");
	T_TRUE(strlen(key) == 64 && strcmp(key, session_form_key(&rq)) != 0);
	sent_from(OURS, NULL, form_with("title=Tea&key=", key));
	sign_in("one");
	T_EQ_INT(read_form(), OK);
	T_FALSE(js_has(typed, "key"));
	sent_from(OURS, NULL, form_with("title=Tea&key=", key));
	sign_in("two");
	T_EQ_INT(read_form(), E_DENIED);
	sent_from(OURS, NULL, "title=Tea");
	sign_in("one");
	T_EQ_INT(read_form(), E_DENIED);
	/* Of a sign-in that is over: shown again, with all that was typed, and not acted on. */
	sent_from(OURS, NULL, form_with("title=Tea&about=long&_again=&key=", key));
	sign_in("two");
	T_EQ_INT(read_form(), E_INVALID);
	T_EQ_STR(js_str(typed, "about"), "long");
	T_EQ_STR(values(), "{}");
}

/* ---- showing ---- */

static void values_become_texts(void)
{
	struct json_object *v, *t;

	sent_from(OURS, NULL, "");
	v = js_own(arena, "{\"title\":\"Tea\",\"about\":null,"
			  "\"start_date\":\"2031-07-01T17:00:00Z\",\"price\":12.5,\"open\":true,"
			  "\"tags\":[\"a\",\"b\"],"
			  "\"coordinates\":{\"lat\":52.5,\"lng\":-0.125}}");
	t = form_texts(&rq, fields, v, "Europe/Berlin");
	T_EQ_STR(js_text(arena, t),
		 "{\"title\":\"Tea\",\"about\":\"\",\"start_date\":\"2031-07-01T19:00\","
		 "\"price\":\"12.50\",\"open\":\"true\",\"kind\":\"\",\"tags\":\"a\\nb\","
		 "\"lat\":\"52.5\",\"lng\":\"-0.125\",\"ids\":\"\"}");
	v = js_own(arena, "{\"start_date\":\"2031-01-01T17:00:07.5Z\"}");
	T_EQ_STR(js_str(form_texts(&rq, fields, v, "UTC"), "start_date"),
		 "2031-01-01T17:00:07.500");
	v = js_own(arena, "{\"start_date\":\"2031-01-01T17:00:07Z\"}");
	T_EQ_STR(js_str(form_texts(&rq, fields, v, "UTC"), "start_date"), "2031-01-01T17:00:07");
}

static struct json_object *shown(const char *accept)
{
	struct json_object *o;

	sent_from(OURS, accept, "title=ab&about=kept&start_date=soon&kind=private&lat=95");
	T_EQ_INT(read_form(), E_INVALID);
	o = page_data(&rq);
	form_add(&rq, o, fields, typed);
	return js_get(o, "f");
}

static void messages_stand_beside_fields(void)
{
	struct json_object *f = shown(NULL), *list;

	T_EQ_STR(js_str(js_get(f, "title"), "value"), "ab");
	T_EQ_STR(js_str(js_get(f, "title"), "wrong"), "must have at least 3 characters");
	T_TRUE(json_object_get_boolean(js_get(js_get(f, "title"), "first")));
	T_FALSE(json_object_get_boolean(js_get(js_get(f, "start_date"), "first")));
	T_TRUE(js_str(js_get(f, "start_date"), "wrong") != NULL);
	T_EQ_STR(js_str(js_get(f, "about"), "value"), "kept");
	T_NULL(js_str(js_get(f, "about"), "wrong"));
	T_TRUE(json_object_get_boolean(js_get(js_get(f, "about"), "area")));
	T_EQ_INT(json_object_get_int(js_get(js_get(f, "about"), "max")), 50);
	T_EQ_STR(js_str(js_get(f, "start_date"), "type"), "datetime-local");
	list = js_get(js_get(f, "kind"), "choices");
	T_EQ_INT(json_object_array_length(list), 2);
	T_TRUE(json_object_get_boolean(js_get(json_object_array_get_idx(list, 1), "chosen")));
	T_EQ_STR(js_str(js_get(shown("HTTP_ACCEPT_LANGUAGE=de"), "title"), "wrong"),
		 "braucht mindestens 3 Zeichen");
}

static void errors_are_told_in_the_readers_language(void)
{
	sent_from(OURS, "HTTP_ACCEPT_LANGUAGE=de-AT, en;q=0.5", "");
	for (int e = OK + 1; e < ERR_COUNT; e++) {
		const char *title = err_info((enum err)e)->title;

		T_TRUE(strcmp(page_reason(&rq, title), title) != 0);
	}
	T_EQ_STR(page_reason(&rq, "must have at most 12 characters"),
		 "darf höchstens 12 Zeichen haben");
	T_EQ_STR(page_reason(&rq, "must be a colour such as #3B82F6"),
		 "muss eine Farbe wie #3B82F6 sein");
	T_EQ_STR(page_reason(&rq, "nobody has written this"), "nobody has written this");
	T_EQ_STR(page_reason(&rq, "nor 5 of these"), "nor 5 of these");
	sent_from(OURS, NULL, "");
	T_EQ_STR(page_reason(&rq, "must have at most 12 characters"),
		 "must have at most 12 characters");
}

/* ---- what a lost sign-in keeps ---- */

static const char *answer(void)
{
	char *out = arena_strdup(arena, "");

	for (int i = 0; i < rs.n_parts; i++)
		out = arena_printf(arena, "%s%.*s", out, (int)rs.parts[i].n, rs.parts[i].p);
	return out;
}

static void a_form_waits_for_its_sender(void)
{
	sent_from(OURS, NULL, "title=a%26b&about=%22%3Cb%3E&_again=");
	T_EQ_INT(form_ask_to_sign_in(&rq), OK);
	T_EQ_INT(rs.status, 401);
	T_HAS(answer(), "name=\"kept\" value=\"title=a%26b&amp;about=%22%3Cb%3E\"");
	T_HAS(answer(), "name=\"next\" value=\"/x?a=b\"");
	sent_from(OURS, NULL, "");
	T_EQ_INT(form_give_back(&rq, "title=a%26b&about=%22%3Cb%3E", "/x?a=b"), OK);
	T_HAS(answer(), "action=\"/x?a=b\"");
	T_HAS(answer(), "name=\"title\" value=\"a&amp;b\"");
	T_HAS(answer(), "name=\"about\" value=\"&quot;&lt;b&gt;\"");
	/* From elsewhere, or a form that cannot come back: where its page was, if that was ours. */
	sent_from("HTTP_SEC_FETCH_SITE=cross-site", NULL, "title=x&_again=");
	T_EQ_INT(form_ask_to_sign_in(&rq), OK);
	T_NULL(strstr(answer(), "name=\"kept\""));
	sent_from(OURS, "HTTP_REFERER=http://site.example/e/tea?x", "status=going");
	T_EQ_INT(form_ask_to_sign_in(&rq), OK);
	T_HAS(answer(), "name=\"next\" value=\"/e/tea?x\"");
	sent_from(OURS, "HTTP_REFERER=http://site.example.evil/e/tea", "status=going");
	T_EQ_INT(form_ask_to_sign_in(&rq), OK);
	T_HAS(answer(), "name=\"next\" value=\"/\"");
}

static void fields_can_be_hidden(void)
{
	struct json_object *o;

	sent_from(OURS, NULL, "");
	o = js_object(arena);
	form_hide(o, js_own(arena, "{\"a\":\"<\",\"_step\":\"look\",\"b\":\"\"}"));
	T_EQ_STR(js_text(arena, o), "{\"hidden\":[{\"name\":\"a\",\"value\":\"<\"},"
				    "{\"name\":\"b\",\"value\":\"\"}]}");
}

T_SUITE_WITH("forms", setup, teardown, T(a_form_becomes_values), T(boxes_become_lists),
	     T(what_is_empty_is_not_there), T(limits_are_kept), T(only_our_own_pages_send_forms),
	     T(each_sign_in_has_its_own_key), T(values_become_texts),
	     T(messages_stand_beside_fields),
	     T(errors_are_told_in_the_readers_language), T(a_form_waits_for_its_sender),
	     T(fields_can_be_hidden))
