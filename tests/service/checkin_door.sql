-- tests/service/checkin_door.sql - scans and what they come to (run by test_checkin.sh, after registration_harness.sql)
CREATE FUNCTION t.ticket(p_event uuid, p_user uuid) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('asked', 'ticket ' || user_id, 'ms', epoch_ms(registered_at), 'holder', right(user_id::text, 7),
                            'event', right(event_id::text, 6)) FROM rsvps WHERE event_id = p_event AND user_id = p_user
$$;
CREATE FUNCTION t.who(p_user uuid) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('asked', 'user ' || p_user, 'user_id', p_user)
$$;
-- The host of the event scans; the event begins within the hours given.
CREATE FUNCTION t.scan(p_event uuid, what jsonb, nonce text DEFAULT uuid7()::text, hours int DEFAULT 240) RETURNS effect LANGUAGE sql AS $$
  SELECT checkin_scan(p_event, t.host(p_event), false, NULL, nonce, what, hours * 3600000)
$$;
CREATE FUNCTION t.undo(p_event uuid, what jsonb, nonce text DEFAULT uuid7()::text) RETURNS effect LANGUAGE sql AS $$
  SELECT checkin_undo(p_event, t.host(p_event), false, NULL, nonce, what)
$$;
CREATE FUNCTION t.reason(e effect) RETURNS text LANGUAGE sql AS $$
  SELECT CASE WHEN e.status = 200 THEN concat_ws(' ', e.body::jsonb->>'status', e.body::jsonb->>'reason') ELSE t.word(e) END
$$;
CREATE FUNCTION t.came(p_event uuid) RETURNS text LANGUAGE sql AS $$
  SELECT format('%s/%s', count(checked_in_at), (SELECT came FROM door_counts WHERE event_id = p_event)) FROM rsvps WHERE event_id = p_event
$$;
-- Somebody with a seat, as if taken an hour ago: within one transaction it is always now.
CREATE FUNCTION t.goer(p_event uuid) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
  u uuid := t.person();
BEGIN
  PERFORM t.answer(p_event, u, 'going');
  UPDATE rsvps SET registered_at = registered_at - interval '1 hour' WHERE event_id = p_event AND user_id = u;
  RETURN u;
END $$;

CREATE FUNCTION t.test_a_ticket_admits_once() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event();
  u uuid := t.goer(ev);
  e effect;
BEGIN
  e := t.scan(ev, t.ticket(ev, u));
  PERFORM t.is('first', t.reason(e), 'ok ok');
  PERFORM t.is('who', e.body::jsonb->'holder'->>'id', u::text);
  PERFORM t.is('keys', e.keys, rsvp_keys(ev, u));
  e := t.scan(ev, t.ticket(ev, u));
  PERFORM t.is('second', t.reason(e), 'refused already');
  PERFORM t.is('since', e.body::jsonb->>'checked_in_at', iso(now()));
  PERFORM t.is('keys of a refusal', e.keys, NULL::text);
  PERFORM t.is('by name', t.reason(t.scan(ev, t.who(u))), 'refused already');
  PERFORM t.is('came', t.came(ev), '1/1');
  PERFORM t.is('state', (SELECT rsvp_state(r) FROM rsvps r WHERE event_id = ev AND user_id = u), 'attended');
  PERFORM t.is('log', (SELECT string_agg(reason, ' ' ORDER BY reason) FROM checkins WHERE event_id = ev), 'already already ok');
END $$;

CREATE FUNCTION t.test_every_reason_has_its_word() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event(1);
  other uuid := t.event();
  u uuid := t.goer(ev);
  waits uuid := t.person();
  gone uuid := t.goer(other);
  maybe uuid := t.person();
  old jsonb := t.ticket(other, gone);
