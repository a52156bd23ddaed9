"""tests/bench/growth.py - what a hundred times the events cost: the same reads on two databases, without
a cache"""
import http.client
import json
import urllib.parse

from rows import reads
from stage import UNCACHED

EVENTS = {"small": 10000, "large": 1000000}
PAGE = 1000
ROWS = {  # name: its measurement, what it is held against, how many times slower it may be
    "get": ("large_get", "small_get", 1.3),
    "list": ("large_list", "small_list", 1.3),
    "page_1000": ("large_page", "large_list", 1.2),
}


class Growth:
    """Two databases beside the stack's own, a pool for each."""

    def __init__(self, stage):
        self.rows = {}
        for name, events in EVENTS.items():
            stage.make_database(name)
            stage.demo(events, 20000, events // 2, database=name)
            stage.pool(name, stage.fcgi, *UNCACHED, "--set", f"db.dsn=host={stage.run}/pg dbname={name} user=marquee_web")
            ids = stage.psql("""SELECT id FROM events WHERE privacy = 'public' AND status = 'active'
                                ORDER BY hashint8(hashtext(id::text)) LIMIT 20000""", name).split()
            self.rows[f"{name}_get"] = reads(name, lambda *_, ids=ids: [(f"/api/events/{i}", "") for i in ids])
            self.rows[f"{name}_list"] = reads(name, lambda *_: [("/api/events", "")])
        stage.link("large")
        deep = _deep(stage.url)
        self.rows["large_page"] = reads("large", lambda *_: [(deep, "")])
        stage.link("app")


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
