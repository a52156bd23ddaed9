"""tests/bench/rows.py - what is measured: a row is a function that returns one number per second."""
import json
import os
import re
import subprocess
import time

from stage import EVENTS, HERE, PG_BIN

CLIENTS = 32


class Broken(Exception):
    """A measurement that would mean something else than its name says."""


class Row:
    """What one repetition gave: the rate, the 99th percentile in ms (or None), how many requests which
    pool had."""

    def __init__(self, rate, p99_ms=None, pool=None, requests=0):
        self.rate, self.p99_ms, self.pool, self.requests = rate, p99_ms, pool, requests


# ---- through a web server ----
def wrk(stage, url, requests, once=False):
    """Sends the requests from CLIENTS connections; all have to be answered well. once: none twice."""
    path = f"{stage.folder}/requests"
    with open(path, "w", encoding="utf-8") as f:
        f.writelines("\t".join(r) + "\n" for r in requests)
    out = subprocess.run(["wrk", "-t1", f"-c{CLIENTS}", f"-d{stage.seconds}s", "--timeout", "10s", "-s", f"{HERE}/load.lua",
                          url, "--", path], check=True, stdout=subprocess.PIPE, text=True).stdout
    found = json.loads(out.splitlines()[-1])
    if found["refused"] or found["broken"]:
        raise Broken(f"{found['refused']} of {found['requests']} requests refused, {found['broken']} broken: {requests[0]}")
    if once and found["wrapped"]:
        raise Broken(f"ran out of things to ask after {len(requests)} requests")
    return found


def reads(pool, paths, once=False, before=None, at_most=None):
    """GETs. at_most: bytes of an answer, for those that must be short."""
    def run(stage, url):
        stage.link(pool)
        if before:
            before(stage)
        found = wrk(stage, url, [("GET", *p, "") for p in paths(stage, url)], once)
        if at_most and found["bytes"] / found["requests"] > at_most:
            raise Broken(f"answers of {found['bytes'] / found['requests']:.0f} bytes: not what was asked for")
        return Row(found["requests"] / found["us"] * 1e6, found["p99_us"] / 1000, pool, found["requests"])
    return run


def writes(requests, count):
    """POSTs; what counts are rows in the database, not answers."""
    def run(stage, url):
        stage.link("app")
        todo = requests(stage)
        before = int(stage.psql(count))
        found = wrk(stage, url, todo, once=True)
        made = int(stage.psql(count)) - before
        # requests under way at the end are answered to nobody
        if not found["requests"] * 0.98 <= made <= found["requests"] + CLIENTS:
            raise Broken(f"{found['requests']} answers, but {made} rows")
        return Row(min(made, found["requests"]) / found["us"] * 1e6, found["p99_us"] / 1000, "app", found["requests"])
    return run


def some(n):
    return lambda stage, url: [(f"/api/events/{i}", "") for i in stage.ids[:n]]


def everyone(stage, url):
    return [(f"/api/events/{i}", "") for i in stage.ids]


def pages(n):
    return lambda stage, url: [(f"/e/{slug}", "") for slug in stage.pages[:n]]


def desk(path):
    return lambda stage, url: [(path.format(stage=stage), stage.staff())]


def tagged(path):
    """One event with its tag of now, which does not change while nobody answers it."""
    return lambda stage, url: _tagged(path.format(stage=stage), url)


def _tagged(path, url):
    head = subprocess.run(["curl", "-sf", "-o", os.devnull, "-D", "-", url + path], check=True, stdout=subprocess.PIPE,
                          text=True).stdout
    return [(path, "If-None-Match: " + re.search(r"(?im)^etag: *(\S+)", head)[1])]


def rsvps(hot):
    def requests(stage):
        first, n = (stage.fresh_event(), 1) if hot else (0, 1000)
        stage.turn += 1
        return [("POST", f"/api/events/{EVENTS % (first + (p + stage.turn) % n)}/rsvp", f"Authorization: Bearer {stage.tokens[p]}",
                 '{"status":"going"}') for p in stage.people]
    return requests


NEW_EVENT = ('{"title":"A new event","description":"Two hours about something that is worth it, with coffee.",'
             '"start_date":"2035-05-01T18:00:00Z","end_date":"2035-05-01T20:00:00Z","location":"Town Hall, Berlin",'
             '"category":"tech","tags":["c","web"],"max_attendees":100,"price":5}')


def new_events(stage):
    return [("POST", "/api/events", f"Authorization: Bearer {stage.tokens[0]}", NEW_EVENT)] * len(stage.people)


GOING = "SELECT count(*) FROM rsvps WHERE state = 'going' AND NOT seeded"
MADE = "SELECT count(*) FROM events WHERE NOT seeded"

