#!/usr/bin/env bash
# tests/service/test_registration.sh - what sql/functions promise, by tests written in SQL
#
#   test_registration.sh [NAME…]     all tests, or those named (test_capacity); -l lists them
#
# Needs MARQUEE_TEST_DSN: a superuser's on a migrated database, which is not the same afterwards.
set -euo pipefail
T_SRCDIR=${T_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd -P)}
FILES="harness answers seats jobs people changes planted"

if [ -z "${MARQUEE_TEST_DSN:-}" ]; then
  echo "SKIP MARQUEE_TEST_DSN is not set"
  echo "RESULT test_registration passed=0 failed=0 skipped=1"
  exit 77
fi
export PGOPTIONS="-c search_path=marquee,public -c client_min_messages=warning -c timezone=UTC"
passed=0 failed=0

sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$MARQUEE_TEST_DSN" "$@"; }

verdict() { # name findings
  if [ -z "$2" ]; then
    passed=$((passed + 1))
    echo "ok   $1"
  else
    failed=$((failed + 1))
    printf 'FAIL %s\n%s\n' "$1" "$2"
  fi
}

# One transaction; then, from outside, everything must hold.
run() { # name
  local found
  found=$(sql -o /dev/null -c "SELECT t.$1()" 2>&1) || true
  [ -n "$found" ] ||
    found=$(sql -c 'SELECT * FROM check_invariants()' -c 'SELECT check_docs()' 2>&1) || true
  verdict "$1" "$found"
}

# The only violation that needs a second session: somebody holds a transaction open and sleeps.
idle_transaction() {
  local pid found
  coproc HOLDER { sql; }
  echo 'BEGIN; SELECT pg_backend_pid();' >&"${HOLDER[1]}"
  read -r pid <&"${HOLDER[0]}"
  sql -c 'SELECT pg_sleep(1.1)' >/dev/null
  found=$(sql -c "SELECT invariant FROM check_invariants() WHERE detail LIKE 'pid $pid since %'")
  echo 'ROLLBACK;' >&"${HOLDER[1]}"
  eval "exec ${HOLDER[1]}>&-"
  wait "$HOLDER_PID" || true
  verdict idle_transaction "$([ "$found" = 'I12 idle in transaction' ] || echo "not found: '$found'")"
}

main() {
  local name names
  sql -o /dev/null -c "SELECT job_partitions('{}')"  # before the first message of today
  for name in $FILES; do sql -1 -o /dev/null -f "$T_SRCDIR/tests/service/registration_$name.sql"; done
  names="$(sql -c "SELECT proname FROM pg_proc WHERE pronamespace = 't'::regnamespace
    AND proname LIKE 'test\_%' ORDER BY oid") idle_transaction"
  if [ "${1:-}" = -l ]; then echo "$names" | tr ' ' '\n'; exit; fi
  # shellcheck disable=SC2086
  [ $# -gt 0 ] || set -- $names
  for name in "$@"; do
    case $name in idle_transaction) idle_transaction ;; *) run "$name" ;; esac
  done
  echo "RESULT test_registration passed=$passed failed=$failed skipped=0"
  [ $failed = 0 ]
}

main "$@"
