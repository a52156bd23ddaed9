"""tests/attack/deeds.py - what every form of every page is for: who sends it, from which page, filled in how."""
import re
import urllib.parse

from api import PASSWORD, URL, event, instant, person, reset_token, rsvp, sql, sql1, unique
from forms import Page, Reader
from test_account import code_of

FORM = "application/x-www-form-urlencoded"
KEYS = ("key", "gate_key")
# Who signs in may have done so in another tab meanwhile, and has a key by now that this form cannot know.
KEYLESS = {"/login", "/signup"}


class Deed:
    """A form as it stands on its page, filled in, and the browser that has it."""

    def __init__(self, browser, page, action, **fields):
        self.browser, self.page, self.action, self.fields = browser, page, action, fields
        self.form_of = action  # a button may name another address than its form

    def prepare(self):
        """Looks at the page as one does before sending its form."""
        a = self.browser.get(self.page)
        assert a.status == 200, f"{self.page}: {a}"
        self.form = {**Page(self.browser.page).form(self.form_of), **self.fields}
        self.keys = [k for k in KEYS if k in self.form]
        return self

    def body(self, **changes):
        """The form with some of it changed; None: left out; what can be called is true for a while only."""
        pairs = {k: v() if callable(v) else v for k, v in {**self.form, **changes}.items()}
        return urllib.parse.urlencode([(k, one) for k, v in pairs.items() if v is not None
                                       for one in (v if isinstance(v, list) else [v])]).encode()

    def send(self, body, method="POST", path=None, kind=FORM, **headers):
        headers = {k.replace("_", "-"): v for k, v in headers.items()}
        cookies = dict(self.browser.cookies)
        try:
            return self.browser.ask(method, path or self.action, body, **{"Content-Type": kind if body is not None else None, **headers})
        finally:
            self.browser.cookies = cookies  # the attacks come first, and the next one has them too

    def right(self):
        return self.send(self.body(), Origin=URL, Sec_Fetch_Site="same-origin")


def signed_in(who):
    b = Reader()
    assert b.sign_in(who).status == 303
    return b


class Scene:
    """A host, somebody who comes, staff; things are made for each deed."""

    def __init__(self):
        self.host, self.visitor, self.admin = person("Hosting", role="organizer"), person("Visiting"), person("Staff", role="admin")
        self.browsers = {w: signed_in(p) for w, p in (("host", self.host), ("visitor", self.visitor), ("admin", self.admin))}
        self.event = self.soon()
        self.browsers["gate"] = self.through_a_link()

    def soon(self, **fields):
        return event(self.host, title=unique("Attacked "), start_date=instant(0, 2), **fields)

    def through_a_link(self):
        link, b = self.host.post(f"/events/{self.event['id']}/gates", {"name": "North"}).data["url"], Reader()
        assert b.get(urllib.parse.urlsplit(link).path).status == 303
        return b

    def at_desk(self, part="", ev=None, **fields):
        path = f"/admin/events/{(ev or self.soon())['id']}"
        return Deed(self.browsers["host"], path + part, path + part, **fields)

    def at_event(self, part, page=None, who="host", **fields):
        path = f"/e/{self.event['slug']}"
        return Deed(self.browsers[who], path + (part if page is None else page), path + part, **fields)


def goer(s, ev=None):
    """Somebody's ticket for it."""
    who = person("Goer")
    rsvp(who, ev or s.event)
    return who.get(f"/events/{(ev or s.event)['id']}/ticket").data["code"]


def undo_at_door(s):
    nonce = unique("n")
    s.host.post(f"/events/{s.event['id']}/checkin", {"ticket": goer(s), "nonce": nonce})
    return s.at_event("/door/undo", "/door?scan=" + nonce)


def undo_through_a_link(s):
    deed = Deed(s.browsers["gate"], "/door", "/door", code=goer(s)).prepare()
    return Deed(s.browsers["gate"], deed.right().header("Location"), "/door/undo")


def revoke(s):
    s.host.post(f"/events/{s.event['id']}/gates", {"name": "South"})
    return s.at_event("/gates/revoke", "/gates")


def reset(s):
    token = "mqp_" + unique("t").ljust(43, "x")[:43]
    reset_token(person("Forgetful").id, token)
    return Deed(s.browsers["visitor"], "/reset?token=" + token, "/reset", password="a new one 77")


def begun(b):
    """A second factor that is set up; its secret."""
    Deed(b, "/me/second", "/me/second/begin").prepare().right()
    b.get("/me/second")
    return re.search(r"<code>([A-Z2-7]{32})</code>", b.page)[1]


def confirm(_):
    b = signed_in(person("Careful"))
    secret = begun(b)
    return Deed(b, "/me/second", "/me/second/confirm", code=lambda: code_of(secret))


def off(_):
    b = signed_in(person("Careless"))
    secret = begun(b)
    Deed(b, "/me/second", "/me/second/confirm", code=lambda: code_of(secret)).prepare().right()
    return Deed(b, "/me/second", "/me/second/off", code=re.findall(r"<code>([a-z2-7-]{19})</code>", b.page)[0])


