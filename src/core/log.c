/* src/core/log.c - JSON lines to a file or stderr, written without ever waiting for the reader */
#include "core/log.h"
#include "core/clock.h"
#include "core/str.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096	/* PIPE_BUF: lines of several processes do not mix */
#define VALUE_MAX 2048
#define TAIL 32			/* kept free for what closes a line that was cut */
#define BUFFER_BYTES (32 * 1024)

static const char *const level_words[] = { "debug", "info", "warn", "error" };

static struct {
	int fd;
	enum log_level level;
	char program[32], path[512];
	bool known;		/* the part of a line about us is made */
	bool watched;		/* a fork is noticed */
	char buffer[BUFFER_BYTES];
	size_t used;
	int64_t oldest_ms;
	unsigned long dropped;
} sink = { .fd = STDERR_FILENO, .level = LOG_INFO_, .program = "marquee" };

struct line {
	size_t n;
	bool cut;
	char text[LINE_MAX_BYTES];
};

enum log_level log_level_parse(const char *word)
{
	for (size_t i = 0; word && i < COUNT(level_words); i++)
		if (strcmp(word, level_words[i]) == 0)
			return (enum log_level)i;
	return LOG_INFO_;
}

bool log_enabled(enum log_level level)
{
	return level >= sink.level;
}

/* ---- making a line ---- */

static bool line_add(struct line *l, const char *p, size_t n)
{
	if (l->cut || n > sizeof(l->text) - TAIL - l->n) {
		l->cut = true;
		return false;
	}
	memcpy(l->text + l->n, p, n);
	l->n += n;
	return true;
}

static void line_adds(struct line *l, const char *s)
{
	line_add(l, s, strlen(s));
}

/* A JSON string. Bytes that are no UTF-8 become U+FFFD; what is too long ends in U+2026. */
static void line_string(struct line *l, const char *s)
{
	size_t n = strlen(s), start = l->n;
	char esc[7];

	line_adds(l, "\"");
	while (n > 0 && !l->cut) {
		size_t len = str_utf8_len(s, n);
		const char *e = len == 1 ? str_json_escape(*s, esc) : NULL;

		if (l->n - start > VALUE_MAX || l->n + TAIL + 8 > sizeof(l->text)) {
			line_adds(l, "\xE2\x80\xA6");
			break;
		}
		if (e)
			line_adds(l, e);
		else
			line_add(l, len ? s : "\xEF\xBF\xBD", len ? len : 3);
		s += len ? len : 1;
		n -= len ? len : 1;
	}
	/* There is always room for it: the tail is kept free. */
	l->text[l->n++] = '"';
}

static void line_pair(struct line *l, const char *key, const char *value)
{
	if (l->cut || l->n + strlen(key) + TAIL + 16 > sizeof(l->text)) {
		l->cut = true;
		return;
	}
	line_adds(l, ",");
	line_string(l, key);
	line_adds(l, ":");
	line_string(l, value);
}

/* ,"program":…,"pid":… is the same until we fork or are given another name. */
static void line_who(struct line *l)
{
	static struct line who;
	char number[32];

	if (!sink.known) {
		who = (struct line){ 0 };
		line_pair(&who, "program", sink.program);
		snprintf(number, sizeof(number), ",\"pid\":%ld", (long)getpid());
		line_adds(&who, number);
		sink.known = true;
	}
	line_add(l, who.text, who.n);
}

static void line_begin(struct line *l, enum log_level level, const char *msg)
{
	char time[CLOCK_TEXT];

	l->n = 0;
	l->cut = false;
	line_adds(l, "{\"time\":\"");
	line_adds(l, clock_format(clock_now_us(), time));
	line_adds(l, "\",\"level\":\"");
	line_adds(l, level_words[(unsigned)level < COUNT(level_words) ? level : LOG_ERROR_]);
	line_adds(l, "\"");
	line_who(l);
	line_pair(l, "msg", msg);
}

static void line_end(struct line *l)
{
	static const char cut[] = ",\"cut\":true}\n", whole[] = "}\n";
	const char *tail = l->cut ? cut : whole;

	memcpy(l->text + l->n, tail, strlen(tail));
	l->n += strlen(tail);
}

/* ---- writing ---- */

static bool sink_ready(void)
{
	struct pollfd p = { .fd = sink.fd, .events = POLLOUT };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT);
}

