-- name: SHARD_LOCK (shard int4) one
-- Leadership of a shard, for as long as this session lives.
SELECT pg_try_advisory_lock(7001, :shard);

-- name: RELAY_STATE (shard int4) one
-- How far a shard has come, and where the row stands: whoever leads reads it once and then knows.
SELECT snap, coalesce(next_snap::text, ''), last_pos, ctid::text FROM relay WHERE shard = :shard::smallint;

-- name: RELAY_LOOK (shards text, snaps text) many
-- For each of these shards and the snapshots they have come to: the snapshot now, the first position
-- that the old one does not show (of xid from its end on), and whether there is anything to send.
-- Writes nothing and reads no row of relay, so that an idle outbox costs nothing, whatever a long
-- transaction elsewhere keeps of old versions. (Why there is an end of all xids: see outbox_since.)
SELECT s.shard, pg_current_snapshot(), coalesce(w.first, 0),
  (w.first IS NOT NULL OR EXISTS (
    SELECT FROM unnest(ARRAY(SELECT pg_snapshot_xip(s.snap))) x,
      LATERAL (SELECT 1 FROM outbox o WHERE o.shard = s.shard AND o.xid = x LIMIT 1) o))::int4,
  EXISTS (SELECT FROM outbox_parked p WHERE p.shard = s.shard AND p.replay_at <= now())::int4
FROM unnest(:shards::smallint[], :snaps::pg_snapshot[]) s(shard, snap),
  LATERAL (SELECT min(o.pos + 0) AS first FROM outbox o
           WHERE o.shard = s.shard AND o.xid BETWEEN pg_snapshot_xmax(s.snap) AND '18446744073709551615') w;

-- name: RELAY_ROWS (shard int4, old text, new text, first int8, after int8, most int4) many
-- The next rows of the batch that leads from one snapshot to another, in the order of pos: those from
-- first on by walking, those of transactions that the old snapshot saw running also before it, by
-- look-ups: nothing is walked over that was sent long ago. The last columns tell that the key is held
-- back, and that it is no replay.
SELECT w.pos, w.id, w.key, w.topic, w.type, w.seq, w.aggregate_type, w.aggregate_id, w.payload, w.traceparent,
       w.cache_keys, w.created_at, w.key IN (SELECT key FROM outbox_parked), false
FROM (
  (SELECT o.* FROM outbox o
   WHERE o.shard = :shard::smallint AND o.pos > greatest(:after, :first - 1)
     AND NOT pg_visible_in_snapshot(o.xid, (SELECT :old::pg_snapshot))
     AND pg_visible_in_snapshot(o.xid, (SELECT :new::pg_snapshot))
   ORDER BY o.pos LIMIT :most)
  UNION ALL
  (SELECT v.* FROM unnest(ARRAY(SELECT pg_snapshot_xip(:old::pg_snapshot))) x,
     LATERAL (SELECT o.* FROM outbox o WHERE o.shard = :shard::smallint AND o.xid = x OFFSET 0) v
   WHERE v.pos > :after AND v.pos < :first AND pg_visible_in_snapshot(v.xid, (SELECT :new::pg_snapshot))
   ORDER BY v.pos LIMIT :most)) w
ORDER BY w.pos LIMIT :most;

-- name: RELAY_REPLAYS (shard int4, most int4) many
-- Parked messages whose time has come to be tried again, in the same columns.
SELECT pos, id, key, topic, type, seq, aggregate_type, aggregate_id, payload, traceparent, cache_keys, created_at,
       false, true
FROM outbox_parked WHERE shard = :shard::smallint AND replay_at <= now() ORDER BY pos LIMIT :most;

-- name: RELAY_PARK (shard int4, positions text, reason text, most int4) none
-- Takes messages out of the way of all others. The first of a key is tried again soon if it may be
-- tried more than once; who comes behind it goes when it goes.
INSERT INTO outbox_parked
SELECT o.*, :reason, now(), 1,
  CASE WHEN EXISTS (SELECT FROM outbox_parked p WHERE p.key = o.key)
       THEN (SELECT min(p.replay_at) FROM outbox_parked p WHERE p.key = o.key)
       WHEN :most > 1 THEN now() + interval '250 milliseconds' END
