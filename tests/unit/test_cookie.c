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
	CU_ASSERT(str_is(http_cookie(&rq, "a"), "1"));
	CU_ASSERT(str_is(http_cookie(&rq, "session"), "abc=def=="));
	CU_ASSERT(str_is(http_cookie(&rq, "b"), "2"));
	CU_ASSERT_PTR_NULL(http_cookie(&rq, "c").p);
	CU_ASSERT_PTR_NULL(http_cookie(&rq, "sess").p);
	CU_ASSERT_PTR_NULL(http_cookie(&rq, "A").p);
}

static void first_one_counts(void)
{
	request_with("HTTP_COOKIE=id=first; id=second");
	CU_ASSERT(str_is(http_cookie(&rq, "id"), "first"));
}

static void empty_is_not_absent(void)
{
	request_with("HTTP_COOKIE=id=; flag; q=\"x\"");
	CU_ASSERT_PTR_NOT_NULL(http_cookie(&rq, "id").p);
	CU_ASSERT_EQUAL(http_cookie(&rq, "id").n, 0);
	CU_ASSERT_PTR_NULL(http_cookie(&rq, "flag").p);
	CU_ASSERT(str_is(http_cookie(&rq, "q"), "\"x\""));
}

static void odd_headers(void)
{
	static const char *const odd[] = { "HTTP_COOKIE=", "HTTP_COOKIE=;;;", "HTTP_COOKIE==",
					   "HTTP_COOKIE=; =x;", "OTHER=id=1" };

	for (size_t i = 0; i < COUNT(odd); i++) {
		request_with(odd[i]);
		CU_ASSERT_PTR_NULL(http_cookie(&rq, "id").p);
	}
}
