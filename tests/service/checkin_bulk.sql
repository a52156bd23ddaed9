-- tests/service/checkin_bulk.sql - for pgbench: half of the clients check everybody in at once, the others scan
-- one after the other and take it back; with naive, everybody at once is as many scans in one transaction (of
-- people who are taken out before, so that each is counted); the others begin with whom that comes to last
\set i :i + 1
\set many :client_id % 2
\if :many
\if :naive
SELECT checkin_undo(s.ev, s.host, false, NULL, uuid7()::text, t.who(p)),
       checkin_scan(s.ev, s.host, false, NULL, uuid7()::text, t.who(p), 999999999999) FROM t.scene s, unnest(s.people) p;
\else
SELECT checkin_many(s.ev, s.host, false, uuid7(), s.people, 999999999999) FROM t.scene s;
\endif
\else
SELECT checkin_scan(s.ev, s.host, false, NULL, uuid7()::text, t.who(s.people[41 - :i]), 999999999999) FROM t.scene s;
SELECT checkin_undo(s.ev, s.host, false, NULL, uuid7()::text, t.who(s.people[41 - :i])) FROM t.scene s;
\endif
