/* src/core/id.h - identifiers: UUID version 7 (RFC 9562), kept as canonical text */
#ifndef CORE_ID_H
#define CORE_ID_H

#include "core/str.h"

struct id {
	char s[37];	/* lower case, terminated; "" = none */
};

/* Never decreases within a process, also when the clock steps back. Guessable: never a secret. */
struct id id_new(void);
/* Accepts any case of the 8-4-4-4-12 form only. */
bool id_parse(struct str s, struct id *out);
void id_format(const unsigned char bytes[16], char out[37]);
static inline bool id_none(const struct id *id)
{
	return id->s[0] == '\0';
}
static inline const char *id_or_null(const struct id *id)
{
	return id->s[0] ? id->s : (const char *)0;
}

/* n random bytes as unpadded base64url text; out holds at least 4 * (n + 2) / 3 + 1. */
void id_secret(char *out, size_t n);

#endif
