"""tests/e2e/test_visibility.py - who sees and may do what: one table, every cell asked for."""
from api import anonymous, event, expect, expect_status, instant, main, person, rsvp, sql, unique

READERS = ("anonymous", "stranger", "friend", "invited", "attending", "waiting", "cohost", "host", "admin")

# What each reader gets from GET: 2 = seen, 0 = it does not exist.
SEEN = {  #            anonymous stranger friend invited attending waiting cohost host admin
    "public":         "2 2 2 2 2 2 2 2 2",
    "friends_only":   "0 0 2 2 2 2 2 2 2",
    "private":        "0 0 0 2 2 2 2 2 2",
    "draft":          "0 0 0 0 0 0 2 2 2",
    "cancelled":      "2 2 2 2 2 2 2 2 2",
    "cancelled private": "0 0 0 2 2 2 2 2 2",
    "deleted":        "0 0 0 0 0 0 0 0 0",
}
# May they edit, among those who see it?
EDITORS = {"cohost", "host", "admin"}
DELETERS = {"host", "admin"}


class World:
    """A host, everybody who relates to them, and one event of each kind, full, one waiting."""

    def __init__(self):
        self.people = {name: person(name.title()) for name in READERS if name != "anonymous"}
        self.people["admin"] = person("Admin", role="admin")
        self.people["anonymous"] = anonymous
        self.host = self.people["host"]
        self.befriend(self.people["friend"])
        self.events = {kind: self.make(kind) for kind in SEEN}

    def befriend(self, who):
        a, b = sorted((self.host.id, who.id))
        sql(f"INSERT INTO friendships VALUES ('{a}', '{b}', 'accepted', '{a}')")

    def make(self, kind):
        privacy = {"cancelled private": "private"}.get(kind, kind)
        privacy = privacy if privacy in ("public", "private", "friends_only") else "public"
        ev = event(self.host, title=unique(f"{kind} "), max_attendees=2, virtual_link="https://meet.example.org/s")
        invited, cohost = self.people["invited"], self.people["cohost"]
        sql("INSERT INTO invitations (id, event_id, inviter_id, invitee_id) VALUES (uuid7(), "
            f"'{ev['id']}', '{self.host.id}', '{invited.id}')")
        sql(f"INSERT INTO event_hosts (event_id, user_id, permissions) VALUES ('{ev['id']}', '{cohost.id}', "
            "'{edit,invite,checkin}')")
        if kind != "draft":
            for who in (self.people["attending"], person("Filler"), self.people["waiting"]):
                rsvp(who, ev)
        self.host.patch(at(ev), {"privacy": privacy})
        if kind == "draft":  # as if it had been made so
            sql(f"UPDATE events SET status = 'draft' WHERE id = '{ev['id']}'; UPDATE event_seats SET open = false "
                f"WHERE event_id = '{ev['id']}'; SELECT event_doc_write('{ev['id']}')")
            sql("SELECT cache_epoch_bump()")  # written behind the program's back
            self.host.patch(at(ev), {"description": "still a draft"})
        if kind.startswith("cancelled"):
            self.host.post(at(ev, "/cancel"))
        if kind == "deleted":
            self.host.delete(at(ev))
        return ev

    def cells(self, kinds=SEEN):
        for kind in kinds:
            for name, seen in zip(READERS, SEEN[kind].split()):
                yield kind, name, self.people[name], self.events[kind], seen == "2"


def at(ev, more=""):
    return f"/api/events/{ev['id']}{more}"


_world = []


def world():
    if not _world:
        _world.append(World())
    return _world[0]


# ---- reading ----
def test_one_event():
    for kind, name, who, ev, seen in world().cells():
        what = f"{kind} as {name}"
        for path in (at(ev), at(ev, "?fresh=1"), f"/api/events/{ev['slug']}", at(ev)):
            a = who.get(path)
            if expect_status(a, 200 if seen else 404, what) and not seen:
                expect(a.code, "NOT_FOUND", what)
                expect(ev["title"] in a.body.decode(), False, what)


def test_what_is_hidden_and_what_never_was_answer_the_same():
    ev, stranger = world().events["private"], world().people["stranger"]
    never = {"id": "01890000-0000-7000-8000-000000000000"}
    for method, more, body in (("GET", "", None), ("GET", "/attendees", None), ("GET", "/waitlist", None),
                               ("GET", "/rsvp", None), ("PATCH", "", {"title": "Mine"}), ("DELETE", "", None),
                               ("PUT", "", {"title": "Mine", "start_date": instant()}),
                               ("POST", "/cancel", {}), ("POST", "/publish", None), ("DELETE", "/rsvp", None),
                               ("POST", "/rsvp", {"status": "going"}), ("POST", "/register", None)):
        a, b = (stranger.send(method, at(e, more), body) for e in (ev, never))
        expect((a.status, a.json["error"]), (404, b.json["error"]), f"{method} {more}")


