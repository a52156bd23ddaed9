/* src/core/csv.h - comma-separated values (RFC 4180) that no spreadsheet takes for a formula */
#ifndef CORE_CSV_H
#define CORE_CSV_H

#include "core/strbuf.h"

/* One value, after a comma unless it is the first of its line. What begins with = + - @, a tab or
 * a line break gets a leading apostrophe (OWASP, CSV injection); what has a ; or a tab in it is
 * quoted, too, for programs that cut there. */
void csv_add(struct strbuf *b, bool first, struct str value);
void csv_end(struct strbuf *b);

#endif