BEGIN
  PERFORM t.answer(ev, waits, 'going'), t.answer(other, maybe, 'maybe'), t.cancel(other, gone);
  PERFORM t.is('early', t.reason(t.scan(ev, t.ticket(ev, u), hours => 24)), 'refused too_early');
  PERFORM t.is('waits', t.reason(t.scan(ev, t.who(waits))), 'refused waitlisted');
  PERFORM t.is('stranger', t.reason(t.scan(ev, t.who(t.person()))), 'refused not_registered');
  PERFORM t.is('nobody', t.reason(t.scan(ev, t.who(uuid7()))), 'refused not_registered');
  PERFORM t.is('maybe', t.reason(t.scan(other, t.who(maybe))), 'refused not_registered');
  PERFORM t.is('cancelled', t.reason(t.scan(other, t.who(gone))), 'refused cancelled');
  PERFORM t.is('old ticket', t.reason(t.scan(other, old)), 'refused cancelled');
  PERFORM t.is('elsewhere', t.reason(t.scan(other, t.ticket(ev, u))), 'refused wrong_event');
  PERFORM t.is('forged', t.reason(t.scan(ev, '{"asked": "ticket x"}')), 'refused invalid');
  PERFORM t.is('nobody came', t.came(ev), '0/');
  PERFORM event_cancel(ev, t.host(ev), false, 'rain', NULL);
  PERFORM t.is('called off', t.reason(t.scan(ev, t.ticket(ev, u))), 'refused event_cancelled');
  PERFORM t.is('all are logged', (SELECT count(*) FROM checkins WHERE event_id IN (ev, other)), 10);
  PERFORM t.is('by a stranger', t.word(checkin_scan(ev, t.person(), false, NULL, 'n', t.ticket(ev, u), 0)), '403 FORBIDDEN');
  PERFORM t.is('by the holder', t.word(checkin_scan(ev, u, false, NULL, 'n', t.ticket(ev, u), 0)), '403 FORBIDDEN');
  PERFORM t.is('by an admin', t.reason(checkin_scan(ev, t.person(), true, NULL, 'n', t.ticket(ev, u), 0)), 'refused event_cancelled');
END $$;

-- Given back and taken again, a seat has another ticket; the old one is never good again.
CREATE FUNCTION t.test_a_cancelled_ticket_stays_cancelled() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event();
  u uuid := t.goer(ev);
  old jsonb := t.ticket(ev, u);
BEGIN
  PERFORM t.cancel(ev, u), t.answer(ev, u, 'going');
  PERFORM t.is('another', t.ticket(ev, u) <> old, true);
  PERFORM t.is('old', t.reason(t.scan(ev, old)), 'refused cancelled');
  PERFORM t.is('new', t.reason(t.scan(ev, t.ticket(ev, u))), 'ok ok');
  PERFORM t.is('old one, inside', t.reason(t.scan(ev, old)), 'refused cancelled');
END $$;

CREATE FUNCTION t.test_a_nonce_is_one_scan() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event();
  u uuid := t.goer(ev);
  first effect := t.scan(ev, t.ticket(ev, u), 'n1');
BEGIN
  PERFORM t.is('again', t.scan(ev, t.ticket(ev, u), 'n1')::text, first::text);
  PERFORM t.is('undone', t.reason(t.undo(ev, t.who(u), 'n2')), 'ok undone');
  PERFORM t.is('undone again', t.reason(t.undo(ev, t.who(u), 'n2')), 'ok undone');
  PERFORM t.is('again, later', (t.scan(ev, t.ticket(ev, u), 'n1')).body, first.body);
  PERFORM t.is('but is out', t.came(ev), '0/0');
  PERFORM t.is('another question', t.word(t.scan(ev, t.who(t.person()), 'n1')), '422 VALIDATION_ERROR');
  PERFORM t.is('another kind', t.word(t.undo(ev, t.who(t.person()), 'n1')), '422 VALIDATION_ERROR');
  PERFORM t.is('entries', (SELECT count(*) FROM checkins WHERE event_id = ev), 2);
  PERFORM t.is('of another event', t.reason(t.scan(t.event(), t.who(u), 'n1')), 'refused not_registered');
END $$;

CREATE FUNCTION t.test_undo() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event();
  u uuid := t.goer(ev);
BEGIN
  PERFORM t.is('nothing', t.reason(t.undo(ev, t.who(u))), 'refused not_checked_in');
  PERFORM t.scan(ev, t.ticket(ev, u), 's1');
  PERFORM t.is('a scan', t.reason(t.undo(ev, '{"asked": "scan s1", "scan": "s1"}')), 'ok undone');
  PERFORM t.is('once', t.reason(t.undo(ev, '{"asked": "scan s1", "scan": "s1"}')), 'refused not_checked_in');
  PERFORM t.is('in again', t.reason(t.scan(ev, t.ticket(ev, u), 's2')), 'ok ok');
  UPDATE rsvps SET checked_in_at = now() + interval '1 second' WHERE event_id = ev AND user_id = u;
  UPDATE checkins SET at = now() + interval '1 second', came_at = now() + interval '1 second' WHERE event_id = ev AND nonce = 's2';
  PERFORM t.is('a scan of before', t.reason(t.undo(ev, '{"asked": "scan s1", "scan": "s1"}')), 'refused not_checked_in');
  PERFORM t.is('of nobody', t.reason(t.undo(ev, t.who(uuid7()))), 'refused not_checked_in');
  PERFORM t.is('came', t.came(ev), '1/1');
