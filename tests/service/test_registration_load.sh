#!/usr/bin/env bash
# tests/service/test_registration_load.sh - registration under load: 32 clients come and leave on an
# event with too few seats while its host changes the capacity every 20 ms
#
#   T_SECONDS=60 test_registration_load.sh     how long each of the two loads runs (10)
#
# The second load is the control: the same in a database of its own whose functions are replaced by
# the obvious ones (load_naive.sql). It must go wrong, or this test would prove nothing.
# Needs MARQUEE_TEST_DSN: a superuser's on a migrated database, which is not the same afterwards.
set -euo pipefail
# shellcheck source=/dev/null
. "$(dirname "$0")/script.sh" test_registration_load
SECONDS_EACH=${T_SECONDS:-10}
PGBENCH=$(command -v pgbench || ls -v /usr/lib/postgresql/*/bin/pgbench | tail -n 1)

bench() { # database, name, clients
  "$PGBENCH" -n -M prepared -c "$3" -j "$(($3 > 1 ? 2 : 1))" -T "$SECONDS_EACH" -f "$HERE/load_$2.sql" \
    "$MARQUEE_TEST_DSN dbname=$1" >"$TMP/$1.$2" 2>&1 || true
}

load() { # database: all clients at once, until all have ended
  local edits look
  bench "$1" edits 1 &
  edits=$!
  bench "$1" look 1 &
  look=$!
  bench "$1" mix 32
  wait "$edits" "$look"
}

number() { # database, name, words before the number
  sed -n "s/^$3:* *\([0-9]*\).*/\1/p" "$TMP/$1.$2"
}

# What went wrong in one of the scripts: transactions rolled back, clients given up.
losses() { # database, name
  local lost
  lost=$(number "$1" "$2" 'number of failed transactions')
  [ "$lost" = 0 ] || echo "$2: ${lost:-unknown number of} transactions failed"
  grep -E 'error|aborted|FATAL' "$TMP/$1.$2" | sort | uniq -c | sort -rn | head -n 5 || true
}

deadlocks() { # database
  sql "$1" -c "SELECT pg_stat_clear_snapshot(), deadlocks FROM pg_stat_database WHERE datname = current_database()" | tr -d '|'
}

# In the log of the driver's server; by hand there may be none to read. The control looks there, too.
LOG=${T_STATE:+$T_STATE/state/log/postgresql.log}
deadlocks_logged() {
  [ -z "$LOG" ] || grep -c 'deadlock detected' "$LOG" || true
}

drift() { # database: seats that are lost, doubled or left free beside people who wait
  sql "$1" -c "SELECT * FROM check_invariants() WHERE invariant ~ '^I[16] '"
}

prepare() { # database
  sql "$1" -o /dev/null -1 -f "$HERE/load_event.sql"
}

product() { # database
  local before
  before=$(deadlocks_logged)
  load "$1"
  findings 'no transaction fails' "$(losses "$1" mix; losses "$1" edits; losses "$1" look)"
  findings 'no deadlock in the statistics' "$(deadlocks "$1" | grep -vx 0)"
  findings 'no deadlock in the log' "$([ "$(deadlocks_logged)" = "$before" ] || echo "before: $before, now: $(deadlocks_logged)")"
  findings 'invariants hold' "$(sql "$1" -c 'SELECT * FROM check_invariants()')"
  findings 'stored documents are right' "$(sql "$1" -c 'SELECT check_docs()')"
  findings 'there was something to see' "$(sql "$1" -c "SELECT 'only', h.* FROM (
    SELECT count(*) FILTER (WHERE to_state = 'waitlisted') AS waited,
      count(*) FILTER (WHERE from_state = 'waitlisted' AND to_state = 'going') AS promoted,
      count(*) FILTER (WHERE from_state = 'going') AS gone, (SELECT max(version) - 1 FROM events) AS edits
    FROM rsvp_history) h WHERE 0 IN (waited, promoted, gone, edits)")"
  echo "     $(number "$1" mix "tps =")/s on one event, $(sql "$1" -c "SELECT count(*) FROM rsvp_history") changes"
}

control() { # database
  local dead broken logged
  logged=$(deadlocks_logged)
  sql "$1" -1 -f "$HERE/load_naive.sql"
  load "$1"
  dead=$(deadlocks "$1")
  broken=$(drift "$1")
  findings 'the obvious version goes wrong' "$([ "$dead" != 0 ] || [ -n "$broken" ] || echo 'no deadlock, no drift')"
  if [ -n "$LOG" ] && [ "$dead" != 0 ]; then
    findings 'its deadlocks are in the log' "$([ "$(deadlocks_logged)" != "$logged" ] || echo "$LOG tells of none")"
  fi
  echo "     it did: $dead deadlocks${broken:+, }$broken; $(number "$1" mix "tps =")/s"
}

main() {
  prepare "$DB"
  sql postgres -c "DROP DATABASE IF EXISTS ${DB}_naive WITH (FORCE)" -c "CREATE DATABASE ${DB}_naive TEMPLATE $DB"
  product "$DB"
  control "${DB}_naive"
  sql postgres -c "DROP DATABASE ${DB}_naive WITH (FORCE)"
  verdicts test_registration_load
}

main
