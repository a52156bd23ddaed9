/* tests/unit/test_cookie.c - cookies of a request */
#include "http/backend.h"
#include "t.h"

static struct arena *a;
static const struct config cfg;
static struct http_backend io;
static struct http_request rq;

static void request_with(const char *cookie)
{
	char *envp[] = { (char *)(uintptr_t)cookie, NULL };

	memset(&io, 0, sizeof(io));
	http_request_init(&rq, a, &cfg, &io, envp);
}

static void finds_by_name(void)
{
	request_with("HTTP_COOKIE=a=1; session=abc=def==;  b=2");
	T_TRUE(str_is(http_cookie(&rq, "a"), "1"));
	T_TRUE(str_is(http_cookie(&rq, "session"), "abc=def=="));
	T_TRUE(str_is(http_cookie(&rq, "b"), "2"));
	T_NULL(http_cookie(&rq, "c").p);
	T_NULL(http_cookie(&rq, "sess").p);
	T_NULL(http_cookie(&rq, "A").p);
}

static void first_one_counts(void)
{
	request_with("HTTP_COOKIE=id=first; id=second");
	T_TRUE(str_is(http_cookie(&rq, "id"), "first"));
}

static void empty_is_not_absent(void)
{
	request_with("HTTP_COOKIE=id=; flag; q=\"x\"");
	T_TRUE(http_cookie(&rq, "id").p != NULL);
	T_EQ_INT(http_cookie(&rq, "id").n, 0);
	T_NULL(http_cookie(&rq, "flag").p);
	T_TRUE(str_is(http_cookie(&rq, "q"), "\"x\""));
}

static void odd_headers(void)
{
	static const char *const odd[] = { "HTTP_COOKIE=", "HTTP_COOKIE=;;;", "HTTP_COOKIE==",
					   "HTTP_COOKIE=; =x;", "OTHER=id=1" };

	for (size_t i = 0; i < COUNT(odd); i++) {
		request_with(odd[i]);
		T_NULL(http_cookie(&rq, "id").p);
	}
}

static bool make_arena(void)
{
	a = arena_new((size_t)16 << 20);
	return true;
}

static void drop_arena(void)
{
	arena_free(a);
}

T_SUITE_WITH("cookies", make_arena, drop_arena, T(finds_by_name), T(first_one_counts),
	     T(empty_is_not_absent), T(odd_headers))
