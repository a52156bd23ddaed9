"""tests/e2e/test_registration.py - answers, seats and the waiting list, one after the other."""
import json

from api import anonymous, event, expect, expect_status, instant, main, people, person, rsvp, sql, stats, unique

COUNTS = ("going", "interested", "maybe", "waitlist")
# stored state → (status, state) of the answer: contract
STORED = {"going": ("going", "registered"), "waitlisted": ("waitlisted", "waitlisted"),
          "cancelled": ("not_going", "cancelled"), "interested": ("interested", None), "maybe": ("maybe", None),
          "not_going": ("not_going", None)}


def at(ev, more=""):
    return f"/api/events/{ev['id']}{more}"


def register(who, ev, **headers):
    return who.post(at(ev, "/register"), None, **headers)


def counts(ev):
    now = stats(ev)
    return tuple(now[k] for k in COUNTS)


def stored(ev, who):
    rows = sql(f"SELECT state FROM rsvps WHERE event_id = '{ev['id']}' AND user_id = '{who.id}'")
    return rows[0][0] if rows else None


def holds(answer, status, code, state, what=""):
    """The answer of an RSVP: HTTP status, and status and state of the registration."""
    ok = expect_status(answer, status, what)
    return ok and expect((answer.data["status"], answer.data["state"]), (code, state), what)


def going_ids(ev, who, query=""):
    return [r["user"]["id"] for r in who.get(at(ev, f"/attendees?limit=100{query}")).data]


def waiting_ids(ev, host):
    a = host.get(at(ev, "/waitlist?limit=100"))
    expect([r["position"] for r in a.data], list(range(1, len(a.data) + 1)), "positions without a gap")
    return [r["user"]["id"] for r in a.data]


def messages(ev, kind):
    return [json.loads("|".join(r)) for r in
            sql(f"SELECT payload FROM outbox WHERE key = '{ev['id']}' AND type = '{kind}' ORDER BY pos")]


# ---- spellings ----
def test_every_spelling_of_going():
    host = person()
    ev = event(host, max_attendees=50)
    spellings = [lambda w: w.post(at(ev, "/rsvp"), {"status": "going"}), lambda w: w.put(at(ev, "/rsvp"), {"status": "going"}),
                 lambda w: register(w, ev), lambda w: w.post(at(ev, "/register"), {}),
                 lambda w: w.post("/api/events/register", {"event_id": ev["id"]}),
                 lambda w: w.post(f"/events/{ev['slug']}/register"), lambda w: w.post(f"/api/v1/events/{ev['id']}/rsvp", {"status": "going"}),
                 lambda w: w.post(at(ev, "/rsvp"), {"status": "going", "registration_data": {"meal": "vegan"}})]
    for n, spell in enumerate(spellings, 1):
        who = person()
        holds(spell(who), 201, "going", "registered", f"spelling {n}")
        holds(spell(who), 200, "going", "registered", f"spelling {n} again")
        expect(counts(ev), (n, 0, 0, 0))
        expect(who.get(at(ev, "/rsvp")).data["status"], "going")
    expect(len(messages(ev, "event.registration.created")), len(spellings), "repeating says nothing")
    expect(sql(f"SELECT registration_data FROM rsvps WHERE event_id = '{ev['id']}' AND registration_data IS NOT NULL"),
           [['{"meal": "vegan"}']])


def test_every_spelling_of_cancel():
    host = person()
    ev = event(host, max_attendees=50)
    spellings = [lambda w: w.delete(at(ev, "/rsvp")), lambda w: w.delete(at(ev, "/register")),
                 lambda w: w.post(at(ev, "/rsvp"), {"status": "not_going"}), lambda w: w.put(at(ev, "/rsvp"), {"status": "not_going"})]
    for n, spell in enumerate(spellings, 1):
        who = person()
        first = register(who, ev)
        holds(spell(who), 200, "not_going", "cancelled", f"spelling {n}")
        a = spell(who)
        holds(a, 200, "not_going", "cancelled", f"spelling {n} twice")
        expect(a.data["registration_id"], first.data["registration_id"])
        expect(counts(ev), (0, 0, 0, 0))
        holds(register(who, ev), 200, "going", "registered", "and back")
        holds(spell(who), 200, "not_going", "cancelled")
    expect(len(messages(ev, "event.registration.cancelled")), 2 * len(spellings))
    nobody = person()
    for method, path in (("DELETE", "/rsvp"), ("DELETE", "/register"), ("GET", "/rsvp")):
        expect_status(nobody.send(method, at(ev, path)), 404, path, "NOT_FOUND")


