/* tests/unit/test_config.c - options from all their sources; every mistake is told */
#include "core/config.h"
#include "core/str.h"
#include "t.h"

#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/t_config_XXXXXX";
static char path[64], secret[64];
static struct config cfg;
static char *errors;

static bool make_dir(void)
{
	clearenv();
	if (!mkdtemp(dir))
		return false;
	snprintf(path, sizeof(path), "%s/marquee.conf", dir);
	snprintf(secret, sizeof(secret), "%s/secret", dir);
	return true;
}

static void drop_dir(void)
{
	unlink(path);
	unlink(secret);
	rmdir(dir);
	free(errors);
}

static void put(const char *name, const char *text, size_t n)
{
	FILE *out = fopen(name, "we");

	T_REQUIRE(out != NULL);
	fwrite(text, 1, n, out);
	fclose(out);
}

static enum err load(const char *file, const char *const *flags)
{
	size_t n;

	free(errors);
	FILE *out = open_memstream(&errors, &n);
	enum err e = config_load(&cfg, file, flags, out);
	fclose(out);
	return e;
}

static enum err load_text(const char *text)
{
	put(path, text, strlen(text));
	return load(path, NULL);
}

static void defaults(void)
{
	T_EQ_INT(load("", NULL), OK);
	T_EQ_STR(errors, "");
	T_EQ_STR(cfg.db_dsn, "");
	T_EQ_INT(cfg.db_statement_timeout, 5000);
	T_EQ_INT(cfg.cache_timeout, 50);
	T_EQ_INT(cfg.http_body_limit, 1048576);
	T_EQ_INT(cfg.auth_access_ttl, 900000);
	T_EQ_INT(cfg.auth_refresh_ttl, 2592000000);
	T_EQ_INT(cfg.outbox_retention, 604800000);
	T_TRUE(cfg.limits_enabled && cfg.auth_refuse_common && cfg.feature_realtime);
	T_FALSE(cfg.feature_payments || cfg.http_require_if_match);
	T_EQ_STR(cfg.log_level, "info");
	T_EQ_INT(cfg.limits_overall, 100000);
}

static void every_member_has_one_row(void)
{
	static unsigned char seen[sizeof(struct config)];

	for (const struct cfg_row *row = cfg_rows; row->name; row++) {
		size_t size = row->type == CFG_BOOL ? sizeof(bool) : sizeof(long);

		T_TRUE(row->text && row->def && strchr(row->name, '.'));
		for (size_t i = 0; i < size; i++)
			T_EQ_INT(seen[row->at + i]++, 0);
	}
	/* What no row covers can only be padding behind a run of booleans. */
	unsigned gap = 0, widest = 0;
	for (size_t i = 0; i < sizeof(seen); i++) {
		gap = seen[i] ? 0 : gap + 1;
		widest = gap > widest ? gap : widest;
	}
	T_TRUE(widest < sizeof(long));
}

static void the_file_is_read(void)
{
	T_EQ_INT(load_text("# comment\n\n  db.dsn = host=/tmp dbname=x#1  # note\r\n"
			   "auth.jwt_issuer=\"a \\\"b\\\\ # c\" # note\n"
			   "cache.timeout = 2s\nhttp.body_limit = 64KiB\nlimits.enabled=off\n"
			   "log.level = debug\nnotifier.batch = 7\nlog.file =\n"
			   "outbox.retention = 30d"), OK);
	T_EQ_STR(errors, "");
	T_EQ_STR(cfg.db_dsn, "host=/tmp dbname=x#1");
	T_EQ_STR(cfg.auth_jwt_issuer, "a \"b\\ # c");
	T_EQ_INT(cfg.cache_timeout, 2000);
	T_EQ_INT(cfg.http_body_limit, 65536);
	T_FALSE(cfg.limits_enabled);
	T_EQ_STR(cfg.log_level, "debug");
	T_EQ_INT(cfg.notifier_batch, 7);
	T_EQ_STR(cfg.log_file, "");
	T_EQ_INT(cfg.outbox_retention, 2592000000);
}

