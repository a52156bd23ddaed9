/* src/notifier/mail_smtp.c - hands letters to the mail server by libcurl, one by one, in a thread
 *
 * A thread, because libcurl waits for the answer to QUIT whenever it closes a connection, also when
 * it is told not to wait. The thread touches nothing but what is here: no database, no log. */
#include "core/clock.h"
#include "core/str.h"
#include "notifier/mail.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

struct smtp {
	const struct config *cfg;
	pthread_t thread;
	int wanted, done;	/* eventfds: there is a letter; it has ended */
	atomic_bool stopping;
	_Atomic int64_t give_up_at;	/* clock_mono_ms; 0: in the time that it has */
	CURL *curl;
	const struct letter *letter;
	struct smtp_result result;
	char reply[200];	/* the last line in which the server refused something */
	char error[CURL_ERROR_SIZE];
};

/* ---- what has become of it ---- */

/* Replies that concern the whole server, though they come to a letter: it wants a sign-in or TLS
 * first, or it is about to stop. */
static bool is_about_server(long code)
{
	static const long codes[] = { 421, 454, 530, 534, 535, 538 };

	for (size_t i = 0; i < COUNT(codes); i++)
		if (code == codes[i])
			return true;
	return false;
}

/* libcurl says SEND_ERROR when MAIL, RCPT or DATA is refused, and WEIRD_SERVER_REPLY when the whole
 * letter is, but also when the server does not even greet: then nothing was uploaded. */
static enum smtp_outcome outcome_of(CURL *curl, CURLcode code)
{
	curl_off_t bytes = 0;
	long reply = 0;

	if (code == CURLE_OK)
		return SMTP_SENT;
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply);
	curl_easy_getinfo(curl, CURLINFO_SIZE_UPLOAD_T, &bytes);
	if ((code != CURLE_SEND_ERROR && !(code == CURLE_WEIRD_SERVER_REPLY && bytes > 0)) ||
	    reply < 400 || reply > 599 || is_about_server(reply))
		return SMTP_AWAY;
	return reply >= 500 ? SMTP_REFUSED : SMTP_LATER;
}

static size_t on_reply(char *p, size_t size, size_t n, void *arg)
{
	struct smtp *s = arg;
	size_t length = size * n;

	while (length && (unsigned char)p[length - 1] <= ' ')
		length--;
	if (length && (p[0] == '4' || p[0] == '5'))
		snprintf(s->reply, sizeof(s->reply), "%.*s", (int)length, p);
	return size * n;
}

static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct smtp *s = arg;

	(void)a, (void)b, (void)c, (void)d;
	return s->stopping || (s->give_up_at && clock_mono_ms() >= s->give_up_at);
}

/* ---- one letter ---- */

static void set_server(struct smtp *s)
{
	const struct config *cfg = s->cfg;
	bool tls = strncmp(cfg->mail_smtp_url, "smtps:", 6) == 0;
	bool must = strcmp(cfg->mail_tls, "require") == 0 ||
		    (cfg->mail_user[0] && strcmp(cfg->mail_tls, "off") != 0);
	long use = must ? CURLUSESSL_ALL : CURLUSESSL_TRY;

	curl_easy_setopt(s->curl, CURLOPT_URL, cfg->mail_smtp_url);
	curl_easy_setopt(s->curl, CURLOPT_PROXY, "");
	curl_easy_setopt(s->curl, CURLOPT_USE_SSL,
			 strcmp(cfg->mail_tls, "off") == 0 ? (long)CURLUSESSL_NONE : use);
	/* Whoever can change the network could take the offer of TLS away: checking names then
	 * would only turn mail away that nobody touches. */
	curl_easy_setopt(s->curl, CURLOPT_SSL_VERIFYPEER, tls || must ? 1L : 0L);
	curl_easy_setopt(s->curl, CURLOPT_SSL_VERIFYHOST, tls || must ? 2L : 0L);
	if (cfg->mail_user[0]) {
		curl_easy_setopt(s->curl, CURLOPT_USERNAME, cfg->mail_user);
		curl_easy_setopt(s->curl, CURLOPT_PASSWORD, cfg->mail_password);
	}
	curl_easy_setopt(s->curl, CURLOPT_TIMEOUT_MS, cfg->mail_timeout);
	curl_easy_setopt(s->curl, CURLOPT_CONNECTTIMEOUT_MS, cfg->mail_timeout);
	curl_easy_setopt(s->curl, CURLOPT_NOSIGNAL, 1L);
}

static curl_mimepart *add_part(curl_mime *m, const char *type, const char *text)
{
	curl_mimepart *part = curl_mime_addpart(m);

	curl_mime_type(part, type);
	curl_mime_encoder(part, "quoted-printable");
	curl_mime_data(part, text, CURL_ZERO_TERMINATED);
	return part;
}

