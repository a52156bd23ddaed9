"""tests/attack/test_limits.py - how often, from where, with which key: rate limits, origins, sign-in by
known and unknown people, refresh tokens, RS256, and errors of the inside. One stack of its own."""
import base64
import fcntl
import hashlib
import hmac
import json
import math
import os
import re
import struct
import subprocess
import time

from api import PASSWORD, Stack, call, expect, expect_status, in_threads, instant, main, unique
from surface import leaks

LONG = os.environ.get("T_LONG") == "1"
BROWSE, CREATE, LOGIN = 20, 5, 6
GOOD = "https://app.example.org"
F_OFD_SETLK = 37
HASH_SLOTS = (1, 16)  # SHM_LOCK_HASH_FIRST and LAST (src/core/shm.h)
SETTINGS = f"""limits.enabled = on
limits.browse = {BROWSE}
limits.create = {CREATE}
limits.login = {LOGIN}
http.cors_origins = {GOOD}
auth.refresh_grace = 0ms
auth.hash_wait = 0ms
"""
_stacks = []


def stack():
    return _stacks[0]


def ask(method, path, body=None, token=None, address=None, **headers):
    head = {k.replace("_", "-"): v for k, v in headers.items()}
    if address:
        head["X-Forwarded-For"] = address
    return call(method, path, body, token, head, stack().url)


def allowed(limit, began):
    """What may have been accepted since: the limit, and what has come back meanwhile."""
    return limit + math.ceil((time.monotonic() - began) * limit / 3600) + 1


# ---- before any proxy is trusted ----
def test_01_ten_times_the_limit_at_once():
    began = time.monotonic()
    answers = in_threads(lambda i: ask("GET", "/events?limit=1").status, 10 * BROWSE, 10)
    expect(set(answers), {200, 429})
    expect(BROWSE <= answers.count(200) <= allowed(BROWSE, began), True, f"{answers.count(200)} accepted")


def test_02_spoofed_addresses_buy_nothing():
    for i in range(30):
        address = f"203.0.113.{i}"
        a = ask("GET", "/events?limit=1", X_Forwarded_For=address, Forwarded=f"for={address}", X_Real_IP=address,
                X_Client_IP=address, True_Client_IP=address, CF_Connecting_IP=address)
        expect_status(a, 429, address, "RATE_LIMITED")
        expect(int(a.header("Retry-After")) > 0, True)
    a = ask("GET", "/metrics", X_Forwarded_For="203.0.113.9")
    expect_status(a, 200, "and take nothing away: this is still the machine itself")


def test_03_only_listed_origins():
    doc = ask("GET", "/openapi.json").json
    for path, item in doc["paths"].items():
        url = path.replace("{id}", "01890000-0000-7000-8000-000000000000")
        for origin in ("https://evil.example.org", "null", GOOD + ".evil.org", GOOD.upper(), "http://app.example.org", "*", "", GOOD):
            a = ask("OPTIONS", url, Origin=origin, Access_Control_Request_Method="POST")
            expect(a.header("Access-Control-Allow-Origin"), origin if origin == GOOD else "", f"{path} {origin}")
            expect("Access-Control-Allow-Credentials" in a.headers, False, path)
            expect("Origin" in a.header("Vary"), True, path)
        if "get" in item:
            for origin in (GOOD, "null"):
                a = ask("GET", url, Origin=origin)
                expect(a.header("Access-Control-Allow-Origin"), GOOD if origin == GOOD else "", path)
                expect("Origin" in a.header("Vary"), True, path)


# ---- behind a proxy ----
def shm_file():
    with open(stack().state + "/run", encoding="utf-8") as f:
        run = f.read().strip()
    with open(stack().state + "/marquee.conf", encoding="utf-8") as f:
        folder = re.search(r"shm.dir = (\S+)", f.read()).group(1)
    return f"{folder or run}/coherence.v1"


