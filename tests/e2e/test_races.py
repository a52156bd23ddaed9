"""tests/e2e/test_races.py - many at one moment: no seat twice, no head passed over, no effect twice.

Each check is also run against a naive rsvp_set, where it must fail at least once: else it would
prove nothing. T_RUNS says how often each race is run (default 3).
"""
import collections
import json
import os
import random

from api import (Stack, call, expect, instant, main, people, person,
                 unique, volley)

RUNS = int(os.environ.get("T_RUNS", "3"))
CROWD = 200
_shared = {}

# Counts, waits a moment, writes; no lock but those of the rows it writes to.
NAIVE = """
CREATE OR REPLACE FUNCTION rsvp_set(p_event uuid, p_user uuid, p_id uuid, want text, p_data jsonb, slow boolean)
RETURNS effect LANGUAGE plpgsql AS $$
DECLARE q event_seats; r rsvps; w rsvps; taken int; old text; new text; wl bigint;
BEGIN
  SELECT * INTO q FROM event_seats WHERE event_id = p_event;
  SELECT * INTO r FROM rsvps WHERE event_id = p_event AND user_id = p_user;
  SELECT count(*) INTO taken FROM rsvps WHERE event_id = p_event AND state = 'going';
  SELECT * INTO w FROM rsvps WHERE event_id = p_event AND state = 'waitlisted' ORDER BY wl_seq LIMIT 1;
  PERFORM pg_sleep(0.05);
  old := r.state;
  new := CASE WHEN want = 'not_going' THEN 'cancelled' WHEN taken < q.capacity THEN 'going' ELSE 'waitlisted' END;
  IF new = 'waitlisted' THEN
    UPDATE event_seats SET wl_seq = wl_seq + 1, waiting = waiting + 1 WHERE event_id = p_event RETURNING wl_seq INTO wl;
  END IF;
  r := rsvp_write(p_event, p_user, p_id, old, new, wl, p_data);
  UPDATE seat_counters SET remaining = greatest(0, remaining - (new = 'going')::int),
    going = going + (new = 'going')::int - (old IS NOT DISTINCT FROM 'going')::int WHERE pool_id = p_event AND slot = 0;
  IF new = 'cancelled' AND w.id IS NOT NULL THEN
    UPDATE rsvps SET state = 'going', wl_seq = NULL WHERE event_id = p_event AND user_id = w.user_id;
    UPDATE event_seats SET waiting = greatest(0, waiting - 1) WHERE event_id = p_event;
    UPDATE seat_counters SET going = going + 1 WHERE pool_id = p_event AND slot = 0;
    PERFORM outbox_put('events', 'event.waitlist.promoted', 'registration', w.id, w.seq, p_event,
                       json_build_object('user_id', w.user_id)::text);
  END IF;
  SELECT * INTO r FROM rsvps WHERE event_id = p_event AND user_id = p_user;
  RETURN rsvp_answer(CASE want WHEN 'going' THEN 201 ELSE 200 END, r);
END $$;
CREATE OR REPLACE FUNCTION rsvp_cancel(p_event uuid, p_user uuid, slow boolean) RETURNS effect LANGUAGE sql AS
$$ SELECT rsvp_set(p_event, p_user, NULL, 'not_going', NULL, slow) $$;
"""


class Arena:
    """A stack of our own with many workers, a host and a crowd."""

    def __init__(self, stack):
        self.stack = stack
        self.host = person("Host", stack.url)
        self.crowd = people(CROWD, stack.url)

    def event(self, capacity, **more):
        a = self.host.post("/api/events", {"title": unique("Race "), "start_date": instant(), "capacity": capacity, **more})
        assert a.status == 201, a
        return a.data["id"]

    def volley(self, requests):
        return volley(requests, self.stack.url)

    def states(self, event):
        return collections.Counter(r[0] for r in self.stack.sql(f"SELECT state FROM rsvps WHERE event_id = '{event}'"))

    def control(self, text):
        """Puts something naive in the place of the real functions; real() puts them back."""
        self.stack.sql(f"BEGIN; SET LOCAL check_function_bodies = off; {text}; COMMIT")

    def real(self, restore):
        build = os.environ.get("MARQUEE_DEV_BUILD", self.stack.state + "/build")
        path = build + "/inst/share/marquee/sql/functions/registration.sql"
        self.stack.dev("psql", "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-f", path)
        self.stack.sql("TRUNCATE idempotency_keys")
        if restore:
            self.stack.sql(restore)
        # what the naive ones left behind
        self.stack.sql("DELETE FROM outbox WHERE aggregate_type = 'registration'; DELETE FROM notifications; "
                       "DELETE FROM rsvp_history; DELETE FROM rsvps; "
                       "DELETE FROM waitlist_blocks; UPDATE event_seats SET waiting = 0, wl_seq = 0; "
                       "DELETE FROM seat_counters WHERE slot > 0; UPDATE event_seats SET n = 1; "
                       "UPDATE seat_counters c SET going = 0, interested = 0, maybe = 0, waitlisted = 0, remaining = "
                       "coalesce((SELECT capacity FROM event_seats WHERE event_id = pool_id), 1000000000)")
        expect(self.stack.sql("SELECT * FROM check_invariants()"), [], "cleaned up")


