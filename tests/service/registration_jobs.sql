-- tests/service/registration_jobs.sql - timed work, step by step

-- 1,000 a step: the first chunk in the cancellation's own message, the others in messages of their
-- own; everybody concerned gets one notification, nobody else any.
CREATE FUNCTION t.test_tell_cancelled() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event(1700);
  p uuid[] := t.people(2600);
  steps int := 0;
  left_over int := 1;
BEGIN
  PERFORM t.fill(ev, p[1:2200]);
  FOR i IN 2201..2500 LOOP PERFORM t.answer(ev, p[i], CASE WHEN i % 2 = 0 THEN 'maybe' ELSE 'interested' END); END LOOP;
  FOR i IN 2501..2600 LOOP PERFORM t.answer(ev, p[i], 'not_going'); END LOOP;
  PERFORM event_cancel(ev, t.host(ev), false, 'rain', NULL);
  WHILE left_over > 0 LOOP
    left_over := job_tell_cancelled((SELECT arg FROM jobs WHERE name = 'cancelled:' || ev));
    steps := steps + 1;
  END LOOP;
  PERFORM t.is('steps', steps, 3);
  PERFORM t.is('chunks', (SELECT array_agg(jsonb_array_length(payload::jsonb->'affected_users') ORDER BY pos) FROM outbox
    WHERE key = ev::text AND type = 'event.cancelled'), ARRAY[1000, 1000, 500]);
  PERFORM t.is('numbers', (SELECT array_agg((payload::jsonb->>'chunk')::int ORDER BY pos) FROM outbox
    WHERE key = ev::text AND type = 'event.cancelled'), ARRAY[1, 2, 3]);
  PERFORM t.is('each under its own seq', (SELECT array_agg(aggregate_type || ' ' || seq ORDER BY pos) FROM outbox
    WHERE key = ev::text AND type = 'event.cancelled'), ARRAY['event 2', 'cancellation 1', 'cancellation 2']);
  PERFORM t.is('reason', t.last('event.cancelled', ev)->>'reason', 'rain');
  PERFORM t.is('told in messages', (SELECT (count(*), count(DISTINCT u), bool_and(u::uuid = ANY (p[1:2500])))::text
    FROM outbox, jsonb_array_elements_text(payload::jsonb->'affected_users') u
    WHERE key = ev::text AND type = 'event.cancelled'), '(2500,2500,t)');
  PERFORM t.is('told in notifications', (SELECT (count(*), count(DISTINCT user_id))::text FROM notifications
    WHERE event_id = ev AND kind = 'event_cancelled' AND user_id = ANY (p[1:2500])), '(2500,2500)');
  PERFORM t.is('nobody else', (SELECT count(*) FROM notifications WHERE event_id = ev AND kind = 'event_cancelled'), 2500);
  PERFORM t.is('sent', (SELECT count(DISTINCT key) FROM outbox WHERE type = 'notification.event_cancelled'
    AND payload::jsonb->>'event_id' = ev::text), 2500);
  DELETE FROM jobs WHERE name = 'cancelled:' || ev;
END $$;

-- A whole last chunk is followed by an empty step; an event without people needs one.
CREATE FUNCTION t.test_tell_cancelled_edges() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event(NULL);
BEGIN
  PERFORM t.fill(ev, t.people(1000));
  PERFORM event_cancel(ev, t.host(ev), false, NULL, NULL);
  PERFORM t.is('more to do', job_tell_cancelled((SELECT arg FROM jobs WHERE name = 'cancelled:' || ev)), 1);
  PERFORM t.is('no more', job_tell_cancelled((SELECT arg FROM jobs WHERE name = 'cancelled:' || ev)), 0);
  PERFORM t.is('one message', t.sent('event.cancelled', ev), 1);
  PERFORM t.is('told', (SELECT count(*) FROM notifications WHERE event_id = ev), 1000);
  DELETE FROM jobs WHERE name = 'cancelled:' || ev;
  ev := t.event(5);
  PERFORM event_cancel(ev, t.host(ev), false, NULL, NULL);
  PERFORM t.is('nobody', job_tell_cancelled((SELECT arg FROM jobs WHERE name = 'cancelled:' || ev)), 0);
  PERFORM t.is('an empty list', t.last('event.cancelled', ev)->'affected_users', '[]'::jsonb);
  DELETE FROM jobs WHERE name = 'cancelled:' || ev;
END $$;

