"""tests/attack/world.py - everybody in the permission matrix, and the things they reach for."""
from api import PASSWORD, anonymous, call, event, instant, person, reset_token, rsvp, sql, unique
from matrix import EVENT_KINDS

NOBODY = "01890000-0000-7000-8000-000000000000"
# Routes after which the event, or the sign-in, is not what it was: each cell gets one of its own.
SPENDING = {("DELETE", "/events/{id}"), ("POST", "/events/{id}/cancel"), ("POST", "/events/{id}/publish"),
            ("POST", "/auth/logout"), ("POST", "/auth/refresh")}
ROLES = {"organizer": "organizer", "admin": "admin", "service": "service"}


def privacy_of(kind):
    privacy = kind.replace("cancelled_", "")
    return privacy if privacy in ("private", "friends_only") else "public"


class World:
    def __init__(self, roles, rows):
        self.people = {r: person(r.title(), role=ROLES.get(r)) for r in roles if r != "anonymous"}
        self.people["anonymous"] = anonymous
        self.host = self.people["host"]
        self.other, self.disabled, self.filler = (person(n) for n in ("Other", "Disabled", "Filler"))
        self.events = {}
        for row in rows:
            if row.kind in EVENT_KINDS:
                for role in roles:
                    key = self.key(row, role)
                    if key not in self.events:
                        self.events[key] = self.make(row.kind)
        self.relate()

    @staticmethod
    def key(row, role):
        route = (row.method, row.path)
        spent = route in SPENDING and row.cells[role].startswith("2")
        # what is refused to all changes as little as reading; and lists end at a hundred
        changes = row.method != "GET" and any(c.startswith("2") for c in row.cells.values())
        group = route if changes else "reading"
        return (group, row.kind, role if spent else "")

    def make(self, kind):
        if kind == "draft":
            return event(self.host, title=unique("Draft "), status="draft", max_attendees=2)
        ev = event(self.host, title=unique(f"{kind} "), max_attendees=2,
                   virtual_link="https://meet.example.org/s")
        for who in (self.people["attending"], self.filler, self.people["waiting"]):
            rsvp(who, ev)
        return ev

    def relate(self):
        """Who is what to whom: not by requests, for some of it has none yet; then what only the host does."""
        a, b = sorted((self.host.id, self.people["friend"].id))
        ids = ",".join(f"('{e['id']}'::uuid)" for e in self.events.values())
        sql(f"INSERT INTO friendships VALUES ('{a}', '{b}', 'accepted', '{a}'); "
            f"UPDATE users SET is_active = false WHERE id = '{self.disabled.id}'; "
            "INSERT INTO invitations (id, event_id, inviter_id, invitee_id) "
            f"SELECT uuid7(), e, '{self.host.id}', '{self.people['invited'].id}' FROM (VALUES {ids}) v(e); "
            "INSERT INTO event_hosts (event_id, user_id, permissions) "
            f"SELECT e, '{self.people['cohost'].id}', '{{edit,invite,checkin}}' FROM (VALUES {ids}) v(e); "
            "INSERT INTO gates (id, event_id, name, hash, made_by) "
            f"SELECT e, e, 'Gate', 'hash of ' || e, '{self.host.id}' FROM (VALUES {ids}) v(e); "
            "SELECT cache_epoch_bump()")
        for (_, kind, _), ev in self.events.items():
            path = f"/events/{ev['id']}"
            if privacy_of(kind) != "public":
                assert self.host.patch(path, {"privacy": privacy_of(kind)}).status == 200
            if kind.startswith("cancelled"):
                assert self.host.post(path + "/cancel").status == 200
            if kind == "deleted":
                assert self.host.delete(path).status == 200

    def target(self, row, role):
        if row.kind in EVENT_KINDS:
            return self.events[self.key(row, role)]["id"]
        who = self.people[role] if role != "anonymous" else self.other
        return {"self": getattr(who, "id", NOBODY), "other": self.other.id, "disabled": self.disabled.id,
                "nobody": NOBODY}.get(row.kind)


def refreshable(world, _row, role):
    who = world.people[role] if role != "anonymous" else world.other
    return {"refresh_token": who.login().refresh_token}


def resettable(_world, _row, role):
    token = "mqp_" + unique(role).ljust(43, "x")[:43]
    reset_token(person("Resetting").id, token)
    return {"token": token, "password": PASSWORD}


