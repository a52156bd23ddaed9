"""tests/e2e/test_pages.py - the pages that everybody may see: agenda, event, errors"""
import html
import json
import re
import urllib.parse

from api import PASSWORD, URL, anonymous, event, expect, expect_status, instant, main, person, stats, unique
from browser import Browser

NASTY = "<script>alert(1)</script> & \"quotes\" 'too' {{x}}"


def get(path, **headers):
    return anonymous.get(path, Accept="text/html", **headers)


def text_of(answer):
    return answer.body.decode()


def test_an_event_has_its_page():
    ev = event(person(role="organizer"), title=unique("Page "), location="Hall 3", timezone="Europe/Berlin",
               start_date="2031-07-01T17:00:00Z", end_date="2031-07-01T19:30:00Z", price=12.5, tags=["a b", "c&d"], max_attendees=10)
    a = get(f"/e/{ev['slug']}")
    page = text_of(a)
    expect((a.status, a.header("Content-Type"), a.header("Content-Language")), (200, "text/html; charset=utf-8", "en"))
    for part in (ev["title"], "Hall 3", "Tuesday 1 July 2031, 19:00 – 21:30", "Europe/Berlin", "12.5", "0 / 10", 'href="/?tags=c%26d"'):
        expect(part in page, True, part)
    expect("Dienstag 1. Juli 2031" in text_of(get(f"/e/{ev['slug']}", Accept_Language="de-AT, en;q=0.5")), True)
    expect_status(get(f"/e/{ev['id']}"), 200, "by its id, too")
    expect_status(get(f"/e/{ev['slug']}", If_None_Match=a.header("ETag")), 304)


def test_what_people_write_stays_text():
    ev = event(person("A<b>c", role="organizer"), title=NASTY, description=NASTY, location=NASTY, tags=[NASTY[:25]],
               url="https://example.org/?a=1&c=2")
    for path in (f"/e/{ev['slug']}", f"/?location={ev['slug']}&limit=100", "/?sort=-created_at&limit=5"):
        page = text_of(get(path))
        expect(("<script>alert" in page, "A<b>" in page), (False, False), path)
    page = text_of(get(f"/e/{ev['slug']}"))
    expect(page.count(html.escape(NASTY, quote=True).replace("&#x27;", "&#39;")) >= 3, True, page)
    data = json.loads(re.search(r'<script type="application/ld\+json">(.*?)</script>', page, re.S)[1])
    expect((data["name"], data["description"]), (NASTY, NASTY), "and JSON stays JSON")


def test_the_agenda_filters_and_goes_on():
    host, word = person(role="organizer"), unique("place")
    names = [event(host, title=unique(f"Agenda {i} "), location=word, start_date=instant(10 + i))["title"] for i in range(3)]
    page = text_of(get(f"/?location={word}&category=&from=&limit=2"))
    expect([n in page for n in names], [True, True, False], "empty fields of a form count for nothing")
    after = html.unescape(re.search(r'rel="next" href="([^"]+)"', page)[1])
    rest = text_of(get(after))
    expect([n in rest for n in names] + ['rel="next"' in rest], [False, False, True, False], after)
    expect(f'value="{word}"' in page, True, "the form shows what was asked for")


def test_what_is_hidden_is_not_shown():
    host = person(role="organizer")
    for fields in ({"privacy": "private"}, {"privacy": "friends_only"}, {"status": "draft"}):
        ev = event(host, title=unique("Hidden "), **fields)
        a = get(f"/e/{ev['slug']}")
        expect((a.status, ev["title"] in text_of(a)), (404, False), str(fields))
        expect(ev["title"] in text_of(get("/?sort=-created_at&limit=20")), False, str(fields))


def test_errors_are_pages_for_people():
    for path, status in (("/e/nothing-abc", 404), ("/nowhere", 404), ("/?limit=1000", 422), ("/?category=nonsense", 422)):
        a = get(path)
        page = text_of(a)
        expect((a.status, "<h1>" in page, a.header("X-Request-Id") in page), (status, True, True), path)
        expect(a.header("Cache-Control"), "no-store", path)
    expect("category" in text_of(get("/?category=nonsense")), True, "the field is named")
    expect(anonymous.get("/nowhere").json["error"]["code"], "NOT_FOUND", "programs get JSON")


# ---- signing in ----
def test_signing_in_and_out():
    who, b = person("Visitor"), Browser()
    b.get("/login?next=/%3Flimit%3D5")
    a = b.form("/login", email=who.email, password="not the password")
    expect((a.status, who.email in b.page, "role=\"alert\"" in b.page, b.cookies), (401, True, True, {}), "the address stays, nobody is signed in")
    a = b.form("/login", email="nonsense", password="x")
    expect((a.status, "nonsense" in b.page), (422, True))
    a = b.form("/login", email=who.email, password=PASSWORD)
    expect((a.status, a.header("Location"), sorted(b.cookies)), (303, "/?limit=5", ["marquee", "marquee_refresh"]))
    expect(who.email in text_of(b.get("/")), True)
    del b.cookies["marquee"]
    expect((who.email in text_of(b.get("/")), "marquee" in b.cookies), (True, True), "a new access token for the refresh token")
    old = dict(b.cookies)
    expect(b.form("/logout").status, 303)
    expect(b.cookies, {})
    b.cookies = old
    expect(who.email in text_of(b.get("/")), False, "the old cookies are worth nothing")
    expect(b.cookies, {}, "and are taken away")
    for there in ("//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example", "/ /evil.example"):
        b = Browser()
        b.get("/login?next=" + urllib.parse.quote(there, safe=""))
        expect(b.form("/login", email=who.email, password=PASSWORD).header("Location"), "/", there)


