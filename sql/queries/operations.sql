-- name: HEALTH_TOTALS () one
-- Totals for staff.
SELECT json_build_object('total_events', (SELECT count(*) FROM events WHERE deleted_at IS NULL),
  'active_events', (SELECT count(*) FROM events WHERE status = 'active' AND deleted_at IS NULL),
  'total_registrations', (SELECT count(*) FROM rsvps WHERE state = 'going'),
  'events_today', (SELECT count(*) FROM events WHERE deleted_at IS NULL AND start_date >= date_trunc('day', now())
                     AND start_date < date_trunc('day', now()) + interval '1 day'))::text;

-- name: HEARTBEATS () many
-- Name, age in seconds and state of each part that reports.
SELECT name, extract(epoch FROM clock_timestamp() - at)::bigint, state FROM heartbeats;

-- name: HEARTBEAT_PUT (name text, state jsonb) none
-- I am alive.
INSERT INTO heartbeats VALUES (:name, clock_timestamp(), :state)
ON CONFLICT (name) DO UPDATE SET at = excluded.at, state = excluded.state;

-- name: METRIC_GAUGES () one
-- Active and upcoming events.
SELECT (SELECT count(*) FROM events WHERE status = 'active' AND deleted_at IS NULL),
       (SELECT count(*) FROM events WHERE status = 'active' AND deleted_at IS NULL AND start_date > now());

-- name: INVARIANTS () many
-- Violated invariants; empty is good.
SELECT invariant, event_id, detail FROM check_invariants();

-- name: CHECK_DOCS () many
-- Stored documents that differ from rebuilt ones.
SELECT check_docs();

-- name: JOB_TICK () one writes
-- One step of one due job.
SELECT j.worked, j.name, j.failed FROM job_tick() j;

-- name: JOBS () many
-- All jobs and how they fare.
SELECT name, every, run_at, finished_at, extract(epoch FROM took)::float8, failures, last_error, note FROM jobs ORDER BY name;

-- name: JOB_DUE (name text) one audited
-- Makes a job run now; how many there are of that name.
SELECT job_due(:name)::int4;
