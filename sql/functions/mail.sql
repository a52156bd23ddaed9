-- Mail: what has happened becomes rows of a queue, which the notifier sends; and forgotten passwords.
-- doc/mail.md tells the story.
SET LOCAL check_function_bodies = off;

-- ---- from the outbox to the queue ----
-- Registering writes nothing for a mail: that would cost everybody a row more. Here the messages that
-- are written anyway are read once more, by snapshot as the relay reads them.

-- Messages that the snapshot old does not show and upto does (NULL: all) become mails. Accounts of the
-- demo have nobody who would read them.
CREATE OR REPLACE FUNCTION mails_from_outbox(old pg_snapshot, upto pg_snapshot) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  n bigint;
BEGIN
  INSERT INTO mails (id, kind, user_id, params)
    SELECT uuid7(), k.kind, u.id, jsonb_strip_nulls(jsonb_build_object('event_id', m.p->'event_id', 'reason', m.p->'reason'))
                                || CASE WHEN m.p ? 'was' THEN jsonb_build_object('was', m.p->'was') ELSE '{}' END
    FROM (SELECT o.pos, o.type, o.payload::jsonb AS p
          FROM generate_series(0, 3) s, LATERAL outbox_since(s::smallint, old) o
          WHERE o.type IN ('event.registration.created', 'notification.waitlist_promoted', 'notification.event_cancelled',
                           'notification.event_changed')
            AND (upto IS NULL OR pg_visible_in_snapshot(o.xid, upto))) m
    JOIN (VALUES ('event.registration.created', 'going', 'registered'),
                 ('event.registration.created', 'waitlisted', 'waitlisted'),
                 ('notification.waitlist_promoted', NULL, 'promoted'),
                 ('notification.event_cancelled', NULL, 'event_cancelled'),
                 ('notification.event_changed', NULL, 'event_changed')) k (type, status, kind)
      ON k.type = m.type AND k.status IS NOT DISTINCT FROM m.p->>'status'
    CROSS JOIN LATERAL (SELECT x.id FROM users x WHERE x.id = (m.p->>'user_id')::uuid AND NOT x.seeded AND x.deleted_at IS NULL OFFSET 0) u
    ORDER BY m.pos;
  GET DIAGNOSTICS n = ROW_COUNT;
  RETURN n;
END $$;

-- One pass: each message once, because the mails and the new snapshot are written together, by one
-- notifier at a time. What was before mail was switched on concerns nobody. Without news nothing is
-- written.
CREATE OR REPLACE FUNCTION mail_derive() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  old pg_snapshot;
  upto pg_snapshot;
BEGIN
  IF NOT pg_try_advisory_xact_lock(7002, 0) THEN RETURN 0; END IF;
  SELECT snap INTO old FROM mail_state;
  upto := pg_current_snapshot();
  IF old IS NOT NULL AND NOT EXISTS (SELECT FROM generate_series(0, 3) s, LATERAL outbox_since(s::smallint, old) o) THEN
    RETURN 0;
  END IF;
  UPDATE mail_state SET snap = upto;
  RETURN CASE WHEN old IS NULL THEN 0 ELSE mails_from_outbox(old, upto) END;
END $$;

-- ---- sending ----

-- What a mail says of an event, in the event's own time.
CREATE OR REPLACE FUNCTION mail_event(e events, attends boolean) RETURNS json LANGUAGE plpgsql STABLE AS $$
DECLARE
  zone text := e.timezone;
BEGIN
  BEGIN
    PERFORM now() AT TIME ZONE zone;
  EXCEPTION WHEN invalid_parameter_value THEN  -- PostgreSQL's list of zones is another than ours
    zone := 'UTC';
  END;
  RETURN (SELECT row_to_json(r) FROM (SELECT e.title, e.slug, e.location, e.is_virtual,
    CASE WHEN attends THEN e.virtual_link END AS virtual_link, zone AS timezone,
    to_char(e.start_date AT TIME ZONE zone, 'YYYY-MM-DD HH24:MI') AS starts,
    to_char(e.end_date AT TIME ZONE zone, 'YYYY-MM-DD HH24:MI') AS ends) r);
END $$;

