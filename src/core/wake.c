/* src/core/wake.c - tells the notifier that something is waiting in the outbox */
#include "core/wake.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

void wake_notifier(const struct config *cfg)
{
	static int fd = -1;
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t n = strlen(cfg->notifier_socket);

	if (n == 0 || n >= sizeof(to.sun_path))
		return;
	if (fd < 0)
		fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	memcpy(to.sun_path, cfg->notifier_socket, n + 1);
	if (fd >= 0)
		(void)!sendto(fd, "w", 1, MSG_NOSIGNAL, (struct sockaddr *)&to, sizeof(to));
}
