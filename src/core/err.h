/* src/core/err.h - every way an operation can fail, and what each means outside */
#ifndef CORE_ERR_H
#define CORE_ERR_H

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

enum err {
	OK,
	E_INVALID,	 /* input understood but not acceptable; details name the fields */
	E_MALFORMED,	 /* input cannot be parsed */
	E_UNAUTH,	 /* no or bad credentials */
	E_DENIED,	 /* known actor, not allowed */
	E_NOTFOUND,	 /* absent, deleted or hidden from the actor */
	E_METHOD,	 /* the path exists, the method does not */
	E_CONFLICT,	 /* the present state forbids it */
	E_FULL,		 /* no seat and no waiting list */
	E_CLOSED,	 /* the event takes no answers */
	E_BELOW,	 /* capacity would fall below seats taken */
	E_PRECOND,	 /* If-Match does not match */
	E_TOOBIG,	 /* body over the limit */
	E_MEDIA,	 /* content type not understood */
	E_PRECOND_NEEDED, /* If-Match is required here */
	E_LIMIT,	 /* rate limit; ctx->retry_after is set */
	E_UNAVAIL,	 /* a dependency is down or slow; nothing was changed */
	E_UNCERTAIN,	 /* the connection was lost at COMMIT: done or not, unknown */
	E_INTERNAL,	 /* our fault */
	ERR_COUNT
};

struct err_info {
	const char *code;	/* the API's constant word */
	const char *title;	/* default message for people */
	int http;		/* HTTP status */
	int exit;		/* sysexits(3) code of command line programs */
	int level;		/* enum log_level to log it at */
};

/* The row of e; never NULL. */
const struct err_info *err_info(enum err e);

/* The error whose API code is word, E_INTERNAL when there is none. */
enum err err_by_code(const char *word);

/* Return on error. For code whose resources all live in the arena. */
#define TRY(x)                                                                                     \
	do {                                                                                       \
		enum err try_e_ = (x);                                                             \
		if (try_e_ != OK)                                                                  \
			return try_e_;                                                             \
	} while (0)

#endif