# What a write sends when it means it; a function gets the world, the row and the role.
BODIES = {
    ("POST", "/auth/register"): lambda w, row, r: {"email": f"{unique('m')}@example.org", "password": PASSWORD,
                                              "name": "Matrix"},
    ("POST", "/auth/login"): lambda w, row, r: {"email": w.other.email, "password": PASSWORD},
    ("POST", "/auth/refresh"): refreshable,
    ("POST", "/auth/logout"): None,
    ("POST", "/auth/password/forgot"): lambda w, row, r: {"email": w.other.email},
    ("POST", "/auth/password/reset"): resettable,
    ("PUT", "/users/profile"): lambda w, row, r: {"name": r.title()},
    ("PATCH", "/users/profile"): lambda w, row, r: {"bio": f"as {r}"},
    ("POST", "/users/batch"): lambda w, row, r: {"user_ids": [w.other.id]},
    ("POST", "/events"): lambda w, row, r: {"title": unique("Made "), "start_date": instant()},
    ("PUT", "/events/{id}"): lambda w, row, r: {"title": unique("Put "), "start_date": instant(),
                                        "privacy": privacy_of(row.kind)},
    ("PATCH", "/events/{id}"): lambda w, row, r: {"description": f"by {r}"},
    ("DELETE", "/events/{id}"): None,
    ("POST", "/events/{id}/cancel"): lambda w, row, r: {"reason": "matrix"},
    ("POST", "/events/{id}/publish"): None,
    ("POST", "/events/{id}/duplicate"): None,
    ("POST", "/events/{id}/rsvp"): lambda w, row, r: {"status": "going"},
    ("PUT", "/events/{id}/rsvp"): lambda w, row, r: {"status": "interested"},
    ("DELETE", "/events/{id}/rsvp"): None,
    ("POST", "/events/{id}/register"): None,
    ("DELETE", "/events/{id}/register"): None,
    ("POST", "/events/{id}/checkin"): lambda w, row, r: {"user_id": w.other.id},
    ("DELETE", "/events/{id}/checkin/{user_id}"): None,
    ("POST", "/events/{id}/gates"): lambda w, row, r: {"name": "Gate"},
    ("DELETE", "/events/{id}/gates/{gate_id}"): None,
    ("POST", "/e/{id}/door"): {"code": "x"},
    ("POST", "/e/{id}/door/undo"): {"scan": "x"},
    ("POST", "/e/{id}/gates"): {"name": "x"},
    ("POST", "/e/{id}/gates/revoke"): {"gate": NOBODY},
    ("POST", "/door"): {"code": "x"},
    ("POST", "/door/undo"): {"scan": "x"},
    ("POST", "/events/register"): lambda w, row, r: {"event_id": w.target(row, r)},
    ("POST", "/e/{id}/answer"): {"status": "going"},
    ("POST", "/users/me/feed"): None,
    ("DELETE", "/users/me/feed"): None,
    ("POST", "/login"): {},
    ("POST", "/signup"): {},
    ("POST", "/me/sessions/end"): {},
    ("POST", "/me/profile"): {},
    ("POST", "/admin/people/{account}"): {},
    ("POST", "/admin/people/{account}/sign-out"): {},
    ("POST", "/admin/people/{account}/impersonate"): {},
    ("POST", "/impersonation/end"): {},
    ("POST", "/admin/system/doctor"): {},
    ("POST", "/me/second/begin"): {},
    ("POST", "/me/second/confirm"): {},
    ("POST", "/me/second/off"): {},
    ("DELETE", "/users/me/sessions"): None,
    ("DELETE", "/users/me/sessions/{session}"): None,
    ("POST", "/logout"): None,
    ("POST", "/forgot"): {},
    ("POST", "/reset"): {},
    ("POST", "/admin/events/new"): {}, ("POST", "/admin/categories"): {},
    ("POST", "/admin/system/jobs"): {}, ("POST", "/admin/system/outbox"): {},
    **{("POST", "/admin/events/{id}" + act): {} for act in
       ("", "/publish", "/cancel", "/duplicate", "/delete", "/attendees", "/checkin", "/waiting")},
}


def filled(path, target, person):
    """The path with what stands in braces; the link of an event's door has the event's id."""
    for word, value in (("id", target), ("gate_id", target), ("user_id", person), ("secret", "x" * 43)):
        path = path.replace("{" + word + "}", value or "")
    return path


def ask(world, row, role):
    """The request of one cell."""
    who, target = world.people[role], world.target(row, role)
    path = filled(row.path, target, world.other.id)
    body = BODIES.get((row.method, row.path))
    body = body(world, row, role) if callable(body) else body
    token = who.token
    if row.path == "/auth/logout" and token:
        token = who.login().token
    if (row.method, row.path) == ("DELETE", "/users/me/sessions") and token:
        token = person().token  # it ends all of them
    return call(row.method, path, body, token)
