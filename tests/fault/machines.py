"""tests/fault/machines.py - several machines on one: two hosts of workers and notifiers, a primary and a
streaming replica, two memcacheds, one broker. Host a, the primary and the broker are a stack of ./dev;
everything else is started here."""
import contextlib
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess

from api import PG, Stack, call, free_port, psql, wait_for

ROOT = os.geteuid() == 0
SYNC = "ALTER SYSTEM SET synchronous_standby_names = '{}'; SELECT pg_reload_conf()"


def user_of(kind):
    return {"pg": "postgres", "app": "www-data"}[kind] if ROOT else pwd.getpwuid(os.geteuid()).pw_name


def as_user(kind, command):
    if not ROOT:
        return command
    user = user_of(kind)
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--", "env", "HOME=/nonexistent", *command]


def folder_for(kind, path, mode=0o700):
    os.makedirs(path, exist_ok=True)
    os.chmod(path, mode)
    if ROOT:
        shutil.chown(path, user_of(kind), user_of(kind))
    return path


class Piece:
    """A process, in a session of its own, that can be killed and started again."""

    def __init__(self, site, name, kind, command, ready, env=None):
        self.site, self.name, self.kind, self.command, self.ready = site, name, kind, command, ready
        # our own settings must not look like options of the programs
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("MARQUEE_")}
        self.env.update(site.environment, **(env or {}))
        self.process = None

    def start(self):
        with open(f"{self.site.logs}/{self.name}.log", "ab") as log:
            self.process = subprocess.Popen(as_user(self.kind, self.command), cwd="/", env=self.env, stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            wait_for(f"{self.name} to start", self.ready)
        except AssertionError:
            with open(f"{self.site.logs}/{self.name}.log", encoding="utf-8", errors="replace") as log:
                print(log.read()[-2000:])
            raise
        return self

    def family(self):
        """The process, its session (a supervisor's children) and its children (PostgreSQL's have their own)."""
        mine, me = [], self.process.pid
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as f:
                    state, parent, _, session = f.read().rsplit(")", 1)[1].split()[:4]
            except OSError:
                continue
            if me in (int(name), int(parent), int(session)) and state != "Z":
                mine.append(int(name))
        return mine

    def kill(self, sig=signal.SIGKILL):
        """All of them at one moment: the machine is gone, or frozen. A supervisor that dies after one of its
        children may have made another by then."""
        if sig == signal.SIGKILL and self.process.poll() is None:
            self.process.send_signal(signal.SIGSTOP)
        for pid in self.family():
            with contextlib.suppress(ProcessLookupError):  # PostgreSQL's helpers come and go
                os.kill(pid, sig)
        if sig == signal.SIGKILL:
            self.process.wait(60)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.kill(signal.SIGCONT)
            self.process.send_signal(signal.SIGINT if self.kind == "pg" else signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                print(f"{self.name} did not stop")
                self.kill()

    def restart(self):
        if os.path.exists(f"{self.site.run}/app/{self.name}.sock"):
            os.unlink(f"{self.site.run}/app/{self.name}.sock")
        return self.start()


def answers(path):
    """Does somebody listen on this unix socket?"""
    with socket.socket(socket.AF_UNIX) as s:
        return s.connect_ex(path) == 0


class Site(Stack):
    """stack.url and .url_b are the hosts; options are configuration of both, options_b of host b alone."""

    def __init__(self, options="", options_b=""):
        super().__init__("", workers=2)
        self.options, self.options_b = options, options_b
        self.pieces = []

    def __enter__(self):
        super().__enter__()
        try:
            self.build()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *what):
        for piece in reversed(self.pieces):
            piece.stop()
        super().__exit__(*what)

    def build(self):
        self.logs = self.state + "/log"
        self.inst = os.environ.get("MARQUEE_DEV_BUILD", self.state + "/build") + "/inst"
        self.environment = dict(ASAN_OPTIONS=f"log_path={self.logs}/report.asan:detect_leaks=1",
                                UBSAN_OPTIONS=f"log_path={self.logs}/report.ubsan:print_stacktrace=1")
        self.cache = [self.memcached(f"ring{n}") for n in (1, 2)]
        self.replica = self.make_replica()
        self.configure(f"""
cache.servers = {self.run}/app/ring1.sock {self.run}/app/ring2.sock
db.dsn = {self.dsn('marquee_web')}
db.read_dsn = {self.dsn('marquee_web', 'standby', '/pg2')}
{self.options}""")
        self.make_host_b()

    def dsn(self, role, which="read-write", *folders):
        hosts = ",".join(self.run + f for f in (folders or ("/pg", "/pg2")))
        return f"host={hosts} dbname=marquee user={role} target_session_attrs={which}"

    def add(self, *what, **more):
        self.pieces.append(Piece(self, *what, **more))
        return self.pieces[-1].start()

    def memcached(self, name):
        path = f"{self.run}/app/{name}.sock"
        return self.add(name, "app", ["memcached", "-s", path, "-a", "0660", "-m", "16"], lambda: answers(path))

    def make_replica(self):
        """A copy of the primary that follows it; the socket is its machine."""
        data, run = self.state + "/replica", folder_for("pg", self.run + "/pg2", 0o755)
        folder_for("pg", data)
        subprocess.run(as_user("pg", [PG + "pg_basebackup", "-h", self.run + "/pg", "-U", "postgres", "-D", data, "-R",
                                      "-X", "stream", "-c", "fast"]), cwd="/", check=True, timeout=120)
        command = [PG + "postgres", "-D", data, "-c", f"unix_socket_directories={run}", "-c", "cluster_name=second"]
        return self.add("replica", "pg", command, lambda: self.sql_replica("SELECT 1") == [["1"]])

    def make_host_b(self):
        """Other shared memory, other sockets, another web server: another host."""
        app, port = self.run + "/app", free_port()
        folder_for("app", app + "/shm-b")
        with open(self.state + "/marquee.conf", encoding="utf-8") as f:
            own = ["shm.dir", "notifier.socket", "log.file", *re.findall(r"(?m)^[a-z._]+", self.options_b)]
            lines = [line for line in f if line.split(" ")[0] not in own]
        conf = self.state + "/marquee-b.conf"
        with open(conf, "w", encoding="utf-8") as f:
            f.write("".join(lines) + f"shm.dir = {app}/shm-b\nnotifier.socket = {app}/notifier-b.sock\n{self.options_b}\n")
        os.chmod(conf, 0o644)
        env = {"MARQUEE_CONFIG": conf}
        pool = ["spawn-fcgi", "-s", app + "/workers-b.sock", "-M", "0660", "-n", "--", shutil.which("multiwatch"), "-f", "2",
                "-r", "1000000", "-t", "1", "-s", "TERM", "--", self.inst + "/libexec/marquee/marquee.fcgi"]
        self.workers_b = self.add("workers-b", "app", pool, lambda: answers(app + "/workers-b.sock"), env=env)
        with open(self.state + "/web/marquee.conf", encoding="utf-8") as f:
            text = f.read().replace(self.run + "/app/fcgi.sock", app + "/workers-b.sock")
        web = self.state + "/web/marquee-b.conf"
        with open(web, "w", encoding="utf-8") as f:
            f.write(re.sub(r"(?m)^(var\.marquee_port .*= ).*", rf"\g<1>{port}", text))
        self.url_b = f"http://127.0.0.1:{port}"
        self.add("web-b", "app", ["lighttpd", "-D", "-f", web], lambda: self.port_open(port))
        env = dict(env, MARQUEE_DB_DSN=self.dsn("marquee_notifier"))
        self.notifier_b = self.add("notifier-b", "app", [self.inst + "/sbin/marquee-notifier"],
                                   lambda: os.path.exists(app + "/notifier-b.sock"), env=env)

    @staticmethod
    def port_open(port):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0

    def kill_workers_a(self):
        os.kill(self.pid("workers"), signal.SIGSTOP)
        subprocess.run(["pkill", "-KILL", "-s", str(self.pid("workers"))], check=True)

    def well(self):
        """Both hosts serve: a web server remembers for a while that its pool was away."""
        for url in (self.url, self.url_b):
            wait_for(f"{url} to serve", lambda: call("GET", "/readyz", url=url).status == 200)

    # ---- databases ----
    def sql_at(self, folder, text, user="postgres"):
        return psql(self.run + folder, text, user)

    def sql_replica(self, text):
        try:
            return self.sql_at("/pg2", text)
        except RuntimeError:
            return []

    def sql_primary(self, text):
        return self.sql_at("/pg", text)

    def caught_up(self):
        at = self.sql_primary("SELECT pg_current_wal_insert_lsn()")[0][0]
        wait_for("the replica to follow", lambda: self.sql_replica(f"SELECT pg_last_wal_replay_lsn() >= '{at}'") == [["t"]])

    def synchronous(self, on):
        """With it an acknowledged write is on both machines."""
        for text in SYNC.format("*" if on else "").split(";"):
            self.sql_primary(text)
        if on:
            wait_for("a synchronous standby", lambda: self.sql_primary(
                "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'") == [["1"]])
