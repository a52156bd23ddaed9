/* src/cli/progress.h - how far a long command is: a bar on a terminal, else a line every 10 % */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *unit;	/* what is counted, in the plural */
	double total;		/* of the work, in any measure; 0: nobody knows */
	bool terminal;
	int64_t began_ms, shown_ms;
	int tenth;
};

void progress_begin(struct progress *p, const char *unit, double total);
/* done of total; count of units so far, for the rate; label (may be "") says what goes on. */
void progress_at(struct progress *p, double done, long long count, const char *label);
void progress_end(struct progress *p);
/* "1:05" or "2:00:01". */
const char *progress_time(double seconds, char out[32]);

#endif
