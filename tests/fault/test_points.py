"""tests/fault/test_points.py - the harness itself: a point acts in one process, once, and only when it is armed"""
from api import call, event, expect, main, person
from harness import FaultStack


def test_a_worker_dies_where_it_is_told():
    with FaultStack(workers=2) as s:
        host = person("Host", s.url)
        before = set(s.worker_pids())
        s.arm("db.sent.EVENT_CREATE")
        expect(call("GET", "/api/events", url=s.url).status, 200, "another statement")
        expect(s.acted("db.sent.EVENT_CREATE"), None)
        lost = host.post("/api/events", {"title": "Lost", "start_date": "2031-01-01T10:00:00Z"})
        expect(lost.status >= 500, True, repr(lost))
        died = s.wait_acted("db.sent.EVENT_CREATE")
        s.wait_workers()
        expect((died in before, died in s.worker_pids()), (True, False), "it died and was replaced")
        event(host)
        s.expect_sound()


def test_a_worker_waits_where_it_is_told():
    with FaultStack(workers=1) as s:
        s.arm("http.reply", "sleep:300", nth=2)
        for _ in range(3):
            expect(call("GET", "/livez", url=s.url).status, 200)
        expect(s.acted("http.reply"), s.worker_pids()[0])


if __name__ == "__main__":
    main(globals())
