"""tests/e2e/test_feeds.py - events for calendar programs and feed readers, read by programs that are not ours"""
import datetime
import re
import sys
import urllib.parse
import xml.etree.ElementTree as xml
import zoneinfo

from api import URL, Skip, anonymous, call, event, expect, expect_status, instant, invariants, main, person, rsvp, sql, unique

sys.path.append("/usr/lib/python3/dist-packages")  # Debian's, where python3 is another
try:
    import icalendar
except ImportError:
    icalendar = None
ATOM = "{http://www.w3.org/2005/Atom}"
UTC = datetime.timezone.utc


def calendar(path, who=anonymous, **headers):
    """A calendar as python3-icalendar reads it; its bytes are right, too."""
    if not icalendar:
        raise Skip("needs python3-icalendar")
    a = who.get(path, **headers)
    expect((a.status, a.header("Content-Type")), (200, "text/calendar; charset=utf-8"), path)
    expect(a.body.replace(b"\r\n", b"").count(b"\n") + a.body.replace(b"\r\n", b"").count(b"\r"), 0, "lines end in CR LF")
    for line in a.body.split(b"\r\n"):
        expect(len(line) <= 75, True, line)
        line.decode()  # no line is cut within a character
    return icalendar.Calendar.from_ical(a.body)


def events_of(cal):
    return {str(e["UID"]): e for e in cal.walk("VEVENT")}


