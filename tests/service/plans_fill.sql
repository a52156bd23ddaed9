-- tests/service/plans_fill.sql - fills every table that grows: the demo's, and those that it leaves empty
CREATE OR REPLACE FUNCTION t_fill(people int, gatherings int, answers int, messages int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM demo_begin(), demo_users(7, 1, people, NULL), demo_friends(7, people);
  PERFORM demo_events(7, 1, gatherings, people), demo_plan(7, gatherings, people, answers);
  -- one is tagged, and held, like no other
  UPDATE events SET tags = '{rare}', location = 'Nowhere', location_words = '{nowhere}', status = 'active', privacy = 'public',
    start_date = now() + interval '90 days', end_date = NULL, ends_at = now() + interval '91 days' WHERE id = demo_id(7, 2, gatherings / 2);
  PERFORM demo_answers(7, 1, gatherings, people), demo_docs(7, 1, gatherings);
  INSERT INTO invitations (id, event_id, inviter_id, invitee_id)
    SELECT uuid7(), e.id, e.host_id, demo_id(7, 1, 1 + n % people)
    FROM generate_series(1, gatherings) n JOIN events e ON e.id = demo_id(7, 2, n);
  INSERT INTO notifications (id, user_id, kind, event_id)
    SELECT uuid7(), demo_id(7, 1, 1 + n % people), 'waitlist_promoted', demo_id(7, 2, 1 + n % gatherings) FROM generate_series(1, messages) n;
  INSERT INTO gates (id, event_id, name, hash, made_by)
    SELECT demo_id(7, 6, n), e.id, 'Gate', 'hash ' || n, e.host_id FROM generate_series(1, gatherings) n JOIN events e ON e.id = demo_id(7, 2, n);
  INSERT INTO checkins (event_id, nonce, act, asked, reason, user_id, gate_id)
    SELECT demo_id(7, 2, 1 + n % gatherings), 'nonce ' || n, 'scan', '', 'already', demo_id(7, 1, 1 + n % people), demo_id(7, 6, 1 + n % gatherings)
    FROM generate_series(1, messages) n;
  INSERT INTO refresh_families SELECT demo_id(7, 4, n), demo_id(7, 1, 1 + n % people), now(), now() + interval '20 days'
    FROM generate_series(1, messages) n;
  INSERT INTO refresh_tokens SELECT 'hash ' || n, demo_id(7, 4, n) FROM generate_series(1, messages) n;
  INSERT INTO revocations SELECT 'jti', 'token ' || n, 1, now() - interval '1 hour', now() + interval '1 hour' FROM generate_series(1, messages) n;
  INSERT INTO rate_limits SELECT 'login', 'somebody ' || n, now() FROM generate_series(1, messages) n;
  INSERT INTO idempotency_keys (actor, key, fingerprint, status, created_at)
    SELECT demo_id(7, 1, 1 + n % people), 'key ' || n, 'x', 200, now() - interval '1 hour' FROM generate_series(1, messages) n;
  -- as if some hundred transactions had written them, and as long as a registration's
  INSERT INTO outbox (id, xid, aggregate_type, aggregate_id, seq, key, shard, topic, type, payload, cache_keys)
    SELECT uuid7(), (pg_current_xact_id()::text::bigint - 1 - n % 400)::text::xid8, 'notification', demo_id(7, 5, n), 1, p, outbox_shard(p),
      'notifications', 'notification.test', format('{"event_type":"notification.test","n":%s,"more":"%s"}', n, repeat('word ', 80)), 'viewer:' || n
    FROM generate_series(1, messages) n, LATERAL (SELECT demo_id(7, 1, 1 + n % people)::text AS p) k;
  INSERT INTO mails (id, kind, user_id, params, sent_at)
    SELECT uuid7(), 'event_cancelled', demo_id(7, 1, 1 + n % people), jsonb_build_object('event_id', demo_id(7, 2, 1 + n % gatherings)), CASE WHEN n % 100 > 0 THEN now() END FROM generate_series(1, messages) n;
  INSERT INTO password_resets SELECT 'reset ' || n, demo_id(7, 1, 1 + n % people), now(), now() + interval '1 day'
    FROM generate_series(1, messages) n;
  PERFORM demo_finish();
END $$;

-- Until nothing else is under way, at most a minute: what is (autovacuum, after so much has come) is in
-- every snapshot, and each of those that look for news then looks for it too.
CREATE FUNCTION t_alone() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1..1200 LOOP
    IF NOT EXISTS (SELECT pg_snapshot_xip(pg_current_snapshot())) THEN RETURN true; END IF;
    PERFORM pg_sleep(0.05);
  END LOOP;
  RETURN false;
END $$;
