"""tests/e2e/test_seed.py - the examples of the seed document's README, run as they stand there.

Only the address is put in the place of theirs, and dates are moved to the future; what later
versions bring (search, recommendations, sockets) is left out by name.
"""
import json
import os
import re
import subprocess

from api import URL, Skip, anonymous, expect, expect_status, main, sql, wait_for

SEED = os.environ.get("T_SEED", os.path.join(os.path.dirname(__file__), "../../../shared/seeds"))


def document():
    names = [n for n in (os.listdir(SEED) if os.path.isdir(SEED) else []) if n.startswith("002")]
    if not names:
        raise Skip("no ../shared/seeds here")
    with open(os.path.join(SEED, names[0]), encoding="utf-8") as f:
        return f.read()


def future(text):
    return re.sub(r"\b2024-", "2099-", text).replace("http://localhost:8080", URL)


def blocks(text, marker):
    """The shell blocks of the document that hold a marker, without their indentation."""
    found = []
    for indent, code in re.findall(r"^( *)```bash\n(.*?)^ *```", text, re.S | re.M):
        if marker in code:
            found.append("\n".join(line.removeprefix(indent) for line in code.splitlines()))
    return found


def shell(code):
    done = subprocess.run(["sh", "-c", code], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                          stdin=subprocess.DEVNULL, check=False)
    expect(done.returncode, 0, done.stderr)
    return done.stdout


def forget(email):
    sql(f"UPDATE users SET email = 'was-' || id || '@example.org' WHERE email = '{email}'")


def test_first_steps():
    """Create Test User, then Create Sample Event (which signs in by curl and jq)."""
    register, sample = blocks(document(), "curl -X POST")[:2]
    forget("test@example.com")
    answer = json.loads(shell(future(register)))
    expect((answer["success"], answer["data"]["user"]["name"]), (True, "Test User"))
    expect(answer["token"], answer["data"]["token"])
    answer = json.loads(shell(future(sample)))
    expect(answer["success"], True)
    event = answer["data"]
    expect((event["title"], event["start_date"], event["location"], event["max_attendees"]),
           ("Sample Event", "2099-12-01T18:00:00Z", "San Francisco, CA", 100))
    expect((event["description"], event["host"]["name"]), ("A sample event", "Test User"))
    expect(anonymous.get(f"/events/{event['id']}").data["id"], event["id"])


def requests(text, heading):
    """[(method, path, body or None)] of a block like "# Login / POST /auth/login / {…}"."""
    code = text.split(heading, 1)[1].split("```bash\n", 1)[1].split("```", 1)[0]
    return [(m, p, json.loads(future(b)) if b.strip() else None)
            for m, p, b in re.findall(r"^(GET|POST|PUT|DELETE) (\S+)[ ]*\n((?:\{.*?^\})?)", code, re.S | re.M)]


def test_authentication_and_events_as_listed():
    text = document()
    forget("user@example.com")
    auth = requests(text, "#### **Authentication**")
    expect([(m, p) for m, p, _ in auth], [("POST", "/auth/register"), ("POST", "/auth/login"), ("POST", "/auth/refresh")])
    expect_status(anonymous.post(auth[0][1], auth[0][2]), 201, "register")
    login = anonymous.post(auth[1][1], auth[1][2])
    expect_status(login, 200, "login")
    expect_status(anonymous.post("/auth/refresh", {"refresh_token": login.data["refresh_token"]}), 200, "refresh")
    as_listed(requests(text, "#### **Events**"), login.data["token"])


def as_listed(listed, token):
    header, event = {"Authorization": f"Bearer {token}"}, {"id": "absent"}
    wanted = {("POST", "/events"): 201, ("POST", "/events/{id}/register"): 201}
    order = sorted(listed, key=lambda r: (r[0], r[1]) != ("POST", "/events"))  # there has to be one first
    expect(len(order), 5, "all five")
    for method, path, body in order:
        a = anonymous.send(method, path.replace("{id}", event["id"]), body, header)
        expect_status(a, wanted.get((method, path), 200), f"{method} {path}")
        if (method, path) == ("POST", "/events"):
            event = a.data
            expect((event["category"], event["tags"], event["max_attendees"]),
                   ("technology", ["tech", "conference", "networking"], 500))
        if path.startswith("/events?"):
            expect(event["id"] in [e["id"] for e in a.data], True, "found by category=tech and location=san-francisco")


def test_answers_have_the_documented_shape():
    text = document()
    ok, bad = (json.loads(re.sub(r"//.*", "", b)) for b in
               re.findall(r"```json\n(\{.*?)```", text.split("### Response Format", 1)[1], re.S)[:2])
    a = anonymous.get("/events?limit=1")
    expect(set(ok) <= set(a.json), True, str(set(a.json)))
    b = anonymous.post("/auth/register", {"email": "nobody"})
    expect((set(b.json), set(bad["error"]) <= set(b.json["error"])), (set(bad), True))
    expect(b.code, bad["error"]["code"])
    expect(set(bad["error"]["details"]) <= set(b.json["error"]["details"][0]), True, "field and reason")


def test_health_and_metrics():
    wait_for("all parts to be well", lambda: json.loads(shell(f"curl -s {URL}/health"))["status"] == "ok")
    expect("http_requests_total" in shell(future("curl http://localhost:8080/metrics")), True)


if __name__ == "__main__":
    main(globals())