def test_virtual_link_is_for_those_who_attend_or_host():
    for kind, name, who, ev, seen in world().cells(("public", "private", "friends_only")):
        shown = seen and name in ("attending", "cohost", "host", "admin")
        for path in (at(ev), at(ev, "?fresh=1")):
            expect("virtual_link" in (who.get(path).data or {}), shown, f"{kind} as {name} {path}")
        for path in (f"/api/events?host_id={world().host.id}&limit=100", "/api/events/my"):
            expect("meet.example.org" in who.get(path).body.decode(), False, f"never in lists, {name}")
    guest, ev = person(), event(world().host, virtual_link="https://meet.example.org/t")
    for status, shown in (("interested", False), ("going", True), ("maybe", False), ("going", True), ("not_going", False)):
        rsvp(guest, ev, status)
        expect("virtual_link" in guest.get(at(ev)).data, shown, status)


def test_permissions_of_the_viewer():
    for kind, name, who, ev, seen in world().cells(("public", "private")):
        if not seen or name == "anonymous":
            continue
        want = {"host": ["edit", "invite", "checkin", "moderate", "delete"], "cohost": ["edit", "invite", "checkin"]}
        want["admin"] = want["host"]
        expect(who.get(at(ev)).data["permissions"], want.get(name, []), f"{kind} as {name}")


def test_friends_going():
    w = world()
    pal, ev = person("Pal"), event(w.host)
    w.befriend(pal)
    rsvp(pal, ev)
    expect([u["name"] for u in w.host.get(at(ev, "?fresh=1")).data["friends_going"]], ["Pal"])
    expect(w.people["stranger"].get(at(ev, "?fresh=1")).data["friends_going"], [])
    expect("friends_going" in anonymous.get(at(ev)).data, False)


# ---- lists ----
def shown_ids(who, query):
    a = who.get(f"/api/events?host_id={world().host.id}&limit=100&count=exact&{query}")
    expect_status(a, 200, query)
    expect(a.page["total"], len(a.data), "the count tells no more than the list")
    return {e["id"] for e in a.data}


def test_lists_and_counts():
    w = world()
    for name in READERS:
        who = w.people[name]
        coming, cancelled, drafts = (shown_ids(who, q) for q in ("", "status=cancelled", "status=draft"))
        for kind, reader, _, ev, seen in w.cells():
            if reader == name:
                place = cancelled if kind.startswith("cancelled") else drafts if kind == "draft" else coming
                seen = seen and not (kind == "draft" and name == "cohost")  # drafts of others: by id and in my
                expect(ev["id"] in place, seen, f"{kind} as {name}")
                expect(ev["id"] in (coming | cancelled | drafts) - place, False, f"{kind} as {name}, elsewhere")


def test_my_lists_hold_only_one_s_own():
    w = world()
    for name, role, kinds in (("attending", "attending", ("public", "friends_only", "private")),
                              ("waiting", "attending", ("public", "friends_only", "private")),
                              ("invited", "invited", ("public", "friends_only", "private")),
                              ("cohost", "hosting", ("public", "friends_only", "private", "draft")),
                              ("stranger", "attending", ()), ("friend", "invited", ())):
        a = w.people[name].get(f"/api/events/my?role={role}&limit=100")
        ids = {e["id"] for e in a.data}
        expect({k for k, ev in w.events.items() if ev["id"] in ids} - {"cancelled", "cancelled private"}, set(kinds),
               f"{role} of {name}")
        expect(w.events["deleted"]["id"] in ids, False, name)


def test_a_privacy_edit_hides_at_once():
    host, stranger, guest = person(), person(), person()
    ev = event(host)
    rsvp(guest, ev)
    for _ in range(3):
        for privacy, status in (("private", 404), ("friends_only", 404), ("public", 200)):
            host.patch(at(ev), {"privacy": privacy})
            for who in (anonymous, stranger):
                expect_status(who.get(at(ev)), status, privacy)
                expect(len(who.get(f"/api/events?host_id={host.id}").data), int(status == 200), privacy)
            expect_status(guest.get(at(ev)), 200, "a guest stays")
    host.patch(at(ev), {"privacy": "private"})
    rsvp(guest, ev, "not_going")
    expect_status(guest.get(at(ev)), 404, "who has cancelled was neither invited nor attends")
    expect_status(rsvp(guest, ev), 404)


