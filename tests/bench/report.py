"""tests/bench/report.py - the figures as a table, beside the bars and what the seeds promised."""


def text(result):
    return "\n".join(line for part in (_rates(result),) for line in part)


def _rates(result):
    for server, rows in result["servers"].items():
        yield f"{server:<14} {'median/s':>9} {'min':>9} {'max':>9} {'p99 ms':>8} {'of null':>8}"
        for name, r in rows.items():
            yield f"  {name:<12} {r['median']:>9,} {r['min']:>9,} {r['max']:>9,} {r['p99_ms']:>8.2f} {r['of_null']:>8.3f}"
    yield str(result["pgbench"])
    yield str(result["drain"])
