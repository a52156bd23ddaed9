-- tests/service/load_mix.sql - pgbench: somebody comes (60 %) or leaves; 599 is called once more, slowly
\set person random(1, 400)
\set dice random(1, 100)
\if :dice <= 60
SELECT (status = 599)::int AS again FROM rsvp_set('00000000-0000-7000-9000-000000000001', ('00000000-0000-7000-8000-' || lpad(to_hex(:person::int), 12, '0'))::uuid, gen_random_uuid(), 'going', NULL, false) \gset
\if :again
SELECT 1 / (status IN (200, 201))::int FROM rsvp_set('00000000-0000-7000-9000-000000000001', ('00000000-0000-7000-8000-' || lpad(to_hex(:person::int), 12, '0'))::uuid, gen_random_uuid(), 'going', NULL, true);
\endif
\else
SELECT (status = 599)::int AS again FROM rsvp_cancel('00000000-0000-7000-9000-000000000001', ('00000000-0000-7000-8000-' || lpad(to_hex(:person::int), 12, '0'))::uuid, false) \gset
\if :again
SELECT 1 / (status IN (200, 404))::int FROM rsvp_cancel('00000000-0000-7000-9000-000000000001', ('00000000-0000-7000-8000-' || lpad(to_hex(:person::int), 12, '0'))::uuid, true);
\endif
\endif
