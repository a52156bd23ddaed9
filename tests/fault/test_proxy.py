"""tests/fault/test_proxy.py - the proxy does what it says, on TCP and on unix sockets"""
import socket
import tempfile
import threading
import time

from api import expect, free_port, main, wait_for
from harness import Proxy

ANSWER = bytes(range(256)) * 200


class Server(threading.Thread):
    """Answers every byte with the same 51,200 bytes, until its peer ends."""

    def __init__(self, at):
        super().__init__(daemon=True)
        self.socket = listener(at)
        self.start()

    def run(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        try:
            while peer.recv(1):
                peer.sendall(ANSWER)
        except OSError:
            pass
        peer.close()


def listener(at):
    if at.startswith("/"):
        s = socket.socket(socket.AF_UNIX)
        s.bind(at)
        s.listen(100)
        return s
    host, port = at.split(":")
    return socket.create_server((host, int(port)))


def connect(at):
    if at.startswith("/"):
        s = socket.socket(socket.AF_UNIX)
        s.connect(at)
    else:
        s = socket.create_connection(at.split(":"))
    s.settimeout(5)
    return s


def ask(s, size=len(ANSWER)):
    """The answer to one byte, as far as it comes."""
    s.sendall(b"?")
    got = b""
    while len(got) < size:
        try:
            part = s.recv(65536)
        except (ConnectionResetError, TimeoutError):
            break
        if not part:
            break
        got += part
    return got


def with_proxy(test):
    """On both kinds of sockets."""
    with tempfile.TemporaryDirectory() as folder:
        for upstream, name in ((f"127.0.0.1:{free_port()}", None), (folder + "/s", "p.sock")):
            server = Server(upstream)
            with Proxy(upstream, name) as p:
                test(p)
            server.socket.close()


def asked(at, size=len(ANSWER)):
    with connect(at) as s:
        return ask(s, size)


def test_nothing_wrong():
    def check(p):
        with connect(p.at) as s:
            expect([ask(s) == ANSWER for _ in range(3)], [True] * 3)
            expect(p.stat(), [1, 1, 3, 3 * len(ANSWER)])
        wait_for("the end to arrive", lambda: p.stat()[1] == 0)
    with_proxy(check)


def test_slow_and_in_pieces():
    def check(p):
        for command, least_ms in (("latency 200", 200), ("slicer 5120 20", 180), ("bandwidth 256", 150)):
            p("clear")
            p(command)
            began = time.monotonic()
            expect(asked(p.at) == ANSWER, True, command)
            expect((time.monotonic() - began) * 1000 >= least_ms, True, command)
    with_proxy(check)


def test_ends_and_resets():
    def check(p):
        p("limit 1000")
        expect(asked(p.at), ANSWER[:1000])
        p("cut 1000")
        expect(len(asked(p.at)) <= 1000, True)
        p("clear")
        with connect(p.at) as s:
            expect(ask(s) == ANSWER, True)
            p("reset")
            s.settimeout(5)
            try:
                expect(s.recv(1), b"", "the end, where there is no reset")
            except ConnectionResetError:
                pass
        expect(asked(p.at) == ANSWER, True, "the next connection")
    with_proxy(check)


def test_down_and_up():
    def check(p):
        with connect(p.at) as s:
            ask(s)
            p("down")
            expect(s.recv(1), b"")
        try:
            connect(p.at).close()
            expect("connected", "refused")
        except (ConnectionRefusedError, FileNotFoundError):
            pass
        p("up")
        expect(asked(p.at) == ANSWER, True)
    with_proxy(check)


def test_silence_and_garbage():
    def check(p):
        p("timeout")
        with connect(p.at) as s:
            s.settimeout(0.3)
            expect(ask(s), b"")
            p("clear")
            s.settimeout(5)
            expect(s.recv(1) == ANSWER[:1], True, "what was held back comes")
        p("garbage")
        got = asked(p.at)
        expect((len(got), got == ANSWER), (len(ANSWER), False))
    with_proxy(check)


if __name__ == "__main__":
    main(globals())
