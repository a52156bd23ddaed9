#!/usr/bin/env bash
# tests/service/test_checkin.sh - the door: outcomes in SQL, 32 scanners of one ticket, and what a scan and
# a search read at a large event and at a small one
#
#   T_CROWD=100000 test_checkin.sh     how large the large event is (20000)
#
# Needs MARQUEE_TEST_DSN: a superuser's on a migrated database, which is not the same afterwards.
set -euo pipefail
# shellcheck source=/dev/null
. "$(dirname "$0")/script.sh" test_checkin
CROWD=${T_CROWD:-20000}
ROUNDS=40
PGBENCH=$(command -v pgbench || ls -v /usr/lib/postgresql/*/bin/pgbench | tail -n 1)

# One transaction; then, from outside, everything must hold.
run() { # name
  local found
  found=$(sql "$DB" -o /dev/null -c "SELECT t.$1()" 2>&1) || true
  [ -n "$found" ] ||
    found=$(sql "$DB" -c 'SELECT * FROM check_invariants()' -c 'SELECT check_docs()' 2>&1) || true
  findings "$1" "$found"
}

# ---- the race ----
scene() { # database: an event of as many people as there are rounds
  sql "$1" -o /dev/null -c 'DROP TABLE IF EXISTS t.scene' -c 'CREATE TABLE t.scene (ev uuid, host uuid, people uuid[])' \
    -c "INSERT INTO t.scene (ev) SELECT t.crowd($ROUNDS)" \
    -c 'UPDATE t.scene SET host = t.host(ev), people = ARRAY(SELECT user_id FROM rsvps WHERE event_id = ev)'
}

race() { # database, 1 = all clients with the same nonce
  scene "$1"
  "$PGBENCH" -n -c 32 -j 2 -t $ROUNDS -D i=0 -D same="$2" -f "$HERE/checkin_race.sql" \
    "$MARQUEE_TEST_DSN dbname=$1" >"$TMP/race" 2>&1 || true
}

bulk() { # database, 1 = many scans in one transaction (each that is lost takes a second), how often
  scene "$1"
  "$PGBENCH" -n -c 8 -j 2 -t "$3" -D i=0 -D naive="$2" -f "$HERE/checkin_bulk.sql" \
    "$MARQUEE_TEST_DSN dbname=$1" >"$TMP/bulk" 2>&1 || true
}

# Of those that wait for each other; pgbench counts them and says no more.
lost() { grep -iE 'error|failed transactions: [1-9]' "$TMP/bulk" || true; }

# How often the log says ok and already, how many entries there are, how many came, counted twice.
result() { # database
  sql "$1" -F ' ' -c "SELECT count(*) FILTER (WHERE reason = 'ok') AS ok, count(*) FILTER (WHERE reason = 'already') AS already,
      count(DISTINCT user_id) FILTER (WHERE reason = 'ok') AS people, (SELECT came FROM door_counts n WHERE n.event_id = s.ev) AS came
    FROM t.scene s JOIN checkins k ON k.event_id = s.ev GROUP BY s.ev"
}

product() {
  race "$DB" 0
  findings 'one ok for 32 scanners' "$(result "$DB" | grep -vx "$ROUNDS $((31 * ROUNDS)) $ROUNDS $ROUNDS"; cat <(grep -i error "$TMP/race"))"
  race "$DB" 1
  findings 'one entry for 32 of a nonce' "$(result "$DB" | grep -vx "$ROUNDS 0 $ROUNDS $ROUNDS"; cat <(grep -i error "$TMP/race"))"
  bulk "$DB" 0 20
  findings 'everybody at once, beside scanners' "$(lost)"
  findings 'invariants hold' "$(sql "$DB" -c 'SELECT * FROM check_invariants()')"
}

control() { # database
  bulk "$1" 1 2
  findings 'many scans in one transaction wait for each other' "$([ -n "$(lost)" ] || echo 'they do not')"
  sql "$1" -f "$HERE/checkin_naive.sql"
  race "$1" 0
  findings 'the obvious version lets people in twice' "$(result "$1" | grep -x "$ROUNDS .* $ROUNDS $ROUNDS" || true)"
  echo "     it did: ok, already, people, came: $(result "$1")"
}

# ---- large and small ----
# Buffers that a statement reads, with those of the functions that it calls, when it is planned already.
reads() { # database, statement
  sql "$1" -c "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) $2" -c "SELECT 'second'" -c "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) $2" |
    awk '/^second/ { second = 1 } /^Planning/ { second = 0 } second && /Buffers: shared/ { second = 0
      for (i = 1; i <= NF; i++) if (split($i, p, "=") == 2 && p[1] ~ /^(hit|read)$/) sum += p[2] } END { print sum + 0 }'
}

filled() { # statement, event: EV, HOST, WHO and TICKET in it stand for that event's
  sql "$DB" -v q="$1" -v ev="$2" <<'SQL'
SELECT replace(replace(replace(replace(:'q', 'EV', quote_literal(:'ev')), 'HOST', quote_literal(t.host(:'ev'))),
  'WHO', quote_literal(t.who(u)) || '::jsonb'), 'TICKET', quote_literal(t.ticket(:'ev', u)) || '::jsonb') FROM t.somebody(:'ev') u
SQL
}

grown() { # name, statement
  local small large
  small=$(reads "$DB" "$(filled "$2" "$SMALL")")
  large=$(reads "$DB" "$(filled "$2" "$LARGE")")
  echo "     $1: $small buffers at 1,000, $large at $CROWD"
  findings "$1" "$([ "$small" -gt 0 ] && [ $((2 * large)) -le $((3 * small)) ] || echo "$large is more than half as much again as $small")"
}

scale() {
  local scan='SELECT checkin_scan(EV, HOST, false, NULL, uuid7()::text,' look='SELECT door_look(EV, HOST, false, NULL, NULL,'
  SMALL=$(sql "$DB" -c 'SELECT t.crowd(1000)')
  LARGE=$(sql "$DB" -c "SELECT t.crowd($CROWD)")
  sql "$DB" -c 'VACUUM ANALYZE users, rsvps, checkins, gates, door_counts'
  grown 'a scan' "$scan TICKET, 999999999999)"
  grown 'a scan and its undoing' "$scan WHO, 999999999999), checkin_undo(EV, HOST, false, NULL, uuid7()::text, WHO)"
  grown 'the door' "$look NULL, 0)"
  grown 'a rare name' "$look 'rareb', 0)"
  grown 'a common name' "$look 'comm', 0)"
  grown 'nobody' "$look 'xyz', 0)"
  grown 'those who came' "SELECT count(*) FROM door_list(EV, 'attended', NULL, false, NULL, NULL, 21, 0)"
  grown 'those who have not' "SELECT count(*) FROM door_list(EV, 'absent', NULL, false, NULL, NULL, 21, 0)"
  grown 'the attendee list' "SELECT count(*) FROM attendees(EV, NULL, NULL, true, NULL, NULL, 21, 0)"
  grown 'its last page' "SELECT count(*) FROM attendees(EV, NULL, NULL, true, (SELECT max(registered_at) FROM rsvps
    WHERE event_id = EV AND state = 'going') - interval '15 milliseconds', NULL, 21, 0)"
  grown 'a rare name in it' "SELECT count(*) FROM attendees(EV, NULL, 'rareb', true, NULL, NULL, 21, 0)"
  grown 'a common name in it' "SELECT count(*) FROM attendees(EV, NULL, 'common', true, NULL, NULL, 21, 0)"
  grown 'nobody in it' "SELECT count(*) FROM attendees(EV, NULL, 'xyzzy', true, NULL, NULL, 21, 0)"
  grown 'a lot of its file' "SELECT count(*) FROM attendees(EV, NULL, NULL, true, NULL, NULL, 1000, 0)"
}

main() {
  local name names
  sql "$DB" -o /dev/null -c "SELECT job_partitions('{}')"  # before the first message of today
  for name in registration_harness checkin_door checkin_crowd; do sql "$DB" -1 -o /dev/null -f "$HERE/$name.sql"; done
  names=$(sql "$DB" -c "SELECT proname FROM pg_proc WHERE pronamespace = 't'::regnamespace
    AND proname LIKE 'test\_%' ORDER BY oid")
  for name in $names; do run "$name"; done
  sql postgres -c "DROP DATABASE IF EXISTS ${DB}_naive WITH (FORCE)" -c "CREATE DATABASE ${DB}_naive TEMPLATE $DB"
  product
  control "${DB}_naive"
  sql postgres -c "DROP DATABASE ${DB}_naive WITH (FORCE)"
  scale
  verdicts test_checkin
}

main
