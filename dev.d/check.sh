# shellcheck shell=bash disable=SC2034 # variables are shared with the other parts
# dev.d/check.sh - everything that must hold, in throwaway folders, while a stack may be running

# What clients see, once more through each of the other web servers. The whole suite through each of
# them is for ./dev soak.
FUNCTIONAL="test_counts test_events test_http test_lists test_registration test_seed test_visibility"

CHECK_PARTS="lint build unit service e2e browser servers attack fault counts dist"

# part | command: the jobs, in the order in which they are begun. Most of a test is waiting, so that
# several run side by side. Jobs that say the same share its scripts: each takes what none has taken.
CHECK_JOBS='build|check_built san
build|check_built faults
fault|check_suite faults fault
e2e|check_suite san e2e
lint|check_lint
browser|check_browser
service|check_suite san service
fault|check_suite faults fault
e2e|check_suite san e2e
servers|check_suite faults e2e --server nginx test_auth '"$FUNCTIONAL"'
fault|check_suite faults fault
servers|check_suite faults e2e --server apache test_auth '"$FUNCTIONAL"'
e2e|check_suite san e2e
service|check_suite san service
fault|check_suite faults fault
servers|check_suite faults e2e --server lighttpd-cgi test_http test_seed test_registration
attack|check_suite san attack
servers|check_suite faults e2e --server apache-fcgid test_http test_seed
attack|check_suite san attack
unit|check_unit
counts|check_counts
dist|check_dist
build|check_built clang'

cmd_check() { # [--jobs N] [PART…]
  local part began=$EPOCHREALTIME
  if [ -n "${MARQUEE_DEV_INSIDE_CHECK:-}" ]; then
    say "./dev check is what is running just now"
    return
  fi
  CHECK_SLOTS=$((2 * $(nproc)))
  if [ "${1:-}" = --jobs ]; then
    CHECK_SLOTS=${2:-}
    shift 2
  fi
  [[ $CHECK_SLOTS =~ ^[1-9][0-9]?$ ]] || die "check --jobs wants a number from 1 to 99"
  for part in "$@"; do
    case " $CHECK_PARTS " in *" $part "*) ;; *) die "check has no part '$part'" "parts: $CHECK_PARTS" ;; esac
  done
  check_begin
  # shellcheck disable=SC2046 # words
  packages_ensure $PACKAGES_UP $PACKAGES_CHECK $PACKAGES_BROWSER $(servers_packages)
  check_jobs " ${*:-$CHECK_PARTS} "
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
  mkdir "$CHECK/jobs" "$CHECK/taken"
  : >"$RESULTS"
}

# ---- jobs ----
declare -A JOB_PART=() JOB_LOG=() JOB_SLOT=() JOB_BEGAN=() # by pid, of those that run
declare -A PART_LEFT=() PART_TOOK=()                       # by part: jobs that have not ended; how long the others took