END $$;

-- Who gives the seat back is out, and whoever gets it has not come.
CREATE FUNCTION t.test_leaving() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event(1);
  u uuid := t.goer(ev);
  waits uuid := t.person();
BEGIN
  PERFORM t.answer(ev, waits, 'going'), t.scan(ev, t.ticket(ev, u));
  PERFORM t.is('came', t.came(ev), '1/1');
  PERFORM t.cancel(ev, u);
  PERFORM t.is('left', t.came(ev), '0/0');
  PERFORM t.is('promoted', t.state(ev, waits), 'going');
  PERFORM t.is('entry', (SELECT reason FROM checkins WHERE event_id = ev AND act = 'leave'), 'left');
  PERFORM t.is('the next', t.reason(t.scan(ev, t.ticket(ev, waits))), 'ok ok');
  PERFORM t.is('came', t.came(ev), '1/1');
END $$;

-- ---- many at once ----
CREATE FUNCTION t.scan_many(p_event uuid, batch uuid, people uuid[]) RETURNS effect LANGUAGE sql AS $$
  SELECT checkin_many(p_event, t.host(p_event), false, batch, people, 240 * 3600000)
$$;
CREATE FUNCTION t.test_many_at_once() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event(2);
  a uuid := t.goer(ev);
  b uuid := t.goer(ev);
  waits uuid := t.person();
  batch uuid := uuid7();
  e effect;
BEGIN
  PERFORM t.answer(ev, waits, 'going'), t.scan(ev, t.who(b));
  e := t.scan_many(ev, batch, ARRAY[waits, a, b, a]);
  PERFORM t.is('one is new', e.body::jsonb, '{"checked_in": 1}'::jsonb);
  PERFORM t.is('keys', e.keys, rsvp_keys(ev, a));
  PERFORM t.is('each has an answer', (SELECT jsonb_object_agg(user_id, reason) FROM checkins WHERE event_id = ev AND nonce LIKE batch || ':%'),
               jsonb_build_object(a, 'ok', b, 'already', waits, 'waitlisted'));
  PERFORM t.is('came', t.came(ev), '2/2');
  PERFORM t.is('sent again', (t.scan_many(ev, batch, ARRAY[a, b])).body::jsonb, '{"checked_in": 0}'::jsonb);
  PERFORM t.is('one entry each', (SELECT count(*) FROM checkins WHERE event_id = ev), 4);
  PERFORM t.is('by a stranger', t.word(checkin_many(ev, a, false, uuid7(), ARRAY[a], 0)), '403 FORBIDDEN');
  PERFORM rsvps_withdraw(ev, t.host(ev), false, ARRAY[a, b], NULL);
  PERFORM t.is('taken back', t.came(ev), '0/0');
  PERFORM t.is('the next', (t.scan_many(ev, uuid7(), ARRAY[waits])).body::jsonb, '{"checked_in": 1}'::jsonb);
END $$;
CREATE FUNCTION t.test_many_afterwards() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event();
  who uuid[] := ARRAY[t.goer(ev), t.goer(ev)];
BEGIN
  PERFORM t.goer(ev), t.finish(ev), t.scan_many(ev, uuid7(), who);
  PERFORM t.is('the others did not come', t.run_no_show(ev), 1);
  PERFORM t.is('states', t.marks(ev), 'attended attended no_show');
END $$;

