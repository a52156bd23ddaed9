-- The outbox: one row per message, written by the transaction that makes it true.
SET LOCAL check_function_bodies = off;

CREATE OR REPLACE FUNCTION outbox_shard(key text) RETURNS smallint LANGUAGE sql IMMUTABLE AS $$
  SELECT (ascii(right(key, 1)) & 3)::smallint
$$;

CREATE OR REPLACE FUNCTION outbox_put(p_topic text, p_type text, p_aggregate text, p_id uuid, p_seq bigint,
                                      p_key uuid, p_payload text, p_keys text DEFAULT NULL)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO outbox (id, aggregate_type, aggregate_id, seq, key, shard, topic, type, payload, traceparent, cache_keys)
  VALUES (uuid7(), p_aggregate, p_id, p_seq, p_key::text, outbox_shard(p_key::text), p_topic, p_type, p_payload,
          nullif(current_setting('marquee.traceparent', true), ''), p_keys);
END $$;

-- Tells one person something: a row for the page, a message for whoever mails or pushes.
CREATE OR REPLACE FUNCTION notify_user(p_user uuid, p_kind text, p_event uuid, p_extra jsonb DEFAULT '{}')
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  nid uuid := uuid7();
BEGIN
  INSERT INTO notifications (id, user_id, kind, event_id) VALUES (nid, p_user, p_kind, p_event);
  PERFORM outbox_put('notifications', 'notification.' || p_kind, 'notification', nid, 1, p_user,
    (jsonb_build_object('event_type', 'notification.' || p_kind, 'notification_id', nid, 'user_id', p_user,
                        'event_id', p_event, 'timestamp', iso(now())) || p_extra)::text);
END $$;

-- Starts or resumes a batch of a shard; NULL-free row of the two snapshots and the position reached.
CREATE OR REPLACE FUNCTION relay_begin(p_shard smallint)
RETURNS TABLE (snap pg_snapshot, next_snap pg_snapshot, last_pos bigint) LANGUAGE sql VOLATILE AS $$
  UPDATE relay r SET next_snap = coalesce(r.next_snap, pg_current_snapshot()) WHERE r.shard = p_shard
  RETURNING r.snap, r.next_snap, r.last_pos
$$;

-- The next rows of the batch, in the order they were written.
CREATE OR REPLACE FUNCTION relay_rows(p_shard smallint, old pg_snapshot, new pg_snapshot, after bigint, most int)
RETURNS SETOF outbox LANGUAGE sql STABLE AS $$
  SELECT o.* FROM outbox o
  WHERE o.shard = p_shard
    AND (o.xid >= pg_snapshot_xmax(old) OR o.xid = ANY (ARRAY(SELECT pg_snapshot_xip(old))))
    AND o.xid < pg_snapshot_xmax(new)
    AND pg_visible_in_snapshot(o.xid, new)
    AND o.pos > after
  ORDER BY o.pos LIMIT most
$$;

-- After delivery reports of a chunk; done = the batch has no more rows.
CREATE OR REPLACE FUNCTION relay_advance(p_shard smallint, p_pos bigint, p_sent int, done boolean)
RETURNS void LANGUAGE sql VOLATILE AS $$
  UPDATE relay SET snap = CASE WHEN done THEN next_snap ELSE snap END,
                   next_snap = CASE WHEN done THEN NULL ELSE next_snap END,
                   last_pos = CASE WHEN done THEN 0 ELSE p_pos END,
                   sent = sent + p_sent, updated_at = now()
  WHERE shard = p_shard
$$;

-- What waits: rows not yet behind their shard's cursor, and the oldest of them.
CREATE OR REPLACE FUNCTION outbox_backlog(OUT pending bigint, OUT oldest timestamptz) LANGUAGE sql STABLE AS $$
  SELECT count(*), min(o.created_at)
  FROM relay r JOIN outbox o ON o.shard = r.shard
   AND (o.xid >= pg_snapshot_xmax(r.snap) OR o.xid = ANY (ARRAY(SELECT pg_snapshot_xip(r.snap))))
   AND NOT (r.next_snap IS NOT NULL AND o.pos <= r.last_pos AND pg_visible_in_snapshot(o.xid, r.next_snap))
$$;
