"""tests/fault/test_history.py - the checker of histories finds what is planted, and nothing in what is right"""
from api import expect, main
from history import (OK, REFUSED, UNSURE, History, capacities, chains, counters, keys, kept, queue, stream, versions)


def history(*ops):
    """(begin, end, kind, wants, outcome, seen); one event, each request by somebody else unless seen says who."""
    h = History()
    for n, (begin, end, kind, wants, outcome, seen) in enumerate(ops):
        seen = dict(seen)
        op = h.begin(kind, "e", seen.pop("who", f"p{n}"), wants, seen.pop("key", None))
        op.done(outcome, **seen)
        op.begin, op.end = begin, end
    return h


def take(begin, end, outcome=OK, **seen):
    return begin, end, "rsvp", 1, outcome, {"state": "going", **seen} if outcome == OK else seen


def give(begin, end, outcome=OK, **seen):
    return begin, end, "rsvp", -1, outcome, {"state": "not_going", **seen} if outcome == OK else seen


def look(begin, end, **seen):
    return begin, end, "read", 0, OK, {"fresh": True, **seen}


def check(function, *cases):
    """Each case: how many problems, then what the function is given."""
    for wrong, *given in cases:
        expect(len(function(*given)), wrong, f"{function.__name__} of {given}")


def test_counters():
    check(counters,
          (0, history(take(0, 1), take(2, 3), look(4, 5, going=2))),
          (1, history(take(0, 1), take(2, 3), look(4, 5, going=1))),
          (1, history(take(0, 1), look(4, 5, going=2))),
          # what is under way may be seen or not
          (0, history(take(0, 9), look(4, 5, going=0), look(4, 5, going=1))),
          (1, history(take(0, 9), look(4, 5, going=2))),
          (0, history(take(0, 1, UNSURE), look(4, 5, going=0), look(4, 5, going=1))),
          (1, history(take(0, 1, REFUSED), look(4, 5, going=1))),
          # given back
          (0, history(take(0, 1), give(2, 3), look(4, 5, going=0))),
          (1, history(take(0, 1), give(2, 3), look(4, 5, going=1))),
          (0, history(take(0, 1), give(2, 9), look(4, 5, going=0), look(4, 5, going=1))),
          # the own answer, and the one of who waits
          (1, history(take(0, 1, going=0, fresh=True))),
          (0, history(take(0, 1, going=1, fresh=True))),
          (0, history((0, 1, "rsvp", 1, OK, {"state": "waitlisted"}), look(2, 3, going=0))),
          # a cached count is not bound
          (0, history(take(0, 1), (2, 3, "read", 0, OK, {"going": 0}))))


def test_versions():
    def edit(begin, end, version):
        return begin, end, "edit", 0, OK, {"version": version}
    check(versions,
          (0, history(edit(0, 1, 2), look(2, 3, version=2), look(2, 3, version=3))),
          (1, history(edit(0, 1, 2), look(2, 3, version=1))),
          (0, history(edit(0, 5, 2), look(2, 3, version=1))),
          (1, history(edit(0, 1, 3), edit(0, 2, 2), look(4, 5, version=2))))


def test_capacities_and_keys():
    check(capacities, (0, history(look(0, 1, going=5, capacity=5))), (1, history(look(0, 1, going=6, capacity=5))))
    check(keys,
          (0, history(take(0, 1, who="a", key="k", body="x"), take(2, 3, who="a", key="k", body="x"))),
          (1, history(take(0, 1, who="a", key="k", body="x"), take(2, 3, who="a", key="k", body="y"))),
          (0, history(take(0, 1, who="a", key="k", body="x"), take(2, 3, who="b", key="k", body="y"))))


def test_kept():
    took, gave = take(0, 1, who="a"), give(2, 3, who="a")
    maybe = give(2, 3, UNSURE, who="a")
    waits = (0, 1, "rsvp", 1, OK, {"state": "waitlisted", "who": "a"})
    check(kept,
          (0, history(took), {("e", "a"): "going"}), (1, history(took), {}),
          (0, history(took, gave), {("e", "a"): "not_going"}), (1, history(took, gave), {("e", "a"): "going"}),
          (0, history(took, maybe), {("e", "a"): "not_going"}), (0, history(took, maybe), {("e", "a"): "going"}),
          (1, history(took, maybe), {}),
          (0, history(take(0, 1, UNSURE, who="a")), {}), (0, history(take(0, 1, REFUSED, who="a")), {}),
          (0, history(waits), {("e", "a"): "going"}), (1, history(waits), {("e", "a"): "not_going"}))


def test_rows():
    check(chains,
          (0, [("r", 1, None, "going"), ("r", 2, "going", "cancelled")]),
          (1, [("r", 1, None, "going"), ("r", 3, "going", "cancelled")]),
          (1, [("r", 1, None, "going"), ("r", 2, "maybe", "cancelled")]))
    check(queue,
          (0, [("a", "waitlisted"), ("b", "waitlisted"), ("a", "going"), ("b", "going")]),
          (1, [("a", "waitlisted"), ("b", "waitlisted"), ("b", "going"), ("a", "going")]),
          (0, [("a", "waitlisted"), ("b", "waitlisted"), ("a", "cancelled"), ("b", "going")]))
    rows = [("i1", "r", 1), ("i2", "r", 2), ("i3", "r", 3)]
    one, two, three = [(*r, "text " + r[0]) for r in rows]
    check(stream,
          (0, rows, [one, two, three, two, three]), (0, rows, [one, one, two, three]),
          (1, rows, [one, two]), (2, rows, [one, three, two]),
          (1, rows, [one, two, three, ("i9", "r", 9, "x")]), (1, rows, [one, two, three, (*rows[0], "other")]))


if __name__ == "__main__":
    main(globals())
