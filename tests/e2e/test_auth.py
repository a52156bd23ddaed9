"""tests/e2e/test_auth.py - signing up, in and out, refreshing, bad tokens, profiles, other people."""
import base64
import hashlib
import hmac
import json
import os
import time

from api import (PASSWORD, Client, Skip, Stack, anonymous, call, dev, event, expect, expect_status,
                 main, people, person, sql, sql1, unique, wait_for)

SOMEBODY = "01890000-0000-7000-8000-000000000000"
WORKERS_REACHED = 40  # requests enough to meet every worker


def credentials(**more):
    return {"email": f"{unique('c')}@example.org", "password": PASSWORD, "name": "Carla", **more}


# ---- signing up and in ----
def test_register_answers_tokens_and_profile():
    given = credentials()
    a = anonymous.post("/auth/register", given)
    expect_status(a, 201)
    expect(sorted(a.data), ["expires_in", "refresh_token", "token", "token_type", "user"])
    expect(a.json["token"], a.data["token"], "the token also stands at the top level")
    expect(a.data["token_type"], "Bearer")
    user = a.data["user"]
    expect((user["email"], user["name"], user["role"]), (given["email"], "Carla", "user"))
    expect("password" in a.body.decode(), False, "no password comes back")
    expect(sql1(f"SELECT left(password_hash, 10) FROM users WHERE id = '{user['id']}'"), "$argon2id$")
    expect(a.header("Cache-Control"), "no-store")
    mine = Client(a.data["token"]).get("/users/profile")
    expect_status(mine, 200)
    expect(mine.data, user)


def test_register_and_login_under_every_prefix():
    for prefix in ("", "/api", "/api/v1"):
        given = credentials()
        expect_status(anonymous.post(prefix + "/auth/register", given), 201, prefix)
        given.pop("name")
        expect_status(anonymous.post(prefix + "/auth/login", given), 200, prefix)


def test_known_email_is_a_conflict_in_any_case():
    given = credentials()
    expect_status(anonymous.post("/auth/register", given), 201)
    for email in (given["email"], given["email"].upper()):
        a = anonymous.post("/auth/register", dict(given, email=email))
        expect_status(a, 409, email, "CONFLICT")
        expect_status(anonymous.post("/auth/login", {"email": email, "password": given["password"]}), 200, email)
    expect(sql1(f"SELECT count(*) FROM users WHERE email = '{given['email']}'"), "1")


def test_register_reports_all_errors_at_once():
    a = anonymous.post("/auth/register", {"email": "nobody", "password": "short", "name": "",
                                          "role": "admin"})
    expect_status(a, 422, "", "VALIDATION_ERROR")
    expect(sorted(a.details), ["email", "name", "password", "role"])
    a = anonymous.post("/auth/register", {})
    expect(sorted(a.details), ["email", "name", "password"])
    for password in ("a" * 7, "a" * 129, 12345678, None):
        a = anonymous.post("/auth/register", credentials(password=password))
        expect_status(a, 422, repr(password))
        expect(list(a.details), ["password"])
    for name in ("x" * 101, "  ", "a\u0007b", 5):
        a = anonymous.post("/auth/register", credentials(name=name))
        expect(list(a.details), ["name"], repr(name))


def test_limits_of_password_and_name_are_accepted():
    for more in ({"password": "é" * 8}, {"password": "x" * 128}, {"name": "N"}, {"name": "ß" * 100}):
        given = credentials(**more)
        expect_status(anonymous.post("/auth/register", given), 201, repr(more))
        given.pop("name")
        expect_status(anonymous.post("/auth/login", given), 200, repr(more))


def test_wrong_password_and_unknown_email_answer_the_same():
    given = credentials()
    anonymous.post("/auth/register", given)
    wrong = anonymous.post("/auth/login", {"email": given["email"], "password": "not it at all"})
    unknown = anonymous.post("/auth/login", {"email": "nobody-" + given["email"],
                                             "password": "not it at all"})
    expect_status(wrong, 401, "", "UNAUTHORIZED")
    expect(unknown.status, 401)
    expect(wrong.json["error"], unknown.json["error"])
    expect(sorted(wrong.headers.keys()), sorted(unknown.headers.keys()))
    expect(wrong.header("WWW-Authenticate"), unknown.header("WWW-Authenticate"))


