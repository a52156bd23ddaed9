"""tests/e2e/test_staff.py - staff that looks at the site as somebody else, and staff that needs a second factor"""
import re
import urllib.parse

from api import PASSWORD, Stack, anonymous, call, event, expect, expect_status, instant, person, main, rsvp, sql, sql1, unique, wait_for
from forms import Reader
from test_account import code_of

BANNER = 'action="/impersonation/end"'
NASTY = "<script>alert(1)</script> & \"it's\" {{t}} </table>"


class Staff(Reader):
    def post(self, path, **fields):
        """A form with the key of this sign-in, whichever page it would stand on."""
        form = {"key": self.parsed().form("/logout")["key"], **fields}
        return self.ask("POST", path, urllib.parse.urlencode(form).encode(),
                        **{"Content-Type": "application/x-www-form-urlencoded", "Origin": self.origin})

    def look_as(self, who, reason="cannot find their ticket"):
        self.get(f"/admin/people/{who.id}")
        a = self.send(f"/admin/people/{who.id}/impersonate", reason=reason)
        expect((a.status, a.header("Location")), (303, "/"), self.page)
        self.follow(a)


def signed_in(who):
    b = Staff()
    b.sign_in(who)
    return b


def audit(what):
    return sql("SELECT action, actor, coalesce(acting_as::text, '-'), coalesce(after->>'reason', '-'), coalesce(after->>'by_itself', '-') "
               f"FROM audit_log WHERE {what} ORDER BY id")


def test_looking_at_the_site_as_somebody_else():
    boss, who, host = person("Boss", role="admin"), person("Quentin", role="organizer"), person("Hosting", role="organizer")
    ev, own, b = event(host, title=unique("Theirs ")), event(who, title=unique("Own ")), signed_in(boss)
    path = f"/admin/people/{who.id}"
    b.get(path)
    before = b.page
    a = b.send(path + "/impersonate", reason=" ")
    expect((a.status, b.parsed().has("Why") or "is required" in b.page or "at least" in b.page, BANNER in b.page), (422, True, False), "a reason is needed")
    b.look_as(who)
    for page in ("/", "/me", "/me/profile", f"/e/{ev['slug']}", f"/admin/events/{own['id']}", "/docs", "/e/nothing-here-0123456789"):
        b.get(page)
        expect((BANNER in b.page, who.email in b.page, boss.email in b.page), (True, True, False), page)
    for page in ("/admin/people", "/admin/system", "/admin/audit", f"/admin/events/{ev['id']}", "/me/second"):
        expect((b.get(page).status, BANNER in b.page), (403, True), page)
    for page in ("/me/second/begin", "/me/second/confirm", "/me/second/off", "/me/sessions/end"):
        b.get("/")
        expect(b.post(page, code="123456").status, 403, page)
    expect(sql(f"SELECT 1 FROM second_factors WHERE user_id = '{who.id}'"), [])
    # a form of before does nothing in their name
    b.page = before
    expect(b.post(path + "/sign-out").status, 403)
    # what is done is theirs, and the log knows better
    b.get(f"/e/{ev['slug']}")
    expect(b.send(f"/e/{ev['slug']}/answer", status="going").status, 303)
    expect(who.get(f"/api/events/{ev['id']}/rsvp").data["status"], "going")
    b.get(f"/admin/events/{own['id']}")
    b.send(f"/admin/events/{own['id']}", title=own["title"] + "!")
    expect(b.send(f"/admin/events/{own['id']}", _step="save").status, 303)
    b.get("/")
    a = b.send("/impersonation/end")
    expect((a.header("Location"), "marquee_as" in b.cookies), (path, False))
    b.follow(a)
    expect((boss.email in b.page, BANNER in b.page), (True, False))
    expect(audit(f"object = '{who.id}' AND action LIKE 'impersonation%'"),
           [["impersonation.began", boss.id, "-", "cannot find their ticket", "-"],
            ["impersonation.ended", boss.id, who.id, "cannot find their ticket", "-"]])
    expect([r[:3] for r in audit(f"acting_as = '{who.id}'")],
           [["registration.changed", boss.id, who.id], ["event.updated", boss.id, who.id], ["impersonation.ended", boss.id, who.id]])
    expect(audit(f"acting_as IS NULL AND object = '{ev['id']}' AND action = 'registration.changed'"), [], "of one's own nobody keeps a log")
    b.get(f"/admin/audit?object={ev['id']}")
    expect(("registration.changed" in b.page, "Boss" in b.page, f'<a href="{path}">Quentin</a>' in b.page), (True, True, True))
    rsvp(person(), ev)
    expect(len(audit(f"object = '{ev['id']}' AND action = 'registration.changed'")), 1)


