/* src/http/body.c - reading the request body: bounded in size, memory and time */
#include "core/clock.h"
#include "http/backend.h"

#define FIRST_ROOM 16384	/* for a body of unknown length; doubled as needed */
/* A body may take this long, and a second more for each 4 KB: a slow one must not hold a worker. */
#define BODY_MS 20000
#define BODY_BYTES_PER_MS 4
#define DISCARD_MS 2000	/* so long for a body that nobody reads */

/* Reads until *n is room or the body ends (then *n < room). */
static enum err fill(struct http_request *rq, char *to, size_t room, size_t *n)
{
	struct http_backend *io = rq->io;

	while (*n < room) {
		long got = io->read(io, to + *n, room - *n);

		if (got < 0)
			return E_MALFORMED;
		if (got == 0)
			return OK;
		*n += (size_t)got;
		rq->body_read = *n;
		if (clock_mono_ms() - io->body_start > BODY_MS + (int64_t)*n / BODY_BYTES_PER_MS)
			return E_MALFORMED;
	}
	return OK;
}

/* Not a byte more than announced is asked for: under CGI the end may never come. */
static enum err read_announced(struct http_request *rq, size_t length, struct str *out)
{
	char *p = arena_alloc(rq->arena, length + 1);
	size_t n = 0;

	TRY(fill(rq, p, length, &n));
	if (n < length)
		return E_MALFORMED;
	p[n] = '\0';
	*out = (struct str){ p, n };
	return OK;
}

static enum err read_to_end(struct http_request *rq, size_t max, struct str *out)
{
	size_t room = max < FIRST_ROOM ? max + 1 : FIRST_ROOM, n = 0;
	char *p = arena_alloc(rq->arena, room), *wider;

	for (;;) {
		TRY(fill(rq, p, room, &n));
		if (n > max)
			return E_TOOBIG;
		if (n < room)
			break;
		room = max / 2 < room ? max + 1 : room * 2;
		wider = memcpy(arena_alloc(rq->arena, room), p, n);
		p = wider;
	}
	p[n] = '\0';
	*out = (struct str){ p, n };
	return OK;
}

enum err http_read_body(struct http_request *rq, size_t max, struct str *out)
{
	struct http_backend *io = rq->io;

	if (rq->content_length < -1)
		return E_MALFORMED;
	if (rq->content_length >= 0 && (uint64_t)rq->content_length > max)
		return E_TOOBIG;
	if (!io->body_done) {
		io->body_start = clock_mono_ms();
		io->body_done = true;
		io->body_err = rq->content_length < 0
				   ? read_to_end(rq, max, &io->body)
				   : read_announced(rq, (size_t)rq->content_length, &io->body);
	}
	if (io->body_err == OK && io->body.n > max)
		return E_TOOBIG;
	if (io->body_err == OK)
		*out = io->body;
	return io->body_err;
}

void http_discard_body(struct http_request *rq)
{
	int64_t until = clock_mono_ms() + DISCARD_MS;
	char waste[16384];

	while (rq->content_length > (int64_t)rq->body_read && clock_mono_ms() < until) {
		uint64_t left = (uint64_t)rq->content_length - rq->body_read;
		long got = rq->io->read(rq->io, waste, left < sizeof(waste) ? left : sizeof(waste));

		if (got <= 0)
			return;
		rq->body_read += (size_t)got;
	}
}
