"""tests/e2e/test_desk.py - the staff desk by forms alone: events, who comes, who waits"""
import csv
import io
import re
import urllib.parse

from api import PASSWORD, dev, event, expect, expect_status, instant, main, people, person, rsvp, sql, sql1, stats, unique, wait_for
from forms import Reader

LOOK = {"/admin/system/doctor"}  # asks every part, on request


class Staff(Reader):
    """Whatever is asked or sent takes five statements at most."""

    def ask(self, method, path, body=None, **headers):
        a = super().ask(method, path, body, **headers)
        if path not in LOOK:
            expect(a.statements <= 5, True, f"{method} {path}: {a.statements} statements")
        return a


def signed_in(who):
    b = Staff()
    b.sign_in(who)
    return b


def shows(b, path, *texts, status=200):
    """The page, which says all of that."""
    a = b.get(path)
    expect(a.status, status, path)
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


def test_every_page_takes_five_statements_at_most():
    """The table is the program's own: a new page is asked for here, too."""
    host, boss, word = person("Hosting", role="organizer"), person("Staff", role="admin"), unique("page")
    ev = event(host, title=f"{word} x", max_attendees=1)
    for who in people(2):
        rsvp(who, ev)
    queries = {"/admin/events": [f"?find={word}", f"?find={ev['slug']}", f"?host={host.email}", "?status=draft&category=arts&from=2030-01-01"],
               "/admin/events/:id/attendees": ["?status=attended", "?status=maybe&q=person", f"?batch={ev['id']}", "?limit=100"],
               "/admin/people": [f"?q={host.email}", "?role=organizer&active=true"], "/admin/categories": ["?edit=arts"],
               "/admin/audit": [f"?object={ev['id']}", f"?actor={host.id}"]}
    rows = [line.split() for line in dev("marquee", "routes").splitlines()]
    pages = [row[1] for row in rows if row[0] == "GET" and row[1].startswith("/admin")]
    expect(len(pages) >= 16, True, pages)
    for who in (host, boss):
        b = signed_in(who)
        for page in pages:
            if who is host and not page.startswith("/admin/events"):
                continue
            for query in ["", *queries.get(page, [])]:
                for name in (ev["id"], ev["slug"]):  # an address by name is one more
                    a = b.get(page.replace(":id", name).replace(":account", host.id) + query)
                    expect_status(a, 200, page + query)


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


def test_a_lost_sign_in_keeps_an_answer():
    who, ev = person("Visitor"), event(person("Hosting", role="organizer"))
    b, path = signed_in(who), f"/e/{ev['slug']}"
    b.get(path)
    b.cookies.clear()
    a = b.send(path + "/answer", status="maybe")
    expect((a.status, "What you have typed is kept" in b.page), (401, True))
    expect(b.send("/login", email=who.email, password=PASSWORD).status, 200)
    a = b.send(path + "/answer")
    pressed = [at["value"] for t, at in b.parsed().elements if t == "button" and at.get("name") == "status" and "autofocus" in at]
    expect((a.status, pressed, "nothing has been changed yet" in b.page), (422, ["maybe"], True))
    expect_status(who.get(f"/api/events/{ev['id']}/rsvp"), 404, "nothing was answered by itself")
    expect(b.send(path + "/answer", status="maybe").status, 303)
    expect(who.get(f"/api/events/{ev['id']}/rsvp").data["status"], "maybe")


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
    gone = Staff()
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
    expect(found(s, host=host.email.upper(), status="active", **{"from": mine[1]["start_date"][:10]}), ["Ällipse 2", "Ällipse 1"])
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
    day, counted = sql("SELECT key, n FROM figures WHERE kind = 'day' ORDER BY key DESC LIMIT 1")[0]
    made = sql1(f"SELECT count(*) FROM rsvp_history WHERE (at AT TIME ZONE 'UTC')::date = '{day}' AND to_state IN ('going', 'waitlisted') AND from_state IS DISTINCT FROM 'waitlisted'")
    expect(int(counted) <= int(made), True, f"{counted} of {made} on {day}")
    host = signed_in(person("Hosting", role="organizer"))
    expect(host.get("/admin/").header("Location"), "/admin/events", "the others' desk begins with their events")


def finished(ev):
    """The event, as if it had ended two hours ago."""
    sql(f"UPDATE events SET start_date = now() - interval '3 hours', end_date = now() - interval '2 hours', ends_at = now() - interval '2 hours' "
        f"WHERE id = '{ev['id']}'; UPDATE event_seats SET closes_at = now() - interval '2 hours' WHERE event_id = '{ev['id']}'; "
        "UPDATE jobs SET run_at = now() WHERE name = 'complete'")
    wait_for("the end", lambda: sql1(f"SELECT status FROM events WHERE id = '{ev['id']}'") == "completed")


