"""tests/fault/test_memcached.py - memcached killed, frozen, slow, cut off, lying, full, flushed: nobody notices but /health

A crowd answers events and looks at them, its host edits them, while memcached behind a proxy does what it
should not. No answer is a 5xx, none is older than what was acknowledged. T_FAULT_S: how long each lasts.
"""
import contextlib
import os
import signal
import socket
import threading
import time

from api import call, expect, main as run_tests, wait_for
from harness import FaultStack, Proxy, long_or, setting
from load import Crowd
from test_counters import Editor

FAULT_S = long_or("T_FAULT_S", 1)
RETRY_S = 2  # cache.retry
WORKERS = 4


class Site:
    """A stack whose workers reach memcached through a proxy."""

    def __init__(self):
        self.stack = FaultStack("cache.timeout = 50ms", workers=WORKERS).__enter__()
        self.socket = setting(self.stack, "cache.servers")
        self.proxy = Proxy(self.socket, "m.sock").__enter__()
        self.stack.configure(f"cache.servers = {self.proxy.at}")
        self.wait("up")

    def close(self):
        self.proxy.__exit__()
        self.stack.__exit__(None, None, None)

    def state(self):
        return call("GET", "/health", url=self.stack.url).json["dependencies"]["cache"]

    def wait(self, state):
        began = time.monotonic()
        wait_for(f"the cache to be {state}", lambda: self.state() == state)
        return time.monotonic() - began

    @contextlib.contextmanager
    def load(self, name):
        """Work for as long as the block lasts; afterwards all is as it should be."""
        crowd = Crowd(self.stack, people=8, capacity=3, fresh=0.3)
        editor = Editor(crowd)
        editor.start()
        with crowd:
            try:
                yield crowd
            finally:
                editor.running = False
        editor.join()
        print(f" {name}:", end="")
        crowd.expect_right()
        expect(set(crowd.statuses) - {200, 201}, set(), f"{name}: statuses")
        expect(crowd.statuses[200] > 20, True, f"{name}: {crowd.statuses}")


_site = []


def site():
    if not _site:
        _site.append(Site())
    return _site[0]


def goes_down(name, begin, end, each=2):
    """The breaker opens, one trial for each pause and no more, and it closes. each: connections of a pause;
    a trial of the whole pool and the look of /health, which may both connect anew."""
    s = site()
    with s.load(name):
        begin(s)
        opened = s.wait("down")
        began, trials = time.monotonic(), s.proxy.stat()[0]
        time.sleep(FAULT_S)
        trials = s.proxy.stat()[0] - trials
        lasted = time.monotonic() - began
        end(s)
        closed = s.wait("up")
        time.sleep(0.5)
    print(f"  down was seen after {opened:.2f} s, up again after {closed:.2f} s; {trials} connections in between")
    expect(trials <= each * (lasted / RETRY_S + 2), True, f"{name}: {trials} connections")


def proxied(command):
    return lambda s: s.proxy(command)


def clear(s):
    s.proxy("clear")


def test_killed():
    goes_down("killed", proxied("down"), proxied("up"))


def test_frozen():
    def frozen(s):
        os.kill(s.stack.pid("memcached"), signal.SIGSTOP)
    goes_down("frozen", frozen, lambda s: os.kill(s.stack.pid("memcached"), signal.SIGCONT))


def test_slow():
    goes_down("200 ms late", proxied("latency 200"), clear)


def test_silent():
    goes_down("silent", proxied("timeout"), clear)


def test_garbage():
    goes_down("garbage", proxied("garbage"), clear)


def test_cut_within_a_value():
    def cut(s):
        s.proxy("cut 300")
        s.proxy("reset")
    # a trial that asks for little succeeds: all of the pool, the notifier and /health come again, and are cut
    goes_down("cut within a value", cut, clear, each=2 * (WORKERS + 2))


def test_every_connection_taken():
    """memcached accepts no more than -c; what is open already would go on, so it is reset."""
    taken = []

    def take(s):
        for _ in range(600):
            line = socket.socket(socket.AF_UNIX)
            line.settimeout(0.5)
            taken.append(line)
            try:
                line.connect(s.socket)
            except OSError:
                break
        s.proxy("reset")

    def give_back(_):
        for line in taken:
            line.close()
    goes_down("every connection taken", take, give_back)


def meddle(name, work):
    """Somebody else does something to memcached all the time; the cache stays in use. It is not asked to be
    quick meanwhile, as the machine need not be."""
    s = site()
    s.stack.reconfigure(f"cache.servers = {s.proxy.at}")
    s.wait("up")
    done = threading.Event()

    def loop():
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(s.socket)
            while not done.is_set():
                line.sendall(work())
                line.recv(4096)
                time.sleep(0.01)
    other = threading.Thread(target=loop)
    with s.load(name):
        other.start()
        time.sleep(FAULT_S)
        done.set()
        other.join()
    expect(s.state(), "up", name)


def test_flushed_all_the_time():
    meddle("flushed", lambda: b"flush_all\r\n")


def test_full_of_large_values():
    """A hundred times 900 KB a second into 64 MB: what is ours is evicted."""
    value = b"x" * 900000
    meddle("full", lambda: b"set other%d 0 0 %d\r\n%s\r\n" % (time.monotonic_ns(), len(value), value))


if __name__ == "__main__":
    try:
        run_tests(globals())
    finally:
        if _site:
            _site[0].close()
