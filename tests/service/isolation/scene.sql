-- tests/service/isolation/scene.sql - what the specs stand on, after registration_harness.sql: one event and
-- its people by number, answers in two transactions as the worker gives them, and the end of a permutation
CREATE TABLE t.scene (event uuid, people uuid[]);
CREATE FUNCTION t.ev() RETURNS uuid LANGUAGE sql STABLE AS $$ SELECT event FROM t.scene $$;
CREATE FUNCTION t.p(who int) RETURNS uuid LANGUAGE sql STABLE AS $$ SELECT people[who] FROM t.scene $$;

-- A new event of so many seats and four people of whom the first `answered` have said going.
CREATE FUNCTION t.stage(cap int, answered int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  p uuid[] := t.people(4);
BEGIN
  DELETE FROM t.scene;
  INSERT INTO t.scene VALUES (t.event(cap), p);
  PERFORM t.fill(t.ev(), p[:answered]);
END $$;

-- The first call of the worker; t.again, in the next transaction, is its second one, made after 599 only.
-- What was said is forgotten when the transaction is rolled back.
CREATE FUNCTION t.told(e effect) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('t.said', e.status::text, false);
  RETURN concat_ws(' ', e.status, e.code, CASE WHEN e.status < 300 THEN split_part(e.body, E'\n', 1) END);
END $$;
CREATE FUNCTION t.go(who int, want text) RETURNS text LANGUAGE sql AS $$
  SELECT t.told(rsvp_set(t.ev(), t.p(who), uuid7(), want, NULL, false))
$$;
CREATE FUNCTION t.again(who int, want text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('t.said') <> '599' THEN RETURN NULL; END IF;
  RETURN t.told(rsvp_set(t.ev(), t.p(who), uuid7(), want, NULL, true));
END $$;

CREATE FUNCTION t.host_does(what text) RETURNS text LANGUAGE sql AS $$
  SELECT t.word(CASE what
    WHEN 'raise' THEN t.edit(t.ev(), '{"max_attendees": 2}')
    WHEN 'lower' THEN t.edit(t.ev(), '{"max_attendees": 1}')
    WHEN 'hide' THEN t.edit(t.ev(), '{"privacy": "private"}')
    WHEN 'call off' THEN event_cancel(t.ev(), t.host(t.ev()), false, 'rain', NULL)
    WHEN 'delete' THEN event_delete(t.ev(), t.host(t.ev()), false, NULL) END)
$$;
-- What an invitation is, as long as no function makes one.
CREATE FUNCTION t.invite(who int) RETURNS void LANGUAGE sql AS $$
  INSERT INTO invitations (id, event_id, inviter_id, invitee_id) VALUES (uuid7(), t.ev(), t.host(t.ev()), t.p(who))
$$;

-- Seats, everybody's state, and what does not hold.
CREATE FUNCTION t.outcome() RETURNS TABLE (outcome text) LANGUAGE sql AS $$
  SELECT concat_ws(' ', t.seats(s.event), (SELECT string_agg(coalesce(t.state(s.event, u), '-'), ' ' ORDER BY n)
                                           FROM unnest(s.people) WITH ORDINALITY x(u, n)))
  FROM t.scene s
  UNION ALL SELECT DISTINCT 'VIOLATED ' || invariant FROM check_invariants()
  UNION ALL SELECT DISTINCT 'VIOLATED document' FROM check_docs()
  UNION ALL SELECT DISTINCT 'VIOLATED called off, not told' FROM t.scene s JOIN rsvps r ON r.event_id = s.event
    WHERE t.last('event.cancelled', s.event)->'affected_users' @> to_jsonb(r.user_id) = (r.state NOT IN ('going', 'waitlisted'))
$$;
