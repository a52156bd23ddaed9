"""tests/fault/harness.py - what the fault experiments share: a stack whose processes can be told where to die.

A fault point is armed by a file (src/core/fault.h): stack.arm("http.reply", "kill"). Exactly one process
acts on it, once; stack.acted(…) is its pid then.
"""
import os
import re
import shutil
import socket
import subprocess
import tempfile

import api
from api import Stack, expect, free_port, wait_for


def long_or(name, short):
    """A number of trials: the environment's, as ./dev soak sets it, or the short one."""
    return int(os.environ.get(name, short))


def setting(stack, name):
    """What the stack's configuration says."""
    with open(stack.state + "/marquee.conf", encoding="utf-8") as f:
        return next(line.split(" = ", 1)[1].strip() for line in f if line.startswith(name + " "))


def namespace(stack):
    """What the keys in memcached begin with."""
    return re.search(r"namespace ([0-9a-f]{16})", stack.dev("marquee", "doctor", check=False))[1]


def busy(stack):
    """FastCGI connections that workers hold just now: accepted, connected sockets of that name."""
    with open("/proc/net/unix", encoding="utf-8") as f:
        return sum(line.split()[5] == "03" and line.rstrip().endswith(stack.run + "/app/fcgi.new") for line in f)


def built(program):
    return f"{os.environ['MARQUEE_DEV_BUILD']}/tests/fault/{program}"


class Proxy:
    """tests/fault/proxy.c between a program and upstream (/path or a.b.c.d:port), which others reach at
    .at then: a port, or a unix socket of the given name. proxy("latency 200") and so on; its comments
    list what it can."""

    def __init__(self, upstream, name=None):
        self.upstream, self.name = upstream, name

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="marquee-proxy.")
        os.chmod(self.folder, 0o755)
        self.at = f"{self.folder}/{self.name}" if self.name else f"127.0.0.1:{free_port()}"
        self.process = subprocess.Popen([built("proxy"), self.at, self.upstream, self.folder + "/control"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        expect(self.process.stdout.readline(), "ready\n", "the proxy")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.folder)

    def __call__(self, command):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.folder + "/control")
            s.sendall(command.encode())
            answer = s.makefile().readline().strip()
        expect(answer == "ok" or command == "stat", True, f"{command}: {answer}")
        return answer

    def stat(self):
        """Connections taken and open, bytes up and down."""
        return [int(n) for n in self("stat").split()]


class FaultStack(Stack):
    """A throwaway stack out of a build with fault points, and the folder in which they are armed."""

    def __init__(self, settings="", workers=4, **environment):
        self.points = tempfile.mkdtemp(prefix="marquee-points.")
        os.chmod(self.points, 0o777)  # the pieces run as other users
        self.listeners = []
        super().__init__(settings, workers, MARQUEE_TEST_FAULTS=self.points, **environment)

    def __exit__(self, *what):
        for listener in self.listeners:
            listener.close()
        super().__exit__(*what)
        shutil.rmtree(self.points)

    # ---- fault points ----
    def arm(self, point, action="kill", nth=1, pid=0):
        """The nth hit of point, by process pid if one is given, acts: kill, stop, abort or sleep:MS."""
        path = f"{self.points}/{point}"
        if os.path.exists(path + ".acted"):
            os.unlink(path + ".acted")
        with open(path + ".new", "w", encoding="utf-8") as f:
            f.write(f"{action} {nth} {pid}\n")
        os.chmod(path + ".new", 0o666)
        os.rename(path + ".new", path)

    def disarm(self, point):
        for path in (f"{self.points}/{point}", f"{self.points}/{point}.acted"):
            if os.path.exists(path):
                os.unlink(path)

    def acted(self, point):
        """The pid of the process that acted, or None."""
        try:
            with open(f"{self.points}/{point}.acted", encoding="utf-8") as f:
                return int(f.read().split()[0])
        except (FileNotFoundError, IndexError):
            return None

    def wait_acted(self, point):
        return wait_for(f"{point} to be reached", lambda: self.acted(point))

    # ---- processes ----
    def wait_workers(self):
        wait_for("all workers", lambda: len(self.worker_pids()) == self.workers)

    def sql_super(self, text):
        return "\n".join("|".join(row) for row in api.psql(self.run + "/pg", text, "postgres"))

    def expect_sound(self):
        expect(self.sql("SELECT * FROM check_invariants()"), [], "invariants")


class Session:
    """A connection to the database that stays: its asker needs no program for every question."""

    def __init__(self, s, user="marquee_owner"):
        self.psql = subprocess.Popen(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", f"host={s.run}/pg dbname=marquee user={user}"],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, text):
        """Rows as lists of strings."""
        self.psql.stdin.write(text + ";\n\\echo done\n")
        self.psql.stdin.flush()
        rows = []
        while (line := self.psql.stdout.readline()) != "done\n":
            if not line:
                raise RuntimeError(f"psql ended with {self.psql.wait()}: {text}")
            rows.append(line.rstrip("\n").split("|"))
        return rows

    def close(self):
        self.psql.communicate(timeout=30)


class Listener:
    """Reads a topic along from its beginning: the broker of development keeps only the newest of a partition.
    It ends with its stack."""

    def __init__(self, s, topic):
        with open(f"{s.run}/app/broker", encoding="ascii") as f:
            broker = f.read().strip()
        s.listeners.append(self)
        self.file = tempfile.NamedTemporaryFile("r", encoding="utf-8")
        with open(self.file.name, "w", encoding="utf-8") as out:
            self.kcat = subprocess.Popen(["kcat", "-b", broker, "-C", "-t", topic, "-o", "beginning", "-u", "-q", "-f", "%h|%s\n"],
                                         stdin=subprocess.DEVNULL, stdout=out)

    def rows(self):
        """What has come whole since the last call: (id, aggregate, seq, headers and body), each partition in order."""
        while True:
            at = self.file.tell()
            line = self.file.readline()
            if not line.endswith("\n"):
                self.file.seek(at)
                return
            headers = line.split("|", 1)[0]
            h = dict(word.split("=", 1) for word in headers.split(","))
            yield h["id"], h["aggregate_id"], int(h["seq"]), line

    def close(self):
        self.kcat.kill()
        self.kcat.wait()
        self.file.close()


_shared = {}


def shared(**how):
    """One stack for several tests of a script that ends with this file's main()."""
    if "stack" not in _shared:
        _shared["stack"] = FaultStack(**how).__enter__()
    return _shared["stack"]


def main(names):
    try:
        api.main(names)
    finally:
        if "stack" in _shared:
            _shared.pop("stack").__exit__(None, None, None)
