# shellcheck shell=bash disable=SC2034 # variables are shared with the other parts
# dev.d/check.sh - everything that must hold, in throwaway folders, while a stack may be running

CHECK_PARTS="lint build unit service e2e servers attack fault counts dist"

cmd_check() {
  local part began=$EPOCHREALTIME
  if [ -n "${MARQUEE_DEV_INSIDE_CHECK:-}" ]; then
    say "./dev check is what is running just now"
    return
  fi
  for part in "$@"; do
    case " $CHECK_PARTS " in *" $part "*) ;; *) die "check has no part '$part'" "parts: $CHECK_PARTS" ;; esac
  done
  check_begin
  # shellcheck disable=SC2046 # words
  packages_ensure $PACKAGES_UP $PACKAGES_CHECK $(servers_packages)
  # shellcheck disable=SC2086
  [ $# -gt 0 ] || set -- $CHECK_PARTS
  for part in "$@"; do check_part "$part"; done
  check_sum "$began"
}

# The throwaway folder stands in for the state folder; the real one is not touched.
check_begin() {
  local option
  CHECK=$(mktemp -d "${TMPDIR:-/tmp}/marquee-check.XXXXXX")
  trap 'rm -rf "$CHECK"' EXIT
  trap 'check_stop 130' INT
  trap 'check_stop 143' TERM
  chmod go+x "$CHECK"
  for option in STATE BUILD PORT CONF WORKERS; do unset "MARQUEE_DEV_$option"; done
  MARQUEE_DEV_STATE=$CHECK/state
  state_init
  unset MARQUEE_DEV_STATE
  state_make
  RESULTS=$CHECK/results
  : >"$RESULTS"
}

part_gone() { ! pgrep -g "$PART" -r D,R,S,T,t; }

# Told to stop: so is the part under way, with all its children, and it may still clean up.
check_stop() { # exit code
  if [ -n "${PART:-}" ]; then
    kill -TERM -- "-$PART" 2>/dev/null || true
    wait_until 90 part_gone || true
  fi
  exit "$1"
}

# A part prints RESULT lines; one that ends badly without having counted a failure counts as one.
check_part() { # name
  local name=$1 log=$CHECK/$1.log began=$EPOCHREALTIME status=0
  printf '== %-8s ' "$name"
  set -m # a process group of its own
  (set +e +m; trap - EXIT INT TERM; "check_$name") >"$log" 2>&1 </dev/null &
  PART=$!
  set +m
  wait "$PART" || status=$?
  PART=
  if [ $status != 0 ] && ! grep -q '^RESULT .*failed=[1-9]' "$log"; then
    echo "RESULT $name passed=0 failed=1 skipped=0" >>"$log"
  elif ! grep -q '^RESULT ' "$log"; then
    echo "RESULT $name passed=0 failed=1 skipped=0 (it did not run)" >>"$log"
  fi
  grep '^RESULT ' "$log" >>"$RESULTS"
  check_words "$log" "$(seconds_since "$began")"
}

check_words() { # log seconds
  echo "$(results_sum "$1"), $2"
  if grep -q '^RESULT .*failed=[1-9]' "$1"; then
    grep -vE '^  (CC|CCLD|AR|GEN|RANLIB) |^make' "$1" | tail -n 120 | sed 's/^/   | /'
  fi
}

results_sum() { # file of RESULT lines
  awk '/^RESULT / {
    for (i = 3; i <= NF; i++) { n = split($i, kv, "="); if (n == 2) sum[kv[1]] += kv[2] }
  } END { printf "%d passed, %d failed, %d skipped", sum["passed"], sum["failed"], sum["skipped"] }' "$1"
}

check_sum() { # when it began
  echo "everything took $(seconds_since "$1")"
  results_sum "$RESULTS"
  echo
  ! grep -q '^RESULT .*failed=[1-9]' "$RESULTS"
}

result() { # name passed-or-failed: one check by itself
  if [ "$2" = 0 ]; then echo "RESULT $1 passed=1 failed=0 skipped=0"; else
    echo "RESULT $1 passed=0 failed=1 skipped=0"
  fi
}

# ---- builds ----
# The sanitized build serves unit, service and e2e; made by whoever needs it first.
check_build_sanitized() {
  [ ! -f "$CHECK/san/.done" ] || return 0
  CC=gcc build_all "$CHECK/san" --enable-sanitize=address,undefined --enable-werror || return
  touch "$CHECK/san/.done"
}

check_build() {
  local status bad=0
  check_build_sanitized
  status=$?
  result build-sanitized $status
  bad=$((bad | status))
  build_compiled gcc --enable-faults
  status=$?
  result build-gcc $status
  bad=$((bad | status))
  build_compiled clang
  status=$?
  result build-clang $status
  return $((bad | status))
}

# Programs and tests, compiled and linked but not run.
build_compiled() { # compiler option…
  local CC=$1 dir=$CHECK/$1
  export CC
  shift
  autotools_run && build_configure "$dir" --enable-werror "$@" && build_make "$dir" all &&
    build_make "$dir" check TESTS=
}