def arena():
    if "stack" not in _shared:
        _shared["stack"] = Stack(workers=16).__enter__()
    if "arena" not in _shared:
        _shared["arena"] = Arena(_shared["stack"])
    return _shared["arena"]


def going(event, who, **headers):
    return ("POST", f"/api/events/{event}/rsvp", {"status": "going"}, who.token, headers)


def leaving(event, who):
    return ("DELETE", f"/api/events/{event}/rsvp", None, who.token, {})


def edit(event, host, **fields):
    return ("PATCH", f"/api/events/{event}", fields, host.token, {})


class Wrong(Exception):
    """A race that a check has found lost."""


def must(got, want, what):
    if got != want:
        raise Wrong(f"{what}: got {got}, want {want}")


def sound(ar):
    must(ar.stack.sql("SELECT * FROM check_invariants()"), [], "invariants")


def fails_without_the_lock(ar, check, naive, restore, tries=20):
    """The positive control: with the naive function the check finds something within a few tries."""
    ar.control(naive)
    try:
        for _ in range(tries):
            try:
                check(ar)
            except Wrong as e:
                print(f"control of {check.__name__}: {e}")
                return
        expect("never", "at least one failure", f"control of {check.__name__} in {tries} tries")
    finally:
        ar.real(restore)


def run(check, naive=NAIVE, restore=None):
    ar = arena()
    for n in range(RUNS):
        try:
            check(ar)
        except Wrong as e:
            expect(str(e), "", f"{check.__name__} run {n + 1}")
    fails_without_the_lock(ar, check, naive, restore)


# ---- X1: seats ----
def oversell(ar, capacity, clients, waitlist=True):
    event = ar.event(capacity, waitlist_enabled=waitlist)
    answers = ar.volley([going(event, who) for who in ar.crowd[:clients]])
    said = collections.Counter((a.status, a.data["status"] if a.data else a.code) for a in answers)
    rest = {(201, "waitlisted") if waitlist else (409, "EVENT_FULL"): clients - capacity}
    must(dict(said), {(201, "going"): capacity, **rest}, f"answers of {clients} on {capacity}")
    must(ar.states(event)["going"], capacity, "going")
    positions = sorted(a.data.get("waitlist_position", 0) for a in answers if a.data and a.data["status"] == "waitlisted")
    must(positions, list(range(1, clients - capacity + 1)) if waitlist else [], "positions")
    most = max(a.data["stats"]["going"] for a in answers if a.data)
    must(most <= capacity, True, f"no answer tells of more than {capacity} going")
    sound(ar)


def x1_fifty(ar):
    oversell(ar, 50, CROWD)


def x1_one(ar):
    oversell(ar, 1, CROWD)


def x1_two_clients(ar):
    oversell(ar, 1, 2)


def x1_no_waiting_list(ar):
    oversell(ar, 50, CROWD, waitlist=False)


