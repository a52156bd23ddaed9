/* src/domain/doctor.c - looks at every part of a deployment and says what to do about it */
#include "auth/keys.h"
#include "cache/cache.h"
#include "core/clock.h"
#include "core/shm.h"
#include "db/db.h"
#include "db/migrate.h"
#include "domain/doctor_priv.h"
#include "domain/operations.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#define HOST_ROOM 256
#define SERVER_MIN 140000
#define SKEW_WARN_S 1.0
#define SKEW_FAIL_S 30.0
#define BEAT_WARN_S 3
#define BEAT_FAIL_S 30
#define OUTBOX_WARN_S 60.0
#define OUTBOX_FAIL_S 3600.0

struct finding found(enum verdict v, const char *what, const char *fix)
{
	return (struct finding){ v, what, fix };
}

struct finding good(const char *what)
{
	return found(V_OK, what, NULL);
}

struct finding failed(struct doctor *d, const char *fix)
{
	struct finding f = found(V_FAIL, d->c->err_msg ? d->c->err_msg : "unknown error", fix);

	ctx_forgive(d->c);
	return f;
}

/* ---- configuration ---- */

static struct finding check_configuration(struct doctor *d)
{
	const struct config *cfg = d->c->cfg;

	if (cfg->db_dsn[0] == '\0')
		return found(V_FAIL, "db.dsn is not set", "set db.dsn, or MARQUEE_DB_DSN");
	if (!cfg->limits_enabled)
		return found(V_WARN, "rate limits are off", "set limits.enabled = on");
	return good("every option has an acceptable value");
}

static struct finding check_keys(struct doctor *d)
{
	const struct config *cfg = d->c->cfg;
	const struct keyring *ring;
	struct stat st;

	if (keys_load(d->c, &ring) != OK)
		return failed(d, "marquee.conf(5), TOKEN KEYS, has the commands that make them");
	const char *what = arena_printf(d->c->arena, "%s%s%s, %d accepted", ring->how->name,
					ring->keys[0].kid[0] ? ", signs as " : "",
					ring->keys[0].kid, ring->n);

	if (ring->keys[0].rsa && stat(cfg->auth_jwt_private_key_file, &st) == 0 &&
	    (st.st_mode & S_IRWXO))
		return found(V_WARN, "everybody on this host may read the private key",
			     arena_printf(d->c->arena, "chmod o-rwx %s",
					  cfg->auth_jwt_private_key_file));
	return good(what);
}

static struct finding check_hash_slots(struct doctor *d)
{
	long slots = d->c->cfg->auth_hash_slots, cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int slot = shm_hash_slot(slots, 0);

	if (slot >= 0)
		shm_hash_slot_release(slot);
	if (cpus > 0 && slots > cpus)
		return found(V_WARN, arena_printf(d->c->arena, "%ld slots for %ld processors",
						  slots, cpus),
			     "sign-ins then slow down everything; lower auth.hash_slots");
	if (slot < 0)
		return found(V_WARN, "all places to hash a password are taken just now",
			     "if it stays so, raise auth.hash_slots");
	return good(arena_printf(d->c->arena, "%ld places to hash passwords", slots));
}

static struct finding check_shm(struct doctor *d)
{
	const char *dir = d->c->cfg->shm_dir;
	struct statfs fs;

	if (statfs(dir, &fs) != 0)
		return found(V_FAIL, arena_printf(d->c->arena, "%s: %s", dir, strerror(errno)),
			     "make the directory of shm.dir, owned by the workers' user");
	if (access(dir, W_OK) != 0 || !shm_shared())
		return found(V_FAIL, arena_printf(d->c->arena, "%s cannot be written", dir),
			     "run this as the workers' user, or give shm.dir to its group");
	if (fs.f_type != TMPFS_MAGIC && fs.f_type != RAMFS_MAGIC)
		return found(V_WARN, arena_printf(d->c->arena, "%s is not on tmpfs", dir),
			     "point shm.dir below /run or /dev/shm");
	return good(arena_printf(d->c->arena, "%s is shared memory", dir));
}

