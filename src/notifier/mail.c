/* src/notifier/mail.c - mail, step by step: what has happened becomes rows, the next row a letter,
 * the letter goes, and the row says what became of it */
#include "notifier/mail.h"

#include "core/log.h"
#include "domain/resets.h"
#include "notifier/notifier.h"

#include <stdio.h>
#include <stdlib.h>

#define IDLE_MS 500		/* between looks */
#define GAP_MS 20		/* after a call: perhaps more is coming */
#define DOWN_MS 1000		/* while the database is away */
#define PAUSE_FIRST_MS 1000	/* while no server takes mail: doubled up to mail.pause */
#define LAST_MS 1000		/* for the letter under way when told to stop */
#define LEASE_MORE_S 60		/* beyond the time-out of a letter */
#define STATEMENT_MS 60000
#define LETTER_MAX ((size_t)8 << 20)

enum step { AT_REST, LOOKING, ASKING, SENDING, TELLING };

struct mail {
	struct async db;
	struct desk *desk;
	struct smtp *smtp;
	struct arena *arena;	/* of one letter */
	enum step step;
	int64_t due, look_at, pause_until;
	long pause;
	bool hurried;		/* the last letter has little time */
	bool failing;		/* the last letter found no server that would take it */
	const char *token;	/* for this letter, if it is a password reset */
	char id[37];
	struct letter letter;
	struct smtp_result result;
};

static const char *const outcomes[] = {
	[SMTP_SENT] = "sent", [SMTP_REFUSED] = "refused", [SMTP_LATER] = "later",
	[SMTP_AWAY] = "away",
};

/* ---- opening ---- */

static bool is_server(const char *url)
{
	return (strncmp(url, "smtp://", 7) == 0 || strncmp(url, "smtps://", 8) == 0) &&
	       !strchr(url, '@') && strcspn(url, " \r\n\t") == strlen(url);
}

bool mail_open(struct notifier *n, char *why, size_t size)
{
	struct mail *m;

	if (n->cfg->mail_smtp_url[0] == '\0')
		return true;
	if (!is_server(n->cfg->mail_smtp_url)) {
		snprintf(why, size, "mail.smtp_url must be smtp://host:port or smtps://host:port; "
				    "mail.user and mail.password have fields of their own");
		return false;
	}
	m = calloc(1, sizeof(*m));
	if (!m)
		abort();
	m->desk = desk_open(n->cfg, why, size);
	m->smtp = m->desk ? smtp_open(n->cfg) : NULL;
	if (!m->smtp) {
		desk_close(m->desk);
		free(m);
		return false;
	}
	m->arena = arena_new(LETTER_MAX);
	m->db = (struct async){ .cfg = *n->cfg, .name = "marquee-notifier mail" };
	m->db.cfg.db_statement_timeout = STATEMENT_MS;
	n->mail = m;
	return true;
}

void mail_reload(const struct notifier *n)
{
	char why[400];

	if (!n->mail)
		return;
	if (desk_read(n->mail->desk, why, sizeof(why)))
		log_msg(LOG_INFO_, "templates and texts are read anew");
	else
		log_pairs(LOG_ERROR_, "templates and texts stay as they were", "reason", why,
			  (char *)NULL);
}

void mail_close(struct notifier *n)
{
	struct mail *m = n->mail;

	if (!m)
		return;
	smtp_close(m->smtp);
	async_close(&m->db);
	desk_close(m->desk);
	arena_free(m->arena);
	free(m);
	n->mail = NULL;
}

/* ---- steps ---- */

static void rest_until(struct mail *m, int64_t at)
{
	m->step = AT_REST;
	m->due = at;
}

/* The database is away: whatever was to be done is done later. */
static void begin(struct mail *m, enum step step, enum query q, const char *const *args,
		  int64_t now)
{
	if (async_start(&m->db, q, args, now))
		m->step = step;
	else
		m->due = now + DOWN_MS;
}

static void look(struct mail *m, int64_t now)
{
	m->look_at = now + IDLE_MS;
	begin(m, LOOKING, Q_MAIL_DERIVE, NULL, now);
}

static void ask(struct notifier *n, struct mail *m, int64_t now)
{
	char hash[SHA256_HEX], lease[24], ttl[24];
	const char *const args[] = { lease, hash, ttl };

	arena_reset(m->arena);
	m->token = resets_token(m->arena, hash);
	snprintf(lease, sizeof(lease), "%ld", n->cfg->mail_timeout / 1000 + LEASE_MORE_S);
	snprintf(ttl, sizeof(ttl), "%ld", n->cfg->auth_reset_ttl / 1000);
	begin(m, ASKING, Q_MAIL_NEXT, args, now);
}

static void tell(struct mail *m, int64_t now)
{
	const char *const args[] = { m->id, outcomes[m->result.outcome], m->result.reason };

	m->step = TELLING;
	begin(m, TELLING, Q_MAIL_DONE, args, now);
}