static void all_mistakes_are_told_with_their_line(void)
{
	char want[160];

	T_EQ_INT(load_text("db.dns = x\nnonsense\ncache.timeout = 50\ncache.timeout = 1h\n"
			   "http.body_limit = 17MiB\nlog.level = loud\nlimits.enabled = maybe\n"
			   "notifier.batch = 1e3\nauth.jwt_issuer = \"a\nkafka.topic_events =\n"
			   "kafka.linger = 99999999999999999999s\nauth.reset_ttl = 11m\n"),
		 E_INVALID);
	snprintf(want, sizeof(want), "%s:1: unknown key \"db.dns\", the nearest is db.dsn\n", path);
	T_HAS(errors, want);
	snprintf(want, sizeof(want), "%s:2: expected", path);
	T_HAS(errors, want);
	T_HAS(errors, ":3: cache.timeout: \"50\" is not a time from 1ms to 10s\n");
	T_HAS(errors, ":4: cache.timeout stands already in line 3\n");
	T_HAS(errors, ":5: http.body_limit: \"17MiB\" is not a size from 1KiB to 16MiB\n");
	T_HAS(errors, ":6: log.level: \"loud\" is not one of debug|info|warn|error\n");
	T_HAS(errors, ":7: limits.enabled: \"maybe\" is not on or off\n");
	T_HAS(errors, ":8: notifier.batch");
	T_HAS(errors, ":9: auth.jwt_issuer: the quotes do not match\n");
	T_HAS(errors, ":10: kafka.topic_events");
	T_HAS(errors, ":11: kafka.linger");
	T_HAS(errors, ":12: auth.reset_ttl: \"11m\" is not a time from 1m to 10m\n");
}

static void a_missing_file_is_an_error(void)
{
	T_EQ_INT(load("/nonexistent/marquee.conf", NULL), E_INVALID);
	T_HAS(errors, "/nonexistent/marquee.conf: cannot be opened");
	setenv("MARQUEE_CONFIG", "/nonexistent/other.conf", 1);
	T_EQ_INT(load(NULL, NULL), E_INVALID);
	T_HAS(errors, "/nonexistent/other.conf");
	unsetenv("MARQUEE_CONFIG");
	T_EQ_INT(load_text(""), OK);
	T_EQ_INT(config_load(&cfg, "/nonexistent", NULL, NULL), E_INVALID);
}

static void a_nul_byte_is_refused(void)
{
	put(path, "log.file = /a\0b\n", 16);
	T_EQ_INT(load(path, NULL), E_INVALID);
	T_HAS(errors, "NUL");
}

static void later_sources_win(void)
{
	const char *const flags[] = { "cache.retry=4s", "log.file=a=b", NULL };

	put(path, "cache.timeout = 1s\ncache.retry = 1s\ndb.dsn = file\n", 50);
	setenv("MARQUEE_DB_DSN", "environment", 1);
	setenv("MARQUEE_CACHE_RETRY", "3s", 1);
	T_EQ_INT(load(path, flags), OK);
	T_EQ_INT(cfg.cache_timeout, 1000);
	T_EQ_STR(cfg.db_dsn, "environment");
	T_EQ_INT(cfg.cache_retry, 4000);
	T_EQ_STR(cfg.log_file, "a=b");
	unsetenv("MARQUEE_DB_DSN");
	unsetenv("MARQUEE_CACHE_RETRY");
}

static void flags_are_checked(void)
{
	const char *const flags[] = { "cache.retri=4s", "cache.retry", "cache.retry=x", NULL };

	T_EQ_INT(load("", flags), E_INVALID);
	T_HAS(errors, "flag: cache.retri: unknown key, the nearest is cache.retry\n");
	T_HAS(errors, "flag: cache.retry: expected name=value\n");
	T_HAS(errors, "flag: cache.retry: cache.retry: \"x\" is not");
}

static void unknown_variables_are_errors_except_other_programs(void)
{
	setenv("MARQUEE_DEV_STATE", "/x", 1);
	setenv("MARQUEE_TEST_SHARED", "/x", 1);
	T_EQ_INT(load("", NULL), OK);
	setenv("MARQUEE_DB_DNS", "x", 1);
	T_EQ_INT(load("", NULL), E_INVALID);
	T_HAS(errors, "environment: MARQUEE_DB_DNS: no such option, the nearest is "
		      "MARQUEE_DB_DSN\n");
	unsetenv("MARQUEE_DB_DNS");
	setenv("MARQUEE_", "x", 1);
	T_EQ_INT(load("", NULL), E_INVALID);
	unsetenv("MARQUEE_");
}

