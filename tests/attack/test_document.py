"""tests/attack/test_document.py - the program against its own /openapi.json: inputs that keep it and inputs
that break it, for every operation. No answer of 5xx, none that the document does not describe, none
that takes what the document forbids. T_SEED and T_ROUNDS (or T_LONG=1) widen the search."""
import json
import os
import random
from urllib.parse import quote

from api import PASSWORD, anonymous, event, expect, main, person, sql, unique
from schema import NASTY, bad, good, problems
from surface import METHODS, SOURCES, document, leaks, parameters
from world import resettable

LONG = os.environ.get("T_LONG") == "1"
SEED = int(os.environ.get("T_SEED", "20261121"))
ROUNDS = int(os.environ.get("T_ROUNDS", "400" if LONG else "8"))
LEAKS = (r"SELECT |INSERT INTO", r"pg_catalog|libpq", r"\$argon2")
# These would end the sign-in, or make many; three a round are enough of them.
ENDING = {("post", "/auth/logout"), ("delete", "/users/me/sessions"), ("delete", "/users/me/sessions/{session}")}
SELDOM = {("post", "/auth/logout"), ("post", "/auth/register"), ("post", "/auth/login")}


class World:
    def __init__(self):
        self.doc = document()
        self.host, self.admin = person("Host"), person("Admin", role="admin")
        self.other = person("Other")
        self.begin()
        self.seen = {}

    def begin(self):
        """An event, and a link for the staff of its door."""
        self.event = event(self.host, max_attendees=3)
        self.gate = self.host.post(f"/events/{self.event['id']}/gates", {"name": "Gate"}).data["id"]

    def known(self, method, path):
        """Values that only the program can have given."""
        if path in ("/events/register", "/users/batch"):
            return {"event_id": self.event["id"]} if "events" in path else {"user_ids": [self.other.id]}
        if path == "/auth/login":
            return {"email": self.other.email, "password": PASSWORD}
        if path == "/auth/register":
            return {"email": unique("doc") + "@example.org"}
        if path == "/auth/refresh":
            return {"refresh_token": self.other.login().refresh_token}
        if path == "/auth/password/reset":
            return resettable(None, None, "document")
        return {"status": "going"} if path.endswith("/rsvp") and method != "get" else {}

    def ids(self, rng, path, easy):
        """Values for what stands in braces: ours, nobody's, nonsense."""
        mine = self.event["id"] if "/events/" in path or "/sitemap/" in path else self.other.id
        if path.startswith("/users/me/sessions/") and easy:
            return self.admin.get("/users/me/sessions").data[0]["id"]
        if path.startswith("/feeds/") and easy:
            return self.host.post("/users/me/feed").data["url"].split("/")[-1].removesuffix(".ics")
        if easy:
            return mine
        return rng.choice([mine, mine, self.event["slug"], "01890000-0000-7000-8000-000000000000",
                           quote(rng.choice(NASTY), safe="") or "x"])


_world = []


def world():
    if not _world:
        _world.append(World())
    return _world[0]