def test_bad_answers():
    who, ev = person(), event(person())
    for body in ({}, {"status": "perhaps"}, {"status": None}, {"status": 1}, {"status": "waitlisted"},
                 {"status": "going", "seats": 2}, {"status": "going", "registration_data": "x"},
                 {"status": "going", "registration_data": {"x": "y" * 9000}}, {"status": "going", "state": "registered"}):
        expect_status(who.post(at(ev, "/rsvp"), body), 422, repr(body)[:60], "VALIDATION_ERROR")
    for body in ({}, {"event_id": "x"}, {"event_id": None}):
        expect_status(who.post("/api/events/register", body), 422, repr(body))
    expect_status(who.post("/api/events/register", {"event_id": unique("x")[:3] + "0" * 5}), 422)
    expect_status(who.post("/api/events/register", {"event_id": "01890000-0000-7000-8000-000000000000"}), 404)
    expect_status(anonymous.post(at(ev, "/register")), 401)
    expect((counts(ev), stored(ev, who)), ((0, 0, 0, 0), None))


def test_no_such_event():
    who = person()
    for method, below, body in (("POST", "/rsvp", {"status": "going"}), ("PUT", "/rsvp", {"status": "going"}), ("GET", "/rsvp", None),
                                ("DELETE", "/rsvp", None), ("POST", "/register", None), ("DELETE", "/register", None),
                                ("GET", "/attendees", None), ("GET", "/waitlist", None)):
        for named in ("no-such-event", "01890000-0000-7000-8000-000000000000"):
            expect_status(who.send(method, f"/api/events/{named}{below}", body), 404, f"{method} {named}{below}", "NOT_FOUND")


# ---- states ----
def answered(want, old, full):
    """What an answer leads to: state, as the contract has it."""
    if want == "going":
        return old if old in ("going", "waitlisted") else "waitlisted" if full else "going"
    if want == "not_going":
        return "cancelled" if old in ("going", "waitlisted", "cancelled") else "not_going"
    return want


def test_the_table_of_states():
    """From every state by every answer, with and without a free seat."""
    host = person()
    for full in (False, True):
        for old in (None, *STORED):
            for want in ("going", "interested", "maybe", "not_going"):
                one_transition(host, full, old, want)


def one_transition(host, full, old, want):
    ev, who, others = event(host, max_attendees=2), person(), []
    if old == "waitlisted" and not full:
        return  # nobody waits beside a free seat
    if old == "going":
        rsvp(who, ev)
    if full or old == "waitlisted":
        others = [person() for _ in range(1 if old == "going" else 2)]
        for other in others:
            rsvp(other, ev)
    for status in {"waitlisted": ["going"], "cancelled": ["going", "not_going"]}.get(old, [old] if old else []):
        if old != "going":
            rsvp(who, ev, status)
    what = f"{old} –{want}→ full={full}"
    if not expect(stored(ev, who), old, what):
        return
    new = answered(want, old, full)
    a = rsvp(who, ev, want)
    holds(a, 201 if old is None else 200, *STORED[new], what)
    expect(stored(ev, who), new, what)
    expect(("waitlist_position" in a.data, a.data.get("waitlist_position")),
           (True, 1) if new == "waitlisted" else (False, None), what)
    now = [len(others) + (new == "going"), int(new == "interested"), int(new == "maybe"), int(new == "waitlisted")]
    expect([a.data["stats"][k] for k in COUNTS], now, what)
    expect(list(counts(ev)), now, what)
    got = who.get(at(ev, "/rsvp"))
    expect((got.data["status"], got.data["state"]), STORED[new], what)
    mine = who.get(at(ev, "?fresh=1")).data["my_rsvp"]
    expect((mine["status"], mine["state"]), STORED[new], what)


def test_attended_and_no_show_come_from_check_in():
    host, one, two = person(), person(), person()
    ev = event(host, start_date=instant(0, 2))
    rsvp(one, ev), rsvp(two, ev)
    expect(host.post(at(ev, "/checkin"), {"user_id": one.id, "nonce": "1"}).data["status"], "ok")
    sql(f"UPDATE rsvps SET no_show = true WHERE event_id = '{ev['id']}' AND user_id = '{two.id}'")
    for who, state in ((one, "attended"), (two, "no_show")):
        a = who.get(at(ev, "/rsvp"))
        expect((a.data["status"], a.data["state"]), ("going", state))


