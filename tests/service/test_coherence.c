/* tests/service/test_coherence.c - every order in which two readers and two writers can take their
 * steps, on a real memcached, with our own functions
 *
 * A reader looks (own copy, memcached, lease), reads the "database", fills; the first one's worker
 * looks once more at some later time. A writer commits and invalidates. Anywhere between the steps
 * the key is evicted or everything flushed; a writer dies after its commit, and the notifier
 * invalidates at the end. Checked: no read is older than what was acknowledged before it began
 * (I5), and in the end memcached and both workers hold the database's version or none.
 *
 * T_FULL=1 runs all orders with the invalidation in two steps too, where otherwise the orders with
 * evictions and flushes are a sample. Each guard is switched off once: then it must go wrong. */
#include "cache/l1.h"
#include "cache/wire.h"
#include "core/clock.h"
#include "core/shm.h"
#include "t.h"

#include <inttypes.h>
#include <unistd.h>

#define KEY "event:1"
#define WORKERS 2
#define STEPS_MAX 16
#define SAMPLE 97	/* one of so many orders, where not all are run */

static struct config cfg = { .cache_timeout = 60000,	/* a busy machine is no outage */
			     .cache_retry = 60000,
			     .cache_l1_ttl = 1000,
			     .cache_l1_size = 65536 };
static const char *const keys[L1_KEYS] = { KEY, KEY };
static memcached_st *raw;
static char dir[] = "/tmp/marquee-coherence-XXXXXX";

/* What an order is run with. */
static enum fault { NO_FAULT, EVICT, FLUSH, CRASH_FIRST, CRASH_SECOND } fault;
static enum guard { ALL_GUARDS, NO_LEASE, NO_DELETE, NO_BUMP, LATE_MARK, BUMP_FIRST } without;
static bool two_steps;	/* delete and bump apart */

static struct worker {
	struct ctx c;
	struct cache_item item;
	struct l1_mark mark;
	int step, floor, value;	/* value 0: not known yet */
	bool has_read;
} workers[WORKERS];
static struct writer {
	int step, version;
} writers[2];
static int version, acknowledged;	/* the database's, and what clients were told of it */
static unsigned long long ns;
static long orders, wrong;
static char first_wrong[200], order[STEPS_MAX];

static bool setup(void)
{
	const char *servers = getenv("MARQUEE_TEST_MEMCACHED");

	if (!mkdtemp(dir) || shm_attach(dir, "test_coherence", 0) != OK)
		return false;
	if (!servers)
		return true;
	cfg.cache_servers = servers;
	for (int i = 0; i < WORKERS; i++) {
		workers[i].c.cfg = &cfg;
		workers[i].c.cache = cache_new(&cfg);
		ctx_begin(&workers[i].c, arena_new(1 << 20));
	}
	raw = memcached_create(NULL);
	ns = (unsigned long long)clock_now_us() << 16;
	return memcached_server_add_unix_socket(raw, servers) == MEMCACHED_SUCCESS;
}

static void teardown(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	if (system(command) != 0)
		printf("%s stays behind\n", dir);
	if (!raw)
		return;
	memcached_free(raw);
	for (int i = 0; i < WORKERS; i++) {
		cache_free(workers[i].c.cache);
		arena_free(workers[i].c.arena);
	}
}

static void complain(const char *what, int got, int want)
{
	if (wrong++ == 0)
		snprintf(first_wrong, sizeof(first_wrong), "%s: %s is %d and not %d", order, what,
			 got, want);
}

/* ---- readers ---- */

static int number(struct str s)
{
	long n = 0;

	return str_to_long(s, 0, 1000, &n) ? (int)n : 0;
}

static void finish_read(struct worker *w)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", w->value);

	if (without == LATE_MARK)
		w->mark = l1_mark(&w->c, keys);
	l1_put(&w->c, STR("1"), &w->mark, 1000, (struct str){ text, (size_t)n });
	if (w->value < w->floor)
		complain("what was read", w->value, w->floor);
}

static void look(struct worker *w)
{
	w->floor = acknowledged;
	w->value = number(l1_get(&w->c, STR("1")));
	if (w->value) {
		if (w->value < w->floor)
			complain("the worker's copy", w->value, w->floor);
		return;
	}
	w->mark = l1_mark(&w->c, keys);
	w->item = (struct cache_item){ .family = CK_EVENT, .key = KEY };
	cache_get(&w->c, &w->item, 1);
	if (!w->item.value.p)
		(void)cache_lease_once(&w->c, &w->item);
	w->value = number(w->item.value);
	if (w->value)
		finish_read(w);
}

static const char *full_key(void)
{
	static char key[64];

	snprintf(key, sizeof(key), "%016" PRIx64 ":" KEY, (uint64_t)ns);
	return key;
}

static void fill(struct worker *w)
{
	char text[16];
	struct str value = { text, (size_t)snprintf(text, sizeof(text), "%d", w->value) };
	struct call k = { .c = &w->c };

	if (without == NO_LEASE) {
		struct str packed = wire_pack(&k, full_key(), WIRE_VALUE, value);

		memcached_set(raw, full_key(), strlen(full_key()), packed.p, packed.n, 60, 0);
	} else {
		cache_fill(&w->c, &w->item, value);
	}
	finish_read(w);
}

/* look, read, fill, look again; after a hit the second and third are nothing. */
static void read_step(struct worker *w)
{
	switch (w->step++) {
	case 1:
		w->has_read = w->value == 0;
		if (w->has_read)
			w->value = version;
		break;
	case 2:
		if (w->has_read)
			fill(w);
		break;
	default:
		look(w);
	}
}

/* ---- writers, and what befalls the cache ---- */

