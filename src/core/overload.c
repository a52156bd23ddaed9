/* src/core/overload.c - the host's judgement of the queue in front of its workers */
#include "core/overload.h"

#include "core/shm_layout.h"

#define LOOK_MS 10
#define RATE_MS 100		/* the rate is that of at least this long */
#define PATIENCE_MS 500
#define AGAIN_MS 2000
#define FEW 16	/* so many may wait, however long: slow requests are no crowd */
#define FOREVER_MS INT64_MAX

/* Only who has claimed the look comes here, so plain loads and stores do. */
static int64_t wait_of(struct overload *o, int64_t now, long queue, long few)
{
	int64_t took = now - o->rate_at;

	if (took >= RATE_MS || took < 0) {
		uint64_t taken = o->taken;

		o->rate = (int64_t)(taken - o->rate_taken) * 1000 / (took > 0 ? took : 1);
		o->rate_taken = taken;
		o->rate_at = now;
	}
	if (queue <= few)
		return 0;
	return o->rate > 0 ? (int64_t)queue * 1000 / o->rate : FOREVER_MS;
}

static void judge(struct overload *o, int64_t now, long target, long queue)
{
	bool alert = o->refused_at && now - o->refused_at < AGAIN_MS;

	/* Once it is known for one, the queue is kept at half of the target. */
	if (wait_of(o, now, queue, alert ? 0 : FEW) <= (alert ? target / 2 : target)) {
		o->over_since = 0;
		o->refusing = 0;
		return;
	}
	if (o->over_since == 0)
		o->over_since = now;
	if (alert || now - o->over_since >= PATIENCE_MS)
		o->refusing = 1;
	if (o->refusing)
		o->refused_at = now;
}

bool overload_take(int64_t now_ms, long target_ms, long (*length)(void *arg), void *arg)
{
	struct overload *o = &shm_coherence()->overload;
	int64_t looked = o->looked_at;

	o->taken++;
	/* A look in the future: the machine began anew, the file did not. */
	if ((now_ms - looked >= LOOK_MS || now_ms < looked) &&
	    atomic_compare_exchange_strong(&o->looked_at, &looked, now_ms))
		judge(o, now_ms, target_ms, length(arg));
	return o->refusing != 0;
}
