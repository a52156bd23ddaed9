-- The door: scans of tickets, taking one back, looking for people, and the links that staff work with.
-- A scan locks one registration and, last of all, the event's count of those who came; no event lock.
SET LOCAL check_function_bodies = off;

-- Who stands at the door: a host of the event or an admin, or whoever has one of its links (by hash).
CREATE OR REPLACE FUNCTION door_open(p_event uuid, p_user uuid, p_admin boolean, p_gate text,
                                     OUT e events, OUT g gates, OUT refusal effect) LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF p_gate IS NULL THEN
    SELECT * INTO e FROM events WHERE id = p_event;
    refusal := event_refusal(e, p_user, 'checkin', p_admin);
    RETURN;
  END IF;
  SELECT * INTO g FROM gates WHERE hash = p_gate;
  SELECT * INTO e FROM events WHERE id = g.event_id AND deleted_at IS NULL;
  IF e.id IS NULL OR g.revoked_at IS NOT NULL OR gate_ends(g, e) <= now() THEN
    refusal := refuse(401, 'UNAUTHORIZED', 'this link to a door is not valid, or not any more');
  END IF;
END $$;
CREATE OR REPLACE FUNCTION gate_ends(g gates, e events) RETURNS timestamptz LANGUAGE sql STABLE AS $$
  SELECT coalesce(g.expires_at, e.ends_at + interval '12 hours')
$$;

-- What a name is to somebody who needs only to tell two people apart.
CREATE OR REPLACE FUNCTION initials(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT upper(left(w[1], 1)) || '.' || CASE WHEN cardinality(w) > 1 THEN ' ' || upper(left(w[cardinality(w)], 1)) || '.' ELSE '' END
  FROM (SELECT regexp_split_to_array(btrim(name), '\s+') w) s
$$;

-- One entry of the log, for a host or, with little, for who has a link.
CREATE OR REPLACE FUNCTION checkin_doc(k checkins, little boolean) RETURNS json LANGUAGE sql STABLE AS $$
  SELECT row_to_json(d) FROM (SELECT
    CASE WHEN k.reason IN ('ok', 'undone') THEN 'ok' ELSE 'refused' END AS status, k.reason, k.act, k.nonce, iso(k.at) AS at,
    iso(k.came_at) AS checked_in_at,
    (SELECT CASE WHEN little THEN (SELECT row_to_json(s) FROM (SELECT initials(u.name) AS name) s) ELSE user_short(u) END
     FROM users u WHERE u.id = k.user_id) AS holder,
    (SELECT g.name FROM gates g WHERE g.id = k.gate_id) AS gate) d
$$;
CREATE OR REPLACE FUNCTION checkin_answer(k checkins, little boolean) RETURNS effect LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN ROW(200, NULL, checkin_doc(k, little)::text, NULL,
             CASE WHEN k.reason IN ('ok', 'undone') THEN rsvp_keys(k.event_id, k.user_id) END)::effect;
END $$;

-- Whoever asks the same twice is answered twice and counted once. NULL: not asked before.
CREATE OR REPLACE FUNCTION checkin_repeated(p_event uuid, p_nonce text, p_asked text, little boolean) RETURNS effect LANGUAGE plpgsql AS $$
DECLARE
  k checkins;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(p_event::text || p_nonce, 4713));
  SELECT * INTO k FROM checkins WHERE event_id = p_event AND nonce = p_nonce;
  IF k.nonce IS NULL THEN RETURN NULL; END IF;
  IF k.asked <> p_asked THEN RETURN refuse_field('nonce', 'was used for something else before'); END IF;
  RETURN checkin_answer(k, little);
END $$;

-- The last lock that anybody at the door takes. How many are in now. (A row that is new counts from none,
-- and CHECKs look at it even where there is one already.)
CREATE OR REPLACE FUNCTION door_count(p_event uuid, step int) RETURNS int LANGUAGE sql AS $$
  INSERT INTO door_counts AS c VALUES (p_event, greatest(step, 1)) ON CONFLICT (event_id) DO UPDATE SET came = c.came + step RETURNING came
$$;

-- The registration that a scan means: a person's, or a ticket's. A ticket names the millisecond in which
-- the seat was taken and the end of its holder's id; a seat that was given back and taken anew has
-- another time, so that the old ticket finds nothing.
CREATE OR REPLACE FUNCTION checkin_find(p_event uuid, p_what jsonb) RETURNS rsvps LANGUAGE plpgsql STABLE AS $$
DECLARE
  r rsvps;
  t timestamptz;
