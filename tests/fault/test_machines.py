"""tests/fault/test_machines.py - two hosts, primary and replica, two memcacheds, two notifiers: what each
reader is promised, and what is left when each of them is killed while clients read and write.

T_MACHINES_S is how long each state of a fault lasts; the primary's end and the replica's promotion come
last, since nothing leads back from them."""
import collections
import os
import re
import signal
import threading
import time

from api import call, expect, instant, main, person, unique, wait_for
from machines import Site

FAULT_S = float(os.environ.get("T_MACHINES_S", "1"))
ROUNDS = 1 if FAULT_S < 5 else 5
_shared = {}
LIMITS = "db.read_timeout = 5s\nlimits.enabled = on\nlimits.hosts = 2\nlimits.create = 6\n" + "".join(
    f"limits.{name} = 10000000\n" for name in ("browse", "register", "search", "login", "write", "overall"))


def site():
    """Host a believes a replica that lags by up to 30 s, host b one that lags by up to 5 s."""
    if "tried" not in _shared:
        _shared["tried"] = True  # what cannot be built once is not tried again by every test
        _shared["site"] = Site(LIMITS + "db.read_lag = 30s", "db.read_lag = 5s").__enter__()
    if "site" not in _shared:
        raise AssertionError("there is no site: see the first test")
    s = _shared["site"]
    if not _shared.get("promoted"):
        s.caught_up()
    return s


def metric(url, line):
    text = call("GET", "/metrics", url=url).body.decode()
    return int(re.search(rf"(?m)^{re.escape(line)} (\d+)$", text).group(1))


def from_replica(url):
    return metric(url, 'list_reads_total{from="replica"}')


def new_event(host, url, **more):
    a = call("POST", "/api/events", {"title": unique("Machine "), "start_date": instant(), **more}, host.token, url=url)
    assert a.status == 201, a
    return a


def listed(host, url, **headers):
    """Titles of host's events by version, as a list shows them to somebody with these headers."""
    a = call("GET", f"/api/events?host_id={host.id}&limit=100", None, headers.pop("token", None), headers, url)
    assert a.status == 200, a
    return {e["id"]: e["version"] for e in a.data}


class Paused:
    """The replica receives but does not replay."""

    def __init__(self, s):
        self.s = s

    def __enter__(self):
        self.s.sql_replica("SELECT pg_wal_replay_pause()")
        wait_for("replay to pause", lambda: self.s.sql_replica("SELECT pg_get_wal_replay_pause_state()") == [["paused"]])

    def __exit__(self, *_):
        self.s.sql_replica("SELECT pg_wal_replay_resume()")
        self.s.caught_up()


# ---- reading from the replica ----
def test_a_lists_come_from_the_replica():
    s = site()
    host = person("Host", s.url)
    a = new_event(host, s.url)
    s.caught_up()
    for url in (s.url, s.url_b):
        wait_for("the replica to be believed", lambda: call("GET", "/health", url=url).json["dependencies"]["replica"] == "up")
        before = from_replica(url)
        answer = call("GET", f"/api/events?host_id={host.id}&count=exact", url=url)
        expect([e["id"] for e in answer.data], [a.data["id"]])
        expect(from_replica(url) - before, 2, "a list and its count")
        expect(answer.statements, 2, "no trip more than without")
        mine = call("GET", "/api/events/my", None, host.token, url=url)
        expect(([e["id"] for e in mine.data], from_replica(url) - before), ([a.data["id"]], 3), "my")


def test_b_everybody_sees_what_they_wrote():
    """While replay stands still: by header, by cookie, by this host's memory. Without any of them the
    past is shown, which proves that it is these that help (and that the list came from the replica)."""
    s = site()
    host = person("Host", s.url_b)
    with Paused(s):
        a = new_event(host, s.url_b)
        ident, lsn, cookie = a.data["id"], a.header("Marquee-Lsn"), a.header("Set-Cookie")
        expect(bool(re.fullmatch(r"[0-9A-F]{1,8}/[0-9A-F]{1,8}", lsn)), True, lsn)
        expect(cookie, f"marquee_lsn={lsn}; Path=/; Max-Age=60; HttpOnly; SameSite=Lax")
        expect(ident in listed(host, s.url), False, "control: somebody else sees the past")
        expect(ident in listed(host, s.url, token=host.token), False, "control: the other host cannot know")
        expect(ident in listed(host, s.url, **{"Marquee-Lsn": lsn}), True, "by header")
        expect(ident in listed(host, s.url, Cookie=f"x=1; marquee_lsn={lsn}"), True, "by cookie")
        for bad in ("0/0", "x", "1/2/3", "123456789/0", "a/b", "", "/", "0/"):
            expect(ident in listed(host, s.url, **{"Marquee-Lsn": bad}), False, f"{bad!r} says nothing")
        # The host that took the write remembers it, whatever the client sends.
        there = new_event(host, s.url).data["id"]
        expect(there in listed(host, s.url, token=host.token), True, "by the host's memory")
        # Nothing of this is in the cache: it was filled from the primary.
        for url in (s.url, s.url_b):
            expect(call("GET", f"/api/events/{ident}", url=url).status, 200, "one event is always of now")
    expect(ident in listed(host, s.url), True, "and later everybody")


