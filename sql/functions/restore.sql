-- After a dump was put in place, perhaps in another cluster: what must know of it.
SET LOCAL check_function_bodies = off;

-- Transaction numbers of the dump mean nothing here. What its cursors had sent becomes older, and what
-- waited becomes newer, than cursors that begin with this transaction; what was to be mailed is made
-- rows before. Nobody else may write meanwhile.
CREATE OR REPLACE FUNCTION outbox_restamp() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  me xid8 := pg_current_xact_id();
  waiting bigint;
BEGIN
  LOCK TABLE outbox IN EXCLUSIVE MODE;
  PERFORM mails_from_outbox(snap, NULL) FROM mail_state WHERE snap IS NOT NULL;
  UPDATE mail_state SET snap = format('%s:%s:', me::text::bigint + 1, me::text::bigint + 1)::pg_snapshot WHERE snap IS NOT NULL;
  UPDATE outbox o SET xid = CASE WHEN (o.xid >= pg_snapshot_xmax(r.snap) OR o.xid = ANY (ARRAY(SELECT pg_snapshot_xip(r.snap))))
      AND NOT (r.next_snap IS NOT NULL AND o.pos <= r.last_pos AND pg_visible_in_snapshot(o.xid, r.next_snap))
      THEN me ELSE '3' END
    FROM relay r WHERE r.shard = o.shard;
  SELECT count(*) INTO waiting FROM outbox WHERE xid = me;
  UPDATE relay SET snap = format('%s:%s:', me, me)::pg_snapshot, next_snap = NULL, last_pos = 0, updated_at = now();
  RETURN waiting;
END $$;

-- The epoch of the cache becomes one that no time before has had: what memcached still holds is of
-- another history. It was lower than the seconds since 1970, or was made here.
CREATE OR REPLACE FUNCTION restored(OUT people bigint, OUT things bigint, OUT registrations bigint,
                                    OUT waiting bigint, OUT epoch bigint) LANGUAGE plpgsql AS $$
DECLARE
  t text;
BEGIN
  waiting := outbox_restamp();
  PERFORM job_partitions('{}');
  UPDATE settings SET value = greatest(value::bigint + 1, extract(epoch FROM clock_timestamp())::bigint)
    WHERE key = 'cache_epoch' RETURNING value INTO epoch;
  FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'marquee' LOOP
    EXECUTE format('ANALYZE %I', t);
  END LOOP;
  SELECT count(*) INTO people FROM users;
  SELECT count(*) INTO things FROM events;
  SELECT count(*) INTO registrations FROM rsvps;
END $$;
