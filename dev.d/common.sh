# shellcheck shell=bash disable=SC2034 # variables are shared with the other parts
# dev.d/common.sh - where things lie, who runs what, and how progress is shown

QUIET=${QUIET:-}

die() {
  printf 'dev: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf '     %s\n' "${@:2}" >&2
  exit 1
}

say() { [ -n "$QUIET" ] || printf '%s\n' "$*"; }

is_root() { [ "$(id -u)" = 0 ]; }

# Sets STATE and everything below it. Makes nothing: that is state_make's part.
state_init() {
  if [ -n "${MARQUEE_DEV_STATE:-}" ]; then
    STATE=$MARQUEE_DEV_STATE
  elif is_root; then
    STATE=/var/lib/marquee-dev
  else
    STATE=${XDG_STATE_HOME:-$HOME/.local/state}/marquee-dev
  fi
  case $STATE in /*) ;; *) STATE=$PWD/$STATE ;; esac
  case $STATE in *[[:space:]\'\"\\]*) die "the state folder's name may not hold blanks or quotes: $STATE" ;; esac
  LOGS=$STATE/log
  PIDS=$STATE/pid
  CONF=$STATE/marquee.conf
  BUILD=${MARQUEE_DEV_BUILD:-$STATE/build}
  INST=$BUILD/inst
  # The application's and PostgreSQL's system users; PostgreSQL refuses to run as root.
  APP_USER=$(id -un) PG_USER=$(id -un)
  if is_root; then APP_USER=www-data PG_USER=postgres; fi
  RUN=
  [ ! -f "$STATE/run" ] || RUN=$(<"$STATE/run")
  # Our own settings must not look like options of the programs.
  WORKERS=${MARQUEE_DEV_WORKERS:-4}
  WANTED_PORT=${MARQUEE_DEV_PORT:-}
  EXTRA_CONF=${MARQUEE_DEV_CONF:-}
}

# The folder for sockets must have a short name (107 bytes is the limit for a unix socket).
run_dir_choose() {
  local hash base
  hash=$(printf '%s' "$STATE" | sha256sum | cut -c1-8)
  for base in "$(is_root && echo /run)" "${XDG_RUNTIME_DIR:-}" /tmp; do
    [ -n "$base" ] && [ -d "$base" ] && [ -w "$base" ] && [ ${#base} -le 40 ] || continue
    echo "$base/marquee-dev.$hash"
    return
  done
  die "no writable folder with a short name for sockets (/run, XDG_RUNTIME_DIR, /tmp)"
}

# A folder of our own under a name others could guess: never follow or adopt theirs.
run_dir_make() {
  [ -n "$RUN" ] || RUN=$(run_dir_choose)
  mkdir -m 0700 "$RUN" 2>/dev/null || true
  if [ -L "$RUN" ] || [ ! -d "$RUN" ] || [ ! -O "$RUN" ]; then
    die "$RUN exists and is not ours"
  fi
  printf '%s\n' "$RUN" >"$STATE/run"
  if is_root; then chmod 0711 "$RUN"; else chmod 0700 "$RUN"; fi
  dir_for "$PG_USER" 0755 "$RUN/pg"
  dir_for "$APP_USER" 0750 "$RUN/app"
}

dir_for() { # user mode path
  mkdir -p "$3"
  chmod "$2" "$3"
  if is_root; then chown "$1:" "$3"; fi
}

# The same for a name that others can guess, in a folder that others can write: a link, or a folder
# of somebody else's, is refused.
dir_private() { # user path: mode 0700
  mkdir -m 0700 "$2" 2>/dev/null || true
  if [ -L "$2" ] || ! [[ $(stat -c %U "$2") == @("$1"|"$(id -un)") ]]; then
    die "$2 exists and is not ours"
  fi
  dir_for "$1" 0700 "$2"
}

state_make() {
  mkdir -p "$STATE" "$PIDS" || die "cannot make $STATE" "set MARQUEE_DEV_STATE to a folder you may write"
  if is_root; then
    chmod go+x "$STATE" # the system users have to get through
  else
    chmod 0700 "$STATE"
  fi
}

# After the packages are there: folders owned by the packages' users.
state_populate() {
  dir_for "$APP_USER" 0755 "$LOGS"
  run_dir_make
}

# Shared memory wants a tmpfs. Prints the folder; the runtime folder when nothing better exists.
shm_dir() {
  if [ "$(stat -f -c %T "$RUN")" != tmpfs ] && [ "$(stat -f -c %T /dev/shm 2>/dev/null)" = tmpfs ] &&
    [ -w /dev/shm ]; then
    echo "/dev/shm/${RUN##*/}"
  else
    echo "$RUN/app/shm"
  fi
}

# One change of the stack at a time; the lock goes with the process.
state_lock() {
  exec 9>"$STATE/lock"
  flock -w 600 9 || die "another ./dev has been working on $STATE for ten minutes"
}

# Runs a command as a system user when we are root. HOME is moved so that nothing reads root's files.
as_user() { # user command…
  local user=$1
  shift
  if is_root && [ "$user" != root ]; then
    setpriv --reuid="$user" --regid="$(id -gn "$user")" --init-groups -- \
      env HOME=/nonexistent USER="$user" LOGNAME="$user" "$@"
  else
    "$@"
  fi
}

# Programs must not take our own settings for their options.
OWN_ENV=(env -u MARQUEE_DEV_STATE -u MARQUEE_DEV_PORT -u MARQUEE_DEV_WORKERS -u MARQUEE_DEV_CONF
  -u MARQUEE_DEV_BUILD -u DEV_THROWAWAY)

# step TEXT LOG FUNCTION [ARGUMENTS]: one line of progress; on failure the end of the log, and stop.
# Functions run here have no set -e (bash switches it off in conditions): they chain with && or || return.
step() {
  local text=$1 log=$LOGS/$2.log began=$EPOCHREALTIME
  shift 2
  mkdir -p "$LOGS"
  [ -n "$QUIET" ] || printf '  %-46s' "$text …"
  if "$@" >>"$log" 2>&1; then
    say "$(seconds_since "$began")"
    return
  fi
  [ -n "$QUIET" ] || echo "failed after $(seconds_since "$began")"
  {
    echo "dev: $text: failed. The end of $log:"
    tail -n 25 "$log" | sed 's/^/  | /'
    for log in "$LOGS"/report.*; do
      [ ! -f "$log" ] || { echo "and $log:"; head -n 30 "$log" | sed 's/^/  | /'; }
    done
  } >&2
  [ -z "${HINT:-}" ] || echo "hint: $HINT" >&2
  exit 1
}

seconds_since() { # an EPOCHREALTIME
  awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%5.1f s\n", b - a }'
}

# wait_until SECONDS COMMAND…: polls ten times a second.
wait_until() {
  local tries=$(($1 * 10))
  shift
  while ! "$@" >/dev/null 2>&1; do
    [ $((tries -= 1)) -gt 0 ] || return 1
    sleep 0.1
  done
}
