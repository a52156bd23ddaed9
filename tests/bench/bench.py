"""tests/bench/bench.py - ./dev bench: everything in turn, several times over, and what came of it.

Repetition 1 of every row, then repetition 2 of every row …: what disturbs the machine hits all of them.
"""
import argparse
import json
import os
import statistics
import sys

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

import counts  # noqa: E402 (the path has to be set first)
import machine  # noqa: E402
import growth  # noqa: E402
import report  # noqa: E402
from growth import Growth  # noqa: E402
from rows import DRAIN_ROWS, PGBENCH_ROWS, SERVER_ROWS  # noqa: E402
from stage import Stage, say  # noqa: E402

QUICK = {"events": 40000, "users": 5000, "registrations": 50000, "people": 40000}
FULL = {"events": 100000, "users": 50000, "registrations": 1000000, "people": 100000}
ENOUGH = 1000000  # requests, to tell a leak from noise
SERVERS = ("lighttpd", "nginx", "apache")
LONG = ("growth",)  # not in the quick run
EXTRA = ("memory", "growth", "counts")


def arguments():
    p = argparse.ArgumentParser(prog="./dev bench", description="How fast it is, beside what is possible here.")
    p.add_argument("--quick", action="store_true", help="lighttpd alone, less data, in under four minutes")
    p.add_argument("--json", action="store_true", help="print JSON instead of the table")
    p.add_argument("--only", metavar="NAME,…", help=f"some rows: {', '.join(names())}")
    p.add_argument("--reps", type=int, default=5, metavar="N", help="repetitions (5)")
    p.add_argument("--seconds", type=int, metavar="N", help="of each repetition (5; quick: 2)")
    p.add_argument("--workers", type=int, default=8, metavar="N", help="of each pool (8)")
    p.add_argument("--servers", metavar="NAME,…", help=f"which of {', '.join(SERVERS)} (all; quick: lighttpd)")
    p.add_argument("--pin", action="store_true", help="measure the counts alone and write them down for ./dev check")
    a = p.parse_args()
    a.servers = (a.servers or ("lighttpd" if a.quick else ",".join(SERVERS))).split(",")
    a.only = a.only.split(",") if a.only else [n for n in names() if not (a.quick and n in LONG)]
    unknown = [n for n in a.only if n not in names()]
    if unknown:
        p.error(f"no row {unknown[0]}; there are: {', '.join(names())}")
    a.seconds = a.seconds or (2 if a.quick else 5)
    return a


def names():
    return [*SERVER_ROWS, *(f"pgbench_{n}" for n in PGBENCH_ROWS), "drain", *EXTRA]


def plan(a, stage):
    """(group, name, how to run it), in the order of one repetition."""
    for server, url in stage.servers.items():
        for name, run in SERVER_ROWS.items():
            if name in a.only or name == "null" or (name == "null_page" and any(n.startswith("page_") for n in a.only)):
                yield server, name, lambda run=run, url=url: run(stage, url)
    for name, run in PGBENCH_ROWS.items():
        if f"pgbench_{name}" in a.only:
            yield "pgbench", name, lambda run=run: run(stage)
    for name, run in (stage.growth.rows if stage.growth else {}).items():
        yield "growth", name, lambda run=run: run(stage, stage.url)
    if "drain" in a.only:
        for name, run in DRAIN_ROWS.items():
            yield "drain", name, lambda run=run: run(stage)


class Memory:
    """What the workers of the pool with a cache grow by, from the end of the first repetition on, when
    each has met every kind of request."""

    def __init__(self, stage, wanted):
        self.stage, self.wanted, self.requests, self.first = stage, wanted, 0, None

    def met(self, rep, row):
        if rep == 1 or row.pool != "app":
            return
        if self.first is None:
            self.first = sum(machine.pss_bytes(self.stage.pids))
        else:
            self.requests += row.requests

    def result(self):
        if not self.wanted:
            return {}
        while self.requests < ENOUGH and not self.stage.quick:
            self.met(2, SERVER_ROWS["get_cached"](self.stage, self.stage.url))
        now, bare = machine.pss_bytes(self.stage.pids), machine.pss_bytes(self.stage.pools["null"].pids()[1:])
        grown = (sum(now) - self.first) / self.requests if self.requests else None
        return {"worker_pss_kib": round(max(now) / 1024), "null_pss_kib": round(max(bare) / 1024), "requests": self.requests,
                "slope_bytes": grown if grown is None else round(grown, 3)}


def measure(a, stage, memory):
    """{group: {name: [Row, …]}}"""
    seen = {}
    for rep in range(1, a.reps + 1):
        for group, name, run in plan(a, stage):
            row = run()
            memory.met(rep, row)
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


def tables(seen):
    """The rates as the result shows them."""
    result = {"servers": {}, "pgbench": {}, "drain": {}, "memory": {}, "growth": {}, "counts": {}}
    for group, rows in seen.items():
        table = {name: sums(r) for name, r in rows.items()}
        if group == "pgbench":
            result["pgbench"] = table
        elif group == "drain":
            result["drain"] = {name: row["median"] for name, row in table.items()}
        elif group == "growth":
            result["growth"] = growth.result(table)
        else:
            for row in table.values():
                row["of_null"] = round(row["median"] / table["null"]["median"], 3)
            result["servers"][group] = table
    return result


def main():
    a = arguments()
    if a.pin:
        counts.pin_write(counts.measure())
        return
    with Stage(workers=a.workers, **(QUICK if a.quick else FULL)) as stage:
        stage.seconds, stage.quick = a.seconds, a.quick
        for server in a.servers:
            stage.start_server(server)
        stage.growth = Growth(stage) if "growth" in a.only else None
        words = machine.describe(os.environ["MARQUEE_DEV_BUILD"], stage.state)
        say(words)
        memory = Memory(stage, wanted="memory" in a.only)
        seen = measure(a, stage, memory)
        result = {**tables(seen), "memory": memory.result()}
    if "counts" in a.only:
        say("counting")
        result["counts"] = counts.measure()
    if a.json:
        print(json.dumps(result))
    else:
        print(words, report.text(result), sep="\n\n")


if __name__ == "__main__":
    main()