static void add_texts(curl_mime *m, const struct letter *l)
{
	add_part(m, "text/plain; charset=utf-8", l->text);
	add_part(m, "text/html; charset=utf-8", l->html);
}

/* The text in its two forms; where there is a calendar, they are the first of two parts. */
static curl_mime *body_of(CURL *curl, const struct letter *l)
{
	curl_mime *body = curl_mime_init(curl), *texts;
	curl_mimepart *part;

	if (!l->calendar) {
		add_texts(body, l);
		return body;
	}
	texts = curl_mime_init(curl);
	add_texts(texts, l);
	part = curl_mime_addpart(body);
	curl_mime_type(part, "multipart/alternative");
	curl_mime_subparts(part, texts);
	part = add_part(body, "text/calendar; charset=utf-8", l->calendar);
	curl_mime_filename(part, "event.ics");
	return body;
}

/* The connection is kept for the next letter. */
static void deliver(struct smtp *s)
{
	struct curl_slist *to = curl_slist_append(NULL, s->letter->to), *head = NULL;
	curl_mime *body;
	CURLcode code;

	curl_easy_reset(s->curl);
	set_server(s);
	body = body_of(s->curl, s->letter);
	for (int i = 0; i < s->letter->head.n; i++)
		head = curl_slist_append(head, s->letter->head.lines[i]);
	curl_easy_setopt(s->curl, CURLOPT_MAIL_FROM, s->letter->from);
	curl_easy_setopt(s->curl, CURLOPT_MAIL_RCPT, to);
	curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, head);
	curl_easy_setopt(s->curl, CURLOPT_MIMEPOST, body);
	curl_easy_setopt(s->curl, CURLOPT_HEADERFUNCTION, on_reply);
	curl_easy_setopt(s->curl, CURLOPT_HEADERDATA, s);
	curl_easy_setopt(s->curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(s->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(s->curl, CURLOPT_XFERINFODATA, s);
	curl_easy_setopt(s->curl, CURLOPT_ERRORBUFFER, s->error);
	s->reply[0] = s->error[0] = '\0';
	code = curl_easy_perform(s->curl);
	s->result.outcome = outcome_of(s->curl, code);
	snprintf(s->result.reason, sizeof(s->result.reason), "%s",
		 s->result.outcome == SMTP_REFUSED || s->result.outcome == SMTP_LATER ? s->reply :
		 s->error[0] ? s->error : curl_easy_strerror(code));
	curl_mime_free(body);
	curl_slist_free_all(to);
	curl_slist_free_all(head);
}

/* Without this libcurl says QUIT and waits two minutes for the answer of a server that has hung. */
static void hang_up(CURL *curl)
{
	curl_socket_t fd = CURL_SOCKET_BAD;

	curl_easy_getinfo(curl, CURLINFO_ACTIVESOCKET, &fd);
	if (fd != CURL_SOCKET_BAD)
		shutdown(fd, SHUT_RDWR);
}

static void *run(void *arg)
{
	struct smtp *s = arg;
	uint64_t n;

	while (read(s->wanted, &n, sizeof(n)) == (ssize_t)sizeof(n) && !s->stopping) {
		deliver(s);
		n = 1;
		(void)!write(s->done, &n, sizeof(n));
	}
	hang_up(s->curl);
	curl_easy_cleanup(s->curl);
	return NULL;
}

/* ---- from outside ---- */

struct smtp *smtp_open(const struct config *cfg)
{
	struct smtp *s = calloc(1, sizeof(*s));

	if (!s || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
	s->cfg = cfg;
	s->curl = curl_easy_init();
	s->wanted = eventfd(0, EFD_CLOEXEC);
	s->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->curl && s->wanted >= 0 && s->done >= 0 &&
	    pthread_create(&s->thread, NULL, run, s) == 0)
		return s;
	free(s);
	return NULL;
}

static void call(struct smtp *s)
{
	uint64_t one = 1;

	(void)!write(s->wanted, &one, sizeof(one));
}

void smtp_send(struct smtp *s, const struct letter *l)
{
	s->letter = l;
	call(s);
}

void smtp_hurry(struct smtp *s, int64_t by)
{
	s->give_up_at = by;
}

bool smtp_ended(struct smtp *s, struct smtp_result *out)
{
	uint64_t n;

	if (read(s->done, &n, sizeof(n)) != (ssize_t)sizeof(n))
		return false;
	*out = s->result;
	return true;
}

int smtp_socket(const struct smtp *s)
{
	return s->done;
}

void smtp_close(struct smtp *s)
{
	s->stopping = true;
	call(s);
	pthread_join(s->thread, NULL);
	close(s->wanted);
	close(s->done);
	free(s);
	curl_global_cleanup();
}