BEGIN
  IF p_what ? 'user_id' THEN
    SELECT * INTO r FROM rsvps WHERE event_id = p_event AND user_id = (p_what->>'user_id')::uuid;
  ELSIF p_what ? 'ms' THEN
    t := 'epoch'::timestamptz + (p_what->>'ms')::bigint * interval '1 millisecond';
    SELECT * INTO r FROM rsvps v WHERE v.event_id = p_event AND v.state = 'going' AND v.registered_at >= t
      AND v.registered_at < t + interval '1 millisecond' AND right(v.user_id::text, 7) = p_what->>'holder' LIMIT 1;
  END IF;
  RETURN r;
END $$;

-- Why somebody is not let in; NULL: no reason.
CREATE OR REPLACE FUNCTION checkin_refusal(e events, r rsvps, p_what jsonb, early bigint) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN NOT p_what ?| '{user_id,ms}' THEN 'invalid'
              WHEN p_what->>'event' <> right(e.id::text, 6) THEN 'wrong_event'
              WHEN e.status = 'cancelled' THEN 'event_cancelled'
              WHEN r.id IS NULL AND p_what ? 'ms' THEN 'cancelled'
              WHEN r.state IN ('waitlisted', 'cancelled') THEN r.state
              WHEN r.id IS NULL OR r.state <> 'going' THEN 'not_registered'
              WHEN r.checked_in_at IS NOT NULL THEN 'already'
              WHEN now() < e.start_date - early * interval '1 millisecond' THEN 'too_early' END
$$;

-- One scan, all but the count. p_what: {asked, user_id}, {asked, ms, holder, event} of a genuine ticket,
-- {asked} of any other; early: milliseconds before the start; k: its nonce and who scans. Of all who scan
-- the same ticket at once exactly one hears ok: the one whose UPDATE finds nobody checked in.
CREATE OR REPLACE FUNCTION checkin_one(e events, k checkins, p_what jsonb, early bigint) RETURNS checkins LANGUAGE plpgsql AS $$
DECLARE
  r rsvps;
  w rsvps;
BEGIN
  r := checkin_find(e.id, p_what);
  k.reason := checkin_refusal(e, r, p_what, early);
  IF k.reason IS NULL THEN
    UPDATE rsvps SET checked_in_at = now(), no_show = false
      WHERE event_id = r.event_id AND user_id = r.user_id AND seq = r.seq AND state = 'going' AND checked_in_at IS NULL
      RETURNING * INTO w;
    k.reason := 'ok';
    IF w.id IS NULL THEN  -- somebody was faster: who checked them in, or they themselves, who left
      SELECT * INTO w FROM rsvps WHERE event_id = r.event_id AND user_id = r.user_id;
      k.reason := coalesce(checkin_refusal(e, w, p_what, early), 'cancelled');
    END IF;
    r := w;
  END IF;
  INSERT INTO checkins VALUES (e.id, k.nonce, now(), 'scan', p_what->>'asked', k.reason, r.checked_in_at, r.user_id,
                               k.actor_id, k.gate_id) RETURNING * INTO k;
  RETURN k;
END $$;

