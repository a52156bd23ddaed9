/* tests/fault/nomemory.c - preloaded into a program: its k-th allocation from now on fails
 *
 * NOMEMORY_FOR names the program that is meant (others are left alone), NOMEMORY_PLAN a file of
 * three 64-bit numbers that a test may write to at any time: how many allocations until one fails
 * (0: none does); how many have failed; how often the program ended by a mistake of its own
 * (SIGSEGV, SIGBUS, SIGFPE, SIGILL). strdup, fopen, getaddrinfo and the like allocate here too;
 * so does mmap without a file. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);

static struct plan {
	_Atomic int64_t left, failed, crashed;
} *plan;

static void crashed(int sig)
{
	plan->crashed++;
	raise(sig);	/* once more, as if nobody had looked: the handler is gone */
}

__attribute__((constructor)) static void attach(void)
{
	const char *program = getenv("NOMEMORY_FOR"), *path = getenv("NOMEMORY_PLAN");
	const struct sigaction look = { .sa_handler = crashed,
					.sa_flags = SA_RESETHAND | SA_NODEFER };
	const int mistakes[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };
	void *p;
	int fd;

	if (!program || !path || strcmp(program, program_invocation_short_name) != 0)
		return;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		abort();
	p = mmap(NULL, sizeof(*plan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		abort();
	plan = p;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++)
		sigaction(mistakes[i], &look, NULL);
}

static int fails(void)
{
	if (!plan || plan->left <= 0 || atomic_fetch_sub(&plan->left, 1) != 1)
		return 0;
	plan->failed++;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t n)
{
	return fails() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return fails() ? NULL : __libc_realloc(p, n);
}

void *memalign(size_t align, size_t n)
{
	return fails() ? NULL : __libc_memalign(align, n);
}

void *aligned_alloc(size_t align, size_t n)
{
	return fails() ? NULL : __libc_memalign(align, n);
}

int posix_memalign(void **out, size_t align, size_t n)
{
	if (fails())
		return ENOMEM;
	*out = __libc_memalign(align, n);
	return *out ? 0 : ENOMEM;
}

void *mmap(void *at, size_t n, int how, int flags, int fd, off_t offset)
{
	if ((flags & MAP_ANONYMOUS) && fails())
		return MAP_FAILED;
	return (void *)syscall(SYS_mmap, at, n, how, flags, fd, offset);
}
