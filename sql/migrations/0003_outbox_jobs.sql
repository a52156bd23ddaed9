-- Messages on their way out, notifications, jobs, heartbeats.

CREATE TABLE outbox (
  pos            bigint GENERATED ALWAYS AS IDENTITY,
  id             uuid NOT NULL,
  xid            xid8 NOT NULL DEFAULT pg_current_xact_id(),
  aggregate_type text NOT NULL,
  aggregate_id   uuid NOT NULL,
  seq            bigint NOT NULL,
  key            text NOT NULL,
  shard          smallint NOT NULL,
  topic          text NOT NULL CHECK (topic IN ('events', 'notifications')),
  type           text NOT NULL,
  payload        text NOT NULL,
  traceparent    text,
  cache_keys     text,
  created_at     timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (pos, created_at)
) PARTITION BY RANGE (created_at);
CREATE INDEX idx_outbox_xid ON outbox (shard, xid);
-- Rows land here only if the job that makes partitions ahead has not run for a week.
CREATE TABLE outbox_default PARTITION OF outbox DEFAULT;

-- How far each shard has been sent: everything visible in snap, and of what next_snap adds,
-- everything up to last_pos.
CREATE TABLE relay (
  shard      smallint PRIMARY KEY,
  snap       pg_snapshot NOT NULL,
  next_snap  pg_snapshot,
  last_pos   bigint NOT NULL DEFAULT 0,
  sent       bigint NOT NULL DEFAULT 0,
  updated_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO relay (shard, snap) SELECT s, pg_current_snapshot() FROM generate_series(0, 3) s;

CREATE TABLE notifications (
  id         uuid PRIMARY KEY,
  user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  kind       text NOT NULL,
  event_id   uuid REFERENCES events ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  read_at    timestamptz
);
CREATE INDEX idx_notifications_user ON notifications (user_id, created_at);

-- every NULL: once, then gone. fn is a function (arg jsonb) returning int: 0 = finished for now,
-- otherwise it is called again at once. Each call is one transaction.
CREATE TABLE jobs (
  name        text PRIMARY KEY,
  fn          text NOT NULL,
  arg         jsonb NOT NULL DEFAULT '{}',
  every       interval,
  run_at      timestamptz NOT NULL DEFAULT now(),
  started_at  timestamptz,
  finished_at timestamptz,
  took        interval,
  failures    int NOT NULL DEFAULT 0,
  last_error  text,
  note        text NOT NULL DEFAULT ''
);
CREATE INDEX idx_jobs_run_at ON jobs (run_at);

CREATE TABLE heartbeats (
  name    text PRIMARY KEY,
  at      timestamptz NOT NULL,
  state   jsonb NOT NULL
);
