"""tests/fault/test_slow.py - a thousand clients that dawdle, on each web server: no worker waits for them (X22)

T_CONNECTIONS clients of each kind for T_SECONDS: heads and bodies that come byte by byte, answers that
are not read. Healthy clients go on; what they notice is printed, that they are served is asserted.
"""
import contextlib
import os
import resource
import shutil
import socket
import subprocess
import threading
import time

from api import call, event, expect, person, wait_for
from harness import busy, long_or, main, shared

CONNECTIONS, SECONDS = long_or("T_CONNECTIONS", 60), long_or("T_SECONDS", 3)
SERVERS = ("lighttpd", "nginx", "apache")
HEAD = b"GET /api/events HTTP/1.1\r\nHost: x\r\nX-Slow: "
BODY = b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{"
READ = b"GET /api/events?limit=100 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


class Slow(threading.Thread):
    """n connections that send what they have, then a byte a second; or that never read."""

    def __init__(self, url, start, n, reads):
        super().__init__(daemon=True)
        self.at, self.start_with, self.n, self.reads = url.split("//")[1].split(":"), start, n, reads
        self.socks, self.running, self.closed = [], True, 0

    def connect(self):
        sock = socket.socket()
        if self.reads:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(10)
        sock.connect((self.at[0], int(self.at[1])))
        sock.sendall(self.start_with)
        return sock

    def run(self):
        with contextlib.ExitStack() as stack:
            for _ in range(self.n):
                try:
                    self.socks.append(stack.enter_context(self.connect()))
                except OSError:
                    self.closed += 1
            while self.running:
                time.sleep(1)
                if not self.reads:
                    self.trickle()

    def trickle(self):
        for sock in self.socks[:]:
            try:
                sock.sendall(b"x")
            except OSError:
                self.closed += 1
                self.socks.remove(sock)


def healthy(stack, n):
    """Milliseconds of n requests, sorted; each is answered."""
    took = []
    for i in range(n):
        began = time.monotonic()
        a = call("GET", "/api/events?limit=1" if i % 2 else "/livez", None, None, None, stack.url, timeout=30)
        took.append((time.monotonic() - began) * 1000)
        expect(a.status, 200, f"{stack.server}: healthy client")
    return sorted(took)


def through(stack, kind, data, reads):
    calm = healthy(stack, 40)
    slow = Slow(stack.url, data, CONNECTIONS, reads)
    slow.start()
    wait_for("the slow clients", lambda: len(slow.socks) + slow.closed >= CONNECTIONS)
    wait_for("what they ask for to be answered", lambda: busy(stack) == 0, 18)  # a worker gives up after 20 s
    end, held, took = time.monotonic() + SECONDS, [], []
    while time.monotonic() < end or not took:
        looks = []
        for _ in range(3):  # answers that are under way are finished; who is held stays so for 20 s
            time.sleep(0.4)
            looks.append(busy(stack))
        held.append(min(looks))
        took += healthy(stack, 10)
    slow.running = False
    slow.join()
    took.sort()
    print(f"  {stack.server}, {kind}: {len(slow.socks) + slow.closed} connections, {slow.closed} closed by the server, "
          f"workers held at most {max(held)}, p99 {took[int(len(took) * 0.99)]:.1f} ms beside {calm[int(len(calm) * 0.99)]:.1f} ms")
    expect(max(held), 0, f"{stack.server}: workers held by {kind}")


def test_slow_clients():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    stack = shared(workers=2)
    host = person("Host", stack.url)
    for i in range(100):
        event(host, title=f"Long {i}", description="x" * 4900)
    for server in SERVERS:
        stack.use(server)
        for kind, data, reads in (("heads", HEAD, False), ("bodies", BODY, False), ("answers not read", READ, True)):
            through(stack, kind, data, reads)
    stack.expect_sound()


def test_control_a_held_worker_is_seen():
    """A connection straight to the pool that sends half a request: the count must show it."""
    stack = shared(workers=2)
    wait_for("nobody to be held", lambda: busy(stack) == 0)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(stack.run + "/app/fcgi.sock")
        sock.sendall(bytes((1, 1, 0, 1, 0, 8, 0, 0)) + bytes((0, 1, 0, 0, 0, 0, 0, 0)))
        wait_for("who says nothing more to be seen", lambda: busy(stack) == 1)


def test_slowhttptest():
    """The tool that others use, where Debian's package is installed and the long form is wanted."""
    if SECONDS < 30 or not shutil.which("slowhttptest"):
        print("  skipped: long form only, needs slowhttptest")
        return
    stack = shared(workers=2)
    for server in SERVERS:
        stack.use(server)
        for kind in ("-H", "-B", "-X"):
            with subprocess.Popen(["slowhttptest", kind, "-c", "1000", "-r", "200", "-i", "10", "-l", "30", "-u",
                                   stack.url + ("/auth/login" if kind == "-B" else "/api/events?limit=100")],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  cwd=stack.folder, env=dict(os.environ, TERM="dumb")) as tool:
                time.sleep(10)
                took = healthy(stack, 50)
                tool.wait()
            print(f"  {server}, slowhttptest {kind}: p99 {took[49]:.1f} ms")


if __name__ == "__main__":
    main(globals())
