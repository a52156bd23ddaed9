"""tests/fault/audit.py - many quick readers beside a few writers, each answer checked against what was acknowledged.

A writer edits its events one after the other and notes each version with the time its answer came. A reader
notes what is acknowledged before it asks; the version it gets must not be less. Nothing else is kept, so that
a million reads need no memory.
"""
import bisect
import re
import socket
import threading
import time
import urllib.parse

from api import call, event, person


class Acknowledged:
    """Versions of one event by the time at which a client knew of them."""

    def __init__(self, version):
        self.times, self.versions = [time.monotonic()], [version]

    def add(self, version):
        self.versions.append(max(version, self.versions[-1]))
        self.times.append(time.monotonic())

    def at(self, moment):
        # what is added meanwhile lies behind len
        return self.versions[max(bisect.bisect_right(self.times, moment) - 1, 0)]


class Line:
    """One connection that asks and asks again; a new one when the server ends it."""

    def __init__(self, url):
        self.host, self.sock, self.rest = urllib.parse.urlsplit(url), None, b""

    def get(self, path, more=""):
        """Status and body."""
        for last in (False, True):
            try:
                if not self.sock:
                    self.sock = socket.create_connection((self.host.hostname, self.host.port), timeout=60)
                    self.rest = b""
                self.sock.sendall(f"GET {path} HTTP/1.1\r\nHost: {self.host.netloc}\r\n{more}\r\n".encode())
                return self.read()
            except (ConnectionError, IndexError):
                self.sock.close()
                self.sock = None
                if last:
                    raise

    def read(self):
        while b"\r\n\r\n" not in self.rest:
            self.more()
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        length = int(re.search(rb"(?i)content-length: *(\d+)", head)[1])
        while len(self.rest) < length:
            self.more()
        body, self.rest = self.rest[:length], self.rest[length:]
        return int(head.split(None, 2)[1]), body

    def more(self):
        part = self.sock.recv(65536)
        if not part:
            raise ConnectionError("ended")
        self.rest += part


class Audit:
    """slack: an answer may lack what was acknowledged less than so many seconds before the question. pages:
    readers ask for the event's page, whose title says the version."""

    def __init__(self, read_url, write_url, slack=0.0, events=4, pages=False):
        self.read_url, self.slack = read_url, slack
        self.host = person("Host", write_url)
        self.form = "/e/%s" if pages else "/api/events/%s"
        self.version = re.compile(rb"<h1>Title (\d+)</h1>" if pages else rb'"version":(\d+)')
        self.events = {event(self.host, title="Title 1")["id"]: None for _ in range(events)}
        for e in self.events:
            self.events[e] = Acknowledged(1)
        self.old, self.wrong, self.reads, self.edits = 0, [], 0, 0
        self.oldest, self.todo, self.until, self.running, self.lock = 0.0, 0, 0.0, False, threading.Lock()

    def write(self, mine):
        while self.running:
            for e in mine:
                following = self.events[e].versions[-1] + 1
                a = call("PATCH", f"/api/events/{e}", {"title": f"Title {following}"}, self.host.token, url=self.host.url)
                if a.status != 200 or a.data["version"] != following:
                    self.wrong.append(repr(a))
                    return
                self.events[e].add(a.data["version"])
                self.edits += 1

    def read(self):
        line, names = Line(self.read_url), list(self.events)
        while self.more():
            e = names[self.reads % len(names)]
            asked = time.monotonic()
            status, body = line.get(self.form % e)
            if status != 200:
                self.wrong.append(f"{status} {body[:200]}")
                return
            self.check(e, int(self.version.search(body)[1]), asked)

    def check(self, e, version, asked):
        known = self.events[e]
        if version < known.at(asked):
            self.old += 1
            first = bisect.bisect_right(known.versions, version)
            self.oldest = max(self.oldest, asked - known.times[first])
        if version < known.at(asked - self.slack):
            self.wrong.append(f"version {version} after {known.at(asked - self.slack)}")

    def more(self):
        with self.lock:
            self.todo -= 1
            more = (self.todo >= 0 or time.monotonic() < self.until) and len(self.wrong) < 10
            self.reads += more
            return more

    def run(self, reads, seconds=0.0, readers=4, writers=2):
        """So many reads, and at least so long: what is to be seen of a copy is seen within its life."""
        self.todo, self.until, self.running = reads, time.monotonic() + seconds, True
        names = list(self.events)
        at_work = [threading.Thread(target=self.write, args=(names[i::writers],)) for i in range(writers)]
        looking = [threading.Thread(target=self.read) for _ in range(readers)]
        for t in at_work + looking:
            t.start()
        for t in looking:
            t.join()
        self.running = False
        for t in at_work:
            t.join()
        print(f"  {self.reads} reads, {self.edits} edits; older than acknowledged: {self.old}, by {self.oldest:.3f} s "
              f"at most; wrong: {len(self.wrong)}")
        return self
