/* tests/service/relay_process.h - the notifier as a child of the test */
#ifndef TESTS_RELAY_PROCESS_H
#define TESTS_RELAY_PROCESS_H

#include "relay_base.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define FLAGS_MAX 24

struct child {
	pid_t pid;
};

/* flags: values of --set, ended by NULL. */
static struct child start(const char *const *flags)
{
	const char *dir = getenv("T_BUILDDIR"), *args[FLAGS_MAX];
	char program[1024], brokers[300], wake[160], log[300];
	int n = 0;
	struct child child;

	snprintf(program, sizeof(program), "%s/marquee-notifier", dir ? dir : ".");
	snprintf(brokers, sizeof(brokers), "kafka.brokers=%s",
		 rd_kafka_mock_cluster_bootstraps(cluster));
	snprintf(wake, sizeof(wake), "notifier.socket=%s", socket_path);
	snprintf(log, sizeof(log), "log.file=%s", log_path);
	args[n++] = program;
	const char *const own[] = { brokers, wake, log, "log.level=debug" };
	for (size_t i = 0; i < COUNT(own); i++) {
		args[n++] = "--set";
		args[n++] = own[i];
	}
	for (; *flags && n < FLAGS_MAX - 3; flags++) {
		args[n++] = "--set";
		args[n++] = *flags;
	}
	args[n] = NULL;
	child.pid = fork();
	if (child.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setenv("MARQUEE_DB_DSN", getenv("T_DSN_NOTIFIER"), 1);
		execv(program, (char *const *)args);
		_exit(127);
	}
	return child;
}

#define START(...) start((const char *const[]){ __VA_ARGS__, NULL })

/* The exit code, or minus the signal. */
static int ended(struct child *child)
{
	int status;

	if (waitpid(child->pid, &status, 0) != child->pid)
		return -999;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int stop(struct child *child, int sig)
{
	kill(child->pid, sig);
	return ended(child);
}

#endif
