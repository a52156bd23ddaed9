/* src/db/program.c - PostgreSQL's own programs, run against our database */
#include "db/program.h"

#include <errno.h>
#include <libpq-fe.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The connection string as the PG* variables that every program of PostgreSQL knows. */
static enum err environment(struct ctx *c)
{
	char *why = NULL;
	PQconninfoOption *all = PQconninfoParse(c->cfg->db_dsn, &why);

	if (!all) {
		(void)!fail(c, E_INVALID, "db.dsn: %s", why ? why : "cannot be read");
		PQfreemem(why);
		return c->err;
	}
	for (const PQconninfoOption *o = all; o->keyword; o++)
		if (o->val && o->envvar)
			setenv(o->envvar, o->val, 1);
	PQconninfoFree(all);
	return OK;
}

enum err db_program(struct ctx *c, const char *const *argv, void (*tick)(void *), void *arg)
{
	pid_t pid, gone;
	int status, rc;

	TRY(environment(c));
	rc = posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environ);
	if (rc != 0)
		return fail(c, E_UNAVAIL, "%s cannot be started: %s", argv[0], strerror(rc));
	while ((gone = waitpid(pid, &status, tick ? WNOHANG : 0)) != pid) {
		if (gone < 0 && errno != EINTR)
			return fail(c, E_INTERNAL, "%s: %s", argv[0], strerror(errno));
		if (gone == 0) {
			tick(arg);
			usleep(500000);
		}
	}
	if (WIFSIGNALED(status))
		return fail(c, E_UNAVAIL, "%s was ended by signal %d", argv[0], WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return fail(c, E_UNAVAIL, "%s failed (exit %d)", argv[0], WEXITSTATUS(status));
	return OK;
}