-- Another time or place is told to those who come and those who wait, once, and what it was before; other
-- changes are told to nobody.
CREATE FUNCTION t.test_tell_changed() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event(1100, '{"location": "Hall 1"}');
  p uuid[] := t.people(1200);
  job text := 'changed:' || ev;
  began text := (SELECT iso(start_date) FROM events WHERE id = ev);
BEGIN
  PERFORM t.edit(ev, '{"location": "Hall 2"}');
  PERFORM t.is('nobody comes yet', (SELECT count(*) FROM jobs WHERE name = job), 0);
  PERFORM t.fill(ev, p[1:1150]);
  FOR i IN 1151..1200 LOOP PERFORM t.answer(ev, p[i], 'interested'); END LOOP;
  PERFORM t.edit(ev, '{"title": "Another title", "description": "Another", "price": 3}');
  PERFORM t.is('neither time nor place', (SELECT count(*) FROM jobs WHERE name = job), 0);
  PERFORM t.edit(ev, '{"location": "Hall 3"}');
  PERFORM t.edit(ev, jsonb_build_object('start_date', iso(now() + interval '7 days 1 hour')));
  PERFORM t.is('what it was before both', (SELECT jsonb_build_array(arg->'was'->'location', arg->'was'->'start_date') FROM jobs WHERE name = job),
               jsonb_build_array('Hall 2', began));
  PERFORM t.is('the first thousand', job_tell_changed((SELECT arg FROM jobs WHERE name = job)), 1);
  PERFORM t.is('the others', job_tell_changed((SELECT arg FROM jobs WHERE name = job)), 0);
  PERFORM t.is('each once', (SELECT (count(*), count(DISTINCT user_id), bool_and(user_id = ANY (p[1:1150])))::text FROM notifications
    WHERE event_id = ev AND kind = 'event_changed'), '(1150,1150,t)');
  PERFORM t.is('and in messages', (SELECT (count(DISTINCT key), count(DISTINCT payload::jsonb->'was'->>'location'))::text FROM outbox
    WHERE type = 'notification.event_changed' AND payload::jsonb->>'event_id' = ev::text), '(1150,1)');
  DELETE FROM jobs WHERE name = job;
  PERFORM t.edit(ev, '{"virtual_link": "https://meet.example.org/secret"}');
  PERFORM t.is('a new link, which nobody else reads', (SELECT arg::text LIKE '%secret%' FROM jobs WHERE name = job), false);
  DELETE FROM jobs WHERE name = job;
END $$;

-- Only what is active and over; the step says how many.
CREATE FUNCTION t.test_complete() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  over uuid := t.event(5);
  coming uuid := t.event(5);
  draft uuid := t.event(5, '{"status": "draft"}');
  off uuid := t.event(5);
BEGIN
  PERFORM event_cancel(off, t.host(off), false, NULL, NULL);
  DELETE FROM jobs WHERE name = 'cancelled:' || off;
  UPDATE events SET start_date = now() - interval '25 hours', end_date = NULL, ends_at = now() - interval '1 hour'
    WHERE id IN (over, draft, off);
  UPDATE events SET start_date = now() - interval '23 hours', end_date = NULL, ends_at = now() + interval '1 hour' WHERE id = coming;
  PERFORM t.is('one', job_complete('{}'), 1);
  PERFORM t.is('states', (SELECT array_agg(status::text ORDER BY array_position(ARRAY[over, coming, draft, off], id)) FROM events
    WHERE id IN (over, coming, draft, off)), ARRAY['completed', 'active', 'draft', 'cancelled']);
  PERFORM t.is('version', (SELECT version FROM events WHERE id = over), 2);
  PERFORM event_doc_write(v) FROM unnest(ARRAY[coming, draft, off]) v;
END $$;

CREATE FUNCTION t.test_refresh_host() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  mine uuid := t.event(5);
  gone uuid := t.event(5);
  other uuid := t.event(5);
  who uuid := t.host(mine);