def at(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def text(moment):
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# ---- one event ----
def test_one_event():
    host = person("Ada", role="organizer")
    ev = event(host, title="Tea, coffee; \\ more", description="One\ntwo, three", location="Hall 3", timezone="Europe/Berlin",
               start_date="2031-07-01T17:00:00Z", end_date="2031-07-01T19:30:00Z", tags=["a", "b;c"], category="tech",
               coordinates={"lat": 52.5, "lng": 13.4})
    cal = calendar(f"/events/{ev['id']}.ics")
    e = events_of(cal)[ev["id"]]
    for name, want in (("SUMMARY", ev["title"]), ("DESCRIPTION", "One\ntwo, three"), ("LOCATION", "Hall 3"), ("STATUS", "CONFIRMED"),
                       ("SEQUENCE", 1), ("CONTACT", "Ada"), ("CLASS", "PUBLIC")):
        expect(e[name], want, name)
    expect([str(c) for c in e["CATEGORIES"].cats], ["technology", "a", "b;c"])
    expect((e["GEO"].latitude, e["GEO"].longitude), (52.5, 13.4))
    expect((e["DTSTART"].params["TZID"], e["DTSTART"].dt.strftime("%H:%M"), e["DTEND"].dt.strftime("%H:%M")), ("Europe/Berlin", "19:00", "21:30"))
    expect(e["URL"].endswith(f"/e/{ev['slug']}"), True, e["URL"])
    expect("ORGANIZER" in e, False, "there is no address to be told")
    changed = at(ev["updated_at"]).replace(microsecond=0)
    expect((e["DTSTAMP"].dt, e["LAST-MODIFIED"].dt), (changed, changed))
    a = anonymous.get(f"/events/{ev['slug']}.ics")
    expect((a.status, f"{ev['slug']}.ics" in a.header("Content-Disposition")), (200, True), "by its slug, too")
    expect_status(anonymous.get(f"/events/{ev['id']}.ics", If_None_Match=a.header("ETag")), 304)
    head = call("HEAD", f"/events/{ev['id']}.ics")
    expect((head.status, head.body, head.header("Content-Length")), (200, b"", str(len(a.body))))
    expect_status(host.patch(f"/events/{ev['id']}", {"title": "Another title"}), 200)
    e = events_of(calendar(f"/events/{ev['id']}.ics"))[ev["id"]]
    expect((e["SUMMARY"], e["SEQUENCE"]), ("Another title", 2))
    expect_status(host.post(f"/events/{ev['id']}/cancel", {"reason": "rain"}), 200)
    e = events_of(calendar(f"/events/{ev['id']}.ics"))[ev["id"]]
    expect((e["STATUS"], e["SEQUENCE"], e["COMMENT"]), ("CANCELLED", 3, "rain"))


def test_whole_days():
    host = person(role="organizer")
    for zone, first, last, dates in (("Asia/Kolkata", "2031-05-01", "2031-05-02", ("2031-05-01", "2031-05-03")),
                                     ("Europe/Berlin", "2031-03-30", "2031-03-30", ("2031-03-30", "2031-03-31")),
                                     ("UTC", "2031-05-01", "2031-05-01", ("2031-05-01", "2031-05-02"))):
        ev = event(host, start_date=first, end_date=last, timezone=zone)
        e = events_of(calendar(f"/events/{ev['id']}.ics"))[ev["id"]]
        expect((str(e["DTSTART"].dt), str(e["DTEND"].dt)), dates, zone)
    ev = event(host, start_date="2031-05-01T00:00:00Z", end_date="2031-05-02T00:00:00Z", timezone="Europe/Berlin")
    e = events_of(calendar(f"/events/{ev['id']}.ics"))[ev["id"]]
    expect(e["DTSTART"].params.get("VALUE"), None, "midnight elsewhere is no whole day here")


# ---- zones ----
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca")


def changes(zone, year):
    """Instants at which clocks change there in two years."""
    z, t, found = zoneinfo.ZoneInfo(zone), datetime.datetime(year, 1, 1, tzinfo=UTC), []
    before = t.astimezone(z).utcoffset()
    while t.year < year + 2:
        t += datetime.timedelta(minutes=30)
        if t.astimezone(z).utcoffset() != before:
            found.append(t)
            before = t.astimezone(z).utcoffset()
    return found


def by_observances(zone, local):
    """An instant by a VTIMEZONE alone, as RFC 5545 section 3.6.5 says: the latest observance that began."""
    begun = []
    for o in zone.subcomponents:
        more = o.get("RDATE", [])
        dates = [o["DTSTART"].dt] + [d.dt for r in (more if isinstance(more, list) else [more]) for d in r.dts]
        begun += [(d.replace(tzinfo=None), o["TZOFFSETTO"].td) for d in dates if d.replace(tzinfo=None) <= local]
    return (local - max(begun)[1]).replace(tzinfo=UTC)


def test_the_right_instants_around_changes_of_clocks():
    host = person(role="organizer")
    want, second = {}, set()
    for zone in ZONES:
        around = changes(zone, 2030)[:2] or [datetime.datetime(2030, 6, 1, tzinfo=UTC)]
        for change in around:
            for minutes in (-24 * 60, -45, -1, 0, 10, 45, 24 * 60):
                start = change + datetime.timedelta(minutes=minutes)
                ev = event(host, start_date=text(start), end_date=text(start + datetime.timedelta(hours=2)), timezone=zone)
                want[ev["id"]] = (zone, start)
                if start.astimezone(zoneinfo.ZoneInfo(zone)).fold:
                    second.add(ev["id"])
    cal = calendar(f"/events.ics?host_id={host.id}")
    zones = {str(z["TZID"]): z for z in cal.walk("VTIMEZONE")}
    found = events_of(cal)
    expect((sorted(zones), sorted(found)), (sorted(ZONES), sorted(want)))
    expect(len(second) >= 4, True, "times that clocks show twice are among them")
    for uid, (zone, start) in want.items():
        for name, moment in (("DTSTART", start), ("DTEND", start + datetime.timedelta(hours=2))):
            value, what = found[uid][name], f"{zone} {start} {name}"
            if "TZID" not in value.params:
                expect(value.dt, moment, what)
                expect(moment.astimezone(zoneinfo.ZoneInfo(zone)).fold, 1, f"{what}: UTC only where local time says too little")
                continue
            local = value.dt.replace(tzinfo=None)
            expect(value.params["TZID"], zone)
            expect(local.replace(tzinfo=zoneinfo.ZoneInfo(zone)).astimezone(UTC), moment, what)
            expect(by_observances(zones[zone], local), moment, what + " by its VTIMEZONE")
            expect(zones[zone].to_tz().localize(local, is_dst=True).astimezone(UTC), moment, what + " by another reader")


# ---- lists ----
def test_lists_take_every_filter_and_show_what_one_may_see():
    host, word = person(role="organizer"), unique("feed")
    shown = event(host, title="Shown", location=word, tags=["x y"])
    other = event(host, title="Other", location=word)
    private = event(host, title="Private", location=word, privacy="private")
    draft = event(host, title="Draft", location=word, status="draft")
    gone = event(host, title="Called off", location=word)
    expect_status(host.post(f"/events/{gone['id']}/cancel", {}), 200)
    path = f"/events.ics?location={word}"
    cal = calendar(path)
    expect(sorted(events_of(cal)), sorted(e["id"] for e in (shown, other, gone)))
    expect({u: str(e["STATUS"]) for u, e in events_of(cal).items()}[gone["id"]], "CANCELLED", "who subscribed learns of it")
    expect((str(cal["X-WR-CALNAME"]), str(cal["X-PUBLISHED-TTL"])), ("Marquee", "PT1H"))
    expect(sorted(events_of(calendar(path, host))), sorted(e["id"] for e in (shown, other, gone, private)), "its host sees more, but no draft")
    expect(sorted(events_of(calendar(path + "&tags=x%20y"))), [shown["id"]])
    expect(sorted(events_of(calendar(path + "&status=cancelled"))), [gone["id"]])
    expect(sorted(events_of(calendar(path + "&q=other"))), [other["id"]], "words of the title")
    expect(sorted(events_of(calendar(path + "&q=X"))), [shown["id"]], "and of tags")
    expect(events_of(calendar("/events.ics?location=" + unique("nowhere"))), {})
    for bad in ("/events.ics?nonsense=1", "/events.atom?limit=1000", "/events.ics?category=nonsense"):
        expect_status(anonymous.get(bad), 422, bad)
    sql(f"UPDATE events SET start_date = now() - interval '2 days', ends_at = now() + interval '1 day' WHERE id = '{gone['id']}'")
    expect(sorted(events_of(calendar(path))), sorted(e["id"] for e in (shown, other)), "what would have been over is left out")
    for ev in (private, draft):
        expect_status(anonymous.get(f"/events/{ev['id']}.ics"), 404)


def test_caches_may_keep_what_everybody_gets():
    who = person()
    for path in ("/events.ics?limit=1", "/events.atom?limit=1"):
        a, b = anonymous.get(path), who.get(path)
        expect((a.header("Cache-Control"), b.header("Cache-Control")), ("public, max-age=60", "private, no-cache"), path)
        expect("Authorization" in a.header("Vary"), True, path)
        expect_status(anonymous.get(path, If_None_Match=a.header("ETag")), 304, path)
        expect(a.statements, 1, path)


def test_atom():
    host, word = person("A & <B>", role="organizer"), unique("atom")
    evs = [event(host, title=f"News {i} & <more>", location=word, tags=["t"], category="arts", description="*text*",
                 start_date=instant(10 - i)) for i in range(5)]
    path, titles, pages = f"/events.atom?location={word}&limit=2", [], 0
    while path:
        a = anonymous.get(path)
        expect((a.status, a.header("Content-Type")), (200, "application/atom+xml; charset=utf-8"))
        feed = xml.fromstring(a.body)
        links = {(k.get("rel"), k.get("type")): k.get("href") for k in feed.findall(ATOM + "link")}
        me = urllib.parse.urlsplit(links["self", "application/atom+xml"])
        expect(dict(urllib.parse.parse_qsl(me.query)), dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(path).query)), "self")
        entries = feed.findall(ATOM + "entry")
        expect(feed.find(ATOM + "updated").text, max(e.find(ATOM + "updated").text for e in entries))
        titles += [e.find(ATOM + "title").text for e in entries]
        after = links.get(("next", "application/atom+xml"))
        path, pages = (urllib.parse.urlsplit(after)._replace(scheme="", netloc="").geturl() if after else None), pages + 1
    expect((titles, pages), ([e["title"] for e in reversed(evs)], 3), "the newest first, page by page")
    entry = entries[0]
    expect(entry.find(ATOM + "id").text, f"urn:uuid:{evs[0]['id']}")
    expect(entry.find(f"{ATOM}author/{ATOM}name").text, "A & <B>")
    expect([c.get("term") for c in entry.findall(ATOM + "category")], ["arts", "t"])
    expect(word in entry.find(ATOM + "summary").text, True)
    expect(entry.find(ATOM + "content").text, "*text*")
    empty = xml.fromstring(anonymous.get("/events.atom?location=" + unique("none")).body)
    expect((empty.findall(ATOM + "entry"), empty.find(ATOM + "updated") is not None), ([], True))


