"""tests/e2e/test_desk_text.py - what people write is text on the desk and at the door: every naughty string in every
stored field that these pages show"""
import html.parser
import json
import os
import re

from api import PASSWORD, Skip, call, event, expect, instant, main, person, rsvp, sql, unique
from forms import Page, Reader

NAUGHTY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../shared/spec/text/blns.json")
SOME = 24  # of those with characters that mean something in HTML, where each takes requests of its own


class Texts(html.parser.HTMLParser):
    """Every text and every value of an attribute, and which elements there are."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.texts, self.values, self.shape = set(), set(), set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.shape |= {(tag, name) for name, _ in attrs} | {(tag, "")}
        self.values |= {v for _, v in attrs}

    def handle_data(self, data):
        self.texts.add(data)


def signed_in(who):
    b = Reader()
    b.sign_in(who)
    return b


def strings():
    if not os.path.exists(NAUGHTY):
        raise Skip("no ../shared/spec/text")
    with open(NAUGHTY, encoding="utf-8") as f:
        return [s for s in json.load(f) if s.strip() and "\0" not in s]


def lines(most=100):
    """On one line, as names are."""
    found = ("".join(c for c in s if c >= " " and c != "\x7f")[:most].strip() for s in strings())
    return list(dict.fromkeys(s for s in found if len(s) > 1))


def some():
    return [s for s in lines() if re.search(r"[<>&\"'`{}\\]", s)][::len(lines()) // SOME // 2][:SOME]


def quoted(words):
    return "$blns$" + json.dumps(words) + "$blns$::jsonb"


def shown(b, path, wanted, plain):
    """All pages of the list from there on: each of these is a text of its own, and no element is there that is not on plain."""
    seen = set()
    while path:
        b.get(path)
        page = Texts(b.page)
        seen |= page.texts
        expect(page.shape - plain, set(), path)
        path = next((a["href"] for t, a in Page(b.page).elements if a.get("rel") == "next"), None)
    expect([s for s in wanted if s not in seen], [])


def shape(b, path):
    b.get(path)
    return Texts(b.page).shape


def test_the_editor():
    host = person("Hosting", role="organizer")
    b, seen, all_of_them = signed_in(host), 0, strings()
    ev = event(host)
    for s in all_of_them:
        line = "".join(c for c in s if c >= " " and c != "\x7f")[:200]
        body = {"description": s, "location": line or None, "title": (line + "xyz"), "tags": [line.strip()[:50]] if line.strip() else []}
        if host.patch(f"/api/events/{ev['id']}", body).status != 200:
            continue  # what is not taken cannot be shown
        seen += 1
        b.get(f"/admin/events/{ev['id']}")
        got = b.parsed().form(f"/admin/events/{ev['id']}")
        want = (s.replace("\r\n", "\n"), line or "", line + "xyz", line.strip()[:50])
        expect((got["description"], got["location"], got["title"], got["tags"]), want)
        expect(sorted({t for t, _ in Page(b.page).elements} & {"script", "img", "iframe", "svg"}), [], s)
    expect(seen > 300, True, f"{seen} of {len(all_of_them)}")


def test_what_was_changed():
    """Before and after, in the list of changes: the fields that the editor's test has written."""
    host, boss = person("Hosting", role="organizer"), person("Staff", role="admin")
    ev, b, words = event(host, title="Plain", location="Plain"), signed_in(boss), some()
    expect(host.patch(f"/api/events/{ev['id']}", {"title": "Plain 2", "location": "Plain 2", "tags": ["plain"]}).status, 200)
    plain = shape(b, f"/admin/audit?object={ev['id']}")
    for s in words:
        expect(host.patch(f"/api/events/{ev['id']}", {"title": s + "xyz", "location": s, "tags": [s[:50]]}).status, 200, s)
    shown(b, f"/admin/audit?object={ev['id']}&limit=100", [w for s in words for w in (s + "xyz", s)], plain)


