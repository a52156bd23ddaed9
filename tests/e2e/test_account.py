"""tests/e2e/test_account.py - signing up, one's own pages, sign-ins, the second factor"""
import base64
import hashlib
import hmac
import re
import struct
import time

from api import PASSWORD, Stack, anonymous, event, expect, expect_status, main, person, rsvp, sql, unique
from browser import Browser


def code_of(secret, steps=0):
    """RFC 6238, by hand."""
    count = struct.pack(">Q", int(time.time()) // 30 + steps)
    mac = hmac.new(base64.b32decode(secret), count, hashlib.sha1).digest()
    at = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[at:at + 4])[0] & 0x7fffffff) % 1000000:06}"


def test_signing_up_on_a_page():
    b, mail = Browser(), f"{unique('new')}@example.org"
    b.get("/signup?next=/me")
    a = b.form("/signup", name="", email=mail, password="short")
    expect((a.status, mail in b.page, "short" in b.page, b.page.count('class="bad"') >= 2, "Each of them says why" in b.page),
           (422, True, False, True, True), "what was typed stays, each message beside its field")
    a = b.form("/signup", name="Ada", email=mail, password=PASSWORD)
    expect((a.status, a.header("Location"), sorted(b.cookies)), (303, "/me", ["marquee", "marquee_refresh"]))
    expect(mail in b.get("/me").body.decode(), True)
    again = Browser()
    again.get("/signup")
    a = again.form("/signup", name="Eve", email=mail.upper(), password=PASSWORD)
    expect((a.status, "registered already" in again.page, again.cookies), (409, True, {}))


def test_behind_tls():
    """Cookies that no neighbour can set and no plain connection carries; no form from before TLS."""
    with Stack("http.public_url = https://events.example") as s:
        who, b, tls = person("Visitor", s.url), Browser(s.url), s.url.replace("http:", "https:")
        b.get("/login")
        expect(b.form("/login", email=who.email, password=PASSWORD).status, 403, "from the same host, but not by TLS")
        b.get("/login")
        a = b.form("/login", origin=tls, email=who.email, password=PASSWORD)
        expect((a.status, sorted(b.cookies)), (303, ["__Host-marquee", "__Host-marquee_refresh"]))
        lines = a.headers.get_all("Set-Cookie")
        expect([("; Secure" in line, "domain" in line.lower()) for line in lines], [(True, False)] * 2)
        expect((b.get("/me").status, bool(a.header("Strict-Transport-Security"))), (200, True))
        neighbour = Browser(s.url)
        neighbour.cookies = {name.removeprefix("__Host-"): value for name, value in b.cookies.items()}
        expect(neighbour.get("/me").status, 401, "what anybody could have set is nobody's")


def test_my_events():
    host, who, b = person(role="organizer"), person("Visitor"), Browser()
    mine, other = event(host, title=unique("Mine ")), event(host, title=unique("Not mine "))
    rsvp(who, mine)
    expect_status(b.get("/me"), 401, "for nobody")
    b.sign_in(who)
    a = b.get("/me")
    expect((a.status, mine["title"] in b.page, other["title"] in b.page), (200, True, False))
    expect(a.statements <= 5, True, a.statements)
    expect(re.findall(r"<time [^>]*>\w+day \d+ \w+ \d{4}, \d\d:\d\d", b.page) != [], True, "the day too")
    b.sign_in(host)
    b.get("/me")
    expect((mine["title"] in b.page, other["title"] in b.page), (True, True), "what one hosts")


def test_sign_ins_are_seen_and_ended():
    who, here, there = person("Visitor"), Browser(), Browser()
    here.sign_in(who)
    there.sign_in(who)
    a = here.get("/me/sessions")
    expect((a.status, a.statements <= 5, here.page.count("<tr>") >= 3, "127.0.0.1" in here.page), (200, True, True, True))
    ids = {s["id"]: s["current"] for s in who.get("/users/me/sessions").json["data"]}
    expect(len(ids), 3, "with the one of the API")
    buttons = re.findall(r'name="id" value="([0-9a-f-]+)"', here.page)
    expect((len(buttons), set(buttons) < set(ids)), (2, True), "not the one that asks")
    stranger = person("Another")
    expect_status(stranger.delete(f"/users/me/sessions/{buttons[0]}"), 404, "somebody else's")
    for one in buttons:
        here.get("/me/sessions")
        expect(here.form("/me/sessions/end", id=one).status, 303)
    expect_status(there.get("/me"), 401, "ended")
    expect_status(here.get("/me"), 200)
    there.sign_in(who)
    here.get("/me/sessions")
    form = here.page[here.page.rindex("<form"):]
    here.page = form  # the one for all
    expect(here.form("/me/sessions/end").status, 303)
    expect((here.cookies, there.get("/me").status), ({}, 401), "everywhere")


