"""tests/attack/matrix.py - reads the permission matrix and says where it and the routes differ."""
import os
import re

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "permissions.txt")
EVENT_KINDS = ("public", "friends_only", "private", "draft", "cancelled", "cancelled_private", "deleted")
USER_KINDS = ("self", "other", "disabled", "nobody")
LISTS = {("GET", "/events"), ("GET", "/events/my")}


class Row:
    def __init__(self, method, path, kind, cells):
        self.method, self.path, self.kind, self.cells = method, path, kind, cells

    def __repr__(self):
        return f"{self.method} {self.path} {self.kind}"


def read(text=None):
    """(roles, rows): the table as it stands in the file."""
    if text is None:
        with open(FILE, encoding="utf-8") as f:
            text = f.read()
    roles, rows, route = [], [], None
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0] == "roles":
            roles = words[1:]
        elif re.fullmatch("[A-Z]+", words[0]):
            route = (words[0], words[1])
        else:
            rows.append(Row(*route, words[0], dict(zip(roles, words[1:]))))
            if len(words) - 1 != len(roles):
                raise ValueError(f"{rows[-1]}: {len(words) - 1} cells, not {len(roles)}")
    return roles, rows


def kinds_of(route):
    """What a route has to be tried on."""
    method, path = route
    if "/events/{" in path or path.startswith("/e/{") or route in LISTS or route == ("POST", "/events/register"):
        return EVENT_KINDS
    return USER_KINDS if path.startswith("/users/{") else ("-",)


def missing(routes, rows):
    """Routes, or kinds of things below them, without a row; and rows without a route."""
    have = {(r.method, r.path, r.kind) for r in rows}
    want = {(*route, kind) for route in routes for kind in kinds_of(route)}
    return ([f"no row: {' '.join(w)}" for w in sorted(want - have)] +
            [f"no route: {' '.join(h)}" for h in sorted(have - want)])