SERVER_ROWS = {
    "null": reads("null", lambda *_: [("/", "")]),
    "null_page": reads("null_page", lambda *_: [("/", "")]),
    "get_cached": reads("app", some(100)),
    "get_304": reads("app", tagged("/api/events/{stage.ids[0]}"), at_most=400),
    "get_uncached": reads("uncached", some(1000)),
    "get_miss": reads("app", everyone, once=True, before=lambda stage: stage.flush_cache()),
    "list": reads("uncached", lambda *_: [("/api/events", "")]),
    "create": writes(new_events, MADE),
    "rsvp_spread": writes(rsvps(hot=False), GOING),
    "rsvp_hot": writes(rsvps(hot=True), GOING),
    "page_event": reads("app", pages(100)),
    "page_event_304": reads("app", tagged("/e/{stage.pages[0]}"), at_most=400),
    "page_event_uncached": reads("uncached", pages(1000)),
    "page_agenda": reads("app", lambda *_: [("/", "")]),
    "page_sign_in": reads("app", lambda *_: [("/login", "")]),
    "page_desk": reads("app", desk("/admin/")),
    "page_desk_events": reads("app", desk("/admin/events")),
    "page_attendees": reads("app", desk("/admin/events/{stage.crowd}/attendees")),
}


# ---- the same functions without us ----
def pgbench(hot):
    def run(stage):
        first, n = (stage.fresh_event(), 1) if hot else (0, 1000)
        stage.turn += 1
        before = int(stage.psql(GOING))
        out = subprocess.run([f"{PG_BIN}/pgbench", "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-T", str(stage.seconds),
                              "-f", f"{HERE}/rsvp.sql", "-D", "i=0", "-D", f"first={first}", "-D", f"events={n}",
                              "-D", f"turn={stage.turn}", "-D", f"each={len(stage.people) // CLIENTS}", "-h", f"{stage.run}/pg",
                              "-U", "marquee_web", "marquee"], check=True, stdout=subprocess.PIPE, text=True).stdout
        calls = int(re.search(r"actually processed: (\d+)", out)[1])
        made = int(stage.psql(GOING)) - before
        if made < 0.98 * calls:
            raise Broken(f"{calls} calls, but {made} rows: not enough people?")
        return Row(float(re.search(r"tps = ([\d.]+)", out)[1]) * made / calls)
    return run


PGBENCH_ROWS = {"rsvp_spread": pgbench(hot=False), "rsvp_hot": pgbench(hot=True)}


# ---- the outbox ----
SENT = "SELECT sum(sent) FROM relay"
PENDING = "SELECT pending FROM outbox_backlog()"
ENOUGH = 200000
# As many more as are missing: some of all once again, under ids of their own. The newest alone would
# be of the one event that everybody has just answered, and so of one shard.
MORE = """INSERT INTO outbox (id, aggregate_type, aggregate_id, seq, key, shard, topic, type, payload)
SELECT gen_random_uuid(), aggregate_type, aggregate_id, seq, key, shard, topic, type, payload
FROM (SELECT * FROM outbox ORDER BY md5(pos::text) LIMIT 1000) o, generate_series(0, {n} / 1000 - 1)"""


class Asking:
    """One session that is asked again and again."""

    def __init__(self, stage):
        self.psql = subprocess.Popen(["psql", "-X", "-q", "-At", "-h", f"{stage.run}/pg", "-U", "marquee_owner", "-d", "marquee"],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, text):
        self.psql.stdin.write(text + ";\n")
        self.psql.stdin.flush()
        return int(self.psql.stdout.readline())

    def close(self):
        self.psql.stdin.close()
        self.psql.wait()


def drain(stage):
    """How fast what has gathered leaves: between a tenth and nine tenths of it, so that neither the
    notifier's start nor its last chunks count."""
    asking = Asking(stage)
    stage.psql(MORE.format(n=max(0, ENOUGH - asking.ask(PENDING))))
    n, before = asking.ask(PENDING), asking.ask(SENT)
    notifier = stage.notifier()
    seen, end = [], time.monotonic() + 120
    while not seen or seen[-1][1] < n:
        seen.append((time.monotonic(), asking.ask(SENT) - before))
        if seen[-1][0] > end:
            raise Broken(f"{seen[-1][1]} of {n} messages sent in two minutes")
        time.sleep(0.03)
    notifier.stop()
    asking.close()
    first = next(s for s in seen if s[1] >= n * 0.1)
    last = next(s for s in seen if s[1] >= n * 0.9)
    return Row((last[1] - first[1]) / (last[0] - first[0]))


MESSAGES = ENOUGH


def produce(stage):
    """The same messages, with their headers, from a bare producer."""
    path = f"{stage.folder}/messages"
    if not os.path.exists(path):
        text = stage.psql("""SELECT concat_ws(E'\\t', key, payload, 'id', id, 'seq', seq, 'aggregate_type', aggregate_type,
          'aggregate_id', aggregate_id, 'type', type, 'created_at', iso(created_at), 'ce_specversion', '1.0', 'ce_id', id,
          'ce_source', '/marquee', 'ce_type', type, 'ce_subject', aggregate_id, 'ce_time', iso(created_at),
          'content-type', 'application/json') FROM outbox ORDER BY md5(pos::text) LIMIT 20000""")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text + "\n")
    with open(f"{stage.run}/app/broker", encoding="ascii") as f:
        broker = f.read().strip()
    with open(path, "rb") as f:
        out = subprocess.run([f"{stage.build}/tests/bench/produce", broker, "events", str(MESSAGES)],
                             stdin=f, check=True, stdout=subprocess.PIPE, text=True).stdout
    return Row(float(out))


DRAIN_ROWS = {"notifier": drain, "raw": produce}
