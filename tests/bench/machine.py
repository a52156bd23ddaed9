"""tests/bench/machine.py - what was measured on, and memory of processes."""
import os
import re
import statistics
import subprocess
import time


def describe(build, folder):
    """Lines for a reader: figures without them mean little."""
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = re.search(r"model name\s*: (.*)", f.read())
    with open(f"{build}/Makefile", encoding="utf-8") as f:
        flags = re.search(r"(?m)^CFLAGS = (.*)", f.read())
    version = _say("git", "-C", os.path.dirname(__file__), "describe", "--always", "--dirty") or "no git"
    return (f"{len(os.sched_getaffinity(0))} cores ({model[1] if model else os.uname().machine}) for everything, load generator "
            f"included; load {os.getloadavg()[0]:.1f} before\n"
            f"{version}, {_say('gcc', '--version').splitlines()[0]}, {flags[1] if flags else '?'}; "
            f"a synced write takes {sync_ms(folder):.2f} ms (median)")


def _say(*words):
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout.strip()


def sync_ms(folder, n=100):
    """What a commit waits for: 8 KiB to the disk of the database."""
    path, took = f"{folder}/sync", []
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    os.write(fd, bytes(8192 * n))
    os.fsync(fd)
    for i in range(n):
        began = time.perf_counter()
        os.pwrite(fd, b"x" * 8192, 8192 * i)
        os.fdatasync(fd)
        took.append(time.perf_counter() - began)
    os.close(fd)
    os.unlink(path)
    return statistics.median(took) * 1000


def pss_bytes(pids):
    """Of each process: what it has for itself and its part of what it shares."""
    sizes = []
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
            sizes.append(1024 * int(re.search(r"Pss: *(\d+)", f.read())[1]))
    return sizes
