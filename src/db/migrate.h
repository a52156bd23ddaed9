/* src/db/migrate.h - brings a database to the schema this program was built with */
#ifndef DB_MIGRATE_H
#define DB_MIGRATE_H

#include "core/ctx.h"

#include <stdio.h>

/* Applies, as the connected user and under one advisory lock: every sql/migrations/NNNN_name.sql
 * not yet recorded, in order, each in its own transaction with lock_timeout 3 s (retried) and a
 * recorded SHA-256 (a changed file that is already applied is an error); then, all in one
 * transaction, every sql/functions/NAME.sql whose checksum changed. Progress lines go to out. dir
 * holds both folders. The connection is made anew before and closed afterwards. */
enum err migrate_apply(struct ctx *c, const char *dir, FILE *out) MUST_CHECK;
/* As superuser: roles marquee_owner, marquee_web, marquee_notifier, marquee_readonly, the schema
 * and the extensions (sql/bootstrap.sql). */
enum err migrate_bootstrap(struct ctx *c, const char *dir, FILE *out) MUST_CHECK;
/* E_UNAVAIL with a message saying which migration is missing or unknown, OK when they agree. */
enum err migrate_check(struct ctx *c, const char *dir) MUST_CHECK;

#endif
