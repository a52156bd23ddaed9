"""tests/e2e/test_mail.py - mail: what people are told, once each, and what happens when no server takes it"""
import datetime
import hashlib
import html
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile

from api import PASSWORD, Stack, call, event, expect, expect_status, main, person, process, rsvp, unique, wait_for
from post import Post, text

# A mail whose acknowledgement comes too late is sent again: only the tests of a server that hangs wait for that.
SETTINGS = """mail.smtp_url = smtp://127.0.0.1:{port}
mail.from = Märquee <no-reply@marquee.example>
mail.timeout = 10s
mail.pause = 200ms
mail.alarm = 1h
site.templates = {templates}"""
TEMPLATES = tempfile.mkdtemp(prefix="marquee-templates.")
_made = []


def office():
    """One stack and its mail server, for all tests here."""
    if not _made:
        post = Post()
        post.up()
        os.chmod(TEMPLATES, 0o755)
        shutil.copytree(os.environ["T_SRCDIR"] + "/templates", TEMPLATES + "/now")
        _made.extend([Stack(SETTINGS.format(port=post.port, templates=TEMPLATES + "/now"), workers=2).__enter__(), post])
    return _made


def somebody(name="Somebody", **profile):
    who = person(name, office()[0].url)
    if profile:
        assert who.patch("/users/profile", profile).status == 200
    return who


def gathering(**fields):
    host = somebody("Host")
    return host, event(host, **fields)


def health(s):
    a = call("GET", "/health", url=s.url).json
    return a["status"], a["dependencies"]["mail"]


def metric(s, name):
    text_ = call("GET", "/metrics", url=s.url).body.decode()
    return float(re.search(rf"^{name} (\S+)$", text_, re.M)[1])


def waiting(s):
    return int(s.sql("SELECT count(*) FROM mails WHERE sent_at IS NULL AND parked_at IS NULL")[0][0])


