#!/usr/bin/env python3
"""tests/e2e/echo.py - a program behind a web server that tells what reached it, by FastCGI or CGI.

As a module: Echo(path) listens on a unix socket in threads of its own. As a program: FastCGI on a
listening descriptor 0, else one CGI request; each request is noted in the file "seen" beside it.
Answers are JSON: the variables, the FastCGI flags, length and digest of the body. The path may ask
for more: /_tag (an ETag, and 3 KB), /_file (hand over hello.txt), /_die (no answer), /_slow.
"""
import hashlib
import json
import os
import socket
import struct
import sys
import threading
import time

BEGIN, END, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6


def answer(env, body, flags):
    """Header block and body; None: hang up."""
    path = env.get("REQUEST_URI", "")
    kind = "text/plain" if path == "/_file" else path[6:] if path.startswith("/_tag?") else "application/json"
    head = ["Status: 200 OK", f"Content-Type: {kind}", "Cache-Control: no-store"]
    doc = {"env": env, "length": len(body), "digest": hashlib.sha256(body).hexdigest(), "flags": flags}
    if path.startswith("/_die"):
        return None
    if path.startswith("/_slow"):
        time.sleep(0.5)
    if path.startswith("/_tag"):
        head.append('ETag: W/"v1.2.3"')
        doc["filler"] = "x" * 3000
    if path == "/_file":
        head += ["X-Accel-Redirect: /_files/hello.txt", "X-Sendfile: " + env["HTTP_X_FOLDER"] + "hello.txt"]
        doc = {}
    text = json.dumps(doc).encode()
    if not path == "/_file":
        head.append(f"Content-Length: {len(text)}")
    return "\r\n".join(head).encode() + b"\r\n\r\n" + text


def _exactly(sock, n):
    data = bytearray()
    while len(data) < n:
        more = sock.recv(min(n - len(data), 1 << 16))
        if not more:
            raise EOFError
        data += more
    return bytes(data)


def _pairs(data):
    at, out = 0, {}
    while at < len(data):
        sizes = []
        for _ in range(2):
            n = data[at]
            at += 1
            if n & 0x80:
                n = struct.unpack(">I", data[at - 1:at + 3])[0] & 0x7FFFFFFF
                at += 3
            sizes.append(n)
        name = data[at:at + sizes[0]].decode("latin-1")
        value = data[at + sizes[0]:at + sum(sizes)].decode("latin-1")
        out[name] = value if name not in out else out[name] + " & " + value
        at += sum(sizes)
    return out


def serve_fastcgi(conn, seen):
    params, body, flags, ended = b"", bytearray(), 0, False
    with conn:
        try:
            while not ended:
                _, kind, _, n, pad = struct.unpack(">BBHHBx", _exactly(conn, 8))
                data = _exactly(conn, n + pad)[:n]
                if kind == BEGIN:
                    flags = data[2]
                elif kind == PARAMS:
                    params += data
                elif kind == STDIN:
                    body += data
                    ended = n == 0
        except (EOFError, ConnectionError):
            if params:
                seen(None)
            return
        env = _pairs(params)
        seen(env.get("REQUEST_URI", ""))
        out = answer(env, bytes(body), flags)
        if out is None:
            return
        try:
            for at in range(0, len(out), 60000):
                part = out[at:at + 60000]
                conn.sendall(struct.pack(">BBHHBx", 1, STDOUT, 1, len(part), 0) + part)
            conn.sendall(struct.pack(">BBHHBx", 1, STDOUT, 1, 0, 0))
            conn.sendall(struct.pack(">BBHHBx", 1, END, 1, 8, 0) + bytes(8))
        except ConnectionError:
            pass


def accept_forever(listener, seen, connected=lambda: None):
    while True:
        try:
            conn, _ = listener.accept()
        except OSError:
            return
        connected()
        threading.Thread(target=serve_fastcgi, args=(conn, seen), daemon=True).start()


class Echo:
    """.seen: addresses of the requests (None: one cut short); .connections: how many there were."""

    def __init__(self, path):
        self.seen, self.connections, self._lock = [], 0, threading.Lock()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        os.chmod(path, 0o777)
        self._listener.listen(1024)
        threading.Thread(target=accept_forever, args=(self._listener, self.seen.append, self._connected),
                         daemon=True).start()

    def _connected(self):
        with self._lock:
            self.connections += 1

    def take(self):
        """What has come since the last time."""
        got = self.seen[:]
        del self.seen[:len(got)]
        return got

    def close(self):
        if self._listener.fileno() >= 0:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()


def main():
    def seen(uri):
        with open(os.path.dirname(os.path.abspath(__file__)) + "/seen", "a", encoding="utf-8") as f:
            f.write(f"{uri}\n")
    zero = socket.socket(fileno=os.dup(0)) if os.path.exists("/proc/self/fd/0") and \
        os.readlink("/proc/self/fd/0").startswith("socket:") else None
    if zero and zero.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        accept_forever(zero, seen)
        return
    env = dict(os.environ)
    length = int(env.get("CONTENT_LENGTH") or -1)
    body = sys.stdin.buffer.read(length) if length >= 0 else \
        sys.stdin.buffer.read() if "HTTP_TRANSFER_ENCODING" in env else b""
    seen(env.get("REQUEST_URI", "") if len(body) >= length else None)
    out = answer(env, body, None)
    if out is not None:
        sys.stdout.buffer.write(out)


if __name__ == "__main__":
    main()
