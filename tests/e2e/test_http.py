"""tests/e2e/test_http.py - what all addresses share: methods, headers, errors, bodies, odd texts."""
import glob
import json
import os
import re
import subprocess
import time

from api import (SERVER, Skip, Stack, anonymous, call, connect, event, expect, expect_status, instant, main, person,
                 read_answer, request_bytes, rsvp, sql, unique, wait_for)

SPEC = os.environ.get("T_SPEC", os.path.join(os.path.dirname(__file__), "../../../shared/spec"))
JSON_TYPE = {"Content-Type": "application/json"}
OWN = ("lighttpd-cgi", "apache-cgi")


# ---- methods ----
def test_head_is_get_without_a_body():
    who = person()
    ev = event(who)
    time.sleep(1.1)  # the counts in the cache were read before
    for path in ("/api/events?limit=1", f"/api/events/{ev['id']}", "/api/categories", "/health", "/livez",
                 "/readyz", "/openapi.json", "/", "/api/users/profile", f"/api/events/{ev['id']}/attendees",
                 "/metrics"):
        get, head = who.get(path), who.send("HEAD", path)
        expect((head.status, head.body), (get.status, b""), path)
        if path not in ("/health", "/metrics"):
            changing = {"Date", "X-Request-Id", "Server-Timing", "Content-Length"}
            expect(sorted(k for k in head.headers.keys() if k not in changing),
                   sorted(k for k in get.headers.keys() if k not in changing), path)
    expect_status(anonymous.send("HEAD", "/api/events/nowhere-0123456789"), 404)


def test_options_and_wrong_methods_name_the_right_ones():
    some = "/api/events/01890000-0000-7000-8000-000000000000"
    for path, methods in (("/api/events", "GET HEAD POST OPTIONS"), (some, "GET HEAD PUT PATCH DELETE OPTIONS"),
                          (some + "/rsvp", "GET HEAD POST PUT DELETE OPTIONS"), ("/auth/login", "POST OPTIONS"),
                          ("/health", "GET HEAD OPTIONS"), ("/api/events/my", "GET HEAD OPTIONS")):
        a = anonymous.send("OPTIONS", path)
        expect((a.status, a.body), (204, b""), path)
        expect(set(methods.split()) <= set(a.header("Allow").split(", ")), True, f"{path} {a.header('Allow')}")
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - set(a.header("Allow").split(", ")):
            b = anonymous.send(method, path)
            expect_status(b, 405, f"{method} {path}", "METHOD_NOT_ALLOWED")
            expect(b.header("Allow"), a.header("Allow"))
    for method in ("TRACE", "PROPFIND", "BREW", "get"):
        a = anonymous.send(method, "/api/events")
        expect(a.status in (405, 501, 400), True, f"{method} {a}")


def test_unknown_addresses():
    for path in ("/nothing", "/api/v2/events", "/api/events/", "/API/events", "/api/events/x/y/z",
                 "/api/api/events", "/api/v1/v1/events", "/events/../health/x", "//events"):
        a = anonymous.get(path)
        expect_status(a, 404, path)
        expect(a.json["success"], False, path)
    for prefix in ("/api", "/api/v1", ""):
        expect_status(anonymous.get(prefix + "/events?limit=1"), 200, prefix)