check_jobs() { # " part part "
  local part command
  local -a todo
  mapfile -t todo < <(while IFS= read -r row; do
    case $1 in *" ${row%%|*} "*) echo "$row" ;; esac
  done <<<"$CHECK_JOBS")
  for part in "${todo[@]%%|*}"; do PART_LEFT[$part]=$((${PART_LEFT[$part]:-0} + 1)); done
  while IFS='|' read -r part command; do
    [ ${#JOB_PART[@]} -lt "$CHECK_SLOTS" ] || check_job_end
    check_job_begin "$part" "$command"
  done < <(printf '%s\n' "${todo[@]}")
  while [ ${#JOB_PART[@]} -gt 0 ]; do check_job_end; done
}

# In a process group of its own, with ports that no other chooses from.
check_job_begin() { # part command
  local log slot=0
  log=$(mktemp "$CHECK/jobs/$1.XXXXXX")
  while [[ " ${JOB_SLOT[*]} " == *" $slot "* ]]; do slot=$((slot + 1)); done
  set -m
  # shellcheck disable=SC2086 # words
  (set +e +m; trap - EXIT INT TERM; export T_PORTS=$((20000 + slot * 100)); $2) >"$log" 2>&1 </dev/null &
  set +m
  JOB_PART[$!]=$1 JOB_LOG[$!]=$log JOB_SLOT[$!]=$slot JOB_BEGAN[$!]=$EPOCHREALTIME
}

# Waits for one. It prints RESULT lines; one that ends badly without having counted a failure counts as one.
check_job_end() {
  local pid part log status=0
  wait -n -p pid "${!JOB_PART[@]}" || status=$?
  part=${JOB_PART[$pid]} log=${JOB_LOG[$pid]}
  PART_TOOK[$part]+=" $(seconds_since "${JOB_BEGAN[$pid]}")"
  unset "JOB_PART[$pid]" "JOB_LOG[$pid]" "JOB_SLOT[$pid]" "JOB_BEGAN[$pid]"
  if [ $status != 0 ] && ! grep -q '^RESULT .*failed=[1-9]' "$log"; then
    echo "RESULT $part passed=0 failed=1 skipped=0" >>"$log"
  elif ! grep -q '^RESULT ' "$log"; then
    echo "RESULT $part passed=0 failed=1 skipped=0 (it did not run)" >>"$log"
  fi
  PART_LEFT[$part]=$((${PART_LEFT[$part]} - 1))
  [ "${PART_LEFT[$part]}" -gt 0 ] || check_part_end "$part"
}

check_part_end() { # name
  local log
  cat "$CHECK/jobs/$1".* >"$CHECK/$1.log"
  grep '^RESULT ' "$CHECK/$1.log" >>"$RESULTS"
  printf '== %-8s %s, %s\n' "$1" "$(results_sum "$CHECK/$1.log")" \
    "$(awk '{ for (i = 1; i < NF; i += 2) t += $i; printf "%.1f s in %d jobs", t, NF / 2 }' <<<"${PART_TOOK[$1]}")"
  for log in "$CHECK/jobs/$1".*; do
    grep -q '^RESULT .*failed=[1-9]' "$log" || continue
    grep -vE '^  (CC|CCLD|AR|GEN|RANLIB) |^make' "$log" | tail -n 120 | sed 's/^/   | /'
  done
}

# Told to stop: so are the jobs under way, with all that they have started (timeout makes groups of its
# own); they may still clean up.
check_stop() { # exit code
  local family
  trap '' INT TERM
  # shellcheck disable=SC2046 # words
  family=$(check_family $(jobs -p))
  # shellcheck disable=SC2086
  [ -z "$family" ] || { kill -TERM $family 2>/dev/null; wait_until 90 check_gone $family; } || true
  exit "$1"
}

check_family() { # pids: they and all below
  local pid
  for pid in "$@"; do
    # shellcheck disable=SC2046 # words
    echo "$pid" $(check_family $(pgrep -P "$pid"))
  done
}

check_gone() { # pids
  local pid
  for pid in "$@"; do ! start_time "$pid" || return 1; done
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
# Made by whoever needs it first, with all test programs; the others wait.
CHECK_BUILDS='san|gcc|--enable-sanitize=address,undefined --enable-werror
faults|gcc|--enable-werror --enable-faults
plain|gcc|
clang|clang|--enable-werror'

check_build() { # name
  local name compiler options
  while IFS='|' read -r name compiler options; do
    [ "$name" != "$1" ] || break
  done <<<"$CHECK_BUILDS"
  (
    flock 7
    [ ! -f "$CHECK/$name.done" ] || exit 0
    export CC=$compiler
    # shellcheck disable=SC2086 # words
    build_all "$CHECK/$name" $options && build_make "$CHECK/$name" check TESTS= && touch "$CHECK/$name.done"
  ) 7>"$CHECK/$name.lock"
}

check_built() { # name: as a check of its own
  local status
  check_build "$1"
  status=$?
  result "build-$1" $status
  return $status
}

# ---- parts ----
check_lint() { "$TOP/tests/lint/run" "$TOP"; }

check_unit() {
  local tests status=0
  check_build san || return
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

# Each driver makes throwaway stacks out of that build.
check_suite() { # build suite arguments of its driver…
  local taken
  taken=$CHECK/taken/$(tr -c 'a-z0-9\n' - <<<"$*")
  mkdir -p "$taken"
  check_build "$1" || return
  T_TAKEN=$taken MARQUEE_DEV_BUILD=$CHECK/$1 "$TOP/tests/$2/run" "${@:3}"
}

# What one request costs, in the build that is installed: neither sanitizers nor fault points.
check_counts() {
  check_build plain || return
  MARQUEE_DEV_BUILD=$CHECK/plain T_DEV=$TOP/dev PYTHONDONTWRITEBYTECODE=1 python3 "$TOP/tests/bench/counts.py"
}

# The tarball builds, tests and installs without git, and holds every tracked file.
check_dist() {
  local status
  export CC=gcc
  autotools_run && build_configure "$CHECK/dist" --enable-werror --enable-faults || return
  build_make "$CHECK/dist" distcheck >"$CHECK/dist.make" 2>&1
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
    <(tar -tzf "$CHECK"/dist/marquee-*.tar.gz | sed 's|^[^/]*/||' | sort))
  [ -z "$missing" ] && return
  printf 'tracked, but not in the tarball (list it in a sources.am):\n%s\n' "$missing"
  return 1
}
