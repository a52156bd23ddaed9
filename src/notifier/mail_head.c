/* src/notifier/mail_head.c - header fields of a mail: encoded words, addresses, no line breaks */
#include "core/str.h"
#include "core/strbuf.h"
#include "notifier/mail.h"

#include <sodium.h>
#include <string.h>

#define PLAIN_MAX 60	/* longer ones are folded, which encoded words make easy */
#define WORD_BYTES 39	/* 52 characters of base64: with "Subject: " a line stays under 76 */
#define LINE_MAX_ 4096

/* What may stand in a name without quotes: atoms (RFC 5322, 3.2.3) and spaces. */
static const char atoms[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~ ";

static bool has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return true;
	return false;
}

static bool is_plain(const char *s, const char *allowed)
{
	size_t n = strlen(s);

	if (n > PLAIN_MAX || strstr(s, "=?") || (n && (s[0] == ' ' || s[n - 1] == ' ')))
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] > '~' || (allowed && !strchr(allowed, s[i])))
			return false;
	return true;
}

/* As many bytes as fit in one encoded word; characters stay whole. */
static size_t word_length(const char *s, size_t left)
{
	size_t n = 0, one;

	while (n < left && (one = str_utf8_len(s + n, left - n)) && n + one <= WORD_BYTES)
		n += one;
	return n ? n : left < WORD_BYTES ? left : WORD_BYTES;	/* no UTF-8: by bytes */
}

/* RFC 2047: base64 in words of at most 75 characters, one a line. */
static void add_words(struct strbuf *b, const char *s)
{
	size_t left = strlen(s), n;
	char base64[sodium_base64_ENCODED_LEN(WORD_BYTES, sodium_base64_VARIANT_ORIGINAL)];

	for (bool first = true; left > 0; first = false, s += n, left -= n) {
		n = word_length(s, left);
		sodium_bin2base64(base64, sizeof(base64), (const unsigned char *)s, n,
				  sodium_base64_VARIANT_ORIGINAL);
		strbuf_printf(b, "%s=?UTF-8?B?%s?=", first ? "" : "\r\n ", base64);
	}
}

static void add(struct mail_head *h, struct strbuf *b)
{
	if (b->failed || h->n == HEAD_LINES)
		h->bad = true;
	else
		h->lines[h->n++] = strbuf_str(b);
}

void mail_head_add(struct mail_head *h, const char *name, const char *value)
{
	struct strbuf b;

	h->bad |= has_control(value);
	strbuf_init(&b, h->arena, LINE_MAX_);
	strbuf_printf(&b, "%s: %s", name, value);
	add(h, &b);
}

void mail_head_text(struct mail_head *h, const char *name, const char *text)
{
	struct strbuf b;

	if (is_plain(text, NULL)) {
		mail_head_add(h, name, text);
		return;
	}
	h->bad |= has_control(text);
	strbuf_init(&b, h->arena, LINE_MAX_);
	strbuf_printf(&b, "%s: ", name);
	add_words(&b, text);
	add(h, &b);
}

void mail_head_person(struct mail_head *h, const char *name, const char *who, const char *address)
{
	struct strbuf b;

	h->bad |= has_control(address) || (who && has_control(who));
	strbuf_init(&b, h->arena, LINE_MAX_);
	strbuf_printf(&b, "%s: ", name);
	if (who && is_plain(who, atoms))
		strbuf_adds(&b, who);
	else if (who)
		add_words(&b, who);
	strbuf_printf(&b, who ? "\r\n <%s>" : "%s", address);
	add(h, &b);
}

/* As domain/input has it: what could end or begin something in SMTP is no part of an address. */
static bool is_address(struct str s)
{
	struct str domain, local = str_cut(s, '@', &domain);

	if (s.n > 254 || local.n < 1 || local.n > 64 || domain.n < 1)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f ||
		    strchr("<>()[],;:\\\"", s.p[i]))
			return false;
	return !memchr(domain.p, '@', domain.n);
}

bool mail_person(struct arena *a, const char *text, const char **who, const char **address)
{
	struct str rest = str_of(NULL), name = str_cut(str_of(text), '<', &rest);
	struct str at = str_trim(name);

	*who = NULL;
	if (rest.p) {
		if (rest.n == 0 || rest.p[rest.n - 1] != '>')
			return false;
		*who = at.n ? arena_strndup(a, at.p, at.n) : NULL;
		at = (struct str){ rest.p, rest.n - 1 };
	}
	*address = at.p ? arena_strndup(a, at.p, at.n) : "";
	return is_address(at) && !(*who && has_control(*who));
}
