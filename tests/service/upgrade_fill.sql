-- tests/service/upgrade_fill.sql - a little of everything as it stood under the migrations up to 0006
CREATE FUNCTION t_id(k int, n int) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
  SELECT format('00000000-000%s-7000-8000-%s', k, lpad(n::text, 12, '0'))::uuid
$$;
INSERT INTO users (id, email, name, created_at)
  SELECT t_id(1, n), 'person' || n || '@example.org', 'Person ' || n, now() - interval '2 days' FROM generate_series(0, 9) n;

-- 1 is full and some wait, 2 has no limit and many slots, 3 is a draft, 4 over, 5 deleted; nobody looked at 3
INSERT INTO events (id, slug, title, start_date, ends_at, max_attendees, status, host_id, created_at, deleted_at)
  SELECT t_id(2, n), 'event-' || n, 'Event ' || n, at, at + interval '1 day', cap, status, t_id(1, 0), now() - interval '4 days', gone
  FROM (VALUES (1, now() + interval '9 days', 2, 'active', NULL::timestamptz), (2, now() + interval '9 days', NULL, 'active', NULL),
    (3, now() + interval '9 days', 5, 'draft', NULL), (4, now() - interval '3 days', 5, 'completed', NULL),
    (5, now() + interval '9 days', 5, 'active', now() - interval '1 hour')) v (n, at, cap, status, gone);
INSERT INTO event_docs (event_id, version, shape, meta, doc)
  SELECT id, 1, 0, 'old', '{"id":"old"}' FROM events WHERE deleted_at IS NULL;
INSERT INTO event_seats (event_id, capacity, waiting, wl_seq, n, open, closes_at, waitlist, privacy)
  SELECT id, max_attendees, 0, 0, 1, status = 'active' AND deleted_at IS NULL, ends_at, true, privacy FROM events;
INSERT INTO seat_counters (pool_id, slot, remaining) SELECT id, 0, coalesce(max_attendees, 1000000000) FROM events;
INSERT INTO event_counters SELECT t_id(2, n), 100 * n, n FROM unnest('{1,2,4,5}'::int[]) n;
INSERT INTO event_scores VALUES (t_id(2, 1), 7);

INSERT INTO rsvps (id, event_id, user_id, state, wl_seq, seq, checked_in_at, registered_at)
  SELECT t_id(3, 10 * e + p), t_id(2, e), t_id(1, p), state, wl, seq, came, now() - interval '2 days'
  FROM (VALUES (1, 1, 'going', NULL, 1, NULL::timestamptz), (1, 2, 'going', NULL, 2, NULL), (1, 3, 'waitlisted', 2, 1, NULL),
    (1, 4, 'waitlisted', 3, 1, NULL), (1, 5, 'interested', NULL, 1, NULL), (1, 6, 'maybe', NULL, 1, NULL), (1, 7, 'cancelled', NULL, 2, NULL),
    (1, 8, 'not_going', NULL, 1, NULL), (2, 1, 'going', NULL, 1, NULL), (2, 2, 'going', NULL, 1, NULL), (2, 3, 'interested', NULL, 1, NULL),
    (4, 1, 'going', NULL, 1, now() - interval '3 days')) v (e, p, state, wl, seq, came);
INSERT INTO rsvp_history (event_id, user_id, seq, from_state, to_state, at)
  SELECT event_id, user_id, s, CASE WHEN s > 1 THEN 'waitlisted' END, CASE WHEN s = seq THEN state ELSE 'waitlisted' END, registered_at
  FROM rsvps, generate_series(1, seq) s;
INSERT INTO waitlist_blocks VALUES (t_id(2, 1), 0, 2);
UPDATE event_seats SET waiting = 2, wl_seq = 3 WHERE event_id = t_id(2, 1);
UPDATE seat_counters SET remaining = 0, going = 2, interested = 1, maybe = 1, seq = 12 WHERE pool_id = t_id(2, 1);
UPDATE seat_counters SET remaining = 4, going = 1, seq = 1 WHERE pool_id = t_id(2, 4);
-- taken in one slot, given back in another
UPDATE event_seats SET n = 32 WHERE event_id = t_id(2, 2);
INSERT INTO seat_counters (pool_id, slot, remaining) SELECT t_id(2, 2), s, 1000000000 FROM generate_series(1, 31) s;
UPDATE seat_counters SET remaining = remaining - 3, going = 3, interested = 1, seq = 4 WHERE pool_id = t_id(2, 2) AND slot = 7;
UPDATE seat_counters SET remaining = remaining + 1, going = -1, seq = 1 WHERE pool_id = t_id(2, 2) AND slot = 8;

INSERT INTO outbox (id, aggregate_type, aggregate_id, seq, key, shard, topic, type, payload, created_at)
  SELECT gen_random_uuid(), 'event', t_id(2, n), 1, t_id(2, n), 1, 'events', 'event.created', '{}', now() - interval '4 days' FROM generate_series(1, 5) n;
INSERT INTO outbox_parked SELECT o.*, 'too large' FROM outbox o LIMIT 1;

-- What was kept for a repeat: an event in seven lines, a registration as one object, and what has never had
-- another form: a refusal, an object of another kind, nothing at all. 20 hours old, so still good.
INSERT INTO idempotency_keys (actor, key, fingerprint, status, code, body, keys, created_at)
  SELECT t_id(1, p), key, 'f', status, code, body, keys, now() - interval '20 hours'
  FROM (VALUES (0, 'event', 200, NULL, concat_ws(E'\n', '1 public active ' || t_id(1, 0) || ' - event-1', '{"id":"e1","title":"A\nB"}', 12,
      '"stats":{"going":2,"interested":1,"maybe":1,"waitlist":2,"views":90,"shares":1,"available":0},"current_attendees":2',
      'host - -', '"my_rsvp":null,"friends_going":[]', '"https://example.org/"'), 'event:' || t_id(2, 1)),
    (0, 'unlimited', 201, NULL, concat_ws(E'\n', '1 public active ' || t_id(1, 0) || ' - event-2', '{"id":"e2"}', 0,
      '"stats":{"going":0,"interested":0,"maybe":0,"waitlist":0,"views":0,"shares":0,"available":null},"current_attendees":0',
      'host - -', '"my_rsvp":null,"friends_going":[]', 'null'), NULL),
    (1, 'going', 201, NULL, '{"registration_id":"r1","status":"going","state":"registered","registered_at":"2026-01-01T00:00:00Z",'
      '"stats":{"going":1,"interested":0,"maybe":0,"waitlist":0,"views":0,"shares":0,"available":1}}', 'viewer:1'),
    (3, 'waits', 201, NULL, '{"registration_id":"r3","status":"waitlisted","state":"waitlisted","waitlist_position":1,'
      '"registered_at":"2026-01-01T00:00:00Z","stats":{"going":2,"interested":0,"maybe":0,"waitlist":1,"views":0,"shares":0,"available":0}}', NULL),
    (9, 'refused', 409, 'EVENT_CLOSED', 'this event takes no answers', NULL),
    (0, 'deleted', 200, NULL, '{"id":"e5","deleted":true}', NULL), (0, 'brought', 201, NULL, NULL, NULL)) v (p, key, status, code, body, keys);
