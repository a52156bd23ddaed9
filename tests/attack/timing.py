"""tests/attack/timing.py - does the time of a refused sign-in tell who is known? Here time itself is the
subject, so this runs in ./dev soak alone: T_SAMPLES of each kind (10,000)."""
import math
import os
import random
import statistics
import time

from api import PASSWORD, Stack, call, expect, main, unique

SAMPLES = int(os.environ.get("T_SAMPLES", "10000"))
BOUND = 4.5  # of dudect: beyond it the two differ


def welch(one, two):
    """Welch's t, of all samples and of the faster nine tenths (what is slower is the machine's doing)."""
    def t(x, y):
        spread = statistics.variance(x) / len(x) + statistics.variance(y) / len(y)
        return (statistics.fmean(x) - statistics.fmean(y)) / math.sqrt(spread)
    cut = sorted(one + two)[int(0.9 * len(one + two)) - 1]
    return t(one, two), t([x for x in one if x <= cut], [y for y in two if y <= cut])


def test_time_tells_nothing():
    """Somebody and nobody in random order, each with a wrong password."""
    rng, took = random.Random(1), {True: [], False: []}
    with Stack("limits.enabled = off", workers=2) as stack:
        email = f"{unique('timed')}@example.org"
        call("POST", "/auth/register", {"email": email, "password": PASSWORD, "name": "Timed"}, url=stack.url)
        for _ in range(2 * SAMPLES):
            known = rng.random() < 0.5
            body = {"email": email if known else "x" + email[1:], "password": "not it at all"}
            began = time.perf_counter()
            a = call("POST", "/auth/login", body, url=stack.url)
            took[known].append(time.perf_counter() - began)
            if not expect(a.status, 401):
                return
    found = welch(took[True], took[False])
    print(f"{len(took[True])} known, {len(took[False])} unknown, median {statistics.median(took[True]) * 1000:.1f} ms: "
          f"t = {found[0]:.2f}, of the faster nine tenths {found[1]:.2f}")
    expect(max(map(abs, found)) < BOUND, True, f"{found}")
    later = [x + 0.001 for x in took[False]]
    expect(abs(welch(took[True], later)[1]) > BOUND, True, "control: a millisecond would be seen")


if __name__ == "__main__":
    main(globals())
