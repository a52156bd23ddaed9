-- tests/service/registration_seats.sql - slots, capacity, the waiting list and promotion

CREATE FUNCTION t.slots(p_event uuid) RETURNS text LANGUAGE sql AS $$
  SELECT format('%s of %s', count(*), (SELECT n FROM event_seats WHERE event_id = p_event))
  FROM seat_counters WHERE pool_id = p_event
$$;
CREATE FUNCTION t.spread(p_event uuid) RETURNS int LANGUAGE sql AS $$
  SELECT max(remaining) - min(remaining) FROM seat_counters WHERE pool_id = p_event
$$;

-- From 500 seats on, one row becomes 32; what was counted stays.
CREATE FUNCTION t.test_widening() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  cap int;
  ev uuid;
  p uuid[] := t.people(4);
BEGIN
  FOREACH cap IN ARRAY ARRAY[499, 500, 1003, NULL] LOOP
    ev := t.event(cap);
    PERFORM t.is('one at first', t.slots(ev), '1 of 1');
    PERFORM t.answer(ev, p[1], 'going');
    PERFORM t.answer(ev, p[2], 'interested');
    PERFORM t.answer(ev, p[3], 'maybe');
    PERFORM t.is('one while nobody fights', t.slots(ev), '1 of 1');
    PERFORM rsvp_set(ev, p[4], uuid7(), 'going', NULL, true);  -- what contention leads to
    PERFORM t.is('slots', t.slots(ev), CASE WHEN cap = 499 THEN '1 of 1' ELSE '32 of 32' END);
    PERFORM t.is('evenly', t.spread(ev) BETWEEN 0 AND 2, true);
    PERFORM t.is('counters', t.seats(ev), format('2/0/%s/%s', coalesce((cap - 2)::text, '-'), coalesce(cap::text, '-')));
    PERFORM t.is('others', (SELECT (sum(interested), sum(maybe))::text FROM seat_counters WHERE pool_id = ev), '(1,1)');
    PERFORM t.answer(ev, p[2], 'going');
    PERFORM t.cancel(ev, p[1]);
    PERFORM t.is('goes on', t.seats(ev), format('2/0/%s/%s', coalesce((cap - 2)::text, '-'), coalesce(cap::text, '-')));
  END LOOP;
END $$;

-- The last seats are found in whatever slot they lie, none twice.
CREATE FUNCTION t.test_last_seats_of_many_slots() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event(500);
  p uuid[] := t.people(502);
BEGIN
  PERFORM rsvp_set(ev, p[1], uuid7(), 'going', NULL, true);
  PERFORM t.fill(ev, p[2:502]);
  PERFORM t.is('seats', t.seats(ev), '500/2/0/500');
  PERFORM t.is('in order', (SELECT count(*) FROM rsvps WHERE event_id = ev AND state = 'waitlisted'
    AND user_id IN (p[501], p[502])), 2);
  PERFORM t.cancel(ev, p[7]);
  PERFORM t.is('next', t.state(ev, p[501]), 'going');
  PERFORM t.is('seats', t.seats(ev), '500/1/0/500');
END $$;

-- A position is exact, also over blocks of 256, also after people left.
CREATE FUNCTION t.test_positions() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event(1);
  p uuid[] := t.people(600);
  e effect;
BEGIN
  PERFORM t.answer(ev, t.person(), 'going');
  FOR i IN 1..600 LOOP
    e := t.answer(ev, p[i], 'going');
    PERFORM t.is('on joining', (t.doc(e)->>'waitlist_position')::int, i);
  END LOOP;
  FOR i IN 1..600 LOOP
    IF i % 7 = 0 OR i BETWEEN 300 AND 310 THEN PERFORM t.cancel(ev, p[i]); END IF;
  END LOOP;
  PERFORM t.is('exact for all', (SELECT count(*) FROM (SELECT wl_seq, row_number() OVER (ORDER BY wl_seq) n
    FROM rsvps WHERE event_id = ev AND state = 'waitlisted') r WHERE waitlist_position(ev, wl_seq) <> n), 0);
  PERFORM t.is('how many', (SELECT waiting FROM event_seats WHERE event_id = ev),
               (SELECT count(*)::int FROM rsvps WHERE event_id = ev AND state = 'waitlisted'));
  PERFORM t.is('list', (SELECT array_agg((doc::jsonb->>'position')::int) FROM waitlist(ev, NULL, 0, 3, 255)), ARRAY[256, 257, 258]);
END $$;

-- A seat given back goes to the head: one row, one message, one notification each, in order.
CREATE FUNCTION t.test_promotion_in_order() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event(3);
  p uuid[] := t.people(10);
  e effect;
