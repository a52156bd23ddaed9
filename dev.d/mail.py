"""dev.d/mail.py - what the development mail server was given, newest last: FOLDER [--raw]"""
import email
import email.policy
import mailbox
import os
import sys


def files(folder):
    """The mails of a Maildir in the order of their coming."""
    box = mailbox.Maildir(folder, create=False)
    paths = [os.path.join(folder, box._lookup(key)) for key in box.keys()]
    return sorted(paths, key=os.path.getmtime)


def show(path, raw):
    with open(path, "rb") as f:
        data = f.read()
    if raw:
        print(data.decode("utf-8", "replace"))
        return
    mail = email.message_from_bytes(data, policy=email.policy.default)
    for name in ("From", "To", "Date", "Subject"):
        print(f"{name}: {mail[name]}")
    text = mail.get_body(("plain",))
    print("\n" + (text.get_content().rstrip() if text else "(no text)"))


def main(folder, raw=""):
    if raw not in ("", "--raw"):
        sys.exit("usage: ./dev mail [--raw]")
    found = files(folder) if os.path.isdir(folder) else []
    for path in found:
        show(path, raw)
        print("-" * 72)
    print(f"{len(found)} mails in {folder}")


if __name__ == "__main__":
    main(*sys.argv[1:])
