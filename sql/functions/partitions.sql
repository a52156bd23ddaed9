-- Daily partitions of the outbox: made ahead by a job, and here once, before the first message.
SET LOCAL check_function_bodies = off;

-- Keeps a week of daily outbox partitions ahead and drops those past retention that are sent whole
-- (without a broker nothing is ever sent: then by age alone). What waits is read before any lock.
CREATE OR REPLACE FUNCTION job_partitions(arg jsonb) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = marquee, public, pg_temp AS $$
DECLARE
  d date;
  p text;
  keep interval := greatest(coalesce(arg->>'retention', '7 days')::interval, interval '1 day');
  oldest timestamptz := (SELECT b.oldest FROM outbox_backlog() b
                         WHERE NOT EXISTS (SELECT FROM heartbeats WHERE name = 'notifier' AND state->>'kafka' = 'off'));
BEGIN
  FOR i IN 0..7 LOOP
    d := (now() AT TIME ZONE 'UTC')::date + i;
    p := 'outbox_' || to_char(d, 'YYYYMMDD');
    CONTINUE WHEN to_regclass('marquee.' || p) IS NOT NULL;
    BEGIN
      EXECUTE format('CREATE TABLE %I PARTITION OF outbox FOR VALUES FROM (%L) TO (%L)', p,
                     d::text || ' 00:00Z', (d + 1)::text || ' 00:00Z');
    EXCEPTION WHEN check_violation THEN  -- that day's rows are in outbox_default already: they stay there
      NULL;
    END;
  END LOOP;
  FOR p, d IN SELECT c.relname, to_date(right(c.relname, 8), 'YYYYMMDD')
              FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
              WHERE i.inhparent = 'marquee.outbox'::regclass AND c.relname ~ '^outbox_\d{8}$' LOOP
    IF d < (now() - keep)::date AND d + 1 <= coalesce(oldest, 'infinity')::date THEN
      EXECUTE format('DROP TABLE %I', p);
    END IF;
  END LOOP;
  DELETE FROM outbox_default WHERE created_at < least(now() - keep, coalesce(oldest, 'infinity'));
  RETURN 0;
END $$;
REVOKE ALL ON FUNCTION job_partitions(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION job_partitions(jsonb) TO marquee_notifier;

SELECT job_partitions('{}');
