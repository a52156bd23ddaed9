"""tests/attack/timing.py - does the time of a refused sign-in, or of asking for a new password, tell who is known?
Here time itself is the subject, so this runs in ./dev soak alone: T_SAMPLES of each kind (10,000)."""
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


def measure(settings, path, more, status):
    """How long it took of somebody and of nobody, in random order."""
    rng, took = random.Random(1), {True: [], False: []}
    with Stack("limits.enabled = off\n" + settings, workers=2) as stack:
        email = f"{unique('timed')}@example.org"
        call("POST", "/auth/register", {"email": email, "password": PASSWORD, "name": "Timed"}, url=stack.url)
        for _ in range(2 * SAMPLES):
            known = rng.random() < 0.5
            body = {"email": email if known else "x" + email[1:], **more}
            began = time.perf_counter()
            a = call("POST", path, body, url=stack.url)
            took[known].append(time.perf_counter() - began)
            if not expect(a.status, status):
                break
    return took


def test_a_sign_in_tells_nothing():
    judge(measure("", "/auth/login", {"password": "not it at all"}, 401))


def test_asking_for_a_password_tells_nothing():
    """With mail configured, to a server that is away: rows are made."""
    judge(measure("mail.smtp_url = smtp://127.0.0.1:1\nmail.from = a@example.org", "/auth/password/forgot", {}, 202))


def judge(took):
    found = welch(took[True], took[False])
    print(f"{len(took[True])} known, {len(took[False])} unknown, median {statistics.median(took[True]) * 1000:.1f} ms: "
          f"t = {found[0]:.2f}, of the faster nine tenths {found[1]:.2f}")
    expect(max(map(abs, found)) < BOUND, True, f"{found}")
    later = [x + 0.001 for x in took[False]]
    expect(abs(welch(took[True], later)[1]) > BOUND, True, "control: a millisecond would be seen")


if __name__ == "__main__":
    main(globals())
