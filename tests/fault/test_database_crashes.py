"""tests/fault/test_database_crashes.py - PostgreSQL crashes (-m immediate) and comes back, under load

What was acknowledged is there; who got no answer asks again under the same key. T_CRASHES: how often.
"""
import os
import signal
import time

import history
from api import call, expect, process, wait_for
from harness import Proxy, long_or, main, shared
from load import Crowd


def ready(s):
    return call("GET", "/readyz", url=s.url).status == 200


def crash(s):
    """Seconds from the server's own word that it is ready to the first request that is served again."""
    pid = s.pid("postgresql")
    os.kill(pid, signal.SIGQUIT)
    wait_for("the workers to notice", lambda: not ready(s))
    wait_for("it to be gone", lambda: process(pid)[1] in ("", "Z"))  # else ./dev up finds it still there
    s.dev("up", "--no-demo", "--quiet", "--no-web")
    up = time.monotonic()
    wait_for("the workers to be back", lambda: ready(s))
    return time.monotonic() - up


def test_what_was_acknowledged_is_there():
    s = shared(workers=4)
    workers, crashes = s.worker_pids(), long_or("T_CRASHES", 2)
    crowd, back = Crowd(s, retry=True, capacity=5), []
    with crowd:
        for _ in range(crashes):
            time.sleep(1)
            back.append(crash(s))
        time.sleep(1)
    print(f"{crashes} crashes, served again after at most {max(back):.2f} s:")
    crowd.expect_right()
    expect(s.worker_pids(), workers, "the same workers go on")
    expect(set(crowd.statuses) - {200, 201, 503}, set(), "statuses")
    expect(crowd.statuses[503] > 0, True, "it was noticed")


def test_control_without_synchronous_commit_it_is_lost():
    """Nothing writes the log of changes for ten seconds, and nobody answers again what the crash has taken."""
    s = shared(workers=4)
    for setting in ("synchronous_commit = off", "wal_writer_delay = '10s'", "wal_writer_flush_after = '1GB'",
                    "bgwriter_lru_maxpages = 0"):
        s.sql_super(f"ALTER SYSTEM SET {setting}")
    s.sql_super("SELECT pg_reload_conf()")
    crowd = Crowd(s)
    crowd.run(200)
    crash(s)
    expect(len(history.kept(crowd.log, crowd.rows())) > 0, True, "lost answers are noticed")
    s.sql_super("ALTER SYSTEM RESET ALL")
    s.sql_super("SELECT pg_reload_conf()")


def test_in_doubt_is_settled_by_the_key():
    """Connections break between the commit and the word of it: the same key brings the stored answer."""
    s = shared(workers=4)
    with Proxy(s.run + "/pg/.s.PGSQL.5432", ".s.PGSQL.5432") as between:
        s.configure(f"db.dsn = host={between.folder} dbname=marquee user=marquee_web")
        crowd = Crowd(s, retry=True, capacity=5)
        with crowd:
            for _ in range(long_or("T_CRASHES", 2) * 5):
                time.sleep(0.2)
                between("latency 60000")
                time.sleep(0.1)
                between("reset")
                between("clear")
        crowd.expect_right()
        expect(set(crowd.statuses) - {200, 201, 503}, set(), "statuses")
        expect(crowd.replayed > 0, True, "something had been done without a word of it")


if __name__ == "__main__":
    main(globals())
