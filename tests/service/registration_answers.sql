-- tests/service/registration_answers.sql - what an answer leads to, from every state, on every event

-- Brings a new person into a state, on an event with a free seat or (waitlisted) without.
CREATE FUNCTION t.in_state(p_event uuid, old text) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
  u uuid := t.person();
BEGIN
  IF old = 'cancelled' THEN
    PERFORM t.answer(p_event, u, 'going');
    PERFORM t.cancel(p_event, u);
  ELSIF old IS NOT NULL THEN
    PERFORM t.answer(p_event, u, CASE old WHEN 'waitlisted' THEN 'going' ELSE old END);
  END IF;
  PERFORM t.is('the state to begin with', t.state(p_event, u), old);
  RETURN u;
END $$;

-- One cell of the table: answers, and everything the answer must have left behind.
CREATE FUNCTION t.cell(p_event uuid, p_user uuid, want text, answer text, new text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  was rsvps;
  r rsvps;
  e effect;
  what text;
  messages bigint := (SELECT count(*) FROM outbox WHERE key = p_event::text AND aggregate_type = 'registration');
  changed boolean;
BEGIN
  SELECT * INTO was FROM rsvps WHERE event_id = p_event AND user_id = p_user;
  what := format('%s wants %s', coalesce(was.state, 'nothing'), want);
  e := t.answer(p_event, p_user, want);
  SELECT * INTO r FROM rsvps WHERE event_id = p_event AND user_id = p_user;
  PERFORM t.is(what || ': answer', t.word(e), answer);
  PERFORM t.is(what || ': state', r.state::text, new);
  changed := was.state IS DISTINCT FROM r.state;
  PERFORM t.is(what || ': seq', r.seq, coalesce(was.seq, CASE WHEN r.id IS NOT NULL THEN 0 END) + changed::int);
  PERFORM t.is(what || ': messages', (SELECT count(*) FROM outbox WHERE key = p_event::text
    AND aggregate_type = 'registration') - messages, changed::int);
  IF e.status < 300 THEN
    PERFORM t.is(what || ': document', t.doc(e)->>'status', rsvp_status(new));
    PERFORM t.is(what || ': document', t.doc(e)->>'state', rsvp_state(r));
    PERFORM t.is(what || ': place', (t.doc(e)->>'waitlist_position') IS NOT NULL, new = 'waitlisted');
    PERFORM t.is(what || ': key', e.keys, format('viewer:%s:%s', p_user, p_event));
  END IF;
  IF changed THEN
    PERFORM t.is(what || ': history', (SELECT (from_state, to_state)::text FROM rsvp_history
      WHERE event_id = p_event AND user_id = p_user AND seq = r.seq), (was.state, r.state)::text);
    PERFORM t.is(what || ': type', (SELECT type FROM outbox WHERE aggregate_id = r.id AND seq = r.seq),
      CASE WHEN new IN ('going', 'waitlisted') THEN 'event.registration.created'
           WHEN was.state IN ('going', 'waitlisted') THEN 'event.registration.cancelled' ELSE 'event.rsvp' END);
  END IF;
END $$;

-- Every old state and every answer while seats are free.
CREATE FUNCTION t.test_transitions_with_seats() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  c record;
  ev uuid := t.event(100);
BEGIN
  FOR c IN SELECT * FROM (VALUES
    (NULL,         'going', '201', 'going'),         (NULL,         'interested', '201', 'interested'),
    (NULL,         'maybe', '201', 'maybe'),         (NULL,         'not_going',  '201', 'not_going'),
    ('interested', 'going', '200', 'going'),         ('interested', 'interested', '200', 'interested'),
    ('interested', 'maybe', '200', 'maybe'),         ('interested', 'not_going',  '200', 'not_going'),
    ('maybe',      'going', '200', 'going'),         ('maybe',      'interested', '200', 'interested'),
    ('maybe',      'maybe', '200', 'maybe'),         ('maybe',      'not_going',  '200', 'not_going'),
    ('not_going',  'going', '200', 'going'),         ('not_going',  'interested', '200', 'interested'),
    ('not_going',  'maybe', '200', 'maybe'),         ('not_going',  'not_going',  '200', 'not_going'),
    ('going',      'going', '200', 'going'),         ('going',      'interested', '200', 'interested'),
    ('going',      'maybe', '200', 'maybe'),         ('going',      'not_going',  '200', 'cancelled'),
    ('cancelled',  'going', '200', 'going'),         ('cancelled',  'interested', '200', 'interested'),
    ('cancelled',  'maybe', '200', 'maybe'),         ('cancelled',  'not_going',  '200', 'cancelled')
    ) v (old, want, answer, new) LOOP
    PERFORM t.cell(ev, t.in_state(ev, c.old), c.want, c.answer, c.new);
  END LOOP;
  PERFORM t.is('seats', t.seats(ev), '6/0/94/100');
END $$;

-- The same on a full event: who wants a seat waits.
CREATE FUNCTION t.test_transitions_when_full() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  c record;
  ev uuid;
BEGIN
  FOR c IN SELECT * FROM (VALUES
    (NULL,         'going', '201', 'waitlisted'),    ('waitlisted', 'going',      '200', 'waitlisted'),
    ('interested', 'going', '200', 'waitlisted'),    ('waitlisted', 'interested', '200', 'interested'),
    ('maybe',      'going', '200', 'waitlisted'),    ('waitlisted', 'maybe',      '200', 'maybe'),
    ('not_going',  'going', '200', 'waitlisted'),    ('waitlisted', 'not_going',  '200', 'cancelled')
    ) v (old, want, answer, new) LOOP
    ev := t.event(1);
    PERFORM t.answer(ev, t.person(), 'going');
    PERFORM t.cell(ev, t.in_state(ev, c.old), c.want, c.answer, c.new);
    PERFORM t.is('seats', t.seats(ev), format('1/%s/0/1', (c.new = 'waitlisted')::int));
  END LOOP;
END $$;

-- Full and nobody may wait: refused, nothing left behind.
CREATE FUNCTION t.test_transitions_without_waitlist() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event(1, '{"waitlist_enabled": false}');
  u uuid;
  old text;
BEGIN
  u := t.in_state(ev, 'cancelled');
  PERFORM t.answer(ev, t.person(), 'going');
  PERFORM t.cell(ev, u, 'going', '409 EVENT_FULL', 'cancelled');
  FOREACH old IN ARRAY ARRAY[NULL, 'interested', 'maybe', 'not_going'] LOOP
    PERFORM t.cell(ev, t.in_state(ev, old), 'going', '409 EVENT_FULL', old);
    PERFORM t.is('slowly', t.word(rsvp_set(ev, t.person(), uuid7(), 'going', NULL, true)), '409 EVENT_FULL');
  END LOOP;
  PERFORM t.is('seats', t.seats(ev), '1/0/0/1');
END $$;

-- Called off, over or out of time: nothing changes any more, a repetition is still answered.
CREATE FUNCTION t.test_closed_events() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event(5);
  going uuid := t.in_state(ev, 'going');
  maybe uuid := t.in_state(ev, 'maybe');
  how text;
BEGIN
  FOREACH how IN ARRAY ARRAY['late', 'over', 'off'] LOOP
    IF how = 'late' THEN
      UPDATE event_seats SET closes_at = now() WHERE event_id = ev;
    ELSIF how = 'over' THEN
      UPDATE event_seats SET closes_at = now() + interval '1 hour', open = false WHERE event_id = ev;
      UPDATE events SET status = 'completed' WHERE id = ev;
      PERFORM event_doc_write(ev);
    ELSE
      UPDATE events SET status = 'cancelled' WHERE id = ev;
      PERFORM event_doc_write(ev);
    END IF;
    PERFORM t.cell(ev, t.person(), 'going', '409 EVENT_CLOSED', NULL);
    PERFORM t.cell(ev, t.person(), 'maybe', '409 EVENT_CLOSED', NULL);
    PERFORM t.cell(ev, going, 'not_going', '409 EVENT_CLOSED', 'going');
    PERFORM t.cell(ev, going, 'going', '200', 'going');
    PERFORM t.cell(ev, maybe, 'going', '409 EVENT_CLOSED', 'maybe');
    PERFORM t.is('slowly', t.word(rsvp_set(ev, maybe, uuid7(), 'going', NULL, true)), '409 EVENT_CLOSED');
  END LOOP;
END $$;

-- What one may not see does not exist; who has answered may always leave.
CREATE FUNCTION t.test_hidden_events() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event(5, '{"privacy": "private"}');
  draft uuid := t.event(5, '{"status": "draft"}');
  gone uuid := t.event(5);
  guest uuid := t.person();
  friend uuid := t.person();
  going uuid := t.in_state(gone, 'going');
BEGIN
  PERFORM t.is('no such event', t.word(t.answer(uuid7(), guest, 'going')), '404 NOT_FOUND');
  PERFORM t.is('nor answer', t.word(t.cancel(uuid7(), guest)), '404 NOT_FOUND');
  PERFORM t.is('never answered', t.word(t.cancel(gone, guest)), '404 NOT_FOUND');
  PERFORM t.is('private', t.word(t.answer(ev, guest, 'going')), '404 NOT_FOUND');
  INSERT INTO invitations (id, event_id, inviter_id, invitee_id) VALUES (uuid7(), ev, t.host(ev), guest);
  PERFORM t.is('invited', t.word(t.answer(ev, guest, 'going')), '201');
  DELETE FROM invitations WHERE event_id = ev;
  PERFORM t.is('may leave', t.word(t.cancel(ev, guest)), '200');
  PERFORM t.is('and is out', t.word(t.answer(ev, guest, 'going')), '404 NOT_FOUND');
  PERFORM t.edit(ev, '{"privacy": "friends_only"}');
  PERFORM t.is('no friend', t.word(t.answer(ev, friend, 'going')), '404 NOT_FOUND');
  INSERT INTO friendships VALUES (least(friend, t.host(ev)), greatest(friend, t.host(ev)), 'accepted', friend);
  PERFORM t.is('a friend', t.word(t.answer(ev, friend, 'going')), '201');
  PERFORM t.is('a draft', t.word(t.answer(draft, guest, 'going')), '404 NOT_FOUND');
  PERFORM t.is('a draft, slowly', t.word(rsvp_set(draft, guest, uuid7(), 'going', NULL, true)), '404 NOT_FOUND');
  PERFORM t.is('its host', t.word(t.answer(draft, t.host(draft), 'going')), '409 EVENT_CLOSED');
  PERFORM event_delete(gone, t.host(gone), false, NULL);
  PERFORM t.is('deleted', t.word(t.answer(gone, guest, 'going')), '404 NOT_FOUND');
  PERFORM t.is('also to who was going', t.word(t.answer(gone, going, 'maybe')), '404 NOT_FOUND');
  PERFORM t.is('and wants out', t.word(t.cancel(gone, going)), '404 NOT_FOUND');
END $$;

-- registration_data stays when a later answer brings none; registered_at is when the seat was asked for.
CREATE FUNCTION t.test_what_an_answer_carries() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event(1);
  u uuid := t.person();
  r rsvps;
  e effect;
BEGIN
  e := rsvp_set(ev, u, '01890000-0000-7000-8000-000000000001', 'going', '{"meal": "fish"}', false);
  PERFORM t.is('id', t.doc(e)->>'registration_id', '01890000-0000-7000-8000-000000000001');
  PERFORM t.is('counts', t.counts(e), '{1/1/0/0/0/0/0/0}');
  UPDATE rsvps SET registered_at = now() - interval '1 day' WHERE event_id = ev AND user_id = u;
  PERFORM t.answer(ev, u, 'maybe');
  SELECT * INTO r FROM rsvps WHERE event_id = ev AND user_id = u;
  PERFORM t.is('data kept', r.registration_data, '{"meal": "fish"}'::jsonb);
  PERFORM t.is('time kept', r.registered_at, now() - interval '1 day');
  PERFORM t.answer(ev, u, 'going');
  SELECT * INTO r FROM rsvps WHERE event_id = ev AND user_id = u;
  PERFORM t.is('time anew', r.registered_at, now());
  PERFORM t.is('same row', r.id, '01890000-0000-7000-8000-000000000001'::uuid);
  PERFORM t.is('unlimited', t.counts(t.answer(t.event(NULL), u, 'going')), '{1/1/0/0/0/0/0/999999999}');
END $$;

-- The answer to who makes an event says what reading it would say.
CREATE FUNCTION t.test_created_parts() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  host uuid := t.person();
  ev uuid;
  e effect;
BEGIN
  FOR i IN 1..2 LOOP
    ev := uuid7();
    e := event_create(ev, host, jsonb_build_object('title', 'Made just now', 'start_date', iso(now() + interval '1 day'),
      'tags', '["z", "a", "m"]'::jsonb) || CASE i WHEN 1 THEN '{}' ELSE '{"max_attendees": 7, "virtual_link": "https://x.example/\"1"}' END::jsonb, 0);
    PERFORM t.is('made', e.status, 201);
    PERFORM t.is('what is answered', e.body, event_parts(ev, host));
    PERFORM t.is('tags in their order', (SELECT tags::text FROM events WHERE id = ev), '{z,a,m}');
  END LOOP;
END $$;
