"""tests/attack/test_foreign_forms.py - what a page elsewhere makes a browser send changes nothing here (Y3): every
form of every page, and every page that is only looked at; and nobody is sent elsewhere from here (Y16)."""
import json
import re
import urllib.parse

from api import PASSWORD, URL, expect, expect_status, main, person, unique
from deeds import DEEDS, KEYLESS, Deed, Scene, signed_in
from forms import Page, Reader, pages
from surface import changed, sums

HOST = urllib.parse.urlsplit(URL).netloc
# What browsers say of where a form comes from.
ELSEWHERE = {
    "another site": {"Origin": "https://evil.example", "Sec_Fetch_Site": "cross-site"},
    "another site, and no word of which": {"Sec_Fetch_Site": "cross-site"},
    "another site that claims to be ours": {"Origin": URL, "Sec_Fetch_Site": "cross-site"},
    "a neighbour": {"Origin": URL, "Sec_Fetch_Site": "same-site"},
    "no page at all": {"Sec_Fetch_Site": "none"},
    "another origin": {"Origin": "http://evil.example"},
    "another port": {"Origin": "http://127.0.0.1:1"},
    "a longer name": {"Origin": URL + ".evil.example"},
    "a name within a name": {"Origin": f"http://evil.example/{HOST}"},
    "somebody at that name": {"Origin": f"http://evil@{HOST}"},
    "an origin that is hidden": {"Origin": "null"},
    "an origin without a scheme": {"Origin": HOST},
    "nowhere": {},
}
_made = []


def deeds():
    """(path, deed) of every form; each is made once."""
    if not _made:
        scene = Scene()
        _made.extend([scene, {path: make(scene).prepare() for path, make in DEEDS.items()}])
    return _made[1].items()


def other_keys(deed):
    """Keys that are not this form's: none, nothing, nearly, somebody else's, and those of another sign-in."""
    if "gate_key" in deed.keys:
        others = [_made[0].through_a_link()]
        found = {"that of another door": Deed(others[0], "/door", "/door").prepare().form["gate_key"]}
    else:
        found = {"that of somebody else": others_key("somebody else", person), "that of another sign-in": others_key("again", lambda: _made[0].visitor)}
    found.update({"none": None, "nothing": "", "nearly": deed.form[deed.keys[-1]][:-1] + "x", "half": deed.form[deed.keys[-1]][:32]})
    return found


_keys = {}


def others_key(word, who):
    if word not in _keys:
        _keys[word] = Deed(signed_in(who()), "/", "/logout").prepare().form["key"]
    return _keys[word]


def attacks(path, deed):
    """(what it is, how it is sent, the answers that are right) of everything that must come to nothing."""
    for name, headers in ELSEWHERE.items():
        yield name, (deed.body(), headers), {403}
    ours = {"Origin": URL, "Sec_Fetch_Site": "same-origin"}
    for name, key in (other_keys(deed).items() if deed.keys and path not in KEYLESS else ()):
        yield "key: " + name, (deed.body(**{deed.keys[-1]: key}, _again=None), ours), {403}
        # forms that outlive a sign-in come back, filled in, to be sent again by somebody who has read them
        yield "key, and a form that comes back: " + name, (deed.body(**{deed.keys[-1]: key}, _again=""), ours), {403, 422}
    as_json = json.dumps({k: v for k, v in deed.form.items() if isinstance(v, str)}).encode()
    for kind, body in (("text/plain", as_json), ("application/json", as_json), ("text/plain", deed.body()), ("multipart/form-data; boundary=x", deed.body())):
        yield kind, (body, {**ours, "kind": kind}), {415}
        yield kind + " from elsewhere", (body, {"Origin": "null", "kind": kind}), {403}
    query = deed.action + "?" + deed.body().decode()
    for method in ("GET", "HEAD"):
        yield method, (None, {"method": method, "path": query}), {404, 405, 422}
    yield "GET that says POST", (None, {"method": "GET", "path": query + "&_method=POST", "X_HTTP_Method_Override": "POST"}), {404, 405, 422}
    yield "the form in the address", (None, {**ours, "path": query}), {403, 415, 422}


