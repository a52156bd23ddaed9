"""tests/bench/report.py - the figures as a table, beside the bars and beside what the seeds promised."""

FIRST = "lighttpd"  # the server whose ratios the others are held against
# name, what is divided by what (paths into the result), the bar
RATIOS = (
    ("get_cached", (FIRST, "get_cached"), (FIRST, "null"), 0.75),
    ("get_304", (FIRST, "get_304"), (FIRST, "null"), 0.80),
    ("get_uncached", (FIRST, "get_uncached"), (FIRST, "null"), 0.38),
    ("list", (FIRST, "list"), (FIRST, "null"), 0.12),
    ("page_event / null_page", (FIRST, "page_event"), (FIRST, "null_page"), 0.35),
    ("page_event_uncached", (FIRST, "page_event_uncached"), (FIRST, "null_page"), 0.15),
    ("rsvp_spread / pgbench", (FIRST, "rsvp_spread"), ("pgbench", "rsvp_spread"), 0.62),
    ("rsvp_hot / rsvp_spread", (FIRST, "rsvp_hot"), (FIRST, "rsvp_spread"), 0.80),
    ("create / rsvp_spread", (FIRST, "create"), (FIRST, "rsvp_spread"), 0.40),
)
# The seeds' own table (M1 laptop, local containers): row, its requests/s, how many times that we have
# to do, its p99 in ms, which must not be reached.
SEEDS = (
    ("create", "create event", 1200, 2, 78),
    ("get_cached", "get event, cached", 15000, 1.5, 5),
    ("get_uncached", "get event, uncached", 2500, 2, 32),
    ("rsvp_spread", "RSVP", 3000, 1.5, 45),
    ("rsvp_hot", "RSVP, one event", 3000, 1.5, 45),
)


def text(result):
    parts = (_rates, _bars, _parity, _seeds, _others, _counts)
    return "\n".join(line for part in parts for line in part(result))


def _word(good):
    return "yes" if good else "NO"


def _median(result, path):
    at = result["servers"].get(path[0], {}) if path[0] != "pgbench" else result["pgbench"]
    return at.get(path[1], {}).get("median")


def _rates(result):
    groups = {**result["servers"], **({"pgbench": result["pgbench"]} if result["pgbench"] else {})}
    for group, rows in groups.items():
        yield f"{group:<22}{'median/s':>10}{'min':>9}{'max':>9}{'p99 ms':>9}{'of null':>9}"
        for name, r in rows.items():
            yield (f"  {name:<20}{r['median']:>10,}{r['min']:>9,}{r['max']:>9,}" +
                   (f"{r['p99_ms']:>9.2f}" if "p99_ms" in r else "") +
                   (f"{r['of_null']:>9.3f}" if "of_null" in r else ""))
        yield ""


def _bars(result):
    rows = []
    for name, over, under, bar in RATIOS:
        a, b = (_median(result, path) for path in (over, under))
        if a and b:
            rows.append(f"  {name:<26}{a / b:>9.3f}{bar:>9.2f}   {_word(a / b >= bar)}")
    if rows:
        yield f"{'ratios under ' + FIRST:<28}{'is':>9}{'bar':>9}   held"
        yield from rows
        yield ""


def _parity(result):
    """Every other server: each ratio to its own bare responder, by that of the first server."""
    first = result["servers"].get(FIRST)
    for server, rows in result["servers"].items():
        if server == FIRST or not first:
            continue
        yield f"{server + ' beside ' + FIRST:<28}{'is':>9}{'bar':>9}   held"
        for name, r in rows.items():
            if name in first and name != "null":
                is_now = r["of_null"] / first[name]["of_null"]
                yield f"  {name:<26}{is_now:>9.3f}{0.9:>9.2f}   {_word(is_now >= 0.9)}"
        yield ""


def _seeds(result):
    rows = result["servers"].get(FIRST, {})
    if not any(name in rows for name, *_ in SEEDS):
        return
    yield f"{'the seeds promised':<22}{'their/s':>9}{'ours':>9}{'times':>7}{'bar':>6}{'p99':>6}{'ours':>7}   beaten"
    for name, words, rate, times, p99 in SEEDS:
        if name in rows:
            r = rows[name]
            is_now = r["median"] / rate
            yield (f"  {words:<20}{rate:>9,}{r['median']:>9,}{is_now:>7.2f}{times:>6}{p99:>6}{r['p99_ms']:>7.1f}   "
                   f"{_word(is_now >= times and r['p99_ms'] < p99)}")
    yield ""


def _others(result):
    drain, memory, growth = result["drain"], result["memory"], result["growth"]
    rows = []
    if drain:
        rows.append(("drain / bare producer", drain["notifier"] / drain["raw"], 0.5, True,
                     f"{drain['notifier']:,}/s of {drain['raw']:,}/s"))
    if memory:
        rows.append(("worker, PSS in MiB", memory["worker_pss_kib"] / 1024, 8, False, f"bare: {memory['null_pss_kib'] / 1024:.1f}"))
    if memory and memory["requests"]:
        rows.append(("bytes per request", memory["slope_bytes"], 1, False, f"over {memory['requests']:,} requests"))
    for name, g in growth.items():
        rows.append((f"growth: {name}", g["times"], g["bar"], False, f"{g['before']:,}/s to {g['after']:,}/s"))
    if rows:
        yield f"{'others':<28}{'is':>9}{'bar':>9}   held"
        for name, is_now, bar, more, words in rows:
            yield f"  {name:<26}{is_now:>9.2f}{bar:>9.2f}   {_word(is_now >= bar if more else is_now <= bar):<5} {words}"
        yield ""


def _counts(result):
    if result["counts"]:
        names = list(next(iter(result["counts"].values())))
        yield f"{'each costs':<22}" + "".join(f"{n:>14}" for n in names)
        for row, counts in result["counts"].items():
            yield f"  {row:<20}" + "".join(f"{'' if counts[n] is None else f'{counts[n]:,}':>14}" for n in names)
        yield ""
