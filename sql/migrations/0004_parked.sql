-- Messages that a broker will never take (too large, refused), and those that stand behind them in
-- the order of their key. They wait here for a person; the rest of the outbox goes on.
CREATE TABLE outbox_parked (
  LIKE outbox,
  reason    text NOT NULL,
  parked_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (pos)
);
CREATE INDEX idx_outbox_parked_key ON outbox_parked (key);