def test_disabled_account_cannot_sign_in_or_act():
    who = person()
    sql(f"UPDATE users SET is_active = false WHERE id = '{who.id}'")
    a = anonymous.post("/auth/login", {"email": who.email, "password": PASSWORD})
    expect_status(a, 401)
    a = anonymous.post("/auth/refresh", {"refresh_token": who.refresh_token})
    expect_status(a, 401)


def test_common_passwords_are_refused_by_default():
    with Stack("auth.refresh_grace = 0ms") as stack:
        stack.configure("auth.refuse_common = on")  # only now: ./dev makes people with such a password
        for word, status in (("password123", 422), ("PASSWORD123", 422), (PASSWORD, 201)):
            a = call("POST", "/auth/register", credentials(password=word), url=stack.url)
            expect_status(a, status, word)
        reuse_outside_grace(stack)


# ---- refresh ----
def refresh(token, url=None):
    return call("POST", "/auth/refresh", {"refresh_token": token}, url=url)


def test_refresh_rotates():
    who = person()
    first = refresh(who.refresh_token)
    expect_status(first, 200)
    expect(first.data["user"]["id"], who.id)
    expect(first.data["refresh_token"] != who.refresh_token, True, "a new one")
    expect_status(Client(first.data["token"]).get("/users/profile"), 200)
    second = refresh(first.data["refresh_token"])
    expect_status(second, 200)
    expect(len({who.refresh_token, first.data["refresh_token"], second.data["refresh_token"]}), 3)
    kept = sql1("SELECT count(*) FROM refresh_tokens WHERE hash IN "
                f"('{who.refresh_token}', '{first.data['refresh_token']}')")
    expect(kept, "0", "only hashes are stored")


def test_refresh_twice_within_the_grace_gives_a_sibling():
    who = person()
    one, two = refresh(who.refresh_token), refresh(who.refresh_token)
    expect((one.status, two.status), (200, 200))
    for a in (one, two):
        expect_status(Client(a.data["token"]).get("/users/profile"), 200)
        expect_status(refresh(a.data["refresh_token"]), 200, "both lines live on")


def reuse_outside_grace(stack):
    """With a grace of nothing every second use is a theft: the whole family ends, no other."""
    who = person(url=stack.url)
    other = who.login()
    newest = refresh(who.refresh_token, stack.url)
    expect_status(newest, 200)
    expect_status(refresh(who.refresh_token, stack.url), 401, "reuse", "UNAUTHORIZED")
    expect_status(refresh(newest.data["refresh_token"], stack.url), 401, "the family ended")
    for token in (who.token, newest.data["token"]):
        for _ in range(WORKERS_REACHED):
            if not expect_status(Client(token, stack.url).get("/users/profile"), 401, "its tokens"):
                return
    expect_status(other.get("/users/profile"), 200, "another sign-in goes on")
    expect_status(refresh(other.refresh_token, stack.url), 200)


def test_bad_refresh_tokens():
    who = person()
    for token in ("x", who.token, who.refresh_token[:-1], who.refresh_token + "A",
                  "mqr_" + "A" * 43, " " + who.refresh_token):
        expect_status(refresh(token), 401, token[:20], "UNAUTHORIZED")
    for token in (None, 5, "", "x" * 2000):
        expect_status(refresh(token), 422, repr(token)[:20])
    expect_status(anonymous.post("/auth/refresh", {}), 422)
    expect_status(Client(who.refresh_token).get("/users/profile"), 401, "no access token")
    expect_status(refresh(who.refresh_token), 200, "the good one still works")


# ---- leaving ----
def refused_everywhere(token, what, path="/users/profile"):
    for _ in range(WORKERS_REACHED):
        if not expect_status(Client(token).get(path), 401, what, "UNAUTHORIZED"):
            return


