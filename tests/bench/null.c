/* tests/bench/null.c - the least that a FastCGI worker can do: fixed bytes, in libfcgi's usual loop
 *
 *   spawn-fcgi -s SOCKET -n -- null BYTES
 *
 * What it does per second is the limit that our workers are measured against. Three headers, BYTES
 * of body (1100), no log. */
#include <fcgiapp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

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
	long bytes = argc > 1 ? strtol(argv[1], NULL, 10) : 1100;
	FCGX_Request r;
	int n;

	if (bytes < 0 || bytes > BYTES_MAX) {
		fprintf(stderr, "usage: null BYTES (0 to %d)\n", BYTES_MAX);
		return 64;
	}
	n = answer_make(bytes);
	if (FCGX_Init() != 0 || FCGX_InitRequest(&r, LISTEN_FD, 0) != 0) {
		perror("null");
		return 71;
	}
	signal(SIGTERM, SIG_DFL); /* FCGX_Init has put its own in place */
	while (FCGX_Accept_r(&r) == 0) {
		FCGX_PutStr(answer, n, r.out);
		FCGX_Finish_r(&r);
	}
	return 1;
}
