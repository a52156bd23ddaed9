"""tests/bench/stage.py - where the benchmark plays: a stack with a durable database, filled; pools of
workers and of bare responders, of which the web server sees one at a time.

A web server connects by name for every request, so a symbolic link in place of the socket decides who
answers: changing it needs no reload, and any server will do.
"""
import base64
import hashlib
import hmac
import json
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid

from api import DEV, Stack, free_port, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
PG_BIN = "/usr/lib/postgresql/15/bin"
PGCONF = """shared_buffers = 512MB
max_connections = 120
max_wal_size = 8GB
checkpoint_timeout = 1h"""
SETTINGS = "http.server_timing = off\nmail.smtp_url =\n"  # a letter for each registration is not the outbox's speed
UNCACHED = ("--set", "cache.servers=", "--set", "cache.l1_ttl=0")
EVENTS = "00000000-0000-7000-9000-%012x"
PEOPLE = "00000000-0000-7000-8000-%012x"


def say(text):
    """Progress: one line on standard error."""
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


def _as_app():
    """Words before a command that the application's user is to run."""
    if os.getuid() != 0:
        return ["env"]
    user = pwd.getpwnam("www-data")
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--init-groups", "--", "env",
            "HOME=/nonexistent"]


class Process:
    """A program of ours, run as the application's user; its words go to a log in the stack."""

    def __init__(self, stage, name, *words):
        with open(f"{stage.state}/log/bench.{name}.log", "ab") as log:
            self.process = subprocess.Popen([*_as_app(), *stage.worker_env, *words], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, cwd="/", start_new_session=True)
        stage.processes.append(self)

    def pids(self):
        return session(self.process.pid)

    def told(self):
        """Who is to be told that it is over: the one that tells the others."""
        return [self.process.pid]

    def stop(self):
        if self.process.poll() is not None:
            return
        for pid in self.told():
            os.kill(pid, signal.SIGTERM)
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            say(f"{self.process.args[-1]} did not end by itself")
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Pool(Process):
    """Processes that share one listening socket: NAME.sock."""

    def __init__(self, stage, name, *words, workers=8):
        super().__init__(stage, name, "spawn-fcgi", "-s", f"{stage.run}/app/{name}.sock", "-M", "0660", "-b", "1024", "-n",
                         "--", shutil.which("multiwatch"), "-f", str(workers), "-r", "1000000", "-t", "1", "-s", "TERM", "--", *words)
        wait_for(name, lambda: len(self.pids()) == workers + 1)


def session(sid):
    return [int(p) for p in subprocess.run(["pgrep", "-s", str(sid)], stdout=subprocess.PIPE, text=True,
                                           check=False).stdout.split()]


