"""tests/e2e/test_shared_cache.py - a shared cache in front, its key without who is asking, mixes up nobody (Y21)

nginx once more, as the site's configuration has it but with fastcgi_cache for everything. T_REQUESTS: how many.
"""
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile

from api import Stack, anonymous, call, event, expect, free_port, main, person, rsvp, wait_for
from browser import Browser
from forms import pages

REQUESTS = int(os.environ.get("T_REQUESTS", "600"))
CACHE = """
		fastcgi_cache shared;
		fastcgi_cache_key $request_uri;
		fastcgi_cache_valid any 60s;
		add_header X-Cache $upstream_cache_status always;
"""


class Caching:
    """A second nginx before the same workers, with lines of its own."""

    def __init__(self, stack, more=""):
        self.stack, self.more, self.port = stack, more, free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="marquee-cache.")
        os.chmod(self.folder, 0o777)
        web = self.stack.state + "/web"
        with open(web + "/marquee.conf", encoding="utf-8") as f:
            site = re.sub(r"listen \S+", f"listen 127.0.0.1:{self.port}", f.read())
        with open(web + "/main.conf", encoding="utf-8") as f:
            outer = f.read().replace(web + "/marquee.conf", self.folder + "/site").replace(
                f"pid {web}", f"pid {self.folder}").replace(
                "http {", f"http {{ fastcgi_cache_path {self.folder}/cache keys_zone=shared:10m;")
        with open(self.folder + "/site", "w", encoding="utf-8") as f:
            f.write(site.replace("location / {", "location / {" + CACHE + self.more, 1))
        with open(self.folder + "/main", "w", encoding="utf-8") as f:
            f.write(outer)
        run_as = ["setpriv", "--reuid=www-data", "--regid=www-data", "--init-groups", "--"] if os.getuid() == 0 else []
        self.process = subprocess.Popen(run_as + ["nginx", "-e", "stderr", "-p", self.folder, "-c", self.folder + "/main"],
                                        env=dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin"))
        wait_for("nginx", lambda: _answers(self.url))
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def _answers(url):
    try:
        return call("GET", "/livez", url=url).status == 200
    except OSError:
        return False


def whose(answer, people):
    """Who an answer speaks of, None when nobody in particular."""
    text = answer.body.decode()
    return next((p for p in people if p.email in text or p.id in text), None)


def interleaved(stack, url, n):
    """Requests of two people and of nobody, in turn by chance: answers that speak of the wrong one."""
    host, people = person("Host", stack.url), [person(f"Reader {i}", stack.url) for i in range(2)]
    public, private = event(host), event(people[0], privacy="private")
    for who, status in zip(people, ("going", "maybe")):
        rsvp(who, public, status)
    wanted = {people[0].id: "going", people[1].id: "maybe"}
    paths = ["/api/users/profile", f"/api/events/{public['id']}/rsvp", f"/api/events/{public['id']}",
             f"/api/events/{private['id']}", "/api/events/my", "/api/events?limit=5"]
    wrong, hits = [], 0
    for _ in range(n):
        who, path = random.choice(people + [None]), random.choice(paths)
        a = call("GET", path, None, who and who.token, None, url)
        hits += a.header("X-Cache") == "HIT"
        mine = isinstance(a.data, dict) and (a.data.get("my_rsvp") or {}).get("status")
        other = [p for p in people if p is not who]
        if path != paths[3] and path != paths[5] and path != paths[4] and whose(a, other):
            wrong.append(f"{path}: of somebody else")
        if path == paths[2] and mine and (who is None or mine != wanted[who.id]):
            wrong.append(f"{path}: answer {mine} of somebody else")
        if path == paths[3] and a.status != (200 if who is people[0] else 404):
            wrong.append(f"{path}: {a.status}")
        if path == paths[0] and (a.status == 401) != (who is None):
            wrong.append(f"{path}: {a.status}")
    return wrong, hits


def interleaved_pages(stack, url, n):
    """The same with every page that is looked at: two who are signed in by cookies, and nobody."""
    readers = {who: Browser(stack.url) for who in (person("Page A", stack.url, "admin", stack.state), person("Page B", stack.url), None)}
    for who, b in readers.items():
        expect(who is None or b.sign_in(who).status == 303, True)
    ev = event(next(iter(readers)))
    paths = [path.replace("{id}", ev["id"]).replace("{group}", "events").replace("{account}", ev["host_id"]).replace("{secret}", "x" * 43)
             for method, path in pages(stack) if method == "GET"]
    wrong, hits, theirs = [], 0, 0
    for b in readers.values():
        b.client.url = url
    for _ in range(n):
        who, path = random.choice(list(readers)), random.choice(paths)
        a = readers[who].get(path)
        hits += a.header("X-Cache") == "HIT"
        seen = re.findall(r'<a href="/me">([^<]*@[^<]*)</a>', readers[who].page)
        theirs += seen != []
        if seen != ([who.email] if who and seen else []):
            wrong.append(f"{path}: of somebody else")
        if who and not seen and "/embed" not in path and a.header("Content-Type").startswith("text/html"):
            wrong.append(f"{path}: of nobody, {a.status}")
    expect(theirs > n / 4, True, f"{theirs} of {n} pages named their reader")
    return wrong, hits


def test_a_shared_cache_mixes_up_nobody():
    with Stack() as stack:
        stack.use("nginx")
        with Caching(stack) as cache:
            # What may be kept, is: the cache works. It writes a moment after it has answered.
            wait_for("a public answer to be kept", lambda: call("GET", "/api/categories", url=cache.url).header("X-Cache") == "HIT")
            wrong, hits = interleaved(stack, cache.url, REQUESTS)
            print(f"  {REQUESTS} requests, {hits} from the cache, {len(wrong)} of them wrong")
            expect(wrong, [], "answers of somebody else")
            wrong, hits = interleaved_pages(stack, cache.url, REQUESTS)
            print(f"  {REQUESTS} pages, {hits} from the cache, {len(wrong)} of them wrong")
            expect(wrong, [], "pages of somebody else")
        with Caching(stack, "fastcgi_ignore_headers Cache-Control Vary;") as deaf:
            for mixed in (interleaved, interleaved_pages):
                expect(len(mixed(stack, deaf.url, 100)[0]) > 0, True, "control: a cache that does not listen mixes them up")


def test_everything_personal_says_so():
    who = person()
    ev = event(who)
    rsvp(who, ev)
    for path in ("/api/users/profile", "/api/events/my", f"/api/events/{ev['id']}", f"/api/events/{ev['id']}/rsvp",
                 f"/api/events/{ev['id']}/attendees", f"/api/events/{ev['id']}/waitlist", "/api/events",
                 f"/api/users/{who.id}", "/api/nothing", f"/api/events/{ev['id']}x"):
        for asks in (who, anonymous):
            a = asks.get(path)
            kept = {w.strip() for w in a.header("Cache-Control").split(",")}
            expect(bool(kept & {"private", "no-store"}), True, f"{path} {a.status} {kept}")


if __name__ == "__main__":
    main(globals())