def test_04_behind_a_proxy_only_its_own_word_counts():
    stack().configure("http.trusted_proxies = 127.0.0.1 10.0.0.0/8")
    size = os.path.getsize(shm_file())

    def count(n, address):
        return [ask("GET", "/events?limit=1", address=address(i)).status for i in range(n)].count(200)
    began = time.monotonic()
    expect(count(BROWSE + 5, lambda i: f"192.0.2.{i}, 198.51.100.7, 10.1.2.3") <= allowed(BROWSE, began), True,
           "what the client wrote in front changes nothing")
    expect(count(1, lambda i: "198.51.100.8"), 1, "another address has its own")
    began = time.monotonic()
    expect(count(BROWSE + 5, lambda i: f"2001:db8:1:2:{i:x}::{i:x}") <= allowed(BROWSE, began), True,
           "a /64 is one client")
    expect(count(1, lambda i: "2001:db8:1:3::1"), 1, "the next /64 is another")
    began = time.monotonic()
    expect(count(BROWSE + 5, lambda i: f"::ffff:198.51.100.{9}") <= allowed(BROWSE, began), True)
    expect(count(1, lambda i: "198.51.100.9"), 0, "IPv4 in IPv6 is the same client")
    many = 20000 if LONG else 400
    expect(count(many, lambda i: f"198.18.{i // 250}.{i % 250}"), many, "everybody has their own")
    expect(os.path.getsize(shm_file()), size, "memory does not grow with addresses")


def test_04b_forgotten_passwords_are_limited_by_client_and_by_address():
    def forgot(i, email, address):
        return ask("POST", "/auth/password/forgot", {"email": email}, address=address).status
    began = time.monotonic()
    one = in_threads(lambda i: forgot(i, f"{unique('f')}@example.org", "198.51.100.77"), 10 * LOGIN, 10)
    expect(set(one), {202, 429})
    expect(LOGIN <= one.count(202) <= allowed(LOGIN, began), True, f"{one.count(202)} from one client")
    email = f"{unique('f')}@example.org"
    many = in_threads(lambda i: forgot(i, email if i % 2 else email.upper(), f"198.51.105.{i}"), 5 * LOGIN, 10)
    expect(LOGIN <= many.count(202) <= allowed(LOGIN, began), True, f"{many.count(202)} for one address")
    a = ask("POST", "/auth/password/forgot", {"email": email}, address="198.51.105.200")
    expect((a.status, a.code, int(a.header("Retry-After")) > 0), (429, "RATE_LIMITED", True))


def test_05_signing_in_is_limited_by_address_and_by_account():
    owner = sign_up("owner", "198.51.100.20")
    attacker = "198.51.100.66"
    tries = in_threads(lambda i: sign_in(owner["email"], f"wrong {i}", attacker).status, 10 * LOGIN, 10)
    expect(tries.count(401) + tries.count(503) <= LOGIN + 1, True, str(tries))
    expect(tries.count(429) >= 9 * LOGIN - 1, True, str(tries))
    expect_status(sign_in(unique("x") + "@example.org", "another account", attacker), 429, "by address too")
    expect_status(sign_in(owner["email"], PASSWORD, "198.51.100.20"), 200, "the owner is not locked out")
    token = sign_in(owner["email"], PASSWORD, "198.51.100.20").data["token"]
    a = ask("POST", "/auth/login", {"email": owner["email"], "password": "x"}, token, attacker)
    expect_status(a, 429, "a token at hand buys no more tries")


def sign_in(email, password, address):
    return ask("POST", "/auth/login", {"email": email, "password": password}, address=address)


def sign_up(word, address):
    given = {"email": f"{unique(word)}@example.org", "password": PASSWORD, "name": word.title()}
    a = ask("POST", "/auth/register", given, address=address)
    expect_status(a, 201, word)
    return {**given, "data": a.data}


def test_06_a_person_s_own_limit_comes_first():
    who = sign_up("maker", "198.51.100.30")["data"]["token"]
    made = [ask("POST", "/events", {"title": "Limited", "start_date": instant()}, who, f"198.51.100.{100 + i}")
            for i in range(CREATE + 3)]
    expect([a.status for a in made], [201] * CREATE + [429] * 3, "whatever the address")
    expect(made[-1].header("RateLimit-Policy").startswith('"create"'), True, made[-1].header("RateLimit-Policy"))


# ---- who is known here ----
class AllSlots:
    """Every place to hash a password is taken, by this test."""

    def __enter__(self):
        self.file = os.open(shm_file(), os.O_RDWR)
        first, last = HASH_SLOTS
        lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, first, last - first + 1, 0)
        fcntl.fcntl(self.file, F_OFD_SETLK, lock)
        return self

    def __exit__(self, *_):
        os.close(self.file)


def both(owner, n):
    """The same wrong password for somebody and for nobody."""
    return (sign_in(owner["email"], "not it at all", f"198.51.101.{n}"),
            sign_in(unique("nobody") + "@example.org", "not it at all", f"198.51.101.{n + 1}"))


