#!/usr/bin/env python3
"""dev.d/coverage.py - prints what gcovr counted: lines by folder, branches of what must never fail

  coverage.py [--bars] [--missing PART] FILE
    --bars          ends with 1 when too little was run
    --missing PART  instead: the lines, and branches, never run in files whose name has PART
"""
import collections
import json
import sys

LINES = 90.0
BRANCHES = 85.0
# what must never fail: its branches are counted one by one
CRITICAL = {
    "registration": ("src/domain/rsvps.c", "src/api/rsvps.c"),
    "auth": ("src/auth/", "src/api/auth.c", "src/domain/people.c", "src/web/guard.c"),
    "cache": ("src/cache/",),
    "outbox": ("src/notifier/", "src/bus/"),
}


class Count:
    def __init__(self):
        self.run = self.all = 0

    def add(self, ran):
        self.all += 1
        self.run += bool(ran)

    def percent(self):
        return 100.0 * self.run / self.all if self.all else 100.0

    def __str__(self):
        return f"{self.percent():6.1f} %  {self.run:5} of {self.all:5}"


def counted(files):
    """name, line number, times run, branches as booleans"""
    for f in files:
        for line in f["lines"]:
            if not line.get("gcovr/noncode"):
                yield (f["file"], line["line_number"], line["count"],
                       [b["count"] > 0 for b in line["branches"]])


def missing(files, part):
    for name, number, count, branches in counted(files):
        if part in name and (not count or not all(branches)):
            print(f"{name}:{number}: " + ("never run" if not count else
                  f"{branches.count(False)} of {len(branches)} branches never taken"))


def table(title, counts):
    print(title)
    for name, count in counts.items():
        print(f"  {name:18} {count}")


def main():
    args = sys.argv[1:]
    bars = "--bars" in args
    files = json.load(open(args[-1], encoding="utf-8"))["files"]
    if "--missing" in args:
        missing(files, args[args.index("--missing") + 1])
        return 0
    folders = collections.defaultdict(Count)
    groups = {name: Count() for name in CRITICAL}
    total = Count()
    for name, _, count, branches in counted(files):
        folders[name.rsplit("/", 1)[0]].add(count)
        total.add(count)
        for group, places in CRITICAL.items():
            if name.startswith(places):
                for taken in branches:
                    groups[group].add(taken)
    table("lines", dict(sorted(folders.items())) | {"all": total})
    table("branches", groups)
    short = [f"lines {total.percent():.1f} % < {LINES} %"] if total.percent() < LINES else []
    short += [f"branches of {name} {c.percent():.1f} % < {BRANCHES} %"
              for name, c in groups.items() if c.percent() < BRANCHES]
    if bars:
        for text in short:
            print(f"FAIL {text}")
        print(f"RESULT coverage passed={1 + len(groups) - len(short)} failed={len(short)} skipped=0")
    return 1 if bars and short else 0


sys.exit(main())