/* ---- database ---- */

/* The words of libpq, which the connection's own layer only logs. */
static const char *why_not(struct doctor *d)
{
	const char *dsn = d->c->cfg->db_dsn, *text;
	PGconn *conn;

	if (!*dsn || !d->how->patient)
		return *dsn ? "no answer" : "no db.dsn";
	conn = PQconnectdb(dsn);
	text = arena_strdup(d->c->arena, conn ? PQerrorMessage(conn) : "");
	PQfinish(conn);
	return arena_strndup(d->c->arena, text, strcspn(text, "\n"));
}

static struct finding check_database(struct doctor *d)
{
	PGconn *conn = d->c->cfg->db_dsn[0] ? db_handle(d->c->db) : NULL;

	if (!conn)
		return found(V_FAIL, why_not(d), "start PostgreSQL, or correct db.dsn");
	d->connected = true;
	if (PQserverVersion(conn) < SERVER_MIN)
		return found(V_FAIL, "the server is older than PostgreSQL 14", "upgrade it");
	return good(arena_printf(d->c->arena, "PostgreSQL %s, database %s as %s",
				 PQparameterStatus(conn, "server_version"), PQdb(conn),
				 PQuser(conn)));
}

static struct finding check_extensions(struct doctor *d)
{
	PGresult *r;

	if (db_query0(d->c, Q_SERVER_FACTS, &r) != OK)
		return failed(d, "marquee migrate --bootstrap, as superuser");
	if (db_get(r, 0, 2))
		return found(V_FAIL, arena_printf(d->c->arena, "missing: %s", db_get(r, 0, 2)),
			     "marquee migrate --bootstrap, as superuser");
	return good("postgis, pg_trgm, unaccent, citext");
}

static struct finding check_migrations(struct doctor *d)
{
	if (migrate_check(d->c, d->how->sql_dir) != OK)
		return failed(d, "marquee migrate, as marquee_owner");
	return good("the schema is this program's");
}

static struct finding check_clock(struct doctor *d)
{
	int64_t before = clock_now_us(), after;
	double skew, there;
	const char *what;
	PGresult *r;

	if (db_query0(d->c, Q_SERVER_FACTS, &r) != OK)
		return failed(d, "see the database");
	after = clock_now_us();
	there = strtod(db_get(r, 0, 1), NULL);
	skew = there - ((double)before + (double)after) / 2e6;
	what = arena_printf(d->c->arena, "the database's clock is %+.3f s from this host's", skew);
	if (skew < 0)
		skew = -skew;
	return found(skew > SKEW_FAIL_S ? V_FAIL : skew > SKEW_WARN_S ? V_WARN : V_OK, what,
		     "run a time service on both");
}

/* To count them passes every answer there is: a job does so, too. */
static struct finding last_invariants(struct doctor *d)
{
	struct json_object *last = js_get(d->beats, "invariants");
	long n = (long)json_object_get_int64(js_get(last, "violations"));

	if (!last)
		return found(V_WARN, "the job invariants has never run", "see notifier and jobs");
	if (n > 0)
		return found(V_FAIL, arena_printf(d->c->arena, "%ld violated", n),
			     "marquee invariants lists them");
	return good(arena_printf(d->c->arena, "all held %lld s ago",
				 (long long)json_object_get_int64(js_get(last, "age"))));
}

static struct finding check_invariants(struct doctor *d)
{
	PGresult *r;

	if (!d->how->patient)
		return last_invariants(d);
	if (db_query0(d->c, Q_INVARIANTS, &r) != OK)
		return failed(d, "see the database");
	if (PQntuples(r) > 0)
		return found(V_FAIL, arena_printf(d->c->arena, "%d violated", PQntuples(r)),
			     "marquee invariants lists them");
	return good("all hold");
}

static struct finding check_jobs(struct doctor *d)
{
	PGresult *r;

