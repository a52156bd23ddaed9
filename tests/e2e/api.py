"""tests/e2e/api.py - what the end-to-end tests share: a client, people, events, stacks, the count.

A test is a function test_…() of a script that ends with main(globals()). Inside, expect() records a
difference and goes on, any exception ends the test; a script called with words runs only the tests
whose names hold one of them. T_URL and T_DEV come from tests/e2e/run.
"""
import datetime
import hashlib
import http.client
import itertools
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse

URL = os.environ.get("T_URL", "")
DEV = os.environ.get("T_DEV", "")
SERVER = os.environ.get("T_SERVER", "lighttpd")
POOL = SERVER in ("lighttpd", "nginx", "apache")  # the others start the program themselves
PG = "/usr/lib/postgresql/15/bin/"
PATIENCE_S = 120  # for what comes by itself, on a machine that may be slow
PASSWORD = "correct horse 42"
RUN = f"{os.getpid():x}{int(time.time()):x}"
_numbers = itertools.count(1)
_ports = set()


class Skip(Exception):
    """Raised by a test that cannot run here; counted, and said aloud."""


def need_pool():
    if not POOL:
        raise Skip(f"{SERVER} has no pool of workers behind it")


# ---- one request, one connection ----
class Answer:
    """What came back. data, code, details and page are None where the body has none."""

    def __init__(self, response, body):
        self.status = response.status
        self.headers = response.headers
        self.body = body
        self.json = None
        if "json" in (self.headers.get("Content-Type") or "") and body:
            self.json = json.loads(body)
        top = self.json if isinstance(self.json, dict) else {}
        error = top.get("error") if isinstance(top.get("error"), dict) else {}
        self.data = top.get("data")
        self.page = top.get("pagination")
        self.code = error.get("code")
        self.details = {d["field"]: d["reason"] for d in error.get("details", [])}

    @property
    def trips(self):
        """Its round trips to PostgreSQL and to memcached; None where Server-Timing is off. Where no
        worker has read revocations for a second each request asks for them: on a busy machine that is chance, left out."""
        told = {name: int(n) for name, n in re.findall(r"(\w+);desc=(\d+)", self.header("Server-Timing"))}
        return (told["sql"] - told.get("revoked", 0), told["cache"]) if told else None

    @property
    def statements(self):
        return self.trips[0]

    def header(self, name):
        return ", ".join(self.headers.get_all(name) or [])

    def __repr__(self):
        return f"{self.status} {self.body[:300]!r}"


def request_bytes(method, path, body=None, token=None, headers=None, url=None):
    """A whole HTTP/1.1 request; body may be bytes, or anything JSON."""
    host = urllib.parse.urlsplit(url or URL).netloc
    lines = {"Host": host, "Connection": "close"}
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
        lines["Content-Type"] = "application/json"
    if body is not None or method not in ("GET", "HEAD", "OPTIONS", "DELETE"):
        lines["Content-Length"] = str(len(body or b""))
    if token:
        lines["Authorization"] = f"Bearer {token}"
    lines.update(headers or {})
    head = f"{method} {path} HTTP/1.1\r\n"
    head += "".join(f"{k}: {v}\r\n" for k, v in lines.items() if v is not None)
    return head.encode("utf-8") + b"\r\n" + (body or b"")


def connect(url=None, timeout=60):
    at = urllib.parse.urlsplit(url or URL)
    return socket.create_connection((at.hostname, at.port or 80), timeout=timeout)


def read_answer(sock, method):
    response = http.client.HTTPResponse(sock, method=method)
    response.begin()
    return Answer(response, response.read())


def call(method, path, body=None, token=None, headers=None, url=None, timeout=60):
    with connect(url, timeout) as sock:
        sock.sendall(request_bytes(method, path, body, token, headers, url))
        return read_answer(sock, method)


def volley(requests, url=None):
    """Sends (method, path, body, token, headers) all at one moment: everything but the last byte
    first, then the last bytes. Answers in the order of the requests."""
    socks = []
    for method, path, body, token, headers in requests:
        sock = connect(url)
        data = request_bytes(method, path, body, token, headers, url)
        sock.sendall(data[:-1])
        socks.append((sock, data[-1:]))
    time.sleep(0.05)  # let the server take in what has been sent
    for sock, last in socks:
        sock.sendall(last)
    answers = []
    for (sock, _), request in zip(socks, requests):
        answers.append(read_answer(sock, request[0]))
        sock.close()
    return answers


class Client:
    """Somebody who sends requests: anonymous, or a person with a token."""

    def __init__(self, token=None, url=None):
        self.token = token
        self.url = url

    def send(self, method, path, body=None, headers=None, **more):
        return call(method, path, body, self.token, headers, self.url, **more)

    def get(self, path, **headers):
        return self.send("GET", path, None, _dashes(headers))

    def post(self, path, body=None, **headers):
        return self.send("POST", path, body, _dashes(headers))

    def put(self, path, body=None, **headers):
        return self.send("PUT", path, body, _dashes(headers))

    def patch(self, path, body=None, **headers):
        return self.send("PATCH", path, body, _dashes(headers))

    def delete(self, path, **headers):
        return self.send("DELETE", path, None, _dashes(headers))