def x1_mixed(ar):
    """20 % leave again, the host raises and lowers meanwhile: never one too many, nobody forgotten."""
    rng = random.Random(RUNS)
    event, base = ar.event(50), ar.crowd[:40]
    for a in ar.volley([going(event, who) for who in base]):
        must(a.status, 201, "before")
    requests = [going(event, who) for who in ar.crowd[40:]] + [leaving(event, who) for who in base]
    requests += [edit(event, ar.host, capacity=c) for c in (60, 55, 20, 70, 45, 50)]
    rng.shuffle(requests)
    answers = ar.volley(requests)
    for r, a in zip(requests, answers):
        allowed = {"POST": (201,), "DELETE": (200,), "PATCH": (200, 409)}[r[0]]
        must(a.status in allowed, True, f"{r[0]} {a}")
        if a.data and r[0] == "PATCH":
            now = a.data["stats"]["going"], a.data["max_attendees"]
            must(now[0] <= now[1], True, f"{now} in the answer of an edit")
    row = ar.stack.sql(f"SELECT capacity, waiting FROM event_seats WHERE event_id = '{event}'")[0]
    capacity, states = int(row[0]), ar.states(event)
    must(states["going"], min(capacity, 160), "every seat is taken while somebody waits")
    must((states["waitlisted"], int(row[1])), (160 - capacity,) * 2, "waiting")
    must(states["cancelled"], 40, "those who left")
    in_order(ar, event)
    sound(ar)


def test_x1_fifty_seats():
    run(x1_fifty)


def test_x1_one_seat():
    run(x1_one)


def test_x1_two_clients_one_seat():
    run(x1_two_clients)


def test_x1_without_a_waiting_list():
    run(x1_no_waiting_list)


def test_x1_with_cancels_and_capacity_edits():
    run(x1_mixed)


# ---- X2: the waiting list ----
def promoted(ar, event):
    """(user, place they had) in the order of their messages."""
    rows = ar.stack.sql(f"SELECT payload FROM outbox WHERE key = '{event}' AND type = 'event.waitlist.promoted' ORDER BY pos")
    return [json.loads("|".join(r))["user_id"] for r in rows]


# A place in the list is given, and its message written, under the event's lock: pos tells the order.
JOINED = """
  WITH j AS (SELECT payload::json->>'user_id' AS u, max(pos) AS pos FROM outbox WHERE key = '{0}'
             AND type = 'event.registration.created' AND payload::json->>'state' = 'waitlisted' GROUP BY 1)
"""


def in_order(ar, event):
    """Nobody is promoted twice, or before somebody who stood further ahead."""
    places = [int(r[0]) for r in ar.stack.sql(JOINED.format(event) + f"""
      SELECT j.pos FROM outbox o JOIN j ON j.u = o.payload::json->>'user_id'
      WHERE o.key = '{event}' AND o.type = 'event.waitlist.promoted' ORDER BY o.pos""")]
    must(len(places), len(set(places)), "promoted once each")
    must(places, sorted(places), "promoted in the order of joining")
    first = ar.stack.sql(JOINED.format(event) + f"""
      SELECT coalesce(min(j.pos), 0) FROM j JOIN rsvps r ON r.user_id::text = j.u
      WHERE r.event_id = '{event}' AND r.state = 'waitlisted'""")[0][0]
    if places and first != "0":
        must(places[-1] < int(first), True, "somebody who joined earlier still waits")


def x2_heads(ar):
    event = ar.event(50)
    seated, waiting = ar.crowd[:50], ar.crowd[50:150]
    for a in ar.volley([going(event, who) for who in seated]):
        must(a.status, 201, "seated")
    for who in waiting:
        must(who.post(f"/api/events/{event}/rsvp", {"status": "going"}).data["status"], "waitlisted", "queue")
    requests = [leaving(event, who) for who in seated[:30]] + [edit(event, ar.host, capacity=55)]
    random.Random(1).shuffle(requests)
    answers = ar.volley(requests)
    want = [p.id for p in waiting[:35]]
    must(promoted(ar, event), want, "exactly the heads, first come first served, once")
    must([a.status for a in answers], [200] * 31, "at once")
    told = ar.stack.sql("SELECT user_id FROM notifications WHERE kind = 'waitlist_promoted' "
                        f"AND event_id = '{event}'")
    must(sorted(r[0] for r in told), sorted(want), "one notification each")
    mails = ar.stack.sql(f"SELECT count(*) FROM outbox WHERE type = 'notification.waitlist_promoted' AND payload LIKE '%{event}%'")
    must(mails, [["35"]], "one message each")
    must((ar.states(event)["going"], ar.states(event)["waitlisted"]), (55, 65), "seats")
    queue = [r["user"]["id"] for r in ar.host.get(f"/api/events/{event}/waitlist?limit=100").data]
    must(queue, [p.id for p in waiting[35:]], "those who still wait")
    sound(ar)