# ---- attendees and the waiting list ----
def test_attendees():
    attending = world().people["attending"]
    for kind, name, who, ev, seen in world().cells():
        what = f"{kind} as {name}"
        a = who.get(at(ev, "/attendees"))
        if not expect_status(a, 200 if seen else 404, what) or not seen:
            continue
        expect([r["status"] for r in a.data], [] if kind == "draft" else ["going", "going"], what)
        if kind == "draft":
            continue
        expect(set(a.data[0]), {"user", "status", "state", "registered_at"}, what)
        mail = name in ("host", "cohost", "admin")
        expect(a.data[0]["user"].get("email"), attending.email if mail else None, what)
        expect_status(who.get(at(ev, "/attendees?status=waitlisted")), 200 if mail else 403, what)


def test_waiting_list():
    waiting = world().people["waiting"]
    for kind, name, who, ev, seen in world().cells():
        what = f"{kind} as {name}"
        a = who.get(at(ev, "/waitlist"))
        if not expect_status(a, 401 if name == "anonymous" else 200 if seen else 404, what) or a.status != 200:
            continue
        all_of_it = name in ("host", "cohost", "admin", "waiting") and kind != "draft"
        expect([(r["user"]["id"], r["position"]) for r in a.data], [(waiting.id, 1)] if all_of_it else [], what)


# ---- writing ----
def test_own_answer():
    for kind, name, who, ev, seen in world().cells():
        has = name in ("attending", "waiting") and kind not in ("draft", "deleted")
        a = who.get(at(ev, "/rsvp"))
        expect_status(a, 401 if name == "anonymous" else 200 if has else 404, f"{kind} as {name}")


def test_edits():
    for kind, name, who, ev, seen in world().cells():
        closed = kind.startswith("cancelled")
        want = 401 if name == "anonymous" else 404 if not seen else 403 if name not in EDITORS else 409 if closed else 200
        a = who.patch(at(ev), {"description": f"by {name}"})
        expect_status(a, want, f"PATCH {kind} as {name}")
        body = {"title": ev["title"], "start_date": ev["start_date"], "category": "nonsense"}
        want = 422 if want in (200, 409) else want
        expect_status(who.put(at(ev), body), want, f"PUT {kind} as {name}")


def test_cohosts_do_what_they_were_given():
    host, helper = person(), person()
    ev = event(host)
    sql(f"INSERT INTO event_hosts (event_id, user_id, permissions) VALUES ('{ev['id']}', '{helper.id}', '{{checkin}}')")
    expect_status(helper.patch(at(ev), {"title": "Not mine"}), 403)
    expect_status(helper.post(at(ev, "/cancel")), 403)
    expect_status(helper.delete(at(ev)), 403)
    expect_status(helper.get(at(ev, "/attendees?status=waitlisted")), 200)
    expect(helper.get(at(ev)).data["permissions"], ["checkin"])


def test_answers():
    """Fresh people each time: an answer changes what one is to the event."""
    w = world()
    for kind in ("public", "friends_only", "private", "draft", "cancelled", "deleted"):
        ev = w.events[kind]
        for relation in ("stranger", "friend", "invited"):
            who = person()
            if relation == "friend":
                w.befriend(who)
            if relation == "invited":
                sql("INSERT INTO invitations (id, event_id, inviter_id, invitee_id) VALUES (uuid7(), "
                    f"'{ev['id']}', '{w.host.id}', '{who.id}')")
            seen = SEEN[kind].split()[READERS.index(relation)] == "2"
            want = 404 if not seen else 409 if kind == "cancelled" else 201
            for path, body in (("/rsvp", {"status": "interested"}), ("/register", None)):
                a = who.post(at(ev, path), body)
                expect_status(a, want if path == "/rsvp" or want != 201 else 200, f"{path} {kind} as {relation}")
                expect(a.code, {404: "NOT_FOUND", 409: "EVENT_CLOSED"}.get(want), f"{path} {kind} as {relation}")
        expect_status(anonymous.post(at(ev, "/rsvp"), {"status": "going"}), 401)


def test_zz_deleting():
    """Last: it takes the events away. Host and admin take turns in being first."""
    for n, (kind, row) in enumerate(SEEN.items()):
        ev, seen = world().events[kind], dict(zip(READERS, row.split()))
        last = ["admin", "host"] if n % 2 else ["host", "admin"]
        for name in [r for r in READERS if r not in DELETERS] + last:
            want = 401 if name == "anonymous" else 404 if seen[name] == "0" else 403
            if name in DELETERS and kind != "deleted":
                want = 200 if name == last[0] else 404
            expect_status(world().people[name].delete(at(ev)), want, f"{kind} as {name}")


if __name__ == "__main__":
    main(globals())
