#!/usr/bin/env bash
# tests/service/test_isolation.sh - registrations and changes of their event step by step, in every order
#
#   test_isolation.sh [SPEC…]     all of isolation/*.spec, or those named (register-cancel)
#   T_FULL=1                      those of three sessions with hundreds of orders, too
#
# PostgreSQL's isolationtester runs each spec. A session commits as a step of its own, so that it holds its
# locks while others come; who has to wait longer than may be is told 55P03 and goes away. What each order
# ended with is one line; the distinct lines are to be those of isolation/SPEC.expected, which was read
# by a person: answers that fit each other, nothing violated, no deadlock.
# The control of a spec that has one is the same with the event's lock taken away: it must go wrong.
# Needs MARQUEE_TEST_DSN: a superuser's on a migrated database, which is not the same afterwards.
set -euo pipefail
# shellcheck source=/dev/null
. "$(dirname "$0")/script.sh" test_isolation
PGOPTIONS="$PGOPTIONS -c lock_timeout=3000" # longer than a busy machine takes from "b waits" to "a commits"
TESTER=$(ls -v /usr/lib/postgresql/*/lib/pgxs/src/test/isolation/isolationtester 2>/dev/null | tail -n 1)
[ -n "$TESTER" ] || skip_test "no isolationtester of PostgreSQL's"

orders() { # database spec output
  "$TESTER" "$MARQUEE_TEST_DSN dbname=$1" <"$HERE/isolation/$2.spec" >"$TMP/$3" 2>&1 ||
    echo "isolationtester ended with $?" >>"$TMP/$3"
  { awk -f "$HERE/isolation.awk" "$TMP/$3"; grep '^isolationtester' "$TMP/$3" || true; } |
    LC_ALL=C sort | uniq >"$TMP/$3.ends"
}

# A database of its own: specs run at the same time, since they mostly wait.
run() { # database spec
  orders "$1" "$2" "$2"
  grep -q '^# Control' "$HERE/isolation/$2.spec" || return 0
  # shellcheck disable=SC2016 # dollars of SQL
  sql "$1" -o /dev/null -c 'CREATE OR REPLACE FUNCTION event_lock_key(event uuid) RETURNS bigint LANGUAGE sql VOLATILE
               AS $$ SELECT (random() * 1e15)::bigint $$'
  orders "$1" "$2" "$2.control"
}

judge() { # spec
  findings "$1: $(grep -c '^starting' "$TMP/$1" || true) orders, $(wc -l <"$TMP/$1.ends") ends" \
    "$(diff "$HERE/isolation/$1.expected" "$TMP/$1.ends" | sed 's/^</missing:/; s/^>/new:/' | grep -E '^(missing|new):' || true)"
  if [ -f "$TMP/$1.control" ]; then
    findings "$1: the control goes wrong" "$(grep -qE 'VIOLATED|ERROR' "$TMP/$1.control.ends" || cat "$TMP/$1.control.ends")"
  fi
}

specs() {
  local file
  for file in "$HERE"/isolation/*.spec; do
    if [ -n "${T_FULL:-}" ] || ! grep -q '^# Long' "$file"; then basename "$file" .spec; fi
  done
}

main() {
  local spec
  sql "$DB" -o /dev/null -c "SELECT job_partitions('{}')" -1 -f "$HERE/registration_harness.sql" -f "$HERE/isolation/scene.sql"
  # shellcheck disable=SC2046 # words
  [ $# -gt 0 ] || set -- $(specs)
  for spec in "$@"; do sql postgres -o /dev/null -c "CREATE DATABASE ${DB}_${spec//-/_} TEMPLATE $DB"; done
  for spec in "$@"; do run "${DB}_${spec//-/_}" "$spec" & done
  wait
  for spec in "$@"; do
    judge "$spec"
    sql postgres -o /dev/null -c "DROP DATABASE ${DB}_${spec//-/_} WITH (FORCE)"
  done
  verdicts test_isolation
}

main "$@"