def test_07_an_unknown_person_costs_a_hash_too():
    """Counted, not timed: without a place to hash neither can be answered."""
    owner = sign_up("known", "198.51.100.40")
    for n in range(0, 6, 2):
        known, unknown = both(owner, n)
        expect((known.status, unknown.status), (401, 401), "control: places are free")
        expect(known.json["error"], unknown.json["error"])
        expect(sorted(known.headers.keys()), sorted(unknown.headers.keys()))
        expect(len(known.body) - len(known.json["timestamp"]), len(unknown.body) - len(unknown.json["timestamp"]),
               "bytes but for the time, which has no .000 at a full second")
    with AllSlots():
        known, unknown = both(owner, 8)
        expect((known.status, unknown.status), (503, 503), "all places are taken")
        expect(known.json["error"], unknown.json["error"])


def test_08_a_refresh_token_serves_once():
    who = sign_up("fresh", "198.51.100.50")["data"]
    token = who["refresh_token"]
    kept = stack().sql(f"SELECT t.hash FROM refresh_tokens t JOIN refresh_families f ON f.id = t.family_id "
                       f"WHERE f.user_id = '{who['user']['id']}'")
    expect(kept, [[hashlib.sha256(token.encode()).hexdigest()]], "only the hash is stored")
    secret = base64.urlsafe_b64decode(token.removeprefix("mqr_") + "=")
    expect(len(secret) * 8 >= 128, True, f"{len(secret) * 8} bits")
    used = in_threads(lambda i: ask("POST", "/auth/refresh", {"refresh_token": token}, address=f"198.51.102.{i}"), 50, 25)
    good = [a for a in used if a.status == 200]
    expect((len(good), {a.status for a in used}), (1, {200, 401}), "50 uses at once")
    expect_status(ask("POST", "/auth/refresh", {"refresh_token": good[0].data["refresh_token"]}, address="198.51.102.99"), 401,
                  "and the family has ended: one of the two was a thief")


def test_09_refresh_tokens_are_random():
    who = sign_up("random", "198.51.100.60")["data"]
    tokens, bits = [who["refresh_token"]], [0] * 256
    for i in range(40):
        a = ask("POST", "/auth/refresh", {"refresh_token": tokens[-1]}, address=f"198.51.103.{i}")
        tokens.append(a.data["refresh_token"])
    expect(len(set(tokens)), 41)
    for token in tokens:
        for n, byte in enumerate(base64.urlsafe_b64decode(token.removeprefix("mqr_") + "=")):
            for b in range(8):
                bits[8 * n + b] += byte >> b & 1
    expect([n for n, ones in enumerate(bits) if ones in (0, 41)], [], "bits that never change")


# ---- keys ----
def settings(*pairs):
    """Replaces old by new, old by new … in the stack's configuration and starts what it concerns."""
    with open(stack().env["MARQUEE_DEV_CONF"], encoding="utf-8") as f:
        text = f.read()
    for old, new in zip(pairs[::2], pairs[1::2]):
        text = text.replace(old, new)
    with open(stack().env["MARQUEE_DEV_CONF"], "w", encoding="utf-8") as f:
        f.write(text)
    stack().configure("")


def openssl(*words):
    return subprocess.run(["openssl", *words], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def make_key(name, bits):
    """As marquee.conf(5) tells it."""
    path = f"{stack().folder}/{name}.pem"
    openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}", "-out", path)
    openssl("pkey", "-in", path, "-pubout", "-out", path + ".pub")
    os.chmod(path, 0o644)
    return path


def part(token, n):
    text = token.split(".")[n]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def hs256(header, claims, key):
    text = b64(json.dumps(header).encode()) + "." + b64(json.dumps(claims).encode())
    return text + "." + b64(hmac.new(key, text.encode(), hashlib.sha256).digest())


def profile(token):
    return ask("GET", "/users/profile", None, token, "198.51.100.70").status


