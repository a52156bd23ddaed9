/* tests/unit/test_proxy.c - the client's address behind trusted proxies */
#include "http/proxy.h"
#include "core/str.h"
#include "t.h"

static struct arena *a;

struct row {
	const char *trusted, *remote, *forwarded, *client;
};

static void check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		T_EQ_STR(proxy_client(a, rows[i].trusted, rows[i].remote, rows[i].forwarded),
			 rows[i].client);
}

static void without_proxies_remote_counts(void)
{
	static const struct row rows[] = {
		{ "", "192.0.2.7", "", "192.0.2.7" },
		{ NULL, "192.0.2.7", "198.51.100.1", "192.0.2.7" },
		{ "", "192.0.2.7", "198.51.100.1", "192.0.2.7" },
		{ "10.0.0.1", "192.0.2.7", "198.51.100.1", "192.0.2.7" },
		{ "", "::ffff:192.0.2.7", "", "192.0.2.7" },
		{ "", "2001:DB8:0:0:0:0:0:1", "", "2001:db8::1" },
		{ "", "unix:", "", "0.0.0.0" },
		{ "", "", "1.2.3.4", "0.0.0.0" },
	};

	check_rows(rows, COUNT(rows));
}

static void trusted_proxies_name_the_client(void)
{
	static const struct row rows[] = {
		{ "10.0.0.1", "10.0.0.1", "198.51.100.1", "198.51.100.1" },
		{ "10.0.0.1", "10.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1" },
		{ "10.0.0.1", "10.0.0.1", "6.6.6.6,10.0.0.1", "6.6.6.6" },
		{ "10.0.0.0/8 ::1", "::1", "6.6.6.6, 7.7.7.7 , 10.9.9.9", "7.7.7.7" },
		{ "10.0.0.1", "::ffff:10.0.0.1", "198.51.100.1:4711", "198.51.100.1" },
		{ "10.0.0.1", "10.0.0.1", "[2001:db8::2]:443", "2001:db8::2" },
		{ "10.0.0.1", "10.0.0.1", "[2001:db8::2]", "2001:db8::2" },
		{ "10.0.0.1", "10.0.0.1", "2001:db8::2", "2001:db8::2" },
		{ "10.0.0.1", "10.0.0.1", "::ffff:1.2.3.4", "1.2.3.4" },
		{ "10.0.0.1", "10.0.0.1", "1.2.3.4, ,", "1.2.3.4" },
	};

	check_rows(rows, COUNT(rows));
}

static void else_remote_counts(void)
{
	static const struct row rows[] = {
		{ "10.0.0.0/8", "10.0.0.1", "", "10.0.0.1" },
		{ "10.0.0.0/8", "10.0.0.1", "10.0.0.2, 10.0.0.3", "10.0.0.1" },
		{ "10.0.0.0/8", "10.0.0.1", "1.2.3.4, unknown", "10.0.0.1" },
		{ "10.0.0.0/8", "10.0.0.1", "1.2.3.4, [", "10.0.0.1" },
		{ "10.0.0.0/8", "10.0.0.1", "1.2.3.4, []", "10.0.0.1" },
		{ "10.0.0.0/8", "10.0.0.1", "1.2.3.4, 5.6.7.8.9", "10.0.0.1" },
		{ "10.0.0.0/8", "10.0.0.1", ",,,", "10.0.0.1" },
		{ "10.0.0.0/8", "10.0.0.1",
		  "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc", "10.0.0.1" },
	};

	check_rows(rows, COUNT(rows));
}

static void networks(void)
{
	static const struct {
		const char *trusted, *addr;
		bool yes;
	} rows[] = {
		{ "10.0.0.0/8", "10.255.255.255", true },
		{ "10.0.0.0/8", "11.0.0.0", false },
		{ "192.168.4.0/22", "192.168.7.255", true },
		{ "192.168.4.0/22", "192.168.8.0", false },
		{ "192.0.2.1/32", "192.0.2.1", true },
		{ "192.0.2.1/32", "192.0.2.2", false },
		{ "0.0.0.0/0", "203.0.113.9", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "2001:db8::/33", "2001:db8:7fff::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
		{ "::/0", "2001:db8::1", true },
		{ "  1.1.1.1 \t 2.2.2.2  ", "2.2.2.2", true },
		{ "10.0.0.0/33", "10.0.0.0", false },
		{ "10.0.0.0/", "10.0.0.0", false },
		{ "10.0.0.0/-1", "10.0.0.0", false },
		{ "10.0.0.0/x", "10.0.0.0", false },
		{ "localhost", "127.0.0.1", false },
		{ "10.0.0.0/8", "unix:", false },
		{ "", "10.0.0.1", false },
		{ NULL, "10.0.0.1", false },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		if (proxy_trusted(rows[i].trusted, rows[i].addr) != rows[i].yes)
			T_FAIL("row %zu: %s in \"%s\"", i, rows[i].addr, rows[i].trusted);
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

T_SUITE_WITH("trusted proxies", make_arena, drop_arena, T(without_proxies_remote_counts),
	     T(trusted_proxies_name_the_client), T(else_remote_counts), T(networks))
