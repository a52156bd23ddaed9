#!/usr/bin/env bash
# tests/valgrind.sh - unit and service tests under valgrind, in the build of MARQUEE_DEV_BUILD
set -euo pipefail
T_SRCDIR=$(cd "$(dirname "$0")/.." && pwd -P)
export VALGRIND=1
command -v valgrind >/dev/null || { echo "valgrind is missing: apt-get install valgrind" >&2; exit 1; }
MARQUEE_DEV_BUILD=${MARQUEE_DEV_BUILD:-$("$T_SRCDIR/dev" build)}
export MARQUEE_DEV_BUILD

# Wrong is what valgrind reports (the test then ends with 99) and what fails only under it.
unit() {
  local tests test
  mapfile -t tests < <(make -s -C "$MARQUEE_DEV_BUILD" --no-print-directory list-tests |
    grep -E '^tests/(unit|fuzz)/')
  make -C "$MARQUEE_DEV_BUILD" --no-print-directory check TESTS="${tests[*]}" V=0 >/dev/null 2>&1 || true
  for test in "${tests[@]}"; do
    test=$MARQUEE_DEV_BUILD/$test
    if grep -q '^:test-result: PASS' "$test.trs" && ! grep -q '^==[0-9]*== ' "$test.log"; then
      grep '^RESULT ' "$test.log" | tail -n 1
    else
      grep -v '^ok ' "$test.log" | head -n 60 || true
      echo "RESULT ${test##*/} passed=0 failed=1 skipped=0"
    fi
  done
}

unit
"$T_SRCDIR/tests/service/run"
