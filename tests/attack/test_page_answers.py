"""tests/attack/test_page_answers.py - what pages tell: of the inside nothing, whatever breaks (Y20), and to nobody
what is another's (Y21)."""
import os
import re
import urllib.parse

from api import DEV, Skip, anonymous, expect, main, person, reset_token, sql, unique, wait_for
from deeds import DEEDS, Deed, Scene, begun, signed_in
from forms import Reader, pages
from surface import leaks, lies_about
from test_account import code_of

LEAKS = (r"SELECT|INSERT INTO|UPDATE \w+ SET|permission denied|schema", r"pg_catalog|libpq|memcached|json-c", r"/var/|/run/|0x[0-9a-f]{8}|\$argon2",
         r"mustache|Traceback|assert")
TABLES = ("users", "events", "event_docs", "event_seats", "rsvps", "gates", "checkins", "categories", "jobs", "figures", "audit_log", "heartbeats",
          "refresh_families", "password_resets", "outbox", "outbox_parked")
_made = []


def scene():
    if not _made:
        _made.append(Scene())
    return _made[0]


def filled(path, **other):
    """The path with what stands in braces, as far as somebody here may see it."""
    s = scene()
    names = {"id": s.event["id"], "account": s.visitor.id, "group": "events", "secret": "x" * 43, **other}
    for word, value in names.items():
        path = path.replace("{" + word + "}", value)
    return path


def looked_at():
    """The paths of all pages to be looked at."""
    return [path for method, path in pages() if method == "GET"]


def everybody():
    return {**scene().browsers, "nobody": Reader()}


# ---- of the inside nothing ----
def page_problems(a, path):
    """What is wrong with an error's page: words of the machinery, no number to ask by."""
    found, number = leaks(a.body, *LEAKS), a.header("X-Request-Id")
    if number == "" or number not in a.body.decode():
        found.append("no request id")
    if "text/html" not in a.header("Content-Type"):
        found.append("type " + a.header("Content-Type"))
    if a.header("Cache-Control") != "no-store":
        found.append("kept: " + a.header("Cache-Control"))
    return [f"{path}: {a.status} {one}" for one in found]


def test_a_page_that_fails_tells_nothing():
    """Tables are taken away under the running program, all but the one that tells whether a sign-in has ended."""
    s, found, failed, sent = scene(), [], set(), 0
    forms = {path: make(s).prepare() for path, make in DEEDS.items()}
    sql("SELECT cache_epoch_bump()")
    try:
        for table in TABLES:
            sql(f"ALTER TABLE {table} RENAME TO {table}_away")
        for path in looked_at():
            for who, b in everybody().items():
                a = b.get(filled(path))
                if a.status >= 400 and a.status != 401:
                    found += page_problems(a, f"{path} as {who}")
                if a.status == 500:
                    failed.add(path)
        for path, deed in forms.items():
            a = deed.right()
            if a.status >= 400:
                found += page_problems(a, "POST " + path)
            sent += a.status in (500, 503)
    finally:
        for table, in sql("SELECT relname FROM pg_class WHERE relname LIKE '%_away' AND relkind IN ('r', 'p')"):
            sql(f"ALTER TABLE {table} RENAME TO {table.removesuffix('_away')}")
        sql("SELECT cache_epoch_bump()")
    expect(found, [], "what errors say")
    expect((len(failed) > 20, sent > 20), (True, True), f"control: of {len(looked_at())} pages {len(failed)} had failed, of {len(forms)} forms {sent}")
    wait_for("the pages to be back", lambda: s.browsers["host"].get("/admin/events").status == 200)


