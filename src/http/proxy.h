/* src/http/proxy.h - who the client is when trusted proxies stand in between */
#ifndef HTTP_PROXY_H
#define HTTP_PROXY_H

#include "core/arena.h"

#include <stdbool.h>

/* Is addr one of the addresses or CIDR networks in trusted (separated by spaces)? */
bool proxy_trusted(const char *trusted, const char *addr);

/* The client's address in the text form of inet_ntop, IPv4-mapped IPv6 as IPv4: remote, or, when
 * remote is trusted, the right-most entry of X-Forwarded-For that is not trusted. An entry that is
 * no address ends the search with remote. "0.0.0.0" when remote is no address at all. */
const char *proxy_client(struct arena *a, const char *trusted, const char *remote,
			 const char *forwarded_for);

#endif
