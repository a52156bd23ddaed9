"""tests/e2e/test_counts.py - round trips to database and cache, as Server-Timing tells them."""
import time

from api import SERVER, Skip, Stack, anonymous, call, event, expect, expect_status, instant, main, person, rsvp, unique, wait_for


def trips(answer):
    """(sql, cache) of one answer."""
    if SERVER.endswith("-cgi"):
        raise Skip("a CGI program keeps no copies")
    if not answer.trips:
        raise Skip("http.server_timing is off")
    return answer.trips


def at(ev, more=""):
    return f"/api/events/{ev['id']}{more}"


def costs(answer, want, what, status=200):
    expect_status(answer, status, what)
    expect(trips(answer), want, what)


def cheapest(url, ident, token=None, **headers):
    """Of twenty reads: each of a few workers has met the event, and no second has run out."""
    answers = [call("GET", f"/api/events/{ident}", None, token, headers, url) for _ in range(20)]
    return min(answers, key=trips)


def test_cached_read_costs_nothing():
    with Stack(workers=2) as stack:
        host, reader = person(url=stack.url), person(url=stack.url)
        ev = host.post("/api/events", {"title": "Hot", "start_date": instant(),
                                       "virtual_link": "https://meet.example.org/x"}).data["id"]
        a = cheapest(stack.url, ev)
        costs(a, (0, 0), "anonymous: the worker's own copy")
        b = cheapest(stack.url, ev, **{"If-None-Match": a.header("ETag")})
        costs(b, (0, 0), "304", 304)
        costs(cheapest(stack.url, ev, reader.token), (0, 1), "signed in: what the reader is to the event")
        stack.configure("cache.l1_ttl = 0")
        costs(cheapest(stack.url, ev), (0, 1), "no copies: one trip to memcached")
        costs(cheapest(stack.url, ev, reader.token), (0, 1), "one for all parts")


def test_a_cached_page_costs_nothing():
    with Stack(workers=2) as stack:
        host, reader = person(url=stack.url), person(url=stack.url)
        ev = host.post("/api/events", {"title": "Read by all", "start_date": instant()}).data
        page = f"/e/{ev['slug']}"
        a = min((call("GET", page, url=stack.url) for _ in range(20)), key=trips)
        costs(a, (0, 0), "anonymous: the page itself is kept")
        costs(min((call("GET", page, None, None, {"If-None-Match": a.header("ETag")}, stack.url) for _ in range(20)), key=trips),
              (0, 0), "304", 304)
        signed_in = {"Cookie": f"marquee={reader.token}"}
        b = min((call("GET", page, headers=signed_in, url=stack.url) for _ in range(20)), key=trips)
        costs(b, (0, 1), "signed in: what the reader is to the event")
        for _ in range(20):  # whoever answers, and whatever was shown before
            a, b = call("GET", page, url=stack.url), call("GET", page, headers=signed_in, url=stack.url)
            expect((reader.email in a.body.decode(), 'name="key"' in a.body.decode()), (False, False), "a page for everybody")
            expect((reader.email in b.body.decode(), 'name="key"' in b.body.decode()), (True, True), "one's own page")
            german = call("GET", page, headers={"Accept-Language": "de"}, url=stack.url)
            expect((german.header("Content-Language"), 'lang="de"' in german.body.decode()), ("de", True), "in each language its own")
        for n in range(10):
            host.patch(f"/api/events/{ev['id']}", {"title": f"Edited {n}"})
            for _ in range(4):
                expect(f"<h1>Edited {n}</h1>" in call("GET", page, url=stack.url).body.decode(), True, f"the very next page, edit {n}")
        host.patch(f"/api/events/{ev['id']}", {"privacy": "private"})
        for _ in range(4):
            expect_status(call("GET", page, url=stack.url), 404, "made private")


def test_uncached_read_is_one_statement():
    ev, reader = event(person()), person()
    costs(anonymous.get(at(ev, "?fresh=1")), (1, 0), "fresh, anonymous")
    costs(reader.get(at(ev, "?fresh=1")), (1, 0), "fresh, signed in")
    first = anonymous.get(at(event(person())))
    expect(trips(first)[0], 1, "the first read fills the cache with one statement")
    with Stack("cache.servers =") as stack:
        host = person(url=stack.url)
        ev = host.post("/api/events", {"title": "No cache", "start_date": instant()}).data
        for who in (None, host.token):
            a = call("GET", at(ev), None, who, url=stack.url)
            costs(a, (1, 0), "cache switched off")
        costs(call("GET", "/api/categories", url=stack.url), (1, 0), "categories without a cache")
        wait_for("health", lambda: call("GET", "/health", url=stack.url).json["status"] == "ok")
        expect(call("GET", "/health", url=stack.url).json["dependencies"]["cache"], "off", "wanted so")