def test_logout_ends_this_sign_in_on_every_worker():
    who = person()
    other = who.login()
    newer = refresh(who.refresh_token)
    expect_status(who.post("/auth/logout"), 200)
    refused_everywhere(who.token, "the token")
    refused_everywhere(newer.data["token"], "a token of the same sign-in")
    expect_status(refresh(newer.data["refresh_token"]), 401, "its refresh token")
    expect_status(other.get("/users/profile"), 200, "another sign-in goes on")
    expect_status(who.post("/auth/logout"), 401, "nobody is signed in any more")
    expect_status(anonymous.post("/auth/logout"), 401)


def test_a_revocation_written_elsewhere_arrives():
    """Another host writes only to the database; soon every worker knows, all at once."""
    who = person()
    sid = claims_of(who.token)["sid"]
    sql(f"SELECT session_revoke('{sid}', 90000)")
    wait_for("the word of it", lambda: who.get("/users/profile").status == 401)
    refused_everywhere(who.token, "revoked by another host")


def test_role_change_voids_tokens():
    who = person()
    dev("marquee", "user", "role", who.email, "organizer")
    wait_for("the word of it", lambda: who.get("/users/profile").status == 401)
    refused_everywhere(who.token, "a token of the old role")
    expect_status(refresh(who.refresh_token), 401, "and its refresh token")
    again = who.login()
    expect((again.user["role"], claims_of(again.token)["role"]), ("organizer", "organizer"))
    expect_status(again.get("/users/profile"), 200)


def test_tokens_of_the_command_line_and_their_logout():
    who = person()
    token = dev("token", who.email).strip()
    mine = Client(token)
    expect(mine.get("/users/profile").data["id"], who.id)
    expect_status(mine.post("/auth/logout"), 200)
    refused_everywhere(token, "the token of the command line")
    expect_status(who.get("/users/profile"), 200, "not the person's others")


# ---- bad tokens ----
def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def claims_of(token):
    return json.loads(unb64(token.split(".")[1]))


def secret():
    path = os.path.join(os.environ.get("MARQUEE_DEV_STATE", "/nowhere"), "jwt_secret")
    if not os.path.exists(path):
        raise Skip("needs the secret of the stack")
    with open(path, "rb") as f:
        return f.read()


def mint(claims, header=None, key=None, digest=hashlib.sha256):
    if not isinstance(claims, bytes):
        claims = json.dumps(claims).encode()
    header = json.dumps(header or {"alg": "HS256", "typ": "JWT"}).encode()
    signed = b64(header) + "." + b64(claims)
    return signed + "." + b64(hmac.new(key or secret(), signed.encode(), digest).digest())


def forged(token):
    """Every way of ours to be wrong, by name; all but the signed ones need no secret."""
    head, body, sign = token.split(".")
    claims, now = claims_of(token), int(time.time())
    none = b64(b'{"alg":"none","typ":"JWT"}')
    without = {k: mint({n: v for n, v in claims.items() if n != k})
               for k in ("exp", "sub", "iss", "aud", "jti", "iat", "tv", "role")}
    return {
        "garbage": "garbage", "two parts": head + "." + body, "no signature": head + "." + body + ".",
        "none": none + "." + body + ".", "none, signed": none + "." + body + "." + sign,
        "nOnE": b64(b'{"alg":"nOnE","typ":"JWT"}') + "." + body + ".",
        "trailing": token + ".x", "padding": token + "=", "cut": token[:-2],
        "other key": mint(claims, key=b"x" * 48),
        "HS512": mint(claims, {"alg": "HS512", "typ": "JWT"}, digest=hashlib.sha512),
        "RS256": mint(claims, {"alg": "RS256", "typ": "JWT"}),
        "kid": mint(claims, {"alg": "HS256", "typ": "JWT", "kid": "../../dev/null"}),
        "crit": mint(claims, {"alg": "HS256", "typ": "JWT", "crit": ["x"]}),
        "jku": mint(claims, {"alg": "HS256", "typ": "JWT", "jku": "http://127.0.0.1/"}),
        "typ": mint(claims, {"alg": "HS256", "typ": "at+jwt"}),
        "expired": mint(dict(claims, exp=now - 61)), "future": mint(dict(claims, nbf=now + 3600)),
        "issuer": mint(dict(claims, iss="other")), "audience": mint(dict(claims, aud="other")),
        "exp is text": mint(dict(claims, exp=str(claims["exp"]))),
        "exp is huge": mint(dict(claims, exp=2 ** 63)),
        "role": mint(dict(claims, role="god")), "sub": mint(dict(claims, sub="1")),
        "twice": mint(json.dumps(claims)[:-1].encode() + b',"role":"admin"}'),
        "long": mint(dict(claims, pad="x" * 9000))[:8000],
        **{"without " + k: t for k, t in without.items()},
    }


