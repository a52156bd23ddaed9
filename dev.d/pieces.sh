# shellcheck shell=bash
# dev.d/pieces.sh - background processes: started in sessions of their own, known by pid and start time

# Field 22 of /proc/PID/stat: with the pid it names one process for ever. Fails for none and zombies.
start_time() {
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  stat=${stat##*) }
  # shellcheck disable=SC2086
  set -- $stat
  [ "$1" != Z ] && [ "$1" != X ] || return 1
  echo "${20}"
}

BOOT=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null || echo unknown)

# Sets PIECE to the recorded pid; fails when there is none of this boot.
piece_recorded() { # name
  local boot
  PIECE='' PIECE_BEGAN=''
  [ -f "$PIDS/$1" ] || return 1
  read -r PIECE PIECE_BEGAN boot <"$PIDS/$1" || return 1
  [ "$boot" = "$BOOT" ]
}

piece_pid() { # name: its pid if it lives
  piece_recorded "$1" && [ "$(start_time "$PIECE")" = "$PIECE_BEGAN" ] && echo "$PIECE"
}

piece_alive() { piece_pid "$1" >/dev/null; }

# piece_start NAME USER COMMAND…: output goes to NAME.log; our lock is not passed on.
piece_start() {
  local name=$1 user=$2 pid
  shift 2
  touch "$LOGS/$name.log" || return
  (
    cd / || exit
    exec 9>&- </dev/null >>"$LOGS/$name.log" 2>&1
    piece_exec "$user" "$@"
  ) &
  pid=$!
  disown "$pid" 2>/dev/null || true
  printf '%s %s %s\n' "$pid" "$(start_time "$pid")" "$BOOT" >"$PIDS/$name"
}

# The shell becomes the program, so the pid stays.
piece_exec() {
  local user=$1 drop=()
  shift
  if is_root && [ "$user" != root ]; then
    drop=(setpriv --reuid="$user" --regid="$(id -gn "$user")" --init-groups -- env HOME=/nonexistent)
  fi
  exec setsid "${drop[@]}" "${OWN_ENV[@]}" "$@"
}

# piece_ready NAME SECONDS TEST…: waits until TEST holds; gives up at once when the piece has died.
piece_ready() {
  local name=$1 tries=$(($2 * 10))
  shift 2
  while ! "$@" >/dev/null 2>&1; do
    if ! piece_alive "$name"; then
      echo "$name ended; the end of its log:"
      tail -n 15 "$LOGS/$name.log"
      return 1
    fi
    if [ $((tries -= 1)) -le 0 ]; then
      echo "$name did not become ready; the end of its log:"
      tail -n 15 "$LOGS/$name.log"
      return 1
    fi
    sleep 0.1
  done
}

# Nothing of the session of PIECE is left (a supervisor may end before its children do). While it has members
# the kernel gives its number to nobody else: a process of that number which began later says it is empty.
session_gone() {
  local began
  began=$(start_time "$1") && [ "$began" != "$PIECE_BEGAN" ] && return
  ! pgrep -s "$1" -r D,R,S,T,t >/dev/null
}

# piece_stop NAME SIGNAL SECONDS: politely, then not. Also what a killed supervisor has left behind.
piece_stop() {
  local name=$1 signal=$2 seconds=$3 sid
  if piece_recorded "$name" && sid=$PIECE; then
    if piece_alive "$name"; then
      kill -s "$signal" "$sid" 2>/dev/null
    elif ! start_time "$sid" >/dev/null; then
      pkill -s "$sid" --signal "$signal" || true
    else
      seconds=0 # the number belongs to somebody else today
    fi
    if [ "$seconds" != 0 ] && ! wait_until "$seconds" session_gone "$sid"; then
      echo "$name did not stop within $seconds s; killed"
      session_gone "$sid" || pkill -KILL -s "$sid" || true
      wait_until 5 session_gone "$sid"
    fi
  fi
  rm -f "$PIDS/$name" "$PIDS/$name.sig"
}

# What a piece was started from: when this text differs the piece has to be started anew.
signature() { # words and files; of files the inode and time count
  local word
  for word in "$@"; do
    if [ -f "$word" ]; then stat -L -c '%n %i %Y %s' "$word"; else echo "$word"; fi
  done
}

piece_current() { # name signature
  piece_alive "$1" && [ "$(cat "$PIDS/$1.sig" 2>/dev/null)" = "$2" ]
}

piece_sign() { printf '%s\n' "$2" >"$PIDS/$1.sig"; }
