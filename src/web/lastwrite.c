/* src/web/lastwrite.c - everybody finds their own last change, also on a replica: its position in
 * PostgreSQL's log travels with the client, and is remembered by this host */
#include "core/clock.h"
#include "core/shm.h"
#include "web/guard.h"

#define HEADER "Marquee-Lsn"
#define COOKIE "marquee_lsn"
#define COOKIE_AGE_S 60	/* longer than db.read_lag may be */

static void must_see(struct req *rq, struct str text)
{
	uint64_t lsn;

	if (text.p && db_lsn_parse(text, &lsn) && lsn > rq->ctx->must_see)
		rq->ctx->must_see = lsn;
}

void lastwrite_read(struct req *rq)
{
	struct ctx *c = rq->ctx;

	if (!c->replica)
		return;
	must_see(rq, str_of(http_header(rq->http, HEADER)));
	must_see(rq, http_cookie(rq->http, COOKIE));
	if (actor_known(&rq->actor)) {
		uint64_t lsn = shm_wrote_by(rq->actor.user.s, clock_mono_ms());

		if (lsn > c->must_see)
			c->must_see = lsn;
	}
}

void lastwrite_tell(struct req *rq)
{
	struct ctx *c = rq->ctx;
	bool https = strncmp(c->cfg->http_public_url, "https:", 6) == 0;
	const char *text;

	if (!c->wrote)
		return;
	text = db_lsn_text(c->arena, c->wrote);
	http_set(rq->rs, HEADER, text);
	http_setf(rq->rs, "Set-Cookie", COOKIE "=%s; Path=/; Max-Age=%d; HttpOnly; SameSite=Lax%s",
		  text, COOKIE_AGE_S, https ? "; Secure" : "");
	if (actor_known(&rq->actor))
		shm_wrote(rq->actor.user.s, c->wrote, clock_mono_ms());
}
