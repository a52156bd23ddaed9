"""tests/e2e/test_desk.py - the staff desk by forms alone: events, who comes, who waits"""
import csv
import io
import json
import os
import re
import urllib.parse

from api import PASSWORD, Skip, event, expect, expect_status, instant, main, people, person, rsvp, sql, sql1, stats, unique, wait_for
from forms import Page, Reader

NAUGHTY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../shared/spec/text/blns.json")


def signed_in(who):
    b = Reader()
    b.sign_in(who)
    return b


def trips(answer):
    return int(re.search(r"sql;desc=(\d+)", answer.header("Server-Timing"))[1])


def shows(b, path, *texts, status=200):
    """The page, which says all of that and asks the database five times at most."""
    a = b.get(path)
    expect(a.status, status, path)
    expect(trips(a) <= 5, True, f"{path}: {trips(a)} statements")
    for text in texts:
        expect(text in b.page, True, f"{path} does not show {text}")
    return b.parsed()


def test_an_event_from_draft_to_the_end():
    host, b = person("Hosting", role="organizer"), None
    b = signed_in(host)
    shows(b, "/admin/events/new")
    title = unique("Desk ")
    a = b.send("/admin/events/new", title=title, start_date="2031-07-01T19:00", end_date="2031-07-01T21:30",
               timezone="Europe/Berlin", max_attendees="1", description="one\ntwo", tags="a, b\nc", category="arts")
    expect(a.status, 303, b.page)
    path = a.header("Location").split("?")[0]
    b.follow(a)
    expect(("The event is there." in b.page, title in b.page, "draft" in b.page), (True, True, True))
    ev = host.get("/api" + path[len("/admin"):]).data
    expect([ev[k] for k in ("start_date", "end_date", "description", "tags", "category", "status")],
           ["2031-07-01T17:00:00Z", "2031-07-01T19:30:00Z", "one\ntwo", ["a, b", "c"], "arts", "draft"])
    a = b.send(path)
    expect(a.header("Location"), path + "?done=same", "a form that was not touched changes nothing")
    # publish
    shows(b, path + "/publish", "Publish this event?")
    a = b.send(path + "/publish")
    b.follow(a)
    expect(("published" in b.page, host.get(f"/api/events/{ev['id']}").data["status"]), (True, "active"))
    # fill, and wait
    first, second, third = people(3)
    for who in (first, second, third):
        rsvp(who, ev)
    shows(b, path + "/attendees", first.user["name"], first.email)
    page = shows(b, path + "/waiting", second.user["name"], third.user["name"])
    expect([(t, a.get("value")) for t, a in page.elements if a.get("name") == "give"],
           [("button", second.id), ("button", third.id)], "first come, first served")
    # one more seat for the last
    a = b.send(path + "/waiting", give=third.id)
    expect(a.header("Location"), path + "/waiting?done=given")
    expect([stats(ev)[k] for k in ("going", "waitlist")], [2, 1])
    expect(third.get(f"/api/events/{ev['id']}/rsvp").data["status"], "going")
    expect(host.get(f"/api/events/{ev['id']}").data["max_attendees"], 2)
    # take one registration back: the seat goes to who waits
    shows(b, path + "/attendees")
    a = b.send(path + "/attendees", **{"user_ids[]": [first.id], "reason": "double"})
    expect(a.header("Location"), path + "/attendees?done=withdrawn")
    expect([stats(ev)[k] for k in ("going", "waitlist")], [2, 0])
    expect(first.get(f"/api/events/{ev['id']}/rsvp").data["state"], "cancelled")
    expect(sql(f"SELECT kind FROM notifications WHERE user_id = '{first.id}'"), [["registration_cancelled"]])
    shows(b, path + "/attendees")
    expect(b.send(path + "/attendees").status, 422, "nobody chosen")
    expect("Choose at least one person" in b.page, True)
    # more seats: the preview tells what happens
    late = person("Late")
    rsvp(late, ev)
    b.get(path)
    a = b.send(path, max_attendees="5", title=title + "!")
    page = b.parsed()
    expect((a.status, page.has("What will change"), page.has(title + "!"), page.has("So many move up from the waiting list at once and are told: 1")),
           (200, True, True, True))
    expect(stats(ev)["going"], 2, "nothing has happened yet")
    a = b.send(path, _step="edit")
    expect((a.status, b.parsed().form(path)["max_attendees"]), (200, "5"), "back to the form, filled")
    b.send(path)
    b.follow(b.send(path, _step="save"))
    expect(("The changes are made." in b.page, stats(ev)["going"]), (True, 3))
    b.get(path)
    expect((b.send(path, max_attendees="2").status, "more seats are taken" in b.page), (422, True))
    # duplicate
    shows(b, path + "/duplicate", "Make a copy?")
    copy = b.send(path + "/duplicate", start_date="2031-08-01T20:00").header("Location").split("?")[0]
    ev2 = host.get("/api" + copy[len("/admin"):]).data
    expect([ev2[k] for k in ("title", "start_date", "end_date", "status", "tags", "max_attendees", "current_attendees")],
           [title + "!", "2031-08-01T18:00:00Z", "2031-08-01T20:30:00Z", "draft", ["a, b", "c"], 5, 0])
    # call off, delete
    shows(b, path + "/cancel", "Call this event off?")
    b.follow(b.send(path + "/cancel", reason="rain"))
    expect("called off" in b.page, True)
    expect(host.get(f"/api/events/{ev['id']}").data["cancel_reason"], "rain")
    b.get(copy + "/delete")
    expect(b.send(copy + "/delete").header("Location"), "/admin/events?done=deleted")
    expect(host.get(f"/api/events/{ev2['id']}").status, 404)