def test_c_a_replica_that_lags_is_not_read():
    s = site()
    host = person("Host", s.url)
    with Paused(s):
        ident = new_event(host, s.url).data["id"]
        wait_for("host b to turn away", lambda: ident in listed(host, s.url_b))
        expect(ident in listed(host, s.url), False, "host a may wait longer")
        wait_for("health to tell", lambda: call("GET", "/health", url=s.url_b).json["dependencies"]["replica"] != "up")
    wait_for("host b to come back", lambda: call("GET", "/health", url=s.url_b).json["dependencies"]["replica"] == "up")


# ---- what hosts share ----
def test_d_a_revocation_is_heard_on_the_other_host():
    s = site()
    for here, there in ((s.url, s.url_b), (s.url_b, s.url)):
        who = person("Gone", here)
        for _ in range(4):
            expect(call("GET", "/api/users/profile", None, who.token, url=there).status, 200)
        expect(call("POST", "/auth/logout", {}, who.token, url=here).status, 200)
        began = time.monotonic()
        wait_for("the other host to refuse", lambda: call("GET", "/api/users/profile", None, who.token, url=there).status == 401)
        print(f"revoked on the other host after {time.monotonic() - began:.2f} s")


def test_e_limits_are_divided():
    s = site()
    who = person("Busy", s.url)
    said = collections.Counter()
    for url in (s.url, s.url_b):
        for _ in range(5):
            a = call("POST", "/api/events", {"title": "Again", "start_date": instant()}, who.token, url=url)
            said[url, a.status] += 1
    expect(dict(said), {(u, st): n for u in (s.url, s.url_b) for st, n in ((201, 3), (429, 2))})


# ---- clients ----
class Writer(threading.Thread):
    """A host of an event and two guests, readers of lists too. A web host that has failed one of the
    writers is left out by all of them, as a load balancer would do, until the test says otherwise."""

    def __init__(self, s, number, down):
        super().__init__(daemon=True)
        self.all, self.down = [s.url, s.url_b] if number % 2 else [s.url_b, s.url], down
        self.host = person("Host", self.all[0])
        self.guests = [person(f"Guest {i}", self.all[0]) for i in range(2)]
        self.event = new_event(self.host, self.all[0], max_attendees=1).data["id"]
        self.version, self.lsn, self.answers, self.unsure = 1, "", {}, set()
        self.statuses, self.wrong, self.running = collections.Counter(), [], True

    def urls(self):
        return [u for u in self.all if u not in self.down] or self.all

    def ask(self, who, method, path, body=None, url=None, **headers):
        """The answer, or None when this host could not give one. Of a worker that died under a request
        lighttpd says 500, without the number that every answer of a worker has."""
        url = url or self.urls()[0]
        if self.lsn:
            headers["Marquee-Lsn"] = self.lsn
        try:
            a = call(method, path, body, who and who.token, headers, url, timeout=30)
        except OSError:
            a = None
        self.statuses[a.status if a else 0] += 1
        if a is not None and a.status == 500 and (a.json is None or a.json["request_id"]):
            self.wrong.append(f"{method} {path}: {a}")
        if a is None or a.status >= 500:
            self.down.add(url)
            time.sleep(0.05)
            return None
        if a.status not in (200, 201):
            self.wrong.append(f"{method} {path}: {a}")
        if a.header("Marquee-Lsn"):
            self.lsn = a.header("Marquee-Lsn")
        return a

    def run(self):
        step = 0
        while self.running:
            step += 1
            time.sleep(0.02)  # other things are to happen too
            try:
                self.edit(step)
                self.answer(self.guests[step % 2], "going" if step % 3 else "not_going")
            except Exception as e:  # told below
                self.wrong.append(repr(e))
                time.sleep(0.1)

    def edit(self, step):
        path, here = f"/api/events/{self.event}", self.urls()[0]
        a = self.ask(self.host, "PATCH", path, {"title": f"Step {step}"}, here)
        if a is None:
            return
        self.version = a.data["version"]
        seen = self.ask(None, "GET", path, url=here)
        if seen and seen.data["version"] < self.version:
            self.wrong.append(f"stale: version {seen.data['version']} after {self.version}")
        for url in self.urls():
            shown = self.ask(None, "GET", f"/api/events?host_id={self.host.id}", url=url)
            if shown and (not shown.data or shown.data[0]["version"] < self.version):
                self.wrong.append(f"stale list: {[e['version'] for e in shown.data]} after {self.version}")

    def answer(self, guest, status):
        a = self.ask(guest, "POST", f"/api/events/{self.event}/rsvp", {"status": status}, **{"Idempotency-Key": unique("k")})
        if a is None:
            self.unsure.add(guest.id)
            return
        self.answers[guest.id] = a.data["status"]
        self.unsure.discard(guest.id)

    def lost(self, sql):
        rows = dict(sql(f"SELECT user_id, rsvp_status(state) FROM rsvps WHERE event_id = '{self.event}'"))
        version = int(sql(f"SELECT version FROM events WHERE id = '{self.event}'")[0][0])
        gone = [f"version {version} after {self.version}"] if version < self.version else []
        for user, said in self.answers.items():
            if user not in self.unsure and rows.get(user) != said and (said, rows.get(user)) != ("waitlisted", "going"):
                gone.append(f"{said} became {rows.get(user)}")
        return gone


