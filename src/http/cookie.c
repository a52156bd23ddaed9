/* src/http/cookie.c - request cookies (RFC 6265 section 5.4) */
#include "http/http.h"

struct str http_cookie(const struct http_request *rq, const char *name)
{
	struct str rest = str_of(http_header(rq, "Cookie")), pair, value;

	while (rest.n > 0) {
		pair = str_trim(str_cut(rest, ';', &rest));
		if (str_is(str_cut(pair, '=', &value), name) && value.p)
			return value;
	}
	return (struct str){ NULL, 0 };
}