# ---- seats ----
def test_capacity_and_waiting_list_in_order():
    host, crowd = person(), people(7)
    ev = event(host, max_attendees=3)
    for n, who in enumerate(crowd):
        a = register(who, ev)
        holds(a, 201, *(STORED["going"] if n < 3 else STORED["waitlisted"]), f"number {n}")
        expect(a.data.get("waitlist_position"), None if n < 3 else n - 2)
        expect(a.data["stats"]["available"], max(0, 2 - n))
    expect(counts(ev), (3, 0, 0, 4))
    ids = [p.id for p in crowd]
    expect((going_ids(ev, anonymous), waiting_ids(ev, host)), (ids[:3], ids[3:]))
    crowd[1].delete(at(ev, "/rsvp"))
    expect((set(going_ids(ev, host)), waiting_ids(ev, host)), ({ids[0], ids[2], ids[3]}, ids[4:]), "the head moves up")
    crowd[4].delete(at(ev, "/rsvp"))
    expect(waiting_ids(ev, host), ids[5:], "leaving the list moves the others up")
    holds(register(crowd[1], ev), 200, "waitlisted", "waitlisted", "who comes back stands at the end")
    expect(waiting_ids(ev, host), [ids[5], ids[6], ids[1]])
    expect([r["position"] for r in crowd[6].get(at(ev, "/waitlist")).data], [2], "a waiter sees the own place")


def test_cancelling_after_promotion_passes_the_seat_on():
    host, (first, second, third, fourth) = person(), people(4)
    ev = event(host, max_attendees=1)
    for who in (first, second, third, fourth):
        register(who, ev)
    for leaving, lucky in ((first, second), (second, third), (third, fourth)):
        leaving.delete(at(ev, "/rsvp"))
        expect(going_ids(ev, host), [lucky.id])
        holds(lucky.get(at(ev, "/rsvp")), 200, "going", "registered")
        expect(lucky.get(at(ev)).data["my_rsvp"]["status"], "going", "also through the cache")
    expect(counts(ev), (1, 0, 0, 0))
    promoted = [m["user_id"] for m in messages(ev, "event.waitlist.promoted")]
    expect(promoted, [second.id, third.id, fourth.id], "once each, in order")
    told = sql(f"SELECT user_id FROM notifications WHERE event_id = '{ev['id']}' AND kind = 'waitlist_promoted' ORDER BY id")
    expect([r[0] for r in told], promoted)
    fourth.delete(at(ev, "/rsvp"))
    expect((counts(ev), stats(ev)["available"]), ((0, 0, 0, 0), 1), "nobody left: the seat is free")


def test_going_to_maybe_frees_the_seat():
    for status in ("maybe", "interested", "not_going"):
        host, one, two = person(), person(), person()
        ev = event(host, max_attendees=1)
        rsvp(one, ev), rsvp(two, ev)
        rsvp(one, ev, status)
        expect((going_ids(ev, host), waiting_ids(ev, host)), ([two.id], []), status)
        expect(sum(counts(ev)), 1 if status == "not_going" else 2, status)


def test_full_without_a_waiting_list():
    host, one, two = person(), person(), person()
    ev = event(host, max_attendees=1, waitlist_enabled=False)
    register(one, ev)
    for spell in (lambda: register(two, ev), lambda: rsvp(two, ev)):
        expect_status(spell(), 409, "", "EVENT_FULL")
    expect(stored(ev, two), None, "nothing is left behind")
    holds(rsvp(two, ev, "maybe"), 201, "maybe", None, "other answers need no seat")
    expect_status(rsvp(two, ev), 409, "", "EVENT_FULL")
    expect(stored(ev, two), "maybe")
    one.delete(at(ev, "/rsvp"))
    holds(rsvp(two, ev), 200, "going", "registered")


