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

stack_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 10000))
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

stack_super() { # arguments of psql, as superuser on the stack's socket; -U for another role
  local as=()
  [ "$(id -u)" != 0 ] || as=(setpriv --reuid=postgres --regid=postgres --init-groups -- env HOME=/)
  (cd / && "${as[@]}" psql -X -q -v ON_ERROR_STOP=1 -h "$T_RUN/pg" -U postgres "$@")
}
