"""tests/e2e/post.py - a mail server that does as it is told: takes, refuses, is away, or has hung (RFC 5321)."""
import base64
import email
import email.policy
import re
import socket
import socketserver
import threading

from api import free_port, wait_for


class Talk(socketserver.StreamRequestHandler):
    """One connection, perhaps of many mails."""

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        self.to = []
        self.server.post.open.append(self.connection)
        self.say("220 post")
        while line := self.rfile.readline():
            verb = line[:4].strip().upper().decode()
            self.say(self.answer(verb, line.decode().strip()))
            if verb == "QUIT":
                return

    def answer(self, verb, line):
        if verb == "RCPT":
            return self.recipient(re.search("<(.*)>", line)[1])
        if verb == "DATA":
            self.say("354 go on")
            return self.server.post.take(self.data(), self.to)
        if verb in ("MAIL", "RSET"):
            self.to = []
        if verb == "EHLO":
            self.say("250-post")
            return "250 AUTH PLAIN"
        if verb == "AUTH":
            self.say("334 ")
            self.server.post.signed_in.append(base64.b64decode(self.rfile.readline()).decode())
            return "235 welcome"
        return "221 bye" if verb == "QUIT" else "250 OK" if verb in ("HELO", "MAIL", "RSET", "NOOP") else "500 what?"

    def recipient(self, address):
        refusal = self.server.post.answers.get(address)
        if not refusal:
            self.to.append(address)
        return refusal or "250 OK"

    def data(self):
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                raise ConnectionError("the mail is cut short")
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True

    def handle_error(self, *_):
        """Whoever sent has gone: some tests kill it."""


class Post:
    def __init__(self):
        self.port = free_port()
        self.mails = []           # taken, parsed
        self.recipients = []      # of each, as the envelope has it
        self.signed_in = []       # what each said to be let in: NUL name NUL password
        self.answers = {}         # address -> reply to RCPT
        self.before_taking = None  # called when the whole mail is here and nothing is answered
        self.server = self.deaf = None
        self.open = []            # connections, also those that have ended

    def take(self, data, to):
        mail = email.message_from_bytes(data, policy=email.policy.default)
        self.recipients.append(to)
        self.mails.append(mail)
        if self.before_taking:
            self.before_taking(mail)
        return "250 OK"

    # ---- how it fares ----
    def up(self):
        self.down()
        self.server = Server(("127.0.0.1", self.port), Talk)
        self.server.post = self
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def down(self):
        """Nobody listens any more, and who is connected is cut off."""
        if self.server:
            self.server.shutdown()
            self.server.server_close()
        while self.open:
            try:
                self.open.pop().shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it has ended by itself
        if self.deaf:
            self.deaf.close()
        self.server = self.deaf = None

    def hang(self):
        """Connections are made, by the kernel, and nobody says a word."""
        self.down()
        self.deaf = socket.socket()
        self.deaf.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.deaf.bind(("127.0.0.1", self.port))
        self.deaf.listen(100)

    # ---- what came ----
    def to(self, address, subject=""):
        return [m for m, who in zip(self.mails, self.recipients) if address in who and subject in m["Subject"]]

    def one(self, address, subject=""):
        """The first such mail, once it is here."""
        return wait_for(f"a mail '{subject}' to {address}", lambda: self.to(address, subject))[0]


def text(mail, kind="plain"):
    return mail.get_body((kind,)).get_content()
