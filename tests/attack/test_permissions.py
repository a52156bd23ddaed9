"""tests/attack/test_permissions.py - the permission matrix: every route by every role on every kind of
thing, as permissions.txt has it; a route without a row fails."""
from api import expect, main
from matrix import LISTS, missing, read
from surface import changed, routes, sums
from world import BODIES, World, ask

QUERIES = {"draft": "&status=draft", "cancelled": "&status=cancelled", "cancelled_private": "&status=cancelled"}
_world = []


def world():
    if not _world:
        _world.append(World(*read()))
    return _world[0]


def test_every_route_has_its_rows():
    roles, rows = read()
    expect(missing(routes(), rows), [])
    expect(missing(routes() + [("GET", "/events/{id}/secret")], rows)[:1],
           ["no row: GET /events/{id}/secret cancelled"], "control: a new route is missed")
    expect(missing(routes()[:-1], rows)[:1] != [], True, "control: a row without a route is found")
    writes = {r for r in routes() if r[0] != "GET"}
    expect(sorted(writes - set(BODIES)), [], "writes without a body in world.py")
    expect(len(roles) * len(rows) > 1000, True)


def cells(rows, roles, wanted):
    return [(row, role) for row in rows for role in roles
            if (row.method, row.path) not in LISTS and wanted(row.cells[role])]


def differences(some, also=None):
    """Cells whose answer is another than the table's; each is shown to also."""
    found = []
    for row, role in some:
        a = ask(world(), row, role)
        if a.status != int(row.cells[role]):
            found.append(f"{row} as {role}: {a.status} {a.code}, the table says {row.cells[role]}")
        if also:
            also(row, role, a)
    return found


def tells_nothing(row, role, answer):
    """404 for what one may not see has the same words as for what never was."""
    ev = world().events.get(world().key(row, role))
    if not ev or answer.status != 404:
        return
    if row.path.endswith(("/ticket", "/ticket.svg")):
        expect("no ticket for this event" in answer.body.decode(), True, f"{row} as {role}")
    elif row.path.startswith(("/e/{id}", "/admin/")):
        expect("no such event" in answer.body.decode(), True, f"{row} as {role}")
    elif "/rsvp" not in row.path and (row.method, row.path) != ("DELETE", "/events/{id}/register"):
        expect((answer.code, answer.json["error"]["message"]), ("NOT_FOUND", "no such event"), f"{row} as {role}")
    expect(ev["title"] in answer.body.decode() or ev["slug"] in answer.body.decode(), False, f"{row} as {role}")


def test_what_is_refused_changes_nothing():
    """First, so that all of it is asked of untouched things."""
    roles, rows = read()
    world()
    before = sums()
    refused = cells(rows, roles, lambda c: c[0] == "4")
    expect(differences(refused, tells_nothing), [])
    expect(changed(before, sums()), [], "tables that refused requests changed")
    expect(len(refused) > 500, True)


def shown(who, path):
    a = who.get(path)
    if a.status != 200:
        return str(a.status), None
    return a.page.get("total"), {e["id"] for e in a.data}


def test_lists_and_their_counts():
    roles, rows = read()
    host = world().host
    for row in (r for r in rows if (r.method, r.path) in LISTS):
        query = f"?limit=100&count=exact&host_id={host.id}" + QUERIES.get(row.kind, "")
        for role in roles:
            if row.path == "/events/my":
                part = {"host": "hosting", "cohost": "hosting", "invited": "invited"}.get(role, "attending")
                query = f"?limit=100&role={part}"
            got = shown(world().people[role], row.path + query)
            ev = world().events[("reading", row.kind, "")]
            if got[1] is None:
                expect(got[0], row.cells[role], f"{row} as {role}")
                continue
            expect("in" if ev["id"] in got[1] else "out", row.cells[role], f"{row} as {role}")
            if row.path == "/events":
                expect(got[0], len(got[1]), f"{row} as {role}: the count tells no more than the list")


def test_what_is_allowed_happens():
    """Last, in the order of the table: these change things."""
    roles, rows = read()
    allowed = cells(rows, roles, lambda c: c[0] == "2")
    before = sums()
    expect(differences(allowed), [])
    expect({"events", "rsvps", "users", "outbox"} <= set(changed(before, sums())), True,
           "control: the sums notice changes")
    row, role = allowed[0]
    row.cells[role] = "418"
    expect(len(differences([(row, role)])), 1, "control: a wrong cell is found")


if __name__ == "__main__":
    main(globals())