def test_a_form_that_fails_comes_back_filled_in():
    b = signed_in(person("Hosting", role="organizer"))
    b.get("/admin/events/new")
    a = b.send("/admin/events/new", title="No", start_date="soon", url="nonsense", lat="95", lng="1", description="stays\n\nhere")
    page = b.parsed()
    got = page.form("/admin/events/new")
    expect((a.status, [got[k] for k in ("title", "start_date", "url", "lat", "description")]),
           (422, ["No", "soon", "nonsense", "95", "stays\n\nhere"]))
    wrong = {at.get("name"): at for _, at in page.elements if at.get("aria-invalid") == "true"}
    expect(sorted(wrong), ["lat", "start_date", "title", "url"])
    expect([n for n, at in wrong.items() if "autofocus" in at], ["title"], "the first wrong one")
    for name, at in wrong.items():
        expect([i for t, i in page.elements if i.get("id") == at["aria-describedby"]] != [], True, name)
    expect("must have at least 3 characters" in b.page, True)
    b.get("/admin/events/new")
    b.send("/admin/events/new", title="Gestern", start_date="2020-01-01T10:00", end_date="2019-01-01T10:00",
           headers={"Accept-Language": "de"})
    expect("muss nach dem Beginn liegen" in b.page, True, "in German, too")
    b.get("/admin/events/new")
    once = b.page
    first = b.send("/admin/events/new", title=unique("Once "), start_date="2031-01-01T10:00").header("Location")
    b.page = once
    expect(b.send("/admin/events/new", title=unique("Once "), start_date="2031-01-01T10:00").header("Location"), first,
           "a form sent twice makes one event")


def test_a_conflict_shows_both_versions():
    host = person("Hosting", role="organizer")
    ev, b = event(host, title=unique("Mine "), description="old"), signed_in(host)
    path = f"/admin/events/{ev['id']}"
    b.get(path)
    opened = b.page
    expect(host.patch(f"/api/events/{ev['id']}", {"description": "theirs"}).status, 200)
    a = b.send(path, description="yours")
    page = b.parsed()
    expect((a.status, page.has("theirs"), page.has("yours"), page.form(path)["description"]), (412, True, True, "yours"))
    expect(host.get(f"/api/events/{ev['id']}").data["description"], "theirs", "nothing has been written over")
    b.send(path)
    b.follow(b.send(path, _step="save"))
    expect(host.get(f"/api/events/{ev['id']}").data["description"], "yours", "knowing both, it may be")
    b.page = opened
    expect((b.send(path, _step="save", title="Stale").status, host.get(f"/api/events/{ev['id']}").data["title"]), (412, ev["title"]))