def test_bad_tokens_are_refused_even_where_none_is_needed():
    who = person()
    public = event(who)
    expect_status(Client(mint(claims_of(who.token))).get("/users/profile"), 200, "control: our mint")
    for name, token in forged(who.token).items():
        a = Client(token).get("/users/profile")
        expect_status(a, 401, name, "UNAUTHORIZED")
        expect("Bearer" in a.header("WWW-Authenticate"), True, name)
        expect_status(Client(token).get(f"/events/{public['id']}"), 401, name + " on an open route")
    for value in ("Basic dTpw", "Bearer", "Bearer  ", f"Token {who.token}"):
        expect_status(anonymous.get("/events", Authorization=value), 401, value)
    expect_status(anonymous.get(f"/events?access_token={who.token}"), 422, "never in the query")


def test_no_token_where_one_is_needed():
    for method, path in (("GET", "/users/profile"), ("POST", "/events"), ("GET", "/events/my"),
                         ("POST", "/users/batch"), ("GET", f"/users/{SOMEBODY}")):
        a = anonymous.send(method, path, {} if method == "POST" else None)
        expect_status(a, 401, path, "UNAUTHORIZED")
        expect(a.header("WWW-Authenticate").startswith("Bearer"), True, path)


# ---- profiles ----
FULL = {"name": "Zoë Ångström", "bio": "Line one\nline two", "avatar": "https://example.org/a.png",
        "location": "São Paulo", "coordinates": {"lat": -23.55, "lng": -46.63}, "industry": "Music",
        "interests": ["jazz", "c"], "birthday": "1990-02-28", "timezone": "America/Sao_Paulo",
        "locale": "pt-BR", "privacy": {"show_email": False, "show_birthday": True}}
EMPTY = {"username": None, "bio": None, "avatar": None, "location": None, "coordinates": None,
         "industry": None, "interests": [], "birthday": None, "timezone": "UTC", "locale": "en",
         "privacy": {}}


def subset(doc, keys):
    return {k: doc.get(k) for k in keys}


def test_profile_put_replaces_and_patch_merges():
    who = person()
    full = dict(FULL, username=unique("zo")[:30])
    a = who.put("/users/profile", full)
    expect_status(a, 200)
    expect(subset(a.data, full), full)
    expect(who.get("/users/profile").data, a.data)
    a = who.patch("/users/profile", {"bio": None, "privacy": {"show_email": True}})
    want = dict(full, bio=None, privacy={"show_email": True, "show_birthday": True})
    expect(subset(a.data, full), want)
    expect(subset(who.get("/users/profile").data, full), want)
    a = who.put("/users/profile", {"name": "Just Me"})
    expect(subset(a.data, EMPTY), EMPTY)
    expect(a.data["name"], "Just Me")
    expect_status(who.put("/users/profile", {"bio": "no name"}), 422)
    expect_status(who.patch("/users/profile", {}), 200)


def test_profile_errors_by_name():
    who = person()
    bad = {"name": "", "username": "a b c", "avatar": "javascript:alert(1)", "birthday": "1990-02-30",
           "timezone": "Mars/Phobos", "coordinates": {"lat": 91, "lng": 0}, "interests": ["x"] * 21,
           "bio": "x" * 2001, "role": "admin", "email": "x@example.org", "is_active": True,
           "id": SOMEBODY, "token_epoch": 0, "password_hash": "x"}
    a = who.patch("/users/profile", bad)
    expect_status(a, 422, "", "VALIDATION_ERROR")
    want = {"coordinates.lat" if k == "coordinates" else k for k in bad}
    expect(set(a.details), want)
    expect(who.get("/users/profile").data, who.user, "nothing changed")
    for body in (b"[]", b'"x"', b"5", b"null"):
        a = who.patch("/users/profile", body, Content_Type="application/json")
        expect_status(a, 422, repr(body), "VALIDATION_ERROR")


