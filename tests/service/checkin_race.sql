-- tests/service/checkin_race.sql - for pgbench: all clients scan the same ticket, one after the other of :event's
\set i :i + 1
SELECT checkin_scan(s.ev, s.host, false, NULL, CASE WHEN :same = 1 THEN 'same ' || :i ELSE :i || ' ' || :client_id END,
                    t.ticket(s.ev, s.people[:i]), 999999999999) FROM t.scene s;