def test_lists_are_one_statement():
    host, reader = person(), person(role="admin")
    for _ in range(5):
        event(host)
    for who in (anonymous, host, reader):
        for query in ("", "?limit=100", f"?host_id={host.id}&sort=-created_at", "?sort=popularity&tags=x",
                      "?from=today&to=%2B30d", "?category=tech"):
            a = who.get("/api/events" + query)
            expect_status(a, 200, query)
            got = trips(a)
            allowed = 2 if "category" in query and not a.data else 1  # an empty one asks: is there such a category?
            expect((got[0] <= allowed, got[1] <= 1), (True, True), f"{query} {got}")
    costs(host.get("/api/events/my"), (1, 0), "my")
    expect(trips(anonymous.get("/api/events?count=exact"))[0], 2, "counting is the second statement")


def test_answers_are_one_statement():
    host, one, two = person(), person(), person()
    ev = event(host, max_attendees=1)
    expect(trips(rsvp(one, ev))[0], 1, "a seat")
    expect(trips(rsvp(one, ev))[0], 1, "the same again")
    expect(trips(rsvp(two, ev))[0], 2, "joining the waiting list looks again under the lock")
    expect(trips(two.get(at(ev, "/rsvp")))[0], 1)
    a = one.delete(at(ev, "/rsvp"))
    expect((a.status, trips(a)[0] <= 2), (200, True), "leaving with somebody waiting")
    a = two.delete(at(ev, "/rsvp"))
    expect((a.status, trips(a)[0]), (200, 1), "leaving with nobody waiting")
    expect(trips(one.post(at(ev, "/register"), None, Idempotency_Key=unique("k")))[0], 1, "a key costs no trip")
    full = event(host, max_attendees=1, waitlist_enabled=False)
    rsvp(one, full)
    a = rsvp(two, full)
    expect((a.status, trips(a)[0]), (409, 1), "refused by one plain read")


def test_changes_are_one_statement():
    host = person()
    a = host.post("/api/events", {"title": "Counted", "start_date": instant()})
    expect((a.status, trips(a)[0]), (201, 1), "create")
    ev = a.data
    for method, more, body in (("PATCH", "", {"title": "Other"}), ("PATCH", "", {"capacity": 5}),
                               ("PUT", "", {"title": "Third", "start_date": instant()}),
                               ("POST", "/cancel", {}), ("DELETE", "", None)):
        a = host.send(method, at(ev, more), body)
        expect((a.status, trips(a)[0]), (200, 1), f"{method} {more} {body}")


def test_what_needs_nothing_asks_nothing():
    for a in (anonymous.get("/livez"), anonymous.get("/nothing"), anonymous.send("OPTIONS", "/api/events"),
              anonymous.get("/api/events?limit=0"), anonymous.get("/openapi.json"),
              anonymous.post("/api/events", {}), anonymous.get("/api/users/profile", Authorization="Bearer x.y.z")):
        expect(trips(a)[0], 0, repr(a)[:80])
    who = person()
    costs(who.get("/users/profile"), (1, 0), "a token costs no statement")
    wait_for("a worker that has read revocations by itself", lambda: "revoked" not in who.get("/users/profile").header("Server-Timing"))


def test_who_has_to_ask_for_revocations_says_so():
    """By CGI there are no workers that read them; what the last ones knew is old after a second."""
    with Stack() as stack:
        who = person(url=stack.url)
        stack.use("lighttpd-cgi")
        time.sleep(1.5)
        a, b = who.get("/users/profile"), call("GET", "/livez", url=stack.url)
        expect((a.status, a.header("Server-Timing"), a.trips), (200, "sql;desc=2, cache;desc=0, revoked;desc=1", (1, 0)))
        expect((b.status, b.header("Server-Timing"), b.trips), (200, "sql;desc=0, cache;desc=0", (0, 0)))


if __name__ == "__main__":
    main(globals())
