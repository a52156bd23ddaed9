"""tests/fault/test_herd.py - many ask at one moment for what nobody holds: the database is asked once, or twice

T_HERDS: how many times 500 clients come at once.
"""
import collections
import re
import time

from api import Stack, call, expect, in_threads, instant, main, person, unique, volley
from harness import long_or

CLIENTS = 500


def statements(url):
    """How often each statement has been run."""
    text = call("GET", "/metrics", url=url).body.decode()
    found = re.findall(r'(?m)^postgres_query_duration_seconds_count\{query="(\w+)"\} (\d+)', text)
    return collections.Counter({name: int(n) for name, n in found})


def herd(stack, ident):
    """Reads of the event and of its counts that one herd costs."""
    before = statements(stack.url)
    began = time.monotonic()
    answers = volley([("GET", f"/api/events/{ident}", None, None, None)] * CLIENTS, stack.url)
    expect({(a.status, a.data and a.data["version"]) for a in answers}, {(200, 1)})
    after = statements(stack.url) - before
    # counts live for one second of memcached's clock: a slow herd sees them run out
    return after["EVENTS_GET"], after["EVENT_STATS"], int(time.monotonic() - began) + 1


def expect_few(name, costs):
    """Reads of the event, two a herd; of its counts, two for each second that it took."""
    events, counts, seconds = (sum(c) for c in zip(*costs))
    print(f"  {name}: {len(costs)} herds of {CLIENTS}: {events} reads of the event, {counts} of its counts")
    expect((events <= 2 * len(costs), counts <= 2 * (seconds + len(costs))), (True, True), f"{name} {costs}")


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
    with Stack(workers=8) as s:
        herds(s, "with copies", n)
        s.reconfigure("cache.l1_ttl = 0")
        herds(s, "leases alone", n)
        s.reconfigure("cache.servers =")
        events, _, _ = herd(s, new_event(s, person("Host", s.url)))
        expect(events, CLIENTS, "control: without a cache everybody asks")


if __name__ == "__main__":
    main(globals())