/* A row, or none: then there is nothing to do. */
static void write_letter(struct notifier *n, struct mail *m, const PGresult *r, int64_t now)
{
	struct post post = { m->id, NULL, m->token };
	struct ctx c = n->c;

	if (PQresultStatus(r) != PGRES_TUPLES_OK || !db_get(r, 0, 0)) {
		rest_until(m, m->look_at > now ? m->look_at : now + IDLE_MS);
		return;
	}
	snprintf(m->id, sizeof(m->id), "%s", db_get(r, 0, 0));
	post.json = db_get(r, 0, 1);
	ctx_begin(&c, m->arena);
	if (desk_write(&c, m->desk, &post, &m->letter) == OK) {
		m->step = SENDING;
		smtp_send(m->smtp, &m->letter);
		return;
	}
	m->result.outcome = SMTP_REFUSED;
	snprintf(m->result.reason, sizeof(m->result.reason), "%s",
		 c.err_msg ? c.err_msg : "it cannot be written");
	tell(m, now);
}

/* While no server takes mail one letter now and then finds out whether one does again. */
static void note(const struct notifier *n, struct mail *m, int64_t now)
{
	const char *outcome = outcomes[m->result.outcome];
	long most = n->cfg->mail_pause;

	m->failing = m->result.outcome == SMTP_AWAY;
	m->pause = !m->failing ? 0 : m->pause ? 2 * m->pause : PAUSE_FIRST_MS;
	m->pause = m->pause > most ? most : m->pause;
	m->pause_until = now + m->pause;
	if (m->result.outcome == SMTP_SENT)
		log_pairs(LOG_DEBUG_, "mail", "id", m->id, "outcome", outcome, (char *)NULL);
	else
		log_pairs(LOG_WARN_, "mail", "id", m->id, "outcome", outcome, "reason",
			  m->result.reason, (char *)NULL);
}

/* A statement has ended; r NULL: the connection was lost, so perhaps it was done. */
static void answered(struct notifier *n, struct mail *m, const PGresult *r, int64_t now)
{
	bool good = r && PQresultStatus(r) == PGRES_TUPLES_OK;

	if (!good)
		log_pairs(LOG_WARN_, "mail", "detail",
			  r ? PQresultErrorMessage(r) : "the database is away", (char *)NULL);
	if (m->step == TELLING && !good) {
		m->due = now + DOWN_MS;	/* or it would be sent twice without need */
		return;
	}
	if (m->step == ASKING && good) {
		write_letter(n, m, r, now);
		return;
	}
	if (!good)
		rest_until(m, now + DOWN_MS);
	else if (m->step == LOOKING && now >= m->pause_until && !n->stopping)
		ask(n, m, now);
	else
		rest_until(m, now);
}

static void go_on(struct notifier *n, struct mail *m, int64_t now)
{
	if (m->step == TELLING)
		tell(m, now);
	else if (n->stopping)
		rest_until(m, now + IDLE_MS);
	else if (now >= m->look_at)
		look(m, now);
	else if (now >= m->pause_until)
		ask(n, m, now);
	else
		rest_until(m, m->look_at);
}

void mail_step(struct notifier *n, int64_t now)
{
	struct mail *m = n->mail;
	PGresult *r;

	if (!m)
		return;
	if (n->stopping && !m->hurried) {
		m->hurried = true;
		smtp_hurry(m->smtp, now + LAST_MS);
	}
	if (m->step == SENDING && smtp_ended(m->smtp, &m->result)) {
		note(n, m, now);
		tell(m, now);
	}
	if (async_ended(&m->db, now, &r)) {
		answered(n, m, r, now);
		PQclear(r);
	}
	if (m->step != SENDING && !async_running(&m->db) && now >= m->due)
		go_on(n, m, now);
}

/* ---- for the others ---- */

void mail_woken(struct notifier *n, int64_t now)
{
	struct mail *m = n->mail;

	if (!m || m->step != AT_REST)
		return;
	m->look_at = m->look_at < now + GAP_MS ? m->look_at : now + GAP_MS;
	m->due = m->due < m->look_at ? m->due : m->look_at;
}

int64_t mail_due(const struct notifier *n)
{
	const struct mail *m = n->mail;

	return m && m->step != SENDING && !async_running(&m->db) ? m->due : INT64_MAX;
}

bool mail_busy(const struct notifier *n)
{
	return n->mail && n->mail->step != AT_REST;
}

int mail_db_socket(const struct notifier *n)
{
	return n->mail ? async_socket(&n->mail->db) : -1;
}

int mail_smtp_socket(const struct notifier *n)
{
	return n->mail ? smtp_socket(n->mail->smtp) : -1;
}

const char *mail_word(const struct notifier *n)
{
	if (!n->mail)
		return "off";
	if (n->mail->failing)
		return "failing";
	return n->mails.oldest_s * 1000 > (double)n->cfg->mail_alarm ? "late" : "up";
}
