/* tests/unit/test_event_counts.c - slots of an event are added up and written as JSON members */
#include "domain/counts.h"
#include "t.h"

static const char *members(const char *text)
{
	static char out[512];
	long n[N_COUNTS];
	struct strbuf b;

	if (!counts_read(str_of(text), n))
		return "bad";
	struct arena *a = arena_new(65536);
	strbuf_init(&b, a, 4096);
	counts_members(&b, n);
	snprintf(out, sizeof(out), "%s", strbuf_str(&b));
	arena_free(a);
	return out;
}

#define STATS(g, i, m, w, v, s, f)                                                                 \
	"\"stats\":{\"going\":" g ",\"interested\":" i ",\"maybe\":" m ",\"waitlist\":" w          \
	",\"views\":" v ",\"shares\":" s ",\"available\":" f "},\"current_attendees\":" g

static void slots_are_added_up(void)
{
	T_EQ_STR(members("{9/4/3/2/1/500/6/96}"), STATS("4", "3", "2", "1", "500", "6", "96"));
	T_EQ_STR(members("{9/4/3/2/1/500/6/0,1/0/0/0/0/0/0/7}"),
		 STATS("4", "3", "2", "1", "500", "6", "7"));
	/* taken in one slot and given back in another */
	T_EQ_STR(members("{2/-3/-10/0/5/0/0/1,2/4/10/0/-5/0/0/1}"),
		 STATS("1", "0", "0", "0", "0", "0", "2"));
}

static void unlimited_has_no_number(void)
{
	T_EQ_STR(members("{1/2/0/0/0/0/0/999999998}"), STATS("2", "0", "0", "0", "0", "0", "null"));
	T_EQ_STR(members("{1/2/0/0/0/0/0/100000}"), STATS("2", "0", "0", "0", "0", "0", "100000"));
}

static void anything_else_is_refused(void)
{
	static const char *const bad[] = { "",	  "{}",		     "{",
					   "1/2", "{1/2/3/4/5/6/7}", "{1/2/3/4/5/6/7/8",
					   "1/2/3/4/5/6/7/8}", "{1/2/3/4/5/6/7/8/9}",
					   "{1,2,3,4,5,6,7,8}", "{1/2/3/4/5/6/7/8,}",
					   "{1/2/3/4/5/6/7/8,1}", "{a/2/3/4/5/6/7/8}" };

	for (size_t i = 0; i < COUNT(bad); i++)
		T_EQ_STR(members(bad[i]), "bad");
}

T_SUITE("event_counts", T(slots_are_added_up), T(unlimited_has_no_number),
	T(anything_else_is_refused))
