"""tests/fault/test_disk_full.py - the disk of the database, of its log of changes, or of our logs is full, and has room again

Changes are refused with 503, what is cached is shown, nothing that was acknowledged is lost; with room again all goes
on as before. PostgreSQL ends when its log of changes cannot grow: somebody (here ./dev up) has to start it again.
T_ROUNDS: how often.
"""
import contextlib
import errno
import os
import signal
import subprocess
import tempfile
import time

import history
from api import Skip, call, event, expect, main, person, process, wait_for
from harness import FaultStack, long_or
from load import Crowd

ROUNDS = long_or("T_ROUNDS", 1)
SETTINGS = "limits.enabled = off\n"
LOG_OF_CHANGES = "max_wal_size = 64MB\nmin_wal_size = 32MB"  # by itself it does not fill the disk


def mount(folder, mib, owner):
    """A small file system; whoever may not mount learns it here."""
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode={owner.st_mode & 0o7777:o},uid={owner.st_uid},"
                           f"gid={owner.st_gid}", "marquee-test", folder], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Skip(f"no file system may be mounted here: {done.stderr.strip()}")


def need_mounts():
    with tempfile.TemporaryDirectory(prefix="marquee-mount.") as folder:
        mount(folder, 1, os.stat(folder))
        subprocess.run(["umount", folder], check=True)


class Small(FaultStack):
    """A stack, some of whose folders lie on disks of their own with few MiB to spare."""

    def __init__(self, spare, **how):
        need_mounts()
        super().__init__(SETTINGS, **how)
        self.spare, self.disks = spare, []

    def __enter__(self):
        super().__enter__()
        try:
            self.dev("down")
            for name, mib in self.spare.items():
                self.move(f"{self.state}/{name}", mib)
            self.configure("")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def move(self, folder, spare):
        aside = folder + ".aside"
        used = int(subprocess.run(["du", "-sm", folder], capture_output=True, text=True, check=True).stdout.split()[0])
        owner = os.stat(folder)
        os.rename(folder, aside)
        os.mkdir(folder)
        mount(folder, used + spare, owner)
        self.disks.append(folder)
        subprocess.run(["cp", "-a", aside + "/.", folder], check=True)
        subprocess.run(["rm", "-rf", aside], check=True)

    def __exit__(self, *what):
        self.dev("down", check=False)
        while self.disks:
            subprocess.run(["umount", self.disks.pop()], check=True)
        super().__exit__(*what)

    @contextlib.contextmanager
    def full(self, name):
        """Not a byte of that disk is left while the block lasts."""
        path = f"{self.state}/{name}/filler"
        try:
            with open(path, "wb", buffering=0) as f:
                while f.write(bytes(4096)):
                    pass
        except OSError as e:
            expect(e.errno, errno.ENOSPC, "why no more went in")
        try:
            yield
        finally:
            os.unlink(path)


_site = []


def site():
    """The stack of all tests."""
    if not _site:
        _site.append(Small({"pg": 4 * ROUNDS, "pg/pg_wal": 128, "log": 56 + 8 * ROUNDS}, workers=2, DEV_PGCONF=LOG_OF_CHANGES).__enter__())
    return _site[0]


def cached(s, ev):
    """Statuses of what needs no database once every worker has seen it."""
    return {call("GET", path, url=s.url).status for path in (f"/api/events/{ev}", "/api/categories") for _ in range(20 * s.workers)}


def refused(s, crowd, use_up):
    """Until changes are; use_up makes what room there is inside of files go."""
    before = crowd.statuses[503]

    def some():
        use_up(s)
        return crowd.statuses[503] > before + 20
    wait_for("changes to be refused", some)


