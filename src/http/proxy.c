/* src/http/proxy.c - the client's address: REMOTE_ADDR, or what trusted proxies say it is */
#include "http/proxy.h"

#include "core/str.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define MAPPED_BITS 96	/* an IPv4 address is the last 32 bits of ::ffff:0:0/96 */

static bool parse_addr(struct str s, struct in6_addr *out)
{
	char text[INET6_ADDRSTRLEN];
	struct in_addr v4;

	if (s.n == 0 || s.n >= sizeof(text))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (inet_pton(AF_INET, text, &v4) != 1)
		return inet_pton(AF_INET6, text, out) == 1;
	memset(out, 0, sizeof(*out));
	out->s6_addr[10] = out->s6_addr[11] = 0xff;
	memcpy(out->s6_addr + 12, &v4, sizeof(v4));
	return true;
}

static const char *format_addr(struct arena *a, const struct in6_addr *addr)
{
	char text[INET6_ADDRSTRLEN];

	if (IN6_IS_ADDR_V4MAPPED(addr))
		inet_ntop(AF_INET, addr->s6_addr + 12, text, sizeof(text));
	else
		inet_ntop(AF_INET6, addr, text, sizeof(text));
	return arena_strdup(a, text);
}

static bool same_net(const struct in6_addr *a, const struct in6_addr *b, long bits)
{
	size_t whole = (size_t)bits / 8;
	unsigned rest = (unsigned)bits % 8;

	if (memcmp(a->s6_addr, b->s6_addr, whole) != 0)
		return false;
	return rest == 0 || (a->s6_addr[whole] ^ b->s6_addr[whole]) >> (8 - rest) == 0;
}

/* One word of the trusted list: an address, or a network "address/bits". */
static bool word_matches(struct str word, const struct in6_addr *addr)
{
	struct str length, base = str_cut(word, '/', &length);
	bool v6 = base.n && memchr(base.p, ':', base.n) != NULL;
	long bits = v6 ? 128 : 32;
	struct in6_addr net;

	if (!parse_addr(base, &net))
		return false;
	if (length.p && !str_to_long(length, 0, bits, &bits))
		return false;
	return same_net(&net, addr, v6 ? bits : bits + MAPPED_BITS);
}

static bool is_trusted(const char *trusted, const struct in6_addr *addr)
{
	static const char space[] = " \t";
	const char *p = trusted ? trusted : "";
	size_t n;

	for (p += strspn(p, space); *p; p += strspn(p, space)) {
		n = strcspn(p, space);
		if (word_matches((struct str){ p, n }, addr))
			return true;
		p += n;
	}
	return false;
}

/* An entry of X-Forwarded-For: "1.2.3.4", "1.2.3.4:80", "2001:db8::1", "[2001:db8::1]:80". */
static bool parse_hop(struct str s, struct in6_addr *out)
{
	const char *colon = memchr(s.p, ':', s.n), *end;

	if (s.p[0] == '[') {
		end = memchr(s.p, ']', s.n);
		return end && parse_addr((struct str){ s.p + 1, (size_t)(end - s.p) - 1 }, out);
	}
	if (colon && memchr(s.p, '.', (size_t)(colon - s.p)))
		s.n = (size_t)(colon - s.p);
	return parse_addr(s, out);
}

bool proxy_trusted(const char *trusted, const char *addr)
{
	struct in6_addr a;

	return parse_addr(str_of(addr), &a) && is_trusted(trusted, &a);
}

const char *proxy_client(struct arena *a, const char *trusted, const char *remote,
			 const char *forwarded_for)
{
	struct str list = str_of(forwarded_for), hop;
	struct in6_addr addr, hop_addr;
	const char *comma;

	if (!parse_addr(str_of(remote), &addr))
		return "0.0.0.0";
	if (!is_trusted(trusted, &addr))
		return format_addr(a, &addr);
	while (list.n > 0) {
		comma = memrchr(list.p, ',', list.n);
		hop.p = comma ? comma + 1 : list.p;
		hop.n = (size_t)(list.p + list.n - hop.p);
		list.n = comma ? (size_t)(comma - list.p) : 0;
		hop = str_trim(hop);
		if (hop.n == 0)
			continue;
		if (!parse_hop(hop, &hop_addr))
			break;
		if (!is_trusted(trusted, &hop_addr))
			return format_addr(a, &hop_addr);
	}
	return format_addr(a, &addr);
}
