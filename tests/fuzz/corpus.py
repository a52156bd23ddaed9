#!/usr/bin/env python3
"""tests/fuzz/corpus.py - a corpus as one line per input, and as the files libFuzzer works with

  corpus.py unpack FILE FOLDER    each line becomes a file
  corpus.py pack FOLDER           prints a line per file, the shortest first
"""
import hashlib
import pathlib
import re
import sys


def escaped(data):
    text = "".join("\\\\" if b == 0x5C else chr(b) if 0x20 <= b < 0x7F else f"\\x{b:02x}"
                   for b in data)
    return text[:-1] + "\\x20" if text.endswith(" ") else text  # no blanks at the end of a line


def unescaped(line):
    return re.sub(rb"\\(\\|x[0-9a-f]{2})",
                  lambda m: b"\\" if m[1] == b"\\" else bytes([int(m[1][1:], 16)]), line)


def unpack(path, folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for line in pathlib.Path(path).read_bytes().split(b"\n")[:-1]:
        data = unescaped(line)
        (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)


def pack(folder):
    for data in sorted((p.read_bytes() for p in pathlib.Path(folder).iterdir()),
                       key=lambda d: (len(d), d)):
        print(escaped(data))


def main():
    if len(sys.argv) == 4 and sys.argv[1] == "unpack":
        unpack(sys.argv[2], sys.argv[3])
    elif len(sys.argv) == 3 and sys.argv[1] == "pack":
        pack(sys.argv[2])
    else:
        sys.exit(__doc__)


main()
