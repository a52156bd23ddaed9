/* src/core/config_file.c - the file: `key = value` lines, # comments, values bare or in quotes */
#include "core/config_priv.h"

#include <errno.h>
#include <stdlib.h>

#define ROWS_MAX 128

struct file {
	struct loader *l;
	const char *path;
	unsigned line;
	unsigned seen[ROWS_MAX];	/* line of each row's first mention */
	char where[600];
};

/* A quoted value: \" and \\ are the only escapes; afterwards only blanks or a comment. In place. */
static bool unquote(char *p, size_t n, struct str *out)
{
	size_t to = 0, i = 1;

	for (; i < n && p[i] != '"'; i++) {
		if (p[i] == '\\' && (++i == n || (p[i] != '"' && p[i] != '\\')))
			return false;
		p[to++] = p[i];
	}
	if (i == n)
		return false;
	struct str rest = str_trim((struct str){ p + i + 1, n - i - 1 });
	*out = (struct str){ p, to };
	return rest.n == 0 || rest.p[0] == '#';
}

/* A bare value ends before a '#' that follows a blank, so that a password may contain one. */
static struct str bare(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '#' && (i == 0 || s.p[i - 1] == ' ' || s.p[i - 1] == '\t'))
			return str_trim((struct str){ s.p, i });
	return s;
}

static const struct cfg_row *file_key(struct file *f, struct str key)
{
	const struct cfg_row *row = config_row(key);

	if (!row) {
		config_problem(f->l, f->where, "unknown key \"%.*s\", the nearest is %s",
			       (int)(key.n < 100 ? key.n : 100), key.p, config_nearest(key)->name);
		return NULL;
	}
	unsigned *seen = &f->seen[row - cfg_rows];
	if (*seen) {
		config_problem(f->l, f->where, "%s stands already in line %u", row->name, *seen);
		return NULL;
	}
	*seen = f->line;
	return row;
}

static void file_line(struct file *f, char *text, size_t n)
{
	struct str value, line = str_trim((struct str){ text, n });

	if (line.n == 0 || line.p[0] == '#')
		return;
	snprintf(f->where, sizeof(f->where), "%s:%u", f->path, f->line);
	struct str key = str_trim(str_cut(line, '=', &value));
	if (!value.p) {
		config_problem(f->l, f->where, "expected `key = value`");
		return;
	}
	const struct cfg_row *row = file_key(f, key);
	if (!row)
		return;
	value = str_trim(value);
	if (value.n == 0 || value.p[0] != '"')
		value = bare(value);
	else if (!unquote(text + (value.p - text), value.n, &value)) {
		config_problem(f->l, f->where, "%s: the quotes do not match", row->name);
		return;
	}
	config_set(f->l, row, value, f->where);
}

void config_file(struct loader *l, const char *path)
{
	struct file f = { .l = l, .path = path };
	FILE *in = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;
	ssize_t n;

	if (!in) {
		if (errno != ENOENT || strcmp(path, CONFIG_DEFAULT_PATH) != 0)
			config_problem(l, path, "cannot be opened: %s", strerror(errno));
		return;
	}
	while ((n = getline(&text, &size, in)) >= 0) {
		f.line++;
		while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
			n--;
		file_line(&f, text, (size_t)n);
	}
	if (ferror(in))
		config_problem(l, path, "cannot be read: %s", strerror(errno));
	free(text);
	fclose(in);
}
