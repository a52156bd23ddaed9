"""tests/bench/growth.py - what a hundred times the events cost: the same reads on two databases, without
a cache"""
import http.client
import json
import urllib.parse

from rows import reads
from stage import UNCACHED

EVENTS = {"small": 10000, "large": 1000000}
PAGE = 1000
WORD = "workshop"  # of many titles in both: the list is full
SOME = """SELECT id, slug FROM events WHERE privacy = 'public' AND status = 'active'
ORDER BY hashint8(hashtext(id::text)) LIMIT 20000"""
ROWS = {  # name: its measurement, what it is held against, how many times slower it may be
    "get": ("large_get", "small_get", 1.3),
    "list": ("large_list", "small_list", 1.3),
    "page_1000": ("large_deep", "large_list", 1.2),
    "event page": ("large_page", "small_page", 1.3),
    "desk events": ("large_desk", "small_desk", 1.5),
    "desk search": ("large_find", "small_find", 1.5),
}


class Growth:
    """Two databases beside the stack's own, a pool for each."""

    def __init__(self, stage):
        self.rows = {}
        for name, events in EVENTS.items():
            stage.make_database(name)
            stage.demo(events, 20000, events // 2, database=name)
            stage.pool(name, stage.fcgi, *UNCACHED, "--set", f"db.dsn=host={stage.run}/pg dbname={name} user=marquee_web")
            some = [line.split("|") for line in stage.psql(SOME, name).splitlines()]
            for row, paths in {"get": [f"/api/events/{i}" for i, _ in some], "list": ["/api/events"],
                               "page": [f"/e/{slug}" for _, slug in some], "desk": ["/admin/events"],
                               "find": ["/admin/events?find=" + WORD]}.items():
                self._add(f"{name}_{row}", name, paths, stage.staff() if "/admin/" in paths[0] else "")
        stage.link("large")
        self._add("large_deep", "large", [_deep(stage.url)])
        stage.link("app")

    def _add(self, row, pool, paths, header=""):
        self.rows[row] = reads(pool, lambda *_: [(path, header) for path in paths])


def _deep(url):
    """The address of page PAGE, reached by the cursors of those before it."""
    at = urllib.parse.urlsplit(url)
    path, server = "/api/events", http.client.HTTPConnection(at.hostname, at.port)
    for _ in range(PAGE - 1):
        server.request("GET", path)
        answer = server.getresponse()
        page = json.loads(answer.read())["pagination"]
        path = "/api/events?cursor=" + urllib.parse.quote(page["next_cursor"])
    server.close()
    return path


def result(table):
    """From the medians of the rows: how many times slower."""
    return {name: {"before": table[base]["median"], "after": table[row]["median"],
                   "times": round(table[base]["median"] / table[row]["median"], 3), "bar": bar}
            for name, (row, base, bar) in ROWS.items()}
