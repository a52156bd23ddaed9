"""tests/e2e/test_lists.py - lists of events: filters alone and together, orders, pages, cursors, counts."""
import datetime
import itertools
import random

from api import anonymous, event, expect, expect_status, instant, main, person, rsvp, sql, unique

ORDERS = ("start_date", "-start_date", "created_at", "-created_at", "popularity")


def titles(answer):
    return [e["title"] for e in answer.data]


def listed(who, query):
    a = who.get(f"/api/events?{query}")
    expect_status(a, 200, query)
    return titles(a)


def walk_pages(who, query, limit):
    found, page = [], 1
    while True:
        a = who.get(f"/api/events?{query}&limit={limit}&page={page}")
        expect((a.page["page"], a.page["limit"]), (page, limit))
        expect(len(a.data) <= limit, True)
        found += [e["id"] for e in a.data]
        if not a.page["has_more"]:
            expect(a.page["next_cursor"], None)
            return found
        page += 1


def walk_cursors(who, query, limit, path="/api/events"):
    found, cursor = [], None
    while True:
        a = who.get(f"{path}?{query}&limit={limit}" + (f"&cursor={cursor}" if cursor else ""))
        expect_status(a, 200, query)
        if cursor:
            expect(a.page["page"], None, "no page with a cursor")
        found += [e["id"] for e in a.data]
        cursor = a.page["next_cursor"]
        expect(bool(cursor), a.page["has_more"])
        if not cursor:
            return found


# One host's events, told apart by their titles; every filter below also names the host.
GIVEN = {
    "paris": {"location": "Théâtre du Châtelet, Paris", "category": "arts", "tags": ["jazz", "night"], "price": 10},
    "gate": {"location": "San Francisco, CA", "category": "tech", "tags": ["c", "jazz"], "price": 99.5, "days": 40},
    "online": {"is_virtual": True, "category": "tech", "tags": ["c"], "price": 0, "days": 50},
    "far": {"location": "Paris, Texas", "price": 10.01, "days": 400},
}


def given(host):
    for title, fields in GIVEN.items():
        fields = dict(fields)
        event(host, title=title, start_date=instant(fields.pop("days", 30)), **fields)


FILTERS = {
    "category=tech": {"gate", "online"}, "category=technology": {"gate", "online"}, "category=Arts": {"paris"},
    "category=sports": set(), "tags=jazz": {"paris", "gate"}, "tags=night,c": {"paris", "gate", "online"},
    "tag=jazz": {"paris", "gate"}, "tags=Jazz": set(), "location=paris": {"paris", "far"},
    "location=theatre": {"paris"}, "location=san-francisco": {"gate"}, "location=San%20Francisco": {"gate"},
    "location=francisco+san": {"gate"}, "location=tex": set(), "price_min=10": {"paris", "gate", "far"},
    "price_max=10": {"paris", "online"}, "price_min=10.01&price_max=50": {"far"}, "is_virtual=true": {"online"},
    "is_virtual=0": {"paris", "gate", "far"}, "from=%2B35d": {"gate", "online", "far"}, "to=%2B35d": {"paris"},
    "from=today&to=%2B45d": {"paris", "gate"}, "from=+6w&to=+60d": {"online"}, "date_from=%2B300d": {"far"},
    "status=cancelled": set(), "status=completed": set(), "status=active": {"paris", "gate", "online", "far"},
    "from=tomorrow": {"paris", "gate", "online", "far"}, "to=now": set(),
}


def test_each_filter_and_every_pair():
    host = person()
    given(host)
    for query, want in FILTERS.items():
        expect(set(listed(anonymous, f"host_id={host.id}&{query}")), want, query)
    for (one, a), (two, b) in itertools.combinations(FILTERS.items(), 2):
        names = [q.split("=")[0] for q in f"{one}&{two}".split("&")]
        names = ["tags" if n == "tag" else "from" if n == "date_from" else n for n in names]
        if len(names) == len(set(names)):
            expect(set(listed(anonymous, f"host_id={host.id}&{one}&{two}")), a & b, f"{one}&{two}")


