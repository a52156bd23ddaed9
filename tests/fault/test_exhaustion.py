"""tests/fault/test_exhaustion.py - descriptors, connections, room in the backlog run out and come back

Whoever cannot be served is told 503 and when to come again; nobody hangs, nothing is lost, and when there is enough
again everybody is served, by the same workers. T_REQUESTS: after so many no descriptor may be left open.
"""
import collections
import contextlib
import os
import resource
import signal
import socket
import subprocess

from api import call, event, expect, in_threads, main, person, wait_for
from harness import FaultStack, busy, long_or

REQUESTS = long_or("T_REQUESTS", 300)
SETTINGS = "limits.enabled = off\ncache.l1_ttl = 0\n"


def ask(s, host, ev, n):
    """A read past the cache or a change: its status, or what is wrong with the answer."""
    if n % 4 == 0:
        a = host.patch(f"/api/events/{ev}", {"title": f"Title {n}"})
    else:
        a = call("GET", f"/api/events/{ev}?fresh=1", url=s.url)
    if a.status == 503 and not a.header("Retry-After"):
        return f"503 without Retry-After: {a}"
    return a.status


def crowd(s, host, ev, n):
    return collections.Counter(in_threads(lambda i: ask(s, host, ev, i), n, 16))


def everybody_served(s, host, ev):
    wait_for("everybody to be served", lambda: set(crowd(s, host, ev, 48)) == {200}, 60)
    s.expect_sound()


def test_connections_of_postgresql():
    with FaultStack(SETTINGS + "cache.servers =", workers=6) as s:
        host = person("Host", s.url)
        ev, workers = event(host)["id"], s.worker_pids()
        s.sql_super("ALTER ROLE marquee_web CONNECTION LIMIT 3; "
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'marquee_web'")
        count = collections.Counter()
        wait_for("some to be refused", lambda: count.update(crowd(s, host, ev, 48)) or count[503] > 0, 60)
        expect(set(count) <= {200, 503}, True, f"{count}")
        s.sql_super("ALTER ROLE marquee_web CONNECTION LIMIT -1")
        everybody_served(s, host, ev)
        expect(s.worker_pids(), workers, "the same workers")


def descriptors(pid):
    return {int(n) for n in os.listdir(f"/proc/{pid}/fd")}


def limit(pid, n):
    """Nobody may set limits of other users' processes here, not even root."""
    owner = os.stat(f"/proc/{pid}")
    who = ["setpriv", f"--reuid={owner.st_uid}", f"--regid={owner.st_gid}", "--clear-groups"]
    subprocess.run([*(who if os.getuid() != owner.st_uid else []), "prlimit", "--pid", str(pid), f"--nofile={n}:"], check=True)


def test_descriptors_of_workers():
    with FaultStack(SETTINGS, workers=4) as s:
        host = person("Host", s.url)
        ev, workers = event(host)["id"], s.worker_pids()
        everybody_served(s, host, ev)
        for _ in range(REQUESTS // 48):  # every worker has opened what it keeps
            crowd(s, host, ev, 48)
        wait_for("no request under way", lambda: busy(s) == 0)
        before = {pid: descriptors(pid) for pid in workers}
        for _ in range(REQUESTS // 48):
            crowd(s, host, ev, 48)
        # a worker closes its connection when the answer has arrived already
        wait_for("no descriptor to be left open", lambda: {pid: descriptors(pid) for pid in workers} == before)
        for pid in workers:  # not one for the next request: the lowest that is free is too high
            limit(pid, min(set(range(512)) - descriptors(pid)))
        expect(set(crowd(s, host, ev, 48)), {503}, "refused, and told so")
        for pid in workers:
            limit(pid, 512)
        everybody_served(s, host, ev)
        expect(s.worker_pids(), workers, "the same workers")


def test_connections_of_memcached():
    with FaultStack(SETTINGS, workers=4) as s:
        host = person("Host", s.url)
        ev, held = event(host)["id"], []
        with contextlib.suppress(OSError):
            for _ in range(2000):  # it takes 512, the others wait in its queue
                held.append(socket.socket(socket.AF_UNIX))
                held[-1].settimeout(0.2)
                held[-1].connect(s.run + "/app/memcached.sock")
        expect(len(held) > 512, True, "the control: its connections did run out")
        os.kill(s.worker_pids()[0], signal.SIGTERM)
        s.wait_workers()
        expect(set(crowd(s, host, ev, 96)), {200}, "the cache is not needed")
        for c in held:
            c.close()
        everybody_served(s, host, ev)


def waiting(s):
    """Connections in the backlog of the workers' socket."""
    rows = subprocess.run(["ss", "-Hxl"], check=True, stdout=subprocess.PIPE, text=True).stdout.split("\n")
    return sum(int(row.split()[2]) for row in rows if f"{s.run}/app/fcgi" in row)


def queue_up(s, path, n):
    """n requests while no worker takes any, then all of their statuses."""
    for pid in s.worker_pids():
        os.kill(pid, signal.SIGSTOP)
    clients = []
    for _ in range(n):
        clients.append(socket.create_connection(("127.0.0.1", int(s.url.rsplit(":", 1)[1])), 60))
        clients[-1].sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
    wait_for("all to wait", lambda: waiting(s) >= min(n, int(s.env.get("DEV_BACKLOG", n))))
    for pid in s.worker_pids():
        os.kill(pid, signal.SIGCONT)
    statuses = collections.Counter()
    for c in clients:
        with c, c.makefile("rb") as answer:
            statuses[int(answer.readline().split()[1])] += 1
    return statuses


def test_backlog_of_the_socket():
    """It holds all that the web server can have open; a full one makes it answer 500, as the control shows."""
    many = 1100
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * many, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    for backlog, found in (({}, False), ({"DEV_BACKLOG": "8"}, True)):
        with FaultStack(SETTINGS, workers=4, **backlog) as s:
            host = person("Host", s.url)
            ev, workers = event(host)["id"], s.worker_pids()
            count = queue_up(s, f"/api/events/{ev}", many)
            expect((bool(set(count) - {200, 503}), count[200] > 0), (found, True), f"{backlog}: {count}")
            everybody_served(s, host, ev)
            expect(s.worker_pids(), workers, "the same workers")


if __name__ == "__main__":
    main(globals())