	if (db_query0(d->c, Q_JOBS_FAILING, &r) != OK)
		return failed(d, "see the database");
	if (PQntuples(r) > 0)
		return found(V_WARN,
			     arena_printf(d->c->arena, "%s failed %s times: %s", db_get(r, 0, 0),
					  db_get(r, 0, 1), db_get(r, 0, 2)),
			     "marquee job list shows all; they are tried again by themselves");
	return good("no job fails");
}

/* ---- cache ---- */

static struct finding check_cache(struct doctor *d)
{
	const char *state;

	if (d->c->cfg->cache_servers[0] == '\0')
		return found(V_WARN, "none: every read goes to the database",
			     "set cache.servers, e.g. 127.0.0.1:11211");
	if (d->connected && cache_namespace_refresh(d->c) != OK)
		return failed(d, "the namespace lives in the database: see there");
	state = cache_state(d->c);
	if (strcmp(state, "up") != 0)
		return found(V_FAIL, arena_printf(d->c->arena, "%s: %s", d->c->cfg->cache_servers,
						  state),
			     "start memcached, or correct cache.servers");
	return good(arena_printf(d->c->arena, "%s, namespace %016llx", d->c->cfg->cache_servers,
				 (unsigned long long)shm_cache_namespace(0)));
}

/* ---- notifier ---- */

static enum err read_beat(struct doctor *d)
{
	TRY(beats_get(d->c, &d->beats));
	d->beat = js_get(d->beats, "notifier");
	d->beat_age = (long)json_object_get_int64(js_get(d->beat, "age"));
	return OK;
}

static struct finding check_notifier(struct doctor *d)
{
	const char *what;

	if (read_beat(d) != OK)
		return failed(d, "see the database");
	if (!d->beat)
		return found(V_FAIL, "it has never reported", "start marquee-notifier");
	what = arena_printf(d->c->arena, "heartbeat %ld s ago from %s", d->beat_age,
			    js_str(d->beat, "host") ? js_str(d->beat, "host") : "?");
	if (d->beat_age > BEAT_FAIL_S)
		return found(V_FAIL, what, "start marquee-notifier");
	return found(d->beat_age > BEAT_WARN_S ? V_WARN : V_OK, what,
		     "is it overloaded, or the database slow? Look at its log");
}

static struct finding check_kafka(struct doctor *d)
{
	const char *state = d->beat && d->beat_age <= BEAT_FAIL_S ? js_str(d->beat, "kafka") : NULL;

	if (!state)
		return found(V_WARN, "unknown: the notifier does not report",
			     "start marquee-notifier");
	if (strcmp(state, "off") == 0)
		return found(V_WARN, "no brokers are configured: messages wait in the outbox",
			     "set kafka.brokers");
	if (strcmp(state, "up") != 0)
		return found(V_FAIL, "the brokers do not answer the notifier",
			     "start them, or correct kafka.brokers; nothing is lost meanwhile");
	return good("the notifier reaches the brokers");
}

static struct finding check_mail(struct doctor *d)
{
	const char *state = d->beat && d->beat_age <= BEAT_FAIL_S ? js_str(d->beat, "mail") : NULL;
	PGresult *r;

	if (d->c->cfg->mail_smtp_url[0] == '\0')
		return found(V_WARN, "not configured: nobody can replace a forgotten password",
			     "set mail.smtp_url and mail.from");
	if (!state || db_query0(d->c, Q_MAIL_QUEUE, &r) != OK)
		return found(V_WARN, "unknown: the notifier does not report",
			     "start marquee-notifier");
	const char *what = arena_printf(d->c->arena, "%s: %s mails wait, the oldest for %.0f s, %s "
					"are parked", state, db_get(r, 0, 0),
					strtod(db_get(r, 0, 1), NULL), db_get(r, 0, 2));

	if (strcmp(state, "off") == 0)
		return found(V_FAIL, "configured here, but not for the notifier",
			     "give both the same configuration; restart marquee-notifier");
	if (strcmp(state, "up") != 0)
		return found(V_FAIL, what, "marquee mail list has the reasons");
	return found(db_get_long(r, 0, 2) > 0 ? V_WARN : V_OK, what,
		     "marquee mail list has the reasons");
}

