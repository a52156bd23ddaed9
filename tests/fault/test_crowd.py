"""tests/fault/test_crowd.py - an event to which very many come: the file of all of them costs the worker no memory

T_CROWD: how many. What a worker takes at most while it sends the file is compared with what it took for the file
of an event of a thousand; the file itself is several times what it may take more, so that it cannot be held.
"""
import csv
import io

from api import call, event, expect, main, person
from harness import FaultStack, long_or

FEW, MANY = 1000, long_or("T_CROWD", 50000)
MORE_KIB = 1000  # by so much the most may differ: ends of blocks, and the kernel counts each processor's by itself

COMING = """
WITH u AS (INSERT INTO users (id, email, name) SELECT uuid7(), gen_random_uuid() || '@example.org', 'Somebody called ' || i
             FROM generate_series(1, {n}) i RETURNING id),
r AS (INSERT INTO rsvps (id, event_id, user_id, state, seeded, registered_at)
        SELECT uuid7(), '{event}', id, 'going', true, now() + row_number() OVER () * interval '1 microsecond' FROM u RETURNING user_id),
h AS (INSERT INTO rsvp_history (event_id, user_id, seq, to_state, seeded) SELECT '{event}', user_id, 1, 'going', true FROM r)
UPDATE seat_counters SET going = going + {n}, remaining = remaining - {n} WHERE pool_id = '{event}' AND slot = 0"""


def crowd(s, host, n):
    ev = event(host)["id"]
    s.sql(COMING.format(event=ev, n=n))
    return ev


def file_of(s, host, ev):
    a = call("GET", f"/admin/events/{ev}/attendees.csv", headers={"Cookie": f"marquee={host.token}"}, url=s.url)
    expect(a.status, 200, repr(a)[:200])
    return a.body


def most_kib(pid, work):
    """What that process takes at most while the work is done, and what comes of it."""
    with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as f:
        f.write("5")  # from here on (proc(5))
    done = work()
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM")), done


def test_a_file_of_all_is_never_held():
    with FaultStack("limits.enabled = off", workers=1) as s:
        host = person("Host", s.url)
        small, large = crowd(s, host, FEW), crowd(s, host, MANY)
        pid, = s.worker_pids()
        for ev in (small, large, small):
            file_of(s, host, ev)
        few, _ = most_kib(pid, lambda: file_of(s, host, small))
        many, text = most_kib(pid, lambda: file_of(s, host, large))
        rows = list(csv.DictReader(io.StringIO(text.decode())))
        print(f"  at most {few} KiB for {FEW:,} rows, {many} KiB for {MANY:,}, which are {len(text) // 1024} KiB")
        expect((len(rows), len({r["email"] for r in rows})), (MANY, MANY), "everybody, once")
        expect(many <= few + MORE_KIB, True, f"{many - few} KiB more")
        expect(len(text) > 4 * MORE_KIB * 1024, True, "too much to be held within that")
        expect(s.worker_pids(), [pid], "one worker sent it all")
        s.expect_sound()


if __name__ == "__main__":
    main(globals())