# ---- one's own ----
def test_a_calendar_of_ones_own():
    host, me = person(role="organizer"), person()
    mine, hidden, other = event(host), event(me, privacy="private"), event(host)
    for ev, status in ((mine, "going"), (hidden, "maybe")):
        expect_status(rsvp(me, ev, status), 201)
    a = me.post("/users/me/feed")
    expect((a.status, a.header("Cache-Control"), a.data["url"].startswith(URL)), (201, "no-store", True))
    path = urllib.parse.urlsplit(a.data["url"]).path
    expect(re.fullmatch(r"/feeds/mqf_[\w-]{43}\.ics", path) is not None, True, path)
    expect(sql(f"SELECT count(*) FROM user_feeds WHERE user_id = '{me.id}' AND hash <> '{path[7:-4]}'"), [["1"]], "only a hash is kept")
    expect(sorted(events_of(calendar(path))), sorted((mine["id"], hidden["id"])))
    expect(other["id"] in events_of(calendar(path)), False)
    expect(anonymous.get(path).header("Cache-Control"), "private, no-cache")
    host.post(f"/events/{mine['id']}/cancel", {})
    expect(str(events_of(calendar(path))[mine["id"]]["STATUS"]), "CANCELLED")
    expect_status(anonymous.get(path[:-5] + ("A" if path[-5] != "A" else "B") + ".ics"), 404, "another token")
    again = urllib.parse.urlsplit(me.post("/users/me/feed").data["url"]).path
    expect((anonymous.get(path).status, anonymous.get(again).status), (404, 200), "a new address voids the old one")
    sql(f"UPDATE users SET is_active = false WHERE id = '{me.id}'")
    expect_status(anonymous.get(again), 404, "nobody's any more")
    sql(f"UPDATE users SET is_active = true WHERE id = '{me.id}'")
    expect_status(anonymous.get(again), 200)
    expect_status(me.delete("/users/me/feed"), 200)
    expect_status(anonymous.get(again), 404, "revoked")
    expect_status(me.delete("/users/me/feed"), 200, "twice is once")
    expect_status(anonymous.post("/users/me/feed"), 401)
    expect(invariants(), [])


if __name__ == "__main__":
    main(globals())