static struct finding check_outbox(struct doctor *d)
{
	enum verdict v;
	const char *what;
	double oldest;
	PGresult *r;

	if (db_query0(d->c, Q_OUTBOX_BACKLOG, &r) != OK)
		return failed(d, "see the database");
	oldest = strtod(db_get(r, 0, 1), NULL);
	what = arena_printf(d->c->arena, "%s messages wait, the oldest for %.0f s", db_get(r, 0, 0),
			    oldest);
	v = oldest > OUTBOX_FAIL_S ? V_FAIL : oldest > OUTBOX_WARN_S ? V_WARN : V_OK;
	return found(v, what, "see notifier and kafka");
}

static struct finding check_parked(struct doctor *d)
{
	PGresult *r;

	if (db_query0(d->c, Q_OUTBOX_ALARMS, &r) != OK)
		return failed(d, "marquee migrate, as marquee_owner");
	if (db_get_long(r, 0, 0) > 0)
		return found(V_WARN, arena_printf(d->c->arena, "%s messages that no broker takes",
						  db_get(r, 0, 0)),
			     "marquee outbox list shows them and the reasons");
	return good("no message is parked");
}

/* ---- all of them ---- */

static const struct {
	const char *name;
	bool database;		/* pointless without */
	struct finding (*run)(struct doctor *);
} checks[] = {
	{ "configuration", false, check_configuration },
	{ "token keys", false, check_keys },
	{ "shared memory", false, check_shm },
	{ "hash slots", false, check_hash_slots },
	{ "database", false, check_database },
	{ "extensions", true, check_extensions },
	{ "migrations", true, check_migrations },
	{ "clock", true, check_clock },
	{ "failover", false, check_failover },
	{ "session", true, check_session },
	{ "replica", true, check_replica },
	{ "hosts", true, check_hosts },
	{ "cache", false, check_cache },
	{ "notifier", true, check_notifier },
	{ "ring", true, check_ring },
	{ "kafka", true, check_kafka },
	{ "outbox", true, check_outbox },
	{ "parked", true, check_parked },
	{ "mail", true, check_mail },
	{ "jobs", true, check_jobs },
	{ "invariants", true, check_invariants },
};

const char *const verdict_words[V_COUNT] = { "ok", "WARN", "FAIL" };

void doctor_run(struct ctx *c, const struct doctor_how *how)
{
	struct doctor d = { .c = c, .how = how };

	for (size_t i = 0; i < COUNT(checks); i++) {
		struct finding f;

		if (checks[i].database && !d.connected)
			continue;
		f = checks[i].run(&d);
		if (f.verdict == V_OK)
			f.fix = NULL;
		how->tell(how->arg, checks[i].name, &f);
	}
}

/* ---- kept for the desk ---- */

static void keep(void *list, const char *check, const struct finding *f)
{
	struct json_object *one = js_made(json_object_new_object());

	js_push(list, one);
	js_put(one, "name", check);
	js_put(one, "verdict", verdict_words[f->verdict]);
	js_put(one, "what", f->what);
	js_put(one, "fix", f->fix);
}

/* Where it was installed; else, as templates do, where it was built. */
static const char *sql_dir(struct ctx *c)
{
	const char *installed = MARQUEE_DATADIR "/sql";

	return access(installed, R_OK) == 0 ? installed :
	       arena_printf(c->arena, "%s/../sql", c->cfg->site_templates);
}

enum err doctor_keep(struct ctx *c)
{
	struct json_object *o = js_object(c->arena), *list = js_made(json_object_new_array());
	struct doctor_how how = { .sql_dir = sql_dir(c), .tell = keep, .arg = list };
	char host[HOST_ROOM] = "";

	js_add(o, "checks", list);
	gethostname(host, sizeof(host) - 1);
	js_put(o, "host", host);
	doctor_run(c, &how);
	return db_query(c, Q_HEARTBEAT_PUT, NULL, "doctor", js_text(c->arena, o));
}
