"""tests/attack/test_inputs.py - what nobody asked for: columns of the tables, multipart, bombs, lengths
that lie, line ends where none belong, and what errors and logs must not tell."""
import json
import os
import re
import subprocess

from api import (DEV, PASSWORD, Skip, anonymous, connect, event, expect, expect_status, main, person,
                 read_answer, request_bytes, sql, wait_for)
from matrix import Row
from surface import changed, columns, described, document, is_json_line, leaks, lies_about, sums
from world import BODIES, filled

JSON_TYPE = {"Content-Type": "application/json"}
STATE = os.environ.get("MARQUEE_DEV_STATE", "/nowhere")
# Words of the machinery that no answer may show.
LEAKS = (r"SELECT |INSERT INTO|UPDATE \w+ SET", r"pg_catalog|libpq|memcached", r"src/|/var/|/run/", r"0x[0-9a-f]{8}|\$argon2")


class Few:
    """The few that BODIES ask for."""

    def __init__(self):
        self.host, self.other = person("Host"), person("Other")
        self.people = {"host": self.host}
        self.event = event(self.host)

    def target(self, row, _role):
        return self.event["id"] if "event" in row.path else self.other.id


_few = []


def few():
    if not _few:
        _few.append(Few())
    return _few[0]


def writes():
    """(row, path with an id, a good body or None) of each writing route."""
    for method, path in described():
        if method != "GET":
            row = Row(method, path, "public", {})
            body = BODIES[method, path]
            yield row, filled(path, few().target(row, "host"), few().other.id), body(few(), row, "host") if body else None


def names_of(doc, row):
    """Every name that the route takes, with the synonyms."""
    body = doc["paths"][row.path][row.method.lower()].get("requestBody")
    fields = body["content"]["application/json"]["schema"]["properties"] if body else {}
    return set(fields)


# ---- mass assignment ----
def test_columns_of_the_tables_are_no_input():
    doc, every, tried, all_of_them = document(), columns(), 0, list(writes())
    before = sums()
    for row, path, body in all_of_them:
        taken = names_of(doc, row)
        strange = [c for c in every if c not in taken]
        expect(len(strange) > 80, True, f"{row} {len(strange)}")
        expect(len(set(every) - set(strange)) <= len(taken), True, f"{row}")
        for n in range(0, len(strange), 60):
            part = strange[n:n + 60]
            a = few().host.send(row.method, path, {**(body or {}), **{c: 1 for c in part}})
            expect_status(a, 422, f"{row}", "VALIDATION_ERROR")
            expect(sorted(set(part) - set(a.details)), [], f"{row}: taken without a word")
            tried += len(part)
        for query in ("?role=admin", "?host_id=" + few().other.id):
            expect_status(few().host.send(row.method, path + query, body), 422, f"{row} {query}")
    expect(changed(before, sums()), [], "tables that changed")
    expect(tried > 1000, True, f"{tried} columns tried")


# ---- bodies ----
def multipart(parts, boundary="x" * 20, header=b""):
    one = (f"--{boundary}\r\nContent-Disposition: form-data; name=\"title\"\r\n").encode() + header + b"\r\nx\r\n"
    return one * parts + f"--{boundary}--\r\n".encode()


def test_multipart_is_refused_unread():
    """No route takes it: a bomb costs what any wrong type costs, no statement and no parsing."""
    bombs = {"10,000 parts": (multipart(10000), "x" * 20), "a long part header": (multipart(1, header=b"X: " + b"y" * 1000000 + b"\r\n"), "x" * 20),
             "no boundary": (multipart(3), None), "long boundary": (multipart(3, "b" * 71), "b" * 71), "empty": (b"--\r\n", "")}
    for name, (body, boundary) in bombs.items():
        kind = "multipart/form-data" + (f"; boundary={boundary}" if boundary is not None else "")
        for row, path, _ in writes():
            a = few().host.send(row.method, path, body, {"Content-Type": kind})
            expect_status(a, 413 if len(body) > 1 << 20 else 415, f"{name} {row}")
            expect(a.statements, 0, f"{name} {row}")


def test_depth_bombs():
    deep = {"arrays": b'{"title":' + b"[" * 100000 + b"]" * 100000 + b"}", "objects": b'{"a":' * 100000 + b"1" + b"}" * 100000,
            "open arrays": b"[" * 1000000, "open strings": b'{"' * 400000}
    for row, path, _ in writes():
        for name, body in deep.items():
            a = few().host.send(row.method, path, body, JSON_TYPE)
            expect(a.status in (400, 422), True, f"{name} {row} {a}")
    expect_status(few().host.get("/users/profile"), 200, "and after all that")