FROM outbox o WHERE o.shard = :shard::smallint AND o.pos = ANY (:positions::bigint[]) ON CONFLICT DO NOTHING;

-- name: RELAY_PARK_AGAIN (pos int8, reason text, most int4) none
-- Refused again: its key waits longer, and after the last try for a person.
UPDATE outbox_parked p
SET tries = bad.tries + 1, reason = CASE WHEN p.pos = :pos THEN :reason ELSE p.reason END,
  replay_at = CASE WHEN bad.tries + 1 < :most
                   THEN now() + least(interval '250 milliseconds' * 2 ^ bad.tries, interval '5 seconds') END
FROM (SELECT key, tries FROM outbox_parked WHERE pos = :pos) bad WHERE p.key = bad.key;

-- name: RELAY_REPLAYED (positions text) none
-- They have arrived.
DELETE FROM outbox_parked WHERE pos = ANY (:positions::bigint[]);

-- name: RELAY_ADVANCE (shard int4, at text, old text, stored text, after int8, next text, pos int8, sent int4, done bool) optional writes
-- A chunk is delivered: the place of the new version of the row. No row: another leader has been here
-- since it was read, and nothing is changed. Found by its place, because a transaction that stays open
-- for an hour keeps an hour's versions of it.
UPDATE relay SET snap = CASE WHEN :done THEN :next::pg_snapshot ELSE snap END,
                 next_snap = CASE WHEN :done THEN NULL ELSE :next::pg_snapshot END,
                 last_pos = CASE WHEN :done THEN 0 ELSE :pos END,
                 sent = sent + :sent, updated_at = now()
WHERE ctid = :at::tid AND shard = :shard::smallint AND snap::text = :old AND coalesce(next_snap::text, '') = :stored
  AND last_pos = :after
RETURNING ctid::text;

-- name: OUTBOX_BACKLOG () one
-- Rows not sent yet, and the age of the oldest in seconds.
SELECT pending, coalesce(extract(epoch FROM clock_timestamp() - oldest), 0)::float8 FROM outbox_backlog();

-- name: OUTBOX_ALARMS () one
-- What a person has to look at: messages that wait for one; the age in seconds of the oldest
-- transaction, as long as which no table is cleaned; rows for whose day nobody made a partition.
SELECT (SELECT count(*) FROM outbox_parked WHERE replay_at IS NULL),
  (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(t.began)), 0)::bigint
   FROM (SELECT xact_start AS began FROM pg_stat_activity
         WHERE (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL) AND backend_type <> 'autovacuum worker'
         UNION ALL SELECT prepared FROM pg_prepared_xacts) t),
  (SELECT count(*) FROM (SELECT FROM outbox_default LIMIT 1000) d);

-- name: OUTBOX_RETENTION (seconds int8) none
-- Tells the job that drops old partitions how long to keep them.
UPDATE jobs SET arg = jsonb_build_object('retention', :seconds || ' seconds')
WHERE name = 'partitions' AND arg <> jsonb_build_object('retention', :seconds || ' seconds');

-- name: CACHE_KEYS_SINCE (old text) many
-- While nothing is sent: the snapshot now, and the cache keys of what the old one (or, at first, the
-- relay's) does not show. Five minutes are more than any transaction here lives; no plan is to begin
-- with them, which no index knows (OFFSET 0).
SELECT s.snap, k.cache_keys
FROM (SELECT pg_current_snapshot()::text AS snap) s
LEFT JOIN (
  SELECT w.cache_keys FROM relay r
    CROSS JOIN LATERAL (SELECT o.* FROM outbox_since(r.shard, coalesce(:old::pg_snapshot, r.snap)) o OFFSET 0) w
  WHERE w.cache_keys IS NOT NULL AND w.created_at > now() - interval '5 minutes') k ON true;
