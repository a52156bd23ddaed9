-- The door: links for its staff, the log of scans, how many came, and people by the words of their name.

-- What may check in at one event, without an account.
CREATE TABLE gates (
  id         uuid PRIMARY KEY,
  event_id   uuid NOT NULL REFERENCES events ON DELETE CASCADE,
  name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  hash       text NOT NULL UNIQUE,  -- SHA-256 of the secret in the link
  made_by    uuid NOT NULL REFERENCES users,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,           -- NULL: twelve hours after the event's end
  revoked_at timestamptz
);
CREATE INDEX idx_gates_event ON gates (event_id, created_at);
CREATE INDEX idx_gates_maker ON gates (made_by);

-- Everything that was done at the door; only ever added to. A nonce is one scan, however often it is sent.
CREATE TABLE checkins (
  event_id uuid NOT NULL REFERENCES events ON DELETE CASCADE,
  nonce    text NOT NULL CHECK (length(nonce) BETWEEN 1 AND 80),
  at       timestamptz NOT NULL DEFAULT now(),
  act      text NOT NULL CHECK (act IN ('scan', 'undo', 'look', 'leave')),
  asked    text NOT NULL,           -- what for: the same nonce must ask the same
  reason   text NOT NULL,
  came_at  timestamptz,             -- since when the person is, or was, in
  user_id  uuid REFERENCES users ON DELETE CASCADE,
  actor_id uuid,                    -- who did it, or through which link
  gate_id  uuid REFERENCES gates ON DELETE CASCADE,
  PRIMARY KEY (event_id, nonce)
);
CREATE INDEX idx_checkins_event ON checkins (event_id, at);
CREATE INDEX idx_checkins_user ON checkins (user_id, event_id);
CREATE INDEX idx_checkins_gate ON checkins (gate_id);
DO $$
DECLARE
  r text;
BEGIN
  FOREACH r IN ARRAY ARRAY['marquee_web', 'marquee_notifier'] LOOP
    CONTINUE WHEN NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r);
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON checkins FROM %I', r);
  END LOOP;
END $$;

-- How many of those who go are in; an event without a row has had nobody at its door.
CREATE TABLE door_counts (
  event_id uuid PRIMARY KEY REFERENCES events ON DELETE CASCADE,
  came     int NOT NULL CHECK (came >= 0)
) WITH (fillfactor = 50);
CREATE INDEX idx_registrations_came ON rsvps (event_id, checked_in_at, user_id) WHERE checked_in_at IS NOT NULL;

UPDATE rsvps SET checked_in_at = NULL WHERE state <> 'going' AND checked_in_at IS NOT NULL;
INSERT INTO door_counts SELECT event_id, count(*) FROM rsvps WHERE checked_in_at IS NOT NULL GROUP BY event_id;
INSERT INTO checkins (event_id, nonce, at, act, asked, reason, came_at, user_id)
  SELECT event_id, 'before:' || user_id, checked_in_at, 'scan', 'user ' || user_id, 'ok', checked_in_at, user_id
  FROM rsvps WHERE checked_in_at IS NOT NULL;

-- An index stands on it: it may never change, and calls nothing of ours, for a restore makes indexes
-- without a search path.
CREATE FUNCTION name_words(name text) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
  RETURN array_to_tsvector(ARRAY(SELECT DISTINCT w FROM regexp_split_to_table(lower(public.unaccent(name)), '[^[:alnum:]]+') w
                                 WHERE w <> ''));
END $$;
CREATE INDEX idx_users_name_words ON users USING gin (name_words(name));