def test_who_came_and_who_did_not():
    host, goers = person("Hosting", role="organizer"), people(4)
    ev = event(host, start_date=instant(0, 2))
    for who in goers:
        rsvp(who, ev)
    for who in goers[:3]:
        expect(host.post(f"/api/events/{ev['id']}/checkin", {"user_id": who.id}).data["reason"], "ok")
    finished(ev)
    sql("UPDATE jobs SET run_at = now() WHERE name = 'figures'")
    month = sql1("SELECT to_char(now() - interval '3 hours', 'YYYY-MM')")
    figures = wait_for("the figures", lambda: sql("SELECT kind, n FROM figures WHERE kind IN ('came', 'no_show') "
                                                  f"AND key = '{month}' AND (kind = 'no_show' OR n >= 3) ORDER BY kind")[1:] and
                       dict(sql("SELECT kind, sum(n) FROM figures WHERE kind IN ('came', 'no_show') GROUP BY kind")))
    came, missed = int(figures["came"]), int(figures["no_show"])
    expect(missed >= 1, True)
    share = (came * 100 + (came + missed) // 2) // (came + missed)
    b = signed_in(person("Staff", role="admin"))
    page = shows(b, "/admin/", "Attendance over the last twelve months", f"<dd>{share} %</dd>", f"<dd>{100 - share} %</dd>",
                 f'<th scope="row">{month}</th>')
    expect(len([a for t, a in page.elements if t == "rect" and a.get("class") == "rest"]) >= 1, True)
    expect(sql1(f"SELECT count(*) FROM figures WHERE kind = 'came'"), "12", "one for each month")


def test_checking_in_from_the_list():
    host, (first, second, waits) = person("Hosting", role="organizer"), people(3)
    ev, b = event(host, start_date=instant(0, 2), max_attendees=2), signed_in(host)
    path = f"/admin/events/{ev['id']}"
    for who in (first, second, waits):
        rsvp(who, ev)
    expect(host.post(f"/api/events/{ev['id']}/checkin", {"user_id": second.id}).data["reason"], "ok")
    shows(b, path + "/attendees", first.user["name"])
    form = b.page
    a = b.send(path + "/attendees", to=path + "/checkin", **{"user_ids[]": [first.id, second.id, waits.id]})
    expect(a.status, 303, b.page)
    b.follow(a)
    answers = re.findall(r"<li>([^<]*): <span class=\"(\w+)\">([^<]+)</span></li>", b.page)
    expect(sorted(answers), sorted([(first.user["name"], "good", "Welcome"), (second.user["name"], "warn", "Already checked in"),
                                    (waits.user["name"], "warn", "On the waiting list")]), "one answer per person")
    expect("have been at the door" in b.page, True)
    b.page = form
    again = b.send(path + "/attendees", to=path + "/checkin", **{"user_ids[]": [first.id, second.id, waits.id]})
    expect(again.header("Location"), a.header("Location"), "a form sent twice")
    expect(sql1(f"SELECT count(*) FROM checkins WHERE event_id = '{ev['id']}'"), "4", "is one scan of each")
    shows(b, path + "/attendees")
    a = b.send(path + "/attendees", to=path + "/checkin")
    expect((a.status, "Choose at least one person" in b.page), (422, True))
    b.get(path + "/attendees?status=attended")
    expect((b.page.count('name="user_ids[]"'), b.page.count("was there") >= 2), (2, True))
    rows = list(csv.reader(io.StringIO(b.get(path + "/attendees.csv?status=attended").body.decode(), newline="")))
    expect((sorted(r[2] for r in rows[1:]), {r[4] for r in rows[1:]}), (sorted([first.email, second.email]), {"attended"}))
    stranger = signed_in(person("Another", role="organizer"))
    stranger.page = form
    expect(stranger.send(path + "/attendees", to=path + "/checkin", **{"user_ids[]": [first.id]}).status, 403)


def test_the_system():
    boss = person("Staff", role="admin")
    b = signed_in(boss)
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
    told = sql(f"SELECT action, coalesce(after->>'name', after->>'pos') FROM audit_log WHERE actor = '{boss.id}' AND kind <> 'user' ORDER BY id")
    expect(told, [["job.run", "scores"], ["message.dropped", "9000001"], ["message.replayed", "9000002"]])
    shows(b, f"/admin/audit?actor={boss.id}", "job.run", "message.replayed", '<a href="/admin/system">scores</a>')


def test_the_doctor_at_the_desk():
    b = signed_in(person("Staff", role="admin"))
    b.get("/admin/system")
    a = b.send("/admin/system/doctor")
    expect(a.header("Location"), "/admin/system?done=looked")
    page = b.follow(a) and b.parsed()
    lines = re.findall(r"^(ok|WARN|FAIL) +(.+?)  +(.*)$", dev("marquee", "doctor", check=False), re.M)
    table = b.page.split("Checks of every part")[1].split("</table>")[0]
    rows = re.findall(r'<th scope="row">([^<]+)</th><td><span class="tag \w+">([^<]+)</span></td><td class="long">([^<]*)', table)
    expect([r[0] for r in rows], [name for _, name, _ in lines], "the same checks as marquee doctor")
    words, restless = {"ok": "ok", "WARN": "attention", "FAIL": "wrong"}, {"hash slots", "notifier", "outbox", "invariants", "cache"}
    expect([(n, w) for n, w, _ in rows if n not in restless], [(n, words[v]) for v, n, _ in lines if n not in restless])
    expect(page.has("Last look, seconds ago"), True)


def test_what_is_violated_is_shown():
    b, ev = signed_in(person("Staff", role="admin")), event(person("Hosting", role="organizer"))

    def looked(found):
        b.get("/admin/system")
        b.page = b.page[b.page.index("What must always hold"):]  # the first form of that action there
        b.page = b.page[:b.page.index("</form>") + 7]
        expect(b.send("/admin/system/jobs").header("Location"), "/admin/system?done=due")
        wait_for("the look", lambda: (sql1("SELECT (state->'found')::text FROM heartbeats WHERE name = 'invariants'").count(ev["id"]) > 0) == found)
        shows(b, "/admin/system")
    sql(f"UPDATE seat_counters SET going = going + 1 WHERE pool_id = '{ev['id']}' AND slot = 0")
    looked(True)
    expect(("What is violated" in b.page, f'<a href="/admin/events/{ev["id"]}">' in b.page, "I1 counters drifted" in b.page), (True, True, True))
    sql(f"UPDATE seat_counters SET going = going - 1 WHERE pool_id = '{ev['id']}' AND slot = 0")
    looked(False)
    expect(("What is violated" in b.page, ">holds<" in b.page), (False, True))


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


if __name__ == "__main__":
    main(globals())
