/* src/cli/progress.c - percentage, rate and time left, on standard error */
#include "cli/progress.h"

#include "core/clock.h"

#include <stdio.h>
#include <unistd.h>

#define BAR 24
#define EVERY_MS 100

const char *progress_time(double seconds, char out[32])
{
	long s = seconds < 0 ? 0 : seconds > 1e8 ? 100000000 : (long)(seconds + 0.5);

	if (s >= 3600)
		snprintf(out, 32, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
	else
		snprintf(out, 32, "%ld:%02ld", s / 60, s % 60);
	return out;
}

void progress_begin(struct progress *p, const char *unit, double total)
{
	*p = (struct progress){ .unit = unit, .total = total };
	p->terminal = isatty(STDERR_FILENO);
	p->began_ms = clock_mono_ms();
}

static void bar(double part)
{
	int full = (int)(part * BAR);

	fputs("\r[", stderr);
	for (int i = 0; i < BAR; i++)
		fputc(i < full ? '#' : '.', stderr);
	fputs("] ", stderr);
}

void progress_at(struct progress *p, double done, long long count, const char *label)
{
	int64_t now = clock_mono_ms();
	double part = p->total <= 0 ? 0 : done >= p->total ? 1 : done / p->total;
	double took = (double)(now - p->began_ms) / 1000;
	double rate = took > 0 ? (double)count / took : 0;
	char left[32];

	if (p->terminal ? now - p->shown_ms < EVERY_MS && part < 1 : (int)(part * 10) <= p->tenth)
		return;
	p->shown_ms = now;
	p->tenth = (int)(part * 10);
	if (p->terminal)
		bar(part);
	if (p->total > 0)
		fprintf(stderr, "%3d %%  %s left, ", (int)(part * 100),
			progress_time(part > 0 ? took / part - took : 0, left));
	fprintf(stderr, "%lld %s, %.0f/s%s%s", count, p->unit, rate, *label ? ", " : "", label);
	fputs(p->terminal ? "\033[K" : "\n", stderr);
	fflush(stderr);
}

void progress_end(struct progress *p)
{
	if (p->terminal && p->shown_ms)
		fputc('\n', stderr);
}