def test_closed_events_take_no_answers():
    host, guest, other = person(), person(), person()
    cancelled, over = event(host, max_attendees=1), event(host, max_attendees=1)
    for ev in (cancelled, over):
        rsvp(guest, ev), rsvp(other, ev)
    host.post(at(cancelled, "/cancel"))
    for table, column in (("events", "id"), ("event_seats", "event_id")):
        at_end = "ends_at" if table == "events" else "closes_at"
        sql(f"UPDATE {table} SET {at_end} = now() - interval '1 hour' WHERE {column} = '{over['id']}'")
    for ev in (cancelled, over):
        for who in (guest, other, person()):
            for want in ("going", "maybe", "interested"):
                if (who, want) in ((guest, "going"), (other, "going")):
                    continue  # nothing would change
                expect_status(rsvp(who, ev, want), 409, want, "EVENT_CLOSED")
        expect_status(guest.delete(at(ev, "/rsvp")), 409, "", "EVENT_CLOSED")
        expect((stored(ev, guest), stored(ev, other)), ("going", "waitlisted"), "nobody is promoted")
    draft = event(host, status="draft")
    expect_status(rsvp(host, draft), 409, "the host's own draft", "EVENT_CLOSED")
    expect_status(rsvp(guest, draft), 404, "the draft of others")


# ---- capacity ----
def test_capacity_edits():
    host, crowd = person(), people(8)
    ev = event(host, max_attendees=2)
    for who in crowd:
        register(who, ev)
    ids = [p.id for p in crowd]
    a = host.patch(at(ev), {"capacity": 1})
    expect_status(a, 409, "", "CAPACITY_BELOW_GOING")
    expect((a.data, host.get(at(ev, "?fresh=1")).data["max_attendees"]), (None, 2))
    a = host.patch(at(ev), {"capacity": 5})
    expect_status(a, 200)
    expect((set(going_ids(ev, host)), waiting_ids(ev, host)), (set(ids[:5]), ids[5:]), "a raise promotes the heads")
    expect([a.data["stats"][k] for k in COUNTS], [5, 0, 0, 3])
    expect([m["user_id"] for m in messages(ev, "event.waitlist.promoted")], ids[2:5])
    expect_status(host.patch(at(ev), {"capacity": 4}), 409, "", "CAPACITY_BELOW_GOING")
    host.patch(at(ev), {"max_attendees": None})
    expect((counts(ev), stats(ev)["available"]), ((8, 0, 0, 0), None), "no limit: nobody waits")
    expect_status(host.patch(at(ev), {"capacity": 7}), 409)
    expect_status(host.patch(at(ev), {"capacity": 8}), 200)
    expect(stats(ev)["available"], 0)
    holds(register(person(), ev), 201, "waitlisted", "waitlisted")


def test_refused_capacity_edit_changes_nothing_else():
    host, one, two = person(), person(), person()
    ev = event(host, max_attendees=2)
    rsvp(one, ev), rsvp(two, ev)
    a = host.patch(at(ev), {"capacity": 1, "title": "Not this", "privacy": "private"})
    expect_status(a, 409)
    now = anonymous.get(at(ev, "?fresh=1"))
    expect((now.status, now.data["title"], now.data["version"]), (200, ev["title"], 1))
    holds(rsvp(person(), ev, "maybe"), 201, "maybe", None, "still open to all")


def test_wide_counters_count_right():
    """From 500 seats on the counters are split; the sums stay exact."""
    host, crowd = person(), people(12)
    for capacity in (500, None, 100000):
        ev = event(host, max_attendees=capacity)
        for n, who in enumerate(crowd, 1):
            holds(register(who, ev), 201, "going", "registered")
            expect(counts(ev)[0], n)
        for n, who in enumerate(crowd[:6], 1):
            who.delete(at(ev, "/rsvp"))
            expect(counts(ev)[0], 12 - n)
        expect(stats(ev)["available"], None if capacity is None else capacity - 6)
        expect_status(host.patch(at(ev), {"capacity": 7}), 200)
        holds(register(crowd[0], ev), 200, "going", "registered")
        holds(register(crowd[1], ev), 200, "waitlisted", "waitlisted", "the last seat was the last")
        expect(counts(ev), (7, 0, 0, 1))