static void values_come_from_files(void)
{
	put(secret, "0123456789abcdef0123456789abcdef\n", 33);
	setenv("MARQUEE_AUTH_JWT_SECRET_FILE", secret, 1);
	T_EQ_INT(load("", NULL), OK);
	T_EQ_STR(cfg.auth_jwt_secret, "0123456789abcdef0123456789abcdef");
	setenv("MARQUEE_AUTH_JWT_SECRET", "x", 1);
	T_EQ_INT(load("", NULL), E_INVALID);
	T_HAS(errors, "MARQUEE_AUTH_JWT_SECRET is set as well");
	unsetenv("MARQUEE_AUTH_JWT_SECRET");
	setenv("MARQUEE_AUTH_JWT_SECRET_FILE", "/nonexistent", 1);
	T_EQ_INT(load("", NULL), E_INVALID);
	unsetenv("MARQUEE_AUTH_JWT_SECRET_FILE");
	/* An option whose own name ends in _FILE is itself. */
	setenv("MARQUEE_LOG_FILE", "/var/log/x", 1);
	T_EQ_INT(load("", NULL), OK);
	T_EQ_STR(cfg.log_file, "/var/log/x");
	unsetenv("MARQUEE_LOG_FILE");
}

static void the_poll_times_must_be_in_order(void)
{
	T_EQ_INT(load_text("notifier.poll_min = 5s\n"), E_INVALID);
	T_HAS(errors, "notifier.poll_min");
}

static char *printed(void (*print)(FILE *))
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	print(out);
	fclose(out);
	return text;
}

static void the_sample_changes_nothing_and_its_values_load(void)
{
	char *sample = printed(config_print_sample), *active = strdup(sample);
	size_t n = 0, rows = 0;

	T_EQ_INT(load_text(sample), OK);
	/* Lines "#key = value" become "key = value"; "# text" stays a comment. */
	for (size_t i = 0; sample[i]; i++)
		if (sample[i] != '#' || sample[i + 1] == ' ')
			active[n++] = sample[i];
		else
			rows++;
	active[n] = '\0';
	T_EQ_INT(load_text(active), OK);
	T_EQ_STR(errors, "");
	T_EQ_INT(cfg.auth_refresh_ttl, 2592000000);
	for (const struct cfg_row *row = cfg_rows; row->name; row++)
		rows--;
	T_EQ_INT(rows, 0);
	free(sample);
	free(active);
}

static void the_manual_names_every_option(void)
{
	char *man = printed(config_print_man), want[96];

	for (const struct cfg_row *row = cfg_rows; row->name; row++) {
		snprintf(want, sizeof(want), ".It Cm %s\n%.10s", row->name, row->text);
		T_HAS(man, want);
	}
	free(man);
}

static void print_values(FILE *out)
{
	config_print_list(&cfg, out);
}

static void the_list_hides_secrets(void)
{
	char buf[64];

	T_EQ_INT(load_text("auth.jwt_secret = topsecret\ndb.dsn = password=abc\n"), OK);
	char *list = printed(print_values);
	T_HAS(list, "auth.jwt_secret = (hidden)\n");
	T_NULL(strstr(list, "topsecret"));
	T_NULL(strstr(list, "password=abc"));
	T_HAS(list, "auth.access_ttl = 15m\n");
	T_HAS(list, "http.body_limit = 1MiB\n");
	T_HAS(list, "cache.servers =\n");
	free(list);
	cfg.auth_access_ttl = 90500;
	cfg.kafka_linger = 0;
	for (const struct cfg_row *row = cfg_rows; row->name; row++) {
		if (strcmp(row->name, "auth.access_ttl") == 0)
			T_EQ_STR(config_value(&cfg, row, buf, sizeof(buf)), "90500ms");
		if (strcmp(row->name, "kafka.linger") == 0)
			T_EQ_STR(config_value(&cfg, row, buf, sizeof(buf)), "0ms");
	}
	T_EQ_INT(load_text("auth.jwt_secret = \"topsecret\n"), E_INVALID);
	T_NULL(strstr(errors, "topsecret"));
}

T_SUITE_WITH("config", make_dir, drop_dir, T(defaults), T(every_member_has_one_row),
	     T(the_file_is_read), T(all_mistakes_are_told_with_their_line),
	     T(a_missing_file_is_an_error), T(a_nul_byte_is_refused), T(later_sources_win),
	     T(flags_are_checked), T(unknown_variables_are_errors_except_other_programs),
	     T(values_come_from_files), T(the_poll_times_must_be_in_order),
	     T(the_sample_changes_nothing_and_its_values_load), T(the_manual_names_every_option),
	     T(the_list_hides_secrets))