class Bench(Stack):
    """A stack, its database and the socket that the web server connects to."""

    def __init__(self, settings="", workers=8, **environment):
        super().__init__(SETTINGS + settings, workers, **environment)
        self.processes = []

    def __enter__(self):
        super().__enter__()
        self.build = os.environ["MARQUEE_DEV_BUILD"]
        self.fcgi = f"{self.build}/inst/libexec/marquee/marquee.fcgi"
        self.worker_env = [f"MARQUEE_CONFIG={self.state}/marquee.conf"]
        self.pids = session(self.pid("workers"))[1:]
        os.rename(f"{self.run}/app/fcgi.sock", f"{self.run}/app/app.sock")
        self.link("app")
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.stop()
        super().__exit__()

    def link(self, pool):
        """From now on the web server asks that one."""
        new = f"{self.run}/app/link"
        os.symlink(f"{pool}.sock", new)
        os.replace(new, f"{self.run}/app/fcgi.sock")

    # ---- programs and data ----
    def psql(self, text, database="marquee", role="marquee_owner"):
        return subprocess.run(["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", f"{self.run}/pg", "-U", role,
                               "-d", database], input=text, text=True, check=True, stdout=subprocess.PIPE).stdout.strip()

    def marquee(self, *words, database="marquee", role="marquee_owner"):
        """What it says about its progress is shown."""
        env = [*self.worker_env, f"MARQUEE_DB_DSN=host={self.run}/pg dbname={database} user={role}"]
        subprocess.run([*_as_app(), *env, f"{self.build}/inst/bin/marquee", *words], cwd="/", check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def make_people(self, n):
        """Person 0, who organizes, n others, and one more who administers; self.tokens has the access tokens
        of all, in this order."""
        self.psql(f"""
INSERT INTO users (id, email, name, role)
  SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, 'p' || i || '@example.org', 'Person ' || i,
         CASE i WHEN 0 THEN 'organizer' WHEN {n + 1} THEN 'admin' ELSE 'user' END FROM generate_series(0, {n + 1}) i""")
        self.tokens = self._tokens(["organizer", *["user"] * n, "admin"])

    def staff(self):
        """The header line of a browser in which an administrator has signed in."""
        return f"Cookie: marquee={self.tokens[-1]}"

    def slugs(self, ids):
        return self.psql(f"SELECT e.slug FROM unnest('{{{','.join(ids)}}}'::uuid[]) WITH ORDINALITY i(id, n) "
                         "JOIN events e USING (id) ORDER BY n").split()

    def make_events(self, first, n):
        """Events first…, of person 0: no limit of seats, nobody there yet."""
        self.psql(f"""
SELECT event_insert(('00000000-0000-7000-9000-' || lpad(to_hex(i), 12, '0'))::uuid,
  '00000000-0000-7000-8000-000000000000', jsonb_build_object('title', 'Event ' || i, 'start_date', iso(now() + interval '7 days')))
FROM generate_series({first}, {first + n - 1}) i""")

    def _tokens(self, roles):
        """As a worker issues them: signed with the stack's own key."""
        with open(f"{self.state}/jwt_secret", encoding="ascii") as f:
            key = f.read().encode()
        now, may = int(time.time()), {"organizer": ["event.create", "event.edit"]}
        head = _b64(b'{"alg":"HS256","typ":"JWT"}')
        out = []
        for i, role in enumerate(roles):
            claims = {"aud": "marquee", "email": f"p{i}@example.org", "exp": now + 86400, "iat": now, "iss": "marquee",
                      "jti": str(uuid.UUID(int=(7 << 76) | (2 << 62) | i)), "permissions": may.get(role, []),
                      "role": role, "sub": PEOPLE % i, "tv": 1}
            body = head + b"." + _b64(json.dumps(claims, separators=(",", ":")).encode())
            out.append((body + b"." + _b64(hmac.digest(key, body, hashlib.sha256))).decode())
        return out


class Stage(Bench):
    """The whole: a durable database, full, and all pools.

    sizes: events, users, registrations (of the demo), people (who answer in the benchmark)."""

    def __init__(self, workers=8, **sizes):
        super().__init__("", workers, DEV_THROWAWAY="", DEV_PGCONF=PGCONF)
        self.sizes, self.pools, self.turn, self.servers = sizes, {}, 0, {}
        self.others = []

    def __enter__(self):
        say("starting a stack")
        super().__enter__()
        try:
            os.kill(self.pid("notifier"), signal.SIGTERM)  # ours runs only while the outbox is drained
            self._fill()
            self._start_pools()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_):
        for server in self.others:
            server.terminate()
            server.wait(timeout=60)
        super().__exit__()

    def _fill(self):
        n = self.sizes
        self.make_people(n["people"])
        self.make_events(0, 1000)
        self.demo(n["events"], n["users"], n["registrations"])
        self.ids = self.psql("""SELECT id FROM events WHERE seeded AND privacy = 'public' AND status = 'active'
                                ORDER BY hashint8(hashtext(id::text))""").split()
        self.pages = self.slugs(self.ids[:1000])
        self.crowd = self.psql("SELECT event_id FROM rsvps WHERE state = 'going' GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1")
        self.people = list(range(1, n["people"] + 1))
        random.Random(1).shuffle(self.people)

    def demo(self, events, users, registrations, database="marquee"):
        say(f"filling {database}: {events} events, {registrations} registrations")
        self.marquee("demo", "--events", str(events), "--users", str(users), "--registrations", str(registrations),
                     "--seed", "1", database=database)
        self.psql("VACUUM ANALYZE", database, "postgres")

    def fresh_event(self):
        """The number of an event that nobody has answered, but that many have once tried to: that is when
        its counters become many, one person after the other, which is not the speed of an event."""
        self.turn += 1
        self.make_events(1000 + self.turn, 1)
        self.psql(f"SELECT seat_widen('{EVENTS % (1000 + self.turn)}')")
        return 1000 + self.turn

    def make_database(self, name):
        self.psql(f"CREATE DATABASE {name}", "postgres", "postgres")
        self.marquee("migrate", "--bootstrap", database=name, role="postgres")
        self.marquee("migrate", database=name)

    # ---- who answers ----
    def pool(self, name, *words):
        self.pools[name] = Pool(self, name, *words, workers=self.workers)

    def _start_pools(self):
        self.pool("uncached", self.fcgi, *UNCACHED)
        self.pool("null", f"{self.build}/tests/bench/null", "1100")
        page = subprocess.run(["curl", "-sf", "-m", "10", f"{self.url}/e/{self.pages[0]}"], check=True, stdout=subprocess.PIPE).stdout
        self.pool("null_page", f"{self.build}/tests/bench/null", str(len(page)))

    def start_server(self, name):
        """Another web server before the same socket; lighttpd is the stack's own."""
        if name == "lighttpd":
            self.servers[name] = self.url
            return
        port = free_port()
        env = dict(os.environ, MARQUEE_DEV_STATE=f"{self.folder}/{name}", MARQUEE_DEV_PORT=str(port))
        with open(f"{self.state}/log/bench.{name}.log", "ab") as log:
            server = subprocess.Popen([DEV, "serve", "--server", name, f"{self.run}/app/fcgi.sock"], env=env,
                                      stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.others.append(server)
        url = f"http://127.0.0.1:{port}"
        wait_for(name, lambda: subprocess.run(["curl", "-sf", "-m", "5", "-o", os.devnull, url + "/livez"], check=False).returncode == 0)
        self.servers[name] = url

    def notifier(self):
        return Process(self, "notifier", f"MARQUEE_DB_DSN=host={self.run}/pg dbname=marquee user=marquee_notifier",
                       f"{self.build}/inst/sbin/marquee-notifier")

    def flush_cache(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(f"{self.run}/app/memcached.sock")
            s.sendall(b"flush_all\r\n")
            assert s.recv(64) == b"OK\r\n"


def _b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")
