"""tests/fault/test_no_memory.py - the k-th allocation of a request fails, for every k, at each kind of request

The worker may answer as ever, refuse with 5xx, or abort and be replaced; it may not tell lack of memory as the
client's mistake, answer something else, crash in another way, or do half of something. T_STEP: every so many k.
"""
import collections
import os
import signal
import struct
import subprocess

from api import PASSWORD, call, event, expect, instant, main, person, wait_for
from harness import FaultStack, built, long_or

STEP = long_or("T_STEP", 29)
PROGRAM = "marquee.fcgi"


class Plan:
    """What nomemory.c does in the program: fail(k), and what came of it."""

    def __init__(self, folder):
        self.path = folder + "/nomemory"
        with open(self.path, "wb") as f:
            f.write(bytes(24))
        os.chmod(self.path, 0o666)
        self.environment = {"LD_PRELOAD": built("nomemory.so"), "NOMEMORY_FOR": PROGRAM, "NOMEMORY_PLAN": self.path}

    def fail(self, k):
        with open(self.path, "r+b") as f:
            f.write(struct.pack("qqq", k, 0, self.crashed()))

    def failed(self):
        return self.numbers()[1]

    def crashed(self):
        return self.numbers()[2]

    def numbers(self):
        with open(self.path, "rb") as f:
            return struct.unpack("qqq", f.read(24))


class Torture(FaultStack):
    """One worker, whose allocations fail."""

    def __init__(self):
        super().__init__(workers=1)
        self.plan = Plan(self.points)
        self.environment.update(self.plan.environment)

    def each(self, name, send, check, control=False):
        """send(k) with the k-th allocation failing, and check(k, answer), which gives what is wrong with one that
        is no refusal; until a request needs fewer. The number of answers that were wrong."""
        ends, wrong, k, needed = collections.Counter(), [], 1, True
        while needed and len(wrong) < 5:
            self.wait_workers()
            wait_for("a worker that answers", lambda: call("GET", "/readyz", url=self.url).status == 200)
            worker = self.worker_pids()
            self.plan.fail(k)
            a = send(k)
            needed = self.plan.failed() > 0
            self.plan.fail(0)
            why = None if a.status >= 500 else check(k, a)
            if why:
                wrong.append(f"{name}, allocation {k}: {why}: {a}")
            ends["wrong" if why else "right" if a.status < 500 else "refused" if self.worker_pids() == worker else "died"] += 1
            k += STEP
        print(f"  {name}: about {k - STEP} allocations: {dict(ends)}")
        if not control:
            expect(wrong, [], name)
        return len(wrong)


def lasting(data):
    """Without the count of views, which goes on."""
    return data if not isinstance(data, dict) else {k: lasting(v) for k, v in data.items() if k != "views"}


def same_as(want):
    return lambda _, a: None if (a.status, lasting(a.data)) == (want.status, lasting(want.data)) else f"{want.status} expected"


def reads(s, host):
    ev = event(host, description="x" * 500)["id"]
    for path in ("/livez", "/openapi.json", "/metrics", "/api/events?limit=5", f"/api/events/{ev}", "/api/users/profile",
                 f"/api/events/{ev}/attendees", "/api/events/my"):
        want = host.get(path)
        expect(want.status, 200, path)
        s.each(f"GET {path.replace(ev, ':id')}", lambda _, path=path: host.get(path), same_as(want))


def effects(s, host):
    """Whatever came, the same key then leads to the one effect, with every field that was sent."""
    start = instant()

    def body(k):
        return {"title": f"Memory {k}", "start_date": start, "description": "d", "tags": ["one", "two"], "capacity": 7,
                "price": 12.5, "coordinates": {"lat": 1.5, "lng": 2.5}}

    def create(k):
        return host.post("/api/events", body(k), Idempotency_Key=f"memory-{k}")

    def created(k, a):
        sent = {**body(k), "max_attendees": 7}
        del sent["capacity"]
        return a.status != 201 and "201 expected" or [f for f, v in sent.items() if a.data[f] != v]
    s.each("POST /events", create, created)
    again = s.sql("SELECT title, count(*) FROM events GROUP BY title HAVING count(*) > 1")
    expect(again, [], "events made twice")
    ev = event(host)["id"]

    def answer(k):
        return host.post(f"/api/events/{ev}/rsvp", {"status": ("going", "maybe")[k % 2]}, Idempotency_Key=f"{ev}{k}")
    s.each("POST /events/:id/rsvp", answer, lambda k, a: a.status not in (200, 201) and "200 expected" or
           a.data["status"] != ("going", "maybe")[k % 2] and "another answer")
    s.each("PATCH /events/:id", lambda k: host.patch(f"/api/events/{ev}", {"title": f"New {k}", "tags": ["three"]}),
           lambda k, a: a.status != 200 and "200 expected" or (a.data["title"], a.data["tags"]) != (f"New {k}", ["three"]))


def sign_in(s, host):
    """OpenSSL, by which tokens are signed, may dereference what it could not make: an end all the same."""
    s.each("POST /auth/login", lambda _: login(s, host),
           lambda _, a: a.status != 200 and "200 expected" or a.data["user"]["id"] != host.id)


def as_cgi(s, host):
    """Configuration, connections and one request in one process."""
    path = "/api/events/" + event(host)["id"]
    env = {k: v for k, v in os.environ.items() if not k.startswith("MARQUEE_")}
    env.update(s.plan.environment, MARQUEE_CONFIG=s.state + "/marquee.conf", REQUEST_METHOD="GET", REQUEST_URI=path,
               SCRIPT_NAME="", PATH_INFO=path, QUERY_STRING="", SERVER_PROTOCOL="HTTP/1.1", SERVER_NAME="localhost",
               SERVER_PORT="80", REMOTE_ADDR="127.0.0.1", GATEWAY_INTERFACE="CGI/1.1")
    program, k, needed, ends = f"{os.environ['MARQUEE_DEV_BUILD']}/inst/libexec/marquee/{PROGRAM}", 1, True, collections.Counter()
    while needed:
        s.plan.fail(k)
        done = subprocess.run([program], env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
        needed = s.plan.failed() > 0
        s.plan.fail(0)
        status = done.stdout[8:11].decode(errors="replace")
        ends[f"exit {done.returncode}, status {status or 'none'}"] += 1
        right = (done.returncode, status) in ((0, "200"), (0, "500"), (0, "503")) or done.returncode in (-6, 78)
        expect(right, True, f"allocation {k}: {done.returncode}: {done.stdout[:200]}{done.stderr[-300:]}")
        k += STEP * 5
    print(f"  plain CGI: about {k} allocations: {dict(ends)}")


def login(s, host):
    return call("POST", "/auth/login", {"email": host.email, "password": PASSWORD}, url=s.url)


def control(s, host):
    """An answer that is not what is expected is seen, and so is a crash: else this test would not see either."""
    want = host.get("/livez")
    expect(s.each("control", lambda _: login(s, host), same_as(want), control=True) > 0, True, "control")
    s.wait_workers()
    before = s.plan.crashed()
    os.kill(s.worker_pids()[0], signal.SIGSEGV)
    wait_for("a crash to be seen", lambda: s.plan.crashed() > before)


def test_no_memory():
    with Torture() as s:
        host = person("Host", s.url)
        reads(s, host)
        effects(s, host)
        as_cgi(s, host)
        expect(s.plan.crashed(), 0, "crashes")
        sign_in(s, host)
        s.expect_sound()
        control(s, host)


if __name__ == "__main__":
    main(globals())