def test_a_lost_sign_in_keeps_what_was_typed():
    host = person("Hosting", role="organizer")
    ev, b = event(host, title=unique("Kept ")), signed_in(host)
    path = f"/admin/events/{ev['id']}"
    typed = "long & \"written\"\n\n  text <b>"
    b.get(path)
    b.cookies.clear()
    a = b.send(path, description=typed)
    expect((a.status, "What you have typed is kept" in b.page), (401, True))
    expect(b.send("/login", email=host.email, password="wrong one").status, 401)
    a = b.send("/login", email=host.email, password=PASSWORD)
    expect((a.status, "Back to the form" in b.page), (200, True))
    a = b.send(path)
    expect((a.status, b.parsed().form(path)["description"], "nothing has been changed yet" in b.page), (422, typed, True))
    expect(host.get(f"/api/events/{ev['id']}").data["description"], None, "nothing was sent by itself")
    b.send(path)
    b.follow(b.send(path, _step="save"))
    expect(host.get(f"/api/events/{ev['id']}").data["description"], typed)
    # signed in anew elsewhere meanwhile: the form's key is another's
    b.get(path)
    b.cookies = signed_in(host).cookies
    expect((b.send(path, description="again").status, b.parsed().form(path)["description"]), (422, "again"))
    b.cookies.clear()
    b.send(path, description="once more")
    b.cookies = signed_in(host).cookies
    b.send("/login", email=host.email, password=PASSWORD)
    expect("Back to the form" in b.page, True, "signed in in another tab meanwhile")
    gone = Reader()
    expect((gone.get(path).status, 'value="' + path in gone.page), (401, True), "asked to sign in, and where to go then")


def test_the_list_of_events():
    host, admin, word = person("Hosting", role="organizer"), person("Staff", role="admin"), unique("wort")
    mine = [event(host, title=f"{word} Ällipse {i}", start_date=instant(20 + i), max_attendees=1) for i in range(3)]
    other = event(person("Other", role="organizer"), title=f"{word} other")
    event(host, title=f"{word} draft", status="draft", category="arts")
    rsvp(person("Goes"), mine[0])
    rsvp(person("Waits"), mine[0])
    h, s = signed_in(host), signed_in(admin)

    def found(b, **query):
        b.get("/admin/events?" + urllib.parse.urlencode({"find": word, **query}))
        return [re.sub(rf"^{word} ", "", t) for t in re.findall(rf'<a href="/admin/events/[-0-9a-f]+">({word}[^<]*)</a>', b.page)]
    shows(h, f"/admin/events?find={word}", ">1 / 1<", "waiting")
    expect(sorted(found(h)), ["draft", "Ällipse 0", "Ällipse 1", "Ällipse 2"], "one's own")
    expect(sorted(found(s)), ["draft", "other", "Ällipse 0", "Ällipse 1", "Ällipse 2"], "staff sees all")
    expect(sorted(found(h, find=f"{word} allipse")), ["Ällipse 0", "Ällipse 1", "Ällipse 2"], "words, without accents")
    expect(found(h, status="draft"), ["draft"])
    expect(found(h, category="arts"), ["draft"])
    expect(found(s, host=host.email.upper(), status="active", **{"from": instant(21)[:10]}), ["Ällipse 2", "Ällipse 1"])
    expect(found(h, find=mine[1]["slug"].upper()), ["Ällipse 1"], "by slug")
    page = shows(s, f"/admin/events?find={word}&limit=2")
    after = next(a["href"] for t, a in page.elements if a.get("rel") == "next")
    s.get(after)
    expect(len(re.findall(rf">{word}", s.page)), 2, after)
    sql(f"INSERT INTO event_hosts (event_id, user_id) VALUES ('{other['id']}', '{host.id}')")
    expect("other" in found(h), True, "and where one helps")


