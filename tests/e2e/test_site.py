"""tests/e2e/test_site.py - the pages around events: descriptions, months, the API's pages, sitemap, embedding"""
import html
import json
import os
import re
import subprocess
import tempfile
import xml.etree.ElementTree as xml

from api import DEV, URL, Skip, anonymous, event, expect, expect_status, instant, main, person, sql, unique

MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def page(path, status=200, most=5, who=anonymous, **headers):
    a = who.get(path, Accept="text/html", **headers)
    expect(a.status, status, path)
    expect(a.statements <= most, True, f"{path}: {a.header('Server-Timing')}")
    expect(len(a.body) <= 60 << 10, True, f"{path}: {len(a.body)} bytes")
    text = a.body.decode()
    expect(re.findall(r"<style|style=\"| on\w+=\"|<script(?! src=\"/static/| type=\"application/ld)", text), [], path)
    return text


# ---- events ----
def test_descriptions_are_markdown():
    ev = event(person(role="organizer"), description="# Programme\n\n*Tea* and **more**: [here](https://a.example/?b=1&c=2)\n\n"
               "- one\n- two\n\n[bad](javascript:alert(1)) <b>not bold</b> ![picture](https://b.example/c.png)")
    text = page(f"/e/{ev['slug']}")
    for part in ("<h2>Programme</h2>", "<em>Tea</em> and <strong>more</strong>", "<li>one</li>", "&lt;b&gt;not bold&lt;/b&gt;",
                 '<a rel="nofollow ugc noopener" href="https://a.example/?b=1&amp;c=2">here</a>',
                 '<a rel="nofollow ugc noopener" href="https://b.example/c.png">picture</a>'):
        expect(part in text, True, part)
    expect((text.count("<img"), "javascript:" in text.split('class="prose"')[1]), (0, False), "no request to other hosts")


def test_search_engines_learn_all():
    ev = event(person("Ada", role="organizer"), location="Hall 3", coordinates={"lat": 52.5, "lng": 13.4}, price=12.5, currency="EUR",
               start_date="2031-07-01T17:00:00Z", end_date="2031-07-01T19:00:00Z", max_attendees=1, image_url="https://a.example/b.jpg")
    text = page(f"/e/{ev['slug']}")
    data = json.loads(re.search(r'ld\+json">(.*?)</script>', text, re.S)[1])
    expect(data["location"], {"@type": "Place", "name": "Hall 3", "address": "Hall 3",
                              "geo": {"@type": "GeoCoordinates", "latitude": 52.5, "longitude": 13.4}})
    offer = {k: data["offers"][k] for k in ("@type", "price", "priceCurrency", "availability")}
    expect(offer, {"@type": "Offer", "price": 12.5, "priceCurrency": "EUR", "availability": "https://schema.org/InStock"})
    expect((data["organizer"]["name"], data["endDate"], data["eventAttendanceMode"]),
           ("Ada", "2031-07-01T19:00:00Z", "https://schema.org/OfflineEventAttendanceMode"))
    address = f"{URL}/e/{ev['slug']}"
    for part in (f'<link rel="canonical" href="{address}">', f'<meta property="og:url" content="{address}">',
                 f'<link rel="alternate" type="text/calendar" href="/events/{ev["slug"]}.ics"', 'content="https://a.example/b.jpg"',
                 f'<a class="quiet" href="/events/{ev["slug"]}.ics">', 'data-zone="UTC"'):
        expect(part in text, True, part)
    for path in (f"/events/{ev['slug']}.ics", f"/api/events/{ev['slug']}", "/static/site.js"):
        expect_status(anonymous.get(path), 200, path)


