/* tests/bench/null.c - the least that a FastCGI worker can do: fixed bytes, by the worker's own way
 * of waiting, accepting and closing
 *
 *   spawn-fcgi -s SOCKET -n -- null BYTES
 *
 * What it does per second is the limit that our workers are measured against. Three headers, BYTES
 * of body (1100), no log. */
#include <fcgiapp.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LISTEN_FD 0
#define BYTES_MAX (1 << 20)

static char answer[BYTES_MAX + 256];

static int answer_make(long bytes)
{
	int head = snprintf(answer, 256,
			    "Status: 200 OK\r\nContent-Type: text/plain\r\n"
			    "Content-Length: %ld\r\n\r\n", bytes);

	/* not one letter only: something that travels like text */
	for (long i = 0; i < bytes; i++)
		answer[head + i] = (char)('a' + i * 7 % 26);
	return head + (int)bytes;
}

int main(int argc, char **argv)
{
	struct pollfd listening = { .fd = LISTEN_FD, .events = POLLIN };
	long bytes = argc > 1 ? strtol(argv[1], NULL, 10) : 1100;
	FCGX_Request r;
	int n;

	if (bytes < 0 || bytes > BYTES_MAX) {
		fprintf(stderr, "usage: null BYTES (0 to %d)\n", BYTES_MAX);
		return 64;
	}
	n = answer_make(bytes);
	setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "250", 0);
	setenv("LIBFCGI_IS_AF_UNIX_KEEPER_POLL_TIMEOUT", "250", 0);
	if (fcntl(LISTEN_FD, F_SETFL, fcntl(LISTEN_FD, F_GETFL) | O_NONBLOCK) != 0 ||
	    FCGX_Init() != 0 || FCGX_InitRequest(&r, LISTEN_FD, FCGI_FAIL_ACCEPT_ON_INTR) != 0) {
		perror("null");
		return 71;
	}
	signal(SIGTERM, SIG_DFL); /* FCGX_Init has put its own in place */
	for (;;) {
		if (poll(&listening, 1, -1) <= 0 || FCGX_Accept_r(&r) != 0)
			continue;
		r.keepConnection = 0;
		FCGX_PutStr(answer, n, r.out);
		FCGX_Finish_r(&r);
	}
}
