"""tests/e2e/test_servers.py - the site configurations themselves: each web server before a program that tells
what reached it. What one server takes for one request must not be another, or two, for the next."""
import contextlib
import gzip
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

from api import DEV, Answer, Skip, expect, free_port, main, wait_for
from echo import Echo

POOLS = ("lighttpd", "nginx", "apache")
OWN = ("lighttpd-cgi", "apache-fcgid", "apache-cgi")
MAX_BODY = 16448 << 10  # 16 MiB and room for multipart headers


class Server:
    """One web server alone, in front of Echo or of echo.py as its own program."""

    def __init__(self, name):
        self.name, self.port = name, free_port()

    def __enter__(self):
        if not DEV:
            raise Skip("needs ./dev (T_DEV)")
        self.folder = tempfile.mkdtemp(prefix="marquee-web.")
        os.chmod(self.folder, 0o777)
        self.program = shutil.copy(os.path.join(os.path.dirname(__file__), "echo.py"),
                                   self.folder + "/marquee.fcgi")
        os.chmod(self.program, 0o755)
        self.echo = None if self.name in OWN else Echo(self.folder + "/s")
        env = dict(os.environ, MARQUEE_DEV_STATE=self.folder + "/state", MARQUEE_DEV_PORT=str(self.port))
        with open(self.folder + "/log", "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [DEV, "serve", "--server", self.name, self.program if self.name in OWN else self.folder + "/s"],
                env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_for(self.name, self.up)
        except BaseException:
            with open(self.folder + "/log", encoding="utf-8") as log:
                print(log.read())
            self.__exit__()
            raise
        self.take()
        return self

    def up(self):
        assert self.process.poll() is None, f"{self.name} ended"
        with contextlib.suppress(OSError):
            return self.ask("GET", "/").status == 200
        return False

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        if self.echo:
            self.echo.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def take(self):
        """Addresses of the requests that reached the program since the last time."""
        if self.echo:
            return self.echo.take()
        path = self.folder + "/seen"
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as f:
            lines = [None if line == "None\n" else line.rstrip("\n") for line in f]
        os.unlink(path)
        return lines

    def raw(self, data, timeout=20):
        """All bytes the server sends until it closes, or falls silent for a second after a whole answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as sock:
            with contextlib.suppress(ConnectionError):
                sock.sendall(data)
            got = b""
            with contextlib.suppress(ConnectionError, TimeoutError):
                while more := sock.recv(65536):
                    got += more
                    sock.settimeout(1 if whole(got) else timeout)
            return got

    def ask(self, method, path, body=None, **headers):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            c.putrequest(method, path, skip_accept_encoding=True)
            if body is not None:
                c.putheader("Content-Length", str(len(body)))
            for k, v in headers.items():
                c.putheader(k.replace("__", "\0").replace("_", "-").replace("\0", "_"), v)
            c.putheader("Connection", "close")
            c.endheaders()
            with contextlib.suppress(ConnectionError):
                c.send(body or b"")
            r = c.getresponse()
            return Plain(r, r.read())
        finally:
            c.close()


class Plain(Answer):
    """Bodies that may be compressed."""

    def __init__(self, response, body):
        if response.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        super().__init__(response, body)
        self.env = (self.json or {}).get("env", {})


def each(names=POOLS + OWN):
    for name in names:
        with Server(name) as s:
            yield s


def whole(raw):
    """Where its head says how long an answer is: all of it is there."""
    head, _, body = raw.partition(b"\r\n\r\n")
    length = re.search(rb"(?im)^content-length: *(\d+)", head)
    return len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n")


def status_of(raw):
    return int(raw.split(b" ", 2)[1]) if raw.startswith(b"HTTP/1.") else 0


# ---- what arrives ----
def arrives_as_sent(s):
    for path in ("/", "/a/b?c=d&e", "/a%20b//c/%2e%2e/d%2Fe/?q=%41+b", "/api/../x", "/x;y=1,2", "/%C3%A4", "//x",
                 "/x?a=/../b", "/x/..%2fx", "/x%3Fy", "/x?", "/livez?--set+x%3D1", "/-h?-h"):
        a = s.ask("GET", path)
        expect((a.status, a.env.get("REQUEST_URI")), (200, path), s.name)
        expect(s.take(), [path], s.name)
    a = s.ask("GET", "/?x", Authorization="Bearer abc.def", If_None_Match='W/"v1"', Idempotency_Key="k", Cookie="a=b")
    expect([a.env.get("HTTP_" + n) for n in ("AUTHORIZATION", "IF_NONE_MATCH", "IDEMPOTENCY_KEY", "COOKIE")],
           ["Bearer abc.def", 'W/"v1"', "k", "a=b"], s.name)
    expect((a.env["REQUEST_METHOD"], a.env["QUERY_STRING"], a.env["REMOTE_ADDR"], a.env["SERVER_PROTOCOL"]),
           ("GET", "x", "127.0.0.1", "HTTP/1.1"), s.name)
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        expect(s.ask(method, "/m", b"").env.get("REQUEST_METHOD"), method, s.name)
    a = s.ask("POST", "/", b"", X_HTTP_Method_Override="DELETE")
    expect(a.env["REQUEST_METHOD"], "POST", f"{s.name}: no override")


def never_kept_open(s):
    """T1: the flag FCGI_KEEP_CONN is not set, and each request has a connection of its own."""
    if not s.echo:
        return
    before = s.echo.connections
    flags = [s.ask("GET", "/").json["flags"] for _ in range(5)]
    expect((flags, s.echo.connections - before), ([0] * 5, 5), s.name)


def names_that_collapse(s):
    """T4 and T5: Proxy, and underscores instead of dashes."""
    expect("HTTP_PROXY" in s.ask("GET", "/", Proxy="http://evil").env, False, s.name)
    for sent in ({"X__Forwarded__For": "6.6.6.6"}, {"X_Forwarded__For": "6.6.6.6"}, {"X__Forwarded_For": "6.6.6.6"}):
        expect("HTTP_X_FORWARDED_FOR" in s.ask("GET", "/", **sent).env, False, f"{s.name} {sent}")
        for both in ({"X_Forwarded_For": "1.1.1.1", **sent}, {**sent, "X_Forwarded_For": "1.1.1.1"}):
            expect(s.ask("GET", "/", **both).env.get("HTTP_X_FORWARDED_FOR"), "1.1.1.1", f"{s.name} {both}")
    for name in ("X__Forwarded__Proto", "X__Request__Id", "If__Match", "If__None__Match", "Idempotency__Key"):
        a = s.ask("GET", "/", **{name: "evil"})
        expect([k for k, v in a.env.items() if v == "evil"], [], f"{s.name} {name}")


def bodies(s):
    """T3 and Y8: sizes at the limit, chunks, lengths that lie."""
    s.take()
    for n in (0, 1, 70000, 16 << 20, MAX_BODY):
        a = s.ask("POST", "/", b"x" * n)
        expect((a.status, a.json and a.json.get("length")), (200, n), f"{s.name} {n}")
    s.take()
    a = s.ask("POST", "/", b"x" * (MAX_BODY + 1))
    expect((a.status, a.code), (413, "PAYLOAD_TOO_LARGE"), s.name)
    if s.name not in ("apache-cgi", "lighttpd-cgi"):
        expect(s.take(), [], f"{s.name}: refused without a worker")
    head = b"POST /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    s.take()
    got = s.raw(head + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n")
    if s.name in ("apache", "apache-fcgid"):  # they have no limit for the size of these
        expect((status_of(got), s.take()), (411, []), s.name)
    else:
        expect((status_of(got), b'"length": 7' in got), (200, True), f"{s.name} chunked {got[:300]}")
    for lie in (b"Content-Length: -1\r\n\r\n", b"Content-Length: 1, 2\r\n\r\nab", b"Content-Length: 0x2\r\n\r\nab",
                b"Content-Length: 9223372036854775808\r\n\r\nab", b"Content-Length: 99999999999999999999999\r\n\r\nab",
                b"Content-Length: +2\r\n\r\nab", b"Content-Length: 2 2\r\n\r\nab",
                b"Transfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n",
                b"Transfer-Encoding: chunked\r\n\r\n-1\r\nab\r\n0\r\n\r\n",
                b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nab\r\n0\r\n\r\n"):
        s.take()
        got = s.raw(head + lie)
        expect(status_of(got) in (0, 400, 413, 411, 501), True, f"{s.name} {lie} {got[:80]}")
        if s.name != "apache-cgi":  # it starts the program first
            expect([u for u in s.take() if u], [], f"{s.name} {lie}")


def compression(s):
    """T8: gzip on request, and a tag that still says the same."""
    for kind in ("application/json", "text/html", "text/calendar", "application/atom+xml", "application/xml"):
        path, what = "/_tag?" + kind, f"{s.name} {kind}"
        plain, small = s.ask("GET", path), s.ask("GET", path, Accept_Encoding="gzip")
        expect((plain.header("Content-Encoding"), plain.header("ETag")), ("", 'W/"v1.2.3"'), what)
        expect((small.header("Content-Encoding"), b"x" * 3000 in small.body), ("gzip", True), what)
        expect(small.header("ETag") in ('W/"v1.2.3"', 'W/"v1.2.3-gzip"'), True, f"{what} {small.header('ETag')}")
        expect("Accept-Encoding" in small.header("Vary"), True, what)


def files(s):
    """Static files without a worker, files handed over by name, nothing else of the disk."""
    folder = s.folder + "/state/web/files/"
    with open(folder + "hello.txt", "w", encoding="utf-8") as f:
        f.write("hello, file")
    s.take()
    a = s.ask("GET", "/static/site.css")
    expect((a.status, a.header("Content-Type").split(";")[0], b".brand" in a.body), (200, "text/css", True), s.name)
    expect((s.ask("GET", "/static/nothing.css").status, s.ask("GET", "/static/").status in (403, 404)), (404, True), s.name)
    for path in ("/static/../files/hello.txt", "/static/%2e%2e/files/hello.txt", "/_files/hello.txt", "/files/hello.txt",
                 "/static/..%2ffiles/hello.txt", "/static//../../marquee.conf"):
        a = s.ask("GET", path)
        expect(b"hello, file" in a.body or b"listen" in a.body.lower(), False, f"{s.name} {path}")
    if s.name != "lighttpd-cgi":  # X-Sendfile is FastCGI's there
        a = s.ask("GET", "/_file", X_Folder=folder)
        expect((a.status, a.body), (200, b"hello, file"), s.name)


def test_what_reaches_the_program():
    for s in each():
        for part in (arrives_as_sent, never_kept_open, names_that_collapse, bodies, compression, files):
            part(s)


# ---- one meaning ----
def raw_request(*lines, body=b""):
    return b"\r\n".join([b"POST /one HTTP/1.1", b"Host: a.example", *lines]) + b"\r\n\r\n" + body


NEXT = b"GET /two HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n"
CHUNKED = b"3\r\nabc\r\n0\r\n\r\n"
# name, bytes, length of the body if it is taken at all (None: must be refused)
SMUGGLING = (
    ("length and chunks", raw_request(b"Content-Length: 4", b"Transfer-Encoding: chunked", body=CHUNKED), 3),
    ("chunks and length", raw_request(b"Transfer-Encoding: chunked", b"Content-Length: 100", body=CHUNKED), 3),
    ("two lengths", raw_request(b"Content-Length: 3", b"Content-Length: 50", body=b"abc" + NEXT), None),
    ("two lengths, the longer first", raw_request(b"Content-Length: 50", b"Content-Length: 3", body=b"abc" + NEXT), None),
    ("chunked twice", raw_request(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", body=CHUNKED), 3),
    ("chunked, misspelt", raw_request(b"Transfer-Encoding: xchunked", body=CHUNKED), None),
    ("blank before the colon", raw_request(b"Transfer-Encoding : chunked", b"Content-Length: 3", body=b"abc"), None),
    ("folded line", raw_request(b"X-Folded: a", b" Content-Length: 50", b"Content-Length: 3", body=b"abc"), 3),
    ("line ends without CR", raw_request(b"Content-Length: 3", body=b"abc").replace(b"\r\n", b"\n"), 3),
    ("CR alone", raw_request(b"X-A: b\rContent-Length: 50", b"Content-Length: 3", body=b"abc"), None),
    ("NUL in a value", raw_request(b"X-A: b\0c", b"Content-Length: 3", body=b"abc"), None),
    ("no host", b"GET /one HTTP/1.1\r\n\r\n", None),
    ("two hosts", raw_request(b"Host: b.example", b"Content-Length: 0"), None),
    ("host with a path", b"GET /one HTTP/1.1\r\nHost: a.example/x\r\n\r\n", None),
    ("absolute", b"GET http://a.example/one HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n", 0),
    ("absolute, other host", b"GET http://b.example/one HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n", 0),
    ("HTTP/0.9", b"GET /one\r\n\r\n", 0),
    ("HTTP/1.0 chunked", raw_request(b"Transfer-Encoding: chunked", body=CHUNKED).replace(b"/1.1", b"/1.0"), 3),
    ("blank line, then a request", b"\r\n" + NEXT.replace(b"/two", b"/one"), 0),
    ("control character in the address", b"GET /one\x01 HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n", None),
)


def test_one_meaning_or_none():
    """Y11: each of these is refused, or it is exactly this one request, by every server."""
    outcomes = {}
    for s in each(POOLS):
        for name, data, length in SMUGGLING:
            s.take()
            got = s.raw(data)
            seen, status = s.take(), status_of(got)
            if seen:
                meant = [(u or "").removeprefix("http://").removeprefix("a.example").removeprefix("b.example") for u in seen]
                expect((meant, f'"length": {length},'.encode() in got), (["/one"], True), f"{s.name}: {name} {got[:400]}")
            else:
                expect(status in (0, 400, 411, 413, 417, 501, 505), True, f"{s.name}: {name} {got[:80]}")
            outcomes.setdefault(name, []).append(f"{s.name} {'taken' if seen else status}")
        a = s.ask("TRACE", "/")
        expect((a.status in (200, 405), "Max-Forwards" in a.body.decode("latin-1")), (True, False), s.name)
    for name, words in outcomes.items():
        print(f"  {name:36} {', '.join(words)}")


# ---- answers of the servers themselves ----
def test_without_a_worker():
    """No worker, one that hangs up: an answer in our shape, and never a second try."""
    for s in each(POOLS):
        for method in ("POST", "GET"):
            s.take()
            a = s.ask(method, "/_die", b"{}" if method == "POST" else None)
            expect((a.status in (500, 502, 503), a.json and a.json["success"]), (True, False), f"{s.name} {a}")
            expect(s.take(), ["/_die"], f"{s.name}: {method} once")
        s.echo.close()
        os.unlink(s.folder + "/s")
        a = s.ask("POST", "/", b"{}")
        expect((a.status, a.code), (503, "UNAVAILABLE"), f"{s.name} {a}")
        if s.name != "lighttpd":  # its error files carry no headers of their own
            expect(a.header("Retry-After"), "1", s.name)
        expect(s.ask("GET", "/static/site.css").status, 200, f"{s.name}: files need no worker")


def test_errors_have_the_same_shape():
    for s in each(POOLS):
        for data, status in ((b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", (400, 414, 431)),
                             (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 40000 + b"\r\n\r\n", (400, 431)),
                             (b"GET /static/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", (404,))):
            got = s.raw(data)
            expect(status_of(got) in status, True, f"{s.name} {got[:60]}")
            doc = json.loads(got.split(b"\r\n\r\n", 1)[1] or b"{}")
            expect((doc.get("success"), "code" in doc.get("error", {})), (False, True), f"{s.name} {got[:300]}")
            expect(b"/1." in got.split(b"\r\n\r\n")[0].split(b"\r\n", 1)[1], False, f"{s.name}: no version {got[:300]}")


# ---- slow clients ----
def test_slow_bodies_occupy_nobody():
    """T6: heads and bodies that do not end reach no worker; silence is ended within 20 s and a bit."""
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(Server(name)) for name in POOLS]
        socks = []
        for s in servers:
            s.start = s.echo.connections
            for data in (b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", raw_request(b"Content-Length: 1000", body=b"abc"),
                         raw_request(b"Transfer-Encoding: chunked", body=b"5\r\nabc"),
                         raw_request(b"Content-Length: 200000", body=b"x" * 100000)) * 10:
                sock = stack.enter_context(socket.create_connection(("127.0.0.1", s.port), timeout=60))
                sock.sendall(data)
                socks.append((s, sock, data))
        time.sleep(1)
        for s in servers:
            expect(s.echo.connections - s.start, 0, f"{s.name}: connections to workers")
            expect([s.ask("GET", "/").status for _ in range(10)], [200] * 10, s.name)
        for s, sock, data in socks:
            sock.settimeout(45)
            with contextlib.suppress(ConnectionError):
                while sock.recv(65536):
                    pass
        for s in servers:
            expect([u for u in s.take() if u != "/"], [], f"{s.name}: nothing of them reached a worker")


if __name__ == "__main__":
    main(globals())
