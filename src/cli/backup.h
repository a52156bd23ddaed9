/* src/cli/backup.h - what backup and restore share */
#ifndef CLI_BACKUP_H
#define CLI_BACKUP_H

#include "core/ctx.h"

/* Reads a dump from its first byte to its last, as a restore would, and keeps nothing: a list of
 * contents alone would not notice that the end is missing. */
enum err backup_readable(struct ctx *c, const char *path) MUST_CHECK;

#endif