def _dashes(headers):
    return {k.replace("_", "-"): v for k, v in headers.items()}


anonymous = Client()


# ---- people and events ----
class Person(Client):
    def __init__(self, answer, url=None):
        super().__init__(answer.data["token"], url)
        self.user = answer.data["user"]
        self.id = self.user["id"]
        self.email = self.user["email"]
        self.refresh_token = answer.data["refresh_token"]

    def login(self):
        """The same person with a new sign-in (and the role of now)."""
        a = call("POST", "/auth/login", {"email": self.email, "password": PASSWORD}, url=self.url)
        return Person(a, self.url)


def unique(word="x"):
    return f"{word}{RUN}n{next(_numbers)}"


def person(name="Somebody", url=None, role=None, state=None):
    a = call("POST", "/auth/register",
             {"email": f"{unique('p')}@example.org", "password": PASSWORD, "name": name}, url=url)
    assert a.status == 201, a
    who = Person(a, url)
    if role:
        sql(f"UPDATE users SET role = '{role}' WHERE id = '{who.id}'", state)
        who = who.login()
    return who


def people(n, url=None):
    """n people, in the order of their numbers; two at once, as many as hash passwords (auth.hash_slots):
    on a busy machine a third might be refused for waiting."""
    return in_threads(lambda i: person(f"Person {i}", url), n, 2)


