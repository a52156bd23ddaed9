"""tests/fault/test_reload.py - web server, workers and notifier are changed under load, and nobody notices (X10)

T_RATE requests per second (500 in the long form), T_PAUSE seconds between two changes.
"""
import collections
import os
import random
import signal
import threading
import time

from api import call, event, expect, people, person
from harness import long_or, main, shared

RATE, PAUSE = long_or("T_RATE", 60), float(os.environ.get("T_PAUSE", "0.7"))
ROUNDS = long_or("T_ROUNDS", 1)
SERVERS = {"lighttpd": signal.SIGUSR1, "nginx": signal.SIGHUP, "apache": signal.SIGUSR1}


class Load:
    """Requests at a fixed rate, whatever becomes of them: reads, and answers to events."""

    def __init__(self, stack, threads=16):
        self.url, self.statuses, self.failed, self.running = stack.url, collections.Counter(), [], True
        host = person("Host", stack.url)
        self.events = [event(host)["id"] for _ in range(4)]
        self.people = people(threads, stack.url)
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.loop, args=(p, threads / RATE)) for p in self.people]

    def __enter__(self):
        for t in self.threads:
            t.start()
        time.sleep(0.5)
        return self

    def __exit__(self, *_):
        time.sleep(0.5)
        self.running = False
        for t in self.threads:
            t.join()

    def loop(self, who, every):
        at = time.monotonic() + random.random() * every
        while self.running:
            time.sleep(max(0, at - time.monotonic()))
            at += every
            self.one(who)

    def one(self, who):
        where = f"/api/events/{random.choice(self.events)}"
        try:
            if random.random() < 0.8:
                a = call("GET", where, None, None, None, self.url, timeout=30)
            else:
                a = call("POST", where + "/rsvp", {"status": random.choice(("going", "maybe", "not_going"))},
                         who.token, None, self.url, timeout=30)
            word, good = a.status, a.status in (200, 201)
        except (OSError, ValueError) as e:
            word, good = type(e).__name__, False
        with self.lock:
            self.statuses[word] += 1
            if not good:
                self.failed.append(word)


def changes(stack, server):
    """Each of them once; ROUNDS times."""
    def notifier():
        os.kill(stack.pid("notifier"), signal.SIGTERM)
        stack.use(server)

    def workers_leave():  # what systemctl reload does: the supervisor starts new ones
        for pid in stack.worker_pids():
            os.kill(pid, signal.SIGTERM)

    return [("web server", lambda: os.kill(stack.pid("web"), SERVERS[server])), ("workers, new socket", lambda: stack.dev("reload")),
            ("workers, same socket", workers_leave), ("notifier", notifier)] * ROUNDS


def test_changes_under_load():
    stack = shared(workers=4)
    for server in SERVERS:
        stack.use(server)
        before = stack.worker_pids()
        with Load(stack) as load:
            for name, change in changes(stack, server):
                n = len(load.failed)
                change()
                time.sleep(PAUSE)
                expect(load.failed[n:], [], f"{server}: {name}")
        stack.wait_workers()
        print(f"  {server}: {sum(load.statuses.values())} requests, answers {dict(load.statuses)}, "
              f"{len(load.failed)} failed")
        expect(load.failed, [], server)
        expect(set(before) & set(stack.worker_pids()), set(), f"{server}: the workers are others")
        stack.expect_sound()


def test_control_a_stop_is_noticed():
    """The web server away for a moment: the load must see that."""
    stack = shared(workers=4)
    with Load(stack) as load:
        stack.use("nginx" if stack.server != "nginx" else "lighttpd")
    expect(len(load.failed) > 0, True, "failures while the web server is away")


if __name__ == "__main__":
    main(globals())
