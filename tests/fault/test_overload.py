"""tests/fault/test_overload.py - three times more comes in than the workers can do, from clients that do not wait

The excess is refused with 503 and Retry-After, at once; the rest is served as before; afterwards nobody is
refused. Registrations are made slow by a sleep inside of SQL, so that the workers are the limit and not the
client. T_SECONDS: how long; T_SLEEP_MS.
"""
import collections
import statistics
import threading
import time

from api import call, event, expect, in_threads, people, wait_for
from harness import long_or, main, shared

SECONDS = long_or("T_SECONDS", 4)
WORKERS, SLEEP_S = 8, long_or("T_SLEEP_MS", 200) / 1000
MOST = WORKERS / SLEEP_S  # a second: more the workers cannot serve
SLOW = f"""
ALTER FUNCTION rsvp_set RENAME TO rsvp_set_real;
CREATE FUNCTION rsvp_set(a uuid, b uuid, c uuid, d text, e jsonb, f boolean) RETURNS effect LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_sleep({SLEEP_S}); RETURN rsvp_set_real(a, b, c, d, e, f); END $$;
"""


class Crowd:
    """Everybody answers an event of everybody's own, again and again."""

    def __init__(self, s):
        self.url = s.url
        self.people = people(16, s.url)
        self.event = event(self.people[0])["id"]
        self.lock = threading.Lock()
        self.answers = []  # (sent after so many seconds, status, took, has Retry-After)

    def ask(self, n, began):
        sent = time.monotonic()
        try:
            a = call("POST", f"/api/events/{self.event}/rsvp", {"status": ("going", "maybe")[n // 16 % 2]},
                     self.people[n % 16].token, url=self.url, timeout=30)
            got = (sent - began, a.status, time.monotonic() - sent, bool(a.header("Retry-After")))
        except OSError as e:
            got = (sent - began, type(e).__name__, time.monotonic() - sent, True)
        with self.lock:
            self.answers.append(got)

    def at_rate(self, rate, seconds):
        """An open model: requests are sent when their time has come, whatever became of the others."""
        self.answers, began, threads = [], time.monotonic(), []
        for n in range(int(rate * seconds)):
            time.sleep(max(0, began + n / rate - time.monotonic()))
            threads.append(threading.Thread(target=self.ask, args=(n, began)))
            threads[-1].start()
        for t in threads:
            t.join()
        return self.answers

    def peak(self, seconds):
        """Served per second when 16 ask one after the other; each has answered then."""
        end, done = time.monotonic() + seconds, collections.Counter()

        def loop(i):
            while not done[i] or time.monotonic() < end:
                self.ask(i, 0)
                done[i] += 1
        in_threads(loop, 16, 16)
        return sum(done.values()) / seconds


def summary(name, answers, peak, seconds):
    statuses = collections.Counter(a[1] for a in answers)
    refused = sorted(a[2] * 1000 for a in answers if a[1] == 503 and a[0] > 1)
    p = [refused[int(len(refused) * q)] for q in (0.5, 0.95, 0.99)] if refused else [0, 0, 0]
    print(f"  {name}: {dict(statuses)}; goodput {statuses[200] / seconds / peak:.2f} of the peak of {peak:.0f}/s; refused "
          f"after {p[0]:.0f} ms, p95 {p[1]:.0f}, p99 {p[2]:.0f}; slowest answer {max(a[2] for a in answers) * 1000:.0f} ms")
    return statuses


def typical(answers):
    """How long the one in the middle took of those that were sent after the first second."""
    return statistics.median(a[2] for a in answers if a[0] > 1)


def overloaded(s, wait):
    s.configure(f"http.queue_wait = {wait}")
    crowd = Crowd(s)
    peak = crowd.peak(2)
    answers = crowd.at_rate(3 * MOST, SECONDS)
    return crowd, peak, answers


def test_overload():
    s = shared(workers=WORKERS)
    s.sql(SLOW)
    crowd, peak, answers = overloaded(s, "50ms")
    statuses = summary("three times the peak", answers, peak, SECONDS)
    expect(set(statuses), {200, 503}, "statuses")
    expect([a for a in answers if a[1] == 503 and not a[3]][:3], [], "503 without Retry-After")
    began = time.monotonic()
    wait_for("nobody to be refused when a third comes", lambda: all(a[1] == 200 for a in crowd.at_rate(MOST / 3, 1)), 30)
    print(f"  afterwards nobody was refused from {time.monotonic() - began - 1:.2f} s on")
    s.expect_sound()
    refusing, without = typical(answers), control(s)
    print(f"  typically {refusing * 1000:.0f} ms, without refusals {without * 1000:.0f} ms")
    expect(2 * refusing < without, True, "who comes waits less than without refusals")


def control(s):
    """The same without refusals."""
    with open(s.env["MARQUEE_DEV_CONF"], "w", encoding="utf-8"):
        pass
    crowd, peak, answers = overloaded(s, "0")
    summary("without refusals", answers, peak, SECONDS)
    return typical(answers)


if __name__ == "__main__":
    main(globals())
