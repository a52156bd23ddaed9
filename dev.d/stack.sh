# shellcheck shell=bash disable=SC2034 # variables are shared with the other parts
# dev.d/stack.sh - the other pieces: memcached, broker, mail, notifier, workers, web server; configuration and data

# Order of starting; down goes the other way.
PIECES="postgresql memcached devbroker mail notifier workers web"

# ---- port ----
port_taken() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

port_choose() {
  local port
  if [ -n "$WANTED_PORT" ]; then
    port=$WANTED_PORT
  elif [ -f "$STATE/port" ]; then
    port=$(<"$STATE/port")
  else
    port=8080
    while port_taken "$port"; do port=$((port + 1)); done
  fi
  if port_taken "$port" && ! { piece_alive web && [ "$port" = "$(port 2>/dev/null)" ]; }; then
    die "port $port is in use by another program" "MARQUEE_DEV_PORT=NUMBER ./dev up takes another"
  fi
  echo "$port" >"$STATE/port"
}

port() { cat "$STATE/port"; }

url() { echo "http://127.0.0.1:$(port)"; }

# ---- configuration ----
secret() {
  if [ ! -s "$STATE/jwt_secret" ]; then
    (umask 077 && head -c 48 /dev/urandom | base64 -w 0 >"$STATE/jwt_secret") || return
  fi
  cat "$STATE/jwt_secret"
}

# Times are long: a machine that builds and tests is busy. A delete that comes late is a memcached that is
# down, of which nothing is believed until the database has been asked; a queue for one lock is as slow as the
# slowest in it.
conf_own() {
  cat <<TEXT
# Written by ./dev up at every start; lines of your own belong into a file named by MARQUEE_DEV_CONF.
db.dsn = $(dsn marquee_web)
cache.servers = $RUN/app/memcached.sock
db.connect_timeout = 20s
db.lock_timeout = 20s
db.statement_timeout = 30s
cache.timeout = 5s
kafka.brokers = $(cat "$RUN/app/broker")
http.public_url = $(url)
http.server_timing = on
http.queue_wait = 0
auth.jwt_secret = $(secret)
auth.access_ttl = 24h
auth.refuse_common = off
auth.hash_wait = 1m
limits.enabled = off
shm.dir = $(shm_dir)
notifier.socket = $RUN/app/notifier.sock
log.file = $LOGS/marquee.log
TEXT
  ! mail_wanted || printf 'mail.smtp_url = smtp://127.0.0.1:%s\nmail.from = Marquee <no-reply@marquee.example>\n' "$(cat "$STATE/mailport")"
}

# Lines of the caller's own take the place of ours: an option may stand only once.
conf_text() {
  [ -n "$EXTRA_CONF" ] || { conf_own; return; }
  conf_own | awk -F '[ =]+' -v more="$EXTRA_CONF" \
    'BEGIN { while ((getline < more) > 0) theirs[$1] = 1 } !($1 in theirs)' && cat "$EXTRA_CONF"
}

# Readable for the workers' user and nobody else: it holds the signing secret.
conf_write() {
  local text
  dir_private "$APP_USER" "$(shm_dir)" && text=$(conf_text) || return
  (umask 077 && printf '%s\n' "$text" >"$CONF.new") || return
  chmod 0640 "$CONF.new" || return
  if is_root; then chown "root:$(id -gn "$APP_USER")" "$CONF.new" || return; fi
  if cmp -s "$CONF.new" "$CONF"; then rm "$CONF.new"; else mv "$CONF.new" "$CONF"; fi
  touch "$LOGS/marquee.log" && if is_root; then chown "$APP_USER:" "$LOGS/marquee.log"; fi
}

# ---- our programs: their configuration, their role in the database ----
# Sanitizers report into the state folder: a crashed worker is replaced at once and would go unseen. A web
# server that has connected may be slow to say what for.
program_env() { # role: sets PROGRAM_ENV, the words before a command line
  PROGRAM_ENV=("${OWN_ENV[@]}" "MARQUEE_CONFIG=$CONF"
    "ASAN_OPTIONS=log_path=$LOGS/report.asan:detect_leaks=1"
    "UBSAN_OPTIONS=log_path=$LOGS/report.ubsan:print_stacktrace=1"
    LIBFCGI_IS_AF_UNIX_KEEPER_POLL_TIMEOUT=10000)
  [ -z "${1:-}" ] || PROGRAM_ENV+=("MARQUEE_DB_DSN=$(dsn "$1")")
}

# Nobody waits behind it: it may take its time on a busy machine.
cli_as() { # role arguments…
  program_env "$1"
  PROGRAM_ENV+=("MARQUEE_DB_CONNECT_TIMEOUT=${MARQUEE_DB_CONNECT_TIMEOUT:-30s}")
  shift
  (cd / && as_user "$APP_USER" "${PROGRAM_ENV[@]}" "$INST/bin/marquee" "$@")
}

# ---- memcached, broker, notifier ----
memcached_start() {
  local socket=$RUN/app/memcached.sock sig
  sig=$(signature "$(command -v memcached)" "$socket")
  piece_current memcached "$sig" && return
  piece_stop memcached TERM 10
  rm -f "$socket"
  piece_start memcached "$APP_USER" memcached -s "$socket" -a 0660 -m 64 -c 512 &&
    piece_ready memcached 60 test -S "$socket" && piece_sign memcached "$sig"
}