def cgi(length, body, path="/auth/login", kind="application/json"):
    """One request as plain CGI, past every web server: the announced length is whatever we say."""
    build = os.environ.get("MARQUEE_DEV_BUILD") or STATE + "/build"
    program, conf = build + "/inst/libexec/marquee/marquee.fcgi", STATE + "/marquee.conf"
    if not os.path.exists(program) or not os.path.exists(conf):
        raise Skip("needs the build and the stack of ./dev")
    env = {"MARQUEE_CONFIG": conf, "REQUEST_METHOD": "POST", "REQUEST_URI": path, "SCRIPT_NAME": "", "PATH_INFO": path,
           "QUERY_STRING": "", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1", "GATEWAY_INTERFACE": "CGI/1.1",
           "CONTENT_TYPE": kind}
    if length is not None:
        env["CONTENT_LENGTH"] = length
    done = subprocess.run([program], env=env, input=body, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/",
                          timeout=60, check=False)
    found = re.match(rb"Status: (\d+)", done.stdout)
    return int(found.group(1)) if found else done.stdout[:200]


def test_lengths_that_lie():
    body = json.dumps({"email": "nobody@example.org", "password": "x"}).encode()
    n = len(body)
    expect(cgi(str(n), body), 401, "control: the truth")
    for length, want in ((str(n + 1), 400), (str(n + 100000), 400), (str(n - 1), 400), ("0", 415), ("1", 400), ("-1", 400),
                         ("-0", 400), ("+5", 400), ("0x10", 400), (f" {n}", 400), (f"{n} ", 400), (f"{n}, {n}", 400), ("1e2", 400),
                         (str(1 << 31), 413), (str((1 << 63) - 1), 413), (str(1 << 63), 400), (str(1 << 64), 400),
                         ("9" * 400, 400), (None, 401), ("", 401)):
        got = cgi(length, body)
        expect(got == want or (length == "0" and got == 400), True, f"CONTENT_LENGTH {length!r}: {got}, not {want}")
    for length in (None, str(5 << 20)):
        expect(cgi(length, b" " * (5 << 20)), 413, "too much, announced or not")


# ---- line ends ----
HOSTILE = ("%0d%0aSet-Cookie:%20a=b", "%0aX-Injected:%201", "%0d%0a%0d%0a<script>", "%E5%98%8A%E5%98%8DX-Injected:1",
           "a%00b", "%20get%20x", "x" * 300, "%0d%0aflush_all%0d%0a", "%22}%0a{%22level%22:%22error%22")


def clean(a, what):
    for name in ("Set-Cookie", "X-Injected"):
        expect(name in a.headers, False, what)
    expect(a.status < 500, True, f"{what} {a}")


def log_path():
    path = STATE + "/log/marquee.log"
    if not os.path.exists(path):
        raise Skip("needs the log of ./dev")
    return path


def test_line_ends_go_nowhere():
    """Into no header, no second line of the log, no command of memcached, no header of Kafka."""
    host, began = few().host, os.path.getsize(log_path())
    for text in HOSTILE:
        for path in (f"/events/{text}", f"/{text}", f"/events?location={text}", f"/events?{text}=1", f"/events?cursor={text}",
                     f"/users/{text}", f"/events/{text}/attendees", f"/events?category={text}"):
            for who in (anonymous, host):
                clean(who.get(path), path)
        raw = text.replace("%0d", "\r").replace("%0a", "\n").replace("%20", " ")
        for field in ("title", "location", "category", "tags", "description", "url"):
            value = [raw] if field == "tags" else raw
            clean(host.post("/events", {"title": "Lines", "start_date": few().event["start_date"], field: value}), field)
        clean(host.patch("/users/profile", {"name": raw[:90]}), "name")
        clean(anonymous.post("/auth/login", {"email": raw[:90], "password": raw[:90]}), "email")
    for header in ("X-Request-Id", "traceparent", "Idempotency-Key", "Origin", "If-None-Match", "If-Match", "Accept",
                   "X-Forwarded-For", "User-Agent", "Referer", "Cookie"):
        for value in ("a\tb", "x\x0bX-Injected: 1", "é\x7f", "\"}{\"", "a" * 5000, "%0d%0aX-Injected: 1", "{\"a\":\"b\"}"):
            clean(host.send("POST", f"/events/{few().event['id']}/rsvp", {"status": "going"}, {header: value}), header)
    lines_are_whole(began)
    bad = sql("SELECT count(*) FROM outbox WHERE traceparent ~ '[^0-9a-f-]' OR type ~ '[^a-z._]' OR key ~ '[^0-9a-f-]'")
    expect(bad, [["0"]], "what becomes headers and keys of Kafka")
    two = [anonymous.get(f"/events/{few().event['id']}").header("Server-Timing") for _ in range(5)]
    expect(any("sql;desc=0" in t for t in two), True, f"the cache still answers: {two}")


