-- Timed work, all of it in SQL: job_tick runs one step of one due job in the caller's transaction.
SET LOCAL check_function_bodies = off;

CREATE OR REPLACE FUNCTION job_once(p_name text, p_fn text, p_arg jsonb) RETURNS void LANGUAGE sql AS $$
  INSERT INTO jobs (name, fn, arg) VALUES (p_name, p_fn, p_arg)
  ON CONFLICT (name) DO UPDATE SET run_at = now(), arg = excluded.arg, failures = 0
$$;

-- Runs one step. worked: there was something to do; a job that still has work stays due.
CREATE OR REPLACE FUNCTION job_tick(OUT worked boolean, OUT name text, OUT failed text) LANGUAGE plpgsql AS $$
DECLARE
  j jobs;
  left_over int;
  began timestamptz := clock_timestamp();
  busy boolean := false;
BEGIN
  SELECT * INTO j FROM jobs WHERE run_at <= now() ORDER BY run_at LIMIT 1 FOR UPDATE SKIP LOCKED;
  worked := j.name IS NOT NULL;
  name := j.name;
  IF NOT worked THEN RETURN; END IF;
  BEGIN
    EXECUTE format('SELECT %I($1)', j.fn) INTO left_over USING j.arg;
  EXCEPTION WHEN query_canceled OR OTHERS THEN
    failed := SQLERRM;
    busy := SQLSTATE = '55P03';  -- the lock of a busy event: soon again
  END;
  IF failed IS NULL AND j.every IS NULL AND coalesce(left_over, 0) = 0 THEN
    DELETE FROM jobs WHERE jobs.name = j.name;
    RETURN;
  END IF;
  UPDATE jobs SET started_at = began, finished_at = clock_timestamp(), took = clock_timestamp() - began,
    failures = CASE WHEN failed IS NULL THEN 0 ELSE failures + 1 END, last_error = failed,
    run_at = CASE WHEN busy THEN now() + interval '1 second'
                  WHEN failed IS NOT NULL THEN now() + least(interval '1 minute' * 2 ^ least(failures, 6), interval '1 hour')
                  WHEN left_over > 0 THEN now() ELSE now() + every END
    WHERE jobs.name = j.name;
END $$;

-- Events whose time is over become completed; 500 a step.
CREATE OR REPLACE FUNCTION job_complete(arg jsonb) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  e events;
  n int := 0;
BEGIN
  FOR e IN SELECT * FROM events WHERE status = 'active' AND ends_at <= now() AND deleted_at IS NULL
           ORDER BY ends_at LIMIT 500 LOOP
    IF pg_try_advisory_xact_lock(event_lock_key(e.id)) THEN
      SELECT * INTO e FROM events WHERE id = e.id;
      IF e.status = 'active' AND e.ends_at <= now() AND e.deleted_at IS NULL THEN
        e.status := 'completed';
        e.version := e.version + 1;
        e.updated_at := now();
        UPDATE event_seats SET open = false WHERE event_id = e.id;
        PERFORM event_store(e);
        PERFORM event_message(e, 'event.updated', '{"updated_fields": ["status"]}', event_keys(e.id));
        PERFORM no_show_begin(c.event_id) FROM door_counts c WHERE c.event_id = e.id AND c.came > 0;
        n := n + 1;
      END IF;
    END IF;
  END LOOP;
  RETURN n;
END $$;

-- Carries on a raise of capacity that promotes more than one step may.
CREATE OR REPLACE FUNCTION job_raise(arg jsonb) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := (arg->>'event')::uuid;
  again boolean;
BEGIN
  PERFORM pg_advisory_xact_lock(event_lock_key(ev));
  IF EXISTS (SELECT FROM event_seats WHERE event_id = ev AND raising) THEN
    PERFORM capacity_set(ev, (SELECT max_attendees FROM events WHERE id = ev));
  END IF;
  SELECT raising INTO again FROM event_seats WHERE event_id = ev;
  RETURN coalesce(again, false)::int;