BEGIN
  UPDATE events SET host_id = who WHERE id = gone;
  INSERT INTO event_hosts (event_id, user_id) VALUES (other, who);
  PERFORM event_doc_write(mine), event_doc_write(other);
  PERFORM event_delete(gone, who, false, NULL);
  PERFORM t.is('renamed', t.word(profile_update(who, '{"name": "Another Name"}', true)), '200');
  PERFORM t.is('by a job', (SELECT fn FROM jobs WHERE name = 'host:' || who), 'job_refresh_host');
  PERFORM t.is('old name', (SELECT count(*) FROM check_docs()), 2);
  PERFORM t.is('finished', job_refresh_host(jsonb_build_object('user', who)), 0);
  PERFORM t.is('host', (SELECT doc::jsonb->'host'->>'name' FROM event_docs WHERE event_id = mine), 'Another Name');
  PERFORM t.is('co-host', (SELECT doc::jsonb->'co_hosts'->0->>'name' FROM event_docs WHERE event_id = other), 'Another Name');
  PERFORM t.is('versions', (SELECT array_agg(version ORDER BY array_position(ARRAY[mine, other, gone], id)) FROM events
    WHERE id IN (mine, other, gone)), ARRAY[2, 2, 2]);
  PERFORM t.is('out of the cache', (SELECT cache_keys FROM outbox WHERE key = other::text AND seq = 2), event_keys(other));
  PERFORM t.is('a bio is in no document', t.word(profile_update(who, '{"bio": "x"}', true)), '200');
  DELETE FROM jobs WHERE name = 'host:' || who;
  PERFORM profile_update(who, '{"bio": "y"}', true);
  PERFORM t.is('and needs no job', (SELECT count(*) FROM jobs WHERE name = 'host:' || who), 0);
END $$;

CREATE FUNCTION t.test_rebuild_docs() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event(5);
BEGIN
  UPDATE event_docs SET shape = 0, doc = '{}' WHERE event_id = ev;
  PERFORM t.is('one old', job_rebuild_docs('{}'), 1);
  PERFORM t.is('none', job_rebuild_docs('{}'), 0);
  PERFORM t.is('whole again', (SELECT doc::jsonb->>'id' FROM event_docs WHERE event_id = ev), ev::text);
END $$;

CREATE FUNCTION t.test_views_and_scores() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event(5);
BEGIN
  INSERT INTO view_deltas VALUES (ev, 30), (ev, 70), (uuid7(), 5);
  PERFORM t.is('views', job_views('{}'), 0);
  PERFORM t.is('added up', (SELECT views FROM seat_counters WHERE pool_id = ev), 100);
  PERFORM t.is('taken away', (SELECT count(*) FROM view_deltas), 0);
  INSERT INTO view_deltas VALUES (ev, 1);
  PERFORM job_views('{}');
  PERFORM t.is('onto the old', (SELECT views FROM seat_counters WHERE pool_id = ev), 101);
  PERFORM t.answer(ev, t.person(), 'going');
  PERFORM t.answer(ev, t.person(), 'interested');
  PERFORM t.answer(ev, t.person(), 'maybe');
  PERFORM t.is('scores', job_scores('{}'), 0);
  PERFORM t.is('score', (SELECT score::numeric(6, 2) FROM event_scores WHERE event_id = ev), 2.81);
END $$;

-- A partition of nine days ago, with a message that has not been sent.
CREATE FUNCTION t.old_partition() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  d date := (now() AT TIME ZONE 'UTC')::date - 9;
  p text := 'outbox_' || to_char(d, 'YYYYMMDD');
BEGIN
  EXECUTE format('CREATE TABLE %I PARTITION OF outbox FOR VALUES FROM (%L) TO (%L)', p, d || ' 00:00Z', d + 1 || ' 00:00Z');
  INSERT INTO outbox (id, aggregate_type, aggregate_id, seq, key, shard, topic, type, payload, created_at)
    VALUES (uuid7(), 'test', uuid7(), 1, 'k', 0, 'events', 'test', '{}', d + interval '12 hours');
  RETURN 'marquee.' || p;
END $$;
-- A week ahead; what is past retention goes, but only when it has been sent, or never will be.
CREATE FUNCTION t.test_partitions() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  p text;
BEGIN
  DELETE FROM heartbeats WHERE name = 'notifier';
  PERFORM t.is('made', job_partitions('{}'), 0);
  PERFORM t.is('a week ahead', (SELECT count(*) FROM generate_series(0, 7) d
    WHERE to_regclass('marquee.outbox_' || to_char((now() AT TIME ZONE 'UTC')::date + d, 'YYYYMMDD')) IS NOT NULL), 8);
  p := t.old_partition();
  PERFORM job_partitions('{}');
  PERFORM t.is('kept while it waits', to_regclass(p) IS NOT NULL, true);
  DELETE FROM outbox WHERE aggregate_type = 'test';
  PERFORM job_partitions('{"retention": "10 days"}');
  PERFORM t.is('kept within retention', to_regclass(p) IS NOT NULL, true);
  PERFORM job_partitions('{}');
  PERFORM t.is('dropped', to_regclass(p) IS NULL, true);
  PERFORM t.is('today stays', to_regclass('marquee.outbox_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD')) IS NOT NULL, true);
  p := t.old_partition();
  INSERT INTO heartbeats VALUES ('notifier', now(), '{"kafka": "off"}');
  PERFORM job_partitions('{}');
  PERFORM t.is('without a broker by age alone', to_regclass(p) IS NULL, true);
  DELETE FROM heartbeats WHERE name = 'notifier';
