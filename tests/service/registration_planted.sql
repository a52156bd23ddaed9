-- tests/service/registration_planted.sql - check_invariants() and check_docs() find what they are for:
-- every violation is planted once, seen, and taken back

CREATE TABLE t.planted (invariant text PRIMARY KEY);
GRANT SELECT ON t.planted TO PUBLIC;

-- Runs a statement ($1 = the event), expects that violation of that event, and takes all of it back.
CREATE FUNCTION t.plant(p_event uuid, want text, VARIADIC damage text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  step text;
  found bigint;
BEGIN
  PERFORM t.is(want || ' before', (SELECT count(*) FROM check_invariants()), 0);
  BEGIN
    FOREACH step IN ARRAY damage LOOP EXECUTE replace(step, '$1', quote_literal(p_event)); END LOOP;
    SELECT count(*) INTO found FROM check_invariants() c WHERE c.invariant = want AND c.event_id = p_event;
    RAISE EXCEPTION USING ERRCODE = 'T0000';
  EXCEPTION WHEN SQLSTATE 'T0000' THEN
    PERFORM t.is(format('%s not found after %s', want, array_to_string(damage, '; ')), found >= 1, true);
  END;
  INSERT INTO t.planted VALUES (want) ON CONFLICT DO NOTHING;
END $$;

CREATE FUNCTION t.test_planted_violations() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event(2);
  wide uuid := t.event(NULL);
  p uuid[] := t.people(4);
  reg uuid;
BEGIN
  PERFORM t.fill(ev, p);
  PERFORM t.answer(ev, p[4], 'maybe');
  PERFORM t.edit(ev, '{"title": "Second version"}');
  PERFORM rsvp_set(wide, p[1], uuid7(), 'going', NULL, true);
  reg := (SELECT id FROM rsvps WHERE event_id = ev AND user_id = p[1]);
  PERFORM t.plant(ev, 'I1 going over capacity', 'UPDATE event_seats SET capacity = 1 WHERE event_id = $1');
  PERFORM t.plant(ev, 'I1 counters drifted', 'UPDATE seat_counters SET going = going + 1 WHERE pool_id = $1');
  PERFORM t.plant(ev, 'I1 counters drifted', 'UPDATE seat_counters SET interested = 1 WHERE pool_id = $1');
  PERFORM t.plant(ev, 'I1 counters drifted', 'UPDATE seat_counters SET maybe = 0 WHERE pool_id = $1');
  PERFORM t.plant(ev, 'I1 counters drifted', 'UPDATE event_seats SET waiting = 0 WHERE event_id = $1');
  PERFORM t.plant(ev, 'I1 counters drifted', 'UPDATE seat_counters SET waitlisted = 0 WHERE pool_id = $1');
  PERFORM t.plant(ev, 'I1 counters drifted', 'UPDATE waitlist_blocks SET n = n + 1 WHERE event_id = $1');
  PERFORM t.plant(ev, 'I1 counters drifted', 'DELETE FROM waitlist_blocks WHERE event_id = $1');
  PERFORM t.plant(wide, 'I1 counters drifted', 'DELETE FROM seat_counters WHERE pool_id = $1 AND slot = 31');
  PERFORM t.plant(wide, 'I1 counters drifted', 'DELETE FROM seat_counters WHERE pool_id = $1');
  PERFORM t.plant(ev, 'I1 counters drifted', 'DELETE FROM rsvps WHERE event_id = $1 AND state = ''going''');
  PERFORM t.plant(ev, 'I1 free seats drifted', 'UPDATE seat_counters SET remaining = remaining + 1 WHERE pool_id = $1');
  PERFORM t.plant(ev, 'I1 capacity drifted', 'UPDATE events SET max_attendees = 3 WHERE id = $1');
  PERFORM t.plant(wide, 'I1 capacity drifted', 'UPDATE events SET max_attendees = 3 WHERE id = $1');
  PERFORM t.plant(ev, 'I2 history differs', 'DELETE FROM rsvp_history WHERE event_id = $1 AND to_state = ''maybe''');
  PERFORM t.plant(ev, 'I2 history differs', 'UPDATE rsvp_history SET to_state = ''cancelled'' WHERE event_id = $1');
  PERFORM t.plant(ev, 'I2 history differs', 'UPDATE rsvps SET seq = seq + 1 WHERE event_id = $1');
  PERFORM t.plant(ev, 'I2 place without waiting, or the reverse', 'UPDATE rsvps SET wl_seq = 7 WHERE event_id = $1 AND state = ''maybe''');
  PERFORM t.plant(ev, 'I2 place without waiting, or the reverse', 'UPDATE rsvps SET wl_seq = NULL WHERE event_id = $1');
  PERFORM t.plant(ev, 'I3 change without its message', format('DELETE FROM outbox WHERE aggregate_id = %L AND seq = 1', reg));
  PERFORM t.plant(ev, 'I3 change without its message', 'INSERT INTO rsvp_history (event_id, user_id, seq, to_state)
    SELECT event_id, user_id, seq + 1, state FROM rsvps WHERE event_id = $1 LIMIT 1');
  PERFORM t.plant(reg, 'I3 message without its change', format('SELECT outbox_put(''events'', ''event.rsvp'', ''registration'', $1, 2, %L, ''{}'')', ev));
  PERFORM t.plant(reg, 'I3 message without its change', 'DELETE FROM rsvps WHERE id = $1');
  PERFORM t.plant(ev, 'I4 gap in the messages of an event', 'DELETE FROM outbox WHERE aggregate_id = $1 AND type = ''event.updated''');
  PERFORM t.plant(ev, 'I4 gap in the messages of an event', 'UPDATE events SET version = version + 1 WHERE id = $1');
  PERFORM t.plant(ev, 'I6 waiting beside a free seat', 'UPDATE seat_counters SET remaining = 1, going = 1 WHERE pool_id = $1');
  PERFORM t.plant(ev, 'door count drifted', 'INSERT INTO door_counts VALUES ($1, 1)');
  PERFORM t.plant(ev, 'door count drifted', 'UPDATE rsvps SET checked_in_at = now() WHERE event_id = $1 AND state = ''going''');
  PERFORM t.plant(ev, 'checked in without a seat, or without its scan',
                  'UPDATE rsvps SET checked_in_at = now() WHERE event_id = $1 AND state = ''going''');
  PERFORM t.plant(ev, 'checked in without a seat, or without its scan',
                  'UPDATE rsvps SET checked_in_at = now(), seeded = true WHERE event_id = $1 AND state = ''maybe''');
  PERFORM t.plant(ev, 'document missing or old', 'DELETE FROM event_docs WHERE event_id = $1');
  PERFORM t.plant(ev, 'document missing or old', 'UPDATE event_docs SET version = 1 WHERE event_id = $1');
  PERFORM t.plant(ev, 'document missing or old', 'UPDATE events SET deleted_at = now() WHERE id = $1');
  PERFORM t.plant(ev, 'seats say open, the event does not', 'UPDATE event_seats SET open = false WHERE event_id = $1');
  PERFORM t.plant(ev, 'seats say open, the event does not', 'UPDATE events SET status = ''cancelled'' WHERE id = $1');
END $$;

-- No row of check_invariants() without a plant above (the idle transaction is planted from outside).
CREATE FUNCTION t.test_planted_all() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM t.is('rows of check_invariants()', (SELECT array_agg(m[1] ORDER BY m[1])
      FROM pg_proc, regexp_matches(prosrc, $re$SELECT '([^']+)', (?:\w+\.\w+|NULL),$re$, 'g') m
      WHERE proname = 'check_invariants' AND m[1] NOT LIKE 'I12 %'),
    (SELECT array_agg(invariant ORDER BY invariant) FROM t.planted));
END $$;

CREATE FUNCTION t.test_planted_documents() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event(5);
  damage text;
  found uuid;
BEGIN
  FOREACH damage IN ARRAY ARRAY[
    'UPDATE event_docs SET doc = replace(doc, ''Test event'', ''Other'') WHERE event_id = $1',
    'UPDATE event_docs SET meta = replace(meta, ''public'', ''private'') WHERE event_id = $1',
    'UPDATE event_docs SET version = 7 WHERE event_id = $1',
    'UPDATE users SET name = ''Somebody'' WHERE id = (SELECT host_id FROM events WHERE id = $1)'] LOOP
    BEGIN
      EXECUTE damage USING ev;
      SELECT * INTO found FROM check_docs();
      RAISE EXCEPTION USING ERRCODE = 'T0000';
    EXCEPTION WHEN SQLSTATE 'T0000' THEN
      PERFORM t.is(damage, found, ev);
    END;
  END LOOP;
END $$;
