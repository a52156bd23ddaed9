"""tests/e2e/test_outages.py - memcached, broker, notifier and PostgreSQL die, freeze and come back under load.

The load reads back what it wrote, so it sees at once what is stale or lost; at the end every message
must have reached the broker.
"""
import collections
import os
import signal
import subprocess
import threading
import time

from api import DEV, POOL, Stack, call, expect, instant, main, need_pool, person, process, unique, wait_for

_shared = {}
FAULT_S = float(os.environ.get("T_FAULT_S", "1"))  # how long each state of a fault lasts


class Writer(threading.Thread):
    """One host with one event and three guests; knows what was acknowledged last."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self.url, self.host = url, person("Host", url)
        self.guests = [person(f"Guest {i}", url) for i in range(3)]
        self.event = self.host.post("/api/events", {"title": unique("Load "), "start_date": instant(),
                                                    "max_attendees": 2}).data
        self.version, self.answers, self.unsure = 1, {}, set()
        self.statuses, self.wrong, self.running = collections.Counter(), [], True
        self.since_503 = 0  # answers

    def run(self):
        step = 0
        while self.running:
            step += 1
            time.sleep(0.02)  # others want to work too
            try:
                self.edit(step)
                self.answer(self.guests[step % 3], "not_going" if step % 5 == 0 else "going")
            except OSError as e:
                self.wrong.append(f"no answer: {e!r}")

    def ask(self, who, method, path, body=None):
        a = call(method, path, body, who and who.token, url=self.url)
        self.statuses[a.status] += 1
        self.since_503 = 0 if a.status == 503 else self.since_503 + 1
        if a.status == 503 and not a.header("Retry-After") and "application/json" in a.header("Content-Type"):
            self.wrong.append(f"503 without Retry-After: {a}")
        if a.status not in (200, 201, 503):
            self.wrong.append(f"{method} {path}: {a}")
        return a

    def path(self, more=""):
        return f"/api/events/{self.event['id']}{more}"

    def edit(self, step):
        a = self.ask(self.host, "PATCH", self.path(), {"title": f"Load step {step}"})
        if a.status == 200:
            self.version = a.data["version"]
        for who in (None, self.guests[0]):
            seen = self.ask(who, "GET", self.path())
            if seen.status == 200 and seen.data["version"] < self.version:
                self.wrong.append(f"stale: version {seen.data['version']} after {self.version}")

    def answer(self, guest, status):
        a = self.ask(guest, "POST", self.path("/rsvp"), {"status": status})
        if a.status not in (200, 201):
            self.unsure.add(guest.id)
            return
        self.answers[guest.id] = a.data["status"]
        self.unsure.discard(guest.id)
        seen = self.ask(guest, "GET", self.path())
        mine = seen.data and seen.data["my_rsvp"]["status"]
        if mine not in (None, a.data["status"]):
            self.wrong.append(f"stale: my answer is {mine} after {a.data['status']}")

    def lost(self, stack):
        """Acknowledged, but not in the database. (Who waited may have been promoted since.)"""
        rows = dict(stack.sql(f"SELECT user_id, rsvp_status(state) FROM rsvps WHERE event_id = '{self.event['id']}'"))
        version = int(stack.sql(f"SELECT version FROM events WHERE id = '{self.event['id']}'")[0][0])
        gone = [f"version {version} after {self.version}"] if version < self.version else []
        for user, said in self.answers.items():
            if user not in self.unsure and rows.get(user) != said and (said, rows.get(user)) != ("waitlisted", "going"):
                gone.append(f"{said} became {rows.get(user)}")
        return gone


class Load:
    """Writers at work while the block runs; afterwards nothing may be wrong, stale or lost. What is forgiven are
    wrong answers that hold these words."""

    def __init__(self, stack, allowed=(), forgiven=None):
        self.stack, self.allowed, self.forgiven = stack, set(allowed), forgiven

    def __enter__(self):
        self.writers = [Writer(self.stack.url) for _ in range(4)]
        for w in self.writers:
            w.start()
        time.sleep(0.5)
        return self

    def __exit__(self, kind, *_):
        try:
            if not kind:
                wait_for("the load to work", lambda: sum(w.statuses[200] for w in self.writers) > 20)
        finally:
            for w in self.writers:
                w.running = False
        for w in self.writers:
            w.join()
        statuses = sum((w.statuses for w in self.writers), collections.Counter())
        print(f"load: {dict(statuses)}")
        if kind:
            return
        wrong = [t for w in self.writers for t in w.wrong if not self.forgiven or self.forgiven not in t]
        expect(wrong[:5], [], "wrong")
        expect([t for w in self.writers for t in w.lost(self.stack)][:5], [], "acknowledged and lost")
        expect(set(statuses) - {200, 201} - self.allowed, set(), "statuses")
        expect(self.stack.sql("SELECT * FROM check_invariants() WHERE invariant NOT LIKE 'I12%'"), [], "invariants")


def stack():
    if "stack" not in _shared:
        _shared["stack"] = Stack().__enter__()
        wait_for("health", lambda: health()["status"] == "ok")
    return _shared["stack"]


def health():
    return call("GET", "/health", url=_shared["stack"].url).json


def becomes(status, part, state):
    def ready():
        now = health()
        return now["status"] == status and now["dependencies"][part] in state
    wait_for(f"/health to say {status}, {part} {state}", ready)


def hit(piece, sig):
    """What ends it has ended it afterwards: ./dev up leaves a piece alone that still lives."""
    pid = stack().pid(piece)
    os.kill(pid, sig)
    if sig not in (signal.SIGSTOP, signal.SIGCONT):
        wait_for(f"the end of {piece}", lambda: process(pid)[1] in ("", "Z"))


def restart():
    stack().dev("up", "--no-demo", "--quiet")


# ---- memcached ----
def test_old_workers_finish_what_they_have():
    """A request that waits in the old pool while ./dev reload takes it away is still answered."""
    need_pool()
    with Stack("db.lock_timeout = 10m\ndb.statement_timeout = 10m", workers=3) as own:
        host, guest = (person(name, own.url) for name in ("Host", "Guest"))
        ev = host.post("/api/events", {"title": unique(), "start_date": instant()}).data
        old, watch, got = set(own.worker_pids()), own.pid("workers"), []
        with subprocess.Popen([DEV, "psql", "-X", "-q", "-At"], env=own.env, text=True, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as holder:
            print(f"BEGIN; SELECT pg_advisory_xact_lock(event_lock_key('{ev['id']}')); SELECT 'held';",
                  file=holder.stdin, flush=True)
            wait_for("the lock", lambda: holder.stdout.readline().strip() == "held")
            asking = threading.Thread(target=lambda: got.append(guest.post(f"/api/events/{ev['id']}/rsvp",
                                                                           {"status": "going"})))
            asking.start()
            wait_for("who waits for it", lambda: own.sql(
                "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))
            reload = threading.Thread(target=lambda: own.dev("reload"))
            reload.start()
            wait_for("the idle ones gone", lambda: not old <= set(own.worker_pids(watch)))
            print("ROLLBACK;", file=holder.stdin, flush=True)
            asking.join()
            reload.join()
            holder.stdin.close()
        expect(got[0].status, 201, f"{got[0]}")
        expect(own.worker_pids(watch), [], "old workers left")


def test_memcached_killed_and_restarted():
    s = stack()
    with Load(s):
        hit("memcached", signal.SIGKILL)
        becomes("degraded", "cache", ("down",))
        time.sleep(FAULT_S)
        restart()
        becomes("ok", "cache", ("up",))
        time.sleep(FAULT_S)


def test_memcached_frozen_and_continued():
    """What it holds when it wakes up is old: none of it may be believed."""
    s = stack()
    with Load(s):
        for _ in range(2):
            hit("memcached", signal.SIGSTOP)
            try:
                becomes("degraded", "cache", ("down",))
                time.sleep(FAULT_S)
            finally:
                hit("memcached", signal.SIGCONT)
            becomes("ok", "cache", ("up",))
            time.sleep(FAULT_S)


def test_write_while_frozen_then_read():
    """The same by hand, with nobody else writing: fill, freeze, write, continue, read from all workers."""
    s = stack()
    host, guest = person("Host", s.url), person("Guest", s.url)
    for n in range(3):
        ev = host.post("/api/events", {"title": "Before", "start_date": instant()}).data
        path = f"/api/events/{ev['id']}"
        for _ in range(20):
            call("GET", path, url=s.url), guest.get(path)
        hit("memcached", signal.SIGSTOP)
        try:
            for answer in (host.patch(path, {"title": f"After {n}"}), guest.post(path + "/register")):
                expect(answer.status in (200, 201), True, repr(answer))
        finally:
            hit("memcached", signal.SIGCONT)
        for _ in range(100):
            seen, mine = call("GET", path, url=s.url), guest.get(path)
            if not expect((seen.data["title"], mine.data["title"], (mine.data["my_rsvp"] or {}).get("status")),
                          (f"After {n}", f"After {n}", "going"), "stale"):
                return


# ---- broker and notifier ----
def pending():
    return int(stack().sql("SELECT pending FROM outbox_backlog()")[0][0])


def drained():
    wait_for("the outbox to drain", lambda: pending() == 0)


def test_broker_stopped_and_back():
    s = stack()
    with Load(s):
        s.dev("broker", "down")
        becomes("degraded", "kafka", ("down",))
        time.sleep(FAULT_S)
        wait_for("messages to wait", lambda: pending() > 0)
        s.dev("broker", "up")
        becomes("ok", "kafka", ("up",))
        # Drops connections. Errors that leave the next request to succeed (NOT_LEADER) would prove
        # nothing: the library takes that success for an acknowledgement of both, as it may where
        # brokers check sequence numbers; the development broker does not.
        s.dev("broker", "error", "-195", "3")
        s.dev("broker", "rtt", "300")
        time.sleep(FAULT_S)
        s.dev("broker", "rtt", "0")
    drained()


def test_notifier_stopped_and_back():
    s = stack()
    with Load(s):
        for sig in (signal.SIGTERM, signal.SIGKILL):
            hit("notifier", sig)
            time.sleep(FAULT_S)
            wait_for("messages to wait", lambda: pending() > 0)
            if sig == signal.SIGTERM:
                becomes("degraded", "notifier", ("down",))
            restart()
            becomes("ok", "notifier", ("up",))
    drained()


def test_notifier_killed_again_and_again():
    s = stack()
    with Load(s):
        for _ in range(5):
            time.sleep(FAULT_S / 4)
            hit("notifier", signal.SIGKILL)
            restart()
    becomes("ok", "notifier", ("up",))
    drained()


# ---- workers ----
def test_workers_killed():
    """Requests under way in a killed worker are lost (the web server says 500 or 503), nothing else."""
    need_pool()
    s = stack()
    # what the web server answers for a dead worker is no fault of ours
    with Load(s, allowed=(500, 502, 503), forgiven=" 50") as load:
        for _ in range(10):
            time.sleep(FAULT_S / 5)
            pid = s.worker_pids()[0]
            os.kill(pid, signal.SIGKILL)
            wait_for("another in its place", lambda: replaced(s, pid))
    broken = sum(n for w in load.writers for status, n in w.statuses.items() if status >= 500)
    expect(broken <= 20, True, f"{broken} requests broken by ten kills")


def replaced(s, pid):
    now = s.worker_pids()
    return pid not in now and len(now) == 4


# ---- PostgreSQL ----
def test_postgresql_stopped_and_back():
    s = stack()
    workers = POOL and s.worker_pids()
    with Load(s, allowed=(503,)) as load:
        path = load.writers[0].path()
        hit("postgresql", signal.SIGQUIT)
        wait_for("the database to be gone", lambda: call("GET", "/readyz", url=s.url).status == 503)
        time.sleep(FAULT_S)
        gone(s, path, load.writers[0].host)
        restart()
        wait_for("the database to be back", lambda: call("GET", "/readyz", url=s.url).status == 200)
        wait_for("what was asked before to be over", lambda: all(w.since_503 >= 40 for w in load.writers), 30)
        before = [w.statuses[503] for w in load.writers]
        time.sleep(FAULT_S)
        expect([w.statuses[503] for w in load.writers], before, "no 503 after it is back")
    expect(POOL and s.worker_pids(), workers, "the same workers go on")
    becomes("ok", "database", ("up",))
    drained()


def gone(s, path, host):
    """While there is no database."""
    now = call("GET", "/health", url=s.url)
    expect((now.status, now.json["status"], now.json["dependencies"]["database"]), (503, "unhealthy", "down"))
    expect(call("GET", "/livez", url=s.url).status, 200)
    named = "/api/events/not-read-before"
    for a in (host.get(path), host.post(path + "/register"), call("GET", "/api/events", url=s.url),
              host.post(named + "/rsvp", {"status": "going"}), host.post(named + "/register"), host.delete(named + "/rsvp"),
              host.get(named + "/rsvp"), host.get(named + "/attendees"),
              call("POST", "/auth/login", {"email": host.email, "password": "whatever"}, url=s.url),
              host.patch(path, {"title": "Now?"})):
        expect((a.status, a.code), (503, "UNAVAILABLE"), repr(a))
        expect(int(a.header("Retry-After") or 0) > 0, True, "Retry-After")


# ---- at the end ----
def delivered(s):
    """{topic: [(partition, offset, headers)]} of everything the broker holds."""
    found = {}
    for topic in ("events", "notifications"):
        text = s.dev("kcat", "-C", "-t", topic, "-e", "-q", "-o", "beginning", "-f", "%p|%o|%k|%h\n")
        rows = [line.split("|", 3) for line in text.splitlines()]
        found[topic] = [(int(p), int(o), k, dict(h.split("=", 1) for h in hs.split(","))) for p, o, k, hs in rows]
    return found


def gaps(seqs):
    """What stands where its predecessor plus one should."""
    return [(want, got) for want, got in enumerate(seqs, 1) if want != got][:5]


def test_y_everything_is_delivered_in_order():
    s = stack()
    drained()
    for topic, messages in delivered(s).items():
        wanted = s.sql("SELECT id, key, aggregate_id, seq, pos, xid, created_at, shard, (SELECT count(*) FROM outbox_parked p "
                       f"WHERE p.id = o.id) FROM outbox o WHERE topic = '{topic}' ORDER BY pos")
        got = [m[3]["id"] for m in messages]
        expect([r for r in wanted if r[0] not in set(got)][:10], [], f"{topic}: lost ({len(wanted)} rows)")
        expect(sorted(set(got) - {r[0] for r in wanted})[:10], [], f"{topic}: from nowhere")
        print(f"{topic}: {len(wanted)} rows, {len(got) - len(set(got))} delivered twice")
        for p in {m[0] for m in messages}:
            offsets = sorted(m[1] for m in messages if m[0] == p)
            expect(offsets, list(range(offsets[0], offsets[0] + len(offsets))), "the reader missed nothing")
        order, places, seen = collections.defaultdict(list), {}, set()
        for p, _, key, h in sorted(messages, key=lambda m: m[:2]):
            expect(places.setdefault(key, p), p, "one key, one partition")
            if h["id"] not in seen:
                seen.add(h["id"])
                order[h["aggregate_id"]].append(int(h["seq"]))
        want = collections.defaultdict(list)
        for _, _, aggregate, seq, *_ in wanted:
            want[aggregate].append(int(seq))
        for aggregate, seqs in want.items():
            expect(gaps(seqs), [], f"seq without a gap in the outbox, {aggregate}")
            expect((gaps(order[aggregate]), len(order[aggregate])), ([], len(seqs)), f"first occurrences, {aggregate}")


def test_y_no_cache_is_older_than_the_database():
    s = stack()
    for ident, version in s.sql("SELECT event_id, version FROM event_docs"):
        expect(call("GET", f"/api/events/{ident}", url=s.url).data["version"], int(version))


def test_z_broker_killed_for_good_and_replaced():
    """The development broker keeps its messages in memory: only what was written after counts."""
    s = stack()
    hit("devbroker", signal.SIGKILL)
    becomes("degraded", "kafka", ("down",))
    drained_to = s.sql("SELECT max(pos) FROM outbox")[0][0]
    with Load(s):
        time.sleep(FAULT_S)
        wait_for("messages", lambda: int(s.sql(f"SELECT count(*) FROM outbox WHERE pos > {drained_to}")[0][0]) > 20)
    restart()
    becomes("ok", "kafka", ("up",))
    drained()
    wanted = {r[0] for r in s.sql(f"SELECT id FROM outbox WHERE pos > {drained_to}")}
    got = {m[3]["id"] for messages in delivered(s).values() for m in messages}
    expect((len(wanted) > 20, wanted - got), (True, set()), "what was written while there was no broker")


def test_zz_stack_goes_down_clean():
    if "stack" in _shared:
        expect(_shared["stack"].sql("SELECT * FROM check_invariants()"), [])
        _shared.pop("stack").__exit__()


if __name__ == "__main__":
    try:
        main(globals())
    finally:
        if "stack" in _shared:
            _shared["stack"].__exit__()
