"""tests/e2e/test_checkin.py - tickets and the door: by the API, on pages without scripts, through links"""
import os
import re
import shutil
import subprocess
import tempfile
import urllib.parse

from api import Skip, URL, anonymous, event, expect, expect_status, instant, main, people, person, rsvp, sql, sql1, volley, wait_for
from browser import Browser
from test_pages import text_of

FORGED = "ZZZZ-" * 8 + "ZZZZ"


def at(ev, more=""):
    return f"/api/events/{ev['id']}{more}"


def soon(host, **more):
    return event(host, start_date=instant(0, 2), **more)


def scan(who, ev, **body):
    a = who.post(at(ev, "/checkin"), body)
    expect_status(a, 200, str(body))
    return a.data["reason"] if a.data else a.code


def code_of(who, ev):
    return who.get(at(ev, "/ticket")).data["code"]


def trips(answer, most=5):
    if answer.trips:
        expect(answer.statements <= most, True, f"{answer.statements} statements")


# ---- the API ----
def test_a_ticket_is_for_who_holds_a_seat():
    host, goer, waits, other = person("Host"), person("Ada Lovelace"), person(), person()
    ev = soon(host, max_attendees=1)
    expect_status(goer.get(at(ev, "/ticket")), 404, "nobody is registered")
    rsvp(goer, ev)
    rsvp(waits, ev)
    a = goer.get(at(ev, "/ticket"))
    expect_status(a, 200)
    expect(bool(re.fullmatch("([0-9A-HJKMNP-TV-Z]{4}-){8}[0-9A-HJKMNP-TV-Z]{4}", a.data["code"])), True, a.data["code"])
    expect((a.data["state"], a.data["holder"]["name"], a.data["event"]["title"]), ("registered", "Ada Lovelace", ev["title"]))
    expect(a.header("Cache-Control"), "no-store")
    for who in (waits, other, host):
        expect_status(who.get(at(ev, "/ticket")), 404, "no seat, no ticket")
    expect_status(anonymous.get(at(ev, "/ticket")), 401)
    expect(goer.get(f"/api/events/{ev['slug']}/ticket").data["code"], a.data["code"], "the same each time")
    svg = goer.get(at(ev, "/ticket.svg"))
    expect((svg.status, svg.header("Content-Type"), svg.body[:4]), (200, "image/svg+xml", b"<svg"))


def test_the_picture_is_the_code():
    if not shutil.which("zbarimg") or not shutil.which("chromium"):
        raise Skip("needs zbar-tools and chromium to read a QR code as a scanner does")
    goer, ev = person(), soon(person("Host"))
    rsvp(goer, ev)
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/q.svg", "wb") as f:
            f.write(goer.get(at(ev, "/ticket.svg")).body)
        subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile",
                        f"--screenshot={folder}/q.png", "--window-size=400,400", f"file://{folder}/q.svg"],
                       check=True, timeout=300, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        done = subprocess.run(["zbarimg", "-q", "--raw", folder + "/q.png"], check=False, text=True, stdout=subprocess.PIPE)
    expect(done.stdout.strip(), code_of(goer, ev).replace("-", ""))


