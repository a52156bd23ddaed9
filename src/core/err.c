/* src/core/err.c - the one table from error to API word, HTTP status, exit code and log level */
#include "core/err.h"
#include "core/log.h"
#include "core/str.h"

#include <sysexits.h>

static const struct err_info rows[ERR_COUNT] = {
	[OK] = { "OK", "Done", 200, EX_OK, LOG_DEBUG_ },
	[E_INVALID] = { "VALIDATION_ERROR", "Some of the input is not acceptable", 422,
			EX_DATAERR, LOG_INFO_ },
	[E_MALFORMED] = { "MALFORMED_REQUEST", "The request cannot be parsed", 400, EX_DATAERR,
			  LOG_INFO_ },
	[E_UNAUTH] = { "UNAUTHORIZED", "Valid credentials are needed", 401, EX_NOPERM, LOG_INFO_ },
	[E_DENIED] = { "FORBIDDEN", "You may not do this", 403, EX_NOPERM, LOG_INFO_ },
	[E_NOTFOUND] = { "NOT_FOUND", "There is no such thing", 404, EX_NOINPUT, LOG_INFO_ },
	[E_METHOD] = { "METHOD_NOT_ALLOWED", "This address does not take that method", 405,
		       EX_USAGE, LOG_INFO_ },
	[E_CONFLICT] = { "CONFLICT", "The present state does not allow this", 409, EX_TEMPFAIL,
			 LOG_INFO_ },
	[E_FULL] = { "EVENT_FULL", "The event is full", 409, EX_TEMPFAIL, LOG_INFO_ },
	[E_CLOSED] = { "EVENT_CLOSED", "The event takes no answers", 409, EX_DATAERR, LOG_INFO_ },
	[E_BELOW] = { "CAPACITY_BELOW_GOING", "More people are going than that capacity", 409,
		      EX_DATAERR, LOG_INFO_ },
	[E_PRECOND] = { "PRECONDITION_FAILED", "It was changed by somebody else meanwhile", 412,
			EX_TEMPFAIL, LOG_INFO_ },
	[E_TOOBIG] = { "PAYLOAD_TOO_LARGE", "The body is too large", 413, EX_DATAERR, LOG_INFO_ },
	[E_MEDIA] = { "UNSUPPORTED_MEDIA_TYPE", "This content type is not understood", 415,
		      EX_DATAERR, LOG_INFO_ },
	[E_PRECOND_NEEDED] = { "PRECONDITION_REQUIRED", "An If-Match header is required", 428,
			       EX_USAGE, LOG_INFO_ },
	[E_LIMIT] = { "RATE_LIMITED", "Too many requests, try again later", 429, EX_TEMPFAIL,
		      LOG_INFO_ },
	[E_UNAVAIL] = { "UNAVAILABLE", "A service we depend on does not answer, try again", 503,
			EX_UNAVAILABLE, LOG_WARN_ },
	/* The same word as E_UNAVAIL: clients go on the same way, and the message says the rest. */
	[E_UNCERTAIN] = { "UNAVAILABLE",
			  "The outcome is unknown: look before you repeat it, or use the same "
			  "Idempotency-Key",
			  503, EX_IOERR, LOG_ERROR_ },
	[E_INTERNAL] = { "INTERNAL", "Something went wrong on our side", 500, EX_SOFTWARE,
			 LOG_ERROR_ },
};

const struct err_info *err_info(enum err e)
{
	return &rows[(unsigned)e < ERR_COUNT ? e : E_INTERNAL];
}

enum err err_by_code(const char *word)
{
	for (size_t i = 0; word && i < ERR_COUNT; i++)
		if (strcmp(rows[i].code, word) == 0)
			return (enum err)i;
	return E_INTERNAL;
}
