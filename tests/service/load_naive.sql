-- tests/service/load_naive.sql - the obvious registration, as the control of the load test: the event's
-- row FOR UPDATE is the lock, a seat is found by SKIP LOCKED, and the lock is taken only when it must be
CREATE OR REPLACE FUNCTION rsvp_set(p_event uuid, p_user uuid, p_id uuid, want text, p_data jsonb, slow boolean)
RETURNS effect LANGUAGE plpgsql AS $$
DECLARE
  r rsvps;
  old text;
  s int;
  wl bigint;
BEGIN
  SELECT state INTO old FROM rsvps WHERE event_id = p_event AND user_id = p_user;
  IF old IN ('going', 'waitlisted') THEN RETURN ROW(200, NULL, NULL, NULL, NULL)::effect; END IF;
  SELECT k.slot INTO s FROM seat_counters k WHERE k.pool_id = p_event AND k.remaining > 0 LIMIT 1 FOR UPDATE SKIP LOCKED;
  IF s IS NULL THEN
    PERFORM 1 FROM events WHERE id = p_event FOR UPDATE;
    SELECT k.slot INTO s FROM seat_counters k WHERE k.pool_id = p_event AND k.remaining > 0 LIMIT 1 FOR UPDATE;
  END IF;
  IF s IS NOT NULL THEN
    UPDATE seat_counters SET remaining = remaining - 1, going = going + 1 WHERE pool_id = p_event AND slot = s;
  ELSE
    UPDATE event_seats SET wl_seq = wl_seq + 1, waiting = waiting + 1 WHERE event_id = p_event RETURNING wl_seq INTO wl;
    PERFORM waitlist_block(p_event, wl, 1);
  END IF;
  INSERT INTO rsvps (id, event_id, user_id, state, wl_seq)
    VALUES (p_id, p_event, p_user, CASE WHEN s IS NULL THEN 'waitlisted' ELSE 'going' END, wl)
    ON CONFLICT (event_id, user_id) DO UPDATE SET state = excluded.state, wl_seq = excluded.wl_seq, seq = rsvps.seq + 1
    RETURNING * INTO r;
  PERFORM rsvp_record(r, old, 'event.registration.created');
  RETURN ROW(201, NULL, rsvp_doc(r), NULL, NULL)::effect;
END $$;

CREATE OR REPLACE FUNCTION rsvp_cancel(p_event uuid, p_user uuid, slow boolean) RETURNS effect LANGUAGE plpgsql AS $$
DECLARE
  r rsvps;
  was rsvps;
  p record;
BEGIN
  PERFORM 1 FROM events WHERE id = p_event FOR UPDATE;
  SELECT * INTO was FROM rsvps WHERE event_id = p_event AND user_id = p_user FOR UPDATE;
  IF was.id IS NULL OR was.state NOT IN ('going', 'waitlisted') THEN RETURN refuse(404, 'NOT_FOUND', 'no registration'); END IF;
  UPDATE rsvps SET state = 'cancelled', wl_seq = NULL, seq = seq + 1 WHERE event_id = p_event AND user_id = p_user RETURNING * INTO r;
  PERFORM rsvp_record(r, was.state, 'event.registration.cancelled');
  IF was.state = 'waitlisted' THEN
    UPDATE event_seats SET waiting = waiting - 1 WHERE event_id = p_event;
    PERFORM waitlist_block(p_event, was.wl_seq, -1);
    RETURN ROW(200, NULL, rsvp_doc(r), NULL, NULL)::effect;
  END IF;
  UPDATE seat_counters SET going = going - 1 WHERE pool_id = p_event AND slot = 0;
  SELECT * INTO p FROM promote(p_event, 1);
  IF p.promoted = 0 THEN UPDATE seat_counters SET remaining = remaining + 1 WHERE pool_id = p_event AND slot = 0; END IF;
  RETURN ROW(200, NULL, rsvp_doc(r), NULL, NULL)::effect;
END $$;

-- Edits take the same lock as everybody here.
CREATE OR REPLACE FUNCTION event_hold(p_event uuid, p_user uuid, act text, admin boolean, versions int[],
                                      OUT e events, OUT refusal effect) LANGUAGE plpgsql AS $$
BEGIN
  SELECT * INTO e FROM events WHERE id = p_event FOR UPDATE;
  refusal := event_refusal(e, p_user, act, admin);
END $$;
