"""tests/e2e/test_health.py - every state that /health can print is provoked, seen to come, and seen to go.

That memcached, the broker or PostgreSQL dies altogether is in test_outages.py, that there shall be no cache in
test_counts.py, a replica that follows in tests/fault/test_machines.py.
"""
import os
import signal
import subprocess

from api import PG, Stack, call, expect, main, wait_for

UP = {"database": "up", "cache": "up", "kafka": "up", "notifier": "up", "outbox": "up", "mail": "off"}
SILENT = {"notifier": ("down", "no heartbeat for 10 seconds"), "kafka": ("unknown", "the notifier has not reported"),
          "outbox": ("unknown", "the notifier has not reported")}
PARKED = {"outbox": ("alarm", "messages are parked: marquee outbox list")}
UNPLACED = {"outbox": ("alarm", "no partition for the day: marquee job run partitions")}
LONG = {"outbox": ("alarm", "a transaction has been open for over ten minutes")}
MESSAGE = {"id": "gen_random_uuid()", "xid": "pg_current_xact_id()", "aggregate_type": "'test'",
           "aggregate_id": "gen_random_uuid()", "seq": "1", "key": "'k'", "shard": "0", "topic": "'events'",
           "type": "'event.test'", "payload": "'{}'"}


def becomes(s, verdict, failed=None, **states):
    """Until /health says exactly this: of these parts the state and the reason, of all others that they are up."""
    failed = failed or {}
    want = dict(UP, **states, **{part: state for part, (state, _) in failed.items()})

    def ready():
        a = call("GET", "/health", url=s.url)
        return a if (a.json["status"], a.json["dependencies"]) == (verdict, want) else None
    a = wait_for(f"/health to say {verdict} {want}", ready)
    expect(a.status, 200, "it serves")
    expect({part: check.get("error") for part, check in a.json["checks"].items() if check["status"] != "ok"},
           {part: error for part, (_, error) in failed.items()}, "what it says of them")


def put(s, table, **more):
    row = dict(MESSAGE, **more)
    s.sql(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(row.values())})")


def alarms(s):
    """What the outbox has to say, told by the notifier."""
    put(s, "outbox_parked", pos="1", created_at="now()", reason="'refused'")
    becomes(s, "degraded", PARKED)
    s.sql("DELETE FROM outbox_parked")
    becomes(s, "ok")
    put(s, "outbox", created_at="now() - interval '2 days'")
    becomes(s, "degraded", UNPLACED)
    s.sql("DELETE FROM outbox_default")
    becomes(s, "ok")


def long_transaction(s):
    """Its age is reported; ten minutes are not waited for but written into a report of a notifier that is stopped."""
    def age():
        return int(s.sql("SELECT state->>'oldest_transaction_seconds' FROM heartbeats WHERE name = 'notifier'")[0][0])
    with subprocess.Popen([PG + "psql", "-XqAt", "-h", s.run + "/pg", "-U", "marquee_owner", "-d", "marquee"], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as holder:
        print("BEGIN; SELECT pg_current_xact_id();", file=holder.stdin, flush=True)  # open until it has been seen
        wait_for("the age of a transaction", lambda: age() >= 2)
    wait_for("no transaction", lambda: age() < 2)
    os.kill(s.pid("notifier"), signal.SIGSTOP)
    try:
        for seconds, verdict, failed in ((600, "ok", None), (601, "degraded", LONG), (600, "ok", None)):
            s.sql("UPDATE heartbeats SET at = clock_timestamp(), state = state ||"
                  f" '{{\"oldest_transaction_seconds\": {seconds}}}' WHERE name = 'notifier'")
            becomes(s, verdict, failed)
        becomes(s, "degraded", SILENT)
    finally:
        os.kill(s.pid("notifier"), signal.SIGCONT)
    becomes(s, "ok")


def memcached(path):
    return subprocess.Popen(["memcached", "-s", path, "-a", "0666", "-u", "root"], stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def one_of_two_caches(s):
    second = f"{s.folder}/second.sock"
    s.reconfigure(f"cache.servers = {s.run}/app/memcached.sock {second}")
    becomes(s, "degraded", {"cache": ("partly", "memcached does not answer")})
    server = memcached(second)
    try:
        becomes(s, "ok")
    finally:
        server.kill()
        server.wait()
    becomes(s, "degraded", {"cache": ("partly", "memcached does not answer")})


def not_a_replica(s):
    for dsn, state in (("host=/nowhere", "down"), (f"host={s.run}/pg dbname=marquee user=marquee_web", "behind")):
        s.reconfigure(f"db.read_dsn = {dsn}")
        becomes(s, "degraded", {"replica": (state, "lists come from the primary")})


def test_every_state_comes_and_goes():
    with Stack(workers=1) as s:
        becomes(s, "ok")
        alarms(s)
        long_transaction(s)
        one_of_two_caches(s)
        not_a_replica(s)
        s.reconfigure("kafka.brokers =")
        becomes(s, "ok", kafka="off")
        s.reconfigure("")
        becomes(s, "ok")


if __name__ == "__main__":
    main(globals())
