-- tests/bench/rsvp.sql - pgbench: one person after the other answers one of :events events, as a
-- worker does it; what the quick way cannot decide (599) is asked once more
\set i :i + 1
\set person :client_id * :each + :i
\set event :first + (:person + :turn) % :events
SELECT (f.status = 599)::int AS again FROM rsvp_set(
  ('00000000-0000-7000-9000-' || lpad(to_hex(:event::int), 12, '0'))::uuid,
  ('00000000-0000-7000-8000-' || lpad(to_hex(:person::int), 12, '0'))::uuid,
  gen_random_uuid(), 'going', NULL, false) f \gset
\if :again
SELECT f.status FROM rsvp_set(
  ('00000000-0000-7000-9000-' || lpad(to_hex(:event::int), 12, '0'))::uuid,
  ('00000000-0000-7000-8000-' || lpad(to_hex(:person::int), 12, '0'))::uuid,
  gen_random_uuid(), 'going', NULL, true) f;
\endif