class Load:
    """Four writers while the block runs; at most so many requests may fail, none may be wrong or lost."""

    def __init__(self, s, failures=0, sql=None):
        self.s, self.failures, self.sql = s, failures, sql or s.sql_primary

    def __enter__(self):
        self.down = set()
        self.s.well()
        self.writers = [Writer(self.s, n, self.down) for n in range(4)]
        for w in self.writers:
            w.start()
        time.sleep(FAULT_S)
        return self

    def done(self):
        return sum((collections.Counter(dict(w.statuses)) for w in self.writers), collections.Counter())

    def more(self, n=40):
        """n requests more are answered."""
        goal = self.done()[200] + n
        wait_for(f"{n} answers", lambda: self.done()[200] >= goal)

    def __exit__(self, kind, *_):
        for w in self.writers:
            w.running = False
        for w in self.writers:
            w.join()
        said = self.done()
        print(f"load: {dict(said)}")
        if kind:
            return
        expect([t for w in self.writers for t in w.wrong][:5], [], "wrong")
        expect([t for w in self.writers for t in w.lost(self.sql)][:5], [], "acknowledged and lost")
        failed = sum(n for status, n in said.items() if status == 0 or status >= 500)
        expect(failed <= self.failures, True, f"{failed} requests failed, {self.failures} were under way")
        expect(self.sql("SELECT * FROM check_invariants() WHERE invariant NOT LIKE 'I12%'"), [], "invariants")


# ---- one after the other ----
def test_f_each_memcached():
    s = site()
    for cache in s.cache:
        with Load(s) as load:
            cache.kill(signal.SIGSTOP)
            load.more()
            time.sleep(FAULT_S)
            cache.kill(signal.SIGCONT)  # what it holds is old now
            load.more()
            cache.kill()
            load.more()
            cache.restart()
            load.more()


def test_g_the_replica():
    s = site()
    with Load(s) as load:
        s.replica.kill(signal.SIGSTOP)
        load.more()
        s.replica.kill(signal.SIGCONT)
        load.more()
        s.replica.kill()
        load.more()
        time.sleep(FAULT_S)
        s.replica.restart()
        before = from_replica(s.url_b)
        wait_for("lists from the replica again", lambda: from_replica(s.url_b) > before)


def locks(s):
    """Shards that are led by somebody."""
    return int(s.sql_primary("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 7001 AND granted")[0][0])


def sent(s):
    return int(s.sql_primary("SELECT sum(sent) FROM relay")[0][0])


def pending(sql):
    return int(sql("SELECT pending FROM outbox_backlog()")[0][0])


