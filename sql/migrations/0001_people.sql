-- People: accounts, refresh tokens in families, revocations, friendships, settings, answers kept for
-- idempotency keys.

-- What every function that changes something answers.
CREATE TYPE effect AS (
  status  int,   -- like HTTP: 2xx done, 4xx refused (and the refusal is kept), 599 call again, slowly
  code    text,  -- error word when refused
  body    text,  -- data when done, a sentence for people when refused
  details text,  -- JSON [{"field","reason"}]
  keys    text   -- cache keys to delete, one a line
);

CREATE TABLE settings (
  key   text PRIMARY KEY,
  value text NOT NULL
);
INSERT INTO settings VALUES ('cache_epoch', '1');

CREATE TABLE users (
  id            uuid PRIMARY KEY,
  email         citext NOT NULL UNIQUE CHECK (length(email) BETWEEN 3 AND 254),
  password_hash text,
  name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  username      citext UNIQUE CHECK (username ~ '^[A-Za-z0-9_.-]{3,30}$'),
  bio           text CHECK (length(bio) <= 2000),
  avatar        text CHECK (length(avatar) <= 500),
  location      text CHECK (length(location) <= 500),
  lat           double precision CHECK (lat BETWEEN -90 AND 90),
  lng           double precision CHECK (lng BETWEEN -180 AND 180),
  industry      text CHECK (length(industry) <= 100),
  interests     text[] NOT NULL DEFAULT '{}' CHECK (cardinality(interests) <= 20),
  birthday      date,
  timezone      text NOT NULL DEFAULT 'UTC',
  locale        text NOT NULL DEFAULT 'en',
  privacy       jsonb NOT NULL DEFAULT '{}',
  role          text NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'organizer', 'admin', 'service')),
  is_active     boolean NOT NULL DEFAULT true,
  token_epoch   int NOT NULL DEFAULT 1,
  version       int NOT NULL DEFAULT 1,
  seeded        boolean NOT NULL DEFAULT false,
  created_at    timestamptz NOT NULL DEFAULT now(),
  updated_at    timestamptz NOT NULL DEFAULT now(),
  deleted_at    timestamptz
);

-- A family is one sign-in; every refresh replaces its token. The family's row is the lock.
CREATE TABLE refresh_families (
  id         uuid PRIMARY KEY,
  user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz
);
CREATE INDEX idx_refresh_families_user ON refresh_families (user_id);
CREATE INDEX idx_refresh_families_expires ON refresh_families (expires_at);
CREATE TABLE refresh_tokens (
  hash       text PRIMARY KEY,
  family_id  uuid NOT NULL REFERENCES refresh_families ON DELETE CASCADE,
  issued_at  timestamptz NOT NULL DEFAULT now(),
  used_at    timestamptz
);
CREATE INDEX idx_refresh_tokens_family ON refresh_tokens (family_id);

CREATE TABLE revocations (
  kind       text NOT NULL CHECK (kind IN ('jti', 'session', 'user')),
  id         text NOT NULL,
  epoch      int NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (kind, id)
);
CREATE INDEX idx_revocations_created ON revocations (created_at);
CREATE INDEX idx_revocations_expires ON revocations (expires_at);

-- user_a < user_b once accepted or asked; requested_by tells who asked while it is pending.
CREATE TABLE friendships (
  user_a       uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  user_b       uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  status       text NOT NULL CHECK (status IN ('pending', 'accepted')),
  requested_by uuid NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_a, user_b),
  CHECK (user_a < user_b),
  CHECK (requested_by IN (user_a, user_b))
);
CREATE INDEX idx_friendships_b ON friendships (user_b);

CREATE TABLE idempotency_keys (
  actor       uuid NOT NULL,
  key         text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
  fingerprint text NOT NULL,
  status      int NOT NULL,
  code        text,
  body        text,
  details     text,
  keys        text,
  created_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (actor, key)
);
CREATE INDEX idx_idempotency_created ON idempotency_keys (created_at);

-- Exact limits for the few things that must not depend on one host's memory (GCRA: the theoretical
-- arrival time of the next request).
CREATE TABLE rate_limits (
  kind text NOT NULL,
  key  text NOT NULL,
  tat  timestamptz NOT NULL,
  PRIMARY KEY (kind, key)
);
CREATE INDEX idx_rate_limits_tat ON rate_limits (tat);
