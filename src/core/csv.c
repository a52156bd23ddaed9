/* src/core/csv.c - comma-separated values (RFC 4180) that no spreadsheet takes for a formula */
#include "core/csv.h"

void csv_add(struct strbuf *b, bool first, struct str value)
{
	bool quoted = false;

	for (size_t i = 0; i < value.n; i++)
		quoted |= memchr("\",;\t\r\n", value.p[i], 6) != NULL;
	strbuf_adds(b, first ? "" : ",");
	strbuf_adds(b, quoted ? "\"" : "");
	if (value.n && memchr("=+-@\t\r\n", value.p[0], 7))
		strbuf_addc(b, '\'');
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '"')
			strbuf_addc(b, '"');
		strbuf_addc(b, value.p[i]);
	}
	strbuf_adds(b, quoted ? "\"" : "");
}

void csv_end(struct strbuf *b)
{
	strbuf_adds(b, "\r\n");
}
