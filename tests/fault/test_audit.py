"""tests/fault/test_audit.py - no answer is older than what was acknowledged; between hosts by cache.l1_ttl at most

T_READS: how many reads. A second host is a second stack on the first one's database and memcached: it has shared
memory of its own, so that its bumps do not reach the first. That is also the control of the first test.
"""
import contextlib
import os
import re
import signal
import socket
import time

from api import Stack, call, expect, main
from audit import Audit
from harness import long_or, namespace, setting


LIVES = 3.0  # seconds: several lives of the longest copy


@contextlib.contextmanager
def second_host(stack):
    with Stack("\n".join(f"{name} = {setting(stack, name)}" for name in ("db.dsn", "cache.servers")), workers=2) as s:
        # It serves the stack's own database: what it tells this host's shared memory is not so.
        os.kill(s.pid("notifier"), signal.SIGKILL)
        time.sleep(1)
        yield s


def no_copies(stack):
    stack.reconfigure("cache.l1_ttl = 0")


def l1_hits(url):
    return int(re.search(r"(?m)^cache_l1_hits_total (\d+)", call("GET", "/metrics", url=url).body.decode())[1])


def expect_right(audit):
    expect(audit.wrong[:10], [], f"{len(audit.wrong)} wrong answers of {audit.reads}")
    expect(audit.edits > 20, True, f"writers at work: {audit.edits}")


def test_one_host_shows_no_past():
    with Stack(workers=4) as s:
        expect_right(Audit(s.url, s.url).run(long_or("T_READS", 4000)))
        expect(l1_hits(s.url) > 100, True, "the copies are used")
        expect_right(Audit(s.url, s.url, pages=True).run(long_or("T_READS", 4000)))
        memcached_holds_no_past(s)


def test_two_hosts_by_the_life_of_a_copy():
    with Stack("cache.l1_ttl = 200ms", workers=2) as a, second_host(a) as b:
        reads = long_or("T_READS", 4000) // 4
        audit = Audit(a.url, b.url, slack=0.2).run(reads, LIVES)
        expect_right(audit)
        expect(audit.old > 0, True, "without bumps the copies are old: what the first test would see")
        audit = Audit(a.url, b.url, slack=0.2, pages=True).run(reads, LIVES)
        expect_right(audit)
        expect(audit.old > 0, True, "and so are pages")
        audit = Audit(b.url, a.url, slack=0.2).run(reads, LIVES)
        expect(len(audit.wrong) > 0, True, "a shorter life promised than kept is noticed")
        no_copies(a)
        expect_right(Audit(a.url, b.url).run(reads, LIVES))


def memcached_holds_no_past(stack):
    """The same in memcached itself: after a write is acknowledged there is nothing, or what it wrote."""
    audit = Audit(stack.url, stack.url, events=2)
    space = namespace(stack)
    found, filled = {"written": [], "read": []}, 0
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(setting(stack, "cache.servers"))
        for n in range(100):
            for e in audit.events:
                version = audit.host.patch(f"/api/events/{e}", {"title": f"Time {n}"}).data["version"]
                found["written"].append((held(line, f"{space}:event:{e}") or version) - version)
                expect(call("GET", f"/api/events/{e}", url=stack.url).data["version"], version, "what a reader gets")
                found["read"].append((held(line, f"{space}:event:{e}") or version) - version)
                filled += held(line, f"{space}:event:{e}") is not None
    expect({k: set(v) for k, v in found.items()}, {"written": {0}, "read": {0}}, "how much older")
    expect(filled > 10, True, f"readers fill: {filled}")
    expect(namespace(stack), space, "looked at in the right place")


def held(line, key):
    """The version of what memcached holds under this key, or None."""
    line.sendall(f"get {key}\r\n".encode())
    text = b""
    while not text.endswith(b"END\r\n"):
        text += line.recv(65536)
    found = re.search(rb'"version":(\d+)', text)
    return found and int(found[1])


if __name__ == "__main__":
    main(globals())
