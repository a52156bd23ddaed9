/* src/core/config.c - loads the options from all their sources, and tells every problem */
#include "core/config_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

extern char **environ;

/* Variables with our prefix that belong to other programs. */
static const char *const foreign[] = { "MARQUEE_CONFIG=", "MARQUEE_DEV_", "MARQUEE_TEST_" };

void config_problem(struct loader *l, const char *where, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (l->errors) {
		fprintf(l->errors, "%s: ", where);
		vfprintf(l->errors, fmt, ap);
		fputc('\n', l->errors);
	}
	va_end(ap);
	l->problems++;
}

/* Strings outlive every configuration that points to them, also after a reload. */
char *config_keep(struct str s)
{
	static struct arena *strings;

	if (!strings)
		strings = arena_new((size_t)64 << 20);
	return arena_strndup(strings, s.p, s.n);
}

const struct cfg_row *config_row(struct str name)
{
	for (const struct cfg_row *row = cfg_rows; row->name; row++)
		if (str_is(name, row->name))
			return row;
	return NULL;
}

/* Levenshtein's distance, one row at a time. */
static unsigned distance(struct str a, const char *b)
{
	unsigned row[CONFIG_NAME + 1];
	size_t nb = strlen(b);

	if (nb > CONFIG_NAME)
		nb = CONFIG_NAME;
	for (size_t j = 0; j <= nb; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= a.n; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			unsigned best = diagonal + (a.p[i - 1] != b[j - 1]);

			diagonal = row[j];
			best = best < row[j] + 1 ? best : row[j] + 1;
			row[j] = best < row[j - 1] + 1 ? best : row[j - 1] + 1;
		}
	}
	return row[nb];
}

const struct cfg_row *config_nearest(struct str name)
{
	const struct cfg_row *best = cfg_rows;
	unsigned least = ~0u;

	if (name.n > CONFIG_NAME)
		name.n = CONFIG_NAME;
	for (const struct cfg_row *row = cfg_rows; row->name; row++) {
		unsigned d = distance(name, row->name);

		if (d < least) {
			least = d;
			best = row;
		}
	}
	return best;
}

void config_env_name(const struct cfg_row *row, char out[CONFIG_NAME])
{
	int n = snprintf(out, CONFIG_NAME, CONFIG_ENV "%s", row->name);

	for (int i = 0; i < n && i < CONFIG_NAME - 1; i++)
		if (out[i] == '.')
			out[i] = '_';
		else if (out[i] >= 'a' && out[i] <= 'z')
			out[i] = (char)(out[i] - ('a' - 'A'));
}

static const struct cfg_row *env_row(struct str name)
{
	char env[CONFIG_NAME];

	for (const struct cfg_row *row = cfg_rows; row->name; row++) {
		config_env_name(row, env);
		if (str_is(name, env))
			return row;
	}
	return NULL;
}

/* MARQUEE_X_FILE: the value is what that file holds, without a last newline. */
static void set_from_file(struct loader *l, const struct cfg_row *row, const char *path,
			  const char *where)
{
	char text[8192];
	FILE *in = fopen(path, "re");

	if (!in) {
		config_problem(l, where, "%s cannot be opened: %s", path, strerror(errno));
		return;
	}
	size_t n = fread(text, 1, sizeof(text), in);
	bool bad = ferror(in);
	fclose(in);
	if (bad || n == sizeof(text)) {
		config_problem(l, where, "%s cannot be read or is too long", path);
		return;
	}
	if (n > 0 && text[n - 1] == '\n')
		n--;
	config_set(l, row, (struct str){ text, n }, where);
}

/* MARQUEE_DB_DSNN: the nearest key is looked for in the form of the keys. */
static void env_unknown(struct loader *l, struct str name, const char *where)
{
	char key[CONFIG_NAME], env[CONFIG_NAME];
	size_t n = 0;

	for (size_t i = strlen(CONFIG_ENV); i < name.n && n < sizeof(key); i++) {
		char c = name.p[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c + ('a' - 'A'));
		else if (c == '_' && !memchr(key, '.', n))
			c = '.';
		key[n++] = c;
	}
	config_env_name(config_nearest((struct str){ key, n }), env);
	config_problem(l, where, "no such option, the nearest is %s", env);
}

static void env_variable(struct loader *l, const char *text)
{
	static const char suffix[] = "_FILE";
	const size_t suffix_n = sizeof(suffix) - 1;
	struct str value, name = str_cut(str_of(text), '=', &value);
	char where[160], twin[CONFIG_NAME];

	snprintf(where, sizeof(where), "environment: %.*s",
		 (int)(name.n < 120 ? name.n : 120), name.p);
	const struct cfg_row *row = env_row(name);
	if (row) {
		config_set(l, row, value, where);
		return;
	}
	bool file = name.n > suffix_n && memcmp(name.p + name.n - suffix_n, suffix, suffix_n) == 0;
	row = file ? env_row((struct str){ name.p, name.n - suffix_n }) : NULL;
	if (!row) {
		env_unknown(l, name, where);
		return;
	}
	config_env_name(row, twin);
	if (getenv(twin))
		config_problem(l, where, "%s is set as well", twin);
	else
		set_from_file(l, row, value.p, where);
}

static void load_environment(struct loader *l)
{
	for (char **v = environ; v && *v; v++) {
		bool ours = strncmp(*v, CONFIG_ENV, strlen(CONFIG_ENV)) == 0 && strchr(*v, '=');

		for (size_t i = 0; ours && i < COUNT(foreign); i++)
			ours = strncmp(*v, foreign[i], strlen(foreign[i])) != 0;
		if (ours)
			env_variable(l, *v);
	}
}

static void load_flag(struct loader *l, const char *flag)
{
	struct str value, name = str_cut(str_of(flag), '=', &value);
	const struct cfg_row *row = config_row(name);
	char where[CONFIG_NAME + 16];

	snprintf(where, sizeof(where), "flag: %.*s",
		 (int)(name.n < CONFIG_NAME ? name.n : CONFIG_NAME), name.p);
	if (!row)
		config_problem(l, where, "unknown key, the nearest is %s",
			       config_nearest(name)->name);
	else if (!value.p)
		config_problem(l, where, "expected name=value");
	else
		config_set(l, row, value, where);
}

/* Secrets have been read: no image of this process's memory goes to a disk from now on. */
static void no_core_dump(void)
{
	static const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
}

enum err config_load(struct config *cfg, const char *path, const char *const *flags, FILE *errors)
{
	struct loader l = { .cfg = cfg, .errors = errors };

	memset(cfg, 0, sizeof(*cfg));
	for (const struct cfg_row *row = cfg_rows; row->name; row++)
		config_set(&l, row, str_of(row->def), "default");
	if (!path) {
		path = getenv("MARQUEE_CONFIG");
		path = path ? path : CONFIG_DEFAULT_PATH;
	}
	if (path[0])
		config_file(&l, path);
	load_environment(&l);
	for (; flags && *flags; flags++)
		load_flag(&l, *flags);
	if (cfg->notifier_poll_min > cfg->notifier_poll_max)
		config_problem(&l, "notifier.poll_min", "is longer than notifier.poll_max");
	no_core_dump();
	return l.problems ? E_INVALID : OK;
}
