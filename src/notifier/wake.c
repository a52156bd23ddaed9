/* src/notifier/wake.c - the datagram socket: whoever has committed something sends one byte */
#include "core/log.h"
#include "notifier/wake.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static bool refuse(struct wake *w, const char *what)
{
	log_pairs(LOG_WARN_, "cannot be woken, only polling", "path", w->path, "call", what,
		  "reason", strerror(errno), (char *)NULL);
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	return false;
}

/* Bound under another name and renamed into place: senders always find a socket. */
bool wake_open(struct wake *w, const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct stat st;
	int n;

	w->fd = -1;
	snprintf(w->path, sizeof(w->path), "%s", path);
	if (path[0] == '\0')
		return false;
	n = snprintf(at.sun_path, sizeof(at.sun_path), "%s.%d", path, (int)getpid());
	if (n < 0 || (size_t)n >= sizeof(at.sun_path)) {
		errno = ENAMETOOLONG;
		return refuse(w, "bind");
	}
	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		return refuse(w, "bind");
	}
	w->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	unlink(at.sun_path);
	if (w->fd < 0 || bind(w->fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
		return refuse(w, "bind");
	if (chmod(at.sun_path, 0660) != 0 || stat(at.sun_path, &st) != 0 ||
	    rename(at.sun_path, path) != 0) {
		(void)refuse(w, "rename");
		unlink(at.sun_path);
		return false;
	}
	w->inode = st.st_ino;
	return true;
}

bool wake_drain(struct wake *w)
{
	char byte[16];
	bool any = false;

	while (w->fd >= 0 && recv(w->fd, byte, sizeof(byte), MSG_DONTWAIT | MSG_TRUNC) >= 0)
		any = true;
	return any;
}

/* The path stays when another notifier has taken it over. */
void wake_close(struct wake *w)
{
	struct stat st;

	if (w->fd < 0)
		return;
	if (stat(w->path, &st) == 0 && st.st_ino == w->inode)
		unlink(w->path);
	close(w->fd);
	w->fd = -1;
}
