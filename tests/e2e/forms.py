"""tests/e2e/forms.py - reads pages as a browser without scripts does: forms with what stands in them, texts."""
import html.parser
import re
import urllib.parse

from api import call, dev
from browser import Browser


def routes(stack=None):
    """[(method, path)] of the route table, in its order; of the stack of T_DEV unless another is given."""
    rows = [line.split() for line in (stack.dev if stack else dev)("marquee", "routes").splitlines()]
    return [(row[0], re.sub(r":(\w+)", r"{\1}", row[1])) for row in rows]


def pages(stack=None):
    """Those of people: what the description of the API leaves out."""
    known = call("GET", "/openapi.json", url=stack and stack.url).json["paths"]
    return [(method, path) for method, path in routes(stack) if method.lower() not in known.get(path, {})]


class Page(html.parser.HTMLParser):
    """forms: [(action, [(name, value)])] as they would be sent untouched; texts: those of the page outside of
    forms' fields; attributes: of every element."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.forms, self.texts, self.elements = [], [], []
        self._select = self._area = None
        self.feed(text)

    def _add(self, name, value):
        if self.forms and name:
            self.forms[-1][1].append((name, value))

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        self.elements.append((tag, a))
        if tag == "form":
            self.forms.append((a.get("action"), []))
        elif tag == "input" and a.get("type") not in ("checkbox", "submit"):
            self._add(a.get("name"), a.get("value") or "")
        elif tag == "textarea":
            self._area = (a.get("name"), [])
        elif tag == "select":
            self._select = (a.get("name"), [])
        elif tag == "option" and self._select:
            self._select[1].append((a.get("value"), "selected" in a))

    def handle_endtag(self, tag):
        if tag == "textarea" and self._area:
            text = "".join(self._area[1])
            self._add(self._area[0], text[1:] if text.startswith("\n") else text)
            self._area = None
        elif tag == "select" and self._select:
            name, options = self._select
            self._add(name, next((v for v, on in options if on), options[0][0] if options else ""))
            self._select = None

    def handle_data(self, data):
        if self._area:
            self._area[1].append(data)
        elif not self._select:
            self.texts.append(data)

    def form(self, action):
        """The fields of the last form of that action: those of GET are filters."""
        return next(dict(fields) for there, fields in reversed(self.forms) if there == action)

    def has(self, text):
        return any(text in t for t in self.texts)


class Reader(Browser):
    """A browser that fills in forms as people do: what is not named stays as it stands."""

    def parsed(self):
        return Page(self.page)

    def send(self, path, headers=None, to=None, **changes):
        """to: another address, as a button may name one."""
        fields = self.parsed().form(path)
        fields.update({k: v for k, v in changes.items() if v is not None})
        pairs = [(k, v) for k, vs in fields.items() for v in (vs if isinstance(vs, list) else [vs])]
        # browsers end lines so
        body = urllib.parse.urlencode([(k, v.replace("\r\n", "\n").replace("\n", "\r\n")) for k, v in pairs]).encode()
        return self.ask("POST", to or path, body,
                        **{"Content-Type": "application/x-www-form-urlencoded", "Origin": self.origin, **(headers or {})})

    def follow(self, answer):
        return self.get(answer.header("Location"))
