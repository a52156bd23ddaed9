/* src/core/log.h - one JSON line per event, to stderr or a file; request lines are buffered */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include "core/err.h"

#include <stdbool.h>

enum log_level { LOG_DEBUG_, LOG_INFO_, LOG_WARN_, LOG_ERROR_ };
enum log_level log_level_parse(const char *word); /* debug info warn error; anything else: info */

/* Opens the sink: path (appended to, reopened by log_reopen) or stderr when path is "". */
enum err log_open(const char *path, enum log_level level, const char *program) MUST_CHECK;
void log_reopen(void);
bool log_enabled(enum log_level level);

/* Writes {"time","level","program","pid","msg",…pairs…} at once. The variadic part is pairs of
 * const char * key, const char * value (value NULL = left out), ended by a NULL key. */
void log_pairs(enum log_level level, const char *msg, ...) __attribute__((sentinel));

/* msg made by printf, no pairs. */
void log_msg(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Same line shape, kept in a buffer until it is 32 KiB full, log_flush, or a log_pairs line.
 * members is ready JSON without braces (`"status":200,"ms":1.2`). */
void log_buffered(enum log_level level, const char *msg, const char *members);

/* Writes the buffer when its oldest line is older than age_ms (0 = now). Never blocks the caller
 * for a sink that fails: the line is dropped and counted. */
void log_flush(long age_ms);

#endif