-- ---- after the end ----
CREATE FUNCTION t.finish(p_event uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE events SET start_date = now() - interval '3 hours', end_date = now() - interval '2 hours', ends_at = now() - interval '2 hours'
    WHERE id = p_event;
  UPDATE event_seats SET closes_at = now() - interval '2 hours' WHERE event_id = p_event;
  PERFORM event_doc_write(p_event), job_complete('{}');
END $$;
CREATE FUNCTION t.marks(p_event uuid) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(rsvp_state(r), ' ' ORDER BY rsvp_state(r)) FROM rsvps r WHERE event_id = p_event
$$;
CREATE FUNCTION t.run_no_show(p_event uuid) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  n bigint;
BEGIN
  SELECT count(job_no_show(arg)) INTO n FROM jobs WHERE name = 'no-show:' || p_event;
  DELETE FROM jobs WHERE name = 'no-show:' || p_event;
  RETURN n;
END $$;

CREATE FUNCTION t.test_who_did_not_come() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event();
  u uuid := t.goer(ev);
  late uuid := t.goer(ev);
BEGIN
  PERFORM t.goer(ev), t.scan(ev, t.ticket(ev, u)), t.finish(ev);
  PERFORM t.is('not yet', t.marks(ev), 'attended registered registered');
  PERFORM t.is('a job', t.run_no_show(ev), 1);
  PERFORM t.is('then', t.marks(ev), 'attended no_show no_show');
  PERFORM t.is('late', t.reason(t.scan(ev, t.who(late))), 'ok ok');
  PERFORM t.is('and so', t.marks(ev), 'attended attended no_show');
  PERFORM t.undo(ev, t.who(late));
  PERFORM t.is('back', t.marks(ev), 'attended no_show no_show');
  PERFORM t.is('lists', (SELECT string_agg(f || ' ' || (SELECT count(*) FROM door_list(ev, f, NULL, false, NULL, NULL, 10, 0)), ' ')
                         FROM unnest('{attended,no_show,absent}'::text[]) f), 'attended 1 no_show 2 absent 2');
END $$;

CREATE FUNCTION t.test_without_a_door_nobody_is_absent() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event();
  u uuid := t.goer(ev);
BEGIN
  PERFORM t.goer(ev), t.finish(ev);
  PERFORM t.is('no job', t.run_no_show(ev), 0);
  PERFORM t.is('states', t.marks(ev), 'registered registered');
  PERFORM t.scan(ev, t.who(u));
  PERFORM t.is('the first, afterwards', t.run_no_show(ev), 1);
  PERFORM t.is('states', t.marks(ev), 'attended no_show');
END $$;

-- ---- links ----
CREATE FUNCTION t.gate(p_event uuid, word text, expires timestamptz DEFAULT NULL) RETURNS uuid LANGUAGE sql AS $$
  SELECT ((gate_create(p_event, t.host(p_event), false, uuid7(), word, 'hash of ' || word || p_event, expires)).body::jsonb->>'id')::uuid
$$;
CREATE FUNCTION t.by_gate(p_event uuid, word text, what jsonb, nonce text DEFAULT uuid7()::text) RETURNS effect LANGUAGE sql AS $$
  SELECT checkin_scan(NULL, NULL, false, 'hash of ' || word || p_event, nonce, what, 240 * 3600000)
$$;
CREATE FUNCTION t.look(p_event uuid, word text, q text) RETURNS jsonb LANGUAGE sql AS $$
  SELECT CASE e.status WHEN 200 THEN e.body::jsonb END
  FROM door_look(p_event, CASE WHEN word IS NULL THEN t.host(p_event) END, false, 'hash of ' || word || p_event, NULL, q, 0) e
$$;

CREATE FUNCTION t.test_links_are_for_one_door() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event();
  other uuid := t.event();
  u uuid := t.goer(ev);
  north uuid := t.gate(ev, 'north');
  e effect;
BEGIN
  UPDATE users SET name = 'Ada King Lovelace' WHERE id = u;
  PERFORM t.gate(ev, 'south');
  e := t.by_gate(ev, 'north', t.ticket(ev, u), 's');
  PERFORM t.is('scan', t.reason(e), 'ok ok');
  PERFORM t.is('initials, and no more', e.body::jsonb->'holder', '{"name": "A. L."}'::jsonb);
  PERFORM t.is('no name anywhere', e.body LIKE '%Ada%' OR e.body LIKE '%' || u || '%', false);
  PERFORM t.is('which door', (SELECT gate_id FROM checkins WHERE event_id = ev AND nonce = 's'), north);
  PERFORM t.is('another event', t.reason(t.by_gate(ev, 'north', t.ticket(other, t.goer(other)))), 'refused wrong_event');
  PERFORM t.is('undo by another door', t.reason(checkin_undo(NULL, NULL, false, 'hash of south' || ev, 'u1', '{"asked": "s", "scan": "s"}')), 'refused not_checked_in');
  PERFORM t.is('undo by person', t.reason(checkin_undo(NULL, NULL, false, 'hash of north' || ev, 'u2', t.who(u))), 'refused not_checked_in');
  PERFORM t.is('undo', t.reason(checkin_undo(NULL, NULL, false, 'hash of north' || ev, 'u3', '{"asked": "s", "scan": "s"}')), 'ok undone');
  PERFORM t.is('none', t.word(t.by_gate(ev, 'west', t.ticket(ev, u))), '401 UNAUTHORIZED');
  PERFORM t.is('not theirs to end', t.word(gate_revoke(other, t.host(other), false, north)), '404 NOT_FOUND');
  PERFORM t.is('ended', t.word(gate_revoke(ev, t.host(ev), false, north)), '200');
  PERFORM t.is('then', t.word(t.by_gate(ev, 'north', t.ticket(ev, u))), '401 UNAUTHORIZED');
  PERFORM t.is('looks, too', t.look(ev, 'north', NULL), NULL::jsonb);
  PERFORM t.is('the other goes on', t.reason(t.by_gate(ev, 'south', t.ticket(ev, u))), 'ok ok');
  UPDATE gates SET expires_at = now() - interval '1 second' WHERE event_id = ev;
  PERFORM t.is('over', t.word(t.by_gate(ev, 'south', t.ticket(ev, u))), '401 UNAUTHORIZED');
  PERFORM t.is('in the past', t.word(gate_create(ev, t.host(ev), false, uuid7(), 'x', 'x', now())), '422 VALIDATION_ERROR');
  PERFORM t.is('by a stranger', t.word(gate_create(ev, u, false, uuid7(), 'x', 'x', NULL)), '403 FORBIDDEN');
  PERFORM t.is('list', (SELECT string_agg(g->>'state', ' ') FROM jsonb_array_elements((gate_list(ev, t.host(ev), false)).body::jsonb) g), 'revoked expired');
END $$;

-- Twelve hours after the end, wherever the end has moved to.
CREATE FUNCTION t.test_links_end_with_the_event() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event();
BEGIN
  PERFORM t.gate(ev, 'north');
  UPDATE events SET ends_at = now() - interval '11 hours' WHERE id = ev;
  PERFORM t.is('before', t.look(ev, 'north', NULL) IS NOT NULL, true);
  UPDATE events SET ends_at = now() - interval '12 hours' WHERE id = ev;
  PERFORM t.is('after', t.look(ev, 'north', NULL), NULL::jsonb);
  UPDATE events SET ends_at = end_date WHERE id = ev;
END $$;

-- The same people, whichever way they are looked for: in an event of few, or of many (as it seems).
CREATE FUNCTION t.test_looking_for_people() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event(NULL);
  u uuid := t.goer(ev);
BEGIN
  UPDATE users SET name = 'Zoë de la Çrüz-Li', email = 'zoe.' || ev || '@example.org' WHERE id = u;
  PERFORM t.gate(ev, 'north');
  FOR i IN 1..2 LOOP
    PERFORM t.is(q, jsonb_path_query_array(t.look(ev, NULL, q), '$.found[*].user_id'), jsonb_build_array(u))
      FROM unnest(ARRAY['zoe', 'li', 'cruz z', 'ZOË', 'la', ' zo ', 'zoe.' || ev || '@example.org']) q;
    PERFORM t.is(q, t.look(ev, NULL, q)->'found', '[]'::jsonb)
      FROM unnest(ARRAY['zoex', 'uz', '%', ':*', 'a & b', '''', 'nobody@example.org', '!!']) q;
    PERFORM t.is('through a link', (t.look(ev, 'north', 'zoe')->'found'->0) - '{ms,sort,user_id}'::text[],
                 '{"name": "Z. Ç.", "email": null, "state": "registered", "checked_in_at": null}'::jsonb);
    PERFORM t.is('no address through a link', t.look(ev, 'north', 'zoe.' || ev || '@example.org')->'found', '[]'::jsonb);
    UPDATE seat_counters SET going = going + 5000 * (3 - 2 * i) WHERE pool_id = ev AND slot = 0;
  END LOOP;
  PERFORM t.fill(ev, t.people(25));
  PERFORM t.is('many', jsonb_array_length(t.look(ev, NULL, 'person')->'found'), 20);
  PERFORM t.is('and more', t.look(ev, NULL, 'person')->>'more', 'true');
  PERFORM t.is('looks are logged', (SELECT count(*) FROM checkins WHERE event_id = ev AND act = 'look' AND gate_id IS NOT NULL), 4);
  PERFORM t.is('counts', t.look(ev, NULL, NULL) @> '{"going": 26, "checked_in": 0, "not_yet": 26, "found": null}', true);
END $$;

-- ---- the log ----
CREATE FUNCTION t.test_the_log_is_only_added_to() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM t.is(r || ' ' || p, has_table_privilege(r, 'checkins', p), p IN ('SELECT', 'INSERT'))
    FROM unnest('{marquee_web,marquee_notifier}'::text[]) r, unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) p;
END $$;