def test_categories():
    b, words = signed_in(person("Staff", role="admin")), lines(60)
    plain = shape(b, "/admin/categories") | {("option", "selected")}
    desk, site = shape(b, "/admin/events"), shape(b, "/")
    try:
        sql("INSERT INTO categories (id, slug, name, description, icon, color) SELECT 1000 + n, 'naughty-' || n, w, 'about ' || w, w, '#123456' "
            f"FROM jsonb_array_elements_text({quoted(words)}) WITH ORDINALITY s(w, n)")
        b.get("/admin/categories?edit=arts")
        b.send("/admin/categories")  # past the cache
        shown(b, "/admin/categories", words + ["about " + w for w in words], plain)
        shown(b, "/admin/events", words, desk)
        shown(b, "/?location=nowhere", words, site)
        for n in range(1, len(words), len(words) // SOME):
            b.get(f"/admin/categories?edit=naughty-{n}")
            got = b.parsed().form("/admin/categories")
            expect((got["name"], got["description"], got["icon"]), (words[n - 1], "about " + words[n - 1], words[n - 1]))
    finally:
        sql("DELETE FROM categories WHERE id > 1000")
        b.get("/admin/categories?edit=arts")
        b.send("/admin/categories")


def test_reasons_for_calling_off():
    host, b = person("Hosting", role="organizer"), signed_in(person("Staff", role="admin"))
    plain = None
    for s in ["plain", *some()]:
        ev = event(host)
        expect(host.post(f"/api/events/{ev['id']}/cancel", {"reason": s}).status, 200, s)
        b.get(f"/e/{ev['slug']}")
        page = Texts(b.page)
        plain = plain or page.shape
        expect((any(t.endswith(": " + s) for t in page.texts), page.shape - plain), (True, set()), s)
        b.get(f"/admin/audit?object={ev['id']}")
        expect(s in Texts(b.page).texts, True, s)


def test_names_of_many():
    host, boss, word, words = person("Hosting", role="organizer"), person("Staff", role="admin"), unique("names"), lines()
    ev, empty, b = event(host), event(host), signed_in(boss)
    rsvp(host, empty)
    sql(f"INSERT INTO users (id, email, name) SELECT uuid7(), '{word}.' || n || '@example.org', w "
        f"FROM jsonb_array_elements_text({quoted(words)}) WITH ORDINALITY s(w, n); "
        f"INSERT INTO rsvps (id, event_id, user_id, state) SELECT uuid7(), '{ev['id']}', id, 'going' FROM users WHERE email LIKE '{word}.%'; "
        f"INSERT INTO rsvp_history (event_id, user_id, seq, to_state, seeded) SELECT event_id, user_id, 1, 'going', true FROM rsvps WHERE event_id = '{ev['id']}'; "
        f"UPDATE seat_counters SET going = going + {len(words)} WHERE pool_id = '{ev['id']}' AND slot = 0")
    more = {("p", ""), ("p", "class"), ("a", "rel"), ("span", "class"), ("br", "")}
    shown(b, f"/admin/events/{ev['id']}/attendees?limit=100", words, shape(b, f"/admin/events/{empty['id']}/attendees") | more)
    expect({w for w in words if w not in Texts(b.page).values and w in Texts(b.page).texts}, set(), "labels of boxes, too")
    shown(b, f"/admin/people?q={word}&limit=100", words, shape(b, f"/admin/people?q={host.email}") | more)


def named(name, **more):
    """Somebody of that name, by the API."""
    a = call("POST", "/auth/register", {"email": f"{unique('n')}@example.org", "password": PASSWORD, "name": name})
    expect(a.status, 201, name)
    return a


def test_names_at_the_door_and_on_pages_of_one():
    host, boss, words = person("Hosting", role="organizer"), person("Staff", role="admin"), some()[:10]
    ev, full, plain = (event(host, start_date=instant(0, 2), max_attendees=n) for n in (None, 1, None))
    b = signed_in(boss)
    quiet = [person("Plain"), person("Plain too")]
    for e in (ev, full, plain):
        rsvp(quiet[0], e)
        rsvp(quiet[1], e)
    host.post(f"/api/events/{plain['id']}/checkin", {"user_id": quiet[0].id})
    shapes = {p: shape(b, p.replace("EV", plain["slug"])) for p in ("/e/EV/door", "/e/EV/door?q=plain")}
    account, waiting = shape(b, f"/admin/people/{quiet[0].id}"), shape(b, f"/admin/events/{full['id']}/waiting")
    ids = []
    for w in words:
        a = named(w)
        ids.append(a.data["user"]["id"])
        for e in (ev, full):
            expect(call("POST", f"/api/events/{e['id']}/rsvp", {"status": "going"}, a.data["token"]).status, 201)
        b.get(f"/admin/people/{ids[-1]}")
        page = Texts(b.page)
        expect((w in page.texts, page.shape - account), (True, set()), w)
    shown(b, f"/admin/events/{full['id']}/waiting", words, waiting)
    b.get(f"/admin/events/{ev['id']}/attendees")
    b.follow(b.send(f"/admin/events/{ev['id']}/attendees", to=f"/admin/events/{ev['id']}/checkin", **{"user_ids[]": ids}))
    expect([w for w in words if not any(t == w + ": " for t in Texts(b.page).texts)], [], "one answer per person")
    b.get(f"/e/{ev['slug']}/door")
    page = Texts(b.page)
    expect(([w for w in words if " " + w not in page.texts], page.shape - shapes["/e/EV/door"]), ([], set()))
    for w in words:
        found = "".join(re.findall(r"[A-Za-z]+", w)[:1])
        if len(found) > 1:
            b.get(f"/e/{ev['slug']}/door?q={found}")
            page = Texts(b.page)
            expect((w in page.texts, page.shape - shapes["/e/EV/door?q=plain"]), (True, set()), w)


if __name__ == "__main__":
    main(globals())