def test_a_pass_is_worth_nothing_elsewhere():
    boss, other, who = person("Boss", role="admin"), person("Other", role="admin"), person("Quentin")
    b, o = signed_in(boss), signed_in(other)
    b.look_as(who)
    stolen = b.cookies["marquee_as"]
    expect_status(anonymous.get("/users/profile", Authorization=f"Bearer {stolen}"), 401, "it is no token")
    for reader in (o, signed_in(boss), signed_in(who), Staff()):
        signed = dict(reader.cookies)
        reader.cookies["marquee_as"] = stolen
        reader.get("/")
        expect((BANNER in reader.page, reader.cookies.keys() == signed.keys()), (False, True), "of another sign-in")
    b.cookies["marquee_as"] = stolen[:-4] + "AAAA"
    b.get("/me")
    expect((boss.email in b.page, "marquee_as" in b.cookies), (True, False), "changed")
    b.cookies["marquee_as"] = stolen
    b.get("/")
    b.send("/impersonation/end")
    b.cookies["marquee_as"] = stolen
    b.get("/me")
    expect((boss.email in b.page, "marquee_as" in b.cookies), (True, False), "ended")


def test_whom_nobody_may_be():
    boss, other, gone = person("Boss", role="admin"), person("Other", role="admin"), person("Suspended")
    b = signed_in(boss)
    sql(f"UPDATE users SET is_active = false WHERE id = '{gone.id}'")
    for who, status in ((other, 403), (boss, 403), (gone, 409)):
        b.get(f"/admin/people/{who.id}")
        expect("/impersonate" in b.page, False)
        expect((b.post(f"/admin/people/{who.id}/impersonate", reason="curious").status, "marquee_as" in b.cookies), (status, False))
    b.get("/")
    expect(b.post("/admin/people/01890000-0000-7000-8000-000000000000/impersonate", reason="curious").status, 404)
    u = signed_in(person("User"))
    u.get("/")
    expect(u.post(f"/admin/people/{gone.id}/impersonate", reason="curious").status, 403)


def test_it_ends_with_the_sign_in_and_by_itself():
    boss, who = person("Boss", role="admin"), person("Quentin")
    b = signed_in(boss)
    b.look_as(who, "first")
    expect_status(person("Boss").delete("/users/me/sessions"), 200)
    expect((b.get("/me").status, who.email in b.page), (200, True))
    expect_status(boss.login().delete("/users/me/sessions"), 200)
    expect_status(b.get("/me"), 401, "the admin's sign-in is over")
    b = signed_in(boss)
    b.look_as(who, "second")
    b.get("/")
    b.post("/logout")
    expect(b.cookies, {})
    expect(audit(f"object = '{who.id}' AND after->>'reason' = 'second'")[1:], [["impersonation.ended", boss.id, who.id, "second", "-"]])
    b = signed_in(boss)
    b.look_as(who, "third")
    left = sql1(f"SELECT round(extract(epoch FROM run_at - now())) FROM jobs WHERE name LIKE 'impersonation:%' AND arg->>'reason' = 'third'")
    expect(1700 < int(left) <= 1800, True, left)
    sql("UPDATE jobs SET run_at = now() WHERE name LIKE 'impersonation:%' AND arg->>'reason' = 'third'")
    wait_for("the end", lambda: b.get("/me") and BANNER not in b.page)
    expect(boss.email in b.page, True)
    expect(audit(f"object = '{who.id}' AND after->>'reason' = 'third'")[1:], [["impersonation.ended", boss.id, "-", "third", "true"]])
    sql(f"UPDATE users SET role = 'user' WHERE id = '{boss.id}'")  # as if the role were taken without ending sign-ins
    b = signed_in(who)
    b.get("/")
    expect(b.post(f"/admin/people/{who.id}/impersonate", reason="curious").status, 403)