BEGIN
  PERFORM t.fill(ev, p);
  PERFORM t.is('seats', t.seats(ev), '3/7/0/3');
  e := t.cancel(ev, p[2]);
  PERFORM t.is('keys of both', e.keys, format(E'viewer:%s:%s\nviewer:%s:%s', p[2], ev, p[4], ev));
  PERFORM t.is('head', t.state(ev, p[4]), 'going');
  PERFORM t.is('its message', t.last('event.waitlist.promoted', ev)->>'user_id', p[4]::text);
  PERFORM t.is('its news', (SELECT count(*) FROM notifications WHERE user_id = p[4] AND kind = 'waitlist_promoted' AND event_id = ev), 1);
  PERFORM t.is('sent once', t.sent('notification.waitlist_promoted', p[4]), 1);
  PERFORM t.answer(ev, p[1], 'maybe');       -- any way out of going frees a seat
  PERFORM t.answer(ev, p[6], 'not_going');   -- leaving the queue frees none
  PERFORM t.cancel(ev, p[4]);                -- a promoted one passes the seat on
  PERFORM t.is('seats', t.seats(ev), '3/3/0/3');
  PERFORM t.is('in order', (SELECT array_agg(payload::jsonb->>'user_id' ORDER BY pos) FROM outbox
    WHERE key = ev::text AND type = 'event.waitlist.promoted'), ARRAY[p[4], p[5], p[7]]::text[]);
  PERFORM t.answer(ev, p[2], 'going');       -- and who comes back stands at the end
  PERFORM t.is('at the end', t.doc(t.answer(ev, p[2], 'going'))->>'waitlist_position', '4');
  PERFORM t.is('registered when they joined', (SELECT count(DISTINCT registered_at) FROM rsvps WHERE event_id = ev), 1);
END $$;

CREATE FUNCTION t.test_capacity() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event(2);
  p uuid[] := t.people(8);
  e effect;
  version int;
BEGIN
  PERFORM t.fill(ev, p);
  e := t.edit(ev, '{"max_attendees": 4}');
  PERFORM t.is('raised', t.word(e) || ' ' || t.seats(ev), '200 4/4/0/4');
  PERFORM t.is('keys of the lucky', e.keys, event_keys(ev) || format(E'\nviewer:%s:%s\nviewer:%s:%s', p[3], ev, p[4], ev));
  version := (SELECT e2.version FROM events e2 WHERE id = ev);
  PERFORM t.is('below going', t.word(t.edit(ev, '{"max_attendees": 3, "title": "Other"}')), '409 CAPACITY_BELOW_GOING');
  PERFORM t.is('nothing changed', (SELECT (e2.version, title, max_attendees)::text FROM events e2 WHERE id = ev), (version, 'Test event'::text, 4)::text);
  PERFORM t.is('to what is taken', t.word(t.edit(ev, '{"max_attendees": 4}')), '200');
  PERFORM t.edit(ev, '{"max_attendees": 20}');
  PERFORM t.is('more than wait', t.seats(ev), '8/0/12/20');
  PERFORM t.edit(ev, '{"max_attendees": 8}');
  PERFORM t.is('down to going', t.seats(ev), '8/0/0/8');
  PERFORM t.is('full again', t.state(ev, p[1]) || t.word(t.answer(ev, t.person(), 'going')), 'going201');
  PERFORM t.is('and waits', t.seats(ev), '8/1/0/8');
  PERFORM t.edit(ev, '{"max_attendees": null}');
  PERFORM t.is('unlimited', t.seats(ev), '9/0/-/-');
  PERFORM t.edit(ev, '{"max_attendees": 700}');
  PERFORM t.is('limited again', t.seats(ev), '9/0/691/700');
  PERFORM rsvp_set(ev, t.person(), uuid7(), 'going', NULL, true);
  PERFORM t.edit(ev, '{"max_attendees": 601}');
  PERFORM t.is('over 32 slots', t.seats(ev) || ' ' || t.slots(ev), '10/0/591/601 32 of 32');
  PERFORM t.is('evenly', t.spread(ev), 1);
  PERFORM t.edit(ev, '{"max_attendees": null}');
  PERFORM t.is('unlimited over 32', (SELECT min(remaining) FROM seat_counters WHERE pool_id = ev), 1000000000);
END $$;

-- A raise that promotes more than 1,000 goes in steps; nobody is overtaken meanwhile.
CREATE FUNCTION t.test_great_raise() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event(1);
  p uuid[] := t.people(2300);
  late uuid := t.person();
  steps int := 0;
