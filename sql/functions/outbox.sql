-- The outbox: one row per message, written by the transaction that makes it true.
SET LOCAL check_function_bodies = off;

CREATE OR REPLACE FUNCTION outbox_shard(key text) RETURNS smallint LANGUAGE sql IMMUTABLE AS $$
  SELECT (ascii(right(key, 1)) & 3)::smallint
$$;

CREATE OR REPLACE FUNCTION outbox_put(p_topic text, p_type text, p_aggregate text, p_id uuid, p_seq bigint,
                                      p_key uuid, p_payload text, p_keys text DEFAULT NULL)
RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
  mid uuid := uuid7();
BEGIN
  INSERT INTO outbox (id, aggregate_type, aggregate_id, seq, key, shard, topic, type, payload, traceparent, cache_keys)
  VALUES (mid, p_aggregate, p_id, p_seq, p_key::text, outbox_shard(p_key::text), p_topic, p_type, p_payload,
          nullif(current_setting('marquee.traceparent', true), ''), p_keys);
  RETURN mid;
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

-- What the reading of the outbox once was made of; the statements of sql/queries/relay.sql are now.
DROP FUNCTION IF EXISTS relay_begin(smallint), relay_rows(smallint, pg_snapshot, pg_snapshot, bigint, int),
  relay_advance(smallint, bigint, int, boolean);

-- Rows of a shard that a snapshot does not show, by look-ups in the index of xid: what is past costs
-- nothing, however much of it there is. (OFFSET 0 keeps the planner from another way. So does the end of
-- all xids: of what lies beyond an xid it cannot know yet it expects a third of all rows, and would read them
-- all; between two ends it expects few.)
CREATE OR REPLACE FUNCTION outbox_since(p_shard smallint, since pg_snapshot) RETURNS SETOF outbox LANGUAGE sql STABLE AS $$
  SELECT o.* FROM outbox o WHERE o.shard = p_shard AND o.xid BETWEEN pg_snapshot_xmax(since) AND '18446744073709551615'
  UNION ALL
  SELECT o.* FROM unnest(ARRAY(SELECT pg_snapshot_xip(since))) x,
    LATERAL (SELECT v.* FROM outbox v WHERE v.shard = p_shard AND v.xid = x OFFSET 0) o
$$;

-- What waits: rows not yet behind their shard's cursor, and the oldest of them.
CREATE OR REPLACE FUNCTION outbox_backlog(OUT pending bigint, OUT oldest timestamptz) LANGUAGE sql STABLE AS $$
  SELECT count(*), min(o.created_at)
  FROM relay r CROSS JOIN LATERAL outbox_since(r.shard, r.snap) o
  WHERE NOT (r.next_snap IS NOT NULL AND o.pos <= r.last_pos AND pg_visible_in_snapshot(o.xid, r.next_snap))
$$;