def x2_promoted_leave(ar):
    """Heads that leave in the moment of their promotion pass the seat on."""
    event = ar.event(5)
    for who in ar.crowd[:60]:
        must(who.post(f"/api/events/{event}/rsvp", {"status": "going"}).status, 201, "queue")
    answers = ar.volley([leaving(event, who) for who in ar.crowd[:30]])
    must([a.status for a in answers], [200] * 30, "all of them left")
    states = ar.states(event)
    must((states["going"], states["waitlisted"], states["cancelled"]), (5, 25, 30), "states")
    now = {r[0] for r in ar.stack.sql(f"SELECT user_id FROM rsvps WHERE event_id = '{event}' AND state = 'going'")}
    must(now, {p.id for p in ar.crowd[30:35]}, "the next in line sit")
    in_order(ar, event)
    sound(ar)


def test_x2_the_right_heads_once():
    run(x2_heads)


def test_x2_promoted_people_who_leave():
    run(x2_promoted_leave)


# ---- X3: the same again ----
def x3_same_key(ar):
    event, who, key = ar.event(10), ar.crowd[0], unique("k")
    answers = ar.volley([going(event, who, **{"Idempotency-Key": key}) for _ in range(50)])
    stored = {json.dumps(a.data, sort_keys=True) for a in answers if a.status == 201}
    must(sum(a.status == 201 and not a.header("Idempotency-Replayed") for a in answers), 1, "first answers")
    must(all(a.status in (201, 409) for a in answers), True, f"{collections.Counter(a.status for a in answers)}")
    must(len(stored), 1, "identical answers")
    history = ar.stack.sql(f"SELECT count(*) FROM rsvp_history WHERE event_id = '{event}'")
    must(history, [["1"]], "one effect")
    other = call("POST", f"/api/events/{event}/rsvp", {"status": "maybe"}, who.token, {"Idempotency-Key": key}, ar.stack.url)
    must(other.status, 422, "another body")
    sound(ar)


def x3_created_once(ar):
    key, body = unique("k"), {"title": unique("Once "), "start_date": instant()}
    answers = ar.volley([("POST", "/api/events", body, ar.host.token, {"Idempotency-Key": key})] * 50)
    must(sum(a.status == 201 and not a.header("Idempotency-Replayed") for a in answers), 1, "first answers")
    must(all(a.status in (201, 409) for a in answers), True, f"{collections.Counter(a.status for a in answers)}")
    must(len({a.data["id"] for a in answers if a.status == 201}), 1, "one event")
    must(ar.stack.sql(f"SELECT count(*) FROM events WHERE title = '{body['title']}'"), [["1"]], "one row")
    sound(ar)


def x3_without_key(ar):
    event, who = ar.event(10), ar.crowd[1]
    answers = ar.volley([going(event, who) for _ in range(50)])
    must(collections.Counter(a.status for a in answers), collections.Counter({200: 49, 201: 1}), "answers")
    must(len({a.data["registration_id"] for a in answers}), 1, "one registration")
    must(ar.states(event), collections.Counter(going=1), "states")
    flips = [going(event, who) if n % 2 else leaving(event, who) for n in range(50)]
    must({a.status for a in ar.volley(flips)}, {200}, "to and fro")
    sound(ar)


# One answer per key is what the INSERT … keep enforces: without its primary key there are many.
WITHOUT_KEYS = "ALTER TABLE idempotency_keys DROP CONSTRAINT idempotency_keys_pkey"
WITH_KEYS = "ALTER TABLE idempotency_keys ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (actor, key)"


def test_x3_fifty_times_the_same_key():
    run(x3_same_key, NAIVE + ";" + WITHOUT_KEYS, WITH_KEYS)


def test_x3_an_event_made_fifty_times():
    run(x3_created_once, WITHOUT_KEYS, WITH_KEYS)


def test_x3_without_a_key():
    run(x3_without_key)


def test_zz_stack_goes_down_clean():
    if "stack" in _shared:
        _shared["stack"].dev("marquee", "invariants")  # ends badly when something is broken
        _shared.pop("stack").__exit__()


if __name__ == "__main__":
    try:
        main(globals())
    finally:
        if "stack" in _shared:
            _shared["stack"].__exit__()