# ---- lists ----
def test_attendee_lists():
    host, crowd = person(), people(6)
    ev = event(host, max_attendees=3)
    for who, status in zip(crowd, ("going", "going", "going", "going", "maybe", "interested")):
        rsvp(who, ev, status)
    ids = [p.id for p in crowd]
    for query, want in (("", ids[:3]), ("&status=going", ids[:3]), ("&status=maybe", [ids[4]]),
                        ("&status=interested", [ids[5]]), ("&status=not_going", []), ("&status=waitlisted", [ids[3]]),
                        ("&q=person%202", [ids[2]]), ("&q=PERSON", ids[:3]), ("&q=%25", []), ("&q=_", [])):
        expect(going_ids(ev, host, query), want, query)
    crowd[2].delete(at(ev, "/rsvp"))
    expect(going_ids(ev, anonymous, "&status=not_going"), [ids[2]])
    expect(set(going_ids(ev, anonymous)), {ids[0], ids[1], ids[3]})
    for bad in ("status=waiting", "q=", "colour=x", "limit=101"):
        expect_status(host.get(at(ev, "/attendees?" + bad)), 422, bad)
    page1 = anonymous.get(at(ev, "/attendees?limit=2"))
    page2 = anonymous.get(at(ev, f"/attendees?limit=2&cursor={page1.page['next_cursor']}"))
    seen = [r["user"]["id"] for r in page1.data + page2.data]
    expect((sorted(seen), page2.page["has_more"]), (sorted({ids[0], ids[1], ids[3]}), False))
    both = [r["user"]["id"] for n in (1, 2) for r in anonymous.get(at(ev, f"/attendees?limit=2&page={n}")).data]
    expect(both, seen, "pages and cursors agree")


def test_waiting_list_pages():
    host, crowd = person(), people(7)
    ev = event(host, max_attendees=1)
    for who in crowd:
        rsvp(who, ev)
    seen, cursor = [], ""
    while cursor is not None:
        a = host.get(at(ev, f"/waitlist?limit=2{cursor}"))
        seen += [(r["user"]["id"], r["position"]) for r in a.data]
        cursor = a.page["next_cursor"] and "&cursor=" + a.page["next_cursor"]
    expect(seen, [(p.id, n) for n, p in enumerate(crowd[1:], 1)])


# ---- idempotency ----
def test_idempotency_key():
    who, host = person(), person()
    ev, key = event(host), unique("key")
    one = register(who, ev, Idempotency_Key=key)
    two = register(who, ev, Idempotency_Key=f'"{key}"')
    expect((one.status, two.status), (201, 201), "the stored answer, not a new one")
    expect(two.data, one.data)
    expect((one.header("Idempotency-Replayed"), two.header("Idempotency-Replayed")), ("", "true"))
    other = who.post(at(ev, "/rsvp"), {"status": "maybe"}, Idempotency_Key=key)
    expect_status(other, 422, "another request", "VALIDATION_ERROR")
    expect(stored(ev, who), "going")
    expect_status(register(person(), ev, Idempotency_Key=key), 201, "keys are each person's own")
    body, key = {"title": "Only one", "start_date": instant()}, unique("key")
    made = [host.post("/api/events", body, Idempotency_Key=key) for _ in range(3)]
    expect([a.status for a in made], [201] * 3)
    expect(len({a.data["id"] for a in made}), 1)
    expect(made[2].header("Location"), made[0].header("Location"))
    for key in ("x" * 256, "a b", ""):
        a = host.post("/api/events", body, Idempotency_Key=key)
        expect(a.status, 201 if key == "" else 422, repr(key)[:20])


def test_refusals_are_kept_too():
    one, two, ev = person(), person(), event(person(), max_attendees=1, waitlist_enabled=False)
    key = unique("key")
    rsvp(one, ev)
    expect_status(register(two, ev, Idempotency_Key=key), 409, "", "EVENT_FULL")
    one.delete(at(ev, "/rsvp"))
    a = register(two, ev, Idempotency_Key=key)
    expect_status(a, 409, "the same request has the same answer", "EVENT_FULL")
    expect_status(register(two, ev), 201)


def test_bodies_that_are_none():
    """Refused before anything is looked for; data may be absent, null, or an object."""
    guest, ev = person(), event(person())
    for path in (at(ev, "/rsvp"), at(ev, "/register"), "/api/events/register"):
        expect_status(guest.post(path, b'{"status":', Content_Type="application/json"), 400, path, "MALFORMED_REQUEST")
    expect_status(guest.put(at(ev, "/rsvp"), []), 422, "an array", "VALIDATION_ERROR")
    expect(stored(ev, guest), None)
    for n, data in enumerate((None, {}, {"diet": "none"})):
        a = guest.post(at(ev, "/rsvp"), {"status": "going", "registration_data": data})
        holds(a, 200 if n else 201, "going", "registered", f"{data}")
    expect(sql(f"SELECT registration_data->>'diet' FROM rsvps WHERE user_id = '{guest.id}'"), [["none"]])


if __name__ == "__main__":
    main(globals())