def test_username_is_unique_in_any_case():
    one, two, name = person(), person(), unique("u")[:30]
    expect_status(one.patch("/users/profile", {"username": name}), 200)
    a = two.patch("/users/profile", {"username": name.upper()})
    expect_status(a, 409, "", "CONFLICT")
    expect(list(a.details), ["username"])
    expect_status(one.patch("/users/profile", {"username": name}), 200, "one's own again")


def test_a_new_name_reaches_the_host_of_events():
    who = person("Before")
    ev = event(who)
    who.patch("/users/profile", {"name": "After"})
    expect(who.get(f"/users/{who.id}").data["name"], "After")
    wait_for("the job that refreshes documents",
             lambda: anonymous.get(f"/events/{ev['id']}?fresh=1").data["host"]["name"] == "After")


# ---- other people ----
def test_short_view_and_who_may_ask_for_more():
    who, reader = person("Shown"), person("Reader")
    a = reader.get(f"/users/{who.id}")
    expect_status(a, 200)
    expect(a.data, {"id": who.id, "name": "Shown", "username": None, "avatar": None})
    expect_status(reader.get(f"/users/{SOMEBODY}"), 404, "", "NOT_FOUND")
    expect_status(reader.get("/users/nobody"), 404)
    expect_status(anonymous.get(f"/users/{who.id}"), 401)
    for path in (f"/users/{who.id}/validate", f"/users/{who.id}/profile"):
        expect_status(reader.get(path), 403, path, "FORBIDDEN")
        expect_status(who.get(path), 200, "oneself: " + path)
    expect_status(reader.post("/users/batch", {"user_ids": [who.id]}), 403)


def test_services_validate_and_batch():
    service, some = person("Service", role="service"), people(3)
    expect(service.get(f"/users/{some[0].id}/validate").data,
           {"exists": True, "is_active": True, "name": "Person 0"})
    expect(service.get(f"/users/{SOMEBODY}/validate").data,
           {"exists": False, "is_active": False, "name": None})
    sql(f"UPDATE users SET is_active = false WHERE id = '{some[1].id}'")
    expect(service.get(f"/users/{some[1].id}/validate").data["is_active"], False)
    shown = service.get(f"/users/{some[0].id}/profile")
    expect_status(shown, 200)
    expect({"email", "birthday", "privacy"} & set(shown.data), set(), "nothing private")
    ids = [some[2].id, SOMEBODY, some[0].id]
    a = service.post("/users/batch", {"user_ids": ids})
    expect_status(a, 200)
    expect([u["id"] for u in a.data], [some[2].id, some[0].id], "in the order asked")
    expect_status(service.post("/users/batch", {"user_ids": [SOMEBODY] * 100}), 200, "100")
    expect_status(service.post("/users/batch", {"user_ids": [SOMEBODY] * 101}), 422, "101")
    a = service.post("/users/batch", {"user_ids": [SOMEBODY, "x", 5]})
    expect(sorted(a.details), ["user_ids[1]", "user_ids[2]"])
    expect_status(service.post("/users/batch", {}), 422)
    expect_status(service.post("/events", {"title": "No", "start_date": "2099-01-01T00:00:00Z"}), 403,
                  "a service creates no events")


def test_roles_and_their_permissions():
    want = {"user": ["events:read", "events:create"],
            "admin": ["events:read", "events:create", "events:update", "events:delete", "users:manage",
                      "admin:access"]}
    for role, permissions in want.items():
        claims = claims_of(person(role=role).token)
        expect(sorted(claims["permissions"]), sorted(permissions), role)
        expect({"sub", "email", "role", "iat", "exp", "jti", "iss", "aud", "tv"} - set(claims), set())


if __name__ == "__main__":
    main(globals())