END $$;

CREATE FUNCTION t.test_cleanup() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  u uuid := t.person();
BEGIN
  INSERT INTO idempotency_keys (actor, key, fingerprint, status, created_at)
    VALUES (u, 'old', 'f', 200, now() - interval '25 hours'), (u, 'new', 'f', 200, now() - interval '23 hours');
  INSERT INTO revocations (kind, id, expires_at) VALUES ('jti', 'old-' || u, now() - interval '1 s'), ('jti', 'new-' || u, now() + interval '1 s');
  PERFORM session_open(u, '01890000-0000-7000-8000-00000000000a', 'old-' || u, -90000, NULL, NULL, NULL);
  PERFORM session_open(u, '01890000-0000-7000-8000-00000000000b', 'new-' || u, -80000, NULL, NULL, NULL);
  INSERT INTO rate_limits VALUES ('t', 'old', now() - interval '61 min'), ('t', 'new', now() - interval '59 min');
  PERFORM t.is('done', job_cleanup('{}'), 0);
  PERFORM t.is('keys', (SELECT string_agg(key, ' ') FROM idempotency_keys WHERE actor = u), 'new');
  PERFORM t.is('revocations', (SELECT string_agg(left(id, 3), ' ') FROM revocations WHERE id LIKE '%' || u), 'new');
  PERFORM t.is('sign-ins', (SELECT string_agg(left(hash, 3), ' ') FROM refresh_tokens WHERE hash LIKE '%' || u), 'new');
  PERFORM t.is('limits', (SELECT string_agg(key, ' ') FROM rate_limits WHERE kind = 't'), 'new');
END $$;

-- One step of one due job; a failing one comes back later and later, and leaves nothing half done.
CREATE FUNCTION t.bad_job(arg jsonb) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO settings VALUES ('half', 'done');
  RAISE EXCEPTION 'no such luck';
END $$;
CREATE FUNCTION t.test_job_tick() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  j record;
BEGIN
  UPDATE jobs SET run_at = now() + interval '1 day';
  SELECT * INTO j FROM job_tick();
  PERFORM t.is('nothing due', j::text, '(f,,)');
  PERFORM set_config('search_path', 'marquee, public, t', true);
  PERFORM job_once('bad', 'bad_job', '{}');
  FOR i IN 1..8 LOOP
    UPDATE jobs SET run_at = now() WHERE name = 'bad';
    SELECT * INTO j FROM job_tick();
    PERFORM t.is('failed', j::text, '(t,bad,"no such luck")');
    PERFORM t.is('later', (SELECT (failures, run_at - now())::text FROM jobs WHERE name = 'bad'),
                 (i, least(interval '1 minute' * 2 ^ least(i - 1, 6), interval '1 hour'))::text);
  END LOOP;
  PERFORM t.is('nothing half done', (SELECT count(*) FROM settings WHERE key = 'half'), 0);
  DELETE FROM jobs WHERE name = 'bad';
  PERFORM job_once('once', 'job_views', '{}');
  SELECT * INTO j FROM job_tick();
  PERFORM t.is('done and gone', j::text || (SELECT count(*) FROM jobs WHERE name = 'once'), '(t,once,)0');
  UPDATE jobs SET run_at = now() WHERE name = 'views';
  PERFORM job_tick();
  PERFORM t.is('again in its time', (SELECT run_at - now() FROM jobs WHERE name = 'views'), interval '10 seconds');
END $$;

-- The gauge counts what check_invariants() lists.
CREATE FUNCTION t.test_job_invariants() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event(5);
BEGIN
  UPDATE seat_counters SET remaining = 3 WHERE pool_id = ev;
  PERFORM job_invariants('{}');
  PERFORM t.is('one', (SELECT state->>'violations' FROM heartbeats WHERE name = 'invariants'), '1');
  UPDATE seat_counters SET remaining = 5 WHERE pool_id = ev;
  PERFORM job_invariants('{}');
  PERFORM t.is('none', (SELECT state->>'violations' FROM heartbeats WHERE name = 'invariants'), '0');
END $$;
