/* tests/unit/test_cgi.c - http_run from outside: plain CGI over pipes */
#include "unit/fcgi_app.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>

static struct {
	char text[BIG + 1000];
	size_t n;
} reply;

static int child_status(pid_t pid)
{
	int status;

	T_REQUIRE(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* One CGI process with these as its standard input and output. */
static pid_t cgi_start(char *const *env, int in, int out)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		alarm(SERVER_LIFE);
		app_state.started[1] = open("/dev/null", O_WRONLY);
		dup2(in, 0);
		dup2(out, 1);
		for (int fd = 3; fd < 64; fd++)
			if (fd != app_state.started[1])
				close(fd);
		for (; *env; env++)
			putenv(*env);
		app_state.idled = 1;
		exit(run_app());
	}
	close(in);
	if (out != in)
		close(out);
	return pid;
}

static void cgi_receive(int from)
{
	ssize_t n;

	for (reply.n = 0; (n = read(from, reply.text + reply.n,
				    sizeof(reply.text) - 1 - reply.n)) > 0;)
		reply.n += (size_t)n;
	reply.text[reply.n] = '\0';
	close(from);
}

/* Runs one CGI request; its standard input is written and, unless keep_open, closed. Without
 * input its output has no reader either. */
static int cgi(char *const *env, const char *input, bool keep_open)
{
	int in[2], out[2], rc, nowhere = open("/dev/null", O_RDONLY);
	pid_t pid;

	T_REQUIRE(pipe(in) == 0 && pipe(out) == 0);
	if (!input)
		dup2(nowhere, out[0]);
	close(nowhere);
	pid = cgi_start(env, in[0], out[1]);
	if (input)
		T_EQ_INT(write(in[1], input, strlen(input)), (ssize_t)strlen(input));
	if (!keep_open)
		close(in[1]);
	cgi_receive(out[0]);
	rc = child_status(pid);
	if (keep_open)
		close(in[1]);
	return rc;
}

#define ENV(...) ((char *[]){ __VA_ARGS__, NULL })
static char post[] = "REQUEST_METHOD=POST", get[] = "REQUEST_METHOD=GET";
static char to_body[] = "REQUEST_URI=/body", to_env[] = "REQUEST_URI=/x?y";
static char to_big[] = "REQUEST_URI=/big";
static char length4[] = "CONTENT_LENGTH=4", length300k[] = "CONTENT_LENGTH=300000";
static char proxy[] = "HTTP_PROXY=http://evil.example/";

static void cgi_answers_once(void)
{
	T_EQ_INT(cgi(ENV(get, to_env, proxy), "", false), 0);
	T_TRUE(starts(reply.text, "Status: 200 OK\r\nX-Pid: "));
	T_HAS(reply.text, "\r\n\r\nGET|/x|y|0.0.0.0||0|0|-");
}

static void cgi_reads_bodies(void)
{
	/* The web server need not close the pipe: no byte beyond the length may be waited for. */
	T_EQ_INT(cgi(ENV(post, to_body, length4), "four", true), 0);
	T_EQ_STR(reply.text, "Status: 200 OK\r\nContent-Length: 4\r\n\r\nfour");
	T_EQ_INT(cgi(ENV(post, to_body), "to the end", false), 0);
	T_EQ_STR(reply.text, "Status: 200 OK\r\nContent-Length: 10\r\n\r\nto the end");
	T_EQ_INT(cgi(ENV(post, to_body, length4), "cut", false), 0);
	T_TRUE(starts(reply.text, "Status: 400 "));
}

/* mod_cgid's input and output are one socket: closed with input left in it, the answer is lost. */
static void cgi_takes_a_body_that_it_refuses(void)
{
	int ends[2];
	pid_t pid;

	T_REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	pid = cgi_start(ENV(post, to_body, length300k), ends[0], ends[0]);
	T_EQ_INT(send(ends[1], big, BIG, MSG_NOSIGNAL), BIG);
	cgi_receive(ends[1]);
	T_TRUE(starts(reply.text, "Status: 413"));
	T_EQ_INT(child_status(pid), 0);
}

static void cgi_writes_big_answers(void)
{
	T_EQ_INT(cgi(ENV(get, to_big), "", false), 0);
	T_TRUE(reply.n > BIG);
	T_TRUE(memcmp(reply.text + reply.n - BIG, big, BIG) == 0);
}

static void cgi_outlives_its_reader(void)
{
	T_EQ_INT(cgi(ENV(get, to_big), NULL, false), 0);
	T_EQ_INT(reply.n, 0);
}

static bool prepare(void)
{
	fill_big();
	return true;
}

T_SUITE_WITH("CGI", prepare, NULL, T(cgi_answers_once), T(cgi_reads_bodies),
	     T(cgi_takes_a_body_that_it_refuses), T(cgi_writes_big_answers),
	     T(cgi_outlives_its_reader))