static unsigned long lines_in(const char *p, size_t n)
{
	unsigned long lines = 0;

	for (size_t i = 0; i < n; i++)
		lines += p[i] == '\n';
	return lines;
}

/* The longest run of whole lines that a pipe takes in one piece. */
static size_t piece(const char *p, size_t n)
{
	if (n <= LINE_MAX_BYTES)
		return n;
	const char *end = memrchr(p, '\n', LINE_MAX_BYTES);
	return end ? (size_t)(end - p) + 1 : LINE_MAX_BYTES;
}

static void write_lines(const char *p, size_t n)
{
	while (n > 0) {
		size_t len = piece(p, n);

		if (!sink_ready() || write(sink.fd, p, len) != (ssize_t)len)
			sink.dropped += lines_in(p, len);
		p += len;
		n -= len;
	}
}

static void write_buffer(void)
{
	if (sink.used > 0)
		write_lines(sink.buffer, sink.used);
	sink.used = 0;
	if (sink.dropped == 0 || !sink_ready())
		return;
	struct line l;
	char count[24];
	snprintf(count, sizeof(count), "%lu", sink.dropped);
	line_begin(&l, LOG_WARN_, "log lines were dropped");
	line_pair(&l, "count", count);
	line_end(&l);
	if (write(sink.fd, l.text, l.n) == (ssize_t)l.n)
		sink.dropped = 0;
}

static int open_sink(const char *path)
{
	if (path[0] == '\0')
		return STDERR_FILENO;
	/* O_NONBLOCK: a path that is a pipe without reader must not stop us. */
	return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640);
}

/* In a forked child: the lines that wait are its parent's to write. */
static void forget(void)
{
	sink.used = 0;
	sink.known = false;
}

enum err log_open(const char *path, enum log_level level, const char *program)
{
	if (strlen(path) >= sizeof(sink.path))
		return E_UNAVAIL;
	int fd = open_sink(path);
	if (fd < 0)
		return E_UNAVAIL;
	if (!sink.watched && pthread_atfork(NULL, NULL, forget) == 0)
		sink.watched = true;
	write_buffer();
	if (sink.fd != STDERR_FILENO)
		close(sink.fd);
	sink.fd = fd;
	sink.level = level;
	snprintf(sink.path, sizeof(sink.path), "%s", path);
	snprintf(sink.program, sizeof(sink.program), "%s", program);
	sink.known = false;
	return OK;
}

void log_reopen(void)
{
	write_buffer();
	if (sink.path[0] == '\0')
		return;
	int fd = open_sink(sink.path);
	if (fd < 0) {
		log_pairs(LOG_WARN_, "the log file cannot be reopened", "path", sink.path,
			  (char *)NULL);
		return;
	}
	close(sink.fd);
	sink.fd = fd;
}

void log_pairs(enum log_level level, const char *msg, ...)
{
	struct line l;
	const char *key;
	va_list ap;

	if (!log_enabled(level))
		return;
	line_begin(&l, level, msg);
	va_start(ap, msg);
	while ((key = va_arg(ap, const char *))) {
		const char *value = va_arg(ap, const char *);

		if (value)
			line_pair(&l, key, value);
	}
	va_end(ap);
	line_end(&l);
	write_buffer();
	write_lines(l.text, l.n);
}

void log_msg(enum log_level level, const char *fmt, ...)
{
	char msg[VALUE_MAX];
	va_list ap;

	if (!log_enabled(level))
		return;
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	log_pairs(level, msg, (char *)NULL);
}

void log_buffered(enum log_level level, const char *msg, const char *members)
{
	struct line l;

	if (!log_enabled(level))
		return;
	line_begin(&l, level, msg);
	if (members && members[0] && line_add(&l, ",", 1) &&
	    !line_add(&l, members, strlen(members)))
		l.n--;	/* the comma */
	line_end(&l);
	if (l.n > sizeof(sink.buffer) - sink.used)
		write_buffer();
	if (sink.used == 0)
		sink.oldest_ms = clock_mono_ms();
	memcpy(sink.buffer + sink.used, l.text, l.n);
	sink.used += l.n;
}

void log_flush(long age_ms)
{
	if (sink.used > 0 && (age_ms <= 0 || clock_mono_ms() - sink.oldest_ms >= age_ms))
		write_buffer();
}
