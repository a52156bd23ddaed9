/* src/cli/backup.c - marquee backup: a checked dump, and only then the end of the oldest ones */
#include "cli/backup.h"

#include "cli/cli.h"
#include "cli/progress.h"
#include "core/clock.h"
#include "db/program.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STAMP 16 /* 20261121T093000Z */
#define PREFIX "marquee-"
#define SUFFIX ".dump"

struct dump {
	const char *path;
	struct progress progress;
};

static off_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : 0;
}

static void grows(void *arg)
{
	struct dump *d = arg;

	progress_at(&d->progress, 0, size_of(d->path) >> 10, "dumping");
}

enum err backup_readable(struct ctx *c, const char *path)
{
	return db_program(c, (const char *const[]){ "pg_restore", "--file=/dev/null", path, NULL },
			  NULL, NULL);
}

/* To the disk, before anything older goes. */
static enum err keep_name(struct ctx *c, const char *part, const char *path, const char *dir)
{
	int fd = open(part, O_RDONLY | O_CLOEXEC), folder = open(dir, O_RDONLY | O_CLOEXEC);
	bool good = fd >= 0 && folder >= 0 && fsync(fd) == 0 && rename(part, path) == 0 &&
		    fsync(folder) == 0;
	int why = errno;

	if (fd >= 0)
		close(fd);
	if (folder >= 0)
		close(folder);
	return good ? OK : fail(c, E_UNAVAIL, "%s: %s", path, strerror(why));
}

static enum err make(struct ctx *c, const char *part)
{
	struct dump d = { .path = part };
	int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return fail(c, E_UNAVAIL, "%s: %s", part, strerror(errno));
	close(fd);
	progress_begin(&d.progress, "KiB", 0);
	enum err e = db_program(c, (const char *const[]){ "pg_dump", "--format=custom",
							  "--schema=marquee", "--no-owner",
							  "--file", part, NULL }, grows, &d);
	progress_end(&d.progress);
	return e == OK ? backup_readable(c, part) : e;
}

/* "marquee-20261121T093000Z.dump", and what an interrupted run has left of one. */
static bool is_ours(const char *name)
{
	size_t n = strlen(PREFIX);

	if (strncmp(name, PREFIX, n) != 0 || strlen(name) < n + STAMP)
		return false;
	if (strspn(name + n, "0123456789TZ") != STAMP)
		return false;
	name += n + STAMP;
	return strcmp(name, SUFFIX) == 0 || strcmp(name, SUFFIX ".part") == 0;
}

/* The stamps sort like the instants they stand for. */
static enum err drop_older(struct ctx *c, const char *dir, const char *limit)
{
	DIR *d = opendir(dir);
	struct dirent *entry;

	if (!d)
		return fail(c, E_UNAVAIL, "%s: %s", dir, strerror(errno));
	while ((entry = readdir(d)))
		if (is_ours(entry->d_name) &&
		    strncmp(entry->d_name + strlen(PREFIX), limit, STAMP) < 0) {
			if (unlinkat(dirfd(d), entry->d_name, 0) == 0)
				printf("removed %s\n", entry->d_name);
			else
				fprintf(stderr, "marquee: %s/%s: %s\n", dir, entry->d_name,
					strerror(errno));
		}
	closedir(d);
	return OK;
}

static void stamp(time_t at, char out[STAMP + 1])
{
	struct tm tm;

	gmtime_r(&at, &tm);
	strftime(out, STAMP + 1, "%Y%m%dT%H%M%SZ", &tm);
}

static enum err backup(struct ctx *c, const char *dir, long days)
{
	time_t now = (time_t)(clock_now_us() / 1000000);
	char today[STAMP + 1], limit[STAMP + 1];
	int64_t began = clock_mono_ms();

	stamp(now, today);
	stamp(now - days * 86400, limit);
	const char *path = arena_printf(c->arena, "%s/" PREFIX "%s" SUFFIX, dir, today);
	const char *part = arena_printf(c->arena, "%s.part", path);
	enum err e = make(c, part);

	if (e == OK)
		e = keep_name(c, part, path, dir);
	if (e != OK) {
		unlink(part);
		return e;
	}
	printf("%s\t%lld KiB, %.1f s\n", path, (long long)(size_of(path) >> 10),
	       (double)(clock_mono_ms() - began) / 1000);
	return days > 0 ? drop_older(c, dir, limit) : OK;
}

static enum err run(struct ctx *c, int argc, char **argv)
{
	static const struct option options[] = { { "dir", required_argument, NULL, 'd' },
						 { "keep", required_argument, NULL, 'k' },
						 { 0 } };
	const char *dir = c->cfg->backup_dir;
	long days = c->cfg->backup_keep;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o == '?')
			return cli_usage(c, &cmd_backup);
		if (o == 'd')
			dir = optarg;
		else
			TRY(cli_number(c, "--keep", 0, 36500, &days));
	}
	if (optind != argc)
		return cli_usage(c, &cmd_backup);
	if (!*dir)
		return fail(c, E_INVALID, "where to? Set backup.dir, or give --dir");
	return backup(c, dir, days);
}

const struct command cmd_backup = {
	.name = "backup",
	.usage = "[--dir DIR] [--keep DAYS]",
	.text = "Dump the database, read the dump back whole, then remove those past keeping.",
	.run = run,
	.offline = true,
};
