-- Who changed what: rows are only ever added, also for whoever serves pages.
CREATE TABLE audit_log (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at         timestamptz NOT NULL DEFAULT now(),
  actor      uuid,        -- a person; NULL: the command line, or nobody yet
  address    text,
  request_id text,
  action     text NOT NULL,
  kind       text NOT NULL,
  object     uuid NOT NULL,
  before     jsonb,       -- what changed, and only that
  after      jsonb
);
CREATE INDEX idx_audit_log_object ON audit_log (object, id);
CREATE INDEX idx_audit_log_actor ON audit_log (actor, id);
CREATE INDEX idx_audit_log_at ON audit_log (at);
DO $$
DECLARE
  r text;
BEGIN
  FOREACH r IN ARRAY ARRAY['marquee_web', 'marquee_notifier'] LOOP
    CONTINUE WHEN NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r);
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON audit_log FROM %I', r);
  END LOOP;
END $$;

-- A sign-in is a family of refresh tokens; its owner sees from where and with what.
ALTER TABLE refresh_families ADD COLUMN address text, ADD COLUMN agent text,
  ADD COLUMN used_at timestamptz NOT NULL DEFAULT now();
DROP FUNCTION IF EXISTS session_open(uuid, uuid, text, bigint, text);

-- Staff find people by any part of name or address.
CREATE FUNCTION account_words(u users) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT lower(u.name || ' ' || u.email::text || ' ' || coalesce(u.username::text, ''))
$$;
CREATE INDEX idx_users_words ON users USING gin (account_words(users) gin_trgm_ops);
CREATE INDEX idx_users_created ON users (created_at, id) WHERE deleted_at IS NULL;

-- Whoever signs in with a second factor: its secret, sealed, and what has been used up.
CREATE TABLE second_factors (
  user_id      uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
  sealed       text NOT NULL,
  confirmed_at timestamptz,
  last_step    bigint NOT NULL DEFAULT 0,
  recovery     text[] NOT NULL DEFAULT '{}'
);
DROP FUNCTION IF EXISTS login_lookup(text, text, int);
