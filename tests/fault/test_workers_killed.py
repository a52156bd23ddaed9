"""tests/fault/test_workers_killed.py - workers die by SIGKILL at every point of a request, under load

Clients ask again under the same Idempotency-Key. Nothing may be lost or done twice; a kill may break the one
request that the worker was serving, and no other. T_TRIALS: how often at each point.
"""
import contextlib
import http.client
import json
import random
import time

import history
from api import call, expect, instant, person, unique, wait_for
from harness import Listener, Session, long_or, main, shared
from load import Crowd

TRIALS = long_or("T_TRIALS", 3)
WORKERS = 4


def stack():
    # the test itself holds locks, on a machine that may be slow: nobody is to be refused for waiting
    s = shared(settings="db.lock_timeout = 30s\ndb.statement_timeout = 60s\nhttp.queue_wait = 0", workers=WORKERS)
    if not s.listeners:
        Listener(s, "events")
    return s


def trials(name, trial, n=TRIALS):
    """Under load; each trial kills one worker and says when it had done so."""
    s, crowd = stack(), Crowd(stack(), retry=True, capacity=5)
    back = []
    with crowd:
        for _ in range(n):
            s.wait_workers()
            died = trial(s, crowd)
            s.wait_workers()
            back.append(time.monotonic() - died)
    broken = sum(n for status, n in crowd.statuses.items() if status == "none" or status >= 500)
    print(f"{name}: {n} kills, {broken} requests broken, a new worker after at most {max(back):.2f} s")
    expect(broken <= n, True, f"{broken} requests broken by {n} kills")
    crowd.expect_right()


def killed(s, point, nth=1):
    s.arm(point, "kill", nth)
    s.wait_acted(point)
    return time.monotonic()


def test_before_the_statement():
    trials("before BEGIN", lambda s, _: killed(s, "db.before.RSVP_SET"))


def test_while_the_statement_is_under_way():
    trials("sent", lambda s, _: killed(s, "db.sent.RSVP_SET", random.randint(1, 5)))


def test_after_the_commit_before_caches_are_told():
    trials("committed, not invalidated", lambda s, _: killed(s, "db.done.RSVP_SET"))


def test_before_the_reply():
    trials("before the reply", lambda s, _: killed(s, "http.reply", random.randint(1, 9)))


def test_in_the_middle_of_a_reply():
    trials("between parts of a reply", lambda s, _: killed(s, "http.body", random.randint(1, 9)))


# ---- after the INSERT, before the COMMIT: both are inside of one statement ----
WAITING = "SELECT pid FROM pg_locks WHERE relation = 'marquee.outbox'::regclass AND NOT granted"


@contextlib.contextmanager
def outbox_held(s):
    """No effect can commit meanwhile: all have written their rows and wait to write their message."""
    keeper = Session(s, "postgres")
    keeper.ask("BEGIN; LOCK TABLE marquee.outbox IN SHARE MODE")
    try:
        yield keeper
    finally:
        keeper.ask("COMMIT")
        keeper.close()


def killed_inside(s, crowd, ending="SELECT 1"):
    """Armed before anybody asks: workers that stand there already would never come by. ending is run
    before the outbox is let go."""
    with contextlib.ExitStack() as until:
        with crowd.calm():
            keeper = until.enter_context(outbox_held(s))
            s.arm("db.sent.RSVP_SET")
        s.wait_acted("db.sent.RSVP_SET")
        died = time.monotonic()
        wait_for("the statement to stand before its message", lambda: keeper.ask(WAITING))
        keeper.ask(ending)
    return died


def test_after_the_insert_and_the_server_commits():
    trials("after INSERT, committed by the server", killed_inside)


def test_after_the_insert_and_the_server_rolls_back():
    """All of them at once: other clients' requests break too, as they would in a crash of the server."""
    s, crowd = stack(), Crowd(stack(), retry=True)
    with crowd:
        for _ in range(TRIALS):
            s.wait_workers()
            killed_inside(s, crowd, WAITING.replace("pid", "pg_terminate_backend(pid)", 1))
            s.wait_workers()
    print("after INSERT, rolled back:", end="")
    crowd.expect_right()