-- May a mail of that kind still go to whom answers so? What a change means to who waits, it means to who goes.
CREATE OR REPLACE FUNCTION mail_concerns(kind text, state text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE kind WHEN 'waitlisted' THEN state = 'waitlisted' WHEN 'event_changed' THEN state IN ('going', 'waitlisted')
              ELSE state = 'going' END IS TRUE
$$;

-- All that a mail is made of, and whose account it is about. NULL: it has no reader or no reason any
-- more. Nobody waits for a new password for an hour.
CREATE OR REPLACE FUNCTION mail_letter(m mails, OUT who uuid, OUT letter text) LANGUAGE plpgsql STABLE AS $$
DECLARE
  u users;
  e events;
  r rsvps;
  going boolean;
BEGIN
  IF m.kind = 'test' THEN
    letter := json_build_object('kind', m.kind, 'address', m.address);
    RETURN;
  END IF;
  IF m.kind = 'password_reset' THEN
    SELECT * INTO u FROM users x WHERE x.email = m.address::citext AND m.created_at > now() - interval '1 hour';
  ELSE
    SELECT * INTO u FROM users x WHERE x.id = m.user_id;
  END IF;
  IF u.id IS NULL OR NOT u.is_active OR u.deleted_at IS NOT NULL THEN RETURN; END IF;
  who := u.id;
  IF m.kind <> 'password_reset' THEN
    SELECT * INTO e FROM events WHERE id = (m.params->>'event_id')::uuid;
    SELECT * INTO r FROM rsvps WHERE event_id = e.id AND user_id = u.id;
    IF e.id IS NULL OR m.kind <> 'event_cancelled' AND
       (e.deleted_at IS NOT NULL OR e.status <> 'active' OR e.ends_at <= now() OR NOT mail_concerns(m.kind, r.state)) THEN
      RETURN;
    END IF;
  END IF;
  going := r.state IS NOT DISTINCT FROM 'going';
  letter := json_build_object('kind', m.kind, 'address', u.email, 'name', u.name, 'locale', u.locale,
    'reason', m.params->'reason', 'position', CASE WHEN m.kind = 'waitlisted' THEN waitlist_position(e.id, r.wl_seq) END,
    'event', CASE WHEN e.id IS NOT NULL THEN mail_event(e, going AND m.kind <> 'event_cancelled') END,
    'was', CASE WHEN m.params ? 'was' THEN mail_event(jsonb_populate_record(e, m.params->'was'), false) END,
    'ticket', CASE WHEN going AND m.kind <> 'event_cancelled' THEN
      json_build_object('ms', epoch_ms(r.registered_at), 'holder', u.id, 'event', e.id) END,
    'document', CASE WHEN e.id IS NOT NULL AND m.kind <> 'waitlisted' THEN event_doc(e)::json END);
END $$;

-- The next mail that is due; it is nobody else's for lease_s seconds, so that one whose sender has died
-- goes after all. Of a password reset the hash of the token that it will carry is stored.
CREATE OR REPLACE FUNCTION mail_next(lease_s bigint, p_hash text, ttl_s bigint, OUT id uuid, OUT letter text)
LANGUAGE plpgsql AS $$
DECLARE
  m mails;
  l record;
BEGIN
  FOR i IN 1..1000 LOOP
    FOR urgency IN 0..1 LOOP
      SELECT * INTO m FROM mails q WHERE q.lane = urgency AND q.sent_at IS NULL AND q.send_after <= now()
        ORDER BY q.send_after LIMIT 1 FOR UPDATE SKIP LOCKED;
      EXIT WHEN m.id IS NOT NULL;
    END LOOP;
    EXIT WHEN m.id IS NULL;
    l := mail_letter(m);
    IF l.letter IS NOT NULL THEN
      UPDATE mails q SET user_id = coalesce(q.user_id, l.who), tries = q.tries + 1,
                         send_after = now() + lease_s * interval '1 second' WHERE q.id = m.id;
      IF m.kind = 'password_reset' THEN
        INSERT INTO password_resets (hash, user_id, expires_at) VALUES (p_hash, l.who, now() + ttl_s * interval '1 second');
      END IF;
      mail_next.id := m.id;
      mail_next.letter := l.letter;
      RETURN;
    END IF;
    DELETE FROM mails q WHERE q.id = m.id;
  END LOOP;
END $$;

-- What became of it: sent | refused (for good) | later (not now) | away (no mail server took it: not
-- this mail's fault). For three days it is tried again, less and less often.
CREATE OR REPLACE FUNCTION mail_done(p_id uuid, outcome text, reason text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  pause interval := CASE outcome WHEN 'later' THEN '30 seconds' ELSE '0' END;
BEGIN
  IF outcome = 'sent' THEN
    UPDATE mails SET sent_at = now(), last_error = NULL WHERE id = p_id;
  ELSE
    UPDATE mails SET last_error = reason, send_after = now() + least(pause * 2 ^ least(tries - 1, 10), interval '2 hours')
      WHERE id = p_id;
    UPDATE mails SET parked_at = now(), send_after = 'infinity'
      WHERE id = p_id AND (outcome = 'refused' OR created_at < now() - interval '3 days');
  END IF;
  UPDATE mail_state SET sent = sent + (outcome = 'sent')::int, failed = failed + (outcome <> 'sent')::int;
END $$;

CREATE OR REPLACE FUNCTION mail_queue(OUT pending bigint, OUT oldest timestamptz, OUT parked bigint, OUT sent bigint, OUT failed bigint)
LANGUAGE sql STABLE AS $$
  SELECT w.n, w.oldest, w.parked, s.sent, s.failed
  FROM mail_state s, (SELECT count(*) FILTER (WHERE parked_at IS NULL) AS n, min(created_at) FILTER (WHERE parked_at IS NULL) AS oldest,
                             count(parked_at) AS parked FROM mails WHERE sent_at IS NULL) w
$$;

CREATE OR REPLACE FUNCTION job_mails(arg jsonb) RETURNS int LANGUAGE sql AS $$
  DELETE FROM mails WHERE sent_at < now() - interval '7 days';
  DELETE FROM mails WHERE sent_at IS NULL AND lane IN (0, 1) AND send_after = 'infinity' AND parked_at < now() - interval '30 days';
  DELETE FROM password_resets WHERE expires_at < now();
  SELECT 0;
$$;
INSERT INTO jobs (name, fn, every, note) VALUES
  ('mails', 'job_mails', '10 minutes', 'mails that were sent a week ago, tokens that have expired')
ON CONFLICT (name) DO UPDATE SET fn = excluded.fn, every = excluded.every, note = excluded.note;

-- ---- forgotten passwords ----

-- Somebody has forgotten a password. Nothing here asks whether there is such an account: whoever waits
-- for the answer cannot tell, by nothing. wait > 0: refused, try again in so many seconds.
CREATE OR REPLACE FUNCTION password_forgot(p_email text, p_address text, quota int, mail boolean) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  wait int := rate_take('forgot-address', p_address, quota, interval '1 hour');
BEGIN
  IF wait = 0 THEN wait := rate_take('forgot', lower(p_email), quota, interval '1 hour'); END IF;
  IF wait = 0 AND mail THEN
    INSERT INTO mails (id, kind, lane, address) VALUES (uuid7(), 'password_reset', 0, p_email);
  END IF;
  RETURN wait;
END $$;

-- A new password for a token: once, before it expires, and all sign-ins end. No row: not with this one.
-- The account is locked first, so that two of its tokens do not wait for each other.
CREATE OR REPLACE FUNCTION password_reset(p_hash text, newhash text, ttl_s bigint) RETURNS TABLE (who uuid, epoch int) LANGUAGE plpgsql AS $$
DECLARE
  uid uuid;
BEGIN
  SELECT u.id INTO uid FROM users u JOIN password_resets p ON p.user_id = u.id
    WHERE p.hash = p_hash AND u.is_active AND u.deleted_at IS NULL FOR NO KEY UPDATE OF u;
  DELETE FROM password_resets WHERE hash = p_hash AND user_id = uid AND expires_at > now();
  IF NOT FOUND THEN RETURN; END IF;
  DELETE FROM password_resets WHERE user_id = uid;
  UPDATE users SET password_hash = newhash, updated_at = now() WHERE id = uid;
  PERFORM audit_put('user.password_reset', 'user', uid, NULL, NULL, uid);
  RETURN QUERY SELECT uid, user_revoke(uid, ttl_s);
END $$;
