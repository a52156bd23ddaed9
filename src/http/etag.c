/* src/http/etag.c - entity tags in If-Match and If-None-Match (RFC 9110 sections 8.8.3 and 13.1) */
#include "http/http.h"

/* What compression modules of web servers write behind a tag, within its quotes. */
static const char *const suffixes[] = {
	"-gzip", ";gzip", "-br", ";br", "-deflate", ";deflate", "-zstd", ";zstd",
};

static struct str without_suffix(struct str tag)
{
	for (size_t i = 0; i < COUNT(suffixes); i++) {
		size_t n = strlen(suffixes[i]);

		if (tag.n > n && memcmp(tag.p + tag.n - n, suffixes[i], n) == 0)
			return (struct str){ tag.p, tag.n - n };
	}
	return tag;
}

static bool tag_matches(struct str theirs, struct str ours, bool weak)
{
	struct str rest;

	theirs = without_suffix(theirs);
	if (weak)
		return str_eq(theirs, ours);
	return str_eq(str_cut(theirs, '.', &rest), str_cut(ours, '.', &rest));
}

/* Reads one list member at *p and moves *p behind it; false when it is no entity tag. */
static bool next_tag(const char **p, struct str *tag)
{
	const char *s = *p, *end;

	if (s[0] == 'W' && s[1] == '/')
		s += 2;
	end = *s == '"' ? strchr(s + 1, '"') : NULL;
	if (!end) {
		*p = s + strcspn(s, ",");
		return false;
	}
	*tag = (struct str){ s + 1, (size_t)(end - s) - 1 };
	*p = end + 1;
	return true;
}

bool http_etag_matches(const char *header, const char *tag, bool weak)
{
	struct str theirs, ours = str_of(tag);
	const char *p = header;

	if (str_is(str_trim(str_of(header)), "*"))
		return true;
	while (*(p += strspn(p, ", \t")) != '\0')
		if (next_tag(&p, &theirs) && tag_matches(theirs, ours, weak))
			return true;
	return false;
}
