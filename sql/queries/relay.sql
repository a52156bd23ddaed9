-- name: SHARD_LOCK (shard int4) one
-- Leadership of a shard, for as long as this session lives.
SELECT pg_try_advisory_lock(7001, :shard);

-- name: RELAY_BEGIN (shard int4) one
-- Starts or resumes a batch: snapshots and position.
SELECT r.snap, r.next_snap, r.last_pos FROM relay_begin(:shard::smallint) r;

-- name: RELAY_ROWS (shard int4, old text, new text, after int8, most int4) many
-- The batch's next rows.
SELECT r.pos, r.id, r.key, r.topic, r.type, r.seq, r.aggregate_type, r.aggregate_id, r.payload, r.traceparent,
       r.cache_keys, iso(r.created_at)
FROM relay_rows(:shard::smallint, :old::pg_snapshot, :new::pg_snapshot, :after, :most) r;

-- name: RELAY_ADVANCE (shard int4, pos int8, sent int4, done bool) one
-- A chunk is delivered.
SELECT relay_advance(:shard::smallint, :pos, :sent, :done);

-- name: OUTBOX_BACKLOG () one
-- Rows not sent yet, and the age of the oldest in seconds.
SELECT b.pending, coalesce(extract(epoch FROM clock_timestamp() - b.oldest), 0)::float8 FROM outbox_backlog() b;