def test_scans_and_their_reasons():
    host, (goer, late, waits), other = person("Host"), people(3), person("Other host")
    ev, elsewhere, far = soon(host, max_attendees=2), soon(other), event(host)
    for who in (goer, late, waits):
        rsvp(who, ev)
    rsvp(goer, elsewhere)
    rsvp(goer, far)
    code = code_of(goer, ev)
    a = host.post(at(ev, "/checkin"), {"ticket": code, "nonce": "n1"})
    expect((a.status, a.data["status"], a.data["reason"], a.data["holder"]["id"]), (200, "ok", "ok", goer.id))
    b = host.post(at(ev, "/checkin"), {"ticket": code, "nonce": "n1"})
    expect((b.status, b.data), (200, a.data), "the same nonce, the same answer")
    c = host.post(at(ev, "/checkin"), {"ticket": code.lower().replace("-", " "), "nonce": "n2"})
    expect((c.data["status"], c.data["reason"], c.data["checked_in_at"]), ("refused", "already", a.data["checked_in_at"]))
    for body, want in (({"ticket": FORGED}, "invalid"), ({"ticket": "https://example.org/"}, "invalid"),
                       ({"ticket": code_of(goer, elsewhere)}, "wrong_event"), ({"user_id": waits.id}, "waitlisted"),
                       ({"user_id": host.id}, "not_registered"), ({"user_id": other.id, "nonce": "n3"}, "not_registered")):
        expect(scan(host, ev, **body), want, str(body))
    expect(scan(host, far, ticket=code_of(goer, far)), "too_early")
    old = code_of(late, ev)
    late.delete(at(ev, "/register"))
    expect(scan(host, ev, ticket=old), "cancelled")
    rsvp(late, ev)
    expect(scan(host, ev, ticket=old), "cancelled", "who comes back waits, and the old ticket is worth nothing")
    for body, field in (({}, "ticket"), ({"ticket": code, "user_id": goer.id}, "user_id"), ({"user_id": "x"}, "user_id"),
                        ({"user_id": waits.id, "nonce": "n3"}, "nonce"), ({"ticket": code, "nonce": ""}, "nonce")):
        a = host.post(at(ev, "/checkin"), body)
        expect((a.status, list(a.details)), (422, [field]), str(body))
    for who in (goer, other, person()):
        expect_status(who.post(at(ev, "/checkin"), {"ticket": code}), 403)
    expect(scan(person(role="admin"), ev, ticket=code), "already")
    host.post(at(ev, "/cancel"))
    expect(scan(host, ev, ticket=code_of(waits, ev)), "event_cancelled")


def test_what_follows_from_it():
    host, (goer, absent) = person("Host"), people(2)
    ev = soon(host)
    rsvp(goer, ev), rsvp(absent, ev)
    goer.get(at(ev))
    expect(scan(host, ev, user_id=goer.id), "ok")
    expect(goer.get(at(ev)).data["my_rsvp"]["state"], "attended", "at once, also out of the cache")
    expect(goer.get(at(ev, "/rsvp")).data["state"], "attended")
    a = host.get(at(ev, "/checkin"))
    expect([a.data[k] for k in ("going", "checked_in", "not_yet")], [2, 1, 1])
    expect((a.data["scans"][0]["reason"], a.data["scans"][0]["holder"]["id"]), ("ok", goer.id))
    came = lambda query: [x["user"]["id"] for x in host.get(at(ev, "/attendees?" + query)).data]
    expect((came("checked_in=true"), came("checked_in=false"), came("status=attended")), ([goer.id], [absent.id], [goer.id]))
    expect_status(host.get(at(ev, "/attendees?checked_in=true&status=going")), 422)
    first = host.get(at(ev, "/attendees?limit=1"))
    expect_status(host.get(at(ev, f"/attendees?limit=1&checked_in=true&cursor={first.page['next_cursor']}")), 422, "a cursor of another list")
    expect([x["email"] for x in host.get(at(ev, "/checkin?q=Person")).data["found"]], [goer.email, absent.email])
    a = host.delete(at(ev, f"/checkin/{goer.id}"))
    expect((a.status, a.data["reason"]), (200, "undone"))
    expect(host.delete(at(ev, f"/checkin/{goer.id}")).data["reason"], "not_checked_in")
    expect(goer.get(at(ev)).data["my_rsvp"]["state"], "registered")
    expect_status(goer.delete(at(ev, f"/checkin/{goer.id}")), 403)
    expect(sql1(f"SELECT string_agg(reason, ' ' ORDER BY at) FROM checkins WHERE event_id = '{ev['id']}'"), "ok undone not_checked_in")


