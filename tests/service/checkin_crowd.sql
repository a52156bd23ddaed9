-- tests/service/checkin_crowd.sql - an event of n people, none of them by a request: one has a name like
-- nobody else, one in a hundred is called Common; schema t stands
CREATE OR REPLACE FUNCTION t.crowd(n int) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event(NULL);
BEGIN
  WITH u AS (INSERT INTO users (id, email, name) SELECT uuid7(), gen_random_uuid() || '@example.org',
               'Name' || i || ' ' || CASE WHEN i = n / 2 THEN 'Rarebird' WHEN i % 100 = 0 THEN 'Common' ELSE 'Person' END FROM generate_series(1, n) i RETURNING id),
  r AS (INSERT INTO rsvps (id, event_id, user_id, state, seeded, registered_at)
          SELECT uuid7(), ev, id, 'going', true, now() - interval '1 day' + row_number() OVER () * interval '1 millisecond' FROM u
          RETURNING user_id)
  INSERT INTO rsvp_history (event_id, user_id, seq, to_state, seeded) SELECT ev, user_id, 1, 'going', true FROM r;
  UPDATE seat_counters SET going = n, remaining = remaining - n WHERE pool_id = ev;
  RETURN ev;
END $$;
-- Somebody of it, in the middle of those who go.
CREATE OR REPLACE FUNCTION t.somebody(p_event uuid) RETURNS uuid LANGUAGE sql AS $$
  SELECT user_id FROM rsvps WHERE event_id = p_event ORDER BY registered_at OFFSET (SELECT count(*) / 2 FROM rsvps WHERE event_id = p_event) LIMIT 1
$$;
