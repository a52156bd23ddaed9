-- tests/service/registration_harness.sql - what the tests of sql/functions stand on: schema t.
-- A test is a function t.test_…(); test_registration.sh runs each in a transaction of its own,
-- commits, and then check_invariants() and check_docs() must return no row.
DROP SCHEMA IF EXISTS t CASCADE;
CREATE SCHEMA t;
GRANT USAGE ON SCHEMA t TO marquee_web, marquee_notifier;

-- Anything that can be written as text; NULL reads '(null)'.
CREATE FUNCTION t.is(what text, got anyelement, want anyelement) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF got IS DISTINCT FROM want THEN
    RAISE EXCEPTION '%: % where % was expected', what, coalesce(got::text, '(null)'), coalesce(want::text, '(null)');
  END IF;
END $$;
CREATE FUNCTION t.is(what text, got bigint, want int) RETURNS void LANGUAGE sql AS $$
  SELECT t.is(what, got, want::bigint)
$$;

CREATE FUNCTION t.people(n int) RETURNS uuid[] LANGUAGE sql AS $$
  WITH u AS (INSERT INTO users (id, email, name)
             SELECT uuid7(), gen_random_uuid() || '@example.org', 'Person ' || i FROM generate_series(1, n) i
             RETURNING id)
  SELECT array_agg(id ORDER BY id) FROM u
$$;
CREATE FUNCTION t.person() RETURNS uuid LANGUAGE sql AS $$ SELECT (t.people(1))[1] $$;

-- An event of a new host, in a week; cap NULL = unlimited; more goes over everything.
CREATE FUNCTION t.event(cap int DEFAULT 10, more jsonb DEFAULT '{}') RETURNS uuid LANGUAGE sql AS $$
  SELECT (event_insert(uuid7(), t.person(), jsonb_build_object('title', 'Test event', 'max_attendees', cap,
    'start_date', iso(now() + interval '7 days'), 'end_date', iso(now() + interval '8 days')) || more)).id
$$;
CREATE FUNCTION t.host(p_event uuid) RETURNS uuid LANGUAGE sql AS $$ SELECT host_id FROM events WHERE id = p_event $$;

-- As the worker does it: 599 means once more, slowly.
CREATE FUNCTION t.answer(p_event uuid, p_user uuid, want text) RETURNS effect LANGUAGE plpgsql AS $$
DECLARE
  e effect;
BEGIN
  e := rsvp_set(p_event, p_user, uuid7(), want, NULL, false);
  IF e.status = 599 THEN e := rsvp_set(p_event, p_user, uuid7(), want, NULL, true); END IF;
  RETURN e;
END $$;
CREATE FUNCTION t.cancel(p_event uuid, p_user uuid) RETURNS effect LANGUAGE plpgsql AS $$
DECLARE
  e effect;
BEGIN
  e := rsvp_cancel(p_event, p_user, false);
  IF e.status = 599 THEN e := rsvp_cancel(p_event, p_user, true); END IF;
  RETURN e;
END $$;
CREATE FUNCTION t.edit(p_event uuid, patch jsonb) RETURNS effect LANGUAGE sql AS $$
  SELECT event_update(p_event, t.host(p_event), false, patch, NULL)
$$;

-- "201" or "409 EVENT_FULL"
CREATE FUNCTION t.word(e effect) RETURNS text LANGUAGE sql AS $$ SELECT concat_ws(' ', e.status, e.code) $$;
-- The document of an answer, and the counts beside it.
CREATE FUNCTION t.doc(e effect) RETURNS jsonb LANGUAGE sql AS $$ SELECT split_part(e.body, E'\n', 2)::jsonb $$;
CREATE FUNCTION t.counts(e effect) RETURNS text LANGUAGE sql AS $$ SELECT split_part(e.body, E'\n', 3) $$;
CREATE FUNCTION t.state(p_event uuid, p_user uuid) RETURNS text LANGUAGE sql AS $$
  SELECT state FROM rsvps WHERE event_id = p_event AND user_id = p_user
$$;
-- going/waiting/free/capacity of the counters; - = unlimited
CREATE FUNCTION t.seats(p_event uuid) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws('/', sum(k.going), s.waiting, CASE WHEN s.capacity IS NULL THEN '-' ELSE sum(k.remaining)::text END,
                   coalesce(s.capacity::text, '-'))
  FROM event_seats s JOIN seat_counters k ON k.pool_id = s.event_id WHERE s.event_id = p_event GROUP BY s.event_id
$$;
-- How many rows the outbox has of one type and key, and the last of them.
CREATE FUNCTION t.sent(p_type text, p_key uuid) RETURNS bigint LANGUAGE sql AS $$
  SELECT count(*) FROM outbox WHERE type = p_type AND key = p_key::text
$$;
CREATE FUNCTION t.last(p_type text, p_key uuid) RETURNS jsonb LANGUAGE sql AS $$
  SELECT payload::jsonb FROM outbox WHERE type = p_type AND key = p_key::text ORDER BY pos DESC LIMIT 1
$$;
-- Everybody of a list answers going, in its order.
CREATE FUNCTION t.fill(p_event uuid, people uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  u uuid;
BEGIN
  FOREACH u IN ARRAY people LOOP PERFORM t.answer(p_event, u, 'going'); END LOOP;
END $$;