def waiting(s):
    ev = s.soon(max_attendees=1)
    goer(s, ev)
    waits = person("Waits")
    rsvp(waits, ev)
    return s.at_desk("/waiting", ev, give=waits.id)


def withdraw(s):
    ev, who = s.soon(), person("Goer")
    rsvp(who, ev)
    return s.at_desk("/attendees", ev, **{"user_ids[]": [who.id]})


def check_in(s):
    deed = withdraw(s)
    deed.action = deed.form_of.replace("/attendees", "/checkin")
    return deed


def looking(s):
    b, path = signed_in(s.admin), f"/admin/people/{person('Looked at').id}"
    Deed(b, path, path + "/impersonate", reason="to attack").prepare()
    b.send(path + "/impersonate", reason="to attack")
    return Deed(b, "/", "/impersonation/end")


def parked(s):
    pos = sql1("INSERT INTO outbox_parked (pos, id, xid, aggregate_type, aggregate_id, seq, key, shard, topic, type, payload, created_at, reason) "
               "OVERRIDING SYSTEM VALUE SELECT 9100000 + (SELECT count(*) FROM outbox_parked), uuid7(), pg_current_xact_id(), 'test', uuid7(), 1, uuid7(), 0, 'events', 'event.test', "
               "'{}', now(), 'refused' RETURNING pos")
    return Deed(s.browsers["admin"], "/admin/system", "/admin/system/outbox", pos=pos, act="drop")


def job(s):
    sql("UPDATE jobs SET run_at = now() + interval '5 minutes' WHERE name = 'scores'")
    return Deed(s.browsers["admin"], "/admin/system", "/admin/system/jobs", name="scores")


def account(part, **fields):
    def of(s):
        path = f"/admin/people/{person('Managed').id}"
        return Deed(s.browsers["admin"], path, path + part, **fields)
    return of


# Every page that takes a form.
DEEDS = {
    "/login": lambda s: Deed(signed_in(s.visitor), "/login", "/login", email=s.visitor.email, password=PASSWORD),
    "/signup": lambda s: Deed(signed_in(s.visitor), "/signup", "/signup", email=unique("s") + "@example.org", password=PASSWORD, name="New"),
    "/logout": lambda s: Deed(signed_in(s.visitor), "/", "/logout"),
    "/forgot": lambda s: Deed(s.browsers["visitor"], "/forgot", "/forgot", email=s.host.email),
    "/reset": reset,
    "/me/sessions/end": lambda s: Deed(signed_in(person("Leaving")), "/me/sessions", "/me/sessions/end"),
    "/me/profile": lambda s: Deed(s.browsers["visitor"], "/me/profile", "/me/profile", bio="written by the form"),
    "/me/second/begin": lambda s: Deed(s.browsers["visitor"], "/me/second", "/me/second/begin"),
    "/me/second/confirm": confirm,
    "/me/second/off": off,
    "/e/{id}/answer": lambda s: s.at_event("/answer", "", "visitor", status="going"),
    "/e/{id}/door": lambda s: s.at_event("/door", code=goer(s)),
    "/e/{id}/door/undo": undo_at_door,
    "/e/{id}/gates": lambda s: s.at_event("/gates", name="East"),
    "/e/{id}/gates/revoke": revoke,
    "/door": lambda s: Deed(s.browsers["gate"], "/door", "/door", code=goer(s)),
    "/door/undo": undo_through_a_link,
    "/admin/events/new": lambda s: Deed(s.browsers["host"], "/admin/events/new", "/admin/events/new", title=unique("Made "),
                                        start_date="2031-07-01T19:00"),
    "/admin/events/{id}": lambda s: s.at_desk(description="written by the form", _step="save"),
    "/admin/events/{id}/publish": lambda s: s.at_desk("/publish", s.soon(status="draft")),
    "/admin/events/{id}/cancel": lambda s: s.at_desk("/cancel", reason="rain"),
    "/admin/events/{id}/duplicate": lambda s: s.at_desk("/duplicate", start_date="2031-08-01T20:00"),
    "/admin/events/{id}/delete": lambda s: s.at_desk("/delete"),
    "/admin/events/{id}/attendees": withdraw,
    "/admin/events/{id}/checkin": check_in,
    "/admin/events/{id}/waiting": waiting,
    "/admin/categories": lambda s: Deed(s.browsers["admin"], "/admin/categories", "/admin/categories", slug=unique("cat")[:40].lower(),
                                        name=unique("Cat "), color="#123456"),
    "/admin/system/doctor": lambda s: Deed(s.browsers["admin"], "/admin/system", "/admin/system/doctor"),
    "/admin/system/jobs": job,
    "/admin/system/outbox": parked,
    "/admin/people/{account}": account("", role="organizer"),
    "/admin/people/{account}/sign-out": account("/sign-out"),
    "/admin/people/{account}/impersonate": account("/impersonate", reason="to attack"),
    "/impersonation/end": looking,
}
