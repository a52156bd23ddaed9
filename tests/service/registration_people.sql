-- tests/service/registration_people.sql - exact limits, sign-ins, and who may run what

-- now() stands still in a transaction: the rows are moved into the past instead.
CREATE FUNCTION t.later(p_key text, by interval) RETURNS void LANGUAGE sql AS $$
  UPDATE rate_limits SET tat = tat - by WHERE kind = 't' AND key = p_key
$$;

-- Exactly the quota at once, then one per step, and the wait that is told is enough.
CREATE FUNCTION t.test_rate_is_exact() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  q int;
  wait int;
  k text;
BEGIN
  FOREACH q IN ARRAY ARRAY[1, 2, 3, 7, 10, 11, 13, 17, 20, 50, 97, 200, 999] LOOP
    k := 'quota ' || q;
    FOR i IN 1..q LOOP PERFORM t.is(k || ' at once', rate_take('t', k, q, '1 hour'), 0); END LOOP;
    wait := rate_take('t', k, q, '1 hour');
    PERFORM t.is(k || ' wait', wait, ceil(3600.0 / q)::int);
    PERFORM t.is(k || ' a refusal costs nothing', rate_take('t', k, q, '1 hour'), wait);
    PERFORM t.later(k, interval '1 hour' / q - interval '1 ms');
    PERFORM t.is(k || ' just before', rate_take('t', k, q, '1 hour'), 1);
    PERFORM t.later(k, interval '1 ms');
    PERFORM t.is(k || ' after one step', rate_take('t', k, q, '1 hour'), 0);
    PERFORM t.is(k || ' but one', rate_take('t', k, q, '1 hour') > 0, true);
    PERFORM t.later(k, wait * interval '1 second');
    PERFORM t.is(k || ' after the wait', rate_take('t', k, q, '1 hour'), 0);
    PERFORM t.later(k, interval '1 day');
    FOR i IN 1..q LOOP PERFORM t.is(k || ' all again', rate_take('t', k, q, '1 hour'), 0); END LOOP;
    PERFORM t.is(k || ' not more', rate_take('t', k, q, '1 hour') > 0, true);
  END LOOP;
  PERFORM t.is('no limit', (SELECT max(rate_take('t', 'none', 0, '1 hour')) FROM generate_series(1, 100)), 0);
  PERFORM t.is('keys are apart', rate_take('t', 'another', 1, '1 hour'), 0);
END $$;

CREATE FUNCTION t.outcome(old text, new text, grace bigint DEFAULT 10000) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', s.outcome, s.email) FROM session_refresh(old, new, grace, 900) s
$$;
CREATE FUNCTION t.test_session_refresh() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  u uuid := t.person();
  f uuid := uuid7();
  mail text := (SELECT email FROM users WHERE id = u);
BEGIN
  PERFORM session_open(u, f, 'a1' || u, 3600, NULL, NULL, NULL);
  PERFORM t.is('of nobody', t.outcome('zz' || u, 'x'), 'unknown');
  PERFORM t.is('rotates', t.outcome('a1' || u, 'a2' || u), 'ok ' || mail);
  PERFORM t.is('a sibling within the grace', t.outcome('a1' || u, 'a3' || u), 'ok ' || mail);
  PERFORM t.is('both go on', t.outcome('a2' || u, 'a4' || u), 'ok ' || mail);
  PERFORM t.is('both go on', t.outcome('a3' || u, 'a5' || u), 'ok ' || mail);
  UPDATE refresh_tokens SET used_at = used_at - interval '11 seconds' WHERE hash = 'a1' || u;
  PERFORM t.is('later it was stolen', t.outcome('a1' || u, 'a6' || u), 'stolen');
  PERFORM t.is('revoked for everybody', (SELECT count(*) FROM revocations WHERE kind = 'session' AND id = f::text
    AND expires_at = now() + interval '900 seconds'), 1);
  PERFORM t.is('the whole family', t.outcome('a5' || u, 'a7' || u), 'unknown');
  PERFORM t.is('no new one was made', (SELECT count(*) FROM refresh_tokens WHERE hash IN ('a6' || u, 'a7' || u)), 0);
END $$;
CREATE FUNCTION t.test_session_ends() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  u uuid := t.person();
  f uuid := uuid7();
BEGIN
  PERFORM session_open(u, f, 'b1' || u, 3600, NULL, NULL, NULL);
  PERFORM session_open(u, uuid7(), 'c1' || u, 0, NULL, NULL, NULL);
  PERFORM t.is('expired', t.outcome('c1' || u, 'c2' || u), 'unknown');
  UPDATE users SET is_active = false WHERE id = u;
  PERFORM t.is('disabled', t.outcome('b1' || u, 'b2' || u), 'unknown');
  UPDATE users SET is_active = true WHERE id = u;
  PERFORM t.is('no grace at all', t.outcome('b1' || u, 'b2' || u, 0), 'ok ' || (SELECT email FROM users WHERE id = u));
  PERFORM t.is('not revoked', token_revoked('j', f::text, u, 1), false);
  PERFORM session_revoke(f, 900);
  PERFORM t.is('revoked', token_revoked('j', f::text, u, 1), true);
  PERFORM t.is('signed out', t.outcome('b2' || u, 'b3' || u), 'unknown');
  PERFORM session_open(u, uuid7(), 'd1' || u, 3600, NULL, NULL, NULL);
  PERFORM t.is('epoch', user_revoke(u, 900), 2);
  PERFORM t.is('old tokens', token_revoked('j', 's', u, 1), true);
  PERFORM t.is('new tokens', token_revoked('j', 's', u, 2), false);
  PERFORM t.is('everywhere', t.outcome('d1' || u, 'd2' || u), 'unknown');
END $$;

-- The whole story as the roles that run it: no right is missing, and no definition can be changed.
CREATE FUNCTION t.test_roles() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event(1);
  p uuid[] := t.people(3);
  host uuid := t.host(ev);
  e effect;
BEGIN
  SET LOCAL ROLE marquee_web;
  FOR i IN 1..3 LOOP
    e := rsvp_set(ev, p[i], uuid7(), 'going', NULL, i > 1);
    PERFORM t.is('answers', e.status, 201);
  END LOOP;
  e := rsvp_cancel(ev, p[1], true);
  PERFORM t.is('cancels', e.status, 200);
  e := event_update(ev, host, false, '{"max_attendees": 600, "title": "Wider"}', NULL);
  PERFORM t.is('edits', e.status, 200);
  e := rsvp_set(ev, p[1], uuid7(), 'going', NULL, true);
  PERFORM t.is('widens', e.status, 200);
  PERFORM session_open(p[1], uuid7(), 'role' || ev, 3600, NULL, NULL, NULL);
  e := event_cancel(ev, host, false, 'rain', NULL);
  PERFORM t.is('calls off', e.status, 200);
  BEGIN
    ALTER TABLE rsvps ADD extra int;
    RAISE EXCEPTION 'the web role may change tables';
  EXCEPTION WHEN insufficient_privilege THEN NULL;
  END;
  SET LOCAL ROLE marquee_notifier;
  PERFORM job_tell_cancelled((SELECT arg FROM jobs WHERE name = 'cancelled:' || ev));
  PERFORM job_complete('{}'), job_partitions('{}'), job_views('{}'), job_scores('{}'), job_cleanup('{}'),
    job_rebuild_docs('{}'), job_invariants('{}'), job_refresh_host(jsonb_build_object('user', host));
  UPDATE relay SET sent = sent;
  RESET ROLE;
  UPDATE relay SET next_snap = NULL;
  DELETE FROM jobs WHERE name = 'cancelled:' || ev;
END $$;
