"""tests/bench/bench.py - ./dev bench: everything in turn, several times over, and what came of it.

Repetition 1 of every row, then repetition 2 of every row …: what disturbs the machine hits all of them.
"""
import argparse
import json
import os
import statistics
import sys

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

import report  # noqa: E402 (the path has to be set first)
from rows import DRAIN_ROWS, PGBENCH_ROWS, SERVER_ROWS  # noqa: E402
from stage import Stage, say  # noqa: E402

QUICK = {"events": 40000, "users": 5000, "registrations": 50000, "people": 40000}
FULL = {"events": 100000, "users": 50000, "registrations": 1000000, "people": 100000}
EXTRA = ("memory", "growth", "counts")


def arguments():
    p = argparse.ArgumentParser(prog="./dev bench", description="How fast it is, beside what is possible here.")
    p.add_argument("--quick", action="store_true", help="lighttpd alone, less data, in under four minutes")
    p.add_argument("--json", action="store_true", help="print JSON instead of the table")
    p.add_argument("--only", metavar="NAME,…", help=f"some rows: {', '.join(names())}")
    p.add_argument("--reps", type=int, default=5, metavar="N", help="repetitions (5)")
    p.add_argument("--seconds", type=int, metavar="N", help="of each repetition (5; quick: 2)")
    p.add_argument("--workers", type=int, default=8, metavar="N", help="of each pool (8)")
    a = p.parse_args()
    a.only = a.only.split(",") if a.only else names()
    unknown = [n for n in a.only if n not in names()]
    if unknown:
        p.error(f"no row {unknown[0]}; there are: {', '.join(names())}")
    a.seconds = a.seconds or (2 if a.quick else 5)
    return a


def names():
    return [*SERVER_ROWS, *(f"pgbench_{n}" for n in PGBENCH_ROWS), "drain", *EXTRA]


def plan(a, stage):
    """(group, name, how to run it), in the order of one repetition."""
    for server, url in stage.servers().items():
        for name, run in SERVER_ROWS.items():
            if name in a.only or name == "null":
                yield server, name, lambda run=run, url=url: run(stage, url)
    for name, run in PGBENCH_ROWS.items():
        if f"pgbench_{name}" in a.only:
            yield "pgbench", name, lambda run=run: run(stage)
    if "drain" in a.only:
        for name, run in DRAIN_ROWS.items():
            yield "drain", name, lambda run=run: run(stage)


def measure(a, stage):
    """{group: {name: [Row, …]}}"""
    seen = {}
    for rep in range(1, a.reps + 1):
        for group, name, run in plan(a, stage):
            row = run()
            seen.setdefault(group, {}).setdefault(name, []).append(row)
            p99 = f", p99 {row.p99_ms:.1f} ms" if row.p99_ms else ""
            say(f"{rep}/{a.reps} {group} {name}: {row.rate:,.0f}/s{p99}")
    return seen


def sums(rows):
    rates = [r.rate for r in rows]
    out = {"median": round(statistics.median(rates)), "min": round(min(rates)), "max": round(max(rates))}
    if rows[0].p99_ms is not None:
        out["p99_ms"] = round(statistics.median(r.p99_ms for r in rows), 2)
    return out


def main():
    a = arguments()
    sizes = QUICK if a.quick else FULL
    with Stage(workers=a.workers, **sizes) as stage:
        stage.seconds = a.seconds
        seen = measure(a, stage)
    result = {"servers": {}, "pgbench": {}, "drain": {}, "memory": {}, "growth": {}, "counts": {}}
    for group, rows in seen.items():
        table = {name: sums(r) for name, r in rows.items()}
        if group in ("pgbench", "drain"):
            result[group] = table
            continue
        for row in table.values():
            row["of_null"] = round(row["median"] / table["null"]["median"], 3)
        result["servers"][group] = table
    if "notifier" in result["drain"]:
        result["drain"] = {name: row["median"] for name, row in result["drain"].items()}
    print(json.dumps(result) if a.json else report.text(result))


if __name__ == "__main__":
    main()
