/* tests/unit/test_id.c - UUID version 7 */
#include "core/clock.h"
#include "core/id.h"
#include "t.h"

#include <sys/wait.h>
#include <unistd.h>

static void the_form_is_version_7(void)
{
	int64_t before = clock_now_us() / 1000;
	struct id id = id_new();
	int64_t after = clock_now_us() / 1000;

	T_EQ_INT(strlen(id.s), 36);
	T_EQ_INT(strspn(id.s, "0123456789abcdef-"), 36);
	T_EQ_INT(id.s[14], '7');
	T_TRUE(strchr("89ab", id.s[19]) != NULL);
	char hex[13] = "";
	memcpy(hex, id.s, 8);
	memcpy(hex + 8, id.s + 9, 4);
	long ms = strtol(hex, NULL, 16);
	/* An id may lie ahead of the clock by what was counted on, never behind. */
	T_TRUE(ms >= before && ms <= after + 100);
}

static void they_increase(void)
{
	struct id last = id_new();

	for (int i = 0; i < 100000; i++) {
		struct id id = id_new();

		if (strncmp(id.s, last.s, 18) <= 0) {
			T_FAIL("%s came after %s", id.s, last.s);
			return;
		}
		last = id;
	}
}

static void a_forked_child_makes_others(void)
{
	struct id ours, theirs = { "" };
	int fds[2];

	T_REQUIRE(pipe(fds) == 0);
	(void)id_new();
	pid_t child = fork();
	if (child == 0) {
		theirs = id_new();
		(void)!write(fds[1], theirs.s, sizeof(theirs.s));
		_exit(0);
	}
	ours = id_new();
	T_EQ_INT(read(fds[0], theirs.s, sizeof(theirs.s)), 37);
	waitpid(child, NULL, 0);
	T_TRUE(strcmp(ours.s + 19, theirs.s + 19) != 0);
	close(fds[0]);
	close(fds[1]);
}

static void parsing(void)
{
	static const char *const bad[] = {
		"", "018f", "018f0000-0000-7000-8000-00000000000",
		"018f0000-0000-7000-8000-0000000000000", "018f0000-0000-7000-8000-00000000000g",
		"018f00000000-7000-8000-0000000000000", "{18f0000-0000-7000-8000-00000000000}",
		"018f0000 0000-7000-8000-000000000000", "018f00000000700080000000000000000000",
	};
	struct id id;

	for (size_t i = 0; i < COUNT(bad); i++) {
		T_FALSE(id_parse(str_of(bad[i]), &id));
		T_TRUE(id_none(&id));
	}
	T_TRUE(id_parse(STR("018F0000-ABCD-7000-8000-00000000000f"), &id));
	T_EQ_STR(id.s, "018f0000-abcd-7000-8000-00000000000f");
	T_EQ_STR(id_or_null(&id), id.s);
	id.s[0] = '\0';
	T_NULL(id_or_null(&id));
}

static void secrets(void)
{
	for (size_t n = 0; n <= 200; n++) {
		size_t room = 4 * (n + 2) / 3 + 1;
		char *a = malloc(room), *b = malloc(room);

		id_secret(a, n);
		id_secret(b, n);
		T_EQ_INT(strlen(a), (n * 8 + 5) / 6);
		T_EQ_INT(strspn(a, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				   "0123456789-_"), strlen(a));
		if (n >= 16)
			T_TRUE(strcmp(a, b) != 0);
		free(a);
		free(b);
	}
}

T_SUITE("id", T(the_form_is_version_7), T(they_increase), T(a_forked_child_makes_others),
	T(parsing), T(secrets))