def test_errors_of_pages_tell_nothing():
    """Addresses, queries and fields that nobody has thought of."""
    s, found, seen = scene(), [], 0
    nasty = ["'%20OR%201=1--", "..%2f..%2fetc%2fpasswd", "%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "%7B%7Bt%7D%7D", "%25s%25n%E2%80%AE", "x" * 300, "-1"]
    for path in looked_at():
        for bad in nasty:
            here = filled(path)
            for url in {filled(path, **{w: bad for w in re.findall(r"{(\w+)}", path)}), f"{here}?{bad}", f"{here}?cursor={bad}", f"{here}?limit={bad}&q={bad}"}:
                a = s.browsers["admin"].get(url)
                expect(a.status < 500, True, f"{url} {a}")
                expect("<script>alert" in s.browsers["admin"].page, False, url)
                if a.status >= 400 and a.status != 401:
                    seen += 1
                    found += page_problems(a, url)
    expect(found[:10], [], f"{len(found)} of {seen}")
    expect(seen > 300, True, f"{seen} errors")


def test_control_what_tells_is_seen():
    a = anonymous.get("/nothing/here", Accept="text/html")
    expect((a.status, page_problems(a, "x")), (404, []))
    clean = a.body
    for said in (b"ERROR: SELECT 1", b"permission denied for schema marquee", b"in src/db/query.c:12", b"/run/marquee", b"0xdeadbeef12", b"site/login.mustache:3"):
        a.body = clean + said
        expect(page_problems(a, "x") != [], True, said)
    a.body = clean.replace(a.header("X-Request-Id").encode(), b"")
    expect(page_problems(a, "x"), ["x: 404 no request id"])


# ---- secrets ----
def test_no_secret_of_a_page_lies_about():
    """Passwords, cookies, keys of forms, links of doors, second factors and tokens: not in a log, not on a command line."""
    s, password = scene(), "a secret of " + unique("p")
    who, b = person("Secretive"), Reader()
    b.get("/login")
    b.send("/login", email=who.email, password=password)  # wrong
    b.get("/signup?next=/me")
    b.send("/signup", email=unique("s") + "@example.org", password=password, name="Secretive")
    token = "mqp_" + unique("t").ljust(43, "x")[:43]
    reset_token(who.id, token)
    b.get("/reset?token=" + token)
    b.send("/reset", password=password + " too")
    cookies = list(b.cookies.values())
    secret = begun(b)
    b.get("/me/second")
    b.send("/me/second/confirm", code=code_of(secret))
    codes = re.findall(r"<code>([a-z2-7-]{19})</code>", b.page)
    gate = s.host.post(f"/events/{s.event['id']}/gates", {"name": "Secret"}).data["url"]
    door = Reader()
    door.get(urllib.parse.urlsplit(gate).path)
    key = Deed(b, "/", "/logout").prepare().form["key"]
    b.send("/logout")
    hidden = [password, token, secret, key, gate.rsplit("/", 1)[1], Deed(door, "/door", "/door").prepare().form["gate_key"], *codes, *cookies]
    expect((len(codes), all(len(h) > 15 for h in hidden)), (10, True))
    expect(lies_about(hidden), [])
    mark = unique("mark")
    anonymous.get("/nothing", X_Request_Id=mark)
    expect(lies_about([mark]) != [], True, "control: it would be found")


# ---- to nobody what is another's ----
def test_what_is_personal_says_so():
    """A page that a shared cache may keep is the same for all, to the byte; every other is private, or kept by nobody."""
    open_to_all = set()
    for path in looked_at():
        answers = {who: b.get(filled(path)) for who, b in everybody().items()}
        expect(kept_but_personal(answers), [], path)
        open_to_all |= {path for a in answers.values() if may_be_kept(a)}
    for path in ("/nothing/here", "/e/nothing", "/docs/nothing", "/admin/nothing", "/me/nothing"):
        expect(kept_but_personal({who: b.get(path) for who, b in everybody().items()}), [], path)
    expect(open_to_all, {"/embed", "/e/{id}/embed"}, "pages that others may keep")
    stranger = Reader()
    a = stranger.get("/embed")
    wrong = dict.fromkeys("ab", a), {"a": a, "b": scene().browsers["host"].get("/")}
    wrong[1]["b"].headers.replace_header("Cache-Control", "public, max-age=60")
    expect([kept_but_personal(w) != [] for w in wrong], [False, True], "control: one that is personal would be found")


def may_be_kept(a):
    return not {"private", "no-store"} & {w.strip() for w in a.header("Cache-Control").split(",")}


def kept_but_personal(answers):
    kept = {who: a for who, a in answers.items() if may_be_kept(a)}
    bodies = {a.body for a in answers.values()} if kept else set()
    return sorted(kept) if len(bodies) > 1 else []


if __name__ == "__main__":
    if not DEV or not os.environ.get("MARQUEE_DEV_STATE"):
        print("SKIP all: needs the stack of ./dev (T_DEV)")
        print("RESULT test_page_answers passed=0 failed=0 skipped=1")
        raise SystemExit(77)
    main(globals())