devbroker_start() {
  local sig program=$BUILD/src/devbroker/devbroker
  sig=$(signature "$program" "$RUN")
  piece_current devbroker "$sig" && return
  piece_stop devbroker TERM 10
  rm -f "$RUN/app/broker" # of one that was killed
  cp -f "$program" "$STATE/devbroker" && chmod 755 "$STATE/devbroker" || return
  piece_start devbroker "$APP_USER" "$STATE/devbroker" "$RUN/app/broker" "$RUN/app/broker.ctl" &&
    piece_ready devbroker 60 test -s "$RUN/app/broker" && piece_sign devbroker "$sig"
}

# ---- mail: a server that keeps what comes; a throwaway stack has one if DEV_MAIL names its port ----
mail_wanted() { [ -z "${DEV_THROWAWAY:-}" ] || [ -n "${DEV_MAIL:-}" ]; }

mail_port_choose() {
  local port=${DEV_MAIL:-2525}
  [ -f "$STATE/mailport" ] && { cat "$STATE/mailport"; return; }
  while port_taken "$port"; do port=$((port + 1)); done
  echo "$port" | tee "$STATE/mailport"
}

mail_start() {
  local port sig
  mail_wanted || return 0
  port=$(mail_port_choose) && sig=$(signature "$port") || return
  piece_current mail "$sig" && return
  piece_stop mail TERM 10
  dir_for "$APP_USER" 0700 "$STATE/mail" &&
    piece_start mail "$APP_USER" /usr/bin/python3 -m aiosmtpd -n -l "127.0.0.1:$port" -c aiosmtpd.handlers.Mailbox "$STATE/mail/box" &&
    piece_ready mail 60 port_taken "$port" && piece_sign mail "$sig"
}

notifier_start() {
  local sig program=$INST/sbin/marquee-notifier socket=$RUN/app/notifier.sock
  sig=$(signature "$program" "$CONF")
  piece_current notifier "$sig" && return
  piece_stop notifier TERM 15
  rm -f "$socket"
  program_env marquee_notifier
  piece_start notifier "$APP_USER" "${PROGRAM_ENV[@]}" "$program" &&
    piece_ready notifier 60 test -S "$socket" && piece_sign notifier "$sig"
}

# ---- workers ----
FCGI() { echo "$INST/libexec/marquee/marquee.fcgi"; }

workers_signature() { signature "$(FCGI)" "$CONF" "$WORKERS"; }

workers_complete() {
  [ "$(pgrep -c -s "$(piece_pid workers)" -x marquee.fcgi)" -ge "$WORKERS" ]
}

# One request as plain CGI: a program that cannot answer this must not replace one that can.
workers_preflight() {
  local answer
  program_env
  answer=$(cd / && as_user "$APP_USER" "${PROGRAM_ENV[@]}" REQUEST_METHOD=GET REQUEST_URI=/livez \
    SCRIPT_NAME= PATH_INFO=/livez QUERY_STRING= SERVER_PROTOCOL=HTTP/1.1 SERVER_NAME=localhost \
    SERVER_PORT=80 REMOTE_ADDR=127.0.0.1 GATEWAY_INTERFACE=CGI/1.1 "$(FCGI)" </dev/null) || return
  case $answer in
    "Status: 200"*) ;;
    *) printf 'as plain CGI, /livez answered:\n%s\n' "$answer"; return 1 ;;
  esac
}

# The new pool binds a new socket and renames it over the old; then the old one drains and leaves.
# multiwatch: retry for ever. Its default signal stays, USR1, which lets workers finish: the names
# after -s are one place off in Debian's (-s TERM sends QUIT, which kills).
workers_switch() {
  local fresh=$RUN/app/fcgi.new socket=$RUN/app/fcgi.sock
  workers_preflight || return
  rm -f "$fresh"
  mv -f "$PIDS/workers" "$PIDS/workers.old" 2>/dev/null
  program_env
  piece_start workers "$APP_USER" "${PROGRAM_ENV[@]}" spawn-fcgi -s "$fresh" -M 0660 -b "${DEV_BACKLOG:-4096}" -n -- \
    "$(command -v multiwatch)" -f "$WORKERS" -r 1000000 -t 1 -- "$(FCGI)"
  if ! piece_ready workers 60 workers_complete; then
    piece_stop workers TERM 5
    mv -f "$PIDS/workers.old" "$PIDS/workers" 2>/dev/null
    return 1
  fi
  mv -fT "$fresh" "$socket" && piece_sign workers "$(workers_signature)" &&
    piece_stop workers.old TERM 40
}

workers_start() {
  piece_current workers "$(workers_signature)" || workers_switch
}

# ---- the whole ----
# Everything runs; now all parts must also have found each other. A stack whose part is missing on
# purpose stays degraded: that is for ./dev status and /health to say.
site_settled() {
  curl -fsS -m 5 "$(url)/health" | grep -q '^{"status":"ok"'
}
site_wait() {
  wait_until 10 site_settled || say "  (still degraded: curl $(url)/health says why)"
}

# ---- data ----
DEV_PASSWORD=password123

user_ensure() { # e-mail name role
  cli_as marquee_owner user token "$1" >/dev/null 2>&1 ||
    cli_as marquee_owner user add "$1" "$2" --role "$3" --password-file "$STATE/password"
}

users_load() {
  printf '%s\n' "$DEV_PASSWORD" >"$STATE/password" &&
    user_ensure alice@example.org "Alice Organizer" organizer &&
    user_ensure admin@example.org "Ada Admin" admin
}

demo_load() {
  cli_as marquee_owner demo --events 200 --users 50 --registrations 2000 --seed 1 &&
    touch "$STATE/demo.done"
}
