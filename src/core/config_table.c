/* src/core/config_table.c - all options; manual, sample and --help are printed from these rows */
#include "core/config.h"

#include <limits.h>

#define SECOND 1000L
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define KIB 1024L
#define MIB (1024 * KIB)
#define TEXT_MAX 4096
#define PER_HOUR_MAX 1000000000L

#define ROW(key, kind, dflt, lo, hi, member, bits, sentence)                                       \
	{ .name = key, .type = kind, .def = dflt, .min = lo, .max = hi,                            \
	  .at = offsetof(struct config, member), .flags = bits, .text = sentence }
#define TEXT(key, dflt, member, bits, sentence)                                                    \
	ROW(key, CFG_STR, dflt, 0, TEXT_MAX, member, bits, sentence)
#define SWITCH(key, dflt, member, sentence)                                                        \
	ROW(key, CFG_BOOL, dflt, 0, 1, member, CFG_RELOAD, sentence)
#define QUOTA(key, dflt, member, sentence)                                                         \
	ROW(key, CFG_INT, dflt, 1, PER_HOUR_MAX, member, CFG_RELOAD, sentence)

const struct cfg_row cfg_rows[] = {
	/* A connection string may hold a password. */
	TEXT("db.dsn", "", db_dsn, CFG_SECRET,
	     "How to reach PostgreSQL: a libpq connection string or URI."),
	ROW("db.connect_timeout", CFG_MSEC, "3s", 100, 10 * MINUTE, db_connect_timeout, CFG_RELOAD,
	    "Longest time to wait for a connection to PostgreSQL."),
	ROW("db.statement_timeout", CFG_MSEC, "5s", 100, 10 * MINUTE, db_statement_timeout,
	    CFG_RELOAD, "Longest time one query may run before PostgreSQL cancels it."),
	ROW("db.lock_timeout", CFG_MSEC, "3s", 10, 10 * MINUTE, db_lock_timeout, CFG_RELOAD,
	    "Longest time one statement may wait for a lock."),
	TEXT("db.read_dsn", "", db_read_dsn, CFG_SECRET,
	     "How to reach a streaming replica. Lists are read from it once it has what their "
	     "reader wrote. Empty: everything is read from db.dsn."),
	ROW("db.read_lag", CFG_MSEC, "5s", 100, 30 * SECOND, db_read_lag, CFG_RELOAD,
	    "How far behind a replica may be and still be read from."),
	ROW("db.read_timeout", CFG_MSEC, "1s", 50, 10 * MINUTE, db_read_timeout, 0,
	    "Longest time to wait for the replica, connecting included. Then the primary is "
	    "asked."),

	TEXT("cache.servers", "", cache_servers, 0,
	     "Memcached servers as host:port or socket paths, separated by spaces. "
	     "Empty: no cache."),
	ROW("cache.timeout", CFG_MSEC, "50ms", 1, 10 * SECOND, cache_timeout, CFG_RELOAD,
	    "Longest time for a whole call to the cache; then the request goes on without it."),
	ROW("cache.retry", CFG_MSEC, "2s", 10, 10 * MINUTE, cache_retry, CFG_RELOAD,
	    "Pause before a cache that failed is tried again."),
	ROW("cache.l1_ttl", CFG_MSEC, "1s", 0, SECOND, cache_l1_ttl, 0,
	    "Longest life of a worker's own copy of an event or its page. For so long the change "
	    "of another host may go unseen. 0: no copies."),
	ROW("cache.l1_size", CFG_SIZE, "2MiB", 64 * KIB, 256 * MIB, cache_l1_size, 0,
	    "Memory of each worker for such copies."),

	TEXT("kafka.brokers", "", kafka_brokers, 0,
	     "Kafka bootstrap servers as host:port, separated by commas. Empty: no broker; the "
	     "outbox waits."),
	ROW("kafka.topic_events", CFG_STR, "events", 1, 249, kafka_topic_events, 0,
	    "Topic for what happens to events and registrations."),
	ROW("kafka.topic_notifications", CFG_STR, "notifications", 1, 249,
	    kafka_topic_notifications, 0, "Topic for messages that are meant for people."),
	ROW("kafka.linger", CFG_MSEC, "1ms", 0, 10 * SECOND, kafka_linger, 0,
	    "Time the producer waits to gather messages into one batch."),

	ROW("http.public_url", CFG_STR, "http://127.0.0.1", 1, 1024, http_public_url, CFG_RELOAD,
	    "Address under which people reach this service; absolute links begin with it."),
	TEXT("http.cors_origins", "", http_cors_origins, CFG_RELOAD,
	     "Origins whose scripts may call the API, separated by spaces."),
	TEXT("http.trusted_proxies", "", http_trusted_proxies, CFG_RELOAD,
	     "Addresses or networks whose X-Forwarded-For is believed, separated by spaces."),
	TEXT("http.metrics_allow", "127.0.0.1 ::1", http_metrics_allow, CFG_RELOAD,
	     "Addresses or networks that may read /metrics, separated by spaces."),
	ROW("http.body_limit", CFG_SIZE, "1MiB", KIB, 16 * MIB, http_body_limit, CFG_RELOAD,
	    "Largest request body."),
	ROW("http.queue_wait", CFG_MSEC, "50ms", 0, MINUTE, http_queue_wait, CFG_RELOAD,
	    "Longest time that a crowd of requests may wait for workers. After half a second of "
	    "more they are refused with 503 until it is less. 0: never refused."),
	TEXT("site.templates", MARQUEE_DATADIR "/templates", site_templates, 0,
	     "Folder of the templates and texts of all pages."),
	TEXT("site.embed_in", "", site_embed_in, CFG_RELOAD,
	     "Origins that may show /embed and /e/{id}/embed in a frame; * is everybody. "
	     "They are separated by spaces. Other pages are never shown in one."),
	SWITCH("http.require_if_match", "off", http_require_if_match,
	       "Refuse changes of an event without If-Match."),
	SWITCH("http.server_timing", "off", http_server_timing,
	       "Add a Server-Timing header: round trips to database and cache."),

	{ .name = "auth.jwt_alg", .type = CFG_WORD, .def = "HS256",
	  .at = offsetof(struct config, auth_jwt_alg), .words = "HS256|RS256",
	  .text = "How access tokens are signed: by a secret (HS256) or an RSA key (RS256)." },
	TEXT("auth.jwt_secret", "", auth_jwt_secret, CFG_SECRET,
	     "HS256: key that signs access tokens, at least 32 random bytes. Better given as a "
	     "file."),
	TEXT("auth.jwt_secret_old", "", auth_jwt_secret_old, CFG_SECRET,
	     "HS256: a secret that is accepted besides, while one replaces the other."),
	TEXT("auth.jwt_private_key_file", "", auth_jwt_private_key_file, 0,
	     "RS256: PEM file of the key that signs access tokens. "
	     "At least 2048 bits, without a passphrase."),
	TEXT("auth.jwt_public_key_files", "", auth_jwt_public_key_files, 0,
	     "RS256: PEM files of public keys that are accepted besides. "
	     "Separated by spaces; used while one key replaces another."),
	ROW("auth.jwt_issuer", CFG_STR, "marquee", 1, 255, auth_jwt_issuer, 0,
	    "Issuer (iss) of access tokens."),
	ROW("auth.jwt_audience", CFG_STR, "marquee", 1, 255, auth_jwt_audience, 0,
	    "Audience (aud) of access tokens."),
	ROW("auth.access_ttl", CFG_MSEC, "15m", MINUTE, 24 * HOUR, auth_access_ttl, CFG_RELOAD,
	    "How long an access token lives."),
	ROW("auth.refresh_ttl", CFG_MSEC, "30d", HOUR, 365 * DAY, auth_refresh_ttl, CFG_RELOAD,
	    "How long one may stay logged in without a password."),
	ROW("auth.refresh_grace", CFG_MSEC, "10s", 0, 10 * MINUTE, auth_refresh_grace, CFG_RELOAD,
	    "How long a used refresh token may be presented again without ending the session."),
	ROW("auth.reset_ttl", CFG_MSEC, "10m", MINUTE, 10 * MINUTE, auth_reset_ttl, CFG_RELOAD,
	    "How long the link of a password reset works; more than 10m is refused."),
	ROW("auth.hash_slots", CFG_INT, "2", 1, 16, auth_hash_slots, CFG_RELOAD,
	    "Passwords that are hashed at the same time on this host; each takes 19 MiB."),
	ROW("auth.hash_wait", CFG_MSEC, "5s", 0, MINUTE, auth_hash_wait, CFG_RELOAD,
	    "Longest time to wait for a place to hash a password."),
	SWITCH("auth.refuse_common", "on", auth_refuse_common,
	       "Refuse new passwords that are on the list of common ones."),
	SWITCH("auth.staff_second_factor", "off", auth_staff_second_factor,
	       "Admins need a second factor; until they have one their role is void."),

	TEXT("tickets.secret", "", tickets_secret, CFG_SECRET,
	     "Key that signs the codes of tickets, at least 32 random bytes. Empty: the one that "
	     "signs access tokens. When that one changes, write the old one here. Codes that are "
	     "printed already stay good then."),
	TEXT("tickets.secret_old", "", tickets_secret_old, CFG_SECRET,
	     "A key whose codes are accepted besides, while another replaces it."),
	ROW("checkin.opens_before", CFG_MSEC, "24h", 0, 365 * DAY, checkin_opens_before,
	    CFG_RELOAD, "How long before an event begins people may be checked in."),

	SWITCH("limits.enabled", "on", limits_enabled, "Limit the rate of requests."),
	ROW("limits.hosts", CFG_INT, "1", 1, 10000, limits_hosts, CFG_RELOAD,
	    "Hosts that share the load; each allows its part of every limit."),
	QUOTA("limits.browse", "100", limits_browse,
	      "Reading requests per hour and address, without an account."),
	QUOTA("limits.create", "10", limits_create, "Events created per hour and person."),
	QUOTA("limits.register", "50", limits_register, "Answers to events per hour and person."),
	QUOTA("limits.search", "200", limits_search, "Searches per hour and person or address."),
	QUOTA("limits.login", "20", limits_login,
	      "Log-ins, new accounts and forgotten passwords per hour and address."),
	QUOTA("limits.write", "300", limits_write, "Other changes per hour and person."),
	QUOTA("limits.scan", "20000", limits_scan,
	      "Scans and look-ups at doors per hour and person, or address of a staff link."),
	QUOTA("limits.overall", "100000", limits_overall,
	      "All requests per hour and person or address."),

	TEXT("backup.dir", "", backup_dir, 0, "Folder that marquee backup writes dumps into."),
	ROW("backup.keep", CFG_INT, "14", 0, 36500, backup_keep, 0,
	    "Days after which marquee backup removes a dump, once a newer one is whole. 0: never."),

	ROW("shm.dir", CFG_STR, "/run/marquee", 1, 90, shm_dir, 0,
	    "Directory on tmpfs for what the processes of this host share."),

	TEXT("log.file", "", log_file, CFG_RELOAD, "File to log to. Empty: standard error."),
	{ .name = "log.level", .type = CFG_WORD, .def = "info",
	  .at = offsetof(struct config, log_level), .flags = CFG_RELOAD,
	  .words = "debug|info|warn|error", .text = "Least important lines to log." },

	ROW("notifier.socket", CFG_STR, "/run/marquee/notifier.sock", 0, 107, notifier_socket, 0,
	    "Datagram socket that wakes the notifier. Empty: it only polls."),
	ROW("notifier.batch", CFG_INT, "1000", 1, 100000, notifier_batch, CFG_RELOAD,
	    "Most outbox rows sent in one go."),
	ROW("notifier.poll_min", CFG_MSEC, "20ms", 1, MINUTE, notifier_poll_min, CFG_RELOAD,
	    "Pause between looks at a busy outbox."),
	ROW("notifier.poll_max", CFG_MSEC, "250ms", 1, HOUR, notifier_poll_max, CFG_RELOAD,
	    "Pause between looks at an idle outbox."),
	ROW("notifier.max_attempts", CFG_INT, "10", 1, 1000, notifier_max_attempts, CFG_RELOAD,
	    "Tries before a message that cannot be sent is parked."),

	ROW("outbox.retention", CFG_MSEC, "7d", DAY, 365 * DAY, outbox_retention, CFG_RELOAD,
	    "How long rows of the outbox are kept after they were sent."),

	TEXT("mail.smtp_url", "", mail_smtp_url, 0,
	     "Mail server as smtp://host:port or smtps://host:port. Empty: no mail is sent."),
	{ .name = "mail.tls", .type = CFG_WORD, .def = "try",
	  .at = offsetof(struct config, mail_tls), .words = "off|try|require",
	  .text = "Whether smtp:// asks for encryption (STARTTLS). "
		  "With try, certificates are not checked, unless there is a mail.user." },
	TEXT("mail.user", "", mail_user, 0,
	     "Name to sign in to the mail server. Empty: without. "
	     "It is sent encrypted only, unless mail.tls is off."),
	TEXT("mail.password", "", mail_password, CFG_SECRET,
	     "Password of mail.user. Better given as a file."),
	TEXT("mail.from", "", mail_from, 0,
	     "Sender of all mail: an address, or a name and <an address>."),
	ROW("mail.timeout", CFG_MSEC, "30s", SECOND, 10 * MINUTE, mail_timeout, 0,
	    "Longest time for the mail server to take one mail."),
	ROW("mail.pause", CFG_MSEC, "1m", 100, HOUR, mail_pause, 0,
	    "Longest pause between two tries while no mail server takes mail."),
	ROW("mail.alarm", CFG_MSEC, "10m", SECOND, DAY, mail_alarm, 0,
	    "Age of the oldest unsent mail beyond which /health is degraded."),

	SWITCH("features.recommendations", "on", feature_recommendations, "Recommend events."),
	SWITCH("features.analytics", "on", feature_analytics, "Count views and answers for hosts."),
	SWITCH("features.realtime", "on", feature_realtime, "Push changes to open pages."),
	SWITCH("features.payments", "off", feature_payments, "Sell tickets."),
	SWITCH("features.enhanced_search", "on", feature_enhanced_search,
	       "Search with ranking, word forms and misspellings."),
	{ .name = NULL },
};
