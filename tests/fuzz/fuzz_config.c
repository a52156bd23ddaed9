/* tests/fuzz/fuzz_config.c - a configuration file: what is wrong is told, all else is in range */
#include "core/config_priv.h"
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static struct arena *kept;

/* Linked in place of config_keep: what lives as long as the process lives here for one input. */
char *__wrap_config_keep(struct str s);
char *__wrap_config_keep(struct str s)
{
	return arena_strndup(kept, s.p, s.n);
}

static void in_range(const struct config *cfg, const struct cfg_row *row)
{
	const char *at = (const char *)cfg + row->at;
	char buf[200];

	MUST(config_value(cfg, row, buf, sizeof(buf)));
	if (row->type == CFG_STR || row->type == CFG_WORD) {
		size_t n = strlen(*(const char *const *)at);

		MUST(row->type == CFG_WORD || ((long)n >= row->min && (long)n <= row->max));
	} else if (row->type != CFG_BOOL) {
		MUST(*(const long *)at >= row->min && *(const long *)at <= row->max);
	}
}

/* A file that exists in memory only. */
static const char *file_of(const uint8_t *data, size_t size)
{
	static char path[40];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("config", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	if (fd < 0 || ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		exit(2);
	return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *errors, *null;
	struct config cfg;

	if (!kept) {
		kept = arena_new((size_t)1 << 30);
		errors = tmpfile();
		null = fopen("/dev/null", "we");
	}
	arena_reset(kept);
	if (!errors || !null)
		exit(2);
	rewind(errors);
	enum err e = config_load(&cfg, file_of(data, size), NULL, errors);
	bool told = ftell(errors) > 0;

	MUST(e == (told ? E_INVALID : OK));
	for (const struct cfg_row *row = cfg_rows; row->name; row++)
		in_range(&cfg, row);
	config_print_list(&cfg, null);
	return 0;
}
