"""tests/bench/counts.py - the numbers that no machine changes: what one request costs in questions to
database and cache, in system calls and in instructions

Run as a program it compares them with counts.pin, which ./dev bench --pin has written.

One worker answers one request after the other, through lighttpd: under strace, cut at every accept, and
under callgrind, which writes down what has gathered whenever route_serve begins. The least value of a kind
counts: once a second a request also refreshes something, on a slow machine most of them.
"""
import glob
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(1, os.path.join(HERE, "..", "e2e"))

from api import call, wait_for  # noqa: E402 (the path has to be set first)
from rows import NEW_EVENT  # noqa: E402
from stage import EVENTS, UNCACHED, Bench, Process  # noqa: E402

PIN = f"{HERE}/counts.pin"
COLUMNS = ("sql", "cache", "syscalls", "instructions")
# Of instructions: json-c takes a seed for its tables anew in each process, which moves pages of lists by a
# twentieth; and other machines have other versions of the libraries below us.
TOLERANCE = 1.10
ABOVE_NULL = 8  # system calls of a cached read above those of a bare responder
TIMES = 15  # requests of each kind; the first few may find something to be made or asked for
WARM = 5
CLOCKS = ("clock_gettime", "gettimeofday", "time")


class Requests:
    """The kinds of requests, and the things they need."""

    def __init__(self, stage):
        self.stage, self.url, self.number = stage, stage.url, 0
        self.path = f"/api/events/{EVENTS % 1}"
        self.tag = call("GET", self.path, url=self.url).header("ETag")
        self.page = f"/e/{stage.slugs([EVENTS % 1])[0]}"
        stage.psql(f"SELECT rsvp_set('{EVENTS % 3}', id, uuid7(), 'going', NULL, false) FROM users WHERE email LIKE 'p__@example.org'")

    def null(self):
        return call("GET", self.path, url=self.url)

    get_cached = get_uncached = null

    def get_304(self):
        return call("GET", self.path, headers={"If-None-Match": self.tag}, url=self.url)

    def list(self):
        return call("GET", "/api/events", url=self.url)

    def create(self):
        return call("POST", "/api/events", NEW_EVENT.encode(), self.stage.tokens[0], {"Content-Type": "application/json"},
                    url=self.url)

    def rsvp(self):
        self.number += 1
        return call("POST", f"/api/events/{EVENTS % 2}/rsvp", {"status": "going"}, self.stage.tokens[self.number], url=self.url)

    def page_event(self):
        return call("GET", self.page, url=self.url)

    page_event_uncached = page_event

    def page_agenda(self):
        return call("GET", "/", url=self.url)

    def page_sign_in(self):
        return call("GET", "/login", url=self.url)

    def _desk(self, path):
        name, value = self.stage.staff().split(": ")
        return call("GET", "/admin/" + path, headers={name: value}, url=self.url)

    def page_desk(self):
        return self._desk("")

    def page_desk_events(self):
        return self._desk("events")

    def page_attendees(self):
        return self._desk(f"events/{EVENTS % 3}/attendees")


WANT = {"null": 200, "get_cached": 200, "get_304": 304, "list": 200, "page_event": 200, "page_agenda": 200, "page_sign_in": 200,
        "page_desk": 200, "page_desk_events": 200, "page_attendees": 200, "create": 201, "rsvp": 201, "get_uncached": 200,
        "page_event_uncached": 200}
UNCACHED_KINDS = ["get_uncached", "page_event_uncached"]
CACHED = [k for k in WANT if k not in ("null", *UNCACHED_KINDS)]


def ask(requests, kinds):
    """Every kind TIMES times: all answers, in order."""
    answers = []
    for kind in kinds:
        for _ in range(TIMES):
            a = getattr(requests, kind)()
            if a.status != WANT[kind]:
                raise RuntimeError(f"{kind} was answered by {a!r}")
            answers.append(a)
    return answers


def least(kinds, numbers):
    """{kind: the least one} of one number per request."""
    numbers = list(numbers)
    if len(numbers) != TIMES * len(kinds):
        raise RuntimeError(f"{len(numbers)} measurements of {TIMES * len(kinds)} requests")
    return {kind: min(numbers[i * TIMES + WARM:(i + 1) * TIMES]) for i, kind in enumerate(kinds)}


class Alone(Process):
    """One worker that answers all requests while it is needed, with a tool around it or not."""

    def __init__(self, stage, name, *words):
        self.stage, self.name, self.socket = stage, name, f"{stage.run}/app/{name}.sock"
        super().__init__(stage, name, "spawn-fcgi", "-s", self.socket, "-M", "0660", "-n", "--", *words)

    def told(self):
        # strace would keep it to itself; its child may have the lower number, if they have begun anew
        own = [pid for pid in self.pids() if pid != self.process.pid]
        return own or [self.process.pid]

    def __enter__(self):
        wait_for(self.name, lambda: _listens(self.socket))
        self.stage.link(self.name)

    def __exit__(self, *_):
        self.stage.link("app")
        self.stop()
        os.unlink(self.socket)  # the next one under this name is not there before it listens


def _listens(path):
    """Without asking it: a connection would be counted."""
    with open("/proc/net/unix", encoding="ascii", errors="replace") as f:
        return any(words[-1] == path and words[3] == "00010000" for words in map(str.split, f))