# ---- the agenda ----
def test_a_month_at_a_time():
    host, word = person(role="organizer"), unique("month")
    for day in (1, 24, 24, 24, 24, 24, 24, 31):
        event(host, title=f"On {day}", location=word, start_date=f"2031-12-{day:02}T18:00:00Z", timezone="Europe/Berlin")
    event(host, title="In January", location=word, start_date="2032-01-01T12:00:00Z")
    event(host, title="Elsewhere", location="elsewhere", start_date="2031-12-05T12:00:00Z")
    event(host, title="Late there", location=word, start_date="2031-12-10T23:30:00Z", timezone="Europe/Berlin")
    text = page(f"/?view=month&month=2031-12&location={word}")
    cells = {m[1]: m[0] for m in re.finditer(r'<td class="[^"]*"><p><time datetime="([\d-]+)">.*?</td>', text, re.S)}
    expect((len(cells), "2031-12-01" in cells, min(cells)), (35, True, "2031-12-01"), "weeks begin on Monday")
    expect([d for d, c in cells.items() if "/e/" in c], ["2031-12-01", "2031-12-11", "2031-12-24", "2031-12-31", "2032-01-01"])
    expect((cells["2031-12-24"].count("/e/"), "+ 2 more" in cells["2031-12-24"]), (4, True))
    day = html.unescape(re.search(r'href="([^"]+)">\+ 2', cells["2031-12-24"])[1])
    expect(page(day).count("On 24"), 6, day)
    expect("outside" in cells["2032-01-01"], True)
    after = html.unescape(re.search(r'href="([^"]+)" rel="next"', text)[1])
    expect(("month=2032-01" in after, "In January" in page(after)), (True, True), after)
    for link in re.findall(r'href="(/[^"]*)"', text.split('class="views"')[1].split("</nav>")[0]):
        expect((anonymous.get(html.unescape(link)).status, word in link), (200, True), link)
    expect("Dezember 2031" in page("/?view=month&month=2031-12", Accept_Language="de"), True)
    page("/?view=month")
    page("/?view=month&month=2031-13", 422)


def test_words_are_found():
    host, word = person(role="organizer"), unique("word")
    event(host, title=f"Über {word} und mehr")
    event(host, title="Another thing", tags=[f"{word} tag"])
    text = page(f"/?q={word}")
    expect((f"Über {word}" in text, "Another thing" in text, f'value="{word}"' in text), (True, True, True))
    text = page(f"/?q=UBER+{word}")
    expect((f"Über {word}" in text, "Another thing" in text), (True, False), "all words, without accents")


# ---- the API's pages ----
def code(block):
    return html.unescape(block)


def test_every_example_that_reads_runs():
    if not DEV:
        raise Skip("makes an account")
    text = page("/docs")
    setup = code(re.search(r'<code id="setup">(.*?)</code>', text, re.S)[1])
    lines, names = [setup], []
    for group in re.findall(r'<h3><a href="(/docs/\w+)">', text):
        part = page(group)
        anchors = set(re.findall(rf'href="{group}#([\w-]+)"', text))
        expect(anchors, set(re.findall(r'<h2 id="([\w-]+)">', part)), "all that is named is there")
        for example in map(code, re.findall(r'<pre class="curl" tabindex="0"><code>(curl.*?)</code>', part, re.S)):
            if " -X " in example:
                continue
            names.append(example)
            lines.append(example.replace("curl -s", "curl -s -o /dev/null -w '%{http_code}\\n'", 1) + " >>codes")
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", "\n".join(lines)], cwd=folder, check=False, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        expect((done.returncode, done.stderr), (0, ""))
        with open(os.path.join(folder, "codes"), encoding="utf-8") as f:
            codes = f.read().split()
    expect([(n, c) for n, c in zip(names, codes) if c != "200"], [])
    expect((len(codes), len(codes) > 20), (len(names), True))


def test_the_pages_hold_all_that_the_document_does():
    doc = anonymous.get("/openapi.json").json["paths"]
    text = "".join(page(g) for g in re.findall(r'<h3><a href="(/docs/\w+)">', page("/docs")))
    shown = set(re.findall(r'<span class="method">(\w+)</span> <code>([^<]+)</code></h2>', text))
    expect(shown, {(m.upper(), p) for p, ops in doc.items() for m in ops})
    for word in ("start_date", "Idempotency-Key", "If-Match", "events:create", "3 to 255 characters", "also <code>capacity</code>"):
        expect(word in text, True, word)
    page("/docs/nothing", 404)
    german = page("/docs", Accept_Language="de") + page("/docs/events", Accept_Language="de")
    for word in ("Veranstaltungen, Antworten, Kalender", "eine Zeile von 3 bis 255 Zeichen", "bis zu 10 Texte von 50 Zeichen", "oder null", "Das gibt es hier nicht",
                 '<html lang="de">', '<p lang="en">'):
        expect(word in german, True, word)
    expect([w for w in (">a line of", ">text of", ">The event is full", "Signing in") if w in german], [])