def operations():
    for path, item in world().doc["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path, item[method]


def described(op, a):
    """Does the document say so? Problems with status, type and shape of an answer."""
    table = op["responses"]
    row = table.get(str(a.status)) or table.get(f"{a.status // 100}XX")
    if not row:
        return [f"status {a.status} is not described"]
    while "$ref" in row:
        row = world().doc["components"]["responses"][row["$ref"].split("/")[-1]]
    content, kind = row.get("content", {}), a.header("Content-Type").split(";")[0]
    if not content:
        return [] if not a.body else [f"a body that is not described ({a.status})"]
    if "*/*" in content:
        return []
    if kind not in content:
        return [f"type {kind!r} is not described"]
    found = problems(world().doc, content[kind]["schema"], json.loads(a.body))
    return found


def query_text(rng, op, wrong):
    words = []
    for p in op.get("parameters", []):
        if p["in"] != "query" or rng.random() > 0.3:
            continue
        value = good(world().doc, rng, p["schema"])
        if wrong and rng.random() < 0.5:
            value = rng.choice(NASTY)
        if isinstance(value, list):
            value = ",".join(map(str, value))
        value = {True: "true", False: "false", None: ""}.get(value, value) if not isinstance(value, (int, float)) or \
            isinstance(value, bool) else value
        words.append(f"{p['name']}={quote(str(value).encode('utf-8', 'surrogatepass'), safe='')}")
    return "?" + "&".join(words) if words else ""


def headers_of(rng, op, wrong):
    out = {}
    for p in op.get("parameters", []):
        if p["in"] == "header" and rng.random() < 0.3:
            out[p["name"]] = rng.choice(["x" * 300, "\"", "W/\"v\"", "a b"]) if wrong else \
                {"If-Match": '"v1.0.0"', "Marquee-Lsn": "0/1"}.get(p["name"], f"key-{rng.random()}")
    if rng.random() < 0.1:
        out["Accept"] = "application/problem+json"
    return out


def body_of(rng, method, op, wrong):
    """(body, broken): broken when the document forbids it."""
    if method == "get":
        return None, False
    if "requestBody" not in op:
        return (None, False) if not wrong or rng.random() < 0.8 else ({"unknown": 1}, True)
    schema = op["requestBody"]["content"]["application/json"]["schema"]
    body = good(world().doc, rng, schema)
    if not wrong:
        return body, False
    how = rng.randrange(5)
    if how == 0:
        return {**body, "unknown": good(world().doc, rng, {"type": "string"})}, True
    if how == 1 and schema.get("required"):
        body.pop(rng.choice(schema["required"]))
        return body, True
    if how == 2:
        return rng.choice([b"{", b"[]", b"\"x\"", b"{\"a\":\"\xff\"}", b"{\"title\":\"a\",\"title\":\"b\"}", b"\x00"]), True
    name = rng.choice(list(schema["properties"]))
    if how == 3:
        return {**body, name: rng.choice(NASTY)}, False
    return {**body, name: bad(world().doc, rng, schema["properties"][name])}, True


def required_of(op, body):
    """Of body only what has to be there."""
    if body is None:
        return None
    schema = op["requestBody"]["content"]["application/json"]["schema"]
    return {name: body[name] for name in schema.get("required", [])}


def one(rng, method, path, op, wrong, easy=False):
    """One request, and whether its answer is as it should be; easy: one that ought to succeed."""
    w = world()
    who = rng.choice([anonymous, w.host, w.host, w.other, w.admin])
    body, broken = body_of(rng, method, op, wrong)
    if easy:
        who = w.admin if path.startswith("/users/") else w.host
        body = required_of(op, body)
    if isinstance(body, dict) and (easy or not wrong and rng.random() < 0.3):
        body.update(w.known(method, path))
    url = path
    for name in parameters(path):
        url = url.replace("{" + name + "}", w.gate if easy and name == "gate_id" else w.ids(rng, path, easy))
    url += "" if easy else query_text(rng, op, wrong)
    headers = {} if easy else headers_of(rng, op, wrong)
    if isinstance(body, bytes):
        headers["Content-Type"] = "application/json"
    elif body is not None:
        body = json.loads(json.dumps(body))
    a = who.send(method.upper(), url, body, headers)
    what = f"{method.upper()} {url[:200]} {str(body)[:300]} {headers} -> {a!r}"
    ok = expect(described(op, a), [], what)
    ok &= expect(a.status < 500, True, what)
    ok &= expect(leaks(a.body, *LEAKS) if path != "/openapi.json" else [], [], what)
    ok &= expect(broken and a.status < 300, False, "taken although the document forbids it: " + what)
    w.seen.setdefault((method, path), set()).add(a.status // 100)
    return ok


def renew(rng):
    """What an operation has ended: a deleted event, a sign-in."""
    w, anew = world(), rng.random() < 0.05
    a = w.host.get(f"/events/{w.event['id']}?fresh=1")
    if anew or a.status != 200 or a.data["status"] != "active":
        w.host = w.host.login()
        w.begin()


def test_every_operation_keeps_to_its_description():
    rng, n, wrongs = random.Random(SEED), 0, 0
    for turn in range(ROUNDS):
        for method, path, op in operations():
            if (method, path) in SELDOM and turn % 4:
                continue
            if "{" in path or method == "delete":
                renew(rng)
            for wrong in (False, True):
                n += 1
                wrongs += not one(rng, method, path, op, wrong, turn == 0 and not wrong)
                if (method, path) in ENDING:
                    world().host, world().other = world().host.login(), world().other.login()
                    world().admin = world().admin.login()
        if wrongs > 10:
            break
    print(f"{n} requests, {len(world().seen)} operations, seed {SEED}")
    expect(sorted(k for k, v in world().seen.items() if 2 not in v), [], "operations that never succeeded")
    expect(sql("SELECT * FROM check_invariants()"), [])


def test_the_checks_can_fail():
    doc, op = world().doc, world().doc["paths"]["/events"]["get"]
    a = anonymous.get("/events?limit=1")
    expect(described(op, a), [])
    shape = doc["components"]["schemas"]["Answer"]
    for broken in ({}, {**a.json, "success": False}, {**a.json, "more": 1}, {**a.json, "timestamp": "now"}, []):
        expect(problems(doc, shape, broken) != [], True, str(broken)[:80])
    a.status = 500
    expect(described(op, a), ["status 500 is not described"])
    a.status = 404
    expect(described(op, a) != [], True, "an answer that is no error")
    for said in (b"ERROR: SELECT 1", b"in " + SOURCES.encode() + b"src/db", b"query.c:12", b"see /tmp/x"):
        expect(leaks(said, *LEAKS) != [], True, said)


if __name__ == "__main__":
    main(globals())
