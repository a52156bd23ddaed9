"""tests/fault/test_clock.py - the clock of a host is set an hour ahead, back, an hour behind, or stands still

As when somebody sets the date, the monotonic clock goes on; the database's clock is right. Time-outs, limits and
copies take no notice; tokens are judged by the worker's clock, events by the database's.
"""
import contextlib
import datetime
import os
import re
import shutil
import signal
import socket
import struct
import tempfile
import threading
import time

from api import call, event, expect, expect_status, instant, person, rsvp, wait_for
from harness import Session, built, main, shared

HOUR, ACCESS_S, LEEWAY_S, LIMIT, DEADLINE_S = 3600, 900, 60, 12, 5
STILL = "still"
MOVES = (HOUR, 0, -HOUR, STILL, 0)
SETTINGS = f"""limits.enabled = on
limits.write = {LIMIT}
limits.browse = 100000
limits.create = 1000
limits.register = 1000
limits.login = 1000
auth.access_ttl = {ACCESS_S}s
db.statement_timeout = {DEADLINE_S}s
"""


class Clock:
    """What fakeclock.c shows to workers and notifier."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="marquee-clock.")
        os.chmod(self.folder, 0o755)
        self.path = self.folder + "/plan"
        with open(self.path, "wb") as f:
            f.write(bytes(16))
        self.environment = {"LD_PRELOAD": built("fakeclock.so"), "FAKECLOCK_PLAN": self.path,
                            "FAKECLOCK_FOR": "marquee.fcgi marquee-notifier"}

    def move(self, to):
        """Seconds ahead of the real time, or STILL: it stands where that is."""
        numbers = (0, time.time_ns()) if to == STILL else (to * 10**9, 0)
        with open(self.path, "r+b") as f:
            f.write(struct.pack("qq", *numbers))


_clock = []


def site():
    """The stack of all tests, and its clock, which is right at first."""
    if not _clock:
        _clock.append(Clock())
    s, clock = shared(settings=SETTINGS, workers=1, **_clock[0].environment), _clock[0]
    clock.move(0)
    return s, clock


def at(a):
    """The worker's clock when it made the answer."""
    return datetime.datetime.fromisoformat(a.json["timestamp"].replace("Z", "+00:00")).timestamp()


def test_control_the_clock_moves():
    s, clock = site()
    for move in MOVES:
        clock.move(move)
        first = at(call("GET", "/api/nothing", url=s.url))
        off = first - time.time()
        expect(abs(off - (0 if move == STILL else move)) < 60, True, f"{move}: off by {off} s")
        time.sleep(1.1)
        expect(at(call("GET", "/api/nothing", url=s.url)) == first, move == STILL, f"{move}: it stands still")
    for pid in [*s.worker_pids(), s.pid("notifier")]:
        with open(f"/proc/{pid}/maps", encoding="utf-8") as f:
            expect("fakeclock" in f.read(), True, "in the program")


def test_ids_only_grow():
    s, clock = site()
    workers, ids, times = s.worker_pids(), [], []
    for move in MOVES:
        clock.move(move)
        for _ in range(20):
            a = call("GET", "/api/nothing", url=s.url)
            ids.append(a.header("X-Request-Id"))
            times.append(at(a))
    expect([(a, b) for a, b in zip(ids, ids[1:]) if a >= b], [], "out of order")
    expect(times == sorted(times), False, "the control: the times are")
    expect(s.worker_pids(), workers, "one process made them")


def profile(who):
    return who.get("/api/users/profile").status


def test_tokens_by_the_clock_of_the_worker():
    s, clock = site()
    who = person("Somebody", s.url)
    for move, status in ((ACCESS_S - 30, 200), (ACCESS_S + LEEWAY_S - 15, 200), (ACCESS_S + LEEWAY_S + 1, 401), (HOUR, 401),
                         (0, 200), (15 - LEEWAY_S, 200), (-LEEWAY_S - 15, 401), (-HOUR, 401), (STILL, 200), (0, 200)):
        clock.move(move)
        expect(profile(who), status, f"a new token, the clock at {move}")
    clock.move(HOUR)
    ahead = who.login()
    expect(profile(ahead), 200, "made by this clock")
    clock.move(0)
    expect(profile(ahead), 401, "not made yet")
    a = call("POST", "/auth/refresh", {"refresh_token": ahead.refresh_token}, url=s.url)
    expect_status(a, 200, "the way out")
    ahead.token = a.data["token"]
    expect(profile(ahead), 200, "refreshed")


def test_revoked_stays_revoked():
    """By this host, and by another, of which the database tells."""
    s, clock = site()
    for move in (HOUR, -HOUR, STILL):
        clock.move(move)
        who, other = person("Somebody", s.url), person("Another", s.url)
        expect((profile(who), profile(other)), (200, 200), "signed in")
        expect_status(who.post("/auth/logout"), 200, "logout")
        expect(profile(who), 401, f"revoked, the clock at {move}")
        s.sql("INSERT INTO revocations (kind, id, epoch, expires_at) "
              f"VALUES ('user', '{other.id}', 1000000, now() + interval '1 day')")
        wait_for(f"another host's word, the clock at {move}", lambda other=other: profile(other) == 401)
        for later in MOVES:
            clock.move(later)
            expect((profile(who), profile(other)), (401, 401), f"still, the clock from {move} to {later}")


def change(who, n):
    return who.patch("/api/users/profile", {"name": f"Name {n}"})


