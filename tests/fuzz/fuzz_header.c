/* tests/fuzz/fuzz_header.c - X-Forwarded-For, trusted networks, entity tags: lines of remote
 * address, trusted list, forwarded list, entity tags */
#include "fuzz/fuzz.h"
#include "http/proxy.h"

#include <arpa/inet.h>

/* Always an address, in the one form that inet_ntop gives it. */
static void is_address(const char *text)
{
	char again[INET6_ADDRSTRLEN];
	struct in6_addr a;
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;

	MUST(inet_pton(family, text, &a) == 1);
	MUST(strcmp(inet_ntop(family, &a, again, sizeof(again)), text) == 0);
}

static void forwarded(struct ctx *c, struct str *rest)
{
	struct str line = fuzz_line(rest);
	const char *remote = arena_strndup(c->arena, line.p, line.n);

	line = fuzz_line(rest);
	const char *trusted = arena_strndup(c->arena, line.p, line.n);

	line = fuzz_line(rest);
	const char *list = arena_strndup(c->arena, line.p, line.n);
	const char *client = proxy_client(c->arena, trusted, remote, list);

	is_address(client);
	if (!proxy_trusted(trusted, remote)) /* whoever is not trusted speaks for itself */
		MUST(strcmp(client, proxy_client(c->arena, "", remote, "")) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const tags[] = { "v12.3.4", "v1.0.0", "v12.3.4-gzip" };
	struct ctx *c = fuzz_ctx();
	struct str rest = str_of(fuzz_text(c, data, size));

	forwarded(c, &rest);
	for (size_t i = 0; i < COUNT(tags); i++) {
		bool whole = http_etag_matches(rest.p, tags[i], true);
		bool version = http_etag_matches(rest.p, tags[i], false);

		MUST(version || !whole);
		MUST(!version || strpbrk(rest.p, "\"*"));
	}
	return 0;
}
