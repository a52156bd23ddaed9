# shellcheck shell=bash
# tests/stack.sh - a throwaway stack for a test driver, made by ./dev itself; sourced, not run

STACK_DEV=$T_SRCDIR/dev

# Picks a folder, a port and a build; the caller's exit takes the stack down.
stack_prepare() {
  if [ -z "${MARQUEE_DEV_BUILD:-}" ]; then
    MARQUEE_DEV_BUILD=$("$STACK_DEV" build) || exit 1
  fi
  T_STATE=$(mktemp -d "${TMPDIR:-/tmp}/marquee-test.XXXXXX")
  chmod go+x "$T_STATE"
  export MARQUEE_DEV_BUILD T_STATE MARQUEE_DEV_STATE=$T_STATE/state DEV_THROWAWAY=1
  MARQUEE_DEV_PORT=$(stack_port)
  export MARQUEE_DEV_PORT
  trap stack_remove EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

# Below the ports that the kernel hands out itself; T_PORTS: of these hundred, which nobody else uses.
stack_port() {
  local port
  while :; do
    port=$((${T_PORTS:-0} ? T_PORTS + RANDOM % 100 : 20000 + RANDOM % 10000))
    (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  echo "$port"
}

stack_remove() {
  [ -d "$MARQUEE_DEV_STATE" ] && QUIET=yes "$STACK_DEV" down --purge
  rm -rf "$T_STATE"
}

# Sanitizer reports of the whole stack: none may exist. Prints what was found.
stack_reports() {
  local report found=0
  for report in "$MARQUEE_DEV_STATE"/log/report.*; do
    [ -f "$report" ] || continue
    echo "sanitizer report ${report##*/}:"
    head -n 40 "$report"
    found=1
  done
  return $found
}

# One make at a time in a build folder that several drivers use.
stack_make() { # target…
  flock "$MARQUEE_DEV_BUILD" make -C "$MARQUEE_DEV_BUILD" --no-print-directory -j"$(nproc)" V=0 "$@"
}

stack_super() { # arguments of psql, as superuser on the stack's socket; -U for another role
  local as=()
  [ "$(id -u)" != 0 ] || as=(setpriv --reuid=postgres --regid=postgres --init-groups -- env HOME=/)
  (cd / && "${as[@]}" psql -X -q -v ON_ERROR_STOP=1 -h "$T_RUN/pg" -U postgres "$@")
}

# A build with fault points; made once, or the one that was given if it has them.
stack_faults() {
  if [ -z "${MARQUEE_DEV_BUILD:-}" ]; then
    MARQUEE_DEV_BUILD=$("$STACK_DEV" build --enable-faults) || exit 1
    export MARQUEE_DEV_BUILD
  elif ! grep -q DMARQUEE_FAULTS "$MARQUEE_DEV_BUILD/Makefile"; then
    echo "$MARQUEE_DEV_BUILD has no fault points: configure it with --enable-faults" >&2
    exit 1
  fi
}

# ---- scripts that print RESULT as their last line ----
passed=0 failed=0 bad=

script_note() { # name ok-or-not text
  if [ "$2" = 0 ]; then passed=$((passed + 1)); else
    failed=$((failed + 1))
    echo "FAIL $1: $3"
  fi
}

# Drivers with the same folder T_TAKEN share one list: each runs what none of the others has begun.
script_take() { # name
  [ -z "${T_TAKEN:-}" ] || mkdir "$T_TAKEN/${1##*/}" 2>/dev/null
}

script_files() { # folder [NAME…]: all of its test_*, large ones first, or those named
  local folder=${T_SCRIPTS:-$T_SRCDIR/$1} name
  shift
  if [ $# = 0 ]; then
    find "$folder" -maxdepth 1 -name 'test_*.[pm][yj]*' -printf '%s %p\n' | sort -rn | cut -d ' ' -f 2-
    return
  fi
  for name in "$@"; do
    name=${name##*/} name=${name%.*}
    if [ -f "$folder/$name.mjs" ]; then echo "$folder/$name.mjs"; else echo "$folder/$name.py"; fi
  done
}

# With T_SHOW everything that a script says is shown at once, else the end of what failed.
script_command() { # file log
  local by=python3
  [ "${1##*.}" != mjs ] || by=node
  if [ -n "${T_SHOW:-}" ]; then
    PYTHONUNBUFFERED=1 timeout "${T_TIMEOUT:-900}" $by "$1" 2>&1 </dev/null | tee "$2" | grep --line-buffered -v '^RESULT '
    return "${PIPESTATUS[0]}"
  fi
  timeout "${T_TIMEOUT:-900}" $by "$1" >"$2" 2>&1 </dev/null
}

# One that ends badly without having counted a failure counts as one.
script_run() { # file
  local name=${1##*/} log status=0
  log=$(mktemp)
  script_command "$1" "$log" || status=$?
  if [ "$status" != 0 ] && [ "$status" != 77 ] && [ -z "${T_SHOW:-}" ]; then
    grep -v '^RESULT ' "$log" | tail -n 60
  fi
  if grep -q '^RESULT .*failed=[1-9]' "$log"; then bad=yes; fi # counted by its own line
  if ! grep '^RESULT ' "$log" | tail -n 1; then
    script_note "$name" 1 "ended with $status and gave no RESULT"
  elif [ "$status" != 0 ] && [ "$status" != 77 ] && ! grep -q '^RESULT .*failed=[1-9]' "$log"; then
    script_note "$name" 1 "ended with $status although nothing failed"
  fi
  rm -f "$log"
}

script_sum() { # name
  echo "RESULT $1 passed=$passed failed=$failed skipped=0"
  [ $failed = 0 ] && [ -z "$bad" ]
}