def test_limits_neither_open_nor_lock_out():
    s, clock = site()
    who, left, signed_in = person("Somebody", s.url), [], {}
    for move in MOVES:
        clock.move(move)
        signed_in[move] = who.login()
    for n in range(LIMIT):
        move = MOVES[n % len(MOVES)]
        clock.move(move)
        a = change(signed_in[move], n)
        expect_status(a, 200, f"change {n}")
        left.append(int(re.search(r"r=(\d+)", a.header("RateLimit"))[1]))
    expect(left, list(range(LIMIT - 1, -1, -1)), "what is left")
    for move in MOVES:
        clock.move(move)
        a = change(signed_in[move], 0)
        expect_status(a, 429, f"used up, the clock at {move}")
        expect(1 <= int(a.header("Retry-After") or 0) <= HOUR, True, f"Retry-After: {a.header('Retry-After')}")


def tell(pids, what):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):  # one that was given up the last time goes when it notices
            os.kill(pid, what)


def test_deadlines():
    """A database that hangs is given up when the time is over: not before, and not an hour later."""
    s, clock = site()
    ev = event(person("Host", s.url))["id"]
    workers = s.worker_pids()

    def fresh():
        return call("GET", f"/api/events/{ev}?fresh=1", url=s.url)
    for move in (HOUR, -HOUR, STILL):
        clock.move(0)
        wait_for("an answer", lambda: fresh().status == 200)
        backends = [int(p) for p, in s.sql("SELECT pid FROM pg_stat_activity WHERE usename = 'marquee_web'")]
        hanging = [s.pid("postgresql"), *backends]  # the first so that no new one answers, should the worker have asked by itself
        tell(hanging, signal.SIGSTOP)
        threading.Timer(DEADLINE_S / 2, clock.move, (move,)).start()
        began = time.monotonic()
        a = fresh()
        waited = time.monotonic() - began
        tell(hanging, signal.SIGCONT)
        expect_status(a, 503, f"set to {move} meanwhile")
        expect(waited >= DEADLINE_S, True, f"given up after {waited} s")
        wait_for(f"the database to be back, the clock at {move}", lambda: fresh().status == 200)
    expect(s.worker_pids(), workers, "the same worker")


def memcached(s, command):
    with socket.socket(socket.AF_UNIX) as c:
        c.connect(s.run + "/app/memcached.sock")
        c.sendall(command.encode() + b"\r\n")
        expect(c.makefile().readline(), "OK\n", command)


def test_cache_is_left_alone_and_comes_back():
    s, clock = site()
    ev = event(person("Host", s.url))["id"]

    def state():
        return call("GET", "/health", url=s.url).json["dependencies"]["cache"]
    for move in (HOUR, -HOUR, STILL):
        clock.move(0)
        os.kill(s.pid("memcached"), signal.SIGSTOP)
        wait_for("the cache to be missed", lambda: state() != "up")
        clock.move(move)
        expect(call("GET", f"/api/events/{ev}", url=s.url).status, 200, "without it")
        os.kill(s.pid("memcached"), signal.SIGCONT)
        wait_for(f"the cache to be back, the clock at {move}", lambda: state() == "up")


def test_own_copies_end():
    """What another host changes is seen: the worker's copy ends although no generation moves."""
    s, clock = site()
    ev = event(person("Host", s.url), title="Version 0")["id"]

    def read():
        return call("GET", f"/api/events/{ev}", url=s.url)

    def rename(old, new):
        s.sql(f"UPDATE event_docs SET doc = replace(doc, 'Version {old}', 'Version {new}') WHERE event_id = '{ev}'")
    for n, move in enumerate(MOVES):
        clock.move(move)
        wait_for(f"a copy to be used, the clock at {move}", lambda: "cache;desc=0" in read().header("Server-Timing"))
        rename(n, n + 1)
        memcached(s, "flush_all")
        wait_for(f"a copy to end, the clock at {move}", lambda n=n: read().data["title"] == f"Version {n + 1}")
    rename(len(MOVES), 0)


def test_messages_go_on():
    s, clock = site()
    ev, eyes = event(person("Host", s.url)), Session(s, "marquee_notifier")
    notifier = s.pid("notifier")

    def sent():
        return int(eyes.ask("SELECT sum(sent) FROM marquee.relay")[0][0])
    for move in MOVES:
        clock.move(move)
        before = sent()
        expect(rsvp(person("Guest", s.url), ev).status in (200, 201), True, f"the clock at {move}")
        wait_for(f"messages, the clock at {move}", lambda before=before: sent() > before)
    eyes.close()
    expect(s.pid("notifier"), notifier, "the same notifier")


def test_events_by_the_clock_of_the_database():
    s, clock = site()
    host = person("Host", s.url)
    soon, past = instant(0, 0.5), instant(0, -0.5)
    for move in MOVES:
        clock.move(move)
        who = person("Guest", s.url)
        host = host.login()
        ev = event(host, start_date=soon)
        expect(rsvp(who, ev).status in (200, 201), True, f"it has not begun, the clock at {move}")
        a = host.post("/api/events", {"title": "Past", "start_date": past})
        expect_status(a, 422, f"in the past, the clock at {move}")
        expect(list(a.details), ["start_date"], "why")
        s.sql(f"UPDATE event_seats SET closes_at = now() - interval '30 minutes' WHERE event_id = '{ev['id']}'")
        expect_status(rsvp(person("Late", s.url), ev), 409, f"it is over, the clock at {move}")
        s.sql(f"UPDATE event_seats SET closes_at = '{soon}' WHERE event_id = '{ev['id']}'")


def test_all_is_sound():
    s, _ = site()
    s.expect_sound()


if __name__ == "__main__":
    try:
        main(globals())
    finally:
        for left in _clock:
            shutil.rmtree(left.folder)
