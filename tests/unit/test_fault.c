/* tests/unit/test_fault.c - a fault point acts once, in one process, at the hit it was told */
#include "core/fault.h"
#include "t.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/t_fault_XXXXXX";

static bool make_folder(void)
{
	return mkdtemp(folder) && setenv("MARQUEE_TEST_FAULTS", folder, 1) == 0;
}

static const char *path(const char *name)
{
	static char text[200];

	snprintf(text, sizeof(text), "%s/%s", folder, name);
	return text;
}

static void drop_folder(void)
{
	unlink(path("http.reply"));
	unlink(path("http.reply.acted"));
	unlink(path("db.sent.RSVP_SET"));
	unlink(path("db.sent.RSVP_SET.acted"));
	rmdir(folder);
}

static void arm(const char *name, const char *line)
{
	FILE *out = fopen(path(name), "we");

	T_REQUIRE(out && fputs(line, out) >= 0 && fclose(out) == 0);
}

static bool there(const char *name)
{
	return access(path(name), F_OK) == 0;
}

/* Hits in a process of its own: the signal that ended it, or 0. */
static int ended_by(int hits, const char *what)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		for (int i = 0; i < hits; i++)
			what ? FAULT_OF(DB_SENT, what) : FAULT(HTTP_REPLY);
		_exit(0);
	}
	T_REQUIRE(pid > 0 && waitpid(pid, &status, 0) == pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void unarmed_does_nothing(void)
{
	T_EQ_INT(ended_by(3, NULL), 0);
	arm("http.reply", "kill\n");
	T_EQ_INT(ended_by(1, "RSVP_SET"), 0);
	T_EQ_INT(ended_by(1, NULL), SIGKILL);
	T_FALSE(there("http.reply"));
	T_TRUE(there("http.reply.acted"));
	T_EQ_INT(ended_by(1, NULL), 0);
}

static void counts_hits_over_processes(void)
{
	arm("http.reply", "abort 3\n");
	T_EQ_INT(ended_by(2, NULL), 0);
	T_EQ_INT(ended_by(1, NULL), SIGABRT);
}

static void names_the_statement(void)
{
	arm("db.sent.RSVP_SET", "kill 1\n");
	T_EQ_INT(ended_by(1, "RSVP_CANCEL"), 0);
	T_EQ_INT(ended_by(1, "RSVP_SET/keyed"), SIGKILL);
}

static void waits_for_its_process(void)
{
	char line[40];

	snprintf(line, sizeof(line), "sleep:60 1 %ld\n", (long)getpid());
	arm("http.reply", line);
	T_EQ_INT(ended_by(5, NULL), 0);
	T_TRUE(there("http.reply"));
	FAULT(HTTP_REPLY);
	T_FALSE(there("http.reply"));
}

/* Ten processes hit it a hundred times each: one dies. */
static void one_process_acts(void)
{
	int status, killed = 0;

	arm("http.reply", "kill 500\n");
	for (int i = 0; i < 10; i++)
		if (fork() == 0) {
			for (int hit = 0; hit < 100; hit++)
				FAULT(HTTP_REPLY);
			_exit(0);
		}
	while (wait(&status) > 0)
		killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	T_EQ_INT(killed, 1);
}

T_SUITE_WITH("fault points", make_folder, drop_folder, T(unarmed_does_nothing),
	     T(counts_hits_over_processes), T(names_the_statement), T(waits_for_its_process),
	     T(one_process_acts))
