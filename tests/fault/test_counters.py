"""tests/fault/test_counters.py - counts and versions as clients see them while 8 workers change them

Every exact count must lie between what was acknowledged and what was asked for, and no answer may be older
than an acknowledged edit. T_REQUESTS: how many requests.
"""
import os
import signal
import threading

import history
from api import expect, unique
from harness import long_or, main, shared
from load import Crowd


class Editor(threading.Thread):
    """The host changes one event after the other and logs the versions."""

    def __init__(self, crowd):
        super().__init__(daemon=True)
        self.crowd, self.running = crowd, True

    def run(self):
        while self.running:
            for where in self.crowd.events:
                op = self.crowd.log.begin("edit", where)
                a = self.crowd.host.patch(f"/api/events/{where}", {"title": unique("Title ")})
                op.answered(a, version=a.data and a.data["version"])


def edited(crowd, n):
    editor = Editor(crowd)
    editor.start()
    crowd.run(n)
    editor.running = False
    editor.join()


def test_counts_and_versions():
    crowd = Crowd(shared(workers=8), people=24, capacity=5)
    edited(crowd, long_or("T_REQUESTS", 1500))
    crowd.expect_right()
    expect(set(crowd.statuses) - {200, 201}, set(), "statuses")


def test_control_cached_counts_are_not_exact():
    crowd = Crowd(shared(workers=8), fresh=0)
    crowd.run(600)
    expect(len(history.counters(crowd.log)) > 0, True, "cached counts break the rule for exact ones")


# Edits that leave the cache alone; without the notifier nobody else cleans it.
FORGETFUL = """
ALTER FUNCTION event_update RENAME TO event_update_real;
CREATE FUNCTION event_update(a uuid, b uuid, c boolean, d jsonb, e int[]) RETURNS effect LANGUAGE plpgsql AS $$
DECLARE r effect := event_update_real(a, b, c, d, e);
BEGIN r.keys := NULL; RETURN r; END $$;
"""


def test_control_without_invalidation_answers_are_old():
    s = shared(workers=8)
    crowd = Crowd(s, fresh=0)
    s.sql(FORGETFUL)
    os.kill(s.pid("notifier"), signal.SIGKILL)
    edited(crowd, 600)
    expect(len(history.versions(crowd.log)) > 0, True, "stale answers are noticed")


if __name__ == "__main__":
    main(globals())