# ---- a transaction of several statements ----
def test_around_a_commit():
    """Signing up is one: before the COMMIT nothing is there, after it the account is."""
    s = stack()
    for point, there in (("db.before.COMMIT", False), ("db.done.COMMIT", True)):
        for _ in range(TRIALS):
            who = {"email": f"{unique('c')}@example.org", "password": "correct horse 42", "name": "C"}
            s.arm(point)
            expect(call("POST", "/auth/register", who, url=s.url).status >= 500, True, point)
            s.wait_acted(point)
            s.wait_workers()
            expect(call("POST", "/auth/register", who, url=s.url).status, 409 if there else 201, point)
            del who["name"]
            expect(call("POST", "/auth/login", who, url=s.url).status, 200, point)
    s.expect_sound()


# ---- large answers, caches ----
LARGE = "\N{PERFORMING ARTS}" * 5000  # 20,000 bytes; libfcgi passes on 8,192 at a time


def test_in_the_middle_of_a_large_reply():
    """What arrives is broken and says so; the same key gives the whole stored answer."""
    s = stack()
    host = person("Host", s.url)
    for _ in range(TRIALS):
        body = {"title": unique("Large "), "start_date": instant(), "description": LARGE}
        key = unique("key")
        s.arm("http.body", nth=2)
        try:
            a = host.post("/api/events", body, Idempotency_Key=key)
            expect(a.status >= 500, True, f"a whole answer came from a dead worker: {a}")
        except (http.client.HTTPException, json.JSONDecodeError, OSError):
            pass
        s.wait_acted("http.body")
        s.wait_workers()
        again = host.post("/api/events", body, Idempotency_Key=key)
        expect((again.status, again.header("Idempotency-Replayed")), (201, "true"), repr(again))
        expect(again.data["description"] == LARGE, True)
        expect(s.sql(f"SELECT count(*) FROM events WHERE title = '{body['title']}'"), [["1"]])
    s.expect_sound()


def test_control_without_a_key_it_is_done_twice():
    s = stack()
    host = person("Host", s.url)
    body = {"title": unique("Twice "), "start_date": instant()}
    s.arm("db.done.EVENT_CREATE")
    expect(host.post("/api/events", body).status >= 500, True)
    expect(host.post("/api/events", body).status, 201)
    expect(s.sql(f"SELECT count(*) FROM events WHERE title = '{body['title']}'"), [["2"]])


def test_caches_learn_of_it_from_the_outbox():
    """Nobody tells them when a worker dies between commit and delete, but the notifier."""
    s, longest = stack(), 0
    host = person("Host", s.url)
    for _ in range(TRIALS):
        path = f"/api/events/{host.post('/api/events', {'title': 'Old', 'start_date': instant()}).data['id']}"
        call("GET", path, url=s.url)
        s.arm("db.done.EVENT_UPDATE")
        expect(host.patch(path, {"title": "New"}).status >= 500, True)
        died = time.monotonic()
        wait_for("the new title", lambda: call("GET", path, url=s.url).data["title"] == "New")
        longest = max(longest, time.monotonic() - died)
        s.wait_workers()
    print(f"after a kill between commit and delete the old document was seen for at most {longest:.2f} s")


def test_z_the_broker_has_everything_in_order():
    s = stack()
    wait_for("the outbox to drain", lambda: s.sql("SELECT pending FROM outbox_backlog()") == [["0"]])
    rows = [(i, a, int(q)) for i, a, q in s.sql("SELECT id, aggregate_id, seq FROM outbox WHERE topic = 'events'")]
    delivered = []

    def all_came():
        delivered.extend(s.listeners[0].rows())
        return {r[0] for r in rows} <= {d[0] for d in delivered}
    with contextlib.suppress(AssertionError):  # what is missing is named below
        wait_for("the reader", all_came)
    print(f"{len(rows)} messages, {len(delivered) - len({d[0] for d in delivered})} of them repeated")
    expect(history.stream(rows, delivered)[:10], [], f"{len(rows)} messages")


if __name__ == "__main__":
    main(globals())
