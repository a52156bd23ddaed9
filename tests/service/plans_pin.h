/* tests/service/plans_pin.h - how many buffers statements may read, as plans.pin has it */
#ifndef TESTS_PLANS_PIN_H
#define TESTS_PLANS_PIN_H

#include "db_fixture.h"

/* How much there is in ./dev check, and in ./dev soak: people, events, answers, all else. */
static const struct plans_size {
	const char *name, *made;
} plans_sizes[] = {
	{ "small", "10000, 20000, 100000, 20000" },
	{ "large", "20000, 100000, 1000000, 200000" },
};
static int plans_size;

struct plans_pin {
	char name[48];
	long buffers[COUNT(plans_sizes)];
	bool grows;	/* the line says why */
};
static struct plans_pin plans_pins[256];
static size_t plans_n_pins;

/* Lines "small large name  # why it grows". */
static bool plans_pins_read(void)
{
	char *text = fixture_file("tests/service/plans.pin"), *rest = text;

	for (char *line; text && (line = strsep(&rest, "\n")); ) {
		struct plans_pin *p = &plans_pins[plans_n_pins];
		char *why = strstr(line, "  # ");
		int at = 0;

		if (why)
			*why = '\0';
		if (line[0] == '#' || plans_n_pins == COUNT(plans_pins) ||
		    sscanf(line, "%ld %ld %n", &p->buffers[0], &p->buffers[1], &at) != 2 || !at)
			continue;
		snprintf(p->name, sizeof(p->name), "%s", line + at);
		p->grows = why != NULL;
		plans_n_pins++;
	}
	free(text);
	return text != NULL;
}

static const struct plans_pin *plans_pin(const char *name)
{
	for (size_t i = 0; i < plans_n_pins; i++)
		if (strcmp(plans_pins[i].name, name) == 0)
			return &plans_pins[i];
	return NULL;
}

/* Half as much again, and 20, are borne: statistics are a sample, where rows lie is chance. */
static long plans_bound(long pinned)
{
	return pinned + pinned / 2 + 20;
}

#endif