END $$;

-- Tells up to 1000 people that an event is off. Everybody gets a notification; chunks after the
-- first, which the cancellation's own message carries, also go out as messages of their own.
CREATE OR REPLACE FUNCTION job_tell_cancelled(arg jsonb) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := (arg->>'event')::uuid;
  chunk int := (arg->>'chunk')::int;
  who uuid[] := affected_users(ev, (arg->>'after')::uuid);
  u uuid;
BEGIN
  IF cardinality(who) = 0 THEN RETURN 0; END IF;
  IF chunk > 1 THEN
    PERFORM outbox_put('events', 'event.cancelled', 'cancellation', ev, chunk - 1, ev,
      jsonb_build_object('event_type', 'event.cancelled', 'event_id', ev, 'reason', arg->>'reason', 'chunk', chunk,
                         'affected_users', to_jsonb(who), 'timestamp', iso(now()))::text);
  END IF;
  FOREACH u IN ARRAY who LOOP
    PERFORM notify_user(u, 'event_cancelled', ev, jsonb_build_object('reason', arg->>'reason'));
  END LOOP;
  UPDATE jobs SET arg = job_tell_cancelled.arg || jsonb_build_object('chunk', chunk + 1, 'after', who[cardinality(who)])
    WHERE name = 'cancelled:' || ev;
  RETURN (cardinality(who) = 1000)::int;
END $$;

-- Tells up to 1000 people that an event has another time or place.
CREATE OR REPLACE FUNCTION job_tell_changed(arg jsonb) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := (arg->>'event')::uuid;
  who uuid[] := ARRAY(SELECT user_id FROM rsvps WHERE event_id = ev AND user_id > (job_tell_changed.arg->>'after')::uuid
                        AND state IN ('going', 'held', 'waitlisted') ORDER BY user_id LIMIT 1000);
BEGIN
  PERFORM notify_user(u, 'event_changed', ev, jsonb_build_object('was', job_tell_changed.arg->'was')) FROM unnest(who) u;
  UPDATE jobs SET arg = job_tell_changed.arg || jsonb_build_object('after', who[1000])
    WHERE name = 'changed:' || ev AND cardinality(who) = 1000;
  RETURN (cardinality(who) = 1000)::int;
END $$;

-- Rewrites documents of another shape, 500 a step. No index knows what is not equal.
CREATE OR REPLACE FUNCTION job_rebuild_docs(arg jsonb) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  n int;
BEGIN
  PERFORM event_doc_write(d.event_id) FROM event_docs d WHERE d.shape < event_doc_shape() OR d.shape > event_doc_shape() LIMIT 500;
  GET DIAGNOSTICS n = ROW_COUNT;
  RETURN n;
END $$;

-- A host's or co-host's new name goes into the documents of their events, 50 a step.
CREATE OR REPLACE FUNCTION job_refresh_host(arg jsonb) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  e events;
  ev uuid;
  n int := 0;
  who uuid := (arg->>'user')::uuid;
BEGIN
  FOR ev IN SELECT x.id FROM (SELECT id FROM events WHERE host_id = who UNION
                              SELECT event_id FROM event_hosts WHERE user_id = who) x
            WHERE x.id > coalesce((arg->>'after')::uuid, '00000000-0000-0000-0000-000000000000')
            ORDER BY x.id LIMIT 50 LOOP
    n := n + 1;
    PERFORM pg_advisory_xact_lock(event_lock_key(ev));
    UPDATE events SET version = version + 1, updated_at = now() WHERE id = ev AND deleted_at IS NULL RETURNING * INTO e;
    CONTINUE WHEN NOT FOUND;
    PERFORM event_doc_write(e.id);
    PERFORM event_message(e, 'event.updated', '{"updated_fields": ["host"]}', event_keys(e.id));
  END LOOP;
  UPDATE jobs SET arg = job_refresh_host.arg || jsonb_build_object('after', ev) WHERE name = 'host:' || who;
  RETURN (n = 50)::int;