def holes(deed, some):
    """Those of some that were not refused as they must be."""
    found = []
    for name, (body, how), right in some:
        a = deed.send(body, **how)
        if a.status not in right:
            found.append(f"{deed.action}, {name}: {a.status}, not {sorted(right)}")
    return found


def local(location):
    """Does a browser stay here when it is sent there? It leaves out tabs and line breaks, takes \\ for /, and many / for
    two."""
    seen = location.strip("".join(map(chr, range(33)))).translate({9: None, 10: None, 13: None}).replace("\\", "/")
    seen = re.sub("^//+", "//", seen)
    there = urllib.parse.urlsplit(urllib.parse.urljoin(URL + "/login", seen))
    return (there.scheme, there.netloc) == ("http", HOST)


# ---- forms ----
def test_every_form_is_attacked():
    forms = {path for method, path in pages() if method == "POST"}
    expect(sorted(forms ^ set(DEEDS)), [], "pages with a form that stand not in deeds.py, or the other way round")
    expect(sorted({m for m, _ in pages()}), ["GET", "POST"])


def test_from_elsewhere_nothing_can_be_done():
    plans = [(deed, list(attacks(path, deed))) for path, deed in deeds()]
    before = sums()
    expect([hole for deed, some in plans for hole in holes(deed, some)], [], "forms that were taken")
    expect(changed(before, sums()), [], "tables that changed")
    print(f"  {sum(len(some) for _, some in plans)} requests to {len(DEEDS)} forms")


def test_control_the_same_forms_from_here_are_taken():
    """Nothing but where they come from, and the key, has kept them from it."""
    before, taken = sums(), []
    for path, deed in deeds():
        a = deed.right()
        expect(a.status, 200 if path == "/me/second/confirm" else 303, f"{path}: {a}")
        to = a.header("Location")
        expect(local(to), True, f"{path} leads to {to!r}")
        taken += holes(deed, [("what stands for a hole", (deed.body(), {"Origin": URL}), {403})])
    expect(len(taken), len(DEEDS), "each of them would have been found")
    want = {"categories", "checkins", "events", "gates", "outbox", "outbox_parked", "password_resets", "refresh_families", "rsvps", "users"}
    expect(sorted(want - set(changed(before, sums()))), [], "tables in which that shows")


# ---- looking ----
def test_looking_changes_nothing():
    deeds()
    scene, seen = _made[0], 0
    names = {"id": scene.event["slug"], "account": scene.visitor.id, "group": "events", "secret": "x" * 43}
    before = sums()
    for method, path in pages():
        if method != "GET":
            continue
        for word, value in names.items():
            path = path.replace("{" + word + "}", scene.event["id"] if word == "id" and path.startswith("/admin/") else value)
        answers = {who: b.get(path) for who, b in {**scene.browsers, "nobody": Reader()}.items()}
        seen += any(a.status == 200 for a in answers.values())
        for who, a in answers.items():
            expect(a.status in (200, 303, 401, 403, 404), True, f"{path} as {who}: {a.status}")
            expect(local(a.header("Location")), True, f"{path} as {who} leads to {a.header('Location')!r}")
    expect(changed(before, sums()), [], "tables that changed")
    expect(seen > 25, True, f"{seen} pages were seen by somebody")


# ---- being sent on ----
HOSTILE = ["//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "\\/evil.example", "/\t/evil.example", "\t//evil.example",
           " //evil.example", "/ /evil.example", "/\r/evil.example", "/\n/evil.example", "/\r\nLocation: https://evil.example",
           "https://evil.example", "https:evil.example", "http:/evil.example", "HTTPS://evil.example/", "javascript:alert(1)",
           "data:text/html,x", "evil.example", "@evil.example", "/%2Fevil.example", "%2F%2Fevil.example", "/%5Cevil.example", "/%09/evil.example",
           "/\u2044evil.example", "/\u3002evil", "/\x01/evil.example", "", "/.//evil.example", "/a/../..//evil.example", "?//evil.example"]