def drained(sql):
    wait_for("the outbox to drain", lambda: pending(sql) == 0)


def test_h_each_notifier():
    s = site()
    with Load(s) as load:
        for kill, again in ((lambda: os.kill(s.pid("notifier"), signal.SIGKILL), lambda: s.dev("up", "--no-demo", "--quiet")),
                            (s.notifier_b.kill, s.notifier_b.restart)) * ROUNDS:
            kill()
            load.more()
            wait_for("the other to lead all shards", lambda: locks(s) == 4)
            before = sent(s)
            wait_for("the other to send", lambda: sent(s) > before)
            again()
    drained(s.sql_primary)


def test_i_each_pool_of_workers():
    """Four clients: four requests under way in a pool that dies at one moment, and as many begun before
    the first of them knew."""
    s = site()
    with Load(s, failures=8) as load:
        s.workers_b.kill()
        load.more()
        s.workers_b.restart()
        s.well()
        load.down.clear()
        load.more()
    with Load(s, failures=8) as load:
        s.kill_workers_a()
        load.more()
        s.dev("up", "--no-demo", "--quiet")
        s.well()
        load.down.clear()
        load.more()


# ---- the end of the primary ----
def delivered():
    """Ids of all messages that the broker holds."""
    found = set()
    for topic in ("events", "notifications"):
        text = _shared["site"].dev("kcat", "-C", "-t", topic, "-e", "-q", "-o", "beginning", "-f", "%h\n")
        found |= {dict(h.split("=", 1) for h in line.split(","))["id"] for line in text.splitlines()}
    return found


def namespace(sql):
    return sql("SELECT cache_namespace()")[0][0]


def sql_second(text):
    return _shared["site"].sql_at("/pg2", text)


def test_y_the_primary_dies_and_the_replica_takes_over():
    s = site()
    s.synchronous(True)
    os.kill(s.pid("notifier"), signal.SIGKILL)  # its machine goes down too: b takes over
    before, count = namespace(s.sql_primary), 0
    with Load(s, failures=10 ** 9, sql=sql_second) as load:
        load.more()
        for url in (s.url, s.url_b):
            wait_for("what can be read without a database", lambda url=url: call("GET", "/api/categories", url=url).statements == 0)
        os.kill(s.pid("postgresql"), signal.SIGQUIT)
        wait_for("the primary to be gone", lambda: call("GET", "/readyz", url=s.url).status == 503)
        time.sleep(FAULT_S)
        for url in (s.url, s.url_b):
            expect(call("GET", "/api/categories", url=url).status, 200, "what is cached is still read")
            a = load.writers[0].host
            a = call("PATCH", f"/api/events/{load.writers[0].event}", {"title": "Now?"}, a.token, url=url)
            expect((a.status, a.code, bool(a.header("Retry-After"))), (503, "UNAVAILABLE", True))
        sql_second("SELECT pg_promote()")
        _shared["promoted"] = True
        sql_second("ALTER SYSTEM SET synchronous_standby_names = ''")
        sql_second("SELECT pg_reload_conf()")
        s.well()
        load.down.clear()
        for w in load.writers:
            count += w.statuses[503]
            w.statuses[503] = w.statuses[500] = 0
        load.more(100)
        for w in load.writers:
            expect(w.statuses[500], 0, "no other errors")
    print(f"{count} requests were refused meanwhile")
    expect(namespace(sql_second) == before, False, f"the cache's namespace knows the new timeline: {before}")
    drained(sql_second)
    wanted = {r[0] for r in sql_second("SELECT id FROM outbox")}
    expect((len(wanted) > 100, sorted(wanted - delivered())[:5]), (True, []), f"messages lost of {len(wanted)}")
    expect(sql_second("SELECT count(*) FROM relay WHERE next_snap IS NOT NULL"), [["0"]])
    for ident, version in sql_second("SELECT event_id, version FROM event_docs"):
        for url in (s.url, s.url_b):
            wait_for("no cache to know better", lambda: call("GET", f"/api/events/{ident}", url=url).data["version"] == int(version))


def test_zz_all_goes_down_clean():
    if "site" in _shared:
        expect(sql_second("SELECT * FROM check_invariants()"), [])
        _shared.pop("site").__exit__(None, None, None)


if __name__ == "__main__":
    try:
        main(globals())
    finally:
        if "site" in _shared:
            _shared["site"].__exit__(None, None, None)
