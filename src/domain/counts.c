/* src/domain/counts.c - adds the slots of an event up and writes its counts as JSON members */
#include "domain/counts.h"

/* An unlimited slot begins with 10^9 free seats, a limited event has 10^5 at most. */
#define UNLIMITED 500000000

bool counts_read(struct str text, long out[N_COUNTS])
{
	int i = 0;

	memset(out, 0, N_COUNTS * sizeof(*out));
	if (text.n < 2 || text.p[0] != '{' || text.p[text.n - 1] != '}')
		return false;
	for (const char *p = text.p + 1; p < text.p + text.n; p++) {
		bool minus = *p == '-';
		long n = 0;

		for (p += minus; *p >= '0' && *p <= '9'; p++)
			n = n * 10 + *p - '0';
		out[i++] += minus ? -n : n;
		if (i == N_COUNTS && *p != '/')
			i = 0;
		else if (i == N_COUNTS || *p != '/')
			return false;
	}
	return i == 0;
}

void counts_stats(struct strbuf *b, const long n[N_COUNTS])
{
	static const struct {
		const char *name;
		int count;
	} members[] = {
		{ "\"stats\":{\"going\":", COUNT_GOING },
		{ ",\"interested\":", COUNT_INTERESTED },
		{ ",\"maybe\":", COUNT_MAYBE },
		{ ",\"waitlist\":", COUNT_WAITLISTED },
		{ ",\"views\":", COUNT_VIEWS },
		{ ",\"shares\":", COUNT_SHARES },
	};

	for (size_t i = 0; i < COUNT(members); i++) {
		strbuf_adds(b, members[i].name);
		strbuf_addn(b, n[members[i].count]);
	}
	strbuf_adds(b, ",\"available\":");
	if (n[COUNT_FREE] < UNLIMITED)
		strbuf_addn(b, n[COUNT_FREE]);
	else
		strbuf_adds(b, "null");
	strbuf_addc(b, '}');
}

void counts_members(struct strbuf *b, const long n[N_COUNTS])
{
	counts_stats(b, n);
	strbuf_adds(b, ",\"current_attendees\":");
	strbuf_addn(b, n[COUNT_GOING]);
}
