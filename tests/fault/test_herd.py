"""tests/fault/test_herd.py - many ask at one moment for what nobody holds: the database is asked once, or twice

T_HERDS: how many times 500 clients come at once.
"""
import collections
import re
import socket
import threading
import time

from api import Stack, call, expect, in_threads, instant, main, person, unique, volley
from harness import long_or, namespace

CLIENTS, WORKERS = 500, 8
STALL_S = 1  # longer no machine takes its time; a lease that is left to run out takes three
WAIT_S = 0.05  # src/cache/cache.c: so long a worker waits for another that is to fill


def statements(url):
    """How often each statement has been run."""
    text = call("GET", "/metrics", url=url).body.decode()
    found = re.findall(r'(?m)^postgres_query_duration_seconds_count\{query="(\w+)"\} (\d+)', text)
    return collections.Counter({name: int(n) for name, n in found})


class Leases(threading.Thread):
    """Looks at keys in memcached for as long as the block lasts: .vain is how many workers may have waited in vain
    for whoever was to fill one. They wait WAIT_S, again and again; on a machine that runs the others that is never."""

    def __init__(self, stack, *keys):
        super().__init__(daemon=True)
        self.keys = {f"{stack.space}:{key}": None for key in keys}  # with the moment since which it has been missing
        self.memcached, self.running, self.vain = stack.run + "/app/memcached.sock", True, 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.running = False
        self.join()

    def run(self):
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(60)
            line.connect(self.memcached)
            while self.running:
                for key in self.keys:
                    self.look(line, key)
                time.sleep(0.001)

    def look(self, line, key):
        asked, text = time.monotonic(), b""
        line.sendall(f"get {key}\r\n".encode())
        while not text.endswith(b"END\r\n"):
            more = line.recv(65536)
            if not more:
                raise ConnectionError("memcached has gone")
            text += more
        if text == b"END\r\n":
            self.keys[key] = asked  # nobody has taken it up yet
        elif text.split(b"\r\n", 1)[1][:1] == b"V" and self.keys[key]:
            self.vain += (WORKERS - 1) * int(min(time.monotonic() - self.keys[key], STALL_S) / WAIT_S)
            self.keys[key] = None


def herd(stack, ident):
    """Reads of the event and of its counts that one herd costs, the seconds it took, and how many were right to ask
    because nobody had filled for long."""
    before = statements(stack.url)
    began = time.monotonic()
    with Leases(stack, f"event:{ident}", f"event:{ident}:stats") as leases:
        answers = volley([("GET", f"/api/events/{ident}", None, None, None)] * CLIENTS, stack.url)
    expect({(a.status, a.data and a.data["version"]) for a in answers}, {(200, 1)})
    after = statements(stack.url) - before
    # counts live for one second of memcached's clock: a slow herd sees them run out
    return after["EVENTS_GET"], after["EVENT_STATS"], int(time.monotonic() - began) + 1, leases.vain


def expect_few(name, costs):
    """Reads of the event, two a herd; of its counts, two for each second that it took."""
    events, counts, seconds, vain = (sum(c) for c in zip(*costs))
    print(f"  {name}: {len(costs)} herds of {CLIENTS}: {events} reads of the event, {counts} of its counts, {vain} for want of an answer")
    expect((events <= 2 * len(costs) + vain, counts <= 2 * (seconds + len(costs)) + vain), (True, True), f"{name} {costs}")


def new_event(stack, host):
    return host.post("/api/events", {"title": unique("Event "), "start_date": instant()}).data["id"]


def warm(stack, host):
    """Every worker has its connections."""
    ident = new_event(stack, host)
    in_threads(lambda _: call("GET", f"/api/events/{ident}?fresh=1", url=stack.url), 200, 16)


def herds(stack, name, n):
    host = person("Host", stack.url)
    warm(stack, host)
    expect_few(f"{name}, not cached", [herd(stack, new_event(stack, host)) for _ in range(n)])
    ident, costs = new_event(stack, host), []
    for _ in range(n + 1):
        costs.append(herd(stack, ident))
        time.sleep(1.1)  # every copy of the counts has run out
    expect(sum(c[0] for c in costs[1:]), 0, "the event itself is still there")
    expect_few(f"{name}, counts run out", costs[1:])


def test_a_herd_asks_the_database_once():
    n = long_or("T_HERDS", 2)
    with Stack(workers=WORKERS) as s:
        s.space = namespace(s)
        herds(s, "with copies", n)
        s.reconfigure("cache.l1_ttl = 0")
        herds(s, "leases alone", n)
        s.reconfigure("cache.servers =")
        events, *_ = herd(s, new_event(s, person("Host", s.url)))
        expect(events, CLIENTS, "control: without a cache everybody asks")


if __name__ == "__main__":
    main(globals())
