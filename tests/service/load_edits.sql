-- tests/service/load_edits.sql - pgbench: the host changes the capacity, 20 ms apart; too few is refused
\set seats random(30, 60)
SELECT 1 / (status = 200 OR code = 'CAPACITY_BELOW_GOING')::int FROM event_update('00000000-0000-7000-9000-000000000001', '00000000-0000-7000-8000-000000000000', false, jsonb_build_object('max_attendees', :seats::int), NULL);
\sleep 20 ms
