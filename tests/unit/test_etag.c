/* tests/unit/test_etag.c - entity tags in conditional request headers */
#include "http/http.h"
#include "t.h"

struct row {
	const char *header;
	bool weak, strong;	/* does it match "v3.1.0" whole, and by version alone? */
};

static void check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (http_etag_matches(rows[i].header, "v3.1.0", true) != rows[i].weak)
			T_FAIL("all of the tag, header %s", rows[i].header);
		if (http_etag_matches(rows[i].header, "v3.1.0", false) != rows[i].strong)
			T_FAIL("version alone, header %s", rows[i].header);
	}
}

static void compares_single_tags(void)
{
	static const struct row rows[] = {
		{ "\"v3.1.0\"", true, true },
		{ "W/\"v3.1.0\"", true, true },
		{ "  W/\"v3.1.0\"\t", true, true },
		{ "W/\"v3.2.9\"", false, true },
		{ "\"v3\"", false, true },
		{ "\"v30.1.0\"", false, false },
		{ "\"v2.1.0\"", false, false },
		{ "\"V3.1.0\"", false, false },
		{ "\"\"", false, false },
		{ "", false, false },
		{ "*", true, true },
		{ " * ", true, true },
		{ "\"*\"", false, false },
	};

	check_rows(rows, COUNT(rows));
}

static void reads_lists(void)
{
	static const struct row rows[] = {
		{ "\"a\", W/\"v3.1.0\"", true, true },
		{ "\"a\",\"b\",,  ,\"v3.1.0\"", true, true },
		{ "\"a,b\", \"v3.1.0\"", true, true },
		{ "\"a, \"v3.1.0\"", false, false },	/* the quote ends the first tag */
		{ "\"x,v3.1.0\"", false, false },
		{ "\"a\", \"b\"", false, false },
		{ ", ,", false, false },
	};

	check_rows(rows, COUNT(rows));
}

static void skips_what_is_no_tag(void)
{
	static const struct row rows[] = {
		{ "v3.1.0", false, false },
		{ "w/\"v3.1.0\"", false, false },
		{ "W/", false, false },
		{ "W/v3.1.0", false, false },
		{ "\"v3.1.0", false, false },
		{ "junk, \"v3.1.0\"", true, true },
		{ "*, \"b\"", false, false },
	};

	check_rows(rows, COUNT(rows));
}

static void forgives_compression(void)
{
	static const struct row rows[] = {
		{ "\"v3.1.0-gzip\"", true, true },
		{ "W/\"v3.1.0;gzip\"", true, true },
		{ "W/\"v3.1.0-br\"", true, true },
		{ "\"v3.1.0-deflate\"", true, true },
		{ "\"v3.1.0-zstd\"", true, true },
		{ "\"v3-gzip\"", false, true },
		{ "\"v4.1.0-gzip\"", false, false },
		{ "\"v3.1.0-evil\"", false, true },
		{ "\"-gzip\"", false, false },
	};

	check_rows(rows, COUNT(rows));
}

T_SUITE("entity tags", T(compares_single_tags), T(reads_lists), T(skips_what_is_no_tag),
	     T(forgives_compression))