def test_bad_values_are_refused_by_name():
    for query, name in (("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("page=0", "page"),
                        ("page=-1", "page"), ("sort=random", "sort"), ("count=all", "count"),
                        ("category=gardening", "category"), ("from=someday", "from"), ("price_min=-1", "price_min"),
                        ("price_max=x", "price_max"), ("is_virtual=maybe", "is_virtual"), ("status=gone", "status"),
                        ("host_id=5", "host_id"), ("cursor=abc", "cursor"), ("cursor=%00", "cursor"),
                        ("location=" + "x" * 201, "location"), ("tags=" + ",".join("abcdefghijk"), "tags"),
                        ("page_size=101", "page_size"), ("per_page=0", "per_page")):
        a = anonymous.get(f"/api/events?{query}")
        if a.status == 400 and "%00" in query:
            continue  # the web server refuses it
        expect_status(a, 422, query, "VALIDATION_ERROR")
        expect([f.split("[")[0] for f in a.details][:1], [name], query)
    a = anonymous.get("/api/events?limit=0&page=0&sort=x&status=y&colour=z")
    expect(sorted(a.details), ["colour", "limit", "page", "sort", "status"], "all at once")
    for query in ("page=1000000000", "page=99999999999999999999", "limit=100&page=1000000"):
        expect(anonymous.get(f"/api/events?{query}").status in (200, 422), True, query)


def test_synonyms_of_limit():
    for name in ("limit", "page_size", "per_page"):
        a = anonymous.get(f"/api/events?{name}=1")
        expect((a.status, a.page["limit"]), (200, 1), name)
    expect_status(anonymous.get("/api/events?limit=1&per_page=1"), 200)
    expect_status(anonymous.get("/api/events?limit=1&per_page=2"), 422)
    expect(anonymous.get("/api/events").page["limit"], 20, "default")


def test_default_list_holds_what_is_to_come():
    host = person()
    ids = {t: event(host, title=t)["id"] for t in ("draft-to-be", "coming", "running", "over", "called off")}
    sql(f"UPDATE events SET status = 'draft' WHERE id = '{ids['draft-to-be']}'")
    sql(f"UPDATE event_seats SET open = false WHERE event_id = '{ids['draft-to-be']}'")
    for title, hours in (("running", 1), ("over", 30)):
        sql(f"UPDATE events SET start_date = now() - interval '{hours} hours', ends_at = now() - "
            f"interval '{hours} hours' + interval '24 hours' WHERE id = '{ids[title]}'")
    host.post(f"/api/events/{ids['called off']}/cancel")
    mine = f"host_id={host.id}"
    expect(listed(anonymous, mine), ["running", "coming"], "by date")
    expect(set(listed(anonymous, mine + "&from=yesterday&to=tomorrow")) <= {"running", "over"}, True)
    expect("over" in listed(anonymous, mine + "&from=-7d&to=now"), True, "the past when asked for")
    expect(listed(anonymous, mine + "&status=cancelled"), ["called off"])
    for who, want in ((anonymous, []), (person(), []), (host, ["draft-to-be"]),
                      (person(role="admin"), ["draft-to-be"])):
        expect(listed(who, mine + "&status=draft"), want, "drafts")


def many(host, n=23):
    """Some share their start: ties must be broken. The job that counts scores must not set ours back."""
    sql("UPDATE jobs SET run_at = now() + interval '1 hour' WHERE name = 'scores'")
    rng = random.Random(n)
    evs = [event(host, title=f"Many {i}", start_date=instant(days=30 + rng.randrange(5))) for i in range(n)]
    for ev in evs[:9]:
        sql(f"INSERT INTO event_scores VALUES ('{ev['id']}', {rng.randrange(4)}) "
            "ON CONFLICT (event_id) DO UPDATE SET score = excluded.score")
    scores = {r[0]: float(r[1]) for r in sql("SELECT event_id, score FROM event_scores")}
    return evs, scores


def test_pages_and_cursors_walk_the_same_set():
    host = person()
    evs, scores = many(host)
    keys = {"start_date": lambda e: (e["start_date"], e["id"]), "created_at": lambda e: (e["created_at"], e["id"]),
            "popularity": lambda e: (scores.get(e["id"], 0.0), e["id"])}
    for order in ORDERS:
        down = order.startswith("-") or order == "popularity"
        want = [e["id"] for e in sorted(evs, key=keys[order.lstrip("-")], reverse=down)]
        query = f"host_id={host.id}&sort={order}"
        for limit in (1, 7, 23, 100):
            expect(walk_cursors(anonymous, query, limit), want, f"cursor {order} {limit}")
            expect(walk_pages(anonymous, query, limit), want, f"pages {order} {limit}")


def test_cursor_survives_changes_and_is_bound_to_its_list():
    host = person()
    evs, _ = many(host, 6)
    query = f"host_id={host.id}&limit=2"
    first = anonymous.get(f"/api/events?{query}")
    cursor = first.page["next_cursor"]
    seen = [e["id"] for e in first.data]
    event(host, title="Earlier than all", start_date=instant(days=1))
    host.delete(f"/api/events/{seen[0]}")
    rest = anonymous.get(f"/api/events?host_id={host.id}&limit=100&cursor={cursor}")
    expect(sorted(seen + [e["id"] for e in rest.data]), sorted(e["id"] for e in evs), "no gap, no repeat")
    for bad in (f"host_id={host.id}&sort=-start_date", f"host_id={evs[0]['id']}", "", f"host_id={host.id}&tags=x"):
        a = anonymous.get(f"/api/events?{bad}&cursor={cursor}")
        expect_status(a, 422, bad)
        expect("cursor" in a.details, True, bad)
    expect_status(anonymous.get(f"/api/events?{query}&page=2&cursor={cursor}"), 422, "page and cursor")
    for i in range(0, len(cursor), 5):
        broken = cursor[:i] + ("A" if cursor[i] != "A" else "B") + cursor[i + 1:]
        expect(anonymous.get(f"/api/events?{query}&cursor={broken}").status in (200, 422), True, broken)


def test_count_exact():
    host = person()
    for _ in range(3):
        event(host)
    query = f"/api/events?host_id={host.id}&limit=2"
    expect("total" in anonymous.get(query).page, False, "only when asked for")
    a = anonymous.get(query + "&count=exact")
    expect((a.page["total"], a.page["has_more"], "total_is_minimum" in a.page), (3, True, False))
    a = anonymous.get(f"/api/events?host_id={host.id}&limit=2&count=exact&page=2")
    expect((a.page["total"], len(a.data)), (3, 1))
    event(host, privacy="private")
    expect(anonymous.get(query + "&count=exact").page["total"], 3, "what is hidden is not counted")
    expect(host.get(query + "&count=exact").page["total"], 4)


def test_relative_dates():
    host = person()
    now = datetime.datetime.now(datetime.timezone.utc)
    to_midnight = 24 - now.hour
    event(host, title="today or so", start_date=instant(0, 0.3))
    event(host, title="next week", start_date=instant(days=7, hours=1))
    event(host, title="tomorrow", start_date=instant(0, to_midnight + 2))
    mine = f"host_id={host.id}"
    expect("today or so" in listed(anonymous, mine + "&from=today&to=%2B6d"), True)
    expect(listed(anonymous, mine + "&from=%2B7d"), ["next week"])
    expect(listed(anonymous, mine + "&from=+1w"), ["next week"], "+ as people type it")
    expect("today or so" in listed(anonymous, mine + "&from=-2h&to=%2B1h"), True)
    expect("next week" in listed(anonymous, mine + "&from=today&to=tomorrow"), False)
    day = (now + datetime.timedelta(hours=to_midnight + 2)).strftime("%Y-%m-%d")
    expect("tomorrow" in listed(anonymous, f"{mine}&from={day}&to={day}"), True, "a day is a whole day")


def test_my_events_by_role():
    host, me = person(), person()
    evs = {name: event(host, title=name) for name in ("going", "maybe", "waiting", "cancelled", "invited", "nothing")}
    host.patch(f"/api/events/{evs['waiting']['id']}", {"capacity": 1})
    rsvp(host, evs["waiting"])
    for name, status in (("going", "going"), ("maybe", "maybe"), ("waiting", "going"), ("cancelled", "going"),
                         ("cancelled", "not_going")):
        rsvp(me, evs[name], status)
    sql("INSERT INTO invitations (id, event_id, inviter_id, invitee_id) VALUES (uuid7(), "
        f"'{evs['invited']['id']}', '{host.id}', '{me.id}')")
    own, draft = event(me, title="own"), event(me, title="my draft", status="draft")
    past = event(host, title="past")
    rsvp(me, past)
    sql(f"UPDATE events SET start_date = now() - interval '3 days', ends_at = now() - interval '2 days' "
        f"WHERE id = '{past['id']}'")
    hosted = event(host, title="co-hosted")
    sql(f"INSERT INTO event_hosts (event_id, user_id) VALUES ('{hosted['id']}', '{me.id}')")

    def mine(role):
        a = me.get("/api/events/my" + (f"?role={role}" if role else ""))
        expect_status(a, 200)
        return set(titles(a))
    expect(mine("hosting"), {"own", "my draft", "co-hosted"})
    expect(mine("attending"), {"going", "maybe", "waiting"})
    expect(mine("invited"), {"invited"})
    expect(mine("past"), {"past"})
    expect(mine(""), {"own", "my draft", "co-hosted", "going", "maybe", "waiting"})
    expect_status(me.get("/api/events/my?role=king"), 422)
    expect_status(anonymous.get("/api/events/my"), 401)
    expect(len(walk_cursors(me, "role=hosting", 1, "/api/events/my")), 3)
    expect((own["status"], draft["status"]), ("active", "draft"))


def test_items_are_whole_documents():
    host, guest = person(), person()
    ev = event(host, title=unique("Whole "), max_attendees=3, description="d", tags=["x"])
    rsvp(guest, ev)
    item = anonymous.get(f"/api/events?host_id={host.id}").data[0]
    expect(item, anonymous.get(f"/api/events/{ev['id']}?fresh=1").data)
    expect((item["stats"]["going"], item["current_attendees"]), (1, 1), "counts in lists are exact")


if __name__ == "__main__":
    main(globals())