def in_threads(work, n, at_once=8):
    results, errors, todo = [None] * n, [], iter(range(n))
    lock = threading.Lock()

    def loop():
        while True:
            with lock:
                i = next(todo, None)
            if i is None or errors:
                return
            try:
                results[i] = work(i)
            except BaseException as e:  # told to the caller below
                errors.append(e)
    threads = [threading.Thread(target=loop) for _ in range(at_once)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if errors:
        raise errors[0]
    return results


def instant(days=30, hours=0):
    at = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    return (at + datetime.timedelta(days=days, hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def event(host, **fields):
    """A new event of host's: its data."""
    body = {"title": unique("Event "), "start_date": instant(), **fields}
    a = host.post("/api/events", body)
    assert a.status == 201, a
    return a.data


def rsvp(who, ev, status="going", **headers):
    return who.post(f"/api/events/{ev['id']}/rsvp", {"status": status}, **headers)


def stats(ev, who=anonymous):
    return who.get(f"/api/events/{ev['id']}?fresh=1").data["stats"]


# ---- the private instance ----
def dev(*words, state=None, check=True, **more):
    if not DEV:
        raise Skip("needs the stack of ./dev (T_DEV)")
    env = dict(os.environ)
    if state:
        env["MARQUEE_DEV_STATE"] = state
    return subprocess.run([DEV, *words], env=env, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=check, **more).stdout


def psql(folder, text, role="marquee_owner"):
    """Rows as lists of strings, from the server whose socket lies in that folder. Without ./dev psql and
    Debian's, which are scripts: some tests ask many times."""
    done = subprocess.run([PG + "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", folder, "-U", role, "-d", "marquee", "-c", text],
                          env=dict(os.environ, PGOPTIONS="-c search_path=marquee,public"), text=True, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        raise RuntimeError(f"{text}: {done.stderr}")
    return [line.split("|") for line in done.stdout.splitlines()]


def sql(text, state=None):
    """The same from the private instance, or the stack in another state folder."""
    state = state or os.environ.get("MARQUEE_DEV_STATE")
    if not DEV or not state:
        raise Skip("needs the stack of ./dev (T_DEV)")
    with open(state + "/run", encoding="utf-8") as f:
        return psql(f.read().strip() + "/pg", text)


def sql1(text, state=None):
    return sql(text, state)[0][0]


def reset_token(user, token, good_for="10 minutes"):
    """As if a mail with it had been sent."""
    digest = hashlib.sha256(token.encode()).hexdigest()
    sql("INSERT INTO password_resets (hash, user_id, expires_at) "
        f"VALUES ('{digest}', '{user}', now() + interval '{good_for}')")


def invariants(state=None):
    return sql("SELECT * FROM check_invariants()", state)


class Stack:
    """A throwaway stack of one's own; settings are lines of configuration, environment is what its
    pieces find in theirs."""

    def __init__(self, settings="", workers=4, **environment):
        self.settings, self.workers, self.environment = settings, workers, environment
        self.server = SERVER

    def __enter__(self):
        if not DEV:
            raise Skip("needs the stack of ./dev (T_DEV)")
        self.folder = tempfile.mkdtemp(prefix="marquee-e2e.")
        os.chmod(self.folder, 0o755)
        self.state = self.folder + "/state"
        self.env = dict(os.environ, MARQUEE_DEV_STATE=self.state, DEV_THROWAWAY="1",
                        MARQUEE_DEV_WORKERS=str(self.workers), MARQUEE_DEV_PORT=str(free_port()))
        self.env["MARQUEE_DEV_CONF"] = self.folder + "/more.conf"
        self.env.update(self.environment)
        try:
            self.configure(self.settings)
            self.url = self.dev("url").strip()
            with open(self.state + "/run", encoding="utf-8") as f:
                self.run = f.read().strip()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_):
        self.dev("down", check=False)  # leaks are reported at the end of a process
        reports = [n for n in _listdir(self.state + "/log") if n.startswith("report.")]
        for name in reports:
            with open(f"{self.state}/log/{name}", encoding="utf-8", errors="replace") as f:
                print(f"sanitizer {name}:\n{f.read(4000)}")
        self.dev("down", "--purge", check=False)
        subprocess.run(["rm", "-rf", self.folder], check=False)
        expect(reports, [], "sanitizer reports")

    def configure(self, lines):
        """Adds lines to the configuration and starts what they concern."""
        with open(self.env["MARQUEE_DEV_CONF"], "a", encoding="utf-8") as f:
            f.write(lines + "\n")
        self.dev("up", "--server", self.server, "--no-demo", "--quiet")

    def reconfigure(self, lines):
        """The same with these lines in the place of those added before."""
        os.truncate(self.env["MARQUEE_DEV_CONF"], 0)
        self.configure(lines)

    def use(self, server):
        """The same site through another web server."""
        self.server = server
        self.configure("")

    def dev(self, *words, check=True):
        # a file, not a pipe: what up starts would keep a pipe open
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            done = subprocess.run([DEV, *words], env=self.env, stdin=subprocess.DEVNULL, stdout=out,
                                  stderr=err, check=False, timeout=600)
            out.seek(0)
            err.seek(0)
            text, said = out.read(), err.read()
        if check and done.returncode:
            raise RuntimeError(f"./dev {' '.join(words)} ended with {done.returncode}:\n{text}{said}")
        return text

    def sql(self, text):
        return sql(text, self.state)

    def worker_pids(self, watch=None):
        """Of the workers under the pool's supervisor, or one that was it; zombies left out."""
        watch, found = watch or self.pid("workers"), []
        for name in os.listdir("/proc"):
            if name.isdigit():
                comm, state, session = process(name)
                if comm.startswith("marquee.fcgi") and session == watch and state != "Z":
                    found.append(int(name))
        return sorted(found)

    def pid(self, piece):
        with open(f"{self.state}/pid/{piece}", encoding="utf-8") as f:
            return int(f.read().split()[0])


def process(pid):
    """Name, state and session of a process; empty words when there is none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            name, rest = f.read().split("(", 1)[1].rsplit(")", 1)
    except OSError:
        return "", "", 0
    return name, rest.split()[0], int(rest.split()[3])


def _listdir(path):
    return os.listdir(path) if os.path.isdir(path) else []


def free_port():
    """One that nobody listens on and that this process has not chosen before: see tests/stack.sh."""
    first = int(os.environ.get("T_PORTS", 0))
    while True:
        port = random.randrange(first, first + 100) if first else random.randrange(20000, 30000)
        with socket.socket() as s:
            if port not in _ports and s.connect_ex(("127.0.0.1", port)) != 0:
                _ports.add(port)
                return port


def wait_for(what, ready, seconds=PATIENCE_S):
    """For what comes by itself, some time: the value of ready() once it is true."""
    end = time.monotonic() + seconds
    while True:
        value = ready()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.05)


# ---- the count ----
_wrong = []


def expect(got, want, what=""):
    """Records a difference; the test goes on. True when there is none."""
    if got == want:
        return True
    where = traceback.extract_stack(limit=3)
    frame = next(f for f in reversed(where) if f.name not in ("expect", "expect_status"))
    _wrong.append(f"{os.path.basename(frame.filename)}:{frame.lineno}: {what}\n"
                  f"      got  {got!r}\n      want {want!r}")
    return False


def expect_status(answer, status, what="", code=None):
    ok = expect(answer.status, status, f"{what} {answer!r}")
    return ok and (code is None or expect(answer.code, code, what))


def _told_to_stop(number, _):
    """Whatever stands as a block is left in order: stacks go down."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


def main(names):
    signal.signal(signal.SIGTERM, _told_to_stop)
    wanted = sys.argv[1:]
    count = {"passed": 0, "failed": 0, "skipped": 0}
    for name, test in list(names.items()):
        if name.startswith("test_") and callable(test) and \
           (not wanted or any(w in name for w in wanted)):
            count[_run(name, test)] += 1
    script = os.path.basename(sys.argv[0]).removesuffix(".py")
    print(f"RESULT {script} " + " ".join(f"{k}={v}" for k, v in count.items()))
    sys.exit(1 if count["failed"] else 0)


def _run(name, test):
    _wrong.clear()
    try:
        test()
    except Skip as e:
        print(f"SKIP {name}: {e}")
        return "skipped"
    except Exception:
        _wrong.append(traceback.format_exc())
    if not _wrong:
        return "passed"
    print(f"FAIL {name}: {len(_wrong)} difference(s)")
    for text in _wrong[:20]:
        print("   " + text)
    sys.stdout.flush()
    return "failed"
