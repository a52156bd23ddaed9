/* src/core/config_priv.h - shared by the config_*.c files only */
#ifndef CORE_CONFIG_PRIV_H
#define CORE_CONFIG_PRIV_H

#include "core/arena.h"
#include "core/config.h"
#include "core/str.h"

#define CONFIG_ENV "MARQUEE_"
#define CONFIG_NAME 64

/* What is being loaded, and how many problems were told so far. */
struct loader {
	struct config *cfg;
	FILE *errors;
	unsigned problems;
};

const struct cfg_row *config_row(struct str name);	/* NULL when there is none */
const struct cfg_row *config_nearest(struct str name);	/* by edit distance; never NULL */
/* "db.dsn" to "MARQUEE_DB_DSN". */
void config_env_name(const struct cfg_row *row, char out[CONFIG_NAME]);

/* One line "where: what" to errors. */
void config_problem(struct loader *l, const char *where, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Parses value and stores it; a problem is told with where and the row's name. */
void config_set(struct loader *l, const struct cfg_row *row, struct str value, const char *where);
/* "a time from 100ms to 10m": what the row accepts, for messages and the manual. */
const char *config_accepts(const struct cfg_row *row, char *buf, size_t n);
/* Reads lines `key = value`. */
void config_file(struct loader *l, const char *path);
/* A copy that lives as long as the process. */
char *config_keep(struct str s);

/* Units, largest first, ended by a NULL name. */
struct cfg_unit {
	const char *name;
	long factor;
};
extern const struct cfg_unit cfg_msec_units[], cfg_size_units[];

#endif
