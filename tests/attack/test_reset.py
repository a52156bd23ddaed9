"""tests/attack/test_reset.py - the token with which a forgotten password is replaced: for one use, for ten minutes,
known to nobody but who has the mail (Y14). The mail itself is in tests/e2e/test_mail.py."""
import hashlib
import re
import urllib.parse

from api import PASSWORD, URL, anonymous, expect, expect_status, main, person, request_bytes, reset_token, sql, unique, volley
from deeds import FORM, signed_in
from forms import Page, Reader
from surface import lies_about

NEW = "a new one 77"


def token_for(who, good_for="10 minutes"):
    token = "mqp_" + unique("t").ljust(43, "x")[:43]
    reset_token(who.id, token, good_for)
    return token


def sent(token, password):
    """The form of the page, as volley wants it."""
    body = urllib.parse.urlencode({"token": token, "password": password}).encode()
    return ("POST", "/reset", body, None, {"Content-Type": FORM, "Origin": URL, "Accept": "text/html"})


def test_fifty_at_once_by_the_page():
    who = person("Fifty")
    other, cookies, token = who.login(), signed_in(who), token_for(who)
    answers = volley([sent(token, f"{NEW} {i}") for i in range(50)])
    won = [i for i, a in enumerate(answers) if a.status == 303]
    expect((len(won), {a.status for a in answers} <= {303, 422, 503}), (1, True), str([a.status for a in answers]))
    expect([a.header("Location") for a in answers if a.status == 303], ["/reset?done=1"])
    expect([a.header("Set-Cookie") for a in answers if "Set-Cookie" in a.headers], [], "nobody is signed in by it")
    expect([token in a.header("Location") for a in answers], [False] * 50)
    good = anonymous.post("/auth/login", {"email": who.email, "password": f"{NEW} {won[0]}"})
    expect((good.status, anonymous.post("/auth/login", {"email": who.email, "password": PASSWORD}).status), (200, 401))
    for one in (who, other):
        expect_status(one.get("/users/profile"), 401, "sign-ins of before")
        expect_status(anonymous.post("/auth/refresh", {"refresh_token": one.refresh_token}), 401)
    expect((cookies.get("/me").status, cookies.cookies), (401, {}), "and the cookies")
    expect(sql(f"SELECT count(*) FROM audit_log WHERE action = 'user.password_reset' AND object = '{who.id}'"), [["1"]])


def test_it_is_for_nothing_else():
    """No sign-in by it, in whatever place a token may stand."""
    who = person("Else")
    token = token_for(who)
    for a in (anonymous.get("/users/profile", Authorization="Bearer " + token), anonymous.post("/auth/refresh", {"refresh_token": token}),
              anonymous.get("/me", Accept="text/html", Cookie=f"marquee={token}; marquee_refresh={token}"),
              anonymous.post("/auth/login", {"email": who.email, "password": token}),
              anonymous.get("/users/profile", Authorization="Bearer " + hashlib.sha256(token.encode()).hexdigest())):
        expect_status(a, 401)
    digest = hashlib.sha256(token.encode()).hexdigest()
    expect(sql(f"SELECT hash FROM password_resets WHERE user_id = '{who.id}'"), [[digest]])
    expect_status(anonymous.post("/auth/password/reset", {"token": digest, "password": NEW}), 422, "its hash, out of a stolen table, is worth nothing")
    expect(anonymous.send(*sent("mqp_" + digest[:43], NEW)[:3], headers=sent("", "")[4]).status, 422)
    expect_status(anonymous.post("/auth/password/reset", {"token": token, "password": NEW}), 200, "control: the token is")


def test_ten_minutes_at_most():
    """Of ages around the bound, by the clock of the database."""
    for good_for, status in (("-10 minutes", 422), ("-1 millisecond", 422), ("0 seconds", 422), ("10 minutes", 200)):
        expect_status(anonymous.post("/auth/password/reset", {"token": token_for(person("Late"), good_for), "password": NEW}), status, good_for)


def test_nobody_else_is_told():
    """Neither logs, nor the addresses that are asked from its page, nor those it leads to."""
    who, b = person("Told"), Reader()
    token = token_for(who)
    seen = [b.get("/reset?token=" + token)]
    elements = Page(b.page).elements
    seen.append(b.send("/reset", password="short"))
    elements += Page(b.page).elements
    seen.append(b.send("/reset", password=NEW))
    seen.append(b.follow(seen[-1]))
    expect([a.status for a in seen], [200, 422, 303, 200])
    for a in seen:
        expect((a.header("Referrer-Policy"), a.header("Cache-Control")), ("strict-origin", "no-store"), "only the name of this site, and kept by nobody")
    expect((token in b.page, token in seen[2].header("Location")), (False, False))
    away = [(tag, at) for tag, at in elements for name in ("src", "href", "action") if re.match("(https?:)?//", at.get(name) or "")]
    expect(away, [], "nothing on it comes from elsewhere, or leads there")
    shown = [(tag, at) for tag, at in elements if any(token in (v or "") for v in at.values())]
    expect([(tag, at["name"], at["type"]) for tag, at in shown], [("input", "token", "hidden")] * 2, "in its form, and in no address")
    wrong = token_for(who)
    anonymous.get("/reset?token=" + wrong + "x", Accept="text/html")
    anonymous.post("/auth/password/reset", {"token": wrong, "password": "x"})
    anonymous.get("/api/auth/password/reset?token=" + wrong)
    expect(lies_about([token, wrong]), [])
    spelled = request_bytes(*sent(token, NEW)[:3])
    expect(token.encode() in spelled, True, "control: it was sent")


if __name__ == "__main__":
    main(globals())
