"""tests/e2e/browser.py - what a browser does without JavaScript: keeps cookies and sends forms"""
import re
import urllib.parse

from api import PASSWORD, URL, Client, expect


class Browser:
    """Keeps cookies, sends forms as a browser does from the page it last had."""

    def __init__(self, url=None):
        self.client, self.origin = Client(url=url), url or URL
        self.cookies, self.page = {}, ""

    def ask(self, method, path, body=None, **headers):
        headers = {"Accept": "text/html", "Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items()), **headers}
        a = self.client.send(method, path, body, headers)
        for line in a.headers.get_all("Set-Cookie") or []:
            name, value = line.split(";")[0].split("=", 1)
            expect(all(w in line for w in ("Path=/", "HttpOnly", "SameSite=Lax")), True, line)
            if "Max-Age=0" in line:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        self.page = a.body.decode()
        return a

    def get(self, path):
        return self.ask("GET", path)

    def form(self, path, origin=None, **fields):
        """The form with that action on the page, filled in."""
        form = re.search(rf'<form[^>]*action="{re.escape(path)}".*?</form>', self.page, re.S)
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form[0])) if form else {}
        body = urllib.parse.urlencode({**hidden, **fields}).encode()
        return self.ask("POST", path, body, **{"Content-Type": "application/x-www-form-urlencoded", "Origin": origin or self.origin})

    def sign_in(self, who):
        self.get("/login")
        return self.form("/login", email=who.email, password=PASSWORD)
