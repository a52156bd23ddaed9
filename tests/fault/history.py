"""tests/fault/history.py - what clients saw, and whether a system that keeps its promises could have shown it.

Clients log each request before it is sent and after its answer: ok, refused (nothing was done) or unsure (no
answer, 5xx). The functions return what is wrong, in words; nothing is right. Those that begin with rows take
them from the database or the broker.
"""
import bisect
import collections
import itertools
import threading
import time

OK, REFUSED, UNSURE = "ok", "refused", "unsure"


class Op:
    """One request. wants: +1 asks for a seat, -1 gives one back. What the answer told stands in seen."""

    def __init__(self, history, kind, event, who, wants, key):
        self.history, self.kind, self.event, self.who, self.wants, self.key = history, kind, event, who, wants, key
        self.outcome, self.seen, self.end = UNSURE, {}, float("inf")
        self.begin = time.monotonic()

    def done(self, outcome, **seen):
        """seen: going, capacity, version, state, body, fresh (counts that must be exact)."""
        self.end = time.monotonic()
        self.outcome, self.seen = outcome, seen
        return self

    def answered(self, answer, **seen):
        """The same from an HTTP answer."""
        kind = OK if answer.status < 300 else UNSURE if answer.status >= 500 else REFUSED
        return self.done(kind, **(seen if kind == OK else {}))

    def __repr__(self):
        return f"{self.kind} {self.event} by {self.who} [{self.begin:.4f}..{self.end:.4f}] {self.outcome} {self.seen}"


class History:
    def __init__(self):
        self.ops, self.lock = [], threading.Lock()

    def begin(self, kind, event, who=None, wants=0, key=None):
        op = Op(self, kind, event, who, wants, key)
        with self.lock:
            self.ops.append(op)
        return op

    def by_event(self):
        found = collections.defaultdict(list)
        for op in self.ops:
            found[op.event].append(op)
        return found

    def problems(self):
        """Everything that can be told without the database."""
        return counters(self) + versions(self) + capacities(self) + keys(self)


class _Sums:
    """How many of some moments lie before a given one."""

    def __init__(self, moments):
        self.moments = sorted(moments)

    def until(self, t):
        return bisect.bisect_right(self.moments, t)


def _took(op):
    return op.outcome == OK and op.wants > 0 and op.seen.get("state") == "going"


def _gave(op):
    return op.outcome == OK and op.wants < 0


def counters(history):
    """I1 for readers: an exact count lies between the changes that were acknowledged before it was asked
    for and those that were asked for before it came. For events on which nobody waits: a promotion is
    nobody's request. A waiting list's answer takes no seat."""
    wrong = []
    for ops in history.by_event().values():
        took = _Sums(o.end for o in ops if _took(o))
        gave = _Sums(o.end for o in ops if _gave(o))
        may_take = _Sums(o.begin for o in ops if o.wants > 0 and (o.outcome == UNSURE or _took(o)))
        may_give = _Sums(o.begin for o in ops if o.wants < 0 and o.outcome != REFUSED)
        for o in ops:
            if not o.seen.get("fresh") or o.seen.get("going") is None:
                continue
            low = took.until(o.begin) - may_give.until(o.end) + (1 if _took(o) else 0)
            high = may_take.until(o.end) - gave.until(o.begin) - (1 if _gave(o) else 0)
            if not low <= o.seen["going"] <= high:
                wrong.append(f"count not in {low}..{high}: {o}")
    return wrong


def versions(history):
    """I5: no answer is older than a change that was acknowledged before the question."""
    wrong = []
    for ops in history.by_event().values():
        acked = sorted((o.end, o.seen["version"]) for o in ops if o.kind != "read" and "version" in o.seen)
        ends = [end for end, _ in acked]
        best = list(itertools.accumulate((v for _, v in acked), max))
        for o in ops:
            at = bisect.bisect_right(ends, o.begin)
            if at and o.seen.get("version", best[at - 1]) < best[at - 1]:
                wrong.append(f"older than version {best[at - 1]}: {o}")
    return wrong


def capacities(history):
    """I1: nobody ever sees more going than there are seats."""
    return [f"over capacity: {o}" for o in history.ops
            if o.seen.get("capacity") is not None and o.seen.get("going", 0) > o.seen["capacity"]]


def keys(history):
    """I7: one Idempotency-Key, one answer."""
    answers = collections.defaultdict(set)
    for o in history.ops:
        if o.key and o.outcome == OK:
            answers[o.who, o.key].add(o.seen.get("body"))
    return [f"{len(bodies)} answers to one key: {who} {key}" for (who, key), bodies in answers.items() if len(bodies) > 1]


def kept(history, rows):
    """Every acknowledged answer is there. rows: {(event, who): state}. One client asks for one thing after the
    other; after an unsure request both what was and what was asked for are right. Who waited may be going."""
    allowed = collections.defaultdict(set)
    for o in sorted((o for o in history.ops if o.wants), key=lambda o: o.begin):
        at = allowed[o.event, o.who]
        if o.outcome == OK:
            at.clear()
        if o.outcome == UNSURE and not at:
            at.add(None)
        if o.outcome == OK and "state" in o.seen:
            at.update({o.seen["state"]} | ({"going"} if o.seen["state"] == "waitlisted" else set()))
        elif o.outcome != REFUSED:
            at.update({"going", "waitlisted"} if o.wants > 0 else {"not_going"})
    return [f"{rows.get(which)} and not {sorted(map(str, states))}: {which}"
            for which, states in allowed.items() if states and rows.get(which) not in states]


# ---- rows ----
def chains(rows):
    """I2: rows (registration, seq, from, to): numbered without a gap, each begins where the last one ended."""
    wrong, at = [], {}
    for which, seq, old, new in sorted(rows, key=lambda r: (r[0], r[1])):
        last, state = at.get(which, (0, None))
        if (seq, old) != (last + 1, state) or old == new:
            wrong.append(f"{which}: {seq} {old} to {new} after {last} {state}")
        at[which] = (seq, new)
    return wrong


def queue(rows):
    """I6: rows (person, state) of one event in the order of commit: seats go to who has waited longest."""
    wrong, waiting = [], []
    for person, state in rows:
        if state == "waitlisted":
            waiting.append(person)
        elif person in waiting:
            if state == "going" and waiting[0] != person:
                wrong.append(f"{person} before {waiting[0]}")
            waiting.remove(person)
    return wrong


def stream(rows, delivered):
    """I3, I4: rows (id, aggregate, seq) that were committed; delivered (id, aggregate, seq, text) as one reader
    of the aggregate's partition got them. Repeats are as before, and first occurrences in order."""
    wrong, texts, last = [], {}, collections.defaultdict(int)
    known = {r[0] for r in rows}
    for ident, aggregate, seq, text in delivered:
        if ident not in known:
            wrong.append(f"from nowhere: {ident}")
        elif ident in texts:
            if texts[ident] != text:
                wrong.append(f"repeated with another text: {ident}")
        elif seq != last[aggregate] + 1:
            wrong.append(f"{aggregate}: {seq} after {last[aggregate]}")
        last[aggregate] = max(last[aggregate], seq)
        texts.setdefault(ident, text)
    return wrong + [f"lost: {ident}" for ident in known - set(texts)]