def test_forms_of_others_change_nothing():
    who, ev, b = person("Visitor"), event(person(role="organizer")), Browser()
    path = f"/e/{ev['slug']}"
    b.sign_in(who)
    b.get(path)
    for origin in ("http://evil.example", "null", URL + ".evil.example", "http://127.0.0.1:1"):
        expect(b.form(path + "/answer", origin=origin, status="going").status, 403, origin)
        b.get(path)
    body = b"status=going"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    expect(b.ask("POST", path + "/answer", body, **form).status, 403, "no origin at all")
    expect(b.ask("POST", path + "/answer", body, Origin=URL, **form).status, 403, "no key")
    other = Browser()
    other.sign_in(person("Another"))
    other.get(path)
    key = re.search(r'name="key" value="(\w+)"', other.page)[1]
    expect(b.ask("POST", path + "/answer", f"status=going&key={key}".encode(), Origin=URL, **form).status, 403, "the key of another")
    b.get(path)
    expect(b.ask("POST", path + "/answer", {"status": "going"}, Origin=URL).status, 415, "no form")
    expect(b.ask("POST", path + "/answer", body, **{**form, "Origin": URL, "Sec-Fetch-Site": "cross-site"}).status, 403)
    expect(b.ask("POST", path + "/answer", b"status=" + b"x" * (1 << 20), Origin=URL, **form).status, 413, "too large")
    expect(stats(ev)["going"], 0, "nothing has changed")


def test_answering_on_the_page():
    host = person(role="organizer")
    ev, b, late = event(host, max_attendees=1), Browser(), Browser()
    path = f"/e/{ev['slug']}"
    expect((Browser().form(path + "/answer", status="going").status), 401)
    b.sign_in(person("First"))
    b.get(path)
    a = b.form(path + "/answer", status="going")
    expect((a.status, a.header("Location"), "You are going" in text_of(b.get(path))), (303, path, True))
    late.sign_in(person("Second"))
    late.get(path)
    late.form(path + "/answer", status="going")
    late.get(path)
    expect(("You are on the waiting list" in late.page, "Position: 1" in late.page), (True, True))
    b.form(path + "/answer", status="not_going")
    expect("You are going" in text_of(b.get(path)), False)
    expect("You are going" in text_of(late.get(path)), True, "who waited has the seat")
    shut = event(host, max_attendees=1, waitlist_enabled=False)
    late.get(f"/e/{shut['slug']}")
    late.form(f"/e/{shut['slug']}/answer", status="going")
    b.get(f"/e/{shut['slug']}")
    a = b.form(f"/e/{shut['slug']}/answer", status="going")
    expect((a.status, "role=\"alert\"" in b.page, shut["title"] in b.page), (409, True, True))
    visitor = Browser()
    sign_in, buttons = "Sign in to say", 'name="status"'
    expect((sign_in in visitor.get(path).body.decode(), buttons in b.get(path).body.decode()), (True, True))
    expect_status(host.post(f"/events/{ev['id']}/cancel", {"reason": "Rain"}), 200)
    expect((sign_in in visitor.get(path).body.decode(), buttons in b.get(path).body.decode()), (False, False), "too late to answer")


def test_errors_in_both_languages():
    german = {"Accept-Language": "de"}
    for method, path, status, english, translated in (
            ("GET", "/nothing/here", 404, "There is no such thing", "Das gibt es hier nicht"), ("GET", "/nothing/here", 404, "no such address", "Unter dieser Adresse gibt es nichts."),
            ("GET", "/e/nothing", 404, "no such event", "Diese Veranstaltung gibt es nicht"), ("GET", "/docs/nothing", 404, "no such page", "Diese Seite gibt es nicht."),
            ("GET", "/?limit=0", 422, "Some of the input is not acceptable", "Die Eingaben sind noch nicht in Ordnung."),
            ("POST", "/login", 403, "this form was not sent from a page of ours", "Dieses Formular kam nicht von einer unserer Seiten."),
            ("DELETE", "/login", 405, "DELETE is not possible here", "Diese Adresse ist dafür nicht gedacht")):
        for language, says, other in (("en", english, translated), ("de", translated, english)):
            a = anonymous.send(method, path, None, {"Accept": "text/html", **(german if language == "de" else {})})
            page = html.unescape(text_of(a))
            expect((a.status, a.header("Content-Language"), says in page, other in page, a.header("X-Request-Id") in page),
                   (status, language, True, False, True), f"{method} {path} {language}")
    b = Browser()
    b.get("/login")
    b.ask("POST", "/login", b"email=x%40example.org&password=wrong+one", Origin=URL, **german, **{"Content-Type": "application/x-www-form-urlencoded"})
    expect("E-Mail-Adresse oder Passwort stimmt nicht." in b.page, True, "beside a form, too")


def test_nothing_but_our_own_may_run():
    policy = get("/").header("Content-Security-Policy")
    expect(("unsafe" in policy, "default-src 'self'" in policy), (False, True), policy)
    page = text_of(get("/"))
    expect(re.findall(r'(?:src|href)="(?:https?:)?//', page), [], "no other host is asked")
    expect(re.findall(r"<style|style=| on\w+=", page), [])


if __name__ == "__main__":
    main(globals())