def trips(stage, requests, kinds, flags):
    with Alone(stage, "timed", stage.fcgi, "--set", "http.server_timing=on", *flags):
        answers = ask(requests, kinds)
    told = [dict(re.findall(r"(sql|cache);desc=(\d+)", a.header("Server-Timing"))) for a in answers]
    return {name: least(kinds, (int(t[name]) for t in told)) for name in ("sql", "cache")}


def may_trace():
    """Some containers forbid it; then system calls are not counted, which is said."""
    return subprocess.run(["strace", "-o", os.devnull, "true"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          check=False).returncode == 0


def strace(stage, requests, kinds, *words):
    """Lists of system calls, one per request."""
    path = f"{stage.state}/log/strace"
    with Alone(stage, "strace", shutil.which("strace"), "-o", path, *words):
        ask(requests, kinds)
    with open(path, encoding="utf-8", errors="replace") as f:
        calls = re.findall(r"(?m)^(\w+)\((.*)", f.read())
    os.unlink(path)
    starts = [i for i, (name, rest) in enumerate(calls) if name.startswith("accept") and re.search(r"= \d+$", rest)]
    return [_folded(name for name, _ in calls[a:b]) for a, b in zip(starts, [*starts[1:], len(calls)])]


def _folded(names):
    """An answer that comes in several pieces, or has to be waited for, counts once: that is chance. And
    asking for the time is a system call on some machines only."""
    out = []
    for name in (n for n in names if n not in CLOCKS):
        while name == "recvfrom" and out and out[-1] in ("poll", "recvfrom"):
            out.pop()
        out.append(name)
    return out


def callgrind(stage, requests, kinds, *words):
    """Instructions, from the beginning of one request to the beginning of the next."""
    base = f"{stage.state}/log/callgrind"
    with Alone(stage, "callgrind", shutil.which("valgrind"), "--tool=callgrind", f"--callgrind-out-file={base}",
               "--dump-before=route_serve", "--dump-line=no", "-q", *words):
        ask(requests, kinds)
    dumps = [*sorted(glob.glob(base + ".*"), key=lambda p: int(p.rpartition(".")[2])), base]
    return [_total_of(p) for p in dumps][1:]  # the first is how it started


def _total_of(path):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    os.unlink(path)
    return int(re.search(r"(?m)^(?:totals|summary): (\d+)", text)[1])


def measure():
    """{kind: {column: number or None}}"""
    found = {kind: dict.fromkeys(COLUMNS) for kind in WANT}

    def put(column, numbers):
        for kind, n in numbers.items():
            found[kind][column] = n

    with Bench(workers=2) as stage:
        stage.make_people(10 * TIMES)
        stage.make_events(1, 20)
        requests = Requests(stage)
        traces = may_trace()
        if traces:
            put("syscalls", least(["null"], map(len, strace(stage, requests, ["null"], f"{stage.build}/tests/bench/null"))))
        for kinds, flags in ((CACHED, ()), (UNCACHED_KINDS, UNCACHED)):
            for column, numbers in trips(stage, requests, kinds, flags).items():
                put(column, numbers)
            if traces:
                put("syscalls", least(kinds, map(len, strace(stage, requests, kinds, stage.fcgi, *flags))))
            put("instructions", least(kinds, callgrind(stage, requests, kinds, stage.fcgi, *flags)))
    return found


# ---- what is pinned ----
def pin_read():
    rows = {}
    with open(PIN, encoding="ascii") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                kind, *numbers = line.split()
                rows[kind] = {c: None if n == "-" else int(n) for c, n in zip(COLUMNS, numbers)}
    return rows


def pin_write(found):
    with open(PIN, "w", encoding="ascii") as f:
        f.write("# tests/bench/counts.pin - written by ./dev bench --pin, compared by ./dev check: what one request costs\n")
        f.write(f"# {'':<18}" + "".join(f"{c:>14}" for c in COLUMNS) + "\n")
        for kind, row in found.items():
            f.write(f"{kind:<20}" + "".join(f"{'-' if row[c] is None else row[c]:>14}" for c in COLUMNS) + "\n")


def verdicts(found, pinned):
    """(what, whether it holds or None, words). What became cheaper in whole numbers wants to be pinned,
    too, or the next loss would go unseen."""
    for kind, row in found.items():
        for column in COLUMNS:
            was, is_now = pinned.get(kind, {}).get(column), row[column]
            if is_now is None:
                good = None
            elif column == "instructions":
                good = was is not None and is_now <= was * TOLERANCE
            else:
                good = was == is_now
            if (was, is_now) != (None, None):
                yield f"{kind} {column}", good, f"{is_now}, pinned {was}"
    cached, bare = found["get_cached"]["syscalls"], found["null"]["syscalls"]
    yield "get_cached above null", cached and cached <= bare + ABOVE_NULL, f"{cached} system calls, {bare} of a bare responder"


def check():
    """For ./dev check: compares with what is pinned."""
    count = {"passed": 0, "failed": 0, "skipped": 0}
    for what, good, words in verdicts(measure(), pin_read()):
        word = "skipped" if good is None else "passed" if good else "failed"
        count[word] += 1
        print(f"{word.upper() if word != 'passed' else 'ok':<8}{what}: {words}")
    if count["failed"]:
        print("wanted so? ./dev bench --pin writes the new numbers into tests/bench/counts.pin")
    print("RESULT counts " + " ".join(f"{k}={n}" for k, n in count.items()))
    return count["failed"] != 0


if __name__ == "__main__":
    sys.exit(check())
