/* tests/fuzz/fuzz.c - what fuzz targets share, and the program that replays a corpus
 *
 *   fuzz_x                 every line of tests/fuzz/corpus/x.txt
 *   fuzz_x FILE…           the bytes of those files: what libFuzzer left behind
 *
 * A line of a corpus is one input: printable ASCII as it is, \\ for a backslash, \xNN for the
 * rest. */
#include "fuzz/fuzz.h"

#include "auth/actor.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void fuzz_found(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: must hold: %s\n", file, line, what);
	abort();
}

struct config *fuzz_config(void)
{
	static struct config cfg;
	static bool loaded;

	if (!loaded && config_load(&cfg, "", NULL, stderr) != OK)
		exit(2);
	loaded = true;
	return &cfg;
}

struct ctx *fuzz_ctx(void)
{
	static struct ctx c;

	if (!c.arena)
		c.arena = arena_new((size_t)256 << 20);
	arena_reset(c.arena);
	c.cfg = fuzz_config();
	c.actor = &actor_anonymous;
	ctx_begin(&c, c.arena);
	return &c;
}

struct str fuzz_bytes(struct ctx *c, const uint8_t *data, size_t size)
{
	char *p = arena_alloc(c->arena, size ? size : 1);

	if (size)
		memcpy(p, data, size);
	return (struct str){ p, size };
}

const char *fuzz_text(struct ctx *c, const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, '\0', size) : NULL;

	return size ? arena_strndup(c->arena, (const char *)data, end ? (size_t)(end - data) : size)
		    : "";
}

struct str fuzz_line(struct str *rest)
{
	struct str line = str_cut(*rest, '\n', rest);

	if (!rest->p)
		*rest = STR("");
	return line;
}

/* ---- replaying ---- */

static int hex(char ch)
{
	return isdigit((unsigned char)ch)    ? ch - '0'
	       : ch >= 'a' && ch <= 'f'	     ? ch - 'a' + 10
					     : -1;
}

/* Undoes the escapes in place; false when the line is not of the form. */
static bool unescape(char *p, size_t *n)
{
	size_t to = 0;

	for (size_t i = 0; i < *n; i++) {
		if (p[i] != '\\') {
			p[to++] = p[i];
		} else if (i + 1 < *n && p[i + 1] == '\\') {
			p[to++] = p[++i];
		} else if (i + 3 < *n && p[i + 1] == 'x' && hex(p[i + 2]) >= 0 &&
			   hex(p[i + 3]) >= 0) {
			p[to++] = (char)(hex(p[i + 2]) << 4 | hex(p[i + 3]));
			i += 3;
		} else {
			return false;
		}
	}
	*n = to;
	return true;
}

static void give(const char *p, size_t n)
{
	LLVMFuzzerTestOneInput((const uint8_t *)p, n);
}

static unsigned replay_corpus(FILE *in, const char *path)
{
	char *line = NULL;
	size_t room = 0;
	unsigned inputs = 0;
	ssize_t got;

	while ((got = getline(&line, &room, in)) > 0) {
		size_t n = (size_t)got - (line[got - 1] == '\n');

		if (!unescape(line, &n)) {
			fprintf(stderr, "%s:%u: not the form of a corpus\n", path, inputs + 1);
			exit(1);
		}
		give(line, n);
		inputs++;
	}
	free(line);
	return inputs;
}

static unsigned replay_file(FILE *in)
{
	static char bytes[1 << 20];

	give(bytes, fread(bytes, 1, sizeof(bytes), in));
	return 1;
}

static unsigned replay(const char *path, bool corpus)
{
	FILE *in = fopen(path, "re");
	unsigned inputs;

	if (!in) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(1);
	}
	inputs = corpus ? replay_corpus(in, path) : replay_file(in);
	fclose(in);
	return inputs;
}

/* Weak: linked with libFuzzer, its main is the stronger. */
__attribute__((weak)) int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
	const char *source = getenv("T_SRCDIR");
	unsigned inputs = 0;
	char path[512];

	for (int i = 1; i < argc; i++)
		inputs += replay(argv[i], false);
	if (argc == 1) {
		snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s.txt", source ? source : ".",
			 strncmp(name, "fuzz_", 5) == 0 ? name + 5 : name);
		inputs = replay(path, true);
	}
	printf("%u inputs replayed\nRESULT %s passed=%d failed=%d skipped=0\n", inputs, name,
	       inputs > 0, inputs == 0);
	return inputs == 0;
}