# ---- what people are told ----
def test_when_and_where():
    s, post = office()
    title = "Küche & <Licht> für \"alle\""
    _, ev = gathering(title=title, location="Halle 3, Köln", timezone="Europe/Berlin",
                      start_date="2031-07-01T17:00:00Z", end_date="2031-07-01T19:30:00Z")
    who = somebody("Zoë Müller", locale="de-AT")
    rsvp(who, ev)
    mail = post.one(who.email)
    expect((mail["Subject"], str(mail["To"]), str(mail["From"])),
           (f"Sie sind dabei: {title}", f"Zoë Müller <{who.email}>", "Märquee <no-reply@marquee.example>"))
    expect((mail["Auto-Submitted"], mail["Message-ID"].endswith("@marquee.example>"), mail.get_content_type()),
           ("auto-generated", True, "multipart/mixed"))
    expect([part.get_content_type() for part in mail.walk()],
           ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/calendar"])
    ticket = who.get(f"/api/events/{ev['id']}/ticket").data["code"]
    for part in (ticket, f"{s.url}/e/{ev['slug']}/ticket"):
        expect((part in text(mail), part in text(mail, "html")), (True, True), f"the ticket: {part}")
    age = datetime.datetime.now(datetime.timezone.utc) - mail["Date"].datetime
    expect(abs(age) < datetime.timedelta(hours=1), True, f"Date {mail['Date']}")
    for part in ("Guten Tag Zoë Müller", title, "Dienstag 1. Juli 2031, 19:00 – 21:30 (Europe/Berlin)",
                 "Halle 3, Köln", f"{s.url}/e/{ev['slug']}"):
        expect(part in text(mail), True, f"{part}: {text(mail)}")
        expect(html.escape(part).replace("&#x27;", "&#39;") in text(mail, "html"), True, f"{part}: {text(mail, 'html')}")
    expect("<Licht>" in text(mail, "html"), False, "what people write stays text")
    longest = max(len(line) for line in mail.as_bytes().splitlines())
    expect(longest < 998, True, f"a line of {longest}")
    other = somebody("Ada")
    rsvp(other, ev)
    expect((post.one(other.email)["Subject"], "Tuesday 1 July 2031" in text(post.one(other.email))), (f"You are going: {title}", True))


def test_waiting_and_promoted():
    _, post = office()
    _, ev = gathering(max_attendees=1)
    first, second, third = (somebody(n) for n in ("First", "Second", "Third"))
    for who in (first, second, third):
        rsvp(who, ev)
        post.one(who.email)
    expect([re.search(r"Position: (\d+)", text(post.one(w.email, "waiting list")))[1] for w in (second, third)], ["1", "2"])
    rsvp(first, ev, "not_going")
    mail = post.one(second.email, "You have a seat")
    expect(ev["title"] in mail["Subject"], True)
    expect(len(post.to(third.email)), 1, "nobody else has one")


def calendar(mail):
    """What its attached file says: {name: value}, lines unfolded."""
    part = next(p for p in mail.iter_attachments() if p.get_content_type() == "text/calendar")
    expect((part.get_filename(), part.get_content_disposition()), ("event.ics", "attachment"))
    lines = part.get_content().replace("\r\n", "\n").replace("\n ", "").splitlines()
    expect((lines[0], lines[-1]), ("BEGIN:VCALENDAR", "END:VCALENDAR"))
    event_ = lines[lines.index("BEGIN:VEVENT"):]
    return dict(line.split(":", 1) for line in event_ if ":" in line)


def test_another_time_and_place():
    _, post = office()
    host, ev = gathering(max_attendees=1, location="Halle 3", timezone="Europe/Berlin", start_date="2031-07-01T17:00:00Z")
    goes, waits, likes = somebody("Goes", locale="de"), somebody("Waits"), somebody("Likes")
    for who, status in ((goes, "going"), (waits, "going"), (likes, "interested")):
        rsvp(who, ev, status)
    first = calendar(post.one(goes.email))
    expect(host.patch(f"/api/events/{ev['id']}", {"title": "Neither time nor place"}).status, 200)
    expect(host.patch(f"/api/events/{ev['id']}", {"start_date": "2031-07-02T18:00:00Z", "location": "Halle 4 & <5>"}).status, 200)
    mail = post.one(goes.email, "Geändert: Neither time nor place")
    for part in ("Mittwoch 2. Juli 2031, 20:00 (Europe/Berlin)", "Bisher: Dienstag 1. Juli 2031, 19:00 (Europe/Berlin)", "Wo: Halle 4 & <5>", "Bisher: Halle 3"):
        expect(part in text(mail), True, f"{part}: {text(mail)}")
    expect(("<del>Halle 3</del>" in text(mail, "html"), "<5>" in text(mail, "html")), (True, False), text(mail, "html"))
    later = calendar(mail)
    expect((later["UID"], later["DTSTART;TZID=Europe/Berlin"], later["LOCATION"], int(later["SEQUENCE"]) > int(first["SEQUENCE"])),
           (first["UID"], "20310702T200000", "Halle 4 & <5>", True), "it takes the place of the other")
    mail = post.one(waits.email, "Changed")
    expect(("Until now: Halle 3" in text(mail), "Ticket" in text(mail)), (True, False), "who waits is told, too, and has no ticket")
    expect(host.patch(f"/api/events/{ev['id']}", {"location": "Halle 6"}).status, 200)
    wait_for("the next one", lambda: len(post.to(goes.email, "Geändert")) == 2)
    text_ = text(post.to(goes.email, "Geändert")[1])
    expect(("Halle 6" in text_, "Bisher: Halle 4 & <5>" in text_, text_.count("Bisher")), (True, True, 1), "only what is new")
    expect((post.to(likes.email), len(post.to(waits.email, "waiting list"))), ([], 1))


def test_called_off_with_the_reason():
    _, post = office()
    host, ev = gathering(max_attendees=1)
    goes, waits, other = (somebody(n) for n in ("Goes", "Waits", "Other"))
    for who in (goes, waits):
        rsvp(who, ev)
        post.one(who.email)
    expect_status(host.post(f"/api/events/{ev['id']}/cancel", {"reason": "Storm & flood"}), 200)
    for who in (goes, waits):
        expect("Reason: Storm & flood" in text(post.one(who.email, "Cancelled")), True)
    expect((len(post.to(goes.email)), len(post.to(other.email))), (2, 0))
    expect(calendar(post.one(goes.email, "Cancelled"))["STATUS"], "CANCELLED")


def test_what_is_not_so_any_more_is_not_mailed():
    """An answer that is taken back before its mail is written; accounts of the demo."""
    s, post = office()
    _, ev = gathering()
    fickle, puppet = somebody("Fickle"), somebody("Puppet")
    s.sql(f"UPDATE users SET seeded = true WHERE id = '{puppet.id}'")
    os.kill(s.pid("notifier"), signal.SIGSTOP)
    try:
        for who in (fickle, puppet):
            rsvp(who, ev)
        rsvp(fickle, ev, "not_going")
    finally:
        os.kill(s.pid("notifier"), signal.SIGCONT)
    last = somebody("Last")
    rsvp(last, ev)
    post.one(last.email)
    wait_for("an empty queue", lambda: waiting(s) == 0)
    expect((post.to(fickle.email), post.to(puppet.email)), ([], []))


# ---- a forgotten password ----
def forgot(s, address):
    return call("POST", "/auth/password/forgot", {"email": address}, url=s.url)


def test_a_new_password():
    s, post = office()
    who = somebody("Forgetful")
    expect_status(forgot(s, who.email.upper()), 202)
    mail = post.one(who.email, "Choose a new password")
    expect("within 10 minutes." in text(mail), True, "for how long it works")
    token = re.search(rf"{re.escape(s.url)}/reset\?token=(\S+)", text(mail))[1]
    expect((len(token) >= 43, s.sql("SELECT hash FROM password_resets")), (True, [[hashlib.sha256(token.encode()).hexdigest()]]))
    expect_status(call("GET", "/reset?token=" + token, headers={"Accept": "text/html"}, url=s.url), 200)
    fresh = {"token": token, "password": "a new one 77"}
    expect_status(call("POST", "/auth/password/reset", {**fresh, "password": "short"}, url=s.url), 422, "the rules of register")
    expect_status(call("POST", "/auth/password/reset", fresh, url=s.url), 200)
    expect_status(call("POST", "/auth/password/reset", fresh, url=s.url), 422, "once")
    expect_status(call("POST", "/auth/login", {"email": who.email, "password": PASSWORD}, url=s.url), 401, "the old one")
    expect_status(call("POST", "/auth/login", {"email": who.email, "password": fresh["password"]}, url=s.url), 200, "the new one")
    expect_status(who.get("/users/profile"), 401, "old tokens are void")
    expect_status(call("POST", "/auth/refresh", {"refresh_token": who.refresh_token}, url=s.url), 401, "so are refresh tokens")
    stored = json.dumps(s.sql("SELECT m::text FROM mails m") + s.sql("SELECT r::text FROM password_resets r"))
    expect(token in stored, False, "no table has it")
    for name in os.listdir(s.state + "/log"):
        with open(f"{s.state}/log/{name}", encoding="utf-8", errors="replace") as f:
            expect(token in f.read(), False, f"{name} has it")


def test_nobody_learns_who_has_an_account():
    s, post = office()
    who, nobody = somebody("Known"), f"{unique('nobody')}@example.org"
    gone = somebody("Gone")
    s.sql(f"UPDATE users SET is_active = false WHERE id = '{gone.id}'")
    seen = []
    for address in (who.email, nobody, gone.email):
        a = forgot(s, address)
        a.json.pop("timestamp"), a.json.pop("request_id")
        same = {k: v for k, v in a.headers.items() if k not in ("Date", "X-Request-Id")}
        seen.append((a.status, a.json, same))
    expect(seen[1:], seen[:1] * 2, "bytes, headers and the number of statements")
    post.one(who.email, "Choose")
    wait_for("an empty queue", lambda: waiting(s) == 0)
    expect((post.to(nobody), post.to(gone.email)), ([], []))
    expect(s.sql(f"SELECT count(*) FROM mails WHERE address IN ('{nobody}', '{gone.email}')"), [["0"]], "nothing of them is kept")


# ---- servers that do not take it ----
def test_refused_for_good_and_for_now():
    s, post = office()
    _, ev = gathering()
    never, later = somebody("Never"), somebody("Later")
    post.answers = {never.email: "550 5.1.1 nobody of that name", later.email: "451 4.7.1 come back later"}
    for who in (never, later):
        rsvp(who, ev)

    def rows(who):
        return s.sql("SELECT parked_at IS NOT NULL, last_error, send_after > now() + interval '15 seconds' FROM mails"
                     f" WHERE user_id = '{who.id}' AND last_error IS NOT NULL")
    wait_for("both to be tried", lambda: rows(never) and rows(later))
    expect(rows(never), [["t", "550 5.1.1 nobody of that name", "t"]])
    expect(rows(later), [["f", "451 4.7.1 come back later", "t"]])
    wait_for("health to say that the server is well", lambda: health(s) == ("ok", "up"))
    wait_for("the metrics", lambda: metric(s, "mail_parked") == 1 and metric(s, "mail_failed_total") >= 2)
    listed = s.dev("marquee", "mail", "list")
    expect([w in listed for w in (never.email, "550 5.1.1", "waits for a person", later.email)], [True] * 4, listed)
    post.answers = {}
    expect(s.dev("marquee", "mail", "retry", "--all").count("will be sent"), 2)
    expect([len(post.one(w.email) and post.to(w.email)) for w in (never, later)], [1, 1])
    expect("was sent to" in s.dev("marquee", "mail", "test", "operator@example.org"), True)
    expect(post.one("operator@example.org")["Subject"], "A test")


def nobody_waits(s, ev, state):
    """Registrations and their messages go on while mail is in that state; a mail is due."""
    who = somebody("Patient")
    expect(rsvp(who, ev).status, 201)
    wait_for(f"health to say {state}", lambda: health(s) == ("degraded", state))
    for _ in range(5):
        expect(rsvp(somebody("Busy"), ev).status, 201)
        wait_for("the outbox to be empty", lambda: s.sql("SELECT pending FROM outbox_backlog()") == [["0"]])
        expect(call("GET", "/health", url=s.url).json["dependencies"]["notifier"], "up")
    wait_for("all of them to wait", lambda: waiting(s) >= 6)
    return who


def test_a_server_that_is_down():
    s, post = office()
    _, ev = gathering()
    post.down()
    who = nobody_waits(s, ev, "failing")
    expect("mail" in s.dev("marquee", "doctor", check=False).split("FAIL", 1)[1].split("\n")[0], True)
    post.up()
    post.one(who.email)
    wait_for("health to be well", lambda: health(s) == ("ok", "up") and waiting(s) == 0)
    expect(len(post.to(who.email)), 1)


def test_a_server_that_has_hung():
    s, post = office()
    _, ev = gathering()
    post.hang()
    who = nobody_waits(s, ev, "failing")
    post.up()
    post.one(who.email)
    wait_for("health to be well", lambda: health(s) == ("ok", "up") and waiting(s) == 0)
    expect(len(post.to(who.email)), 1)


def test_mail_that_waits_too_long():
    s, post = office()
    slow = "00000000-0000-7000-8000-00000000ffff"
    s.sql(f"INSERT INTO mails (id, kind, address, created_at, send_after) VALUES ('{slow}', 'test', 'slow@example.org',"
          " now() - interval '2 hours', now() + interval '1 hour')")
    wait_for("health to be degraded", lambda: health(s) == ("degraded", "late"))
    expect(metric(s, "mail_oldest_seconds") > 7000, True)
    s.dev("marquee", "mail", "retry", slow)
    post.one("slow@example.org")
    wait_for("health to be well", lambda: health(s) == ("ok", "up"))


# ---- other templates ----
def put(path, text_):
    """Written whole at once, as whoever edits it would have it."""
    with open(f"{TEMPLATES}/new", "w", encoding="utf-8") as f:
        f.write(text_)
    os.rename(f"{TEMPLATES}/new", f"{TEMPLATES}/now/{path}")


def log_of(s):
    with open(f"{s.state}/log/marquee.log", encoding="utf-8") as f:
        return f.read()


def test_changed_templates_are_taken():
    """By the workers and by the notifier, when they are told; what is no good is named, and the old ones stay."""
    s, post = office()
    site, letter, texts = "site/login.mustache", "mail/text/letter.mustache", "lang/en.json"
    workers, was = s.worker_pids(), {}
    for path in (site, letter, texts):
        with open(f"{TEMPLATES}/now/{path}", encoding="utf-8") as f:
            was[path] = f.read()

    def hang_up(says):
        """What all three then say of it."""
        before = log_of(s)
        for pid in [*workers, s.pid("notifier")]:
            os.kill(pid, signal.SIGHUP)
        return wait_for(says, lambda: (new := log_of(s)[len(before):]).count(says) == 3 and new)

    def page():
        return {call("GET", "/login", headers={"Accept": "text/html"}, url=s.url).body.decode().count("Freshly written") for _ in range(20)}

    def mail():
        address = unique("t") + "@example.org"
        expect("was sent to" in s.dev("marquee", "mail", "test", address), True)
        return "A new letter" in text(post.one(address))
    try:
        put(site, was[site].replace("<h1>", "<h1>Freshly written "))
        put(letter, "A new letter\n" + was[letter])
        expect((page(), mail()), ({0}, False), "not before they are told")
        hang_up("read anew")
        expect((page(), mail()), ({1}, True), "both workers, and the notifier")
        put(site, was[site] + "\n{{#broken}}")
        put(letter, was[letter] + "\n{{#broken}}")
        said = hang_up("stay as they were")
        for path, times in ((site, 2), (letter, 1)):
            line = was[path].count("\n") + 2
            expect(said.count(f"/now/{path}:{line}: a section that is not closed"), times, said)
        for path in (site, letter):
            put(path, was[path])
        put(texts, was[texts].replace('"sign_in":', '"sign_in"', 1))
        said = hang_up("stay as they were")
        line = was[texts][:was[texts].index('"sign_in":')].count("\n") + 1
        expect(said.count(f"/now/{texts}:{line}: a colon is expected here"), 3, said)
        expect((page(), mail()), ({1}, True), "what there was goes on")
        expect(s.worker_pids(), workers, "and nobody has ended")
    finally:
        for path, text_ in was.items():
            put(path, text_)
        hang_up("read anew")
    expect((page(), mail()), ({0}, False))


# ---- notifiers of our own: killed, switched off, refusing to begin. The stack's own is gone by then. ----
class Notifier(subprocess.Popen):
    def __init__(self, s, *settings):
        words = [w for setting in ("notifier.socket=", *settings) for w in ("--set", setting)]
        super().__init__([os.environ["MARQUEE_DEV_BUILD"] + "/inst/sbin/marquee-notifier", "--config", f"{s.state}/marquee.conf", *words],
                         env=dict(os.environ, MARQUEE_DB_DSN=f"host={s.run}/pg dbname=marquee user=marquee_notifier"),
                         stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def killed(self):
        self.kill()
        self.communicate()

    def stopped(self):
        self.terminate()
        said = self.communicate(timeout=60)[1]
        expect((self.returncode, said), (0, ""))


def test_each_mail_once_though_the_notifier_is_killed():
    """Rows are exactly one each, whenever it dies; of a mail that the server has and no row says so there are two,
    of one Message-ID."""
    s, post = office()
    _, ev = gathering()
    people = [somebody(f"Crowd {i}") for i in range(12)]
    last = people[11]
    stacks_own = s.pid("notifier")
    os.kill(stacks_own, signal.SIGTERM)
    wait_for("the stack's own to be gone", lambda: process(stacks_own)[1] in ("", "Z"))
    for group in (people[:6], people[6:11]):
        n = Notifier(s)
        for who in group:
            rsvp(who, ev)
        n.killed()
    n = Notifier(s)
    post.before_taking = lambda mail: last.email in str(mail["To"]) and n.kill()
    rsvp(last, ev)
    post.one(last.email)
    n.killed()
    post.before_taking = None
    expect(s.sql(f"SELECT count(*), max(tries) FROM mails WHERE user_id = '{last.id}' AND sent_at IS NULL"), [["1", "1"]])
    s.sql("UPDATE mails SET send_after = now() WHERE sent_at IS NULL")  # what their senders had taken for themselves
    n = Notifier(s)
    for who in people:
        post.one(who.email)
    wait_for("an empty queue", lambda: waiting(s) == 0)
    n.stopped()
    ids = ", ".join(f"'{w.id}'" for w in people)
    expect(s.sql(f"SELECT count(*), count(DISTINCT user_id) FROM mails WHERE user_id IN ({ids})"), [["12", "12"]])
    both = post.to(last.email)
    expect((len(both), len({m["Message-ID"] for m in both})), (2, 1))


def test_switched_off_and_on():
    """What happens while mail is off is not mailed later."""
    s, post = office()
    _, ev = gathering()
    missed, after = somebody("Missed"), somebody("After")
    for setting, off, who in (("mail.smtp_url=", "t", missed), ("mail.alarm=1h", "f", after)):
        n = Notifier(s, setting)
        wait_for("the notifier to know", lambda off=off: s.sql("SELECT snap IS NULL FROM mail_state") == [[off]])
        rsvp(who, ev)
        if who is after:
            post.one(after.email)
            wait_for("an empty queue", lambda: waiting(s) == 0)  # it has heard that its mail was taken
        n.stopped()
    expect(post.to(missed.email), [])


def test_it_stops_while_a_server_has_hung():
    s, post = office()
    post.hang()
    s.sql("INSERT INTO mails (id, kind, address) VALUES (uuid7(), 'test', 'a@example.org')")
    n = Notifier(s, "mail.timeout=10m")
    wait_for("it to be tried", lambda: s.sql("SELECT count(*) FROM mails WHERE address = 'a@example.org' AND tries > 0") == [["1"]])
    n.stopped()
    # had it waited until its time was over, nobody would have told the row
    expect(s.sql("SELECT last_error IS NOT NULL, send_after <= now() FROM mails WHERE address = 'a@example.org'"), [["t", "t"]],
           "the mail is given up, and the next notifier may try it at once")
    post.up()


def test_nothing_goes_out_unencrypted_that_must_not():
    """This server offers no encryption."""
    s, post = office()
    s.sql("INSERT INTO mails (id, kind, address) VALUES (uuid7(), 'test', 'secret@example.org')")
    signing_in = ("mail.user=marquee", "mail.password=correct horse")
    for settings in (("mail.tls=require",), signing_in, (f"mail.smtp_url=smtps://127.0.0.1:{post.port}",)):
        s.sql("UPDATE mails SET last_error = NULL, send_after = now() WHERE address = 'secret@example.org'")
        n = Notifier(s, *settings)
        wait_for("it to be tried", lambda: s.sql("SELECT count(*) FROM mails WHERE address = 'secret@example.org' AND last_error IS NOT NULL") == [["1"]])
        n.stopped()
        expect((post.to("secret@example.org"), post.signed_in), ([], []), settings)
    s.sql("UPDATE mails SET send_after = now() WHERE address = 'secret@example.org'")
    n = Notifier(s, *signing_in, "mail.tls=off")
    post.one("secret@example.org")
    n.stopped()
    expect(set(post.signed_in), {"\0marquee\0correct horse"}, "as it was told to")


def test_what_cannot_be_used_is_said():
    s, _ = office()
    cases = [("mail.from=nobody", "mail.from"), ("mail.smtp_url=http://x", "mail.smtp_url"), ("mail.smtp_url=smtp://a:b@host", "mail.user")]
    for i, (path, content) in enumerate((("text/letter", "a\n{{#x}}\n"), ("html/letter", "<p>\n<b {{x}}></b>"))):
        shutil.copytree(os.environ["T_SRCDIR"] + "/templates", f"{s.folder}/templates{i}")
        with open(f"{s.folder}/templates{i}/mail/{path}.mustache", "w", encoding="utf-8") as f:
            f.write(content)
        cases.append((f"site.templates={s.folder}/templates{i}", f"{path}.mustache:2:"))
    for (setting, says), n in [(case, Notifier(s, case[0])) for case in cases]:
        said = n.communicate(timeout=60)[1]
        expect((n.returncode, says in said), (78, True), f"{setting}: {said}")


def test_nothing_is_wrong_at_the_end():
    s, post = office()
    expect(s.sql("SELECT * FROM check_invariants()"), [])
    s.__exit__(None, None, None)
    post.down()
    shutil.rmtree(TEMPLATES)


if __name__ == "__main__":
    main(globals())
