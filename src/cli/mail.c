/* src/cli/mail.c - marquee mail: what is not sent yet and why, sending it after all, a test */
#include "cli/cli.h"
#include "core/clock.h"
#include "core/id.h"
#include "core/strbuf.h"
#include "core/wake.h"
#include "db/db.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define IDS_MAX 65536
#define TEST_MS 60000

static enum err list(struct ctx *c)
{
	PGresult *r;

	TRY(db_query0(c, Q_MAIL_LIST, &r));
	printf("%-36s %-16s %-30s %-19s %5s %-19s %s\n", "id", "kind", "to", "since", "tries",
	       "next try", "last error");
	for (int i = 0; i < PQntuples(r); i++) {
		const char *next = db_get(r, i, 5);

		printf("%-36s %-16s %-30s %-19s %5s %-19s %s\n", db_get(r, i, 0), db_get(r, i, 1),
		       db_get(r, i, 2), db_get(r, i, 3), db_get(r, i, 4),
		       next ? next : "waits for a person", db_get(r, i, 6));
	}
	return OK;
}

/* "{id,id}" */
static enum err ids(struct ctx *c, int argc, char **argv, const char **out)
{
	struct strbuf b;
	struct id id;

	strbuf_init(&b, c->arena, IDS_MAX);
	for (int i = 0; i < argc; i++) {
		if (!id_parse(str_of(argv[i]), &id))
			return fail(c, E_INVALID, "not a mail: '%s'; marquee mail list shows them",
				    argv[i]);
		strbuf_printf(&b, "%s%s", i ? "," : "{", id.s);
	}
	strbuf_addc(&b, '}');
	if (b.failed)
		return fail(c, E_TOOBIG, "too many mails at once");
	*out = strbuf_str(&b);
	return OK;
}

static enum err retry(struct ctx *c, int argc, char **argv)
{
	const char *which = NULL;
	PGresult *r;

	if (argc == 1 && strcmp(argv[0], "--all") == 0) {
		TRY(db_query0(c, Q_MAIL_RETRY_ALL, &r));
	} else {
		TRY(ids(c, argc, argv, &which));
		TRY(db_query(c, Q_MAIL_RETRY, &r, which));
	}
	if (PQntuples(r) == 0)
		return fail(c, E_NOTFOUND, "no such mail waits");
	for (int i = 0; i < PQntuples(r); i++)
		printf("will be sent: %s %s\n", db_get(r, i, 0), db_get(r, i, 1));
	wake_notifier(c->cfg);
	return OK;
}

static bool is_yes(const PGresult *r, int column)
{
	return PQntuples(r) == 1 && strcmp(db_get(r, 0, column), "t") == 0;
}

/* The whole way, by the notifier: what it has to say of this mail is said here. */
static enum err test(struct ctx *c, const char *address)
{
	const struct timespec nap = { .tv_nsec = 200 * 1000 * 1000 };
	int64_t end = clock_mono_ms() + TEST_MS;
	const char *why = NULL;
	PGresult *r;

	if (c->cfg->mail_smtp_url[0] == '\0')
		return fail(c, E_CONFLICT, "mail is not configured: set mail.smtp_url");
	TRY(db_query(c, Q_MAIL_TEST, &r, address));
	const char *id = db_get(r, 0, 0);

	wake_notifier(c->cfg);
	while (clock_mono_ms() < end) {
		TRY(db_query(c, Q_MAIL_FATE, &r, id));
		if (is_yes(r, 0)) {
			printf("%s was sent to %s\n", id, address);
			return OK;
		}
		why = PQntuples(r) == 1 ? db_get(r, 0, 2) : NULL;
		if (is_yes(r, 1) || why)
			break;
		nanosleep(&nap, NULL);
	}
	return fail(c, E_CONFLICT, "%s is not sent: %s", id,
		    why ? why : "the notifier has not tried; does it run, with mail.smtp_url set?");
}

static enum err run(struct ctx *c, int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "list") == 0)
		return list(c);
	if (argc > 2 && strcmp(argv[1], "retry") == 0)
		return retry(c, argc - 2, argv + 2);
	if (argc == 3 && strcmp(argv[1], "test") == 0)
		return test(c, argv[2]);
	return cli_usage(c, &cmd_mail);
}

const struct command cmd_mail = {
	.name = "mail",
	.usage = "list | retry ID...|--all | test ADDRESS",
	.text = "Mails that are not sent yet: show them and why, send them now; send one to try.",
	.run = run,
	.verdict = true,
};
