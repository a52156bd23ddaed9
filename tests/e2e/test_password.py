"""tests/e2e/test_password.py - a forgotten password: who may choose a new one, how often, and on which pages

Tokens are planted as if a mail had been sent; the mail itself is in test_mail.py.
"""
import re
import urllib.parse

from api import PASSWORD, anonymous, expect, expect_status, main, person, reset_token, sql, unique, volley
from browser import Browser
from test_pages import get, text_of

NEW = "a new one 77"


def token_for(who, good_for="10 minutes"):
    token = "mqp_" + unique("t").ljust(43, "x")[:43]
    reset_token(who.id, token, good_for)
    return token


def reset(token, password=NEW):
    return anonymous.post("/auth/password/reset", {"token": token, "password": password})


def signs_in(who, password):
    return anonymous.post("/auth/login", {"email": who.email, "password": password}).status == 200


def test_once_and_in_time():
    who = person("Once")
    good, second = token_for(who), token_for(who)
    late = token_for(who, "-1 second")
    for token in (late, "mqp_" + "x" * 43, "mqp_short", "x" * 47, good + "x", good[:-1], good.upper()):
        a = reset(token)
        expect((a.status, list(a.details)), (422, ["token"]), token)
    expect(signs_in(who, PASSWORD), True, "nothing has changed")
    for password in ("short", "x" * 129, ""):
        expect(reset(good, password).status, 422, "the rules of register")
    expect_status(reset(good), 200, "a refused password has not used it up")
    expect([reset(t).status for t in (good, second)], [422, 422], "once; others of the same account are gone with it")
    expect((signs_in(who, PASSWORD), signs_in(who, NEW)), (False, True))
    expect(sql(f"SELECT count(*) FROM password_resets WHERE user_id = '{who.id}'"), [["0"]])


def test_every_sign_in_ends():
    who = person("Everywhere")
    other, browser = who.login(), Browser()
    browser.sign_in(who)
    expect(who.email in text_of(browser.get("/")), True)
    expect_status(reset(token_for(who)), 200)
    for one in (who, other):
        expect_status(one.get("/users/profile"), 401, "access token")
        expect_status(anonymous.post("/auth/refresh", {"refresh_token": one.refresh_token}), 401, "refresh token")
    expect(who.email in text_of(browser.get("/")), False, "cookies, too")


def test_fifty_at_once():
    """Two tokens of one account, from everywhere at one moment: one of all wins."""
    who = person("Fifty")
    tokens = [token_for(who), token_for(who)]
    answers = volley([("POST", "/auth/password/reset", {"token": tokens[i % 2], "password": f"{NEW} {i}"}, None, None)
                      for i in range(50)])
    won = [i for i, a in enumerate(answers) if a.status == 200]
    expect((len(won), {a.status for a in answers} <= {200, 422, 503}), (1, True), str({a.status for a in answers}))
    expect(won and signs_in(who, f"{NEW} {won[0]}"), True)


def test_who_is_away_has_no_new_password():
    for change in ("is_active = false", "deleted_at = now()"):
        who = person("Away")
        token = token_for(who)
        sql(f"UPDATE users SET {change} WHERE id = '{who.id}'")
        expect_status(reset(token), 422, change)


def test_asking_tells_nothing():
    who = person("Asked")
    seen = []
    for address in (who.email, who.email.upper(), f"{unique('nobody')}@example.org"):
        a = anonymous.post("/auth/password/forgot", {"email": address})
        body = re.sub(rb'"(timestamp|request_id)":"[^"]*"', b"", a.body)
        seen.append((a.status, body, a.header("Server-Timing"), a.header("Cache-Control"), len(a.body)))
    expect(seen[1:], seen[:1] * 2)
    expect((seen[0][0], seen[0][2]), (202, "sql;desc=1, cache;desc=0"))
    expect(sql(f"SELECT count(*) FROM mails WHERE address = '{who.email}'"), [["0"]], "mail is not configured here")
    for body in ({"email": "nonsense"}, {}, {"email": "a@b.example\r\nBcc: c@d.example"}):
        expect_status(anonymous.post("/auth/password/forgot", body), 422, str(body))


# ---- the pages ----
def test_the_page_to_ask():
    b = Browser()
    expect('href="/forgot"' in text_of(b.get("/login")), True)
    b.get("/forgot")
    a = b.form("/forgot", email="nonsense")
    expect((a.status, 'value="nonsense"' in b.page, "must be an e-mail address" in b.page, "autofocus" in b.page), (422, True, True, True))
    a = b.form("/forgot", email=f"{unique('nobody')}@example.org")
    expect((a.status, a.header("Location"), a.header("Server-Timing")), (303, "/forgot?sent=1", "sql;desc=1, cache;desc=0"))
    expect('role="status"' in text_of(b.get("/forgot?sent=1")), True)
    expect("Wenn es dieses Konto gibt" in text_of(get("/forgot?sent=1", Accept_Language="de")), True)
    expect(b.form("/forgot", origin="http://evil.example", email="a@b.example").status, 403)


def test_the_page_to_choose():
    who, b = person("Chooser"), Browser()
    token = token_for(who)
    a = b.get("/reset?token=" + token)
    expect((a.status, a.header("Cache-Control"), a.header("Referrer-Policy"), a.header("Server-Timing")),
           (200, "no-store", "strict-origin", "sql;desc=0, cache;desc=0"))
    expect(len(re.findall(r'(?:src|href)="https?:', b.page)), 0, "nobody else is asked for anything")
    a = b.form("/reset", password="short")
    expect((a.status, "Password must" in b.page or "Password " in b.page, token in b.page, "short" in re.findall(r'value="([^"]*)"', b.page)),
           (422, True, True, False), "another try; the password is not shown again")
    a = b.form("/reset", password=NEW)
    expect((a.status, a.header("Location")), (303, "/reset?done=1"))
    expect((b.cookies, 'href="/login"' in text_of(b.get("/reset?done=1"))), ({}, True), "nobody is signed in by this")
    expect((signs_in(who, PASSWORD), signs_in(who, NEW)), (False, True))
    b.get("/reset?token=" + token)
    a = b.form("/reset", password=NEW + "8")
    expect((a.status, 'href="/forgot"' in b.page, token in b.page), (422, True, False), "used already")
    expect('href="/forgot"' in text_of(b.get("/reset")), True, "without a token")
    expect_status(get("/reset?token=" + urllib.parse.quote("x" * 2000)), 422)


def test_a_page_of_others_resets_nothing():
    who, b = person("Victim"), Browser()
    b.get("/reset?token=" + token_for(who))
    expect(b.form("/reset", origin="http://evil.example", password=NEW).status, 403)
    expect(signs_in(who, PASSWORD), True)


if __name__ == "__main__":
    main(globals())
