#!/usr/bin/env python3
"""tests/e2e/readme.py - runs the shell blocks of README.md and HACKING.md as a reader would type them.

Every ```sh block runs in the project's folder, bound to the throwaway stack by MARQUEE_DEV_STATE;
each must end with 0. Left out is a block right below the comment <!-- tried elsewhere: WHERE -->.
"""
import os
import re
import subprocess
import sys

TOP = os.environ["T_SRCDIR"]
BLOCK = re.compile(r"(<!-- tried elsewhere: [^>]+-->\s*\n)?```(?:sh|bash|shell)\n(.*?)```", re.S)


def blocks(name):
    path = os.path.join(TOP, name)
    if not os.path.exists(path):
        return
    with open(path, encoding="utf-8") as f:
        text = f.read()
    for match in BLOCK.finditer(text):
        line = text.count("\n", 0, match.start(2)) + 1
        yield f"{name}:{line}", match.group(2), bool(match.group(1))


def run(code):
    env = dict(os.environ, MARQUEE_DEV_INSIDE_CHECK="1")
    try:
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", code], cwd=TOP, env=env, text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, check=False)
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired as e:
        return "no end within five minutes", (e.stdout or b"").decode(errors="replace")


def main():
    passed = failed = 0
    for name in ("README.md", "HACKING.md"):
        for where, code, left_out in blocks(name):
            if left_out:
                continue
            code_of_end, said = run(code)
            if code_of_end == 0:
                passed += 1
            else:
                failed += 1
                print(f"FAIL {where}: ended with {code_of_end}\n{code}---\n{said}")
    print(f"RESULT readme passed={passed} failed={failed} skipped=0")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
