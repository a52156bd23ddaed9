/* src/core/shm.c - making and mapping the two files of a host; the metrics cells */
#include "core/hash.h"
#include "core/log.h"
#include "core/shm_layout.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define METRICS_MAGIC UINT64_C(0x4D52514D45540001)	/* "MRQMET", version 1 */

struct metrics {
	_Atomic uint64_t magic;
	uint64_t n, unused[6];
	_Atomic uint64_t cells[];
};

static struct {
	struct coherence *coherence;
	struct metrics *metrics;
	size_t metrics_bytes, n_metrics;
	bool shared;
} shm;

static size_t metrics_bytes(size_t n)
{
	return sizeof(struct metrics) + n * sizeof(uint64_t);
}

static void coherence_make(void *p)
{
	struct coherence *c = p;

	randombytes_buf(&c->seed, sizeof(c->seed));
	atomic_store_explicit(&c->magic, COHERENCE_MAGIC, memory_order_release);
}

static void metrics_make(void *p)
{
	struct metrics *m = p;

	m->n = (shm.metrics_bytes - sizeof(*m)) / sizeof(uint64_t);
	atomic_store_explicit(&m->magic, METRICS_MAGIC, memory_order_release);
}

static void *map_private(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		log_msg(LOG_ERROR_, "out of memory: %zu bytes for private tables", bytes);
		abort();
	}
	return p;
}

static void go_private(size_t n_metrics)
{
	if (sodium_init() < 0)
		abort();
	shm.coherence = map_private(sizeof(*shm.coherence));
	coherence_make(shm.coherence);
	shm.n_metrics = n_metrics;
	shm.metrics_bytes = metrics_bytes(n_metrics);
	shm.metrics = map_private(shm.metrics_bytes);
	metrics_make(shm.metrics);
}

static void detach(void)
{
	if (shm.coherence)
		munmap(shm.coherence, sizeof(*shm.coherence));
	if (shm.metrics)
		munmap(shm.metrics, shm.metrics_bytes);
	shm_lock_close();
	memset(&shm, 0, sizeof(shm));
}

/* Maps the open file at full size and fills it in if it is new. */
static void *map_made(int fd, size_t bytes, uint64_t magic, void (*make)(void *))
{
	uint64_t head = 0;
	struct stat st;

	if (fstat(fd, &st) != 0 || pread(fd, &head, sizeof(head), 0) < 0)
		return NULL;
	if (!S_ISREG(st.st_mode) || (head != 0 && head != magic)) {
		errno = EPROTO;	/* not ours: leave it as it is */
		return NULL;
	}
	if ((size_t)st.st_size < bytes) {
		/* Pages are reserved now: a full tmpfs must not become a SIGBUS later. */
		errno = posix_fallocate(fd, 0, (off_t)bytes);
		if (errno != 0)
			return NULL;
	}
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return NULL;
	if (head == 0)
		make(p);
	return p;
}

/* Under flock, so that nobody sees a file half made. */
static void *map_file(int fd, size_t bytes, uint64_t magic, void (*make)(void *))
{
	if (flock(fd, LOCK_EX) != 0)
		return NULL;
	void *p = map_made(fd, bytes, magic, make);
	int why = errno;
	/* Closing would not do it: the mapping keeps the open file alive, and its lock with it. */
	(void)flock(fd, LOCK_UN);
	errno = why;
	return p;
}

/* Opens a file of dir for everybody in its group, whatever the umask says. */
static int open_file(int dir, const char *name)
{
	struct stat st;
	int fd = openat(dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0660);

	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 0777) != 0660)
		(void)!fchmod(fd, 0660);
	/* An administrator's command must not leave files that the workers cannot open. */
	if (fd >= 0 && geteuid() == 0 && fstat(dir, &st) == 0)
		(void)!fchown(fd, st.st_uid, st.st_gid);
	return fd;
}

static int open_dir(const char *path)
{
	struct statfs fs;
	bool made = mkdir(path, 0770) == 0;
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return -1;
	if (made)
		(void)!fchmod(dir, 0770);
	if (fstatfs(dir, &fs) == 0 && fs.f_type != TMPFS_MAGIC && fs.f_type != RAMFS_MAGIC)
		log_pairs(LOG_WARN_, "shm.dir is not on tmpfs: counters will be written to disk",
			  "path", path, (char *)NULL);
	return dir;
}

static bool attach_coherence(int dir)
{
	int fd = open_file(dir, "coherence.v1");

	if (fd < 0)
		return false;
	shm.coherence = map_file(fd, sizeof(*shm.coherence), COHERENCE_MAGIC, coherence_make);
	bool ok = shm.coherence && shm_lock_open(fd);
	int why = errno;
	close(fd);
	errno = why;
	return ok;
}

static bool attach_metrics(int dir, const char *layout, size_t n)
{
	char name[64];
	uint64_t hash = hash64_seeded(layout, strlen(layout), n);

	snprintf(name, sizeof(name), "metrics.%016llx", (unsigned long long)hash);
	int fd = open_file(dir, name);
	if (fd < 0)
		return false;
	shm.n_metrics = n;
	shm.metrics_bytes = metrics_bytes(n);
	shm.metrics = map_file(fd, shm.metrics_bytes, METRICS_MAGIC, metrics_make);
	int why = errno;
	close(fd);
	errno = why;
	return shm.metrics != NULL;
}

enum err shm_attach(const char *path, const char *layout, size_t n_metrics)
{
	detach();
	if (sodium_init() < 0)
		abort();
	int dir = open_dir(path);
	shm.shared = dir >= 0 && attach_coherence(dir) && attach_metrics(dir, layout, n_metrics);
	int why = errno;
	if (dir >= 0)
		close(dir);
	if (shm.shared)
		return OK;
	log_pairs(LOG_WARN_, "shared memory cannot be used", "path", path, "reason", strerror(why),
		  (char *)NULL);
	detach();
	go_private(n_metrics);
	return E_UNAVAIL;
}

bool shm_shared(void)
{
	return shm.shared;
}

struct coherence *shm_coherence(void)
{
	if (!shm.coherence)
		go_private(0);
	return shm.coherence;
}

void shm_metric_add(size_t cell, uint64_t n)
{
	if (cell < shm.n_metrics)
		atomic_fetch_add_explicit(&shm.metrics->cells[cell], n, memory_order_relaxed);
}

uint64_t shm_metric_get(size_t cell)
{
	if (cell >= shm.n_metrics)
		return 0;
	return atomic_load_explicit(&shm.metrics->cells[cell], memory_order_relaxed);
}

void shm_metric_set(size_t cell, uint64_t v)
{
	if (cell < shm.n_metrics)
		atomic_store_explicit(&shm.metrics->cells[cell], v, memory_order_relaxed);
}