# ---- parts ----
check_lint() { "$TOP/tests/lint/run" "$TOP"; }

check_unit() {
  local tests status=0
  check_build_sanitized || return
  tests=$(make -s -C "$CHECK/san" --no-print-directory list-tests | grep -E '^tests/(unit|fuzz)/') || return
  # shellcheck disable=SC2086
  build_make "$CHECK/san" check TESTS="$(echo $tests)" >"$CHECK/unit.make" 2>&1 || status=$?
  if [ $status != 0 ]; then grep -E '^(FAIL|XPASS|ERROR)|error:|\*\*\*' "$CHECK/unit.make"; fi
  for test in $tests; do unit_result "$CHECK/san/$test"; done
  return $status
}

# What the harness says and what the program says have to agree.
unit_result() { # path without suffix
  local name=${1##*/} said outcome
  outcome=$(sed -n 's/^:test-result: //p' "$1.trs" 2>/dev/null)
  said=$(grep '^RESULT ' "$1.log" 2>/dev/null | tail -n 1)
  case $outcome in
    XFAIL) result "$name" 0 ;;
    PASS | SKIP) echo "${said:-RESULT $name passed=0 failed=1 skipped=0 (no RESULT line)}" ;;
    *)
      tail -n 40 "$1.log" 2>/dev/null
      case $said in
        *failed=[1-9]*) echo "$said" ;;
        *) result "$name" 1 ;;
      esac
      ;;
  esac
}

check_service() {
  check_build_sanitized || return
  MARQUEE_DEV_BUILD=$CHECK/san "$TOP/tests/service/run"
}

check_e2e() {
  check_build_sanitized || return
  MARQUEE_DEV_BUILD=$CHECK/san "$TOP/tests/e2e/run"
}

# What clients see, once more through each of the other web servers; at the same time, since tests
# mostly wait. The whole suite through each of them is for ./dev soak.
FUNCTIONAL="test_counts test_events test_http test_lists test_registration test_seed test_visibility"
SERVERS_CHECKED="nginx|$FUNCTIONAL test_auth
apache|$FUNCTIONAL test_auth
lighttpd-cgi|test_http test_seed test_registration
apache-fcgid|test_http test_seed"

check_servers() {
  local server scripts
  CC=gcc build_all "$CHECK/gcc" --enable-werror --enable-faults || return
  while IFS='|' read -r server scripts; do
    # shellcheck disable=SC2086 # words
    MARQUEE_DEV_BUILD=$CHECK/gcc "$TOP/tests/e2e/run" --server "$server" $scripts >"$CHECK/through.$server" 2>&1 &
  done <<<"$SERVERS_CHECKED"
  wait
  while IFS='|' read -r server _; do
    sed "s/^RESULT \([^ ]*\)/RESULT $server:\1/" "$CHECK/through.$server"
    tail -n 1 "$CHECK/through.$server" | grep -q '^RESULT e2e ' ||
      echo "RESULT $server passed=0 failed=1 skipped=0 (it did not end)"
  done <<<"$SERVERS_CHECKED"
}

check_attack() {
  check_build_sanitized || return
  MARQUEE_DEV_BUILD=$CHECK/san "$TOP/tests/attack/run"
}

# The experiments in their short form; sanitizers would get in the way of some.
check_fault() {
  CC=gcc build_all "$CHECK/gcc" --enable-werror --enable-faults || return
  MARQUEE_DEV_BUILD=$CHECK/gcc "$TOP/tests/fault/run"
}

# What one request costs, in the build that is installed: neither sanitizers nor fault points.
check_counts() {
  CC=gcc build_all "$CHECK/plain" || return
  MARQUEE_DEV_BUILD=$CHECK/plain T_DEV=$TOP/dev PYTHONDONTWRITEBYTECODE=1 python3 "$TOP/tests/bench/counts.py"
}

# The tarball builds, tests and installs without git, and holds every tracked file.
check_dist() {
  local status
  export CC=gcc
  autotools_run && build_configure "$CHECK/gcc" --enable-werror --enable-faults || return
  build_make "$CHECK/gcc" distcheck >"$CHECK/dist.make" 2>&1
  status=$?
  [ $status = 0 ] || tail -n 60 "$CHECK/dist.make"
  result distcheck $status
  dist_complete
  result dist-complete $?
}

dist_complete() {
  local missing
  if ! git -C "$TOP" rev-parse HEAD >/dev/null 2>&1; then
    echo "no git history here: the tarball's list of files is not compared"
    return 0
  fi
  missing=$(comm -23 <(git -C "$TOP" ls-files | sort) \
    <(tar -tzf "$CHECK"/gcc/marquee-*.tar.gz | sed 's|^[^/]*/||' | sort))
  [ -z "$missing" ] && return
  printf 'tracked, but not in the tarball (list it in a sources.am):\n%s\n' "$missing"
  return 1
}