def test_a_crowd_of_scanners():
    """32 at once with the same ticket: one is told ok; 16 times the same nonce is one record."""
    host, goer = person("Host"), person()
    ev = soon(host)
    rsvp(goer, ev)
    code = code_of(goer, ev)
    answers = volley([("POST", at(ev, "/checkin"), {"ticket": code}, host.token, {}) for _ in range(32)])
    said = sorted(a.data["reason"] for a in answers)
    expect(said, ["already"] * 31 + ["ok"])
    host.delete(at(ev, f"/checkin/{goer.id}"))
    answers = volley([("POST", at(ev, "/checkin"), {"ticket": code, "nonce": "same"}, host.token, {}) for _ in range(16)])
    expect({(a.status, a.data["reason"], a.data["at"]) for a in answers}, {(200, "ok", answers[0].data["at"])})
    expect(sql1(f"SELECT count(*) FROM checkins WHERE event_id = '{ev['id']}' AND nonce = 'same'"), "1")


def test_links_by_the_api():
    host, ev = person("Host"), soon(person("X"))
    ev = soon(host)
    ends = instant(1)
    a = host.post(at(ev, "/gates"), {"name": "North", "expires_at": ends})
    expect((a.status, a.data["state"], a.data["expires_at"]), (201, "active", ends))
    secret = a.data["url"].rsplit("/", 1)[1]
    expect(len(secret), 43, "256 bits")
    listed = host.get(at(ev, "/gates"))
    expect(([g["name"] for g in listed.data], secret in listed.body.decode()), (["North"], False))
    expect(sql1(f"SELECT count(*) FROM gates g WHERE g::text LIKE '%{secret[:20]}%'"), "0", "only its hash is kept")
    expect_status(host.post(at(ev, "/gates"), {"name": "South", "expires_at": instant(-1)}), 422)
    expect_status(host.post(at(ev, "/gates"), {}), 422)
    expect(host.delete(at(ev, f"/gates/{a.data['id']}")).data["state"], "revoked")
    expect_status(host.delete(at(ev, "/gates/x")), 404)
    for path in ("/events/my", "/users/profile", at(ev, "/checkin")):
        expect_status(anonymous.get(path, Authorization=f"Bearer {secret}"), 401, "it is no bearer token")


# ---- pages ----
def test_the_ticket_on_paper():
    goer, host, b = person("Ada Lovelace"), person("Host"), Browser()
    ev = soon(host, location="Hall 3", timezone="Europe/Berlin")
    b.sign_in(goer)
    b.get(f"/e/{ev['slug']}")
    b.form(f"/e/{ev['slug']}/answer", status="going")
    b.get(f"/e/{ev['slug']}")
    expect(f'href="/e/{ev["slug"]}/ticket"' in b.page, True, "the event's page leads there")
    expect(f'href="/e/{ev["slug"]}/door"' in b.page, False, "but not to the door")
    a = b.get(f"/e/{ev['slug']}/ticket")
    trips(a)
    for part in (code_of(goer, ev), "<svg", "Ada Lovelace", "Hall 3", "Europe/Berlin", ev["title"]):
        expect(part in b.page, True, part)
    expect(re.findall(r"<style|style=| on\w+=", b.page), [])
    expect("Zurück zur Veranstaltung" in text_of(b.ask("GET", f"/e/{ev['slug']}/ticket", **{"Accept-Language": "de"})), True)
    expect(Browser().get(f"/e/{ev['slug']}/ticket").status, 401)


def outcome(page):
    found = re.search(r'<p class="word"><span[^>]*>[^<]*</span> ([^<]*)</p>', page)
    return found[1] if found else None


def typed(b, path, text):
    a = b.form(path, code=text)
    expect(a.status, 303, text)
    a = b.get(a.header("Location"))
    trips(a)
    return outcome(b.page)


def counts(page):
    return [int(n) for n in re.findall(r"<dd>(\d+)</dd></div>", page)]


