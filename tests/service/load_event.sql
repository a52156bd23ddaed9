-- tests/service/load_event.sql - one event of 40 seats, its host (…0) and 400 people
INSERT INTO users (id, email, name)
  SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, 'load' || i || '@example.org', 'Person ' || i
  FROM generate_series(0, 400) i;
SELECT (event_insert('00000000-0000-7000-9000-000000000001', '00000000-0000-7000-8000-000000000000',
  jsonb_build_object('title', 'Under load', 'max_attendees', 40, 'start_date', iso(now() + interval '7 days')))).id;
-- 16 slots, so that there is a choice to get wrong.
UPDATE event_seats SET n = 16 WHERE event_id = '00000000-0000-7000-9000-000000000001';
UPDATE seat_counters SET remaining = 3 WHERE pool_id = '00000000-0000-7000-9000-000000000001';
INSERT INTO seat_counters (pool_id, slot, remaining)
  SELECT '00000000-0000-7000-9000-000000000001', s, 2 + (s < 8)::int FROM generate_series(1, 15) s;
