"""tests/fault/test_notifier_killed.py - X8: kill -9 of the notifier at each step of a chunk, under a stream of messages

Two notifiers run; whoever leads is killed, the other takes over, a new one comes. Nothing may be missing, first
occurrences come in the order of their key, repetitions are of what was seen before, with the same bytes, and no
more of them than the chunks that were under way.
"""
import collections
import os
import subprocess
import threading
import time

from api import expect, main, wait_for
from harness import FaultStack, Listener, Session, long_or

TRIALS = long_or("T_TRIALS", 5)
BATCH, SHARDS, KEYS = 200, 4, 40
# produced and not acknowledged; acknowledged and not marked; marked and perhaps not committed
POINTS = ("relay.produced", "relay.acked", "db.sent.RELAY_ADVANCE")
# One message of each key, in one transaction.
PUT = """SELECT outbox_put('events', 'test.made', 'event', k, {n}, k, '{{"n":{n}}}') FROM generate_series(1, {keys}) i,
LATERAL (SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid) t(k)"""


class Notifier(subprocess.Popen):
    def __init__(self, s):
        env = dict(os.environ, MARQUEE_CONFIG=f"{s.state}/marquee.conf", MARQUEE_TEST_FAULTS=s.points,
                   MARQUEE_DB_DSN=f"host={s.run}/pg dbname=marquee user=marquee_notifier")
        super().__init__([os.environ["MARQUEE_DEV_BUILD"] + "/inst/sbin/marquee-notifier", "--set", "notifier.socket=",
                          "--set", f"notifier.batch={BATCH}"], env=env, stdin=subprocess.DEVNULL)


class Feeder(threading.Thread):
    """About a thousand messages a second, until it is told to stop."""

    def __init__(self, s):
        super().__init__(daemon=True)
        self.session, self.n, self.going = Session(s), 0, True

    def run(self):
        while self.going:
            self.n += 1
            self.session.ask(PUT.format(n=self.n, keys=KEYS))
            time.sleep(KEYS / 1000)

    def stop(self):
        self.going = False
        self.join()
        self.session.close()


class Stream(Listener):
    """What reaches the topic, and what is wrong about it."""

    def __init__(self, s):
        super().__init__(s, "events")
        self.ids, self.seen = {}, collections.defaultdict(int)
        self.repeated = 0
        self.wrong = []

    def take(self, ident, key, seq, text):
        if ident in self.ids:
            self.repeated += 1
            if self.ids[ident] != hash(text):
                self.wrong.append(f"{ident} came with other bytes")
        elif seq != self.seen[key] + 1:
            self.wrong.append(f"{key}: {seq} after {self.seen[key]}")
        self.ids.setdefault(ident, hash(text))
        self.seen[key] = max(self.seen[key], seq)

    def read(self):
        """How many different messages have come so far."""
        for row in self.rows():
            self.take(*row)
        return len(self.ids)


class Eyes(Session):
    """What the database tells of the relay."""

    def sent(self):
        return int(self.ask("SELECT sum(sent) FROM relay")[0][0])

    def leaders(self):
        """The connection that leads each shard."""
        return [pid for pid, in self.ask("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = 7001 AND granted")]


def quiet(s, eyes):
    """The stack's own notifier goes; ours are killed."""
    os.kill(s.pid("notifier"), 15)
    wait_for("no leader", lambda: eyes.leaders() == [])


def led_anew(eyes, before):
    """Each shard, and one of those who led before is gone (two may have shared the shards)."""
    now = eyes.leaders()
    return len(now) == SHARDS and not set(before) <= set(now)


def kill_leader(s, eyes, point, running):
    """The next to come to this point dies; how long until the shards are led by another and messages go again."""
    wait_for("a leader", lambda: len(eyes.leaders()) == SHARDS)
    leaders = eyes.leaders()
    s.arm(point)
    died = s.wait_acted(point)
    dead = next(n for n in running if n.pid == died)
    expect(dead.wait(), -9, "it was killed")
    began = time.monotonic()
    wait_for("another to take over", lambda: led_anew(eyes, leaders))
    before = eyes.sent()
    wait_for("messages to go again", lambda: eyes.sent() > before)
    took = time.monotonic() - began
    running.remove(dead)
    running.append(Notifier(s))
    return took


def test_killed_at_each_step():
    with FaultStack(workers=1) as s:
        eyes = Eyes(s)
        quiet(s, eyes)
        stream, feeder = Stream(s), Feeder(s)
        running = [Notifier(s), Notifier(s)]
        feeder.start()
        took = []
        for trial in range(TRIALS):
            for point in POINTS:
                took.append(kill_leader(s, eyes, point, running))
            stream.read()
            if trial % 25 == 24:
                print(f"  {len(took)} kills, {len(stream.ids)} messages read, {len(stream.wrong)} wrong")
        feeder.stop()
        wanted = feeder.n * KEYS
        wait_for("all messages", lambda: stream.read() >= wanted)
        for n in running:
            n.terminate()
            expect(n.wait(), 0, "a notifier that is told to stop")
        stream.read()
        eyes.close()
        print(f"{len(took)} kills, {wanted} messages, lost {wanted - len(stream.ids)}, repeated {stream.repeated}, "
              f"longest takeover {max(took):.1f} s")
        expect((len(stream.ids), stream.wrong[:5]), (wanted, []), "each message, in order")
        expect(stream.repeated <= len(took) * BATCH * SHARDS, True, f"{stream.repeated} repetitions")


def test_control_marked_before_acknowledged():
    """The same eyes see the loss when a cursor is moved before the broker has the messages."""
    with FaultStack(workers=1) as s:
        eyes = Eyes(s)
        quiet(s, eyes)
        s.dev("broker", "down")
        notifier = Notifier(s)
        wait_for("a leader", lambda: len(eyes.leaders()) == SHARDS)
        s.arm("relay.produced")
        eyes.ask(PUT.format(n=1, keys=KEYS))
        s.wait_acted("relay.produced")
        notifier.wait()
        eyes.ask("UPDATE relay SET snap = pg_current_snapshot(), next_snap = NULL, last_pos = 0")
        s.dev("broker", "up")
        stream, notifier = Stream(s), Notifier(s)
        eyes.ask(PUT.format(n=2, keys=KEYS))
        wait_for("what came later", lambda: stream.read() >= KEYS)
        notifier.terminate()
        notifier.wait()
        expect(len(stream.wrong), KEYS, "each key misses one")


if __name__ == "__main__":
    main(globals())