def test_a_file_of_all_who_come():
    host = person("Hosting", role="organizer")
    ev, b = event(host), signed_in(host)
    names = ['=1+1', '+a', '-b', '@c', '\td"q"', 'plain, "quoted"', 'Zoë 🎉', "two\nlines"]
    sql("INSERT INTO users (id, email, name) SELECT uuid7(), format('%s%s@example.org', '" + unique("csv") + "', n), format('Row %s', n) "
        "FROM generate_series(1, 2500) n; "
        f"INSERT INTO rsvps (id, event_id, user_id, state) SELECT uuid7(), '{ev['id']}', id, 'going' FROM users WHERE name LIKE 'Row %'; "
        f"INSERT INTO rsvp_history (event_id, user_id, seq, to_state, seeded) SELECT event_id, user_id, 1, 'going', true FROM rsvps WHERE event_id = '{ev['id']}'; "
        f"UPDATE seat_counters SET going = going + 2500 WHERE pool_id = '{ev['id']}' AND slot = 0")
    for i, name in enumerate(names):
        sql(f"UPDATE users SET name = $n${name}$n$ WHERE name = 'Row {i + 1}'")
    a = b.get(f"/admin/events/{ev['id']}/attendees.csv")
    expect((a.status, a.header("Content-Type"), a.header("Content-Disposition")),
           (200, "text/csv; charset=utf-8", f'attachment; filename="attendees-{ev["slug"]}.csv"'))
    rows = list(csv.reader(io.StringIO(a.body.decode(), newline="")))
    expect((rows[0], len(rows), len({r[2] for r in rows})), (["name", "username", "email", "status", "state", "registered_at"], 2501, 2501))
    got = {r[0] for r in rows}
    expect([("'" + n if n[0] in "=+-@\t" else n) in got for n in names], [True] * len(names))
    expect(a.body[:4], b"name", "no mark of byte order")
    b.get(f"/admin/events/{ev['id']}/attendees.csv?status=maybe")
    expect(b.page, "name,username,email,status,state,registered_at\r\n")
    page = shows(b, f"/admin/events/{ev['id']}/attendees?q=Row+100")
    expect(sum(1 for t, at in page.elements if at.get("name") == "user_ids[]"), 11, "Row 100, Row 1000 to 1009")


def test_the_overview():
    b = signed_in(person("Staff", role="admin"))
    sql("UPDATE jobs SET run_at = now() WHERE name = 'figures'")
    wait_for("the figures", lambda: sql1("SELECT count(*) FROM figures WHERE kind = 'total'") != "0")
    page = shows(b, "/admin/", "Registrations of the last 30 days", "notifier")
    bars = [a for t, a in page.elements if t == "rect"]
    expect((len(bars) >= 30, all(float(a["height"]) >= 0 for a in bars)), (True, True))
    expect([t for t, a in page.elements if t == "svg" and (a.get("role"), bool(a.get("aria-label"))) != ("img", True)], [])
    today = sql1("SELECT n FROM figures WHERE kind = 'day' ORDER BY key DESC LIMIT 1")
    made = sql1("SELECT count(*) FROM rsvp_history WHERE at >= date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' "
                "AND to_state IN ('going', 'waitlisted') AND from_state IS DISTINCT FROM 'waitlisted'")
    expect(int(today) <= int(made), True, f"{today} of {made}")
    host = signed_in(person("Hosting", role="organizer"))
    expect(host.get("/admin/").header("Location"), "/admin/events", "the others' desk begins with their events")


def test_the_system():
    b = signed_in(person("Staff", role="admin"))
    shows(b, "/admin/system", "PostgreSQL", "cache.servers", "events whose time is over become completed")
    expect(("(hidden)" in b.page, "None: all messages are on their way." in b.page), (True, True))
    sql("UPDATE jobs SET run_at = now() + interval '5 minutes' WHERE name = 'scores'")
    a = b.send("/admin/system/jobs", name="scores")
    expect(a.header("Location"), "/admin/system?done=due")
    wait_for("the job", lambda: sql1("SELECT finished_at > now() - interval '1 minute' FROM jobs WHERE name = 'scores'") == "t")
    b.get("/admin/system")
    expect(b.send("/admin/system/jobs", name="nothing").status, 404)
    sql("INSERT INTO outbox_parked (pos, id, xid, aggregate_type, aggregate_id, seq, key, shard, topic, type, payload, created_at, reason) "
        "OVERRIDING SYSTEM VALUE SELECT 9000000 + n, uuid7(), pg_current_xact_id(), 'test', uuid7(), 1, uuid7(), 0, 'events', 'event.test', "
        "'{}', now(), '<b>refused</b>' FROM generate_series(1, 2) n")
    shows(b, "/admin/system", "&lt;b&gt;refused&lt;/b&gt;")
    expect(b.send("/admin/system/outbox", pos="9000001", act="drop").header("Location"), "/admin/system?done=dropped")
    expect(sql("SELECT pos FROM outbox_parked"), [["9000002"]])
    b.get("/admin/system")
    expect(b.send("/admin/system/outbox", pos="9000002", act="replay").header("Location"), "/admin/system?done=replayed")
    wait_for("the message", lambda: sql1("SELECT count(*) FROM outbox_parked") == "0")