BEGIN
  PERFORM t.fill(ev, p);
  PERFORM t.edit(ev, '{"max_attendees": 5000}');
  PERFORM t.is('first step', t.seats(ev), '1001/1299/0/1001');
  PERFORM t.is('the event says', (SELECT max_attendees FROM events WHERE id = ev), 5000);
  PERFORM t.is('a job is there', (SELECT fn FROM jobs WHERE name LIKE 'raise:' || ev || ':%'), 'job_raise');
  PERFORM t.is('who comes now waits', t.doc(t.answer(ev, late, 'going'))->>'waitlist_position', '1300');
  PERFORM t.cancel(ev, p[1]);
  PERFORM t.is('a seat given back moves on', t.seats(ev), '1001/1299/0/1001');
  PERFORM t.is('no violation on the way', (SELECT count(*) FROM check_invariants() WHERE event_id = ev), 0);
  WHILE job_raise(jsonb_build_object('event', ev)) > 0 LOOP steps := steps + 1; END LOOP;
  PERFORM t.is('steps that left work', steps, 1);
  PERFORM t.is('all in', t.seats(ev), '2300/0/2700/5000');
  PERFORM t.is('in order of joining', (SELECT count(*) FROM (
    SELECT (payload::jsonb->>'user_id')::uuid u, row_number() OVER (ORDER BY pos) n FROM outbox
    WHERE key = ev::text AND type = 'event.waitlist.promoted') o WHERE o.u <> CASE WHEN n = 2300 THEN late ELSE p[n + 1] END), 0);
  PERFORM t.is('told once', (SELECT count(*) FROM notifications n WHERE n.event_id = ev), 2300);
  PERFORM t.is('nothing raises', job_raise(jsonb_build_object('event', ev)), 0);
  DELETE FROM jobs WHERE name LIKE 'raise:' || ev || ':%';
END $$;

-- Calling off, ending and deleting close the seats; nobody is promoted then.
CREATE FUNCTION t.test_closing_closes_seats() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  how text;
  ev uuid;
  p uuid[] := t.people(3);
BEGIN
  FOREACH how IN ARRAY ARRAY['cancel', 'complete', 'delete'] LOOP
    ev := t.event(1);
    PERFORM t.fill(ev, p);
    IF how = 'cancel' THEN
      PERFORM t.is(how, t.word(event_cancel(ev, t.host(ev), false, 'rain', NULL)), '200');
      PERFORM t.is('twice', t.word(event_cancel(ev, t.host(ev), false, 'rain', NULL)), '200');
      PERFORM t.is('one message', t.sent('event.cancelled', ev), 1);
      DELETE FROM jobs WHERE name = 'cancelled:' || ev;
    ELSIF how = 'delete' THEN
      PERFORM t.is(how, t.word(event_delete(ev, t.host(ev), false, NULL)), '200');
      PERFORM t.is('twice', t.word(event_delete(ev, t.host(ev), false, NULL)), '404 NOT_FOUND');
      PERFORM t.is('document', (SELECT count(*) FROM event_docs WHERE event_id = ev), 0);
    ELSE
      UPDATE events SET start_date = now() - interval '2 days', end_date = now() - interval '1 day', ends_at = now() - interval '1 day' WHERE id = ev;
      PERFORM t.is(how, job_complete('{}'), 1);
      PERFORM t.is('again', job_complete('{}'), 0);
      PERFORM t.is('document', (SELECT doc::jsonb->>'status' FROM event_docs WHERE event_id = ev), 'completed');
      PERFORM t.is('message', t.last('event.updated', ev)->'updated_fields', '["status"]'::jsonb);
    END IF;
    PERFORM t.is(how || ': closed', (SELECT open FROM event_seats WHERE event_id = ev), false);
    PERFORM t.is(how || ': no way out', (t.answer(ev, p[1], 'not_going')).status >= 404, true);
    PERFORM t.is(how || ': no raise', (t.edit(ev, '{"max_attendees": 3}')).status >= 404, true);
    PERFORM t.is(how || ': as before', t.seats(ev), '1/2/0/1');
  END LOOP;
END $$;

-- A draft that is published opens.
CREATE FUNCTION t.test_publishing() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event(1, '{"status": "draft"}');
BEGIN
  PERFORM t.is('closed', (SELECT open FROM event_seats WHERE event_id = ev), false);
  PERFORM t.is('published', t.word(event_publish(ev, t.host(ev), false, '{1}')), '200');
  PERFORM t.is('takes answers', t.word(t.answer(ev, t.person(), 'going')), '201');
  PERFORM t.is('no way back', t.word(t.edit(ev, '{"status": "draft"}')), '422 VALIDATION_ERROR');
END $$;