def test_the_door_without_scripts():
    host, (ada, bob), b = person("Host"), (person("Ada Lovelace"), person("Bob Babbage")), Browser()
    ev = soon(host)
    path = f"/e/{ev['slug']}/door"
    rsvp(ada, ev), rsvp(bob, ev)
    b.sign_in(host)
    b.get(f"/e/{ev['slug']}")
    expect(f'href="{path}"' in b.page, True, "the event's page leads there")
    a = b.get(path)
    trips(a)
    expect((a.status, a.header("Permissions-Policy"), a.header("Cache-Control")), (200, "camera=(self)", "no-store"))
    expect(b.get("/").header("Permissions-Policy"), "camera=()", "no other page may")
    b.get(path)
    expect((counts(b.page), "autofocus" in b.page, outcome(b.page)), ([0, 2, 2], True, None))
    expect(typed(b, path, code_of(ada, ev)), "Welcome")
    expect((counts(b.page), "Ada Lovelace" in b.page, "<title>✓ Welcome" in b.page), ([1, 1, 2], True, True))
    expect(typed(b, path, code_of(ada, ev)), "Already checked in")
    expect("In since" in b.page, True)
    expect(typed(b, path, FORGED), "Not a valid ticket")
    expect(typed(b, path, "https://example.org/some/other/code"), "Not a valid ticket")
    expect(typed(b, path, "babb"), None, "a name is looked for")
    expect(("Bob Babbage" in b.page, bob.email in b.page, counts(b.page)), (True, True, [1, 1, 2]))
    form = re.search(r'<form[^>]*>(?:(?!</form>).)*name="user_id".*?</form>', b.page, re.S)[0]
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    a = b.ask("POST", path, urllib.parse.urlencode(fields).encode(), **{"Content-Type": "application/x-www-form-urlencoded", "Origin": URL})
    b.get(a.header("Location"))
    expect((outcome(b.page), counts(b.page)), ("Welcome", [2, 0, 2]))
    a = b.form(path + "/undo")
    b.get(a.header("Location"))
    expect((outcome(b.page), counts(b.page)), ("Check-in taken back", [1, 1, 2]))
    a = b.form(path, code="")
    expect((a.status, 'aria-invalid="true"' in b.page), (422, True))
    a = b.form(path, code="x" * 501)
    expect((a.status, "x" * 501 in b.page), (422, True), "what was typed stays")
    expect(re.findall(r"<style|style=| on\w+=|<script(?! src=)", b.page), [])
    b.get(path)
    again = re.search(r'name="nonce" value="([^"]*)"', b.page)[1]
    for _ in range(2):  # the same form twice: a reload, an impatient finger
        b.form(path, code=code_of(bob, ev), nonce=again)
        b.get(path)
    expect(sql1(f"SELECT count(*) FROM checkins WHERE nonce = '{again}'"), "1")
    for origin in ("http://evil.example", "null"):
        expect(b.form(path, origin=origin, code=FORGED).status, 403, origin)
        b.get(path)
    expect(b.form(path, key="x", code=FORGED).status, 403, "another key")


