-- The outbox is read shard by shard in the order of pos: one index serves that and the key.
ALTER TABLE outbox DROP CONSTRAINT outbox_pkey, ADD PRIMARY KEY (shard, pos, created_at);

-- A refused message is parked at once and tried again from here, so that nobody waits for it but its
-- key. All messages of a key share replay_at: when they are tried again; NULL = they wait for a person.
ALTER TABLE outbox_parked ADD COLUMN tries int NOT NULL DEFAULT 1, ADD COLUMN replay_at timestamptz;
CREATE INDEX idx_outbox_parked_replay ON outbox_parked (shard, replay_at) WHERE replay_at IS NOT NULL;
