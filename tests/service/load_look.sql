-- tests/service/load_look.sql - pgbench: what any reader sees in the middle of it must hold as well
SELECT 1 / (count(*) = 0)::int FROM check_invariants();
\sleep 500 ms