static void acknowledge(const struct writer *w)
{
	if (acknowledged < w->version)
		acknowledged = w->version;
}

static void forget(void)
{
	if (without != NO_DELETE && !cache_forget(&workers[0].c, KEY))
		complain("a delete", 0, 1);
}

static void bump(void)
{
	if (without != NO_BUMP)
		cache_bump(KEY);
}

static void write_step(struct writer *w)
{
	int step = w->step++;

	if (step == 0) {
		w->version = ++version;
		return;
	}
	bool first = step == 1, bump_first = without == BUMP_FIRST;

	if (!two_steps || first != bump_first)
		forget();
	if (!two_steps || first == bump_first)
		bump();
	if (!two_steps || !first)
		acknowledge(w);
}

static void befall(void)
{
	if (fault == EVICT)
		memcached_delete(raw, full_key(), strlen(full_key()), 0);
	if (fault == FLUSH)
		memcached_flush(raw, 0);
}

/* ---- one order ---- */

static void begin(void)
{
	shm_cache_namespace_set(0, ++ns);	/* nothing was ever stored under it */
	version = acknowledged = 1;
	memset(writers, 0, sizeof(writers));
	for (int i = 0; i < WORKERS; i++) {
		struct worker *w = &workers[i];

		arena_reset(w->c.arena);
		ctx_begin(&w->c, w->c.arena);
		w->step = w->floor = w->value = 0;
	}
}

static void check_end(void)
{
	struct cache_item item = { .family = CK_EVENT, .key = KEY };
	int held;

	/* the notifier, for whoever died */
	if (fault == CRASH_FIRST || fault == CRASH_SECOND) {
		forget();
		bump();
	}
	cache_get(&workers[0].c, &item, 1);
	if (item.value.p && number(item.value) != version)
		complain("memcached's", number(item.value), version);
	for (int i = 0; i < WORKERS; i++) {
		held = number(l1_get(&workers[i].c, STR("1")));
		if (held && held != version)
			complain("a worker's last copy", held, version);
	}
	if (shm_cache_debt(0) || workers[0].c.cache_off || workers[1].c.cache_off)
		complain("the cache", 0, 1);
}

static void run_order(int n)
{
	orders++;
	begin();
	for (int i = 0; i < n; i++)
		switch (order[i]) {
		case 'A': case 'B':
			read_step(&workers[order[i] - 'A']);
			break;
		case 'c': case 'd':
			write_step(&writers[order[i] - 'c']);
			break;
		default:
			befall();
		}
	check_end();
}

/* All orders of what is left; the writers are alike, so that the first to commit is c. */
static void enumerate(int left[5], int n, long stride)
{
	static const char names[] = "ABcd!";
	static long leaf;
	bool any = false;

	if (without != ALL_GUARDS && wrong)
		return;		/* shown */
	for (int i = 0; i < 5; i++) {
		if (left[i] == 0)
			continue;
		any = true;
		if (names[i] == 'd' && !memchr(order, 'c', (size_t)n))
			continue;
		left[i]--;
		order[n] = names[i];
		order[n + 1] = '\0';
		enumerate(left, n + 1, stride);
		left[i]++;
	}
	if (!any && leaf++ % stride == 0)
		run_order(n);
}

static void run_all(enum fault f, enum guard off, bool apart, long stride)
{
	int write = apart ? 3 : 2;
	int left[5] = { 4, 3, f == CRASH_FIRST ? 1 : write, f == CRASH_SECOND ? 1 : write,
			f == EVICT || f == FLUSH };

	fault = f;
	without = off;
	two_steps = apart;
	orders = wrong = 0;
	memset(order, 0, sizeof(order));
	enumerate(left, 0, stride);
	printf("     fault %d, guard %d, %d steps of writing: %ld orders, %ld wrong %s\n", f, off,
	       write, orders, wrong, wrong ? first_wrong : "");
}

/* ---- tests ---- */

#define NEED_CACHE()                                                                               \
	do {                                                                                       \
		if (!getenv("MARQUEE_TEST_MEMCACHED"))                                             \
			T_SKIP("MARQUEE_TEST_MEMCACHED is not set");                               \
	} while (0)

static void expect_right(enum fault f, bool apart, long stride)
{
	run_all(f, ALL_GUARDS, apart, stride);
	if (wrong)
		T_FAIL("%ld of %ld orders: %s", wrong, orders, first_wrong);
	T_TRUE(orders > 100);
}

static void every_order(void)
{
	NEED_CACHE();
	expect_right(NO_FAULT, false, 1);
	if (getenv("T_FULL"))
		expect_right(NO_FAULT, true, 1);
}

static void a_writer_dies(void)
{
	NEED_CACHE();
	for (int f = CRASH_FIRST; f <= CRASH_SECOND; f++) {
		expect_right((enum fault)f, false, getenv("T_FULL") ? 1 : 3);
		if (getenv("T_FULL"))
			expect_right((enum fault)f, true, 1);
	}
}

static void evicted_and_flushed(void)
{
	NEED_CACHE();
	for (int f = EVICT; f <= FLUSH; f++)
		expect_right((enum fault)f, false, getenv("T_FULL") ? 1 : SAMPLE);
}

static void each_guard_is_needed(void)
{
	NEED_CACHE();
	for (int g = NO_LEASE; g <= BUMP_FIRST; g++) {
		run_all(NO_FAULT, (enum guard)g, g == BUMP_FIRST, 1);
		if (!wrong)
			T_FAIL("without guard %d nothing goes wrong in %ld orders", g, orders);
	}
}

T_SUITE_WITH("coherence", setup, teardown, T(every_order), T(a_writer_dies),
	     T(evicted_and_flushed), T(each_guard_is_needed))