def test_a_second_factor_by_forms_alone():
    who, b = person("Visitor"), Browser()
    b.sign_in(who)
    b.get("/me/second")
    expect(b.form("/me/second/begin").status, 303)
    b.get("/me/second")
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", b.page)[1]
    expect("<svg" in b.page, True)
    a = b.form("/me/second/confirm", code="000000")
    expect((a.status, 'role="alert"' in b.page, secret in b.page), (422, True, True))
    a = b.form("/me/second/confirm", code=code_of(secret))
    codes = re.findall(r"<code>([a-z2-7-]{19})</code>", b.page)
    expect((a.status, len(codes), len(set(codes))), (200, 10, 10))
    b.get("/me/second")
    expect((codes[0] in b.page, secret in b.page, "<svg" in b.page), (False, False, False), "shown once")
    a = anonymous.post("/auth/login", {"email": who.email, "password": PASSWORD})
    expect((a.status, a.details), (401, {"code": "is required"}))
    a = anonymous.post("/auth/login", {"email": who.email, "password": PASSWORD, "code": codes[1]})
    expect_status(a, 200, "a recovery code instead")
    new = Browser()
    new.get("/login?next=/me")
    a = new.form("/login", email=who.email, password=PASSWORD)
    expect((a.status, 'name="code"' in new.page, PASSWORD in new.page, 'role="alert"' in new.page, new.cookies),
           (401, True, False, False, {}), "asked for, not blamed")
    a = new.form("/login", code="1" * 100)
    expect((a.status, 'name="code"' in new.page, 'role="alert"' in new.page, "Each of them" in new.page), (422, True, True, False))
    a = new.form("/login", code="123456")
    expect((a.status, 'name="code"' in new.page, 'role="alert"' in new.page, new.cookies), (401, True, True, {}))
    a = new.form("/login", code=code_of(secret, 1))  # newer than the one that confirmed
    expect((a.status, a.header("Location"), len(new.cookies)), (303, "/me", 2))
    new.get("/me/second")
    expect(new.form("/me/second/off", code="aaaaaa").status, 401)
    expect(new.form("/me/second/off", code=codes[2]).status, 303)
    expect_status(anonymous.post("/auth/login", {"email": who.email, "password": PASSWORD}), 200, "without again")


def test_ones_profile_is_a_form():
    who, b = person("Visitor"), Browser()
    b.sign_in(who)
    b.get("/me/profile")
    expect('value="Visitor"' in b.page, True)
    a = b.form("/me/profile", name="", username="x", bio="Likes <b>tea</b>", location="", timezone="Mars/Olympus", locale="de")
    expect((a.status, "Mars/Olympus" in b.page, "Likes &lt;b&gt;tea" in b.page, b.page.count('aria-invalid="true"')), (422, True, True, 3))
    name = unique("vis")[:30]
    a = b.form("/me/profile", name="Vera", username=name, bio="Likes tea", location="", timezone="Europe/Rome", locale="de")
    expect_status(a, 303)
    data = who.get("/users/profile").json["data"]
    expect([data[k] for k in ("name", "username", "bio", "location", "timezone", "locale")], ["Vera", name, "Likes tea", None, "Europe/Rome", "de"])
    other = Browser()
    other.sign_in(person("Another"))
    other.get("/me/profile")
    a = other.form("/me/profile", name="Otto", username=name, bio="", location="", timezone="UTC", locale="en")
    expect((a.status, name in other.page), (409, True), "a name that is taken")


def test_staff_find_people_and_change_what_they_may():
    boss, who, b = person("Boss", role="admin"), person(unique("Quentin")), Browser()
    b.sign_in(boss)
    a = b.get(f"/admin/people?q={who.email.upper()}")
    expect((a.status, a.statements <= 5, who.email in b.page, boss.email in b.page.split("<main")[1]), (200, True, True, False))
    path = f"/admin/people/{who.id}"
    a = b.get(path)
    expect((a.status, a.statements <= 5, who.email in b.page, "user.signed_in" in b.page), (200, True, True, True))
    expect(b.form(path, role="organizer", active="true").status, 303)
    expect_status(who.get("/users/profile"), 401, "a change ends all sign-ins")
    who.token = None
    a = anonymous.post("/auth/login", {"email": who.email, "password": PASSWORD})
    expect(a.data["user"]["role"], "organizer")
    b.get(path)
    expect(b.form(path, role="organizer", active="false").status, 303)
    expect_status(anonymous.post("/auth/login", {"email": who.email, "password": PASSWORD}), 401, "suspended")
    a = b.get(f"/admin/audit?object={who.id}")
    expect((a.status, a.statements <= 5, b.page.count("user.updated"), "Boss" in b.page, "<del>user</del>" in b.page), (200, True, 2, True, True))
    own = f"/admin/people/{boss.id}"
    expect(f'action="{own}"' in b.get(own).body.decode(), False, "no form for one's own account")
    b.page = b.page.replace(f'action="{own}/sign-out"', f'action="{own}"')
    expect(b.form(own, role="user", active="true").status, 409, "nobody locks the door behind themselves")


def test_changes_are_recorded_with_who_and_from_where():
    host = person(role="organizer")
    ev = event(host, title=unique("Audited "))
    a = host.send("PATCH", f"/api/events/{ev['id']}", {"title": ev["title"] + "!", "price": 3})
    expect_status(a, 200)
    expect_status(host.post(f"/api/events/{ev['id']}/cancel", {"reason": "rain"}), 200)
    rows = [r[0] for r in sql(f"SELECT action || ' ' || (actor = '{host.id}') || ' ' || address || ' ' || coalesce(before::text, '-') || ' ' || "
               f"(after->>'title' IS NOT NULL) FROM audit_log WHERE object = '{ev['id']}' ORDER BY id")]
    expect(rows[0], "event.created true 127.0.0.1 - true")
    expect(rows[1].startswith("event.updated true 127.0.0.1 {") and '"price": 0' in rows[1], True, rows[1])
    expect(rows[2].startswith("event.cancelled true 127.0.0.1 {") and '"status": "active"' in rows[2], True, rows[2])
    name = a.header("X-Request-Id")
    expect(sql(f"SELECT count(*) FROM audit_log WHERE request_id = '{name}'"), [["1"]])


if __name__ == "__main__":
    main(globals())
