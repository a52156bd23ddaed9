# shellcheck shell=bash
# tests/service/cli_host.sh - what the tests of the command line share; sourced, not run
if [ -z "${MARQUEE_TEST_DSN:-}" ] || [ -z "${T_DSN_OWNER:-}" ]; then
  echo "SKIP no database (tests/service/run sets one up)"
  echo "RESULT $(basename "$0" .sh) passed=0 failed=0 skipped=1"
  exit 77
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
passed=0 failed=0

# T_VALGRIND: words before a program (tests/run-one)
# shellcheck disable=SC2086
marquee() { MARQUEE_DB_DSN=$T_DSN_OWNER ${T_VALGRIND:-} "$T_BUILDDIR/marquee" --config '' "$@"; }

sql() { PGOPTIONS='-c search_path=marquee,public' psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$MARQUEE_TEST_DSN" -c "$1"; }

is() { # name got want
  if [ "$2" = "$3" ]; then
    passed=$((passed + 1))
    echo "ok   $1"
  else
    failed=$((failed + 1))
    printf 'FAIL %s\n  got:  %s\n  want: %s\n' "$1" "$2" "$3"
    [ ! -f "$tmp/out" ] || tail -qn 2 "$tmp/out" "$tmp/err"
  fi
}

code() { # command…: its exit code; what it says goes to out and err
  local status=0
  "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || status=$?
  echo "$status"
}

says() { # name code text command…: ends with that code, and says the text
  local name=$1 want=$2 text=$3 got
  shift 3
  got=$(code "$@")
  if [ "$got" = "$want" ] && ! grep -qF -- "$text" "$tmp/out" "$tmp/err"; then got="$got without \"$text\""; fi
  is "$name" "$got" "$want"
}

ended() { # the last line of a test
  echo "RESULT $(basename "$0" .sh) passed=$passed failed=$failed skipped=0"
  [ "$failed" -eq 0 ]
}
