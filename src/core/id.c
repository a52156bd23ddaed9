/* src/core/id.c - UUID version 7 (RFC 9562 section 5.7; method 3 below the millisecond) */
#include "core/id.h"
#include "core/clock.h"
#include "core/log.h"

#include <pthread.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>

static void random_bytes(void *p, size_t n)
{
	static bool ready;

	if (!ready) {
		if (sodium_init() < 0) {
			log_msg(LOG_ERROR_, "no source of random numbers");
			abort();
		}
		ready = true;
	}
	/* libsodium asks the kernel each time, so a forked child never repeats its parent. */
	randombytes_buf(p, n);
}

static unsigned char pool[512]; /* random bytes for ids, fetched many at a time */
static size_t pool_left;

static void pool_forget(void)
{
	pool_left = 0;
}

/* For ids only: their time makes them guessable anyway. A forked child begins a pool of its own. */
static void pool_take(void *p, size_t n)
{
	static bool watched;

	if (!watched)
		watched = pthread_atfork(NULL, NULL, pool_forget) == 0;
	if (!watched || pool_left < n) {
		random_bytes(pool, sizeof(pool));
		pool_left = sizeof(pool);
	}
	pool_left -= n;
	memcpy(p, pool + pool_left, n);
}

/* Milliseconds in the upper 48 bits, 1/4096 ms in the lower 12; goes on when the clock does not. */
static uint64_t next_tick(void)
{
	static uint64_t last;
	uint64_t us = (uint64_t)clock_now_us();
	uint64_t tick = (us / 1000) << 12 | (us % 1000) * 4096 / 1000;

	last = tick > last ? tick : last + 1;
	return last;
}

void id_format(const unsigned char b[16], char out[37])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*out++ = '-';
		*out++ = digits[b[i] >> 4];
		*out++ = digits[b[i] & 15];
	}
	*out = '\0';
}

struct id id_new(void)
{
	uint64_t tick = next_tick(), ms = tick >> 12;
	unsigned char b[16];
	struct id id;

	pool_take(b + 8, 8);
	for (int i = 0; i < 6; i++)
		b[i] = (unsigned char)(ms >> (40 - 8 * i));
	b[6] = (unsigned char)(0x70 | (tick >> 8 & 0x0F));
	b[7] = (unsigned char)tick;
	b[8] = (b[8] & 0x3F) | 0x80;
	id_format(b, id.s);
	return id;
}

bool id_parse(struct str s, struct id *out)
{
	out->s[0] = '\0';
	if (s.n != 36)
		return false;
	char text[37] = "";
	for (int i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		char c = s.p[i] >= 'A' && s.p[i] <= 'F' ? (char)(s.p[i] + ('a' - 'A')) : s.p[i];
		bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');

		if (dash ? c != '-' : !hex)
			return false;
		text[i] = c;
	}
	memcpy(out->s, text, sizeof(text));
	return true;
}

void id_secret(char *out, size_t n)
{
	unsigned char bytes[48];	/* a multiple of 3: pieces join without padding */
	const int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;

	out[0] = '\0';
	while (n > 0) {
		size_t now = n < sizeof(bytes) ? n : sizeof(bytes);
		size_t room = sodium_base64_encoded_len(now, variant);

		random_bytes(bytes, now);
		sodium_bin2base64(out, room, bytes, now, variant);
		out += room - 1;
		n -= now;
	}
	sodium_memzero(bytes, sizeof(bytes));
}
