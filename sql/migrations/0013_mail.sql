-- Mails to be sent, and tokens with which a forgotten password is replaced.

-- One row for each mail. It holds no secret: of a reset it says only that one is wanted, and by whom it
-- was asked; whether there is such an account is found out by whoever sends it.
CREATE TABLE mails (
  id         uuid PRIMARY KEY,
  kind       text NOT NULL CHECK (kind IN ('password_reset', 'registered', 'waitlisted', 'promoted', 'event_cancelled', 'test')),
  lane       smallint NOT NULL DEFAULT 1 CHECK (lane IN (0, 1)),  -- 0: somebody sits and waits for it
  user_id    uuid REFERENCES users ON DELETE CASCADE,
  address    text CHECK (length(address) BETWEEN 3 AND 254),      -- NULL: the account's, when it is sent
  params     jsonb NOT NULL DEFAULT '{}',                         -- event_id, reason
  created_at timestamptz NOT NULL DEFAULT now(),
  send_after timestamptz NOT NULL DEFAULT now(),
  tries      int NOT NULL DEFAULT 0,
  sent_at    timestamptz,
  parked_at  timestamptz,                                         -- waits for a person, send_after is infinity
  last_error text,
  CHECK (user_id IS NOT NULL OR address IS NOT NULL),
  CHECK (sent_at IS NULL OR parked_at IS NULL),
  CHECK ((parked_at IS NOT NULL) = (send_after = 'infinity'))
);
CREATE INDEX idx_mails_due ON mails (lane, send_after) WHERE sent_at IS NULL;
CREATE INDEX idx_mails_sent ON mails (sent_at) WHERE sent_at IS NOT NULL;
CREATE INDEX idx_mails_user ON mails (user_id);

-- How far the outbox has been read for mails: everything that snap shows; NULL: mail is off.
CREATE TABLE mail_state (
  one    boolean PRIMARY KEY DEFAULT true CHECK (one),
  snap   pg_snapshot,
  sent   bigint NOT NULL DEFAULT 0,
  failed bigint NOT NULL DEFAULT 0  -- tries
);
INSERT INTO mail_state DEFAULT VALUES;

-- Only the hash of a token is ever stored.
CREATE TABLE password_resets (
  hash       text PRIMARY KEY,
  user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL
);
CREATE INDEX idx_password_resets_user ON password_resets (user_id);
CREATE INDEX idx_password_resets_expires ON password_resets (expires_at);
