# shellcheck shell=bash disable=SC2034 # variables are for those who source it
# tests/service/script.sh - what tests of SQL functions share; sourced, not run
#
# Sets T_SRCDIR, HERE, DB, TMP (removed at the end) and PGOPTIONS; skips the test whose name is given when there
# is no MARQUEE_TEST_DSN.
T_SRCDIR=${T_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd -P)}
HERE=$T_SRCDIR/tests/service
# shellcheck source=/dev/null
. "$T_SRCDIR/tests/unit/verdict.sh"

skip_test() { # why
  echo "SKIP $1"
  skipped=1
  verdicts "$NAME"
  exit 77
}

NAME=$1
[ -n "${MARQUEE_TEST_DSN:-}" ] || skip_test "MARQUEE_TEST_DSN is not set"
export PGOPTIONS="-c search_path=marquee,public -c client_min_messages=warning -c timezone=UTC"
DB=$(psql -X -A -t -d "$MARQUEE_TEST_DSN" -c 'SELECT current_database()')
TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT

sql() { # database, arguments of psql
  local db=$1
  shift
  psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$MARQUEE_TEST_DSN dbname=$db" "$@"
}

findings() { # name, what was found: nothing is good
  local bad=0
  [ -z "$2" ] || bad=1
  verdict "$1" $bad "$2"
}
