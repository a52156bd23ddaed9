/* tests/service/test_db_loss.c - lost, frozen and unreachable servers: what is certain and what not
 *
 * Statements go through a forwarding process of our own, which can be stopped (a frozen server) or
 * killed (a cut line) at any moment. */
#include "db/conn.h"
#include "db_fixture.h"
#include "core/clock.h"
#include "db_statements.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 120000
#define STATEMENT_MS 3000

static struct ctx direct, c;
static struct sockaddr_storage server;
static socklen_t server_len = sizeof(server);
static int listener = -1;
static pid_t forwarder;

/* ---- the line ---- */

static bool pump(int from, int to)
{
	char part[65536];
	ssize_t n = read(from, part, sizeof(part));

	for (ssize_t done = 0, w; done < n; done += w) {
		w = write(to, part + done, (size_t)(n - done));
		if (w <= 0)
			return false;
	}
	return n > 0;
}

static void forward(int client)
{
	int up = socket(server.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd p[2] = { { .fd = client, .events = POLLIN }, { .fd = up, .events = POLLIN } };

	if (connect(up, (struct sockaddr *)&server, server_len) != 0)
		_exit(1);
	while (poll(p, 2, -1) > 0) {
		if (p[0].revents && !pump(client, up))
			break;
		if (p[1].revents && !pump(up, client))
			break;
	}
	close(up);
	close(client);
}

static void line_up(void)
{
	pid_t parent = getpid();

	forwarder = fork();
	if (forwarder != 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	for (;;) {
		int client = accept(listener, NULL, NULL);

		if (client >= 0)
			forward(client);
	}
}

static void line_cut(void)
{
	kill(forwarder, SIGKILL);
	waitpid(forwarder, NULL, 0);
}

/* The end of a line reaches the client by way of others: a statement sent before it came would be
 * uncertain. */
static void loss_arrives(void)
{
	struct pollfd p = { .fd = PQsocket(c.db->conn), .events = POLLIN };

	T_EQ_INT(poll(&p, 1, PATIENCE_MS), 1);
}

static bool setup(void)
{
	const char *dsn = getenv("MARQUEE_TEST_DSN");
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t n = sizeof(at);
	char through[1024];
	char *sql;
	bool ok;

	if (!dsn)
		return true;
	cfg.db_statement_timeout = STATEMENT_MS;
	fixture_open(&direct, dsn, "test_db_loss");
	sql = fixture_file("tests/service/db_objects.sql");
	ok = sql && db_simple(&direct, sql, NULL) == OK;
	free(sql);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (!ok || getpeername(PQsocket(db_handle(direct.db)), (struct sockaddr *)&server,
			       &server_len) != 0 ||
	    bind(listener, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(listener, 8) != 0 ||
	    getsockname(listener, (struct sockaddr *)&at, &n) != 0)
		return false;
	snprintf(through, sizeof(through), "%s host=127.0.0.1 port=%d sslmode=disable", dsn,
		 ntohs(at.sin_port));
	fixture_open(&c, through, "test_db_loss_line");
	line_up();
	return true;
}

static void teardown(void)
{
	if (!getenv("MARQUEE_TEST_DSN"))
		return;
	line_cut();
	fixture_next(&direct);
	if (db_simple(&direct, "DROP SCHEMA marquee_test_db CASCADE", NULL) != OK)
		printf("the test schema stays behind\n");
	fixture_close(&direct);
	fixture_close(&c);
}

/* A line in order, and no back-off from the test before. */
static bool begin(void)
{
	fixture_next(&c);
	fixture_next(&direct);
	c.db->retry_at = 0;
	return db_alive(&c);
}

static enum err sleep_for(struct ctx *x, int q, const char *seconds)
{
	PGresult *r;

	return query_row_run(x, &test_rows[q], &seconds, 1, &r);
}

/* ---- tests ---- */

static void idle_loss_is_not_noticed(void)
{
	PGresult *r;
	const char *const args[] = { "50", "kept" };

	NEED_DSN();
	T_REQUIRE(begin());
	T_EQ_INT(fixture_number(&direct, "SELECT count(pg_terminate_backend(pid, 5000))"
					 " FROM pg_stat_activity"
					 " WHERE application_name = 'test_db_loss_line'"), 1);
	loss_arrives();
	T_EQ_INT(query_row_run(&c, &test_rows[T_PUT_WORD], args, 2, &r), OK);
	T_EQ_INT(fixture_number(&direct, "SELECT count(*) FROM marquee_test_db.words"
					 " WHERE id = 50"), 1);
	T_REQUIRE(begin());
	line_cut();
	loss_arrives();
	line_up();
	T_EQ_INT(sleep_for(&c, T_SLEEP, "0"), OK);
}

static void frozen_server_ends_in_time(void)
{
	NEED_DSN();
	T_REQUIRE(begin());
	kill(forwarder, SIGSTOP);
	T_EQ_INT(sleep_for(&c, T_SLEEP, "0"), E_UNAVAIL);
	T_EQ_INT(c.retry_after, 1);
	kill(forwarder, SIGCONT);
	T_REQUIRE(begin());
	kill(forwarder, SIGSTOP);
	T_EQ_INT(sleep_for(&c, T_SLEEP_AND_WRITE, "0"), E_UNCERTAIN);
	T_NULL(c.db->conn);	/* nothing late may be read as the next answer */
	kill(forwarder, SIGCONT);
	T_REQUIRE(begin());
}

/* More than the socket takes: the send itself must not hang. */
static void frozen_server_takes_no_large_parameter(void)
{
	size_t n = 16 << 20;
	char *text;
	const char *args[2] = { "51", NULL };

	NEED_DSN();
	T_REQUIRE(begin());
	text = arena_alloc(c.arena, n + 1);
	memset(text, 'x', n);
	text[n] = '\0';
	args[1] = text;
	kill(forwarder, SIGSTOP);
	T_EQ_INT(query_row_run(&c, &test_rows[T_PUT_WORD], args, 2, NULL), E_UNCERTAIN);
	kill(forwarder, SIGCONT);
	T_REQUIRE(begin());
}

static enum err cut_before_end(struct ctx *x, void *arg)
{
	const char *const args[] = { "60", "in a transaction" };
	enum err e = query_row_run(x, &test_rows[T_PUT_WORD], args, 2, NULL);

	(void)arg;
	if (e == OK) {
		line_cut();
		loss_arrives();
	}
	return e;
}

static enum err freeze_before_end(struct ctx *x, void *arg)
{
	const char *const args[] = { "61", "in a transaction" };
	enum err e = query_row_run(x, &test_rows[T_PUT_WORD], args, 2, NULL);

	(void)arg;
	if (e == OK)
		kill(forwarder, SIGSTOP);
	return e;
}

static enum err cut_inside(struct ctx *x, void *arg)
{
	const char *const args[] = { "62", "in a transaction" };

	TRY(cut_before_end(x, arg));
	line_up();
	/* On a new connection this would be a transaction of its own. */
	return query_row_run(x, &test_rows[T_PUT_WORD], args, 2, NULL);
}

static void lost_transaction_changes_nothing(void)
{
	NEED_DSN();
	T_REQUIRE(begin());
	/* Known to be lost before COMMIT was sent. */
	T_EQ_INT(db_transaction(&c, cut_before_end, NULL), E_UNAVAIL);
	line_up();
	T_REQUIRE(begin());
	T_EQ_INT(db_transaction(&c, cut_inside, NULL), E_UNAVAIL);
	T_REQUIRE(begin());
	T_EQ_INT(fixture_number(&direct, "SELECT count(*) FROM marquee_test_db.words"
					 " WHERE id IN (60, 62)"), 0);
}

static void lost_commit_is_uncertain(void)
{
	NEED_DSN();
	T_REQUIRE(begin());
	T_EQ_INT(db_transaction(&c, freeze_before_end, NULL), E_UNCERTAIN);
	kill(forwarder, SIGCONT);
	T_REQUIRE(begin());
}

/* Ends the other session as soon as it sleeps. */
static const char killer[] =
	"DO $$ BEGIN LOOP PERFORM pg_stat_clear_snapshot();"
	" PERFORM pg_terminate_backend(pid) FROM pg_stat_activity"
	" WHERE application_name = 'test_db_loss_line' AND wait_event = 'PgSleep';"
	" EXIT WHEN FOUND; PERFORM pg_sleep(0.002); END LOOP; END $$";

static void terminated_while_running_is_certain(void)
{
	static const char patient[] = "SET statement_timeout = '60s'";
	PGresult *r;
	PGconn *k;

	NEED_DSN();
	T_REQUIRE(begin());
	T_REQUIRE(db_simple(&c, patient, NULL) == OK && db_simple(&direct, patient, NULL) == OK);
	k = db_handle(direct.db);
	T_REQUIRE(k && PQsendQuery(k, killer));
	cfg.db_statement_timeout = 60000;
	T_EQ_INT(sleep_for(&c, T_SLEEP_AND_WRITE, "30"), E_UNAVAIL);
	cfg.db_statement_timeout = STATEMENT_MS;
	while ((r = PQgetResult(k)))
		PQclear(r);
	T_REQUIRE(db_simple(&direct, "RESET statement_timeout", NULL) == OK);
}

static void unreachable_fails_fast(void)
{
	struct ctx none;
	int64_t until;

	fixture_open(&none, "host=/nonexistent dbname=x", "test_db_loss_none");
	T_FALSE(db_alive(&none));
	T_TRUE(none.db->retry_at > 0);
	none.db->retry_at = until = clock_mono_ms() + 60000;	/* no stall outlasts the pause */
	T_EQ_INT(sleep_for(&none, T_SLEEP, "0"), E_UNAVAIL);
	T_EQ_INT(none.retry_after, 1);
	T_EQ_INT(none.sql_trips, 0);
	T_TRUE(none.db->retry_at == until);	/* not tried again within the pause */
	T_NULL(db_handle(none.db));
	fixture_close(&none);
}

static void silent_server_ends_the_connecting(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t n = sizeof(at);
	int deaf = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct ctx none;
	char dsn[128];

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	T_REQUIRE(bind(deaf, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(deaf, 8) == 0);
	T_REQUIRE(getsockname(deaf, (struct sockaddr *)&at, &n) == 0);
	snprintf(dsn, sizeof(dsn), "host=127.0.0.1 port=%d dbname=x user=x sslmode=disable",
		 ntohs(at.sin_port));
	cfg.db_connect_timeout = 200;
	fixture_open(&none, dsn, "test_db_loss_deaf");
	T_EQ_INT(db_simple(&none, "SELECT 1", NULL), E_UNAVAIL);
	fixture_close(&none);
	cfg.db_connect_timeout = 30000;
	close(deaf);
}

T_SUITE_WITH("db loss", setup, teardown, T(idle_loss_is_not_noticed), T(frozen_server_ends_in_time),
	     T(frozen_server_takes_no_large_parameter), T(lost_transaction_changes_nothing),
	     T(lost_commit_is_uncertain), T(terminated_while_running_is_certain),
	     T(unreachable_fails_fast), T(silent_server_ends_the_connecting))