def test_links_on_pages():
    host, goer, desk, staff = person("Host"), person("Ada King Lovelace"), Browser(), Browser()
    ev, other = soon(host), soon(host)
    rsvp(goer, ev), rsvp(goer, other)
    path = f"/e/{ev['slug']}/gates"
    desk.sign_in(host)
    trips(desk.get(path))
    a = desk.form(path, name="North <b>", expires_at="")
    expect((a.status, a.header("Location")), (303, path))
    desk.get(path)
    link = re.search(r'href="([^"]*/door/[\w-]{43})"', desk.page)[1]
    expect(("North &lt;b&gt;" in desk.page, "active" in desk.page), (True, True))
    desk.get(path)
    expect("/door/" in desk.page, False, "it is shown once")
    a = desk.form(path, name="", expires_at="2001-01-01")
    expect((a.status, "2001-01-01" in desk.page), (422, True))
    enter = urllib.parse.urlsplit(link).path
    a = staff.get(enter)
    expect((a.status, a.header("Location"), sorted(staff.cookies)), (303, "/door", ["marquee_door"]))
    a = staff.get("/door")
    trips(a)
    expect((a.status, "North" in staff.page, counts(staff.page), a.header("Permissions-Policy")), (200, True, [0, 1, 1], "camera=(self)"))
    expect(typed(staff, "/door", code_of(goer, ev)), "Welcome")
    expect(("A. L." in staff.page, "Lovelace" in staff.page, goer.id in staff.page, goer.email in staff.page), (True, False, False, False))
    expect(typed(staff, "/door", code_of(goer, other)), "Ticket for another event")
    typed(staff, "/door", "lovel")
    expect(("A. L." in staff.page, "Ada" in staff.page, goer.email in staff.page, "…" + code_of(goer, ev)[-4:] in staff.page), (True, False, False, True))
    typed(staff, "/door", "nobody")
    a = staff.form("/door", code=code_of(goer, ev), gate_key="x" * 64)
    expect(a.status, 403, "the key of another door")
    staff.get("/door")
    for origin in ("http://evil.example", "null"):
        expect(staff.form("/door", origin=origin, code=FORGED).status, 403, origin)
        staff.get("/door")
    nothing_else(staff, ev)
    expect(sql(f"SELECT act, count(*) FROM checkins WHERE event_id = '{ev['id']}' AND gate_id IS NOT NULL GROUP BY 1 ORDER BY 1"),
           [["look", "2"], ["scan", "2"]], "every look and every scan is recorded with the link")
    keys = {"gate_key": re.search(r'name="gate_key" value="(\w+)"', text_of(staff.get("/door")))[1], "nonce": "late"}
    desk.get(path)
    expect(desk.form(path + "/revoke").status, 303)
    expect("ended" in text_of(desk.get(path)), True)
    expect((staff.get("/door").status, staff.form("/door", code=FORGED, **keys).status), (401, 401), "at once")
    expect(Browser().get(enter).status, 401)


def nothing_else(staff, ev):
    """With the cookie of a link one can do nothing but stand at that door."""
    for path in (f"/e/{ev['slug']}/door", f"/e/{ev['slug']}/gates", f"/e/{ev['slug']}/ticket", at(ev, "/checkin"), at(ev, "/gates"),
                 at(ev, "/waitlist"), at(ev, "/ticket"), "/users/profile", "/events/my"):
        expect(staff.get(path).status, 401, path)
    for method, path in (("POST", f"/e/{ev['slug']}/door"), ("POST", f"/e/{ev['slug']}/gates"), ("POST", at(ev, "/checkin")),
                         ("DELETE", at(ev)), ("POST", at(ev, "/cancel"))):
        expect(staff.ask(method, path, b"code=x", Origin=URL, **{"Content-Type": "application/x-www-form-urlencoded"}).status, 401, path)
    staff.get("/door")


def test_the_secret_is_in_no_log():
    state = os.environ.get("MARQUEE_DEV_STATE", "/nowhere") + "/log"
    if not os.path.isdir(state):
        raise Skip("needs the logs of ./dev")
    host = person("Host")
    secret = host.post(at(soon(host), "/gates"), {"name": "North"}).data["url"].rsplit("/", 1)[1]
    expect(anonymous.get("/door/" + secret, X_Request_Id="the-entry").status, 303)
    found = lambda words: [n for n in os.listdir(state) if words in open(f"{state}/{n}", encoding="utf-8", errors="replace").read()]
    wait_for("the line of the request", lambda: found("the-entry"))
    expect(found(secret[:12]), [])
    expect(secret in text_of(anonymous.get("/door/" + secret[:-1] + "!", Accept="text/html")), False)


if __name__ == "__main__":
    main(globals())
