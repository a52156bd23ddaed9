/* tests/service/plans_look.h - what the plans of statements read of tables that are large by now */
#ifndef TESTS_PLANS_LOOK_H
#define TESTS_PLANS_LOOK_H

#include "db_fixture.h"

static struct ctx c;
static struct {
	int plans;
	long buffers;		/* of the dearest */
	char scanned[64];	/* the first large table that was read from end to end; or "" */
} seen;				/* since plans_begin() */

static void plans_begin(void)
{
	memset(&seen, 0, sizeof(seen));
}

/* Tables of more than a few thousand rows, each between blanks; known once there are statistics. */
static char plans_large[1000];

T_UNUSED static enum err plans_large_find(void)
{
	PGresult *r;

	TRY(db_simple(&c, "SELECT ' ' || string_agg(relname, ' ' ORDER BY relname) || ' ' FROM"
			  " pg_class WHERE relnamespace = 'marquee'::regnamespace"
			  " AND relkind = 'r' AND reltuples >= 5000", &r));
	snprintf(plans_large, sizeof(plans_large), "%s", db_get(r, 0, 0));
	return OK;
}

static void plans_note_scans(const char *plan)
{
	for (const char *p = plan; (p = strstr(p, "Seq Scan on ")) && !seen.scanned[0]; ) {
		p += strlen("Seq Scan on ");
		char name[66];
		int n = (int)strcspn(p, " \n");

		snprintf(name, sizeof(name), " %.*s ", n, p);
		if (strstr(plans_large, name))
			snprintf(seen.scanned, sizeof(seen.scanned), "%.*s", n, p);
	}
}

/* The first line of a plan that speaks of buffers is its root's: hit=1 read=2 … */
static void plans_note_buffers(const char *plan)
{
	const char *line = strstr(plan, "Buffers: shared ");
	long sum = 0;

	for (const char *p = line; p && p < line + strcspn(line, "\n"); p++)
		if (strncmp(p, " hit=", 5) == 0 || strncmp(p, " read=", 6) == 0)
			sum += strtol(strchr(p, '=') + 1, NULL, 10);
	seen.buffers = sum > seen.buffers ? sum : seen.buffers;
}

/* auto_explain reports plans as notices, those inside functions too. */
static void plans_collect(void *arg, const PGresult *r)
{
	const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);

	(void)arg;
	if (!text || !strstr(text, "plan:"))
		return;
	seen.plans++;
	plans_note_scans(text);
	plans_note_buffers(text);
	if (getenv("T_PLANS"))
		printf("%s\n", text);
}

static enum err plans_watch(void)
{
	TRY(db_simple(&c, "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0;"
			  " SET auto_explain.log_nested_statements = on;"
			  " SET auto_explain.log_analyze = on; SET auto_explain.log_buffers = on;"
			  " SET auto_explain.log_timing = off; SET client_min_messages = log",
		      NULL));
	PQsetNoticeReceiver(db_handle(c.db), plans_collect, NULL);
	return OK;
}

#endif
