"""tests/fault/load.py - a crowd that answers events and looks at them, and logs all of it for history.py"""
import collections
import contextlib
import json
import random
import threading
import time

import history
from api import people as registered
from api import call, event, expect, person, unique, wait_for

RETRY_S = 0.1


class Crowd:
    """Threads of clients. With retry an answer that did not come or was a 5xx is asked for again under the
    same Idempotency-Key until there is one, and counts as one request. capacity concerns one event of
    its own, with a waiting list. fresh is the share of reads that ask for exact counts; with 0 none does,
    and all are taken as if they had. Used as a block it works until the block ends; or run(n) does n requests."""

    def __init__(self, stack, people=16, events=4, capacity=None, retry=False, fresh=0.5):
        self.stack, self.retry, self.fresh = stack, retry, fresh
        self.log, self.statuses, self.wrong = history.History(), collections.Counter(), []
        self.host = person("Host", stack.url)
        self.people = registered(people, stack.url)
        self.events = [event(self.host)["id"] for _ in range(events)]
        self.limited = event(self.host, max_attendees=capacity)["id"] if capacity else None
        self.todo, self.lock, self.threads, self.replayed = 0, threading.Lock(), [], 0
        self.door, self.asking = threading.Lock(), 0

    def run(self, n, threads=8):
        self.todo = n
        self.start(threads)
        self.join()

    def __enter__(self):
        self.todo = 10**9
        self.start(8)
        return self

    def __exit__(self, broken, *_):
        self.todo = 0
        if broken:
            self.retry = False  # nobody waits for answers that may never come
        self.join()

    @contextlib.contextmanager
    def calm(self):
        """Nothing is asked and nothing under way while the block lasts."""
        with self.door:
            wait_for("the last answers", lambda: self.asking == 0)
            yield

    def start(self, threads):
        self.threads = [Client(self, self.people[i::threads]) for i in range(threads)]
        for t in self.threads:
            t.start()

    def join(self):
        for t in self.threads:
            t.join()
        self.todo = 0

    def more(self):
        with self.lock:
            self.todo -= 1
            return self.todo >= 0

    def count(self, answer):
        with self.lock:
            self.statuses[answer.status] += 1

    # ---- what comes of it ----
    def rows(self):
        return {(e, u): s for e, u, s in self.stack.sql("SELECT event_id, user_id, rsvp_status(state) FROM rsvps")}

    def problems(self):
        """Of the histories and of the database."""
        moves = self.stack.sql("SELECT event_id::text || user_id, seq, from_state, to_state FROM rsvp_history")
        line = self.stack.sql("SELECT h.user_id, h.to_state FROM outbox o JOIN rsvps r ON r.id = o.aggregate_id "
                              "JOIN rsvp_history h ON h.event_id = r.event_id AND h.user_id = r.user_id AND h.seq = o.seq "
                              f"WHERE r.event_id = '{self.limited}' ORDER BY o.pos") if self.limited else []
        return (self.wrong + self.log.problems() + history.kept(self.log, self.rows()) +
                history.chains([(w, int(seq), old or None, new) for w, seq, old, new in moves]) + history.queue(line))

    def expect_right(self):
        found = self.problems()
        print(f"  {len(self.log.ops)} requests, answers {dict(self.statuses)}, {self.replayed} replayed, "
              f"{len(found)} problems")
        expect(found[:10], [], f"{len(found)} problems")
        expect(self.stack.sql("SELECT * FROM check_invariants()"), [], "invariants")


class Client(threading.Thread):
    """Asks one thing after the other, for people that no other client speaks for."""

    def __init__(self, crowd, people):
        super().__init__(daemon=True)
        self.crowd, self.people, self.going = crowd, people, {}

    def run(self):
        crowd = self.crowd
        while crowd.more():
            who = random.choice(self.people)
            where = random.choice(crowd.events + ([crowd.limited] * 2 if crowd.limited else []))
            try:
                if random.random() < 0.6:
                    self.answer(who, where)
                else:
                    self.look(who, where)
            except Exception as e:  # told by expect_right
                crowd.wrong.append(f"client: {e!r}")
                return

    def look(self, who, where):
        fresh = random.random() < self.crowd.fresh
        op = self.crowd.log.begin("read", where)
        a = self.ask(lambda: call("GET", f"/api/events/{where}{'?fresh=1' if fresh else ''}", None, who.token,
                                  url=self.crowd.stack.url))
        if a is None or a.status != 200:
            return op.done(history.UNSURE)
        exact = fresh or self.crowd.fresh == 0
        return op.done(history.OK, fresh=exact and where != self.crowd.limited, going=a.data["stats"]["going"], version=a.data["version"],
                       capacity=a.data["max_attendees"])

    def answer(self, who, where):
        going = self.going.get((who.id, where), False)
        key = unique("key")
        op = self.crowd.log.begin("rsvp", where, who.id, -1 if going else 1, key)
        while True:
            a = self.ask(lambda: who.post(f"/api/events/{where}/rsvp", {"status": "not_going" if going else "going"},
                                          Idempotency_Key=key))
            if a is not None and a.status in (200, 201):
                self.crowd.replayed += a.header("Idempotency-Replayed") == "true"
                self.going[who.id, where] = not going
                return op.done(history.OK, state=a.data["status"], body=json.dumps(a.data, sort_keys=True),
                               going=a.data["stats"]["going"],
                               fresh=where != self.crowd.limited and not a.header("Idempotency-Replayed"))
            if a is not None and a.status < 500 and not (a.status == 409 and self.crowd.retry):
                return op.answered(a)
            if not self.crowd.retry:
                self.going[who.id, where] = not going  # as likely as the other
                return op.done(history.UNSURE)
            time.sleep(RETRY_S)

    def ask(self, send):
        """An answer, or None when the connection broke."""
        with self.crowd.door, self.crowd.lock:
            self.crowd.asking += 1
        try:
            a = send()
        except OSError:
            with self.crowd.lock:
                self.crowd.statuses["none"] += 1
            return None
        finally:
            with self.crowd.lock:
                self.crowd.asking -= 1
        self.crowd.count(a)
        if a.status == 503 and not a.header("Retry-After"):
            self.crowd.wrong.append(f"503 without Retry-After: {a}")
        return a