# ---- for crawlers ----
def test_a_sitemap():
    robots = anonymous.get("/robots.txt")
    expect((robots.status, f"Sitemap: {URL}/sitemap.xml" in robots.body.decode()), (200, True))
    host = person(role="organizer")
    shown = event(host)
    hidden = [event(host, privacy="private"), event(host, status="draft")]
    a = anonymous.get("/sitemap.xml")
    expect((a.status, a.header("Content-Type")), (200, "application/xml; charset=utf-8"))
    found = {u.find(MAP + "loc").text: u for u in xml.fromstring(a.body).findall(MAP + "url")}
    expect((f"{URL}/" in found, f"{URL}/docs" in found), (True, True))
    expect(found[f"{URL}/e/{shown['slug']}"].find(MAP + "lastmod").text, shown["updated_at"])
    expect([e["slug"] for e in hidden if f"{URL}/e/{e['slug']}" in found], [])
    expect_status(anonymous.get(f"/sitemap/{hidden[0]['id']}.xml"), 404, "says nothing of what is hidden")
    part = anonymous.get(f"/sitemap/{shown['id']}.xml")
    expect((part.status, shown["slug"] in part.body.decode()), (200, True))


def test_a_sitemap_of_many_files():
    sql("SELECT count(event_insert(uuid7(), (SELECT min(id::text)::uuid FROM users), jsonb_build_object('title', 'Many', "
        "'start_date', '2034-01-01T00:00:00Z'))) FROM generate_series(1, 10500)")
    index = xml.fromstring(anonymous.get("/sitemap.xml").body)
    files = [s.find(MAP + "loc").text for s in index.findall(MAP + "sitemap")]
    expect(len(files), 2)
    urls = []
    for f in files:
        a = anonymous.get(f[len(URL):])
        urls.append([u.find(MAP + "loc").text for u in xml.fromstring(a.body).findall(MAP + "url")])
    expect(len(urls[0]), 10000)
    total = int(sql("SELECT count(*) FROM events WHERE privacy = 'public' AND status = 'active' AND deleted_at IS NULL AND ends_at > now()")[0][0])
    expect(len(set(urls[0]) | set(urls[1])), total, "each once")


# ---- within other sites ----
def test_embedding():
    host, word = person(role="organizer"), unique("embed")
    evs = [event(host, title=unique("Embedded "), location=word, max_attendees=5, start_date=instant(10 + i)) for i in range(7)]
    a = anonymous.get(f"/embed?location={word}", Accept="text/html")
    text = a.body.decode()
    expect((a.status, [e["title"] in text for e in evs]), (200, [True] * 5 + [False] * 2))
    expect((a.header("X-Frame-Options"), "frame-ancestors 'none'" in a.header("Content-Security-Policy")), ("DENY", True), "off by default")
    expect(("<html" in text, "<form" in text, "Set-Cookie" in a.headers), (True, False, False))
    expect(a.header("Cache-Control"), "public, max-age=60")
    part = page(f"/embed?location={word}&fragment=1")
    expect(("<html" in part, "<body" in part, "<ul" in part), (False, False, True))
    expect(set(re.findall(r'href="([^"]{10})', part)), {URL[:10]}, "addresses work elsewhere, too")
    one = page(f"/e/{evs[0]['slug']}/embed")
    expect((evs[0]["title"] in one, "0 / 5" in one, evs[1]["title"] in one), (True, True, False))
    private = event(host, privacy="private")
    expect_status(host.get(f"/e/{private['slug']}/embed"), 404, "nobody is signed in there")
    expect(private["title"] in page(f"/embed?host_id={host.id}&limit=100", who=host), False)


if __name__ == "__main__":
    main(globals())