def outage(s, disk, crowd, ev, use_up):
    """How long it took, with room again, until a change was served. ev is an event that nobody in the crowd
    answers: what was changed last before PostgreSQL ended is in no cache."""
    host = crowd.host
    expect(cached(s, ev), {200}, "seen before")
    with s.full(disk):
        refused(s, crowd, use_up)
        expect(cached(s, ev), {200}, "what is cached")
        time.sleep(2)  # counts are a second old at most, while there is somebody to ask
        expect(cached(s, ev), {200}, "what is cached, later")
    began = time.monotonic()

    def served():
        if process(s.pid("postgresql"))[1] in ("", "Z"):
            s.dev("up", "--no-demo", "--quiet", "--no-web")
        return host.patch(f"/api/events/{ev}", {"title": f"After {began}"}).status == 200
    wait_for("changes to be served", served)
    took = time.monotonic() - began
    expect(call("GET", f"/api/events/{ev}", url=s.url).data["title"], f"After {began}", "the change is seen")
    return took


def full_again_and_again(disk, use_up=lambda s: None):
    s = site()
    # few people: each answer voids a copy now and then that shares a cell with the event's
    crowd, took, before = Crowd(s, people=8, retry=True, capacity=5, fresh=0.2), [], (s.worker_pids(), s.pid("notifier"))
    ev = event(crowd.host)["id"]
    with crowd:
        for _ in range(ROUNDS):
            took.append(outage(s, disk, crowd, ev, use_up))
            time.sleep(1)
    print(f"  {disk} {ROUNDS} times full; with room again changes were served after at most {max(took):.2f} s:")
    crowd.expect_right()
    expect(set(crowd.statuses) - {200, 201, 503}, set(), "statuses")
    expect((s.worker_pids(), s.pid("notifier")), before, "the same workers, the same notifier")
    wait_for("all messages to be sent", lambda: s.sql("SELECT pending FROM outbox_backlog()") == [["0"]])
    return crowd


def lost_is_noticed(crowd):
    """The control: with one acknowledged answer missing the check of what was kept fails."""
    acknowledged = next(o for o in reversed(crowd.log.ops) if o.outcome == history.OK and o.wants > 0 and
                        o.seen["state"] == "going" and crowd.rows().get((o.event, o.who)) == "going")
    rows = crowd.rows()
    del rows[acknowledged.event, acknowledged.who]
    expect(len(history.kept(crowd.log, rows)), 1, "the control: a lost answer")


def test_database():
    lost_is_noticed(full_again_and_again("pg"))


def test_log_of_changes():
    def next_file(s):
        with contextlib.suppress(RuntimeError):  # it has ended
            s.sql_super("SELECT pg_switch_wal()")
    full_again_and_again("pg/pg_wal", next_file)
    with open(site().state + "/log/postgresql.log", encoding="utf-8") as f:
        expect("PANIC" in f.read(), True, "the control: PostgreSQL did end")


def log_size(s):
    return os.stat(s.state + "/log/marquee.log").st_size


def told(s):
    with open(s.state + "/log/marquee.log", encoding="utf-8", errors="replace") as f:
        return "log lines were dropped" in f.read()


def test_our_logs():
    """Enough requests for many times what a worker keeps before it writes."""
    s = site()
    host, answers = person("Host", s.url), set()
    ev, notifier = event(host)["id"], s.pid("notifier")
    with s.full("log"):
        size = log_size(s)
        os.kill(s.worker_pids()[0], signal.SIGKILL)
        s.wait_workers()
        for n in range(600 * ROUNDS):
            answers.add(call("GET", f"/api/events/{ev}?fresh=1", url=s.url).status)
            answers.add(host.patch(f"/api/events/{ev}", {"title": f"Title {n}"}).status)
        expect(answers, {200}, "answers while nothing can be logged")
        expect(log_size(s) - size < 8192, True, "the control: nothing was logged")
    wait_for("the loss to be logged", lambda: call("GET", "/livez", url=s.url).status == 200 and told(s))
    expect(call("GET", f"/api/events/{ev}?fresh=1", url=s.url).data["title"], f"Title {n}", "the last change")
    expect(s.pid("notifier"), notifier, "the same notifier")
    s.expect_sound()


if __name__ == "__main__":
    try:
        main(globals())
    finally:
        for made in _site:
            made.__exit__(None, None, None)
