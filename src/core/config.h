/* src/core/config.h - every option: one table row (config_table.c), one member here.
 * Order of sources: default, file, MARQUEE_* environment (and *_FILE), flags. */
#ifndef CORE_CONFIG_H
#define CORE_CONFIG_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum cfg_type { CFG_STR, CFG_INT, CFG_BOOL, CFG_MSEC, CFG_SIZE, CFG_WORD };
enum cfg_flag { CFG_RELOAD = 1, CFG_SECRET = 2 };

struct config {
	const char *db_dsn;
	long db_connect_timeout, db_statement_timeout, db_lock_timeout;
	const char *db_read_dsn;
	long db_read_lag, db_read_timeout;
	const char *cache_servers;
	long cache_timeout, cache_retry, cache_l1_ttl, cache_l1_size;
	const char *kafka_brokers, *kafka_topic_events, *kafka_topic_notifications;
	long kafka_linger;
	const char *http_public_url, *http_cors_origins, *http_trusted_proxies, *http_metrics_allow;
	long http_body_limit;
	bool http_require_if_match, http_server_timing;
	long http_queue_wait;
	const char *site_templates, *site_embed_in;
	const char *auth_jwt_alg, *auth_jwt_secret, *auth_jwt_secret_old,
	    *auth_jwt_private_key_file, *auth_jwt_public_key_files;
	const char *auth_jwt_issuer, *auth_jwt_audience;
	const char *tickets_secret, *tickets_secret_old;
	long checkin_opens_before;
	long auth_access_ttl, auth_refresh_ttl, auth_refresh_grace, auth_reset_ttl;
	long auth_hash_slots, auth_hash_wait;
	bool auth_refuse_common, auth_staff_second_factor;
	bool limits_enabled;
	long limits_hosts, limits_browse, limits_create, limits_register, limits_search,
	    limits_login, limits_write, limits_scan, limits_overall;
	const char *shm_dir;
	const char *backup_dir;
	long backup_keep;
	const char *log_file, *log_level;
	const char *notifier_socket;
	long notifier_batch, notifier_poll_min, notifier_poll_max,
	    notifier_max_attempts;
	long outbox_retention;
	const char *mail_smtp_url, *mail_tls, *mail_user, *mail_password, *mail_from;
	long mail_timeout, mail_pause, mail_alarm;
	bool feature_recommendations, feature_analytics, feature_realtime, feature_payments,
	    feature_enhanced_search;
};

struct cfg_row {
	const char *name;	/* "db.dsn"; in the environment MARQUEE_DB_DSN */
	enum cfg_type type;
	const char *def;
	long min, max;		/* numbers: inclusive; strings: length */
	size_t at;		/* offsetof(struct config, …) */
	unsigned flags;
	const char *words;	/* CFG_WORD: the choices, separated by '|' */
	const char *text;	/* the manual's sentence */
};
extern const struct cfg_row cfg_rows[];	/* ended by a row without name */

/* Loads defaults, then path ("" = no file; NULL = $MARQUEE_CONFIG, else CONFIG_DEFAULT_PATH; a
 * missing file is an error unless it is CONFIG_DEFAULT_PATH), then the environment, then flags
 * ("name=value", NULL-ended, may be NULL). On error writes one line per problem to errors
 * (file:line, key, what is wrong, nearest known key) and returns E_INVALID.
 * Strings live as long as the process. */
enum err config_load(struct config *cfg, const char *path, const char *const *flags, FILE *errors)
    MUST_CHECK;

#define CONFIG_DEFAULT_PATH "/etc/marquee/marquee.conf"

void config_print_sample(FILE *out);			/* etc/marquee.conf, all rows commented */
/* The options of marquee.conf(5) in mdoc: for each prefix .Ss, .Bl, `.It Cm name` items, .El. */
void config_print_man(FILE *out);
void config_print_list(const struct config *cfg, FILE *out); /* values in force, secrets hidden */
/* Text of the value in force; a secret that is set gives "(hidden)". buf is used for numbers. */
const char *config_value(const struct config *cfg, const struct cfg_row *row, char *buf, size_t n);

#endif
