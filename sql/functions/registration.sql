-- Registration: one readers-writer lock per event. doc/registration.md tells the story.
--   shared lock     whoever needs or gives back one seat while nobody waits
--   exclusive lock  whoever changes what seats mean: joining or leaving the waiting list, promotion,
--                   capacity, status, privacy, dates
-- Lock first, then read in a new statement. Counters before the person's row; whoever holds a
-- person's row never waits for a counter. The outbox row comes last.
SET LOCAL check_function_bodies = off;

CREATE OR REPLACE FUNCTION rsvp_status(state text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE state WHEN 'cancelled' THEN 'not_going' WHEN 'held' THEN 'going' ELSE state END
$$;
CREATE OR REPLACE FUNCTION rsvp_state(r rsvps) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE r.state WHEN 'going' THEN CASE WHEN r.checked_in_at IS NOT NULL THEN 'attended'
                                             WHEN r.no_show THEN 'no_show' ELSE 'registered' END
                      WHEN 'waitlisted' THEN 'waitlisted' WHEN 'cancelled' THEN 'cancelled' END
$$;

-- Both words of a registration, as members of a document. Here and below: every operator of an
-- expression is prepared anew in each transaction, so what is rarely needed stands in a branch of its
-- own, and one format costs less than a chain of concatenations.
CREATE OR REPLACE FUNCTION rsvp_words(r rsvps) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF r.state = 'going' AND r.checked_in_at IS NULL AND NOT r.no_show THEN RETURN '"status":"going","state":"registered"'; END IF;
  RETURN format('"status":"%s","state":%s', rsvp_status(r.state), coalesce('"' || rsvp_state(r) || '"', 'null'));
END $$;

-- Place in the waiting list, 1 = next: whole blocks of 256 before, then the own block, counted from
-- its nearer end (who has just joined stands at the far one).
CREATE OR REPLACE FUNCTION waitlist_position(p_event uuid, p_wl bigint) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
  before bigint;
  own bigint;
BEGIN
  SELECT coalesce(sum(n) FILTER (WHERE block < p_wl >> 8), 0), sum(n) FILTER (WHERE block = p_wl >> 8) INTO before, own
    FROM waitlist_blocks WHERE event_id = p_event AND block <= p_wl >> 8;
  IF p_wl & 255 < 128 THEN
    RETURN before + (SELECT count(*) FROM rsvps WHERE event_id = p_event AND state = 'waitlisted'
                       AND wl_seq BETWEEN (p_wl >> 8) << 8 AND p_wl);
  END IF;
  RETURN before + own - (SELECT count(*) FROM rsvps WHERE event_id = p_event AND state = 'waitlisted'
                           AND wl_seq > p_wl AND wl_seq <= p_wl | 255);
END $$;

-- One person's registration, a part a line: status, document, counts of the event.
CREATE OR REPLACE FUNCTION rsvp_text(r rsvps, place bigint, counts text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT format(E'%s\n{"registration_id":"%s",%s%s,"registered_at":"%s"}\n%s', rsvp_status(r.state), r.id, rsvp_words(r),
                ',"waitlist_position":' || place, iso(r.registered_at), counts)
$$;
CREATE OR REPLACE FUNCTION rsvp_doc(r rsvps) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN rsvp_text(r, CASE WHEN r.state = 'waitlisted' THEN waitlist_position(r.event_id, r.wl_seq) END,
                   ARRAY(SELECT slot_counts(k) FROM seat_counters k WHERE k.pool_id = r.event_id)::text);
END $$;

CREATE OR REPLACE FUNCTION rsvp_keys(p_event uuid, p_user uuid) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT 'viewer:' || p_user::text || ':' || p_event::text
$$;

-- History and message of a transition that has just been written to the person's row. Each operator
-- in a statement is prepared anew by every call: one format costs less than a chain of them.
CREATE OR REPLACE FUNCTION rsvp_record(r rsvps, old text, p_type text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  sent uuid;
BEGIN
  INSERT INTO rsvp_history (event_id, user_id, seq, from_state, to_state)
    VALUES (r.event_id, r.user_id, r.seq, old, r.state);
  sent := outbox_put('events', p_type, 'registration', r.id, r.seq, r.event_id,
    format('{"event_type":"%s","event_id":"%s","user_id":"%s","registration_id":"%s",%s,"timestamp":"%s"}',
           p_type, r.event_id, r.user_id, r.id, rsvp_words(r), iso(now())),
    rsvp_keys(r.event_id, r.user_id));
END $$;

CREATE OR REPLACE FUNCTION rsvp_type(old text, new text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN new IN ('going', 'waitlisted') THEN 'event.registration.created'
              WHEN old IN ('going', 'waitlisted') THEN 'event.registration.cancelled'
              ELSE 'event.rsvp' END
$$;

-- Writes the person's row if it is still in state old (NULL: absent). NULL when it is not.
CREATE OR REPLACE FUNCTION rsvp_write(p_event uuid, p_user uuid, p_id uuid, old text, new text, p_wl bigint, p_data jsonb)
RETURNS rsvps LANGUAGE plpgsql AS $$
DECLARE
  r rsvps;
BEGIN
  IF old IS NULL THEN
    INSERT INTO rsvps (id, event_id, user_id, state, wl_seq, registration_data)
      VALUES (p_id, p_event, p_user, new, p_wl, p_data) ON CONFLICT (event_id, user_id) DO NOTHING
      RETURNING * INTO r;
  ELSE
    UPDATE rsvps SET state = new, wl_seq = p_wl, seq = seq + 1, updated_at = now(),
                     registration_data = coalesce(p_data, registration_data),
                     registered_at = CASE WHEN new IN ('going', 'waitlisted') AND old <> 'waitlisted'
                                          THEN now() ELSE registered_at END
      WHERE event_id = p_event AND user_id = p_user AND state = old RETURNING * INTO r;
  END IF;
  IF r.id IS NULL THEN RETURN NULL; END IF;
  IF r.checked_in_at IS NOT NULL THEN r := checkin_leave(r); END IF;
  PERFORM rsvp_record(r, old, rsvp_type(old, new));
  RETURN r;
END $$;


-- By how much a transition changes the number of people in one state.
CREATE OR REPLACE FUNCTION state_step(old text, new text, state text) RETURNS int LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE new WHEN state THEN 1 ELSE 0 END - CASE old WHEN state THEN 1 ELSE 0 END
$$;

-- Adds a transition from one state to another to one slot. False: that slot has no seat left.
CREATE OR REPLACE FUNCTION seat_add(p_event uuid, p_slot int, old text, new text, times int DEFAULT 1)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  UPDATE seat_counters k SET remaining = k.remaining - times * state_step(old, new, 'going'),
         going = k.going + times * state_step(old, new, 'going'),
         interested = k.interested + times * state_step(old, new, 'interested'),
         maybe = k.maybe + times * state_step(old, new, 'maybe'),
         waitlisted = k.waitlisted + times * state_step(old, new, 'waitlisted'), seq = k.seq + 1
    WHERE k.pool_id = p_event AND k.slot = p_slot AND k.remaining >= times * state_step(old, new, 'going');
  RETURN FOUND;
END $$;

-- Own slot has no seat: any other that nobody holds, while event_seats is still what was read. The slot;
-- or why not.
CREATE OR REPLACE FUNCTION seat_elsewhere(p_event uuid, version xid, old text, new text, OUT slot int, OUT refusal effect)
LANGUAGE plpgsql AS $$
DECLARE
  q event_seats;
BEGIN
  SELECT * INTO q FROM event_seats WHERE event_id = p_event AND xmin = version;
  IF FOUND THEN
    SELECT k.slot INTO slot FROM seat_counters k WHERE k.pool_id = p_event AND k.remaining > 0
      LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF seat_add(p_event, slot, old, new) THEN RETURN; END IF;
  END IF;
  slot := NULL;
  refusal := CASE WHEN q.event_id IS NULL OR q.waitlist
                       OR EXISTS (SELECT FROM seat_counters k WHERE k.pool_id = p_event AND k.remaining > 0)
                  THEN refuse(599, NULL, NULL) ELSE refuse(409, 'EVENT_FULL', 'no seat is free') END;
END $$;

-- Under the exclusive lock: 32 slots instead of one.
CREATE OR REPLACE FUNCTION seat_widen(p_event uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  free int;
  cap int;
BEGIN
  SELECT capacity INTO cap FROM event_seats WHERE event_id = p_event;
  SELECT remaining INTO free FROM seat_counters WHERE pool_id = p_event AND slot = 0;
  IF cap IS NOT NULL THEN
    UPDATE seat_counters SET remaining = free / 32 + (0 < free % 32)::int WHERE pool_id = p_event AND slot = 0;
  END IF;
  INSERT INTO seat_counters (pool_id, slot, remaining)
    SELECT p_event, s, CASE WHEN cap IS NULL THEN 1000000000 ELSE free / 32 + (s < free % 32)::int END
    FROM generate_series(1, 31) s;
  UPDATE event_seats SET n = 32 WHERE event_id = p_event;
END $$;

-- Under the exclusive lock: free seats become exactly `free`, spread over the slots.
CREATE OR REPLACE FUNCTION seat_spread(p_event uuid, free int, p_n int) RETURNS void LANGUAGE sql AS $$
  UPDATE seat_counters SET remaining = free / p_n + (slot < free % p_n)::int, seq = seq + 1 WHERE pool_id = p_event
$$;

CREATE OR REPLACE FUNCTION waitlist_block(p_event uuid, p_wl bigint, change int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO waitlist_blocks AS b VALUES (p_event, p_wl >> 8, 1)
    ON CONFLICT (event_id, block) DO UPDATE SET n = b.n + change;
END $$;

-- Under the exclusive lock: gives up to `most` seats to the head of the waiting list, in order.
-- The seats must not be counted as free. Returns how many, and the cache keys of the lucky ones.
CREATE OR REPLACE FUNCTION promote(p_event uuid, most int, OUT promoted int, OUT keys text) LANGUAGE plpgsql AS $$
DECLARE
  w rsvps;
  r rsvps;
BEGIN
  promoted := 0;
  FOR w IN SELECT * FROM rsvps WHERE event_id = p_event AND state = 'waitlisted' ORDER BY wl_seq LIMIT most LOOP
    UPDATE rsvps SET state = 'going', wl_seq = NULL, seq = seq + 1, updated_at = now()
      WHERE event_id = p_event AND user_id = w.user_id RETURNING * INTO r;
    PERFORM waitlist_block(p_event, w.wl_seq, -1);
    PERFORM rsvp_record(r, 'waitlisted', 'event.waitlist.promoted');
    PERFORM notify_user(r.user_id, 'waitlist_promoted', p_event, jsonb_build_object('registration_id', r.id));
    keys := concat_ws(E'\n', keys, rsvp_keys(p_event, r.user_id));
    promoted := promoted + 1;
  END LOOP;
  IF promoted > 0 THEN
    UPDATE event_seats SET waiting = waiting - promoted WHERE event_id = p_event;
    UPDATE seat_counters SET going = going + promoted, waitlisted = waitlisted - promoted, seq = seq + 1
      WHERE pool_id = p_event AND slot = 0;
  END IF;
END $$;

-- The slow way, under the exclusive lock: everything can be decided here.
CREATE OR REPLACE FUNCTION rsvp_slow(p_event uuid, p_user uuid, p_id uuid, want text, p_data jsonb)
RETURNS effect LANGUAGE plpgsql AS $$
DECLARE
  q event_seats;
  r rsvps;
  old text;
  new text;
  slot int;
  wl bigint;
  p record;
  promoted text;
BEGIN
  PERFORM pg_advisory_xact_lock(event_lock_key(p_event));
  SELECT * INTO q FROM event_seats WHERE event_id = p_event;
  SELECT * INTO r FROM rsvps WHERE event_id = p_event AND user_id = p_user;
  old := r.state;
  IF q.n = 1 AND coalesce(q.capacity, 500) >= 500 THEN
    PERFORM seat_widen(p_event);
  END IF;
  new := rsvp_target(old, want);
  IF new IS NOT DISTINCT FROM old THEN RETURN rsvp_again(r, want, p_data); END IF;
  IF NOT rsvp_open(q) THEN RETURN rsvp_closed(p_event, p_user); END IF;
  IF rsvp_hidden(p_event, q.privacy, r.id IS NOT NULL, want, p_user) THEN RETURN refuse(404, 'NOT_FOUND', 'no such event'); END IF;

  IF new = 'going' THEN
    IF q.waiting = 0 THEN
      SELECT k.slot INTO slot FROM seat_counters k WHERE k.pool_id = p_event AND k.remaining > 0 LIMIT 1;
    END IF;
    IF slot IS NULL THEN
      IF NOT q.waitlist THEN RETURN refuse(409, 'EVENT_FULL', 'no seat is free'); END IF;
      new := 'waitlisted';
      wl := q.wl_seq + 1;
      UPDATE event_seats SET wl_seq = wl, waiting = waiting + 1 WHERE event_id = p_event;
      PERFORM waitlist_block(p_event, wl, 1);
    END IF;
  ELSIF old = 'waitlisted' THEN
    UPDATE event_seats SET waiting = waiting - 1 WHERE event_id = p_event;
    PERFORM waitlist_block(p_event, r.wl_seq, -1);
  END IF;
  PERFORM seat_add(p_event, coalesce(slot, 0), old, new);
  r := rsvp_write(p_event, p_user, p_id, old, new, wl, p_data);
  IF old = 'going' AND q.waiting > 0 THEN  -- the seat just given back goes to the head
    SELECT * INTO p FROM promote(p_event, 1);
    promoted := p.keys;
    UPDATE seat_counters SET remaining = remaining - 1 WHERE pool_id = p_event AND seat_counters.slot = 0;
  END IF;
  RETURN rsvp_answer(CASE WHEN old IS NULL THEN 201 ELSE 200 END, r, promoted);
END $$;

CREATE OR REPLACE FUNCTION rsvp_answer(status int, r rsvps, more text DEFAULT NULL) RETURNS effect LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN ROW(status, NULL, rsvp_doc(r), NULL, concat_ws(E'\n', rsvp_keys(r.event_id, r.user_id), more))::effect;
END $$;

-- The stored state that an answer leads to.
CREATE OR REPLACE FUNCTION rsvp_target(old text, want text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN want = 'going' AND old = 'waitlisted' THEN 'waitlisted'
              WHEN want = 'not_going' AND old IN ('going', 'waitlisted', 'cancelled') THEN 'cancelled'
              ELSE want END
$$;
-- Answers are taken, and taken back, until the event is over or called off.
CREATE OR REPLACE FUNCTION rsvp_open(q event_seats) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT q.open AND q.closes_at > now()
$$;

-- Why an event takes no answers; a draft is not there for others, a deleted one for nobody.
CREATE OR REPLACE FUNCTION rsvp_closed(p_event uuid, p_user uuid) RETURNS effect LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF EXISTS (SELECT FROM events WHERE id = p_event AND deleted_at IS NULL
               AND (status <> 'draft' OR is_admin(p_user) OR event_relation(id, p_user, host_id) IN ('host', 'cohost'))) THEN
    RETURN refuse(409, 'EVENT_CLOSED', 'this event takes no answers');
  END IF;
  RETURN refuse(404, 'NOT_FOUND', 'no such event');
END $$;

-- May this person not know of the event? Who has answered may always take the answer back.
-- Asked again under the lock: privacy changes under the exclusive one.
CREATE OR REPLACE FUNCTION rsvp_hidden(p_event uuid, privacy text, answered boolean, want text, p_user uuid)
RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN privacy <> 'public' AND NOT (answered AND want = 'not_going') AND NOT event_visible(p_event, p_user, privacy);
END $$;

-- The same answer once more: only what the organiser asked for may be new. Who may no longer see the
-- event is not told its counts.
CREATE OR REPLACE FUNCTION rsvp_again(r rsvps, want text, p_data jsonb) RETURNS effect LANGUAGE plpgsql AS $$
DECLARE
  a effect;
BEGIN
  IF p_data IS DISTINCT FROM r.registration_data AND p_data IS NOT NULL AND want <> 'not_going' THEN
    UPDATE rsvps SET registration_data = p_data, updated_at = now() WHERE event_id = r.event_id AND user_id = r.user_id;
  END IF;
  a := rsvp_answer(200, r);
  IF want = 'not_going' AND NOT event_visible(r.event_id, r.user_id, (SELECT privacy FROM event_seats WHERE event_id = r.event_id)) THEN
    a.body := regexp_replace(a.body, '{[^{]*$', '');
  END IF;
  RETURN a;
END $$;

-- What the quick way leaves alone: refusals, the same answer again, and what needs the exclusive lock.
CREATE OR REPLACE FUNCTION rsvp_careful(p_event uuid, p_user uuid, p_id uuid, want text, p_data jsonb)
RETURNS effect LANGUAGE plpgsql AS $$
DECLARE
  q event_seats;
  r rsvps;
BEGIN
  SELECT * INTO q FROM event_seats WHERE event_id = p_event;
  SELECT * INTO r FROM rsvps WHERE event_id = p_event AND user_id = p_user;
  IF q.event_id IS NULL OR rsvp_hidden(p_event, q.privacy, r.id IS NOT NULL, want, p_user)
     OR NOT q.open AND (rsvp_closed(p_event, p_user)).status = 404 THEN
    RETURN refuse(404, 'NOT_FOUND', 'no such event');
  END IF;
  IF r.id IS NULL AND p_id IS NULL THEN RETURN refuse(404, 'NOT_FOUND', 'no registration for this event'); END IF;
  IF rsvp_target(r.state, want) IS NOT DISTINCT FROM r.state THEN RETURN rsvp_again(r, want, p_data); END IF;
  RETURN rsvp_slow(p_event, p_user, p_id, want, p_data);
END $$;

-- One person's answer to one event: want = going | interested | maybe | not_going. p_id NULL: only of
-- who has answered before. Status 599: call again with slow (in a new transaction).
--
-- The quick way reads without the lock, and goes on under it if the row of event_seats is still the
-- same version: then what was decided stands. It waits only while seats change their meaning: a mere
-- attempt, with the exclusive lock as the way out, would let one who widens or edits drive everybody
-- after him into the slow way, for good.
CREATE OR REPLACE FUNCTION rsvp_set(p_event uuid, p_user uuid, p_id uuid, want text, p_data jsonb, slow boolean)
RETURNS effect LANGUAGE plpgsql AS $$
DECLARE
  p record;
  k record;
  seat record;
  r rsvps;
  new text;
BEGIN
  SELECT s.xmin, s.capacity, s.waiting, s.n, s.open, s.closes_at, s.privacy, v.id, v.state AS old INTO p
    FROM event_seats s LEFT JOIN rsvps v ON v.event_id = s.event_id AND v.user_id = p_user
    WHERE s.event_id = p_event;
  new := rsvp_target(p.old, want);
  IF slow OR p.open IS NOT TRUE OR p.closes_at <= now() OR p.waiting > 0 OR coalesce(p_id, p.id) IS NULL
     OR new = p.old OR p.old = 'waitlisted' THEN
    RETURN rsvp_careful(p_event, p_user, p_id, want, p_data);
  END IF;
  IF p.privacy <> 'public' AND rsvp_hidden(p_event, p.privacy, p.id IS NOT NULL, want, p_user) THEN
    RETURN refuse(404, 'NOT_FOUND', 'no such event');
  END IF;
  IF pg_advisory_xact_lock_shared(event_lock_key(p_event)) IS NULL
     OR p.n = 1 AND coalesce(p.capacity, 500) >= 500 AND NOT pg_try_advisory_xact_lock(slot_lock_key(p_event)) THEN
    RETURN refuse(599, NULL, NULL);  -- somebody else is at the only row: widen
  END IF;
  UPDATE seat_counters c SET remaining = c.remaining - state_step(p.old, new, 'going'),
         going = c.going + state_step(p.old, new, 'going'),
         interested = c.interested + state_step(p.old, new, 'interested'),
         maybe = c.maybe + state_step(p.old, new, 'maybe'), seq = c.seq + 1
    FROM event_seats s
    WHERE s.event_id = p_event AND s.xmin = p.xmin AND c.pool_id = p_event AND c.slot = pg_backend_pid() % p.n
      AND c.remaining >= state_step(p.old, new, 'going')
    RETURNING c.slot, '{' || slot_counts(c) || '}' AS counts INTO k;
  IF NOT FOUND THEN
    seat := seat_elsewhere(p_event, p.xmin, p.old, new);
    IF seat.slot IS NULL THEN RETURN seat.refusal; END IF;
    k.slot := seat.slot;
  END IF;
  r := rsvp_write(p_event, p_user, p_id, p.old, new, NULL, p_data);
  IF r.id IS NULL THEN  -- the same person was faster elsewhere: undo, decide again
    PERFORM seat_add(p_event, k.slot, p.old, new, -1);
    RETURN refuse(599, NULL, NULL);
  END IF;
  IF p.n > 1 OR k.counts IS NULL THEN RETURN rsvp_answer(CASE WHEN p.old IS NULL THEN 201 ELSE 200 END, r); END IF;
  RETURN ROW(CASE WHEN p.old IS NULL THEN 201 ELSE 200 END, NULL, rsvp_text(r, NULL, k.counts), NULL,
             rsvp_keys(p_event, p_user))::effect;
END $$;

-- DELETE: not_going for who has answered, 404 for who has not.
CREATE OR REPLACE FUNCTION rsvp_cancel(p_event uuid, p_user uuid, slow boolean) RETURNS effect LANGUAGE plpgsql AS $$
BEGIN
  RETURN rsvp_set(p_event, p_user, NULL, 'not_going', NULL, slow);
END $$;

-- Under the exclusive lock: capacity becomes cap (NULL: unlimited). False: more seats are taken.
-- Promotes at most 1000 here; a job carries on.
CREATE OR REPLACE FUNCTION capacity_set(p_event uuid, cap int, OUT done boolean, OUT keys text) LANGUAGE plpgsql AS $$
DECLARE
  q event_seats;
  p record;
  taken int;
  free int;
BEGIN
  done := true;
  SELECT * INTO q FROM event_seats WHERE event_id = p_event;
  SELECT sum(going) INTO taken FROM seat_counters WHERE pool_id = p_event;
  IF cap < taken THEN done := false; RETURN; END IF;
  free := least(coalesce(cap - taken, 1000000000), 1000000000);
  IF rsvp_open(q) AND q.waiting > 0 AND free > 0 THEN
    SELECT * INTO p FROM promote(p_event, least(free, 1000));
    keys := p.keys;
    taken := taken + p.promoted;
    free := CASE WHEN cap IS NULL THEN free ELSE free - p.promoted END;
  END IF;
  SELECT waiting INTO q.waiting FROM event_seats WHERE event_id = p_event;
  IF rsvp_open(q) AND q.waiting > 0 AND free > 0 THEN
    PERFORM seat_spread(p_event, 0, q.n);
    UPDATE event_seats SET capacity = taken, raising = true WHERE event_id = p_event;
    IF NOT q.raising THEN  -- else one is on its way; a name of its own, or we would wait for the job that waits for us
      PERFORM job_once(format('raise:%s:%s', p_event, pg_current_xact_id()), 'job_raise', jsonb_build_object('event', p_event));
    END IF;
    RETURN;
  END IF;
  IF cap IS NULL THEN
    UPDATE seat_counters SET remaining = 1000000000, seq = seq + 1 WHERE pool_id = p_event;
  ELSE
    PERFORM seat_spread(p_event, free, q.n);
  END IF;
  UPDATE event_seats SET capacity = cap, raising = false WHERE event_id = p_event;
END $$;

CREATE OR REPLACE FUNCTION attendee_doc(r rsvps, u users, with_email boolean) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT row_to_json(d)::text FROM (SELECT
    CASE WHEN with_email THEN (SELECT row_to_json(s) FROM (SELECT u.id, u.name, u.username, u.avatar, u.email) s)
         ELSE user_short(u) END AS "user",
    rsvp_status(r.state) AS status, rsvp_state(r) AS state, iso(r.registered_at) AS registered_at) d
$$;
CREATE OR REPLACE FUNCTION is_named(u users, q text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT q IS NULL OR u.name ILIKE '%' || q || '%' OR u.username::text ILIKE '%' || q || '%'
$$;
-- As idx_registrations_others has it.
CREATE OR REPLACE FUNCTION shown_state(state text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN state = 'cancelled' THEN 'not_going' ELSE state END
$$;
-- Everybody whose name has q in it. NULL: they are more than two thousand, or q is so short that no index
-- helps. Planned for q (EXECUTE), or a plan for any name would read all accounts.
CREATE OR REPLACE FUNCTION people_like(q text) RETURNS uuid[] LANGUAGE plpgsql STABLE AS $$
DECLARE
  who uuid[];
BEGIN
  IF length(q) < 3 THEN RETURN NULL; END IF;
  EXECUTE 'SELECT ARRAY(SELECT u.id FROM users u WHERE account_words(u) LIKE $1 AND is_named(u, $2) LIMIT 2001)'
    INTO who USING '%' || lower(q) || '%', q;
  RETURN CASE WHEN cardinality(who) <= 2000 THEN who END;
END $$;
-- Whom to look at for a name at this event; NULL: at its people one after the other, who are few, or of
-- whom many are called so.
CREATE OR REPLACE FUNCTION people_sought(p_event uuid, q text) RETURNS uuid[] LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN q IS NOT NULL AND (SELECT sum(k.going + k.interested + k.maybe + k.waitlisted) > 1000 FROM seat_counters k
                                             WHERE k.pool_id = p_event) THEN people_like(q) END
$$;

-- Attendees: those who hold seats, or who gave one answer; q finds in the name. Keyset by (at, user).
-- Those who go are the many, and have an index in that order of their own.
CREATE OR REPLACE FUNCTION attendees(p_event uuid, p_status text, q text, with_email boolean, after_at timestamptz,
                                     after_user uuid, most int, skip int)
RETURNS TABLE (at timestamptz, user_id uuid, doc text) LANGUAGE plpgsql STABLE AS $$
DECLARE
  who uuid[] := people_sought(p_event, q);
BEGIN
  after_at := coalesce(after_at, '-infinity');
  after_user := coalesce(after_user, '00000000-0000-0000-0000-000000000000');
  IF who IS NOT NULL THEN
    RETURN QUERY SELECT (s.r).registered_at, (s.r).user_id, attendee_doc(s.r, p.u, with_email)
      FROM (SELECT v.r FROM unnest(who) w, LATERAL (SELECT r FROM rsvps r WHERE r.event_id = p_event AND r.user_id = w OFFSET 0) v
            WHERE shown_state((v.r).state) = coalesce(p_status, 'going') AND ((v.r).registered_at, (v.r).user_id) > (after_at, after_user)
            ORDER BY (v.r).registered_at, (v.r).user_id LIMIT most OFFSET skip) s,
        LATERAL (SELECT u FROM users u WHERE u.id = (s.r).user_id OFFSET 0) p
      ORDER BY 1, 2;
  ELSIF coalesce(p_status, 'going') = 'going' THEN
    RETURN QUERY SELECT r.registered_at, r.user_id, attendee_doc(r, p.u, with_email)
      FROM rsvps r, LATERAL (SELECT u FROM users u WHERE u.id = r.user_id OFFSET 0) p
      WHERE r.event_id = p_event AND r.state = 'going' AND (r.registered_at, r.user_id) > (after_at, after_user)
        AND is_named(p.u, q)
      ORDER BY r.registered_at, r.user_id LIMIT most OFFSET skip;
  ELSE
    RETURN QUERY SELECT r.registered_at, r.user_id, attendee_doc(r, p.u, with_email)
      FROM rsvps r, LATERAL (SELECT u FROM users u WHERE u.id = r.user_id OFFSET 0) p
      WHERE r.event_id = p_event AND r.state <> 'going' AND shown_state(r.state) = p_status
        AND (r.registered_at, r.user_id) > (after_at, after_user) AND is_named(p.u, q)
      ORDER BY r.registered_at, r.user_id LIMIT most OFFSET skip;
  END IF;
END $$;

-- The waiting list in its order; for those who may see no more, their own place only.
CREATE OR REPLACE FUNCTION waitlist_doc(r rsvps, u users) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT row_to_json(d)::text FROM (SELECT user_short(u) AS "user",
    waitlist_position(r.event_id, r.wl_seq) AS position, iso(r.registered_at) AS joined_at) d
$$;
CREATE OR REPLACE FUNCTION waitlist(p_event uuid, only_user uuid, after_wl bigint, most int, skip int)
RETURNS TABLE (wl bigint, doc text) LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF only_user IS NULL THEN
    RETURN QUERY SELECT r.wl_seq, waitlist_doc(r, u) FROM rsvps r JOIN users u ON u.id = r.user_id
      WHERE r.event_id = p_event AND r.state = 'waitlisted' AND r.wl_seq > after_wl
      ORDER BY r.wl_seq LIMIT most OFFSET skip;
  ELSE
    RETURN QUERY SELECT (s.r).wl_seq, waitlist_doc(s.r, u)
      FROM (SELECT r FROM rsvps r WHERE r.event_id = p_event AND r.user_id = only_user OFFSET 0) s  -- not by all who wait
        JOIN users u ON u.id = only_user
      WHERE (s.r).state = 'waitlisted' AND (s.r).wl_seq > after_wl OFFSET skip;
  END IF;
END $$;
