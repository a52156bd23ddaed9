-- name: SHARD_LOCK (shard int4) one
-- Leadership of a shard, for as long as this session lives.
SELECT pg_try_advisory_lock(7001, :shard);

-- name: RELAY_WAITING () many
-- Shards with something to send: a batch that was begun, or rows that its snapshot does not show.
-- Writes nothing, so that an idle outbox costs nothing. Both conditions are exact index look-ups.
SELECT r.shard FROM relay r
WHERE r.next_snap IS NOT NULL
   OR (SELECT o.xid FROM outbox o WHERE o.shard = r.shard ORDER BY o.xid DESC LIMIT 1) >= pg_snapshot_xmax(r.snap)
   OR EXISTS (SELECT FROM unnest(ARRAY(SELECT pg_snapshot_xip(r.snap))) x,
              LATERAL (SELECT 1 FROM outbox o WHERE o.shard = r.shard AND o.xid = x LIMIT 1) o);

-- name: RELAY_BEGIN (shard int4) one writes
-- Starts or resumes a batch: snapshots, position reached, and (in another form, for comparing)
-- the position as it stands in the row.
SELECT r.snap, r.next_snap, r.last_pos FROM relay_begin(:shard::smallint) r;

-- name: RELAY_FIRST (shard int4, old text) one
-- A position before the first row of a batch that begins: from it on, rows are read in the order of
-- pos. (pos + 0, OFFSET 0: by look-ups in the index of xid, not over all rows of the past.)
SELECT coalesce(min(w.pos) - 1, 0) FROM (
  SELECT min(o.pos + 0) AS pos FROM outbox o
  WHERE o.shard = :shard::smallint AND o.xid >= pg_snapshot_xmax(:old::pg_snapshot)
  UNION ALL
  SELECT min(o.pos) FROM unnest(ARRAY(SELECT pg_snapshot_xip(:old::pg_snapshot))) x,
    LATERAL (SELECT v.pos FROM outbox v WHERE v.shard = :shard::smallint AND v.xid = x OFFSET 0) o) w;

-- name: RELAY_ROWS (shard int4, old text, new text, after int8, most int4) many
-- The batch's next rows; the last column tells that its key is held back.
SELECT r.pos, r.id, r.key, r.topic, r.type, r.seq, r.aggregate_type, r.aggregate_id, r.payload, r.traceparent,
       r.cache_keys, iso(r.created_at), EXISTS (SELECT FROM outbox_parked p WHERE p.key = r.key)
FROM relay_rows(:shard::smallint, :old::pg_snapshot, :new::pg_snapshot, :after, :most) r;

-- name: RELAY_PARK (pos int8, reason text) none
-- Takes a message out of the way of all others.
INSERT INTO outbox_parked SELECT o.*, :reason, now() FROM outbox o WHERE o.pos = :pos ON CONFLICT DO NOTHING;

-- name: RELAY_ADVANCE (shard int4, next text, after int8, pos int8, sent int4, done bool) optional writes
-- A chunk is delivered. No row: another leader has been here since it was begun, nothing is changed.
WITH mine AS MATERIALIZED (SELECT shard FROM relay WHERE shard = :shard::smallint AND next_snap::text = :next
                             AND last_pos = :after FOR UPDATE)
SELECT relay_advance(shard, :pos, :sent, :done) FROM mine;

-- name: OUTBOX_BACKLOG () one
-- Rows not sent yet, and the age of the oldest in seconds: outbox_backlog() by look-ups alone.
SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(w.created_at)), 0)::float8
FROM relay r CROSS JOIN LATERAL (
  SELECT o.pos, o.xid, o.created_at FROM outbox o WHERE o.shard = r.shard AND o.xid >= pg_snapshot_xmax(r.snap)
  UNION ALL
  SELECT o.pos, o.xid, o.created_at FROM unnest(ARRAY(SELECT pg_snapshot_xip(r.snap))) x,
    LATERAL (SELECT v.pos, v.xid, v.created_at FROM outbox v WHERE v.shard = r.shard AND v.xid = x OFFSET 0) o) w
WHERE NOT (r.next_snap IS NOT NULL AND w.pos <= r.last_pos AND pg_visible_in_snapshot(w.xid, r.next_snap));

-- name: OUTBOX_PARKED () one
-- Messages that wait for a person.
SELECT count(*) FROM outbox_parked;

-- name: OUTBOX_RETENTION (seconds int8) none
-- Tells the job that drops old partitions how long to keep them.
UPDATE jobs SET arg = jsonb_build_object('retention', :seconds || ' seconds')
WHERE name = 'partitions' AND arg <> jsonb_build_object('retention', :seconds || ' seconds');

-- name: CACHE_KEYS_SINCE (old text) many
-- While nothing is sent: the snapshot now, and the cache keys of what the old one (or, at first, the
-- relay's) does not show. Five minutes are more than any transaction here lives.
SELECT s.snap, k.cache_keys
FROM (SELECT pg_current_snapshot()::text AS snap) s
LEFT JOIN (
  SELECT w.cache_keys FROM relay r CROSS JOIN coalesce(:old::pg_snapshot, r.snap) AS since CROSS JOIN LATERAL (
    SELECT o.cache_keys, o.created_at FROM outbox o WHERE o.shard = r.shard AND o.xid >= pg_snapshot_xmax(since)
    UNION ALL
    SELECT o.cache_keys, o.created_at FROM unnest(ARRAY(SELECT pg_snapshot_xip(since))) x,
      LATERAL (SELECT v.cache_keys, v.created_at FROM outbox v WHERE v.shard = r.shard AND v.xid = x OFFSET 0) o) w
  WHERE w.cache_keys IS NOT NULL AND w.created_at > now() - interval '5 minutes') k ON true;
