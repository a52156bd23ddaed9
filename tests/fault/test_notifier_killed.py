"""tests/fault/test_notifier_killed.py - X8: kill -9 of the notifier at each step of a chunk, under a stream of messages

Two notifiers run; whoever leads is killed, the other takes over, a new one comes. Nothing may be missing, first
occurrences come in the order of their key, repetitions are of what was seen before, with the same bytes, and no
more of them than the chunks that were under way.
"""
import collections
import os
import subprocess
import tempfile
import threading
import time

from api import expect, main, wait_for
from harness import FaultStack, long_or

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
        super().__init__()
        self.s, self.n, self.going = s, 0, True
        self.psql = subprocess.Popen(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", f"host={s.run}/pg dbname=marquee user=marquee_owner"],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self):
        while self.going:
            self.n += 1
            self.psql.stdin.write(PUT.format(n=self.n, keys=KEYS) + ";\nSELECT 'done';\n")
            self.psql.stdin.flush()
            while self.psql.stdout.readline().strip() != "done":
                pass
            time.sleep(KEYS / 1000)

    def stop(self):
        self.going = False
        self.join()
        self.psql.stdin.close()
        expect(self.psql.wait(), 0, "psql")


class Listener:
    """Everything that reaches the topic, from now on: the broker of development forgets the oldest."""

    def __init__(self, s):
        with open(f"{s.run}/app/broker", encoding="ascii") as f:
            broker = f.read().strip()
        self.file = tempfile.NamedTemporaryFile("r")
        with open(self.file.name, "w", encoding="utf-8") as out:
            self.kcat = subprocess.Popen(["kcat", "-b", broker, "-C", "-t", "events", "-o", "beginning", "-u", "-q", "-f", "%h|%s\n"],
                                         stdin=subprocess.DEVNULL, stdout=out)
        self.ids, self.seen = {}, collections.defaultdict(int)
        self.repeated = 0
        self.wrong = []

    def take(self, line):
        headers, body = line.rstrip("\n").split("|", 1)
        h = dict(word.split("=", 1) for word in headers.split(","))
        key, seq = h["aggregate_id"], int(h["seq"])
        if h["id"] in self.ids:
            self.repeated += 1
            if self.ids[h["id"]] != (headers, body):
                self.wrong.append(f"{h['id']} came with other bytes")
        elif seq != self.seen[key] + 1:
            self.wrong.append(f"{key}: {seq} after {self.seen[key]}")
        self.ids.setdefault(h["id"], (headers, body))
        self.seen[key] = max(self.seen[key], seq)

    def read(self):
        """Whole lines that have come since the last call."""
        while True:
            at = self.file.tell()
            line = self.file.readline()
            if not line.endswith("\n"):
                self.file.seek(at)
                return len(self.ids)
            self.take(line)

    def close(self):
        self.kcat.kill()
        self.kcat.wait()
        self.file.close()


def sent(s):
    return int(s.sql("SELECT sum(sent) FROM relay")[0][0])


def leads(s):
    return int(s.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 7001 AND granted")[0][0])


def quiet(s):
    """The stack's own notifier goes; ours are killed."""
    os.kill(s.pid("notifier"), 15)
    wait_for("no leader", lambda: leads(s) == 0, 20)


def kill_leader(s, point, running):
    """The next to come to this point dies; how long until the shards are led and messages go again."""
    s.arm(point)
    died = s.wait_acted(point, 60)
    dead = next(n for n in running if n.pid == died)
    expect(dead.wait(), -9, "it was killed")
    began, before = time.monotonic(), sent(s)
    wait_for("another to take over", lambda: leads(s) == SHARDS and sent(s) > before, 60)
    took = time.monotonic() - began
    running.remove(dead)
    running.append(Notifier(s))
    return took


def test_killed_at_each_step():
    with FaultStack(workers=1) as s:
        quiet(s)
        listener, feeder = Listener(s), Feeder(s)
        running = [Notifier(s), Notifier(s)]
        feeder.start()
        took = []
        for trial in range(TRIALS):
            for point in POINTS:
                took.append(kill_leader(s, point, running))
            listener.read()
        feeder.stop()
        wanted = feeder.n * KEYS
        wait_for("all messages", lambda: listener.read() >= wanted, 120)
        for n in running:
            n.terminate()
            expect(n.wait(), 0, "a notifier that is told to stop")
        listener.read()
        listener.close()
        print(f"{len(took)} kills, {wanted} messages, lost {wanted - len(listener.ids)}, repeated {listener.repeated}, "
              f"longest takeover {max(took):.1f} s")
        expect((len(listener.ids), listener.wrong[:5]), (wanted, []), "each message, in order")
        expect(listener.repeated <= len(took) * BATCH * SHARDS, True, f"{listener.repeated} repetitions")


def test_control_marked_before_acknowledged():
    """The same eyes see the loss when a cursor is moved before the broker has the messages."""
    with FaultStack(workers=1) as s:
        quiet(s)
        s.dev("broker", "down")
        notifier = Notifier(s)
        wait_for("a leader", lambda: leads(s) == SHARDS, 20)
        s.arm("relay.produced")
        s.sql(PUT.format(n=1, keys=KEYS))
        s.wait_acted("relay.produced", 60)
        notifier.wait()
        s.sql("UPDATE relay SET snap = pg_current_snapshot(), next_snap = NULL, last_pos = 0")
        s.dev("broker", "up")
        listener, notifier = Listener(s), Notifier(s)
        s.sql(PUT.format(n=2, keys=KEYS))
        wait_for("what came later", lambda: listener.read() >= KEYS, 60)
        notifier.terminate()
        notifier.wait()
        listener.close()
        expect(len(listener.wrong), KEYS, "each key misses one")


if __name__ == "__main__":
    main(globals())