def log_since(began):
    with open(log_path(), "rb") as f:
        f.seek(began)
        return f.read().decode("utf-8", "replace")


def lines_are_whole(began):
    """One line for each request, however hostile, and each of them whole."""
    marks = [f"mark-{os.getpid()}-{i}" for i in range(20)]
    for mark in marks:
        anonymous.send("GET", f"/events/%22}}%E2%80%A8{mark}%5c", None, {"X-Request-Id": mark})
    wait_for("the lines of the last requests", lambda: all(f'"{mark}"' in log_since(began) for mark in marks))
    lines = log_since(began).split("\n")[:-1]
    expect([x for x in lines if not is_json_line(x)][:3], [], "lines of the log that are no JSON")
    found = [json.loads(x) for x in lines if is_json_line(x)]
    for mark in marks:
        expect(len([x for x in found if x.get("request_id") == mark and x["msg"] == "request"]), 1, mark)


# ---- what is told ----
def test_errors_tell_nothing_of_the_inside():
    host = few().host
    bad = [host.post("/events", {"title": "'; DROP TABLE events; --", "start_date": "'"}),
           host.get("/events?sort=id;select"), host.get("/events?limit=-1"), host.get("/events?cursor=AAAA"),
           host.get("/users/'%20OR%201=1"), host.get("/events/'"), host.post("/events", b"\xff\xfe", **{"Content_Type": "application/json"}),
           host.patch(f"/events/{few().event['id']}", {"price": 1e9}), host.patch("/users/profile", {"username": "a'b"}),
           host.post("/events/register", {"event_id": "' OR ''='"}), anonymous.post("/auth/refresh", {"refresh_token": "'"}),
           host.put(f"/events/{few().event['id']}/rsvp", {"status": "going", "registration_data": {"a": "x" * 70000}})]
    for a in bad:
        expect(a.status in (400, 401, 404, 409, 413, 422), True, repr(a))
        expect(leaks(a.body, *LEAKS), [], repr(a))
        expect(a.json["request_id"] == a.header("X-Request-Id") and a.json["request_id"] != "", True, repr(a))


def secrets():
    with open(STATE + "/jwt_secret", encoding="utf-8") as f:
        return [f.read().strip(), PASSWORD, few().host.token.split(".")[2], few().host.refresh_token]


def test_no_secret_lies_about():
    """Not on a command line, not in the logs; and no image of the memory goes to disk."""
    who = person("Secretive")
    a = anonymous.post("/auth/refresh", {"refresh_token": who.refresh_token})
    anonymous.post("/auth/refresh", {"refresh_token": a.data["refresh_token"][:-1]})
    anonymous.post("/auth/login", {"email": who.email, "password": "wrong " + PASSWORD})
    hidden = secrets() + [who.token.split(".")[2], who.refresh_token, a.data["refresh_token"]]
    expect(lies_about(hidden), [])
    found = []
    for pid, name in programs():
        for row in re.findall(r"Max core file size +(\d+|unlimited) +(\S+)", limits_of(pid)):
            found.append(name)
            expect(row[0], "0", f"core files of {name}")
    expect({"marquee.fcgi", "marquee-notifie"} <= set(found), True, f"control: the workers and the notifier were found: {found}")


def programs():
    """(pid, name as the kernel keeps it) of the stack's own programs: not of others' on this machine, and
    not of test tools."""
    for piece in ("workers", "notifier"):
        with open(f"{STATE}/pid/{piece}", encoding="ascii") as f:
            session = f.read().split()[0]
        for line in subprocess.run(["pgrep", "-l", "-s", session], stdout=subprocess.PIPE, text=True, check=False).stdout.splitlines():
            pid, name = line.split(" ", 1)
            if name.startswith("marquee"):
                yield pid, name


def limits_of(pid):
    try:
        with open(f"/proc/{pid}/limits", encoding="utf-8") as f:
            return f.read()
    except OSError:
        return ""  # it has ended


def test_a_request_that_ends_early():
    """The server waits for the rest no longer than for anybody; others are served meanwhile."""
    socks = []
    for _ in range(20):
        sock = connect()
        sock.sendall(request_bytes("POST", "/auth/login", b"{" * 10, None, {"Content-Length": "100000", **JSON_TYPE}))
        socks.append(sock)
    expect_status(anonymous.get("/livez"), 200)
    expect_status(few().host.get("/users/profile"), 200)
    for sock in socks:
        sock.close()
    with connect() as sock:
        sock.sendall(request_bytes("GET", "/livez"))
        expect(read_answer(sock, "GET").status, 200)


if __name__ == "__main__":
    if not DEV:
        print("SKIP all: needs the stack of ./dev (T_DEV)")
        print("RESULT test_inputs passed=0 failed=0 skipped=1")
        raise SystemExit(77)
    main(globals())