# ---- headers ----
ALWAYS = {"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
          "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}


def test_security_headers_everywhere():
    who = person()
    for a in (anonymous.get("/api/events"), anonymous.get("/nothing"), who.get("/users/profile"),
              anonymous.get("/health"), anonymous.post("/auth/login", {}), anonymous.delete("/api/events"),
              anonymous.send("OPTIONS", "/api/events"), anonymous.get("/openapi.json")):
        for name, value in ALWAYS.items():
            expect(a.header(name), value, name)
        expect(a.header("Server") in ("", "nginx", "Apache"), True, a.header("Server"))
    expect(who.get("/users/profile").header("Cache-Control"), "no-store")
    path = f"/api/events/{event(who)['id']}"
    kept = anonymous.get(path)
    known = anonymous.get(path, If_None_Match=kept.header("ETag"))
    expect((kept.header("X-Frame-Options"), known.status), ("DENY", 304))
    expect({name: known.header(name) for name in ALWAYS}, dict.fromkeys(ALWAYS, ""), "those of the answer it keeps count")
    expect((known.header("ETag"), known.header("Vary") != ""), (kept.header("ETag"), True))


def test_request_ids():
    for sent in ("abc", "A-Z.0_9", "x" * 64):
        a = anonymous.get("/api/events?limit=1", X_Request_Id=sent)
        expect((a.header("X-Request-Id"), a.json["request_id"]), (sent, sent))
    for sent in ("", "x" * 65, "a b", "a\"b", "é", "<x>"):
        a = anonymous.get("/nothing", X_Request_Id=sent)
        expect(a.json["request_id"].startswith("req_"), True, sent)
        expect(a.json["request_id"], a.header("X-Request-Id"))
    ids = {anonymous.get("/nothing").json["request_id"] for _ in range(20)}
    expect(len(ids), 20)


def test_traceparent_is_passed_on():
    who = person()
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    ev = who.send("POST", "/api/events", {"title": "Traced", "start_date": instant()}, {"traceparent": trace}).data
    expect(sql(f"SELECT traceparent FROM outbox WHERE key = '{ev['id']}'"), [[trace]])
    for bad in ("00-xyz", trace.upper(), trace + "-1", "", "ff" + trace[2:]):
        ev = who.send("POST", "/api/events", {"title": "Traced", "start_date": instant()}, {"traceparent": bad}).data
        expect(sql(f"SELECT traceparent FROM outbox WHERE key = '{ev['id']}'"), [[""]], bad)


def test_timestamp_and_types():
    a = anonymous.get("/api/events?limit=1")
    expect(bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", a.json["timestamp"])), True)
    expect((a.json["success"], a.header("Content-Type")), (True, "application/json; charset=utf-8"))
    expect(isinstance(a.data, list) and set(a.page) >= {"page", "limit", "has_more", "next_cursor"}, True)


def test_system_addresses():
    def well():
        found = anonymous.get("/health")
        return found if found.json["status"] == "ok" else None
    a = wait_for("all parts to be well", well)
    expect((a.status, a.json["status"], a.json["service"]), (200, "ok", "marquee"))
    expect(a.json["dependencies"], {"database": "up", "cache": "up", "kafka": "up", "notifier": "up",
                                     "outbox": "up", "mail": "off"})
    expect("metrics" in a.json, False, "totals only for staff")
    expect("metrics" in person(role="admin").get("/health").json, True)
    for path in ("/livez", "/readyz"):
        expect_status(anonymous.get(path), 200, path)
    doc = anonymous.get("/openapi.json").json
    expect(doc["openapi"][:3], "3.1")
    for path in ("/api/events", "/api/events/{id}", "/api/events/{id}/rsvp", "/api/auth/login"):
        expect(path in doc["paths"] or path[4:] in doc["paths"], True, path)
    text = anonymous.get("/metrics").body.decode()
    for name in ("http_requests_total", "http_request_duration_seconds", "cache_hits_total", "outbox_pending"):
        expect(name in text, True, name)


# ---- errors in both forms ----
def provoke(ev, host):
    """One request for each error word."""
    return {
        "MALFORMED_REQUEST": (400, host, "POST", "/api/events", b"{", JSON_TYPE),
        "UNAUTHORIZED": (401, anonymous, "GET", "/api/users/profile", None, {}),
        "FORBIDDEN": (403, person(), "DELETE", f"/api/events/{ev['id']}", None, {}),
        "NOT_FOUND": (404, anonymous, "GET", "/api/events/x", None, {}),
        "METHOD_NOT_ALLOWED": (405, anonymous, "PUT", "/api/events", None, {}),
        "CONFLICT": (409, anonymous, "POST", "/auth/register",
                     {"email": host.email, "password": "another one", "name": "x"}, {}),
        "CAPACITY_BELOW_GOING": (409, host, "PATCH", f"/api/events/{ev['id']}", {"capacity": 1}, {}),
        "PRECONDITION_FAILED": (412, host, "PATCH", f"/api/events/{ev['id']}", {}, {"If-Match": '"v9.0.0"'}),
        "PAYLOAD_TOO_LARGE": (413, host, "POST", "/api/events", b" " * (1 << 20) + b"{}", JSON_TYPE),
        "UNSUPPORTED_MEDIA_TYPE": (415, host, "POST", "/api/events", b"{}", {"Content-Type": "text/plain"}),
        "VALIDATION_ERROR": (422, host, "POST", "/api/events", {}, {}),
    }


def test_every_error_as_envelope_and_as_problem():
    host = person()
    ev = event(host, max_attendees=2)
    rsvp(host, ev), rsvp(person(), ev)
    for code, (status, who, method, path, body, headers) in provoke(ev, host).items():
        a = who.send(method, path, body, headers)
        expect_status(a, status, code, code)
        expect(set(a.json) == {"success", "error", "timestamp", "request_id"}, True, code)
        expect(bool(a.json["error"]["message"]), True)
        b = who.send(method, path, body, {**headers, "Accept": "application/problem+json"})
        expect((b.status, b.header("Content-Type")), (status, "application/problem+json"), code)
        doc = b.json
        expect((doc["status"], doc["code"], sorted({e["field"] for e in doc["errors"]})),
               (status, code, sorted(a.details)), code)
        expect({"type", "title", "detail", "instance"} <= set(doc), True, code)
        expect(("WWW-Authenticate" in b.headers, "Allow" in b.headers), (status == 401, status == 405), code)


def test_the_web_servers_own_answers_have_the_same_shape():
    with connect() as sock:  # a POST that tells no length
        sock.sendall(b"POST /auth/logout HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        a = read_answer(sock, "POST")
    expect_status(a, 411 if SERVER.startswith("lighttpd") else 401)  # the others read it as none
    expect((a.json["success"], set(a.json["error"]) >= {"code", "message"}), (False, True))
    a = anonymous.send("POST", "/auth/login", b" " * (17 << 20), JSON_TYPE)
    expect((a.status, a.code), (413, "PAYLOAD_TOO_LARGE"))


# ---- CORS ----
def test_cors():
    origin = "https://app.example.org"
    a = anonymous.get("/api/events", Origin=origin)
    expect("Access-Control-Allow-Origin" in a.headers, False, "off by default")
    with Stack(f"http.cors_origins = {origin} http://localhost:3000") as stack:
        def ask(method, sent, **more):
            return call(method, "/api/events?limit=1", None, None, {"Origin": sent, **more}, stack.url)
        for sent in (origin, "http://localhost:3000"):
            a = ask("GET", sent)
            expect(a.header("Access-Control-Allow-Origin"), sent)
            expect("Access-Control-Allow-Credentials" in a.headers, False)
            expect("Origin" in a.header("Vary"), True)
            a = ask("OPTIONS", sent, **{"Access-Control-Request-Method": "POST"})
            expect((a.status, a.header("Access-Control-Allow-Origin")), (204, sent))
            expect("POST" in a.header("Access-Control-Allow-Methods"), True)
            for name in ("Authorization", "Content-Type", "If-Match", "Idempotency-Key"):
                expect(name in a.header("Access-Control-Allow-Headers"), True, name)
        for sent in ("null", "https://evil.example.org", origin + ".evil.org", "http://app.example.org", "*"):
            a = ask("GET", sent)
            expect("Access-Control-Allow-Origin" in a.headers, False, sent)
            expect("Origin" in a.header("Vary"), True, "caches must know")
        a = call("GET", "/nothing", None, None, {"Origin": origin}, stack.url)
        expect((a.status, a.header("Access-Control-Allow-Origin")), (404, origin), "errors can be read too")
        rate_limits(stack)


def rate_limits(stack):
    """The same stack again with limits: each class counts by itself."""
    stack.configure("limits.enabled = on\nlimits.browse = 5\nlimits.create = 3\nlimits.login = 6")
    browse = [call("GET", "/api/events?limit=1", url=stack.url) for _ in range(8)]
    expect([a.status for a in browse], [200] * 5 + [429] * 3, "browse")
    expect((browse[0].header("RateLimit-Policy"), browse[0].header("RateLimit")[:12]),
           ('"browse";q=5;w=3600', '"browse";r=4'))
    expect((browse[-1].code, int(browse[-1].header("Retry-After")) > 0), ("RATE_LIMITED", True))
    spoofed = call("GET", "/api/events?limit=1", None, None, {"X-Forwarded-For": "9.9.9.9"}, stack.url)
    expect_status(spoofed, 429, "nobody believes X-Forwarded-For")
    one, two = person(url=stack.url), person(url=stack.url)
    for who in (one, two):
        made = [who.post("/api/events", {"title": "Limited", "start_date": instant()}).status for _ in range(4)]
        expect(made, [201] * 3 + [429], "create, each person")
        expect_status(who.get("/api/events?limit=1"), 200, "browse counts for anonymous only")
    tried = [call("POST", "/auth/login", {"email": one.email, "password": "wrong one"}, url=stack.url).status
             for _ in range(6)]
    expect(tried, [401] * 4 + [429] * 2, "login counts with register")


# ---- bodies ----
def test_content_types():
    host = person()
    body = json.dumps({"title": "Typed", "start_date": instant()}).encode()
    for kind in ("application/json", "application/json; charset=utf-8", "APPLICATION/JSON",
                 "application/merge-patch+json"):
        expect_status(host.send("POST", "/api/events", body, {"Content-Type": kind}), 201, kind)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx", None):
        a = host.send("POST", "/api/events", body, {"Content-Type": kind})
        expect_status(a, 415, str(kind), "UNSUPPORTED_MEDIA_TYPE")


def test_sizes():
    host = person()
    body = json.dumps({"title": "Big", "start_date": instant()}).encode()
    for n, status in (((1 << 20) - len(body), 201), ((1 << 20) - len(body) + 1, 413), (3 << 20, 413)):
        expect_status(host.send("POST", "/api/events", b" " * n + body, JSON_TYPE), status, str(n))
    a = host.send("POST", f"/api/events/{unique('x-0123456789')}/rsvp", b" " * (2 << 20), JSON_TYPE)
    expect_status(a, 413)


def test_bad_json_is_refused():
    host = person()
    for body in (b"", b"{", b"{'title':'x'}", b"[1,]", b'{"a":01}', b'{"a":NaN}', b'{"a":"\t"}', b'{"title":"\xff"}',
                 b'{"a":1}{}', b"\xef\xbb\xbf{}", b'{"a":"\\x"}', b"nul", b'{"a" 1}', b"//", b"{\"a\":\"\\ud800\"}"):
        a = host.send("POST", "/api/events", body, JSON_TYPE)
        expect(a.status in (400, 422), True, f"{body!r} {a}")
    for body, word in ((b'{"title":"a","title":"b"}', "title"), (b'{"title":"a\\u0000b"}', "u0000"),
                       (b'{"a":' + b"[" * 40 + b"]" * 40 + b"}", "deep"), (b'{"price":1e999}', "")):
        a = host.send("POST", "/api/events", body, JSON_TYPE)
        expect(a.status in (400, 422), True, f"{body!r} {a}")
        expect(word in a.body.decode(), True, f"says {word!r}: {a}")


def test_json_suite():
    files = sorted(glob.glob(SPEC + "/json/*.json"))
    if not files:
        raise Skip("no ../shared/spec/json here")
    host = person()
    for path in files:
        with open(path, "rb") as f:
            text = f.read()
        name = os.path.basename(path)
        # as the value of a member that is refused by name: parsed or not shows in the code
        whole = host.send("POST", "/api/events", text, JSON_TYPE)
        expect(whole.status in (400, 422), True, f"{name} {whole}")
        if name.startswith("n_"):
            expect_status(whole, 400, name, "MALFORMED_REQUEST")
        if name.startswith("y_") and "duplicated" not in name and b"\\u0000" not in text:
            expect_status(whole, 422, name, "VALIDATION_ERROR")


def naughty():
    path = SPEC + "/text/blns.json"
    if not os.path.exists(path):
        raise Skip("no ../shared/spec/text here")
    with open(path, encoding="utf-8") as f:
        return json.load(f)[::10 if SERVER in OWN else 1]  # by CGI each request is a process


def test_naughty_strings_come_back_unchanged_or_are_refused():
    host, stored = person(), 0
    texts = naughty()
    for text in texts:
        a = host.post("/api/events", {"title": text, "start_date": instant(), "description": text,
                                      "location": text, "tags": [text]})
        if a.status == 201:
            stored += 1
            got = host.get(f"/api/events/{a.data['id']}").data
            expect((got["title"], got["description"], got["location"], got["tags"]), (text,) * 3 + ([text],))
        else:
            expect_status(a, 422, repr(text)[:60])
    expect(stored > len(texts) // 2, True, f"{stored} of {len(texts)} stored")
    ev = event(host)
    for text in texts:
        a = host.patch(f"/api/events/{ev['id']}", {"description": text})
        if expect(a.status in (200, 422), True, f"{text!r} {a}") and a.status == 200:
            expect(host.get(f"/api/events/{ev['id']}").data["description"], text)


def test_naughty_strings_in_queries_and_names():
    from urllib.parse import quote
    host = person()
    for text in naughty():
        sent = quote(text, safe="")
        for path in (f"/api/events?location={sent}", f"/api/events?tags={sent}", f"/api/events?category={sent}",
                     f"/api/events?{sent}=1", f"/api/events/{sent}", f"/api/users/{sent}",
                     f"/api/events?cursor={sent}"):
            if len(path) < 4000:
                a = host.get(path)
                expect(a.status < 500, True, f"{path[:120]} {a}")


# ---- one connection, odd requests ----
def test_odd_requests_are_answered_or_refused():
    token = person().token
    for data in (b"GET /api/events?limit=1 HTTP/1.0\r\n\r\n", b"GET /api/events?limit=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                 b"GET http://evil/api/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                 b"GET /api/events HTTP/1.1\r\nConnection: close\r\n\r\n",
                 request_bytes("POST", "/api/events", b"{}", token, {"Content-Length": "-1"}),
                 request_bytes("POST", "/api/events", b"{}", token, {"Content-Length": "1, 2"}),
                 request_bytes("POST", "/api/events", b"{}", token, {"Content-Length": str(1 << 63)}),
                 request_bytes("POST", "/api/events", b"2\r\n{}\r\n0\r\n\r\n", token,
                               {"Content-Length": None, "Transfer-Encoding": "chunked", **JSON_TYPE}),
                 request_bytes("GET", "/api/events?x=" + "a" * 9000, None, token)):
        with connect() as sock:
            sock.sendall(data)
            a = read_answer(sock, "GET")
        expect(a.status < 500, True, f"{data[:60]!r} {a}")


# ---- workers ----
def _wakings(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
        return int(re.search(r"(?m)^voluntary_ctxt_switches:\s*(\d+)", f.read())[1])


def test_a_connection_wakes_one_worker_of_many():
    if SERVER in (*OWN, "apache-fcgid"):
        raise Skip("this web server has its own processes")
    with Stack(workers=6) as stack:
        workers = subprocess.run(["pgrep", "-s", str(stack.pid("workers")), "marquee.fcgi"], check=True, stdout=subprocess.PIPE,
                                 text=True).stdout.split()
        expect(len(workers), 6)
        before, began = [_wakings(pid) for pid in workers], time.monotonic()
        for _ in range(60):
            expect_status(call("GET", "/livez", url=stack.url), 200)
        woken = [_wakings(pid) - n for pid, n in zip(workers, before)]
        took = time.monotonic() - began  # an idle worker wakes six times a second by itself
        # one may still be at the end of its request when the next comes to another; all six would be woken by each
        expect(sum(n - 6 * took < 50 for n in woken) >= 3, True, f"60 requests in {took:.1f} s woke {woken}")


if __name__ == "__main__":
    main(globals())