def test_categories():
    b, host = signed_in(person("Staff", role="admin")), person("Hosting", role="organizer")
    slug = unique("cat")[:40].lower()
    shows(b, "/admin/categories", "Technology")
    a = b.send("/admin/categories", slug="Not So", name="x", color="red")
    expect((a.status, b.parsed().form("/admin/categories")["slug"]), (422, "Not So"))
    a = b.send("/admin/categories", slug=slug, name=slug.title(), color="#123456", description="by the desk")
    expect(a.header("Location"), "/admin/categories?done=category")
    expect([c["color"] for c in host.get("/api/categories").data if c["slug"] == slug], ["#123456"], "at once, past the cache")
    expect(event(host, category=slug)["category"], slug)
    b.get("/admin/categories")
    expect((b.send("/admin/categories", slug=slug, name="Another", color="#123456").status, "is taken" in b.page), (422, True))
    b.get(f"/admin/categories?edit={slug}")
    b.send("/admin/categories", name=slug.title() + " 2", is_active="false")
    expect([(c["name"], c["is_active"]) for c in host.get("/api/categories").data if c["slug"] == slug], [(slug.title() + " 2", False)])
    expect(host.post("/api/events", {"title": unique("No "), "start_date": instant(), "category": slug}).status, 422)
    expect(b.get("/admin/categories?edit=nothing").status, 404)


def test_duplicating_by_the_api():
    host = person("Hosting", role="organizer")
    ev = event(host, timezone="Europe/Berlin", coordinates={"lat": 1.5, "lng": 2.5}, virtual_link="https://meet.example.org/x", price=3)
    a = host.post(f"/api/events/{ev['id']}/duplicate")
    expect((a.status, a.data["status"], a.data["start_date"], a.data["coordinates"], a.data["price"], a.data["virtual_link"]),
           (201, "draft", ev["start_date"], ev["coordinates"], 3.0, "https://meet.example.org/x"))
    sql(f"UPDATE events SET start_date = '2025-03-20T18:00Z', end_date = '2025-03-20T19:00Z', ends_at = '2025-03-20T19:00Z' WHERE id = '{ev['id']}'")
    a = host.post(f"/api/events/{ev['id']}/duplicate")
    local = sql1(f"SELECT to_char(timestamptz '{a.data['start_date']}' AT TIME ZONE 'Europe/Berlin', 'Dy HH24:MI') || "
                 f"(timestamptz '{a.data['start_date']}' BETWEEN now() AND now() + interval '8 days')")
    expect(local, "Thu 19:00true", "the same day of the week and time of day, soon")
    a = host.post(f"/api/events/{ev['id']}/duplicate", {"start_date": "2031-01-01"})
    expect((a.data["start_date"], a.data["end_date"]), ("2030-12-31T23:00:00Z", "2031-01-01T00:00:00Z"))
    expect_status(host.post(f"/api/events/{ev['id']}/duplicate", {"start_date": "2020-01-01"}), 422)
    one = host.post(f"/api/events/{ev['id']}/duplicate", {}, Idempotency_Key=unique("k"))
    expect(one.status, 201)


def test_what_people_write_stays_text():
    if not os.path.exists(NAUGHTY):
        raise Skip("no ../shared/spec/text")
    with open(NAUGHTY, encoding="utf-8") as f:
        strings = [s for s in json.load(f) if s.strip() and "\0" not in s]
    host = person("Hosting", role="organizer")
    b, seen = signed_in(host), 0
    ev = event(host)
    for s in strings:
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
    expect(seen > 300, True, f"{seen} of {len(strings)}")


if __name__ == "__main__":
    main(globals())