-- Who first comes after the end shows that the others did not.
CREATE OR REPLACE FUNCTION door_came(e events, n int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF door_count(e.id, n) = n AND e.status = 'completed' THEN PERFORM no_show_begin(e.id); END IF;
END $$;

CREATE OR REPLACE FUNCTION checkin_scan(p_event uuid, p_user uuid, p_admin boolean, p_gate text, p_nonce text, p_what jsonb,
                                        early bigint) RETURNS effect LANGUAGE plpgsql AS $$
DECLARE
  d record;
  x effect;
  k checkins;
BEGIN
  SELECT * INTO d FROM door_open(p_event, p_user, p_admin, p_gate);
  IF (d.refusal).status IS NOT NULL THEN RETURN d.refusal; END IF;
  x := checkin_repeated((d.e).id, p_nonce, p_what->>'asked', p_gate IS NOT NULL);
  IF x.status IS NOT NULL THEN RETURN x; END IF;
  k.nonce := p_nonce;
  k.actor_id := CASE WHEN p_gate IS NULL THEN p_user END;
  k.gate_id := (d.g).id;
  k := checkin_one(d.e, k, p_what, early);
  IF k.reason = 'ok' THEN PERFORM door_came(d.e, 1); END IF;
  RETURN checkin_answer(k, p_gate IS NOT NULL);
END $$;

-- The same for many people at once, by a host. The nonce of each is that of all with their id behind it,
-- so that a form which is sent again repeats no scan. Rows are locked in the order of ids, and whoever is
-- at the door meanwhile waits for the count only.
CREATE OR REPLACE FUNCTION checkin_many(p_event uuid, p_user uuid, p_admin boolean, p_batch uuid, people uuid[], early bigint)
RETURNS effect LANGUAGE plpgsql AS $$
DECLARE
  d record;
  x effect;
  who uuid;
  k checkins;
  came int := 0;
  keys text;
BEGIN
  SELECT * INTO d FROM door_open(p_event, p_user, p_admin, NULL);
  IF (d.refusal).status IS NOT NULL THEN RETURN d.refusal; END IF;
  FOR who IN SELECT DISTINCT p FROM unnest(people) p ORDER BY p LOOP
    x := checkin_repeated(p_event, p_batch::text || ':' || who::text, 'user ' || who::text, false);
    IF x.status IS NULL THEN
      k := NULL;
      k.nonce := p_batch::text || ':' || who::text;
      k.actor_id := p_user;
      k := checkin_one(d.e, k, jsonb_build_object('asked', 'user ' || who::text, 'user_id', who), early);
      IF k.reason = 'ok' THEN
        came := came + 1;
        keys := concat_ws(E'\n', keys, rsvp_keys(p_event, who));
      END IF;
    END IF;
  END LOOP;
  IF came > 0 THEN PERFORM door_came(d.e, came); END IF;
  RETURN ROW(200, NULL, json_build_object('checked_in', came)::text, NULL, keys)::effect;
END $$;

-- Takes a check-in back: a person's (hosts only), or the one that a scan made while it is still that one.
CREATE OR REPLACE FUNCTION checkin_undo(p_event uuid, p_user uuid, p_admin boolean, p_gate text, p_nonce text, p_what jsonb)
RETURNS effect LANGUAGE plpgsql AS $$
DECLARE
  d record;
  x effect;
  s checkins;
  k checkins;
BEGIN
  SELECT * INTO d FROM door_open(p_event, p_user, p_admin, p_gate);
  IF (d.refusal).status IS NOT NULL THEN RETURN d.refusal; END IF;
  x := checkin_repeated((d.e).id, p_nonce, p_what->>'asked', p_gate IS NOT NULL);
  IF x.status IS NOT NULL THEN RETURN x; END IF;
  IF p_what ? 'scan' THEN
    SELECT * INTO s FROM checkins WHERE event_id = (d.e).id AND nonce = p_what->>'scan' AND reason = 'ok'
      AND (p_gate IS NULL OR gate_id = (d.g).id);
  ELSIF p_gate IS NULL THEN
    s.user_id := (p_what->>'user_id')::uuid;
  END IF;
  UPDATE rsvps SET checked_in_at = NULL, no_show = ((d.e).status = 'completed')
    WHERE event_id = (d.e).id AND user_id = s.user_id AND checked_in_at IS NOT NULL
      AND (s.came_at IS NULL OR checked_in_at = s.came_at);
  INSERT INTO checkins VALUES ((d.e).id, p_nonce, now(), 'undo', p_what->>'asked', CASE WHEN FOUND THEN 'undone' ELSE 'not_checked_in' END,
                               NULL, (SELECT id FROM users WHERE id = s.user_id),
                               CASE WHEN p_gate IS NULL THEN p_user END, (d.g).id) RETURNING * INTO k;
  IF k.reason = 'undone' THEN PERFORM door_count(k.event_id, -1); END IF;
  RETURN checkin_answer(k, p_gate IS NOT NULL);
END $$;

-- Who gives the seat back is not in any more. Called by rsvp_write, which has written the row.
CREATE OR REPLACE FUNCTION checkin_leave(r rsvps) RETURNS rsvps LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO checkins VALUES (r.event_id, 'left:' || uuid7(), now(), 'leave', '', 'left', NULL, r.user_id, r.user_id, NULL);
  UPDATE rsvps SET checked_in_at = NULL WHERE event_id = r.event_id AND user_id = r.user_id RETURNING * INTO r;
  PERFORM door_count(r.event_id, -1);
  RETURN r;
END $$;

-- People who go or wait, by the beginnings of words of their name (or, for hosts, an e-mail address):
-- of a small event all are looked at, of a large one those of that name. At most 21; then there are more.
CREATE OR REPLACE FUNCTION door_find(p_event uuid, q text, little boolean) RETURNS uuid[] LANGUAGE plpgsql STABLE AS $$
DECLARE
  wanted tsquery := nullif(array_to_string(ARRAY(SELECT w || ':*' FROM unnest(words(q)) w), ' & '), '')::tsquery;
BEGIN
  IF q LIKE '%@%' THEN
    RETURN ARRAY(SELECT r.user_id FROM users u JOIN rsvps r ON r.event_id = p_event AND r.user_id = u.id
                 WHERE u.email = btrim(q)::citext AND NOT little AND r.state IN ('going', 'waitlisted'));
  ELSIF (SELECT sum(k.going) + sum(k.waitlisted) <= 2000 FROM seat_counters k WHERE k.pool_id = p_event) THEN
    RETURN ARRAY(SELECT r.user_id FROM rsvps r, LATERAL (SELECT u.name FROM users u WHERE u.id = r.user_id OFFSET 0) u
                 WHERE r.event_id = p_event AND r.state IN ('going', 'waitlisted') AND name_words(u.name) @@ wanted LIMIT 21);
  END IF;
  RETURN ARRAY(SELECT r.user_id FROM (SELECT u.id FROM users u WHERE name_words(u.name) @@ wanted OFFSET 0) u,
                 LATERAL (SELECT v.user_id, v.state FROM rsvps v WHERE v.event_id = p_event AND v.user_id = u.id OFFSET 0) r
               WHERE r.state IN ('going', 'waitlisted') LIMIT 21);
END $$;
-- The first twenty of them as documents; ms is what C makes the end of the ticket's code from.
CREATE OR REPLACE FUNCTION door_found(p_event uuid, ids uuid[], little boolean) RETURNS json LANGUAGE sql STABLE AS $$
  SELECT coalesce(json_agg(row_to_json(d) ORDER BY d.sort), '[]') FROM (
    SELECT u.id AS user_id, CASE WHEN little THEN initials(u.name) ELSE u.name END AS name,
           CASE WHEN NOT little THEN u.email END AS email, rsvp_state(r) AS state, iso(r.checked_in_at) AS checked_in_at,
           epoch_ms(r.registered_at) AS ms, lower(u.name) AS sort
    FROM unnest(ids) i JOIN users u ON u.id = i JOIN rsvps r ON r.event_id = p_event AND r.user_id = i ORDER BY sort LIMIT 20) d
$$;
CREATE OR REPLACE FUNCTION epoch_ms(t timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT floor(extract(epoch FROM t) * 1000)::bigint
$$;

-- What the door shows: the event, how many came, the last entries of the log, what a scan came to, who
-- is called q. What is looked for through a link is an entry, too.
CREATE OR REPLACE FUNCTION door_look(p_event uuid, p_user uuid, p_admin boolean, p_gate text, p_nonce text, q text, early bigint)
RETURNS effect LANGUAGE plpgsql AS $$
DECLARE
  d record;
  little boolean := p_gate IS NOT NULL;
  ids uuid[];
BEGIN
  SELECT * INTO d FROM door_open(p_event, p_user, p_admin, p_gate);
  IF (d.refusal).status IS NOT NULL THEN RETURN d.refusal; END IF;
  IF q IS NOT NULL THEN
    ids := door_find((d.e).id, q, little);
    IF little THEN
      INSERT INTO checkins VALUES ((d.e).id, 'look:' || uuid7(), now(), 'look', '', cardinality(ids)::text, NULL, NULL, NULL, (d.g).id);
    END IF;
  END IF;
  RETURN ROW(200, NULL, (SELECT row_to_json(o)::text FROM (SELECT c.going, c.came AS checked_in, c.going - c.came AS not_yet,
    iso((d.e).start_date - early * interval '1 millisecond') AS opens_at,
    (SELECT row_to_json(s) FROM (SELECT (d.e).id, (d.e).slug, (d.e).title, iso((d.e).start_date) AS start_date,
       iso((d.e).end_date) AS end_date, (d.e).timezone, (d.e).status) s) AS event,
    (SELECT row_to_json(s) FROM (SELECT (d.g).name, iso(gate_ends(d.g, d.e)) AS expires_at) s WHERE little) AS gate,
    (SELECT checkin_doc(k, little) FROM checkins k WHERE k.event_id = (d.e).id AND k.nonce = p_nonce AND k.act <> 'look') AS outcome,
    coalesce((SELECT json_agg(checkin_doc(s.k, little) ORDER BY (s.k).at DESC) FROM (
       SELECT k FROM checkins k WHERE k.event_id = (d.e).id AND k.act <> 'look' AND (NOT little OR k.gate_id = (d.g).id)
       ORDER BY k.at DESC LIMIT 10) s), '[]') AS scans,
    CASE WHEN ids IS NOT NULL THEN door_found((d.e).id, ids, little) END AS found, cardinality(ids) > 20 AS more) o), NULL, NULL)::effect
  FROM (SELECT coalesce(sum(k.going), 0) AS going, coalesce((SELECT n.came FROM door_counts n WHERE n.event_id = (d.e).id), 0) AS came
        FROM seat_counters k WHERE k.pool_id = (d.e).id) c;
END $$;

-- ---- links for the staff ----
CREATE OR REPLACE FUNCTION gate_doc(g gates, e events) RETURNS json LANGUAGE sql STABLE AS $$
  SELECT row_to_json(d) FROM (SELECT g.id, g.name, iso(g.created_at) AS created_at, iso(gate_ends(g, e)) AS expires_at,
    CASE WHEN g.revoked_at IS NOT NULL THEN 'revoked' WHEN gate_ends(g, e) <= now() THEN 'expired' ELSE 'active' END AS state) d
$$;
CREATE OR REPLACE FUNCTION gate_create(p_event uuid, p_user uuid, p_admin boolean, p_id uuid, p_name text, p_hash text,
                                       p_expires timestamptz) RETURNS effect LANGUAGE plpgsql AS $$
DECLARE
  d record;
  g gates;
BEGIN
  SELECT * INTO d FROM door_open(p_event, p_user, p_admin, NULL);
  IF (d.refusal).status IS NOT NULL THEN RETURN d.refusal; END IF;
  IF p_expires <= now() THEN RETURN refuse_field('expires_at', 'must lie in the future'); END IF;
  IF (SELECT count(*) FROM gates WHERE event_id = p_event) >= 200 THEN
    RETURN refuse(409, 'CONFLICT', 'an event has at most 200 links for its staff');
  END IF;
  INSERT INTO gates (id, event_id, name, hash, made_by, expires_at) VALUES (p_id, p_event, p_name, p_hash, p_user, p_expires)
    RETURNING * INTO g;
  RETURN ROW(201, NULL, gate_doc(g, d.e)::text, NULL, NULL)::effect;
END $$;
CREATE OR REPLACE FUNCTION gate_list(p_event uuid, p_user uuid, p_admin boolean) RETURNS effect LANGUAGE plpgsql STABLE AS $$
DECLARE
  d record;
BEGIN
  SELECT * INTO d FROM door_open(p_event, p_user, p_admin, NULL);
  IF (d.refusal).status IS NOT NULL THEN RETURN d.refusal; END IF;
  RETURN ROW(200, NULL, coalesce((SELECT json_agg(gate_doc(g, d.e) ORDER BY g.created_at)
                                  FROM gates g WHERE g.event_id = p_event), '[]')::text, NULL, NULL)::effect;
END $$;
CREATE OR REPLACE FUNCTION gate_revoke(p_event uuid, p_user uuid, p_admin boolean, p_id uuid) RETURNS effect LANGUAGE plpgsql AS $$
DECLARE
  d record;
  g gates;
BEGIN
  SELECT * INTO d FROM door_open(p_event, p_user, p_admin, NULL);
  IF (d.refusal).status IS NOT NULL THEN RETURN d.refusal; END IF;
  UPDATE gates SET revoked_at = coalesce(revoked_at, now()) WHERE id = p_id AND event_id = p_event RETURNING * INTO g;
  IF g.id IS NULL THEN RETURN refuse(404, 'NOT_FOUND', 'no such link'); END IF;
  RETURN ROW(200, NULL, gate_doc(g, d.e)::text, NULL, NULL)::effect;
END $$;

-- ---- lists, tickets, and who did not come ----
-- One's own ticket, without its code.
CREATE OR REPLACE FUNCTION ticket_doc(r rsvps, e events) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT row_to_json(d)::text FROM (SELECT r.id AS registration_id, rsvp_state(r) AS state, iso(r.registered_at) AS registered_at,
    iso(r.checked_in_at) AS checked_in_at,
    (SELECT row_to_json(s) FROM (SELECT u.id, u.name FROM users u WHERE u.id = r.user_id) s) AS holder,
    (SELECT row_to_json(s) FROM (SELECT e.id, e.slug, e.title, e.location, e.is_virtual, iso(e.start_date) AS start_date,
       iso(e.end_date) AS end_date, e.timezone, e.status) s) AS event) d
$$;

-- Those who go by how they fared at the door: attended, no_show, or absent (not in, or not yet). In the
-- order of their coming, else of their registration.
CREATE OR REPLACE FUNCTION door_list(p_event uuid, fared text, q text, with_email boolean, after_at timestamptz,
                                     after_user uuid, most int, skip int)
RETURNS TABLE (at timestamptz, user_id uuid, doc text) LANGUAGE plpgsql STABLE AS $$
BEGIN
  after_at := coalesce(after_at, '-infinity');
  after_user := coalesce(after_user, '00000000-0000-0000-0000-000000000000');
  IF fared = 'attended' THEN
    RETURN QUERY SELECT r.checked_in_at, r.user_id, attendee_doc(r, p.u, with_email)
      FROM rsvps r, LATERAL (SELECT u FROM users u WHERE u.id = r.user_id OFFSET 0) p
      WHERE r.event_id = p_event AND r.checked_in_at IS NOT NULL AND (r.checked_in_at, r.user_id) > (after_at, after_user)
        AND is_named(p.u, q)
      ORDER BY r.checked_in_at, r.user_id LIMIT most OFFSET skip;
  ELSE
    RETURN QUERY SELECT r.registered_at, r.user_id, attendee_doc(r, p.u, with_email)
      FROM rsvps r, LATERAL (SELECT u FROM users u WHERE u.id = r.user_id OFFSET 0) p
      WHERE r.event_id = p_event AND r.state = 'going' AND r.checked_in_at IS NULL AND (fared = 'absent' OR r.no_show)
        AND (r.registered_at, r.user_id) > (after_at, after_user) AND is_named(p.u, q)
      ORDER BY r.registered_at, r.user_id LIMIT most OFFSET skip;
  END IF;
END $$;

-- Where somebody came, those who did not are marked once the event is over, 1000 a step. Where the door
-- was never used nobody is called absent.
CREATE OR REPLACE FUNCTION no_show_begin(p_event uuid) RETURNS void LANGUAGE sql AS $$
  SELECT job_once('no-show:' || p_event, 'job_no_show', jsonb_build_object('event', p_event))
$$;
CREATE OR REPLACE FUNCTION job_no_show(arg jsonb) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := (arg->>'event')::uuid;
  who uuid[];
  last timestamptz;
BEGIN
  SELECT array_agg(s.user_id ORDER BY s.registered_at, s.user_id), max(s.registered_at) INTO who, last FROM (
    SELECT r.user_id, r.registered_at FROM rsvps r WHERE r.event_id = ev AND r.state = 'going'
      AND (r.registered_at, r.user_id) > (coalesce((arg->>'at')::timestamptz, '-infinity'),
                                          coalesce((arg->>'after')::uuid, '00000000-0000-0000-0000-000000000000'))
    ORDER BY r.registered_at, r.user_id LIMIT 1000) s;
  UPDATE rsvps r SET no_show = true WHERE r.event_id = ev AND r.user_id = ANY (who) AND r.state = 'going'
    AND r.checked_in_at IS NULL AND NOT r.no_show;
  UPDATE jobs SET arg = job_no_show.arg || jsonb_build_object('at', last, 'after', who[cardinality(who)]) WHERE name = 'no-show:' || ev;
  RETURN (cardinality(who) = 1000)::int;
END $$;
