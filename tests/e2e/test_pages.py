"""tests/e2e/test_pages.py - the pages that everybody may see: agenda, event, errors"""
import html
import json
import re

from api import anonymous, event, expect, expect_status, instant, main, person, unique

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


def test_nothing_but_our_own_may_run():
    policy = get("/").header("Content-Security-Policy")
    expect(("unsafe" in policy, "default-src 'self'" in policy), (False, True), policy)
    page = text_of(get("/"))
    expect(re.findall(r'(?:src|href)="(?:https?:)?//', page), [], "no other host is asked")
    expect(re.findall(r"<style|style=| on\w+=", page), [])


if __name__ == "__main__":
    main(globals())
