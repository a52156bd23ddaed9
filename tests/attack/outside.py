"""tests/attack/outside.py - sqlmap and wapiti against a running stack find nothing, and a planted hole.
For ./dev soak: it takes hours. T_LEVEL and T_RISK are sqlmap's (5 and 3); T_ROUTES: only operations
with one of these words in their name, as in T_ROUTES="get/events patch/". Both stay on this machine:
wapiti's modules that call an address outside (ssrf, xxe) or load lists from there are left out."""
import json
import os
import random
import re
import shutil
import subprocess
import tempfile

from api import URL, Skip, call, event, expect, main, person, request_bytes, rsvp
from planted import Planted
from schema import good
from surface import METHODS, document, parameters

LEVEL, RISK = os.environ.get("T_LEVEL", "5"), os.environ.get("T_RISK", "3")
ROUTES = os.environ.get("T_ROUTES", "/").split()
MODULES = "backup,blindsql,cookieflags,crlf,csp,csrf,exec,file,htaccess,http_headers,permanentxss,redirect,shellshock,sql,xss"
# Ends the sign-in that the tool uses, or takes a tenth of a second each by design.
LEFT_OUT = {("post", "/auth/logout"), ("post", "/auth/register"), ("delete", "/events/{id}")}
# What wapiti would like that does not fit: HSTS belongs to https, X-XSS-Protection to browsers of the past.
BESIDE_THE_POINT = ("Strict-Transport-Security", "X-XSS-Protection")


def need(program):
    if not shutil.which(program):
        raise Skip(f"no {program} here (Debian has it)")


class Target:
    """Somebody signed in, with an event of theirs; the requests of every operation."""

    def __init__(self):
        self.doc, self.host = document(), person("Target")
        self.other = person("Other")
        self.event = event(self.host, title="Target", max_attendees=5)
        rsvp(self.other, self.event)

    def query(self, op):
        rng, words = random.Random(4), []
        for p in op.get("parameters", []):
            if p["in"] == "query" and not p["schema"].get("deprecated"):
                value = good(self.doc, rng, p["schema"])
                words.append(f"{p['name']}={','.join(map(str, value)) if isinstance(value, list) else value}")
        return "?" + "&".join(words).replace(" ", "%20") if words else ""

    def operations(self):
        """(name, method, path with query, JSON body or None)."""
        for path, item in self.doc["paths"].items():
            for method in METHODS:
                if method not in item or (method, path) in LEFT_OUT:
                    continue
                where = path
                for name in parameters(path):
                    where = where.replace("{" + name + "}", (self.event if "events" in path else self.other.user)["id"])
                body = None
                if "requestBody" in item[method]:
                    rng = random.Random(3)
                    body = good(self.doc, rng, item[method]["requestBody"]["content"]["application/json"]["schema"])
                yield f"{method}{path}", method.upper(), where + self.query(item[method]), body


_target = []


def target():
    if not _target:
        _target.append(Target())
    return _target[0]


# ---- sqlmap ----
def sqlmap(*words, folder):
    done = subprocess.run(["sqlmap", "--ignore-stdin", "--batch", "--disable-coloring", "--flush-session", "--threads=2", "--output-dir", folder, *words],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout


def verdict(text):
    if "identified the following injection point" in text:
        return "injectable"
    if re.search("all tested parameters do not appear to be injectable|no parameter\\(s\\) found for testing", text):
        return "nothing"
    return "no verdict: " + text[-1500:]


def test_sqlmap_finds_what_is_planted():
    need("sqlmap")
    with Planted() as holes, tempfile.TemporaryDirectory() as folder:
        expect(verdict(sqlmap("-u", f"{holes.url}/?id=1", "-p", "id", folder=folder)), "injectable")


def test_sqlmap_finds_nothing():
    """Every parameter, header, cookie, member of a body and piece of the path, as somebody signed in."""
    need("sqlmap")
    for name, method, path, body in target().operations():
        if not any(word in name for word in ROUTES):
            continue
        where, _, query = path.partition("?")
        marked = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", r"\g<0>*", where)
        headers = {"X-Request-Id": "abc*", "Cookie": "marquee_lsn=0/1*", "Idempotency-Key": None}
        with tempfile.TemporaryDirectory() as folder:
            file = folder + "/request"
            with open(file, "wb") as f:
                f.write(request_bytes(method, marked + ("?" + query if query else ""), body, target().host.token, headers))
            text = sqlmap("-r", file, f"--level={LEVEL}", f"--risk={RISK}", "--dbms=PostgreSQL", "--skip-waf", "--time-sec=2",
                          "--ignore-code=400,401,403,404,405,409,412,413,415,422", "--answers=custom injection=Y,process=Y", "--technique=BEUSTQ",
                          folder=folder)
        print(f"{name}: {verdict(text)[:60]}, {text.count('testing ')} tests", flush=True)
        expect(verdict(text), "nothing", name)


# ---- wapiti ----
def wapiti(url, *words):
    with tempfile.TemporaryDirectory() as folder:
        report = folder + "/report.json"
        done = subprocess.run(["wapiti", "-u", url + "/", "--scope", "folder", "-m", MODULES, "--flush-session", "--no-bugreport", "-v", "0",
                               "--store-session", folder, "-f", "json", "-o", report, *words],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if not os.path.exists(report):
            return {"no report": [{"info": done.stdout[-1500:]}]}
        with open(report, encoding="utf-8") as f:
            found = json.load(f)
    return {kind: rows for part in ("vulnerabilities", "anomalies") for kind, rows in found[part].items() if rows}


def test_wapiti_finds_what_is_planted():
    need("wapiti")
    with Planted() as holes:
        found = wapiti(holes.url, "-s", holes.url + "/?id=1&q=x")
    expect({k for k in found if "SQL" in k or "Cross Site Scripting" in k} != set(), True, str(list(found)))


def beside_the_point(kind, row):
    """A method that nobody knows gets 501 (RFC 9110), which wapiti takes for a way around a refusal."""
    if kind == "Htaccess Bypass":
        return call("ABC", "/" + row["info"].split("/", 3)[3].split()[0]).status in (405, 501)
    return any(word in row["info"] for word in BESIDE_THE_POINT)


def test_wapiti_finds_nothing():
    need("wapiti")
    words = ["-H", f"Authorization: Bearer {target().host.token}"]
    for _, method, path, _ in target().operations():
        if method == "GET":
            words += ["-s", URL + path]
    found = wapiti(URL, *words)
    left = [f"{kind}: {row['info']} {row.get('http_request', '')[:200]}" for kind, rows in found.items() for row in rows
            if not beside_the_point(kind, row)]
    expect(left, [])


if __name__ == "__main__":
    main(globals())