# ---- the second factor ----
def set_up(b):
    b.get("/me/second")
    b.form("/me/second/begin")
    b.get("/me/second")
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", b.page)[1]
    expect(b.form("/me/second/confirm", code=code_of(secret)).status, 200)
    return secret, re.findall(r"<code>([a-z2-7-]{19})</code>", b.page)


def test_staff_needs_a_second_factor():
    with Stack(f'auth.staff_second_factor = on\nauth.jwt_issuer = "{NASTY}"'.replace('"it\'s"', '\\"it\'s\\"'), workers=2) as s:
        made = [person(n, url=s.url) for n in ("Boss", "Hosting", "Member")]
        s.sql(f"UPDATE users SET role = 'admin' WHERE id = '{made[0].id}'")
        boss, host, member = (who.login() for who in made)
        ev = event(host, start_date=instant(20))
        patch = ("PATCH", f"/api/events/{ev['id']}", {"description": "by staff"}, boss.token)
        a = call(*patch, url=s.url)
        expect((a.status, a.code, list(a.details)), (403, "FORBIDDEN", ["second_factor"]))
        a = call(*patch, headers={"Accept": "application/problem+json"}, url=s.url)
        expect((a.status, [e["field"] for e in a.json["errors"]]), (403, ["second_factor"]))
        expect_status(boss.get("/users/profile"), 200, "as a member they may go on")
        own = event(boss)
        b = Staff(s.url)
        b.get("/login?next=/admin/system")
        a = b.form("/login", email=boss.email, password=PASSWORD)
        expect((a.status, a.header("Location")), (303, "/me/second"))
        b.follow(a)
        expect("Admins sign in with a second factor here" in b.page, True)
        for page in ("/admin/", "/admin/events", f"/admin/events/{own['id']}", "/admin/people", "/admin/system", "/admin/audit"):
            expect((b.get(page).status, b.get(page).header("Location")), (303, "/me/second"), page)
        b.get("/me/second")
        for page in ("/admin/categories", "/admin/system/jobs", f"/admin/people/{host.id}/impersonate", f"/admin/events/{own['id']}"):
            expect((b.post(page).status, "second_factor" in b.page), (403, True), page)
            b.get("/me/second")
        expect(b.get("/me").status, 200)
        codes = set_up(b)[1]
        expect((b.get("/admin/").status, b.get("/admin/system").status), (200, 200), "at once")
        expect((b.get("/admin/system").statements <= 5, b.parsed().has(NASTY), "<script>alert" in b.page), (True, True, False), "settings are text")
        expect_status(call(*patch, url=s.url), 200, "the API's token, too")
        n = Staff(s.url)
        n.get("/login?next=/admin/system")
        n.form("/login", email=boss.email, password=PASSWORD)
        a = n.form("/login", code=codes[0])
        expect((a.status, a.header("Location")), (303, "/admin/system"))
        b.get("/me/second")
        expect(b.form("/me/second/off", code=codes[1]).status, 303)
        expect((b.get("/admin/").status, n.get("/admin/").status), (303, 303), "and gone with it")
        m = Staff(s.url)
        m.get("/login?next=/me")
        expect(m.form("/login", email=member.email, password=PASSWORD).header("Location"), "/me", "nobody else is asked")
        h = Staff(s.url)
        h.sign_in(host)
        expect(h.get("/admin/events").status, 200)


if __name__ == "__main__":
    main(globals())
