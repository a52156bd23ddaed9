"""tests/attack/surface.py - what can be attacked: the routes, the tables, and a copy of their sums."""
import json
import os
import re

from api import anonymous, sql, sql1, unique, wait_for
from forms import routes

METHODS = ("post", "put", "get", "patch", "delete")
# Tables that change by themselves, or by requests that are refused.
RESTLESS = {"relay", "heartbeats", "jobs", "rate_limits", "view_deltas", "settings", "event_scores",
            "figures"}

SOURCES = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + "/"


def leaks(body, *more):
    """Words of the machinery in an answer (text or bytes): none of its business. more: patterns beside the usual ones."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    return re.findall("|".join((r"PL/pgSQL|SQLSTATE|\.c:\d|/tmp/|/usr/", re.escape(SOURCES), *more)), text)


def document():
    """The program's own description, printed from its route table (tests/unit/test_routes.c)."""
    return anonymous.get("/openapi.json").json


def described():
    """The same without pages, which take forms and answer with HTML."""
    paths = document()["paths"]
    return [(method, path) for method, path in routes() if method.lower() in paths.get(path, {})]


def tables():
    """Names of the ordinary tables; partitions are part of theirs."""
    return [r[0] for r in sql("SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                              "WHERE n.nspname = 'marquee' AND c.relkind IN ('r', 'p') AND NOT c.relispartition "
                              "ORDER BY 1")]


def columns():
    """Every column name of every table, once."""
    return [r[0] for r in sql("SELECT DISTINCT column_name FROM information_schema.columns "
                              "WHERE table_schema = 'marquee' ORDER BY 1")]


def sums():
    """{table: checksum of all its rows}; equal before and after what must change nothing. What
    earlier requests have left to the notifier is waited for, unless it is for later; what deletes by
    age waits for an hour."""
    sql("UPDATE jobs SET run_at = now() + interval '1 hour' WHERE name IN ('mails', 'cleanup')")
    wait_for("work in the background", lambda: sql1("SELECT count(*) FROM jobs WHERE every IS NULL AND run_at < now() + interval '1 minute'") == "0")
    row = "(to_jsonb(r) - 'views')::text"  # which are added up by and by
    parts = [f"SELECT '{t}', coalesce(md5(string_agg({row}, '' ORDER BY {row})), '') FROM {t} r"
             for t in tables() if t not in RESTLESS]
    return dict(sql(" UNION ALL ".join(parts)))


def changed(before, after):
    return sorted(t for t in before if before[t] != after[t])


def log_lines(stack_log, since=0):
    with open(stack_log, encoding="utf-8", errors="surrogateescape") as f:
        f.seek(since)
        return f.read().splitlines()


def is_json_line(line):
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def parameters(path):
    return re.findall(r"{(\w+)}", path)


# ---- what lies about ----
def command_lines():
    """(pid, command line) of every process of this machine."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                yield pid, f.read().decode("utf-8", "replace")
        except OSError:
            continue  # it has ended


def logs():
    """{name: text} of all logs of the stack, also of its web server."""
    folder, texts = os.environ["MARQUEE_DEV_STATE"] + "/log/", {}
    for name in os.listdir(folder):
        with open(folder + name, encoding="utf-8", errors="replace") as f:
            texts[name] = f.read()
    return texts


def lies_about(hidden):
    """Where which of the hidden words stand: command lines, and logs once they hold all requests so far."""
    marks = [unique("mark") for _ in range(20)]
    for mark in marks:
        anonymous.get("/livez", X_Request_Id=mark)
    wait_for("the lines of the last requests", lambda: all(mark in "".join(logs().values()) for mark in marks))
    places = {**logs(), **{"command line " + line[:60]: line for _, line in command_lines()}}
    return [f"{word[:12]}… in {name}" for name, text in places.items() for word in hidden if word in text]