def leads(b):
    """Wherever the page's links and forms lead, and what its forms hold to lead there later."""
    page = Page(b.page)
    return [at.get(name) or "" for _, at in page.elements for name in ("href", "src", "action", "formaction")] + \
        [value for _, fields in page.forms for name, value in fields if name == "next"]


def test_signing_in_leads_nowhere_else():
    who = person("Sent on")
    for n, there in enumerate(HOSTILE):
        for page in ("/login", "/signup"):
            b = Reader()
            a = b.get(f"{page}?next={urllib.parse.quote(there, safe='')}")
            expect(a.status in (200, 400, 422), True, f"{page} {there!r}")
            expect([to for to in leads(b) if not local(to)], [], f"{page}?next={there!r}")
        b.get("/login")
        expect(b.send("/login", email=who.email, password="", next=there).status, 422)
        expect([to for to in leads(b) if not local(to)], [], f"{there!r} after a mistake")
        a = b.send("/login", email=who.email, password=PASSWORD, next=there, kept="a=b" if n % 8 == 0 else None)
        expect(a.status, 303 if n % 8 else 200)
        expect([to for to in [a.header("Location"), *leads(b)] if not local(to)], [], f"signed in with next={there!r}")
        if n % 8 == 1:  # the same code, and each makes an account
            b = Reader()
            b.get("/signup")
            a = b.send("/signup", email=unique("n") + "@example.org", password=PASSWORD, name="N", next=there)
            expect((a.status, local(a.header("Location"))), (303, True), f"signed up with next={there!r}")
    good = Reader()
    good.get("/login?next=" + urllib.parse.quote("/me?a=b&c=//d", safe=""))
    expect(good.send("/login", email=who.email, password=PASSWORD).header("Location"), "/me?a=b&c=//d", "control: a place here is kept")


def test_only_signing_in_takes_a_place_to_go():
    takes = set()
    scene = (deeds(), _made[0])[1]
    for method, path in pages():
        if method == "GET" and "{" not in path:
            answers = [b.get(path + "?next=//evil.example") for b in scene.browsers.values()]
            if any(a.status in (200, 303) for a in answers):
                takes.add(path)
            expect([a.header("Location") for a in answers if not local(a.header("Location"))], [], path)
    expect(takes, {"/login", "/signup"}, "pages that take next=; those must stand in test_signing_in_leads_nowhere_else")


def test_nobody_is_sent_on_by_headers():
    """Who has to sign in first goes back to the page before: to ours. And no name in Host becomes an address."""
    who = person("Asked")
    for before in ("https://evil.example/a", f"http://{HOST}//evil.example/a", f"http://{HOST}/\\evil.example", f"http://evil.example/{HOST}/",
                   f"http://{HOST}.evil.example/x", "//evil.example", "javascript://x", f"http://{HOST}@evil.example/a", ""):
        b = Reader()
        expect_status(b.ask("POST", "/logout", b"", **{"Content-Type": "application/x-www-form-urlencoded", "Origin": URL, "Referer": before}), 401)
        to = b.send("/login", email=who.email, password=PASSWORD).header("Location")
        expect(local(to), True, f"Referer {before!r} leads to {to!r}")
    scene, named = (deeds(), _made[0])[1], 0
    for method, path in pages():
        if method == "GET" and "{" not in path:
            for b in (*scene.browsers.values(), Reader()):
                a = b.ask("GET", path, Host="evil.example", **{"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"})
                named += 1
                expect("evil.example" in b.page + a.header("Location"), False, path)
    expect(named > 50, True, f"{named}")


def test_control_what_leads_away_is_seen():
    away = ["//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", " //evil.example", "https://evil.example",
            "javascript:alert(1)", "http://127.0.0.1:1/", f"http://{HOST}@evil.example/", "/\r/evil.example"]
    expect([to for to in away if local(to)], [])
    expect([to for to in ("/", "/me?next=//evil.example", "/%2F/evil.example", "", "?a=b", f"http://{HOST}/x") if not local(to)], [])


if __name__ == "__main__":
    main(globals())
