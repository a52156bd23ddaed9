"""tests/e2e/test_text.py - what people write comes back as they wrote it, in pages, calendars and feeds: every
naughty string in every stored field of an event"""
import html.parser
import json
import os
import xml.etree.ElementTree as xml

from api import Skip, anonymous, event, expect, in_threads, main, person
from test_feeds import ATOM, calendar, events_of

BLNS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../shared/spec/text/blns.json")
VOID = {"meta", "link", "input", "br", "hr", "img", "col"}
PROSE = {"p", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "li", "pre", "code", "em", "strong", "del", "a", "table",
         "thead", "tbody", "tr", "th", "td", "hr", "br"}
_made = []


class Page(html.parser.HTMLParser):
    """The elements of a page as a browser would see them, and the texts of some."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.shape, self.open, self.prose, self.texts, self.scripts = [], [], [], {}, []
        self.feed(text)
        self.close()
        expect(self.open, [], "all that opens closes")

    def handle_starttag(self, tag, attrs):
        if any(c == "prose" for _, c in self.open):
            self.prose.append((tag, dict(attrs)))
        else:
            self.shape.append((tag, tuple(sorted(k for k, _ in attrs))))
        if tag not in VOID:
            self.open.append((tag, dict(attrs).get("class")))

    def handle_endtag(self, tag):
        if expect(self.open and self.open[-1][0], tag, "tags nest"):
            self.open.pop()

    def handle_data(self, data):
        for at in (self.open[-1] if self.open else ("", None),):
            self.texts.setdefault(at[0], [])
            if at[0] == "script":
                self.scripts.append(data)
            else:
                self.texts[at[0]].append(data)


def strings():
    try:
        with open(os.environ.get("T_BLNS", BLNS), encoding="utf-8") as f:
            return json.load(f)
    except FileNotFoundError:
        raise Skip("../shared/spec/text is not here") from None


def naughty():
    """Events of two hosts whose fields are these strings, as the API tells them."""
    if _made:
        return _made
    hosts = [person(role="organizer") for _ in range(2)]
    words = [s for s in strings() if s.strip()]

    def make(i):
        s, host = words[i], hosts[i % 2]
        body = {"title": f"({i}) {s}"[:255], "location": s[:500], "description": s[:5000], "tags": [s.strip()[:50].strip() or "x"],
                "start_date": "2031-05-01T10:00:00Z", "category": "arts"}
        a = host.post("/api/events", body)
        return a.data if a.status == 201 else a.status
    made = in_threads(make, len(words), 4)
    expect({m for m in made if isinstance(m, int)} <= {422}, True, "control characters are refused, nothing else")
    _made.extend([m for m in made if isinstance(m, dict)])
    expect(len(_made) > 400, True, f"{len(_made)} of {len(words)}")
    return _made


def by_host():
    evs = naughty()
    return {h: [e for e in evs if e["host_id"] == h] for h in {e["host_id"] for e in evs}}


def texts(value):
    """The texts of a property, as RFC 5545 has them (3.3.11)."""
    out, chars = [""], iter(value)
    for c in chars:
        if c == ",":
            out.append("")
            continue
        if c == "\\":
            c = next(chars)
            c = "\n" if c in "nN" else c
        out[-1] += c
    return out


def properties(body):
    """{UID: {name: [texts]}}: the other reader takes some escapes twice, and cuts at escaped commas."""
    found = {}
    for part in body.decode().replace("\r\n ", "").split("BEGIN:VEVENT\r\n")[1:]:
        lines = dict(line.split(":", 1) for line in part.split("\r\nEND:VEVENT")[0].split("\r\n"))
        found[lines["UID"]] = {name: texts(value) for name, value in lines.items()}
    return found


def test_calendars():
    for host, evs in by_host().items():
        path = f"/events.ics?host_id={host}"
        found, exact = events_of(calendar(path)), properties(anonymous.get(path).body)
        expect((len(found), sorted(found)), (len(evs), sorted(exact)))
        for e in evs:
            f, x = found[e["id"]], exact[e["id"]]
            expect((x["SUMMARY"], x["LOCATION"], x["DESCRIPTION"]), ([e["title"]], [e["location"]], [e["description"]]))
            expect(x["CATEGORIES"], ["arts", *e["tags"]])
            if "\\" not in e["description"]:
                expect((str(f["SUMMARY"]), str(f["LOCATION"]), str(f["DESCRIPTION"])), (e["title"], e["location"], e["description"]))


def as_xml(s):
    return "".join("\ufffd" if c in "\ufffe\uffff" else c for c in s)


def test_feeds():
    for host, evs in by_host().items():
        seen, path = {}, f"/events.atom?host_id={host}&limit=100"
        while path:
            feed = xml.fromstring(anonymous.get(path).body)
            for entry in feed.findall(ATOM + "entry"):
                seen[entry.find(ATOM + "id").text[9:]] = entry
            after = [k.get("href") for k in feed.findall(ATOM + "link") if k.get("rel") == "next"]
            path = after[0][after[0].index("/events.atom"):] if after else None
        expect(len(seen), len(evs))
        for e in evs:
            entry = seen[e["id"]]
            expect(entry.find(ATOM + "title").text, as_xml(e["title"]))
            expect([c.get("term") for c in entry.findall(ATOM + "category")][1:], [as_xml(t) for t in e["tags"]])


def links_are_harmless(page, what):
    for tag, attrs in page.prose:
        expect(tag in PROSE, True, f"{tag} in {what!r}")
        expect(set(attrs) <= {"href", "rel", "class", "start"}, True, f"{attrs} in {what!r}")
        if tag == "a":
            expect((attrs["rel"], attrs["href"].lower().startswith(("http://", "https://", "mailto:"))),
                   ("nofollow ugc noopener", True), attrs)


def test_pages():
    evs = naughty()
    plain = event(person(role="organizer"), title="Plain", location="Here", description="Text", tags=["a"], category="arts",
                  start_date="2031-05-01T10:00:00Z")
    shape = Page(anonymous.get(f"/e/{plain['slug']}").body.decode()).shape
    pages = in_threads(lambda i: anonymous.get(f"/e/{evs[i]['slug']}").body.decode(), len(evs), 4)
    for e, text in zip(evs, pages):
        page = Page(text)
        expect(page.shape, shape, f"no element of theirs: {e['title']!r}")
        expect("".join(page.texts["h1"]), e["title"])
        expect(e["location"] in page.texts["dd"], True, e["location"])
        data = json.loads(page.scripts[0])
        expect((data["name"], data["location"]["name"], data["description"]), (e["title"], e["location"], e["description"]))
        links_are_harmless(page, e["description"])


def test_lists():
    for host, evs in by_host().items():
        titles, places, path = [], [], f"/?host_id={host}&limit=100"
        while path:
            page = Page(anonymous.get(path).body.decode())
            titles += page.texts["a"]
            places += page.texts["p"]
            after = [a for a in page.texts["a"] if a == "More events"]
            text = anonymous.get(path).body.decode()
            path = html.unescape(text.split('rel="next" href="')[1].split('"')[0]) if after else None
        for e in evs:
            expect((e["title"] in titles, e["location"] in places), (True, True), e["title"])
        embedded = Page(anonymous.get(f"/embed?host_id={host}&limit=100").body.decode())
        expect(sum(e["title"] in embedded.texts["a"] for e in evs), 100)


if __name__ == "__main__":
    main(globals())
