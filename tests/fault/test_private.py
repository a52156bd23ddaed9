"""tests/fault/test_private.py - behind a web server's cache that knows addresses only, nobody gets another's answer

nginx keeps what it may for every address, with no regard for cookies, tokens and Vary. Two people and a
stranger ask in turn. T_ROUNDS: how many times.
"""
import collections
import os
import random
import shutil
import subprocess
import tempfile

from api import Skip, Stack, call, event, expect, free_port, main, person, rsvp, wait_for
from harness import long_or

CONF = """
daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1; {user}
events {{ worker_connections 512; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/temp;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  proxy_cache_path {folder}/cache keys_zone=all:4m;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass {url}; proxy_cache all; proxy_cache_key $request_uri; proxy_cache_valid any 1m;
      proxy_ignore_headers Vary {ignore}; add_header X-Cache $upstream_cache_status always;
    }}
  }}
}}
"""


class SharedCache:
    """ignore: what more of the answers' headers it does not heed."""

    def __init__(self, url, ignore=""):
        self.upstream, self.ignore = url, ignore

    def __enter__(self):
        if not shutil.which("nginx"):
            raise Skip("nginx is not installed")
        self.folder, port = tempfile.mkdtemp(prefix="marquee-nginx."), free_port()
        with open(self.folder + "/conf", "w", encoding="utf-8") as f:
            f.write(CONF.format(folder=self.folder, port=port, url=self.upstream, ignore=self.ignore,
                                user="user root;" if os.geteuid() == 0 else ""))
        self.process = subprocess.Popen(["nginx", "-p", self.folder, "-c", self.folder + "/conf"],
                                        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.url = f"http://127.0.0.1:{port}"
        wait_for("nginx", self.answers)
        return self

    def answers(self):
        try:
            return call("GET", "/livez", url=self.url).status == 200
        except OSError:
            return False

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)


class World:
    """Alice is going to her own events, one of them private; Bob is interested in the public one."""

    def __init__(self, stack):
        self.alice, self.bob = person("Alice", stack.url), person("Bob", stack.url)
        self.public = event(self.alice)["id"]
        self.hidden = event(self.alice, privacy="private")["id"]
        rsvp(self.alice, {"id": self.public}, "going")
        rsvp(self.bob, {"id": self.public}, "interested")
        self.people = (self.alice, self.bob, None)
        self.paths = [f"/api/events/{self.public}", f"/api/events/{self.hidden}", f"/api/events/{self.public}/rsvp",
                      "/api/users/profile", "/api/events/my"]
        self.want = {(path, who): self.seen(stack.url, path, who)[0] for path in self.paths for who in self.people}
        for path in self.paths:
            expect(self.want[path, self.alice] != self.want[path, self.bob], True, f"{path} is personal")

    @staticmethod
    def seen(url, path, who):
        """What the answer says, counts apart, and the answer."""
        a = call("GET", path, None, who and who.token, url=url)
        return (a.status, without_counts(a.data)), a

    def ask(self, rounds, url):
        """How many answers were another's, and what the cache said of each."""
        wrong, said = collections.Counter(), collections.Counter()
        for _ in range(rounds):
            who, path = random.choice(self.people), random.choice(self.paths)
            got, a = self.seen(url, path, who)
            said[a.header("X-Cache")] += 1
            wrong[path] += got != self.want[path, who]
            if who and not {"private", "no-store"} & words(a):
                wrong[f"{path}: {a.header('Cache-Control')}"] += 1
        return +wrong, said


def without_counts(data):
    if isinstance(data, list):
        return [without_counts(one) for one in data]
    return {k: v for k, v in data.items() if k not in ("stats", "current_attendees")} if data else data


def words(answer):
    return {w.strip() for w in answer.header("Cache-Control").split(",")}


def shared(cache):
    return call("GET", "/api/categories", url=cache.url).header("X-Cache")


def test_nobody_gets_anothers_answer():
    with Stack(workers=2) as s:
        world = World(s)
        with SharedCache(s.url) as cache:
            wrong, said = world.ask(long_or("T_ROUNDS", 600), cache.url)
            print(f"  {dict(said)}")
            expect((wrong, said["HIT"]), ({}, 0), "personal answers are never kept")
            expect(shared(cache), "MISS", "what everybody may see, the first time")
            wait_for("it to be kept, a moment after the answer", lambda: shared(cache) == "HIT")
        with SharedCache(s.url, "Cache-Control") as careless:
            wrong, said = world.ask(200, careless.url)
            expect((sum(wrong.values()) > 20, said["HIT"] > 20), (True, True), "control: it would be seen")


def test_every_answer_to_somebody_is_private():
    """Whatever the address: what is shown to somebody signed in is for nobody else to keep."""
    with Stack(workers=2) as s:
        world = World(s)
        asked = 0
        for path, methods in call("GET", "/openapi.json", url=s.url).json["paths"].items():
            if "get" not in methods:
                continue
            path = path.replace("{id}", world.public)
            for ident in (path, path.replace(world.public, world.hidden)):
                for who in (world.alice, world.bob):
                    a = call("GET", ident, None, who.token, url=s.url)
                    asked += 1
                    same = call("GET", ident, url=s.url)
                    if (a.status, a.data) != (same.status, same.data):
                        expect(bool({"private", "no-store"} & words(a)), True, f"{ident} {a.header('Cache-Control')}")
        expect(asked > 20, True, f"addresses asked: {asked}")


if __name__ == "__main__":
    main(globals())
