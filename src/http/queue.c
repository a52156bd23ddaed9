/* src/http/queue.c - how many wait at a listening socket, as TCP or sock_diag(7) tell */
#include "http/queue.h"

#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Under TCP_LISTEN the field holds the queue (tcp_get_info in the kernel's net/ipv4/tcp.c). */
static long tcp_queue(int fd)
{
	struct tcp_info info;
	socklen_t n = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) == 0 ? (long)info.tcpi_unacked : -1;
}

static int monitor_open(void)
{
	static const struct timeval patience = { .tv_usec = 100000 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

struct answer {
	struct nlmsghdr head;
	struct unix_diag_msg msg;
	struct nlattr attr;
	struct unix_diag_rqlen len;
};

/* sock_diag(7). For a listening socket rqueue is the number of pending connections. */
static long unix_queue(unsigned inode)
{
	static int monitor = -2;
	struct {
		struct nlmsghdr head;
		struct unix_diag_req req;
	} ask = { .head = { .nlmsg_len = sizeof(ask), .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			    .nlmsg_flags = NLM_F_REQUEST },
		  .req = { .sdiag_family = AF_UNIX, .udiag_states = ~0u, .udiag_ino = inode,
			   .udiag_show = UDIAG_SHOW_RQLEN, .udiag_cookie = { ~0u, ~0u } } };
	struct answer a;

	if (monitor == -2)
		monitor = monitor_open();
	if (monitor < 0 || send(monitor, &ask, sizeof(ask), 0) < 0)
		return -1;
	memset(&a, 0, sizeof(a));
	if (recv(monitor, &a, sizeof(a), 0) < (ssize_t)sizeof(a) ||
	    a.head.nlmsg_type != SOCK_DIAG_BY_FAMILY || a.attr.nla_type != UNIX_DIAG_RQLEN)
		return -1;
	return a.len.udiag_rqueue;
}

long queue_length(int fd)
{
	struct sockaddr_storage at;
	socklen_t n = sizeof(at);
	struct stat st;

	if (getsockname(fd, (struct sockaddr *)&at, &n) != 0)
		return -1;
	if (at.ss_family != AF_UNIX)
		return tcp_queue(fd);
	return fstat(fd, &st) == 0 ? unix_queue((unsigned)st.st_ino) : -1;
}
