/* src/db/program.h - PostgreSQL's own programs, run against our database */
#ifndef DB_PROGRAM_H
#define DB_PROGRAM_H

#include "core/ctx.h"

/* Runs argv (NULL at the end; found on PATH) against the database of db.dsn, which it learns from
 * the environment: a command line would show the password to everybody. What it writes goes where
 * ours goes. tick, if given, is called twice a second meanwhile. E_UNAVAIL: it could not be
 * started, or ended with another status than 0. */
enum err db_program(struct ctx *c, const char *const *argv, void (*tick)(void *), void *arg)
    MUST_CHECK;

#endif