def test_10_rs256_from_secret_to_keys_and_on_to_new_ones():
    old = sign_up("keys", "198.51.100.71")
    one, two, weak = make_key("one", 2048), make_key("two", 3072), make_key("weak", 1024)
    stack().configure(f"auth.jwt_alg = RS256\nauth.jwt_private_key_file = {one}\n"
                      f"auth.jwt_public_key_files = {two}.pub")
    expect(profile(old["data"]["token"]), 401, "what the secret signed is void")
    first = sign_in(old["email"], PASSWORD, "198.51.100.72").data["token"]
    der = openssl("pkey", "-in", one, "-pubout", "-outform", "DER")
    expect(part(first, 0), {"alg": "RS256", "typ": "JWT", "kid": hashlib.sha256(der).hexdigest()[:32]})
    expect(profile(first), 200)
    with open(one + ".pub", "rb") as f:
        public = f.read()
    for header in ({"alg": "HS256", "typ": "JWT"}, dict(part(first, 0), alg="HS256"), part(first, 0)):
        expect(profile(hs256(header, part(first, 1), public)), 401, f"the public key as a secret, {header}")
    for more in ({"kid": "../../../dev/null"}, {"kid": "' OR '1'='1"}, {"jku": "http://127.0.0.1/"}, {"crit": ["x"]}):
        expect(profile(hs256({**part(first, 0), **more}, part(first, 1), public)), 401, str(more))
    settings(one + "\n", two + "\n", two + ".pub", one + ".pub")
    second = sign_in(old["email"], PASSWORD, "198.51.100.73").data["token"]
    expect((profile(first), profile(second)), (200, 200), "two keys are valid")
    expect(part(first, 0)["kid"] != part(second, 0)["kid"], True)
    check_keys(two, weak)


def check_keys(two, weak):
    """marquee config check and doctor tell of keys that cannot be used."""
    def said(*words, **env):
        done = subprocess.run([stack().env.get("T_DEV") or os.environ["T_DEV"], "marquee", *words], check=False,
                              env=dict(stack().env, **env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.returncode, done.stdout
    expect(said("config", "check")[0], 0)
    for path, word in ((weak, "1024 bits"), ("/nowhere", "cannot be opened"), (two + ".pub", "not an RSA private key")):
        code, text = said("config", "check", MARQUEE_AUTH_JWT_PRIVATE_KEY_FILE=path)
        expect((code != 0, word in text), (True, True), f"{path}: {text}")
        expect("FAIL token keys" in said("doctor", MARQUEE_AUTH_JWT_PRIVATE_KEY_FILE=path)[1], True, path)
    expect("everybody on this host may read the private key" in said("doctor")[1], True)
    os.chmod(two, 0o600)
    expect(re.search("ok +token keys +RS256, signs as [0-9a-f]{32}, 2 accepted", said("doctor")[1]) is not None, True)
    os.chmod(two, 0o644)


# ---- the inside out ----
LEAKS = (r"SELECT|INSERT|column|relation|function", r"/run/")


def test_11_errors_of_the_inside_stay_there():
    """The tables are taken away under a running program, then the database itself."""
    who = sign_in(sign_up("last", "198.51.100.80")["email"], PASSWORD, "198.51.100.80").data["token"]
    ev = ask("POST", "/events", {"title": "Last", "start_date": instant()}, who, "198.51.100.80").data
    stack().sql("ALTER VIEW event_texts RENAME TO texts_away; ALTER TABLE event_docs RENAME COLUMN doc TO doc_away; ALTER TABLE rsvps RENAME TO rsvps_away; SELECT cache_epoch_bump()")
    broken = 0
    for method, path, body in (("GET", "/events", None), ("GET", f"/events/{ev['id']}?fresh=1", None), ("GET", "/events/my", None),
                               ("POST", f"/events/{ev['id']}/rsvp", {"status": "going"}), ("PATCH", f"/events/{ev['id']}", {"title": "Other"}),
                               ("GET", f"/events/{ev['id']}/attendees", None), ("POST", "/events", {"title": "Yet another", "start_date": instant()})):
        for accept in ("application/json", "application/problem+json"):
            a = ask(method, path, body, who, "198.51.100.80", Accept=accept)
            text = a.body.decode()
            broken += a.status == 500
            expect(a.status in (500, 503, 429), True, f"{path} {a!r}")
            expect(leaks(text, *LEAKS), [], f"{method} {path} {text}")
            expect(a.header("X-Request-Id") in text and a.header("X-Request-Id") != "", True, f"request id, {path} {text}")
    expect(broken >= 6, True, f"control: {broken} answers were of 500")


def test_99_no_sanitizer_has_complained():
    stack().dev("down")
    expect([n for n in os.listdir(stack().state + "/log") if n.startswith("report.")], [])


if __name__ == "__main__":
    with Stack(SETTINGS) as _own:
        _stacks.append(_own)
        main(globals())
