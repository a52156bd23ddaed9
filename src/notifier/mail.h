/* src/notifier/mail.h - mail: rows of the queue become letters, which a thread of its own hands to
 * the mail server
 *
 * Nobody waits for mail but mail: statements run on a session of their own that is not waited for,
 * libcurl in a thread that knows neither the database nor the log. A mail goes at least once: when
 * the notifier dies between the server's "250" and the row that says so, it goes again, with the
 * same Message-ID. */
#ifndef NOTIFIER_MAIL_H
#define NOTIFIER_MAIL_H

#include "core/ctx.h"
#include "notifier/async.h"

/* ---- mail_head.c: the lines before the text ---- */
#define HEAD_LINES 10
struct mail_head {
	struct arena *arena;
	const char *lines[HEAD_LINES + 1];	/* ended by NULL; folded with CRLF where long */
	int n;
	bool bad;	/* something holds a control character: this mail cannot go */
};
/* Text as it is; in encoded words (RFC 2047) where it is long or not plain ASCII; a name and the
 * address (RFC 5322, 3.4; name NULL: alone). */
void mail_head_add(struct mail_head *h, const char *name, const char *value);
void mail_head_text(struct mail_head *h, const char *name, const char *text);
void mail_head_person(struct mail_head *h, const char *name, const char *who, const char *address);
/* Cuts "Name <address>", or an address alone (*who NULL). False: this is no address that we would
 * give to a mail server. */
bool mail_person(struct arena *a, const char *text, const char **who, const char **address);

/* ---- mail_letter.c: what is written ---- */
struct letter {
	const char *from, *to;	/* addresses */
	struct mail_head head;
	const char *text, *html; /* lines end in CRLF */
	const char *calendar;	/* of the event, for the reader's own; or NULL */
};
/* A mail of the queue. */
struct post {
	const char *id, *json;	/* as MAIL_NEXT gave them */
	const char *token;	/* for a password reset */
};
struct desk;	/* templates, texts, sender */
/* NULL: why says what is wrong, with file and line. */
struct desk *desk_open(const struct config *cfg, char *why, size_t n);
/* Templates and texts again, which may have changed; false: they stay as they were. Letters that
 * are written already are not concerned. */
bool desk_read(struct desk *d, char *why, size_t n);
void desk_close(struct desk *d);
/* Belongs to c's arena. E_INVALID: it can never be sent. */
enum err desk_write(struct ctx *c, struct desk *d, const struct post *p,
		    struct letter *out) MUST_CHECK;

/* ---- mail_smtp.c: who carries it ---- */
enum smtp_outcome {
	SMTP_SENT,
	SMTP_REFUSED,	/* this letter, for good (5xx) */
	SMTP_LATER,	/* this letter, for now (4xx) */
	SMTP_AWAY	/* any letter: no server, no answer, no sign-in, no TLS */
};
struct smtp_result {
	enum smtp_outcome outcome;
	char reason[256];
};
struct smtp;
struct smtp *smtp_open(const struct config *cfg);	/* NULL: out of threads */
/* Only when none is under way; l stays the caller's, as it is, until smtp_ended says so. */
void smtp_send(struct smtp *s, const struct letter *l);
/* From that time on (clock_mono_ms) what is under way is given up, within a second: SMTP_AWAY. */
void smtp_hurry(struct smtp *s, int64_t by);
bool smtp_ended(struct smtp *s, struct smtp_result *out);
int smtp_socket(const struct smtp *s);	/* readable when it has ended */
void smtp_close(struct smtp *s);	/* what is under way is given up */

/* ---- mail.c: the order of things ---- */
struct notifier;
/* Without mail.smtp_url there is nothing to open: true. False: why says what to correct. */
bool mail_open(struct notifier *n, char *why, size_t size);
void mail_step(struct notifier *n, int64_t now);
void mail_woken(struct notifier *n, int64_t now);
int64_t mail_due(const struct notifier *n);	/* when to come again at the latest */
bool mail_busy(const struct notifier *n);	/* a letter, or a statement, is under way */
int mail_db_socket(const struct notifier *n);
int mail_smtp_socket(const struct notifier *n);
const char *mail_word(const struct notifier *n); /* for the heartbeat: off up failing late */
void mail_reload(const struct notifier *n);	/* templates and texts; the log says how it went */
void mail_close(struct notifier *n);

#endif
