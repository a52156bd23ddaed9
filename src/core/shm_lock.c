/* src/core/shm_lock.c - open file description locks (fcntl(2)) on bytes of the coherence file: the
 * kernel gives them back when the holder dies, however it dies */
#include "core/clock.h"
#include "core/shm_layout.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static struct {
	int fd;			/* -1 = private memory */
	unsigned held;		/* bit per hash slot: the kernel lets us take ours twice */
	char path[40];		/* the descriptor, by its name in /proc */
} lock = { .fd = -1 };

/* These locks belong to the open file, which fork shares: a child needs an open file of its own,
 * and must let go of the parent's, or the parent's locks would outlive it. */
static void in_child(void)
{
	lock.held = 0;
	if (lock.fd < 0)
		return;
	int own = open(lock.path, O_RDWR | O_CLOEXEC);
	if (own < 0) {
		close(lock.fd);
		lock.fd = -1;
		return;
	}
	dup3(own, lock.fd, O_CLOEXEC);	/* the name in path stays right */
	close(own);
}

bool shm_lock_open(int file)
{
	static bool registered;
	char path[40];

	if (!registered && pthread_atfork(NULL, NULL, in_child) != 0)
		return false;
	registered = true;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	lock.fd = open(path, O_RDWR | O_CLOEXEC);
	lock.held = 0;
	snprintf(lock.path, sizeof(lock.path), "/proc/self/fd/%d", lock.fd);
	return lock.fd >= 0;
}

void shm_lock_close(void)
{
	if (lock.fd >= 0)
		close(lock.fd);
	lock.fd = -1;
	lock.held = 0;
}

static bool lock_op(int command, short type, int64_t byte)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };

	while (fcntl(lock.fd, command, &l) != 0)
		if (errno != EINTR)
			return false;
	return true;
}

void shm_lock(int64_t byte)
{
	if (lock.fd >= 0)
		(void)lock_op(F_OFD_SETLKW, F_WRLCK, byte);
}

void shm_unlock(int64_t byte)
{
	if (lock.fd >= 0)
		(void)lock_op(F_OFD_SETLK, F_UNLCK, byte);
}

static bool try_slot(int slot)
{
	if (lock.held & 1u << slot)
		return false;
	if (lock.fd >= 0 && !lock_op(F_OFD_SETLK, F_WRLCK, SHM_LOCK_HASH_FIRST + slot))
		return false;
	lock.held |= 1u << slot;
	return true;
}

int shm_hash_slot(long n, long wait_ms)
{
	const int slots = SHM_LOCK_HASH_LAST - SHM_LOCK_HASH_FIRST + 1;
	const struct timespec pause = { .tv_nsec = 5 * 1000 * 1000 };
	int64_t deadline = clock_mono_ms() + wait_ms;

	if (n > slots)
		n = slots;
	for (;;) {
		for (int slot = 0; slot < n; slot++)
			if (try_slot(slot))
				return slot;
		if (clock_mono_ms() >= deadline)
			return -1;
		nanosleep(&pause, NULL);
	}
}

void shm_hash_slot_release(int slot)
{
	if (slot < 0 || slot > SHM_LOCK_HASH_LAST - SHM_LOCK_HASH_FIRST ||
	    !(lock.held & 1u << slot))
		return;
	lock.held &= ~(1u << slot);
	shm_unlock(SHM_LOCK_HASH_FIRST + slot);
}
