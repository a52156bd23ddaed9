#!/usr/bin/env bash
# tests/service/test_registration.sh - what sql/functions promise, by tests written in SQL
#
#   test_registration.sh [NAME…]     all tests, or those named (test_capacity); -l lists them
#
# Needs MARQUEE_TEST_DSN: a superuser's on a migrated database, which is not the same afterwards.
set -euo pipefail
# shellcheck source=/dev/null
. "$(dirname "$0")/script.sh" test_registration
FILES="harness answers seats jobs people changes planted"

# One transaction; then, from outside, everything must hold.
run() { # name
  local found
  found=$(sql "$DB" -o /dev/null -c "SELECT t.$1()" 2>&1) || true
  [ -n "$found" ] ||
    found=$(sql "$DB" -c 'SELECT * FROM check_invariants()' -c 'SELECT check_docs()' 2>&1) || true
  findings "$1" "$found"
}

# The only violation that needs a second session: somebody holds a transaction open and sleeps.
idle_transaction() {
  local pid found
  coproc HOLDER { sql "$DB"; }
  echo 'BEGIN; SELECT pg_backend_pid();' >&"${HOLDER[1]}"
  read -r pid <&"${HOLDER[0]}"
  sql "$DB" -c 'SELECT pg_sleep(1.1)' >/dev/null
  found=$(sql "$DB" -c "SELECT invariant FROM check_invariants() WHERE detail LIKE 'pid $pid since %'")
  echo 'ROLLBACK;' >&"${HOLDER[1]}"
  eval "exec ${HOLDER[1]}>&-"
  wait "$HOLDER_PID" || true
  findings idle_transaction "$([ "$found" = 'I12 idle in transaction' ] || echo "not found: '$found'")"
}

main() {
  local name names
  sql "$DB" -o /dev/null -c "SELECT job_partitions('{}')"  # before the first message of today
  for name in $FILES; do sql "$DB" -1 -o /dev/null -f "$HERE/registration_$name.sql"; done
  names="$(sql "$DB" -c "SELECT proname FROM pg_proc WHERE pronamespace = 't'::regnamespace
    AND proname LIKE 'test\_%' ORDER BY oid") idle_transaction"
  if [ "${1:-}" = -l ]; then echo "$names" | tr ' ' '\n'; exit; fi
  # shellcheck disable=SC2086
  [ $# -gt 0 ] || set -- $names
  for name in "$@"; do
    case $name in idle_transaction) idle_transaction ;; *) run "$name" ;; esac
  done
  verdicts test_registration
}

main "$@"