END $$;

-- Folds the workers' view counts; few at a time, since whoever registers waits for the slot meanwhile.
CREATE OR REPLACE FUNCTION job_views(arg jsonb) RETURNS int LANGUAGE sql AS $$
  WITH gone AS (DELETE FROM view_deltas WHERE ctid = ANY (ARRAY(SELECT ctid FROM view_deltas LIMIT 500)) RETURNING event_id, n),
  sums AS (SELECT event_id, sum(n) n FROM gone GROUP BY event_id),
  put AS (UPDATE seat_counters k SET views = k.views + s.n FROM sums s WHERE k.pool_id = s.event_id AND k.slot = 0)
  SELECT (count(*) = 500)::int FROM gone
$$;

-- Popularity of events that are still to come: seats taken, interest, views. Of the others it is 0, or
-- lists would have to pass all that was popular once.
CREATE OR REPLACE FUNCTION job_scores(arg jsonb) RETURNS int LANGUAGE sql AS $$
  WITH s AS (
    SELECT k.pool_id, sum(k.going) + 0.5 * sum(k.interested) + 0.3 * sum(k.maybe) + 0.01 * sum(k.views) AS score
    FROM event_seats q JOIN seat_counters k ON k.pool_id = q.event_id
    WHERE q.open AND q.closes_at > now() GROUP BY k.pool_id),
  changed AS (SELECT event_id, coalesce(s.score, 0) AS score FROM event_scores x LEFT JOIN s ON s.pool_id = x.event_id
              WHERE x.score <> coalesce(s.score, 0)),
  put AS (UPDATE event_scores e SET score = c.score FROM changed c WHERE e.event_id = c.event_id)
  SELECT 0
$$;

-- What nobody will ask for again.
CREATE OR REPLACE FUNCTION job_cleanup(arg jsonb) RETURNS int LANGUAGE sql AS $$
  DELETE FROM idempotency_keys WHERE created_at < now() - interval '24 hours';
  DELETE FROM revocations WHERE expires_at < now();
  DELETE FROM refresh_families WHERE expires_at < now() - interval '1 day';
  DELETE FROM rate_limits WHERE tat < now() - interval '1 hour';
  SELECT 0;
$$;

-- Counts violations for the gauge, and keeps the first for the desk; 'marquee invariants' lists all.
CREATE OR REPLACE FUNCTION job_invariants(arg jsonb) RETURNS int LANGUAGE sql AS $$
  INSERT INTO heartbeats
    SELECT 'invariants', clock_timestamp(), jsonb_build_object('violations', count(*),
             'found', coalesce(jsonb_agg(to_jsonb(v)) FILTER (WHERE v.n <= 20), '[]'))
    FROM (SELECT i.*, row_number() OVER () AS n FROM check_invariants() i) v
    ON CONFLICT (name) DO UPDATE SET at = excluded.at, state = excluded.state;
  SELECT 0;
$$;

INSERT INTO jobs (name, fn, every, note) VALUES
  ('complete', 'job_complete', '30 seconds', 'events whose time is over become completed'),
  ('rebuild-docs', 'job_rebuild_docs', '1 hour', 'stored documents of an old shape are rewritten'),
  ('views', 'job_views', '10 seconds', 'view counts of the workers are added up'),
  ('scores', 'job_scores', '5 minutes', 'popularity of coming events'),
  ('partitions', 'job_partitions', '6 hours', 'daily outbox partitions, a week ahead; old ones dropped'),
  ('cleanup', 'job_cleanup', '10 minutes', 'expired keys, revocations, sign-ins, limits'),
  ('audit', 'job_audit', '1 day', 'what people changed more than two years ago is forgotten'),
  ('invariants', 'job_invariants', '15 minutes', 'counts violated invariants for the metrics')
ON CONFLICT (name) DO UPDATE SET fn = excluded.fn, every = excluded.every, note = excluded.note;
